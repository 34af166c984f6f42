"""Grey pixels to ink: a picture's outline as one SVG path of smooth curves.

demo/static/engine/ink.js in Python: it explains the steps. The same operations in the same order, in double precision,
give the same path to the last character. So sums run from first to last: `np.cumsum`, never `np.sum`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from dcgan import InputError

UNITS = 100  # of a path to one pixel
VIEW_BOX = f"{2 * UNITS} {2 * UNITS} {28 * UNITS} {28 * UNITS}"  # MNIST's 28x28 pixels
SIZE, PAD, FINE = 32, 2, 4  # FINE: the grid's points to one pixel
WIDE = SIZE + 2 * PAD
GRID = (WIDE - 3) * FINE  # its points along one side, from one pixel outside the picture
LEVEL = 0.45  # of the outline: 0 is paper, 1 is ink
SHIFT = 0.05  # about how many pixels the smooth outline may be away from the one through the pixels
BAND = 0.4  # of values around LEVEL: others have no part in the outline
SPECK, ISLAND = 0.5, 2  # pixels of area: dropped, drawn whole
SPACING, FEWEST = 1.1, 8  # pixels between control points; how many there are at least
SMOOTHING = 4 * (0.6, 0.6, -0.62, -0.62)  # in, then out: a loop keeps its size (Taubin 1995)
POLE = np.sqrt(3.0) - 2  # of the filter for the spline that goes through its points
T = np.arange(FINE) / FINE
S = 1 - T
# The weights of the cubic B-spline's four coefficients, at every quarter of a pixel.
WEIGHTS = S * S * S / 6, (4 - 6 * T * T + 3 * T * T * T) / 6, (4 - 6 * S * S + 3 * S * S * S) / 6, T * T * T / 6


@dataclass(frozen=True, eq=False)
class Ink:
    """A traced picture: closed quadratic B-splines around ink and around holes."""

    loops: list[np.ndarray]  # their control points (K, 2) int, x and y in 1 / UNITS of a pixel, all even
    holes: int  # how many loops are holes

    @property
    def path(self) -> str:
        """The outline in SVG's path language, for VIEW_BOX: quadratic curves from midpoint to midpoint."""
        path = ""
        for loop in self.loops:
            ends = (loop + np.roll(loop, -1, axis=0)) // 2
            starts = np.roll(ends, 1, axis=0)
            (x, y), control = starts[0], loop[0] - starts[0]
            first, *others = [f"{step_x} {step_y}" for step_x, step_y in (ends - starts).tolist()]
            path += f"M{x} {y}q{control[0]} {control[1]} {first}t{' '.join(others)}z"
        return path


def grey_picture(picture: np.ndarray) -> np.ndarray:
    """Return the grey picture (32, 32) of any model's picture (C, S, S) in [-1, 1]: the means of its blocks."""
    blocks = picture.astype(np.float64).reshape(len(picture), SIZE, -1, SIZE, picture.shape[2] // SIZE)
    pixels = blocks.transpose(0, 2, 4, 1, 3).reshape(-1, SIZE, SIZE)  # of a block, in the order of their sum
    return np.cumsum(pixels, axis=0)[-1] / len(pixels)


def _sharpen(lines: np.ndarray) -> None:
    """Turn samples into the coefficients of the cubic spline through them, along the first axis (Unser 1999)."""
    for i in range(1, WIDE):
        lines[i] += POLE * lines[i - 1]
    lines[-1] *= -POLE / (1 - POLE * POLE)
    for i in range(WIDE - 2, -1, -1):
        lines[i] = POLE * (lines[i + 1] - lines[i])
    lines *= 6


def _stretch(lines: np.ndarray) -> np.ndarray:
    """Return the spline of coefficients (WIDE, N), along the first axis, at every quarter of a pixel: (GRID, N)."""
    a, b, c, d = (lines[i : i + WIDE - 3, None] * weight[:, None] for i, weight in enumerate(WEIGHTS))
    return (a + b + c + d).reshape(GRID, -1)


def _interpolate(picture: np.ndarray) -> np.ndarray:
    """Return a picture's smooth spline (GRID, GRID). ink.js computes only the box with ink: the rest has no outline."""
    coefficients = np.zeros((WIDE, WIDE))
    coefficients[PAD:-PAD, PAD:-PAD] = np.fmin(1, np.fmax(0, (picture.astype(np.float64) + 1) / 2))  # NaN is paper
    near = _stretch(_stretch(coefficients.T).T)
    _sharpen(coefficients.T)
    _sharpen(coefficients)
    through = _stretch(_stretch(coefficients.T).T)
    slope = np.abs(through[1:-1, 2:] - through[1:-1, :-2]) + np.abs(through[2:, 1:-1] - through[:-2, 1:-1])
    near, through = near[1:-1, 1:-1], through[1:-1, 1:-1]
    limit = np.where(np.abs(through - LEVEL) > BAND, 0, SHIFT * FINE / 2 * slope)
    return np.pad(through + np.clip(near - through, -limit, limit), 1)  # paper at the edge: so every loop closes


def _walk(grid: list[float], paper: int) -> list[tuple[int, int]]:
    """Return the grid's edges (paper, ink) that a loop crosses, ink on its left, from (paper, paper + 1) on."""
    out, inside, forward, edges = paper, paper + 1, GRID, []
    while not edges or (out, inside) != edges[0]:
        edges.append((out, inside))
        step, left, right = inside - out, inside + forward, out + forward
        left_ink, right_ink = grid[left] >= LEVEL, grid[right] >= LEVEL
        # At a saddle the middle decides which two corners belong together.
        if right_ink and (left_ink or grid[left] + grid[right] + grid[inside] + grid[out] >= 4 * LEVEL):
            inside, forward = right, -step
        elif left_ink:
            inside, out = left, right
        else:
            out, forward = left, step
    return edges


def _outline(grid: np.ndarray) -> Iterator[np.ndarray]:
    """Yield every loop around ink or around a hole: points (2, N), x and y in pixels."""
    grid, visited = grid.ravel(), set()
    values, ink = grid.tolist(), grid >= LEVEL
    for start in np.flatnonzero(~ink[:-1] & ink[1:]).tolist():
        if start not in visited:
            out, inside = np.array(_walk(values, start)).T
            visited.update(out[inside == out + 1].tolist())
            t = (LEVEL - grid[out]) / (grid[inside] - grid[out])
            at, to = np.stack([out % GRID, out // GRID]), np.stack([inside % GRID, inside // GRID])
            yield (at + (to - at) * t) / FINE - 0.5


def _control(points: np.ndarray, scale: float) -> np.ndarray:
    """Return the control points (N / 2, 2) for a loop (2, N): smoothed, and scaled about its mean."""
    for share in SMOOTHING:  # towards every point's neighbours' mean, or away from it
        points = points + share * ((np.roll(points, 1, axis=1) + np.roll(points, -1, axis=1)) / 2 - points)
    mean = np.cumsum(points, axis=1)[:, -1:] / points.shape[1]
    points = points[:, ::2]  # the curve passes through these
    points = points - (np.roll(points, 1, axis=1) - 2 * points + np.roll(points, -1, axis=1)) / 8
    return 2 * np.floor((mean + scale * (points - mean)) * (UNITS / 2) + 0.5).astype(int).T  # even: midpoints are whole


def trace(picture: np.ndarray) -> Ink:
    """Return the ink of a picture (32, 32) in [-1, 1], as the generator made it. Raises `InputError` if not 32x32."""
    if picture.shape != (SIZE, SIZE):
        raise InputError(f"a picture has shape {picture.shape}: ink needs ({SIZE}, {SIZE})")
    loops, holes, islands = [], 0, []  # islands: the boxes of small ones, which lose their holes
    for points in _outline(_interpolate(picture)):
        following, start = np.roll(points, -1, axis=1), points[:, 0]
        area = np.cumsum(following[0] * points[1] - points[0] * following[1])[-1] / 2  # negative around a hole
        if 0 <= area < ISLAND:
            islands.append((points.min(axis=1), points.max(axis=1)))
        if 0 <= area <= SPECK or area < 0 and any(((low < start) & (start < high)).all() for low, high in islands):
            continue
        steps_x, steps_y = following - points
        lengths = np.cumsum([0, *np.sqrt(steps_x * steps_x + steps_y * steps_y)])
        count = 2 * max(FEWEST, int(lengths[-1] / SPACING + 0.5))
        places = np.arange(count) * lengths[-1] / count  # equally far from each other along the loop
        at = np.searchsorted(lengths, places, side="right") - 1
        t = (places - lengths[at]) / (lengths[at + 1] - lengths[at])
        scale = 1 if area < 0 else np.sqrt(min(1, (area - SPECK) / (ISLAND - SPECK)))
        loops.append(_control(points[:, at] + t * (following[:, at] - points[:, at]), scale))
        holes += int(area < 0)
    return Ink(loops, holes)
