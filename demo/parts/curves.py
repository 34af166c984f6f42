"""Curves of a model's training as SVG."""

import math
from html import escape

import numpy as np

WIDTH, HEIGHT = 340, 200  # of a plot, in its own units
LEFT, RIGHT, TOP, BOTTOM = 40, 8, 8, 24  # margins, for the numbers on the axes
MOST = 5  # numbers on an axis


def ticks(low: float, high: float) -> list[float]:
    """Return up to `MOST` round numbers from `low` to `high`, which must differ."""
    rough = (high - low) / (MOST - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    return [round(step * at, 12) for at in range(math.ceil(low / step), math.floor(high / step) + 1)]


def plot(history: list[dict], title: str, curves: dict[str, str]) -> str:
    """Return a plot over the epochs as HTML; "" if the history has none of the numbers.

    curves: {key of history.jsonl: name in the legend}
    """
    points = {key: [(entry["epoch"], entry[key]) for entry in history if key in entry] for key in curves}
    points = {key: np.array(found, dtype=float) for key, found in points.items() if found}
    if not points:
        return ""
    every = np.concatenate(list(points.values()))
    low, high = every.min(axis=0), every.max(axis=0)
    high = np.where(high > low, high, low + 1)  # a single point needs room, too
    if not (np.isfinite(high - low) & (high > low)).all():  # numbers too large for that
        return ""
    corner, size = np.array([LEFT, HEIGHT - BOTTOM]), np.array([WIDTH - LEFT - RIGHT, TOP + BOTTOM - HEIGHT])
    place = lambda at: corner + (np.asarray(at) - low) / (high - low) * size  # noqa: E731

    parts = []
    for value in ticks(low[1], high[1]):
        y = place((low[0], value))[1]
        parts.append(f'<path class="rule" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
    for epoch in ticks(low[0], high[0]):
        if epoch == int(epoch):
            x = place((epoch, low[1]))[0]
            parts.append(f'<text x="{x:.1f}" y="{HEIGHT - 6}" text-anchor="middle">{epoch:g}</text>')
    for number, key in enumerate(curves):
        if key in points:
            line = "L".join(f"{x:.1f} {y:.1f}" for x, y in place(points[key]))
            parts.append(f'<path class="curve curve-{number}" d="M{line}h0"/>')
    legend = "".join(
        f'<span class="curve-{number}">{escape(name)}</span>'
        for number, (key, name) in enumerate(curves.items())
        if key in points
    )
    return (
        f'<figure class="plot"><figcaption>{escape(title)}</figcaption><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(title)}, over the epochs">{"".join(parts)}</svg><p>{legend}</p></figure>'
    )
