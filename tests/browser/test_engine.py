"""The browser's engine draws what PyTorch draws: random numbers, codes, pictures, ways, scores."""

import base64
import re
from pathlib import Path

import numpy as np
import pytest
import torch
import wasmtime
from engine_server import ENGINE
from playwright.sync_api import Error, Page

from dcgan import InputError
from dcgan.config import ModelConfig
from dcgan.data import to_uint8
from dcgan.evaluation.scores import score_images
from dcgan.hub.load import load_model
from dcgan.latents.codes import decode, encode, latent_of, quantise
from dcgan.latents.interpolation import interpolate, latent_map
from dcgan.latents.sampling import crop, generate, latent_from_seed, sample
from dcgan.model_folder import Model, load_folder

ODD = ModelConfig(
    latent_dim=7, base_channels=12, discriminator_channels=20, image_size=64, image_channels=3, num_classes=10
)
# Draws points, given as [latents, digits' weights], and returns all pixels as base64.
DRAW = """async ({ model, points, digits }) => {
  const { draw } = await dcgan.load(model);
  const images = points.map((latent, i) => dcgan.toUint8(draw({ latent, digits: digits && digits[i] })));
  const url = await new Promise((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.readAsDataURL(new Blob(images));
  });
  return url.slice(url.indexOf(",") + 1);
}"""


def bytes_of(page: Page, script: str, argument: object) -> np.ndarray:
    return np.frombuffer(base64.b64decode(page.evaluate(script, argument)), np.uint8)


def refusal(page: Page, script: str, argument: object = None) -> str:
    """The sentence with which the engine refuses."""
    with pytest.raises(Error) as caught:
        page.evaluate(script, argument)
    return re.search(r"InputError: (.*)", caught.value.message).group(1)


@pytest.fixture(scope="module")
def odd(server, make_model, tmp_path_factory) -> Model:
    """A model of 64x64 pixels in colour with a short latent and random weights, which the engine knows too."""
    folder = make_model(tmp_path_factory.mktemp("odd") / "odd", ODD)
    server.publish(folder, "odd")
    return load_folder(folder, "odd")


@pytest.fixture(scope="module")
def engine(odd, open_engine) -> Page:
    return open_engine()


def points(config: ModelConfig, count: int) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Latents and digits' weights: the seeds' own digits, digits asked for, truncated latents, mixed digits."""
    drawn = [latent_from_seed(seed, config.latent_dim, config.num_classes) for seed in range(count)]
    quarter, random = count // 4, np.random.default_rng(0)
    truncation = np.concatenate([np.ones(2 * quarter), random.uniform(0.2, 1, count - 2 * quarter)])
    latents = torch.stack([latent * psi for (latent, _), psi in zip(drawn, truncation, strict=True)])
    if not config.num_classes:
        return latents, None
    digits = [digit if i < quarter else i % 10 for i, (_, digit) in enumerate(drawn)]
    weights = torch.eye(10)[digits]
    weights[3 * quarter :] = torch.from_numpy(random.dirichlet(np.full(10, 0.3), count - 3 * quarter)).float()
    return latents, weights


def assert_same_pictures(page: Page, model: Model, count: int) -> None:
    latents, weights = points(model.config, count)
    expected = to_uint8(generate(model.generator, latents, weights)).numpy()
    argument = {
        "model": model.name,
        "points": latents.tolist(),
        "digits": weights.tolist() if weights is not None else None,
    }
    found = bytes_of(page, DRAW, argument).reshape(expected.shape)
    difference = np.abs(found.astype(int) - expected)
    assert difference.max() <= 1
    assert (difference > 0).sum() <= difference.size / 10_000
    assert expected.std() > 10  # the pictures are no blanks


@pytest.mark.parametrize("name", ["mnist-conditional", "mnist"])
def test_pictures_of_the_bundled_models(engine, name):
    assert_same_pictures(engine, load_model(name), 320)


def test_pictures_of_an_odd_model(engine, odd):
    assert_same_pictures(engine, odd, 320)


def test_pictures_without_simd(open_engine):
    page = open_engine(simd=False)
    assert_same_pictures(page, load_model("mnist-conditional"), 64)
    assert_same_pictures(page, load_model("mnist"), 64)


def test_pictures_where_webassembly_is_forbidden(open_engine):
    page = open_engine(before="delete globalThis.WebAssembly")
    assert_same_pictures(page, load_model("mnist"), 32)


def test_the_committed_bytes_are_the_assembled_source():
    assembled = base64.b64encode(wasmtime.wat2wasm((ENGINE / "matmul.wat").read_text())).decode()
    assert f'const BYTES = "{assembled}";' in (ENGINE / "matmul.js").read_text()


SEEDS = [*range(300), 12_345, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1]


OTHER_LENGTHS = [(length, SEEDS[-25:]) for length in (2, 7, 15, 16, 17, 700)]


@pytest.mark.parametrize(("latent_dim", "seeds"), [(100, SEEDS), *OTHER_LENGTHS])
def test_latents_and_digits_of_seeds(engine, latent_dim, seeds):
    script = """async ([seeds, length]) => {
      const { latentFromSeed } = await import("/engine/random.js");
      return seeds.map((seed) => latentFromSeed(seed, length, 10)).map(({ latent, digit }) => [...latent, digit]);
    }"""
    found = np.array(engine.evaluate(script, [seeds, latent_dim]))
    drawn = [latent_from_seed(seed, latent_dim, 10) for seed in seeds]
    assert np.abs(found[:, :-1] - torch.stack([latent for latent, _ in drawn]).numpy()).max() <= 1e-6
    assert found[:, -1].tolist() == [digit for _, digit in drawn]


def test_codes_are_written_and_read_as_in_python(engine):
    latents = torch.randn(20, 100, generator=torch.Generator().manual_seed(0)) * 2
    latents[0, :4] = torch.tensor([0.5, 1.5, 2.5, -1.5]) / 32  # halves: rounded to the even step
    codes = [encode(latent, digit % 10) for digit, latent in enumerate(latents)]
    script = "(latents) => latents.map((latent, i) => dcgan.encode(Float32Array.from(latent), i % 10))"
    assert engine.evaluate(script, latents.tolist()) == codes
    script = "(codes) => codes.map((code) => dcgan.latent(code)).map(({ latent, digit }) => [...latent, digit])"
    read = engine.evaluate(script, codes)
    config = load_model("mnist-conditional").config
    assert read == [[*decode(code, config)[0].tolist(), decode(code, config)[1]] for code in codes]
    script = "(latents) => latents.map((latent) => [...dcgan.quantise(Float32Array.from(latent))])"
    assert engine.evaluate(script, latents.tolist()) == quantise(latents).tolist()
    assert engine.evaluate("(latent) => dcgan.encode(latent, null)", latents[0].tolist()) == encode(latents[0], None)


def test_what_names_no_handwriting_is_refused_as_in_python(engine):
    code = encode(torch.zeros(100), 3)
    texts = ["", "x", "-1", "1.5", "1e3", "４２", "4294967295", "4294967296", "00000000001", " 42\n", "it's", "a" * 50]
    texts += ["z", "z.", "z3", "z3.", "zz.AA", "z11.AA", "z3.AAAA", "z3.A", "z3.A===", "z3.AAA=", "z3.AAAAA", "z3.é"]
    texts += [code, code + "=", code + "==", code + "===", code.replace("z3", "z"), code + "A", code + " ", " " + code]
    texts += [code[:50] + " " + code[50:], code.replace("A", "+"), code.replace("A", "_"), "z3." + "A" * 3000]
    for model in ("mnist-conditional", "mnist"):
        config = load_model(model).config
        script = """([texts, model]) => texts.map((text) => {
          try { const { latent, digit } = dcgan.latent(text, { model }); return [[...latent].slice(0, 3), digit]; }
          catch (error) { return `${error.name}: ${error.message}`; }
        })"""
        for text, found in zip(texts, engine.evaluate(script, [texts, model]), strict=True):
            try:
                latent, digit = latent_of(text, config)
            except InputError as error:
                assert found == f"InputError: {error}"
            else:
                assert found[0] == pytest.approx(latent[:3].tolist(), abs=1e-6), text
                assert found[1] == digit


@pytest.mark.parametrize(("digit", "truncation"), [(None, 1.0), (7, 0.6), ([3, 1, 4, 1, 5, 9, 2, 6], 1.0)])
def test_sample_is_pythons(engine, digit, truncation):
    script = """async (request) => {
      const { images, digits } = await dcgan.sample(request);
      return [images.constructor.name, Array.from(images), Array.from(digits)];
    }"""
    request = {"model": "mnist-conditional", "seeds": list(range(8)), "digit": digit, "truncation": truncation}
    kind, images, digits = engine.evaluate(script, request)
    expected = sample(load_model("mnist-conditional").generator, range(8), digit, truncation)
    assert kind == "Uint8Array"
    assert np.abs(np.array(images).reshape(8, 28, 28) - crop(expected.images, 2)[:, 0].astype(int)).max() <= 1
    assert digits == expected.labels.tolist()


def test_sample_without_digits(engine):
    assert engine.evaluate("async () => (await dcgan.sample({ model: 'mnist', seeds: [1] })).digits") is None


@pytest.mark.parametrize(
    "options",
    [{}, {"closed": True, "easing": "smooth"}, {"spherical": False, "truncation": 0.7}],
)
def test_interpolation_is_pythons(engine, options):
    script = "async (request) => Array.from((await dcgan.interpolate(request)).images)"
    keys = [(5, 3), (6, None), (encode(latent_from_seed(9)[0], 2), 8)]
    request = {"model": "mnist-conditional", "keys": keys, "steps": 6} | options
    expected = crop(interpolate(load_model("mnist-conditional").generator, keys, 6, **options), 2)[:, 0]
    found = np.array(engine.evaluate(script, request)).reshape(expected.shape)
    assert np.abs(found - expected.astype(int)).max() <= 1


def test_the_map_is_pythons(engine):
    corners = [(1, 0), (2, 3), (3, 6), (4, 9)]
    script = """(corners) => {
      const points = corners.map(([hand, digit]) => dcgan.point(hand, { digit }));
      return [0, 0.25, 0.5, 0.75, 1].flatMap((y) => [0, 0.25, 0.5, 0.75, 1].map((x) => {
        const { latent, digits } = dcgan.mapPoint(points, x, y);
        return [...latent, ...digits];
      }));
    }"""
    _, latents, labels = latent_map(load_model("mnist-conditional").generator, corners, 5)
    expected = torch.cat([latents, labels], dim=1).numpy()
    assert np.abs(np.array(engine.evaluate(script, corners)) - expected).max() < 2e-6


def test_a_moved_latent_keeps_its_length(engine):
    script = """() => {
      const { latent } = dcgan.latent(5), vector = latent.map((_, i) => Number(i === 3));
      return [latent, dcgan.move(latent, vector, 0), dcgan.move(latent, vector, 20)].map((one) => [...one]);
    }"""
    latent, still, moved = np.array(engine.evaluate(script))
    assert np.allclose(still, latent, atol=1e-6)
    assert np.linalg.norm(moved) == pytest.approx(np.linalg.norm(latent), rel=1e-6)
    assert moved[3] > 0.6 * np.linalg.norm(moved)


@pytest.mark.parametrize("name", ["mnist-conditional", "mnist", "odd"])
def test_scores_are_pythons(engine, odd, name):
    model = odd if name == "odd" else load_model(name)
    seeds = list(range(24))
    samples = sample(model.generator, seeds)
    expected = score_images(model, samples.images, samples.labels)
    found = engine.evaluate("(request) => dcgan.score(request)", {"model": name, "seeds": seeds})
    assert [one["digit"] for one in found] == expected.digits.tolist()
    assert [one["confidence"] for one in found] == pytest.approx(expected.confidence.tolist(), abs=1e-3)
    assert [one["realness"] for one in found] == pytest.approx(expected.realness.tolist(), abs=1e-3)
    assert np.std(expected.realness) > 0.001


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        ({"seeds": [-1]}, "'-1' is not a hand: type a seed (0 to 4294967295) or a code"),
        ({"seeds": [4294967296]}, "seed is 4294967296: it must be from 0 to 4294967295"),
        ({"seeds": []}, "there must be at least one seed"),
        ({"seeds": [1], "digit": 10}, "digit is 10: it must be from 0 to 9"),
        ({"seeds": [1], "digit": [1, 2]}, "got 2 digits for 1 seeds: give one for each seed"),
        ({"seeds": [1], "truncation": 0}, "truncation is 0: it must be above 0 and at most 1"),
        ({"seeds": [1], "model": "mnist", "digit": 3}, "this model is unconditional: it cannot be asked for a digit"),
        ({"seeds": [1], "model": "x"}, "there is no model x: there is mnist-conditional, mnist, odd"),
    ],
)
def test_refusals(engine, request_, sentence):
    assert refusal(engine, "(request) => dcgan.sample(request)", request_) == sentence


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("image_size", 128, "image_size is 128: it must be one of 32, 64"),
        ("num_classes", 26, "num_classes is 26: it must be one of 0, 10"),
        ("latent_dim", 1, "latent_dim is 1: it must be at least 2 and at most 1024"),
        ("depth", 3, "ModelConfig has no field depth"),
    ],
)
def test_a_config_that_the_engine_cannot_run_is_refused(engine, server, field, value, sentence):
    entry = server.models[0] | {"config": server.models[0]["config"] | {field: value}}
    script = "async (entry) => { const { Models } = await import('/engine/models.js'); new Models([entry]); }"
    assert refusal(engine, script, entry) == sentence


def test_damaged_weights_are_refused(engine, server):
    whole = server.files["/weights/mnist/generator"]
    header = 8 + int.from_bytes(whole[:8], "little")
    nan = np.float32("nan").tobytes()
    for name, content, words in [
        ("short", whole[:-4], "cut short"),
        ("long", whole + b"1234", "bytes: its config asks for"),
        ("empty", b"", "no valid safetensors file"),
        ("no header", b"\xff" * 100, "no valid safetensors file"),
        ("other", server.files["/weights/mnist-conditional/generator"], "differ in the weights"),
        ("infinite", whole[:header] + whole[header:-4] + nan, "not finite"),
        ("twice", whole.replace(b"norms.1.running_mean", b"norms.0.running_mean"), "differ in the weights"),
        ("wide", whole.replace(b"[192]", b"[191]"), "its config asks for"),
    ]:
        server.files["/weights/damaged"] = content
        entry = {"name": "d", "config": server.models[1]["config"], "generatorUrl": "/weights/damaged"}
        script = "async (e) => new (await import('/engine/models.js')).Models([e]).generator('d')"
        assert words in refusal(engine, script, entry), name


def test_each_module_is_small_and_explained():
    for path in Path(ENGINE).glob("*.js"):
        lines = path.read_text().splitlines()
        assert lines[0].startswith("// ") and len(lines) <= 250, path.name
