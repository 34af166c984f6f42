"""The player: a large frame, a slider and a strip of all frames. `player.js` plays them without the server."""

from collections.abc import Sequence
from html import escape

import numpy as np
from PIL import Image

from demo.parts.pictures import for_screen


def strip(frames: Sequence[np.ndarray], exact: bool) -> Image.Image:
    """Return all frames side by side without gaps. CSS shows one of them at a time."""
    pictures = [for_screen(frame, exact) for frame in frames]
    sheet = Image.new(pictures[0].mode, (len(pictures) * pictures[0].width, pictures[0].height))
    for i, picture in enumerate(pictures):
        sheet.paste(picture, (i * picture.width, 0))
    return sheet


def player(
    sprite: str,
    names: Sequence[str],
    what: str,
    *,
    loop: str,
    milliseconds: int,
    exact: bool = False,
    tall: bool = False,
) -> str:
    """Return HTML that plays frames.

    sprite: data URI of all frames side by side, or one below the other if `tall`. names: of each frame, for screen
    readers. what: alternative text. loop: "round" (from the last to the first), "back" (and forth) or "once".
    """
    last = len(names) - 1
    cells = "".join(
        f'<button type="button" class="frame" data-index="{i}" style="--at: {i / max(last, 1):.6f}"'
        f' aria-label="{escape(name)}"></button>'
        for i, name in enumerate(names)
    )
    return (
        f'<div class="way{" exact" if exact else ""}{" tall" if tall else ""}" data-last="{last}" data-loop="{loop}"'
        f' data-milliseconds="{milliseconds}" style="--frames: {last + 1}; --strip: url(\'{sprite}\')">'
        f'<div class="stage frame" role="img" aria-label="{escape(what)}"></div>'
        '<div class="transport"><button type="button" class="play">Play</button>'
        f'<input type="range" class="position" min="0" max="{last}" value="0" step="1"'
        ' aria-label="frame"></div>'
        f'<p class="note" aria-hidden="true"></p><div class="strip" tabindex="-1">{cells}</div></div>'
    )
