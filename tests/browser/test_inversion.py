"""The browser finds the hand of a drawing: the gradient, the drawing's layout, the search, what is no digit."""

import base64
import zlib
from string import ascii_letters, digits

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from playwright.sync_api import Error, Page

from dcgan.config import ModelConfig
from dcgan.data import to_float, to_model_size, to_uint8
from dcgan.evaluation.scores import likely_digits
from dcgan.hub.load import load_model
from dcgan.latents.codes import quantise
from dcgan.latents.inversion import difference, invert, normalise_drawing
from dcgan.latents.sampling import generate, latent_from_seed
from dcgan.model_folder import Model, load_folder

ODD = ModelConfig(latent_dim=7, base_channels=12, image_size=64, image_channels=3, num_classes=10)
SEVEN = [[(90, 80), (190, 80), (120, 220)]]
SCRIBBLE = [[(40, 140), (90, 60), (110, 210), (150, 60), (170, 220), (210, 70), (230, 200), (60, 180), (240, 90)]]
GRADIENT = """async ({ model, latent, digit, target }) => {
  const { Gradient } = await import("/engine/inversion.js"), { Generator } = await import("/engine/generator.js");
  const { config, generatorUrl } = model, bytes = await (await fetch(generatorUrl)).arrayBuffer();
  const gradient = new Gradient(new Generator(config, bytes));
  const { loss, slope } = gradient.of(Float32Array.from(latent), digit, Float32Array.from(target));
  return { loss, slope: [...slope] };
}"""
FIND = """async ({ model, pixels, digit = null }) => {
  const finder = await dcgan.loadFinder(model), start = performance.now();
  return new Promise((resolve) => {
    const answers = [];
    finder.find(Uint8Array.from(pixels), { digit, told: ({ point, ...answer }) => {
      answers.push({ ...answer, latent: [...point.latent], after: performance.now() - start });
      if (answer.done) resolve(answers);
    } });
  });
}"""


def sheet(strokes: list[list[tuple[int, int]]], size: int = 112) -> np.ndarray:
    """Return strokes on a pad of 280x280 as the page sees them: (size, size) uint8, white on black."""
    picture = Image.new("L", (560, 560))
    pen = ImageDraw.Draw(picture)
    for stroke in strokes:
        points = [(2 * x, 2 * y) for x, y in stroke]
        pen.line(points, 255, 44, "curve")
        for x, y in points:
            pen.ellipse((x - 22, y - 22, x + 22, y + 22), 255)
    return np.asarray(picture.resize((size, size), Image.Resampling.BOX))


@pytest.fixture(scope="module")
def odd(server, make_model, tmp_path_factory) -> Model:
    """A model of 64x64 pixels in colour with a short latent and random weights."""
    folder = make_model(tmp_path_factory.mktemp("odd") / "odd", ODD)
    server.publish(folder, "odd")
    return load_folder(folder, "odd")


@pytest.mark.parametrize("name", ["mnist-conditional", "mnist", "odd"])
def test_gradient_is_pytorchs(engine: Page, server, odd, name):
    entry = next(entry for entry in server.models if entry["name"] == name)
    model = odd if name == "odd" else load_model(name)
    config, generator = model.config, model.generator
    latent, digit = latent_from_seed(5, config.latent_dim, config.num_classes)
    image = torch.from_numpy(normalise_drawing(sheet(SEVEN)))[None]
    target = to_float(to_model_size(image, config.image_size, config.image_channels))
    latent.requires_grad_(True)
    loss = difference(generator(latent[None], None if digit is None else torch.tensor([digit])), target).sum()
    (slope,) = torch.autograd.grad(loss, [latent])
    argument = {"model": entry, "latent": latent.tolist(), "digit": digit, "target": target.flatten().tolist()}
    found = engine.evaluate(GRADIENT, argument)
    assert found["loss"] == pytest.approx(float(loss.detach()), rel=1e-4)
    np.testing.assert_allclose(found["slope"], slope, rtol=1e-3, atol=1e-3 * float(slope.abs().max()))
    step, index = 0.02, int(slope.abs().argmax())
    losses = []
    for sign in (1, -1):
        moved = latent.detach().clone()
        moved[index] += sign * step
        losses.append(engine.evaluate(GRADIENT, argument | {"latent": moved.tolist()})["loss"])
    assert (losses[0] - losses[1]) / (2 * step) == pytest.approx(found["slope"][index], rel=0.02)


def doodles() -> list[np.ndarray]:
    """Sheets of every kind: strokes, a dot, thick and thin, ink at the edge, faint noise."""
    random = np.random.default_rng(0)
    found = [sheet(SEVEN), sheet(SCRIBBLE), sheet([[(140, 140)]]), sheet([[(0, 0), (20, 270)]])]
    for _ in range(20):
        found.append(sheet([random.integers(10, 270, (random.integers(1, 6), 2)).tolist()]))
    return [*found, random.integers(0, 256, (112, 112)).astype(np.uint8)]


@pytest.fixture(scope="module", autouse=True)
def drawing_module(engine: Page) -> None:
    """Offer drawing.js to the scripts of these tests as `drawing`."""
    engine.evaluate("async () => { globalThis.drawing = await import('/engine/drawing.js'); }")


def test_drawing_is_laid_out_as_python_does(engine: Page):
    for drawing in doodles():
        script = "(sheet) => [...drawing.normaliseDrawing(Uint8Array.from(sheet), 112).pixels]"
        found = np.array(engine.evaluate(script, drawing.flatten().tolist())).reshape(28, 28)
        assert np.abs(found - normalise_drawing(drawing).astype(int)).max() <= 1


def test_drawing_is_where_it_was_on_the_sheet(engine: Page):
    script = "(sheet) => drawing.normaliseDrawing(Uint8Array.from(sheet), 112).sheet"
    left, top, side = engine.evaluate(script, sheet([[(60, 40), (60, 240)]]).flatten().tolist())
    # The pen is 22 of 280 wide: the ink is 222 high, which becomes 20 pixels, and its middle is that of 28x28.
    assert side == pytest.approx(20 * 280 / 222, rel=0.02)
    assert [left + 60 / 280 * side, top + 140 / 280 * side] == pytest.approx([14, 14], abs=0.7)


def test_sheet_without_ink_has_no_drawing(engine: Page):
    assert engine.evaluate("() => drawing.normaliseDrawing(new Uint8Array(112 ** 2).fill(39), 112)") is None


def test_drawing_goes_into_a_link_and_back(engine: Page):
    pixels = normalise_drawing(sheet(SEVEN))
    text = engine.evaluate("(pixels) => drawing.pack(Uint8Array.from(pixels))", pixels.flatten().tolist())
    assert set(text) <= set(ascii_letters + digits + "-_")
    assert zlib.decompress(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))) == pixels.tobytes()
    old = base64.urlsafe_b64encode(zlib.compress(pixels.tobytes(), 9)).decode().rstrip("=")  # of an old link
    assert engine.evaluate("async (text) => [...await drawing.unpack(text)]", old) == pixels.flatten().tolist()


@pytest.mark.parametrize("text", ["abc", "%", "", base64.urlsafe_b64encode(zlib.compress(bytes(785))).decode()])
def test_damaged_link_is_refused(engine: Page, text):
    with pytest.raises(Error, match="InputError: the drawing in this link is damaged"):
        engine.evaluate("(text) => drawing.unpack(text)", text)


@pytest.mark.parametrize("name", ["mnist-conditional", "mnist"])
def test_finds_a_hand_as_good_as_pythons(engine: Page, name):
    model, image = load_model(name), normalise_drawing(sheet(SEVEN))
    answers = engine.evaluate(FIND, {"model": name, "pixels": image.flatten().tolist()})
    first, last = answers[0], answers[-1]
    assert not first["done"] and last["done"]
    assert last["error"] < first["error"]
    tried = likely_digits(image, 2) if model.config.num_classes else ()
    assert last["error"] < 1.2 * invert(model.generator, image, tried).error
    assert np.linalg.norm(last["latent"]) == pytest.approx(10, abs=0.1)
    assert last["latent"] == quantise(torch.tensor(last["latent"])).tolist()
    digit = None if last["digit"] is None else torch.tensor([last["digit"]])
    drawn = to_uint8(generate(model.generator, torch.tensor([last["latent"]]), digit)).numpy()[0, 0, 2:30, 2:30]
    error = np.sqrt(np.square(drawn.astype(float) - image).sum() / 32**2)
    assert last["error"] == pytest.approx(error, abs=0.05)
    assert (last["reading"], last["digit"]) == (7, 7 if model.config.num_classes else None)


def test_asked_digit_is_the_one_that_is_tried(engine: Page):
    pixels = normalise_drawing(sheet(SEVEN)).flatten().tolist()
    last = engine.evaluate(FIND, {"model": "mnist-conditional", "pixels": pixels, "digit": 2})[-1]
    assert (last["digit"], last["reading"]) == (2, 7)


def test_next_drawing_ends_the_search(engine: Page):
    script = """async ([one, two]) => {
      const finder = await dcgan.loadFinder(), told = [];
      finder.find(Uint8Array.from(one), { told: () => told.push(1) });
      return new Promise((resolve) => finder.find(Uint8Array.from(two), { told: ({ done }) => {
        told.push(2);
        if (done) resolve(told);
      } }));
    }"""
    both = [normalise_drawing(sheet(strokes)).flatten().tolist() for strokes in (SEVEN, SCRIBBLE)]
    told = engine.evaluate(script, both)
    assert told[:2] == [1, 2]
    assert 1 not in told[1:]


@pytest.mark.parametrize(("strokes", "known"), [(SEVEN, True), (SCRIBBLE, False)])
def test_scribble_is_no_digit(engine: Page, strokes, known):
    pixels = normalise_drawing(sheet(strokes)).flatten().tolist()
    assert engine.evaluate(FIND, {"model": "mnist-conditional", "pixels": pixels})[-1]["known"] is known
