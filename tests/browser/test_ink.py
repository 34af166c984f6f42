"""Ink: the outline keeps a digit's holes, drops specks, and moves without jumps."""

import base64
import json

import numpy as np
import pytest
import torch
from scipy import ndimage

from dcgan.hub.load import load_model
from dcgan.ink import VIEW_BOX, grey_picture, trace
from dcgan.latents.sampling import generate, latent_from_seed

LEVEL = 0.45
TRACE = """async (pictures) => {
  const { trace } = await import("/engine/ink.js");
  return pictures.map((picture) => { const ink = trace(Float32Array.from(picture)); return [ink.holes, ink.path]; });
}"""


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    """(1000, 32, 32) in [-1, 1]: the digits of the first seeds."""
    drawn = [latent_from_seed(seed, 100, 10) for seed in range(1000)]
    latents, digits = torch.stack([latent for latent, _ in drawn]), torch.tensor([digit for _, digit in drawn])
    return generate(load_model("mnist-conditional").generator, latents, digits)[:, 0].numpy()


def count_holes(pictures: np.ndarray) -> list[int]:
    """Holes of the unblurred pictures: of the cubic splines through their pixels, on a grid of a sixth of a pixel."""
    one_way = [ndimage.zoom(row, 6, order=3, mode="grid-constant", grid_mode=True) for row in np.eye(36)[2:-2]]
    matrix = torch.from_numpy(np.stack(one_way, axis=1)).float()  # (216, 32): what `zoom` does to a row of pixels
    paper = matrix @ torch.from_numpy((pictures + 1) / 2) @ matrix.T < LEVEL
    return [ndimage.label(one)[1] - 1 for one in paper.numpy()]


def test_ink_keeps_the_holes_of_a_thousand_digits(engine, pictures):
    script = """async (request) => {
      const { ink, draw } = await dcgan.load("mnist-conditional");
      return Array.from({ length: request }, (_, seed) => ink(dcgan.point(seed)).holes);
    }"""
    found = np.array(engine.evaluate(script, len(pictures)))
    expected = np.array(count_holes(pictures))
    assert (found == expected).mean() >= 0.995
    assert set(expected) >= {0, 1, 2}


def test_what_is_inside_the_path_is_ink(engine, pictures):
    """Path2D and SVG path are the same outline, and it encloses the pixels that are dark."""
    script = """async (pictures) => {
      const { trace, UNITS } = await import("/engine/ink.js");
      const context = document.createElement("canvas").getContext("2d");
      return pictures.map((picture) => {
        const ink = trace(Float32Array.from(picture)), drawn = new Path2D(ink.path), inside = [];
        for (let i = 0; i < 1024; i++) {
          const [x, y] = [(i % 32 + 0.5) * UNITS, (Math.floor(i / 32) + 0.5) * UNITS];
          inside.push([context.isPointInPath(drawn, x, y), context.isPointInPath(ink.path2d, x, y)]);
        }
        return inside;
      });
    }"""
    found = np.array(engine.evaluate(script, pictures[:20].reshape(20, -1).tolist()))
    assert (found[..., 0] == found[..., 1]).all()
    values = (pictures[:20].reshape(20, -1) + 1) / 2
    clear = np.abs(values - LEVEL) > 0.25
    assert (found[..., 0] == (values > LEVEL))[clear].mean() > 0.999
    assert (found[..., 0] == (values > LEVEL)).mean() > 0.98


def blob(x: float, y: float, radius: float, height: float = 1.0) -> np.ndarray:
    rows, columns = np.mgrid[:32, :32]
    return height * np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * radius**2))


def area(path: str) -> float:
    """The area inside a path, in pixels; holes count against it."""
    total = 0.0
    for loop in path.split("M")[1:]:
        numbers = [int(number) for number in loop.rstrip("z").replace("q", " ").replace("t", " ").split()]
        start, control, *steps = np.array(numbers).reshape(-1, 2) / 100
        control, curve, t = start + control, [], np.linspace(0, 1, 8, endpoint=False)[:, None]
        for step in steps:
            end = start + step
            curve.append(start * (1 - t) ** 2 + 2 * control * t * (1 - t) + end * t**2)
            start, control = end, 2 * end - control  # `t` mirrors the last control point
        x, y = np.concatenate(curve).T
        total += np.sum(np.roll(x, -1) * y - x * np.roll(y, -1)) / 2
    return total


def test_specks_are_dropped_and_islands_grow_from_nothing(engine):
    stroke = blob(10, 16, 4)
    heights = np.linspace(0.3, 1, 71)
    frames = [np.clip(np.maximum(stroke, blob(25, 16, 0.9, height)) * 2 - 1, -1, 1) for height in heights]
    traced = engine.evaluate(TRACE, [frame.ravel().tolist() for frame in frames])
    areas = np.array([area(path) for _, path in traced]) - area(traced[0][1])
    loops = [path.count("M") for _, path in traced]
    assert loops[0] == 1 and loops[-1] == 2
    first = loops.index(2)
    assert areas[first] < 0.1  # it appears as a dot
    assert np.diff(areas).max() < 0.3  # and never jumps
    assert areas[-1] > 2


def test_a_hole_opens_from_nothing(engine):
    frames = [blob(16, 16, 5) * 1.6 - 1.3 * blob(16, 16, 2, height) for height in np.linspace(0, 1, 71)]
    traced = engine.evaluate(TRACE, [(np.clip(frame, 0, 1) * 2 - 1).ravel().tolist() for frame in frames])
    areas = [area(path) for _, path in traced]
    assert traced[0][0] == 0 and traced[-1][0] == 1
    assert np.abs(np.diff(areas)).max() < 1


def test_blank_noisy_and_full_pictures(engine):
    random = np.random.default_rng(0)
    noise = [random.uniform(-1, 1, 1024) for _ in range(20)]
    edge = [np.full(1024, -1.0), np.full(1024, 1.0)]
    traced = engine.evaluate(TRACE, json.loads(json.dumps([picture.tolist() for picture in edge + noise])))
    assert traced[0] == [0, ""]
    assert traced[1][1].count("M") == 1
    assert area(traced[1][1]) == pytest.approx(1024, rel=0.05)
    assert all(path.count("M") > holes for holes, path in traced[2:])


def test_ink_of_sampled_pixels(engine):
    """The console's `ink` takes the 28x28 pixels of `sample`: nearly the path of the floats."""
    script = """async () => {
      const { images } = await dcgan.sample({ seeds: [3] }), { ink } = await dcgan.load();
      return [dcgan.ink(images).path, ink(dcgan.point(3)).path, dcgan.ink(images).holes];
    }"""
    rounded, exact, holes = engine.evaluate(script)
    assert area(rounded) == pytest.approx(area(exact), abs=1)
    assert isinstance(holes, int)


def assert_same_ink(pictures: list[np.ndarray], traced: list[list]) -> None:
    inks = [trace(picture) for picture in pictures]
    differing = [i for i, ink in enumerate(inks) if [ink.holes, ink.path] != traced[i]]
    assert len(inks) == len(traced) and not differing


@pytest.mark.parametrize("model", ["mnist-conditional", "mnist"])
def test_python_traces_the_browsers_digits_to_the_same_paths(engine, model):
    """Digits of seeds, and pictures halfway between two of them, as the browser draws and traces them."""
    script = """async (model) => {
      const { draw, trace } = await dcgan.load(model), points = [];
      for (let seed = 0; seed < 120; seed++) points.push(dcgan.point(seed, { model }));
      for (let i = 0; i < 40; i++) points.push(dcgan.between(points[i], points[i + 1], 0.5));
      const pictures = points.map((point) => Float32Array.from(draw(point)));
      const bytes = pictures.map((picture) => btoa(String.fromCharCode(...new Uint8Array(picture.buffer))));
      return [bytes, pictures.map(trace).map(({ holes, path }) => [holes, path]), dcgan.VIEW_BOX];
    }"""
    drawn, traced, view_box = engine.evaluate(script, model)
    pictures = [np.frombuffer(base64.b64decode(text), np.float32).reshape(32, 32) for text in drawn]
    assert_same_ink(pictures, traced)
    assert view_box == VIEW_BOX


def test_python_traces_odd_pictures_to_the_same_paths(engine, pictures):
    random = np.random.default_rng(1)
    noise = random.normal(0, 1.5, (40, 32, 32))
    smooth = [ndimage.gaussian_filter(one, 1.2) * 3 for one in noise]  # with many saddles
    islands = np.where(random.random((40, 32, 32)) < 0.05, noise, -1)
    broken = noise[:10].copy()
    broken[random.random(broken.shape) < 0.1] = np.nan
    broken[random.random(broken.shape) < 0.02] = np.inf
    broken[random.random(broken.shape) < 0.02] = -np.inf
    faint = random.uniform(-1, -0.75, (10, 32, 32))
    plain = [np.full((32, 32), value) for value in (-1, 1, 0, -0.1, np.nan)]
    squares = [np.where(np.indices((32, 32)).sum(0) // side % 2, 1.0, -1.0) for side in (1, 2, 3, 5)]
    ring = np.full((32, 32), -1.0)
    ring[14:17, 14:17] = np.array([[8, 46, 8], [46, 43, 46], [8, 46, 8]]) / 50 - 1  # so small that it loses its hole
    halfway = (pictures[:20] + pictures[20:40]) / 2
    groups = (noise, smooth, islands, broken, faint, plain, squares, [ring], halfway)
    odd = [np.float32(one) for group in groups for one in group]
    traced = engine.evaluate(TRACE, [one.ravel().tolist() for one in odd])
    assert any(path == "" for _, path in traced)
    assert_same_ink(odd, traced)


@pytest.mark.parametrize(("channels", "size"), [(1, 32), (3, 32), (1, 64), (3, 64)])
def test_python_makes_the_same_grey_picture(engine, channels, size):
    script = """async ([picture, config]) => {
      const { toGrey32 } = await import("/engine/pictures.js");
      return Array.from(toGrey32(Float32Array.from(picture), config));
    }"""
    picture = np.random.default_rng(2).uniform(-1, 1, (channels, size, size)).astype(np.float32)
    config = {"image_size": size, "image_channels": channels}
    assert engine.evaluate(script, [picture.ravel().tolist(), config]) == grey_picture(picture).ravel().tolist()
