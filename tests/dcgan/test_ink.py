"""Ink in Python: shapes whose outline is known. tests/browser/test_ink.py compares it with the browser's."""

import numpy as np
import pytest

from dcgan import InputError
from dcgan.ink import UNITS, VIEW_BOX, grey_picture, trace

FINE = 8  # samples along a pixel, for pictures with soft edges


def picture(is_ink) -> np.ndarray:
    """Return a picture (32, 32) in [-1, 1]: how much of each pixel is ink. is_ink: a function of x and y in pixels."""
    y, x = (np.mgrid[: 32 * FINE, : 32 * FINE] + 0.5) / FINE
    return is_ink(x, y).reshape(32, FINE, 32, FINE).mean(axis=(1, 3)) * 2 - 1


def disc(radius: float, hole: float = 0, x: float = 16, y: float = 16) -> np.ndarray:
    return picture(lambda at_x, at_y: abs(np.hypot(at_x - x, at_y - y) - (radius + hole) / 2) < (radius - hole) / 2)


def area(loop: np.ndarray) -> float:
    """The area of a control polygon in square pixels, negative around a hole."""
    x, y = loop.T / UNITS
    return float(np.sum(np.roll(x, -1) * y - x * np.roll(y, -1)) / 2)


def curve(loop: np.ndarray) -> np.ndarray:
    """Points (N, 2) in pixels on a closed quadratic B-spline."""
    before, after, t = (
        (np.roll(loop, 1, axis=0) + loop) / 2,
        (np.roll(loop, -1, axis=0) + loop) / 2,
        np.linspace(0, 1, 9),
    )
    t = t[:, None, None]
    return (before * (1 - t) ** 2 + 2 * loop * t * (1 - t) + after * t**2).reshape(-1, 2) / UNITS


def test_paper_has_no_outline():
    ink = trace(np.full((32, 32), -1.0))
    assert (ink.loops, ink.holes, ink.path) == ([], 0, "")
    assert trace(np.full((32, 32), np.nan)).path == ""


@pytest.mark.parametrize("radius", [3, 6, 12])
def test_a_disc_is_one_loop_of_its_area(radius):
    ink = trace(disc(radius))
    assert (len(ink.loops), ink.holes) == (1, 0)
    assert area(ink.loops[0]) == pytest.approx(np.pi * radius**2, rel=0.04)
    distances = np.hypot(*(curve(ink.loops[0]) - 16).T)
    assert np.abs(distances - radius).max() < 0.25


def test_a_ring_has_a_hole():
    ink = trace(disc(10, 5))
    assert (len(ink.loops), ink.holes) == (2, 1)
    assert area(ink.loops[0]) == pytest.approx(np.pi * 100, rel=0.05)
    assert area(ink.loops[1]) == pytest.approx(-np.pi * 25, rel=0.05)


def test_the_outline_of_a_square_runs_along_its_edge():
    points = curve(trace(picture(lambda x, y: (abs(x - 15) < 7) & (abs(y - 18) < 7))).loops[0]) - (15, 18)
    from_edge = np.abs(np.abs(points).max(axis=1) - 7)
    corner = (np.abs(points) > 5.5).all(axis=1)
    assert from_edge[~corner].max() < 0.25
    assert from_edge[corner].max() < 1  # corners are round
    assert len({*map(tuple, np.sign(points[corner]))}) == 4


def test_a_speck_is_dropped_and_a_small_island_drawn_smaller():
    speck, island, whole = (disc(radius, x=10, y=20) for radius in (0.4, 0.8, 1.5))
    assert trace(speck).path == ""
    assert 0 < area(trace(island).loops[0]) < 0.7 * np.pi * 0.8**2
    assert area(trace(whole).loops[0]) == pytest.approx(np.pi * 1.5**2, rel=0.15)


def test_a_small_island_loses_its_hole():
    ring = np.full((32, 32), -1.0)
    ring[14:17, 14:17] = np.array([[8, 46, 8], [46, 43, 46], [8, 46, 8]]) / 50 - 1
    assert len(trace(ring).loops) == 1
    larger = np.full((32, 32), -1.0)
    larger[14:17, 14:17] = np.array([[8, 60, 8], [60, 40, 60], [8, 60, 8]]) / 50 - 1
    assert trace(larger).holes == 1


def test_the_path_goes_through_the_midpoints_of_the_control_points():
    ink = trace(np.maximum(disc(6, 3, 10, 10), disc(5, 0, 24, 24)))
    assert VIEW_BOX == "200 200 2800 2800"
    loops = ink.path.split("M")[1:]
    assert len(loops) == len(ink.loops) == 3
    for path, loop in zip(loops, ink.loops, strict=True):
        start, steps = path.removesuffix("z").split("q")
        steps = np.array([int(number) for number in steps.replace("t", " ").split()]).reshape(-1, 2)
        start = np.array([int(number) for number in start.split()])
        assert np.array_equal(start, (loop[-1] + loop[0]) / 2)
        assert np.array_equal(start + steps[0], loop[0])
        assert np.array_equal(start + np.cumsum(steps[1:], axis=0), (loop + np.roll(loop, -1, axis=0)) / 2)


@pytest.mark.parametrize("shape", [(1024,), (28, 28), (1, 32, 32), (64, 64)])
def test_another_shape_is_refused(shape):
    with pytest.raises(InputError, match="32"):
        trace(np.zeros(shape))


@pytest.mark.parametrize(("channels", "size"), [(1, 32), (3, 32), (1, 64), (3, 64)])
def test_any_models_picture_becomes_grey(channels, size):
    colours = np.random.default_rng(0).uniform(-1, 1, (channels, size, size)).astype(np.float32)
    grey, block = grey_picture(colours), size // 32
    assert grey.shape == (32, 32)
    assert grey[5, 9] == pytest.approx(colours[:, 5 * block : 6 * block, 9 * block : 10 * block].mean(), abs=1e-6)
    if (channels, size) == (1, 32):
        assert np.array_equal(grey, colours[0])
