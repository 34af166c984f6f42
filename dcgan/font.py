"""Build a font from a hand: the handwriting of a person who does not exist, to install and type numbers with.

A glyph is the ink of one picture, as dcgan/ink.py traces it: TrueType draws the same curves. Each character has three
glyphs, which take turns: a digit's are of slightly different latents, a sign's of slightly turned strokes. Units: 1000
to the em, 35 to a pixel of the picture.
"""

import hashlib
import html
import io
import itertools
import zipfile
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from string import Template

import numpy as np
import torch
from fontTools.feaLib.builder import addOpenTypeFeaturesFromString
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont, newTable

from dcgan import InputError
from dcgan.data import to_uint8
from dcgan.ink import ISLAND, SIZE, UNITS, grey_picture, trace
from dcgan.latents.codes import encode, latent_of
from dcgan.latents.handwriting import pen_of, sign, varied
from dcgan.latents.sampling import generate, to_28x28
from dcgan.model_folder import Model, weights_sha256

DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
SIGNS = dict(zip("-./:,+=", ["hyphen", "period", "slash", "colon", "comma", "plus", "equal"], strict=True))
SIGNS |= {"(": "parenleft", ")": "parenright", "%": "percent"}
ALTERNATES = ("", ".ss01", ".ss02")  # the glyphs of a character
VARIATION = 0.24  # of the latents of a digit's second and third glyph
EM, SCALE, SPACE = 1000, 35, 320
DOT = 1.35  # of the thickness: the tracing makes small islands smaller
HEIGHT, BASELINE = 20 * SCALE, 24  # of a digit; of a line of 28 pixels
STRETCH = (0.85, 1.25)  # of a digit to that height
ASCENT, DESCENT = 900, -250
BANDS = 20  # of a digit's height, in which the white beside it is measured
SIDE, LEAST, DEPTH = 88, 20, 160  # units: white beside a digit on average and at its ink; what counts at most
UNEVEN, NEAREST = 18, 60  # units: kerning corrects a gap this far from the usual, and keeps this much white
FEATURES = """
languagesystem DFLT dflt; languagesystem latn dflt;
@a = [$a]; @b = [$b]; @c = [$c]; @digit = [@a @b @c];
@p = [$p]; @q = [$q]; @r = [$r]; @between = [space @p @q @r];
lookup second { sub @a by @b; sub @p by @q; } second;
lookup third { sub @a by @c; sub @p by @r; } third;
feature ss01 { featureNames { name "Second way to write"; }; lookup second; } ss01;
feature ss02 { featureNames { name "Third way to write"; }; lookup third; } ss02;
feature calt {
  sub @a @a' lookup second; sub @b @a' lookup third;
  sub @a @between @a' lookup second; sub @b @between @a' lookup third;
  $turns
} calt;
"""
LICENCE, LICENCE_URL = "CC0 1.0: no rights reserved.", "https://creativecommons.org/publicdomain/zero/1.0/"
LICENCE_TEXT = f"""This font is dedicated to the public domain under CC0 1.0 Universal.

Nobody wrote it: a neural network did. You may use, change and share it for any purpose, without asking.
The legal text: {LICENCE_URL}legalcode
"""


def font_name(model: Model, hand: int | str) -> str:
    """Return a font's family name: `Nobody 42` for the seed 42, `Nobody 1f0c9a` for a code. Raises `InputError`."""
    latent, _ = latent_of(hand, model.config)
    text = str(hand).strip()
    if text[0] != "z":
        return f"Nobody {int(text)}"
    code = encode(latent, None)  # without the digit, which is no part of the hand
    return f"Nobody {hashlib.sha256(code.encode()).hexdigest()[:6]}"


def file_stem(family: str) -> str:
    """Return the name of a family's files, without a suffix."""
    return family.lower().replace(" ", "-")


def source_of(model: Model) -> str:
    """Return a model's name, without its folder, and its commit on the Hub, or else the sha256 of its weights."""
    name = model.name if model.commit else Path(model.name).name
    return f"{name} ({f'commit {model.commit}' if model.commit else f'sha256 {weights_sha256(model.folder)[:16]}'})"


def _curve(loops: list[np.ndarray]) -> np.ndarray:
    """Return points (N, 2), a few units apart, on closed quadratic B-splines."""
    t = np.arange(8)[:, None, None] / 8
    before, after = (np.concatenate([(np.roll(a, shift, axis=0) + a) / 2 for a in loops]) for shift in (1, -1))
    return (before * (1 - t) ** 2 + 2 * np.concatenate(loops) * t * (1 - t) + after * t * t).reshape(-1, 2)


def _loops(picture: np.ndarray) -> list[np.ndarray]:
    """Return the ink of a picture (32, 32) without its small islands: loops (K, 2) in pixels, y down."""
    loops = [loop / UNITS for loop in trace(picture).loops]
    areas = [np.sum(np.roll(x, -1) * y - x * np.roll(y, -1)) / 2 for x, y in (loop.T for loop in loops)]
    kept = [loop for loop, area in zip(loops, areas, strict=True) if area < 0 or area > min(ISLAND, max(areas) / 2)]
    if not kept:
        raise InputError("this hand leaves a digit blank: choose another")
    return kept


def _digit(picture: np.ndarray) -> list[np.ndarray]:
    """Return a digit's loops in units: it stands on the baseline and is as high as the others."""
    loops = _loops(picture)
    y = _curve(loops)[:, 1]
    scale = SCALE * np.clip(HEIGHT / SCALE / np.ptp(y), *STRETCH)
    return [(loop - (0, y.max())) * (scale, -scale) for loop in loops]


def _sign(character: str, thickness: float, slant: float, way: int) -> list[np.ndarray]:
    """Return a sign's loops in units: drawn as a picture and traced, so that it is ink like the digits."""
    drawn = sign(character, thickness * (DOT if character in ".:" else 1), slant, way)
    picture = np.zeros((SIZE, SIZE))
    picture[2:-2, (left := (SIZE - drawn.shape[1]) // 2) : left + drawn.shape[1]] = drawn
    return [(loop - (0, BASELINE + 2)) * (SCALE, -SCALE) for loop in _loops(picture / 127.5 - 1)]


class _Glyph:
    """loops: in units, moved to their place. width: the advance. left, right (BANDS,): the ink's sides in each band of
    a digit's height, without the slant; +-inf where there is none."""

    def __init__(self, loops: list[np.ndarray], slant: float, bearing: float | None = None):
        x, y = _curve(loops).T
        lean = slant * (y - HEIGHT / 2)
        band = np.clip(y * BANDS / HEIGHT, 0, BANDS - 1).astype(int)
        left, right = np.full(BANDS, np.inf), np.full(BANDS, -np.inf)
        np.minimum.at(left, band, x - lean)
        np.maximum.at(right, band, x - lean)
        before, after = (
            bearing or max(LEAST, SIDE - np.minimum(white, DEPTH).mean())
            for white in (left - left.min(), right.max() - right)
        )
        shift = before - left.min()
        self.left, self.right, self.width = left + shift, right + shift, round(right.max() + shift + after)
        self.loops = [loop + (shift, 0) for loop in loops]


def _kerning(glyphs: dict[str, _Glyph]) -> str:
    """Return the lines of a feature: pairs of digits whose gap is clearly wider or narrower than usual."""
    near = [np.minimum, np.maximum]  # of a band and the two beside it
    lefts, rights = {}, {}
    for name, glyph in glyphs.items():
        for sides, side, extreme in ((lefts, glyph.left, near[0]), (rights, glyph.right, near[1])):
            sides[name] = reduce(extreme, (np.pad(side, 1, mode="edge")[i : i + BANDS] for i in range(3)))
    white = {
        (a, b): glyphs[a].width - rights[a] + lefts[b] for a, b in itertools.product(glyphs, repeat=2)
    }  # in each band
    gaps = {pair: np.minimum(bands, 2 * DEPTH).mean() for pair, bands in white.items()}
    usual, lines = np.median(list(gaps.values())), []
    for (a, b), gap in gaps.items():
        closest = NEAREST - white[a, b].min()  # what the pair needs at least
        move = round(max(usual - gap if abs(usual - gap) > UNEVEN else 0, closest))
        if move:
            lines.append(f"pos {a} {b} {move};")
    return f"feature kern {{ {' '.join(lines)} }} kern;" if lines else ""


def _glyphs(model: Model, latent: torch.Tensor) -> dict[str, _Glyph]:
    latents = torch.cat([latent.expand(10, -1), varied(latent, 20, VARIATION)])
    made = generate(model.generator, latents, torch.arange(30) % 10)
    thickness, slant = pen_of(to_28x28(to_uint8(made[:10]).numpy(), model.config.border))
    names = [name + suffix for suffix in ALTERNATES for name in DIGITS]
    glyphs = {name: _Glyph(_digit(grey_picture(one)), slant) for name, one in zip(names, made.numpy(), strict=True)}
    for (character, name), (way, suffix) in itertools.product(SIGNS.items(), enumerate(ALTERNATES)):
        glyphs[name + suffix] = _Glyph(_sign(character, thickness, slant, way), slant, bearing=SIDE * 3 / 4)
    return glyphs


def build_font(model: Model, hand: int | str) -> bytes:
    """Return the TrueType font of a seed or the code of a hand. The same hand gives the same bytes.

    Raises `InputError` for what is no hand, and for an unconditional model.
    """
    if not model.config.num_classes:
        raise InputError("this model is unconditional: it cannot write the ten digits of a font")
    family, (latent, _) = font_name(model, hand), latent_of(hand, model.config)
    glyphs = _glyphs(model, latent)
    drawn = {}
    for name, glyph in {".notdef": None, "space": None, **glyphs}.items():
        pen = TTGlyphPen(None)
        for loop in glyph.loops if glyph else ():
            pen.qCurveTo(*np.round(loop[::-1]).astype(int).tolist(), None)  # no point lies on the curve
            pen.closePath()
        drawn[name] = pen.glyph()
    font = FontBuilder(EM, isTTF=True)
    font.setupGlyphOrder(list(drawn))
    characters = dict(zip("0123456789", DIGITS, strict=True)) | SIGNS
    characters |= {" ": "space", "\u00a0": "space", "\u2212": "hyphen"}
    font.setupCharacterMap({ord(character): name for character, name in characters.items()})
    font.setupGlyf(drawn)
    sides = {name: drawn[name].xMin if drawn[name].numberOfContours else 0 for name in drawn}
    font.setupHorizontalMetrics(
        {name: (glyphs[name].width if name in glyphs else SPACE, sides[name]) for name in drawn}
    )
    font.setupHorizontalHeader(ascent=ASCENT, descent=DESCENT)
    source = source_of(model)
    font.setupNameTable(
        {
            "familyName": family,
            "styleName": "Regular",
            "uniqueFontIdentifier": f"{family}, {source}",
            "fullName": family,
            "version": "Version 1.000",
            "psName": family.replace(" ", "") + "-Regular",
            "description": f"The handwriting of a person who does not exist: {family.replace('Nobody', 'hand')} of the "
            f"generator network (DCGAN) {source}.",
            "licenseDescription": LICENCE,
            "licenseInfoURL": LICENCE_URL,
        }
    )
    typographic = {"sTypoAscender": ASCENT, "sTypoDescender": DESCENT, "sTypoLineGap": 0, "fsSelection": 0xC0}
    windows = {"usWinAscent": ASCENT, "usWinDescent": -DESCENT}
    font.setupOS2(version=4, fsType=0, sCapHeight=HEIGHT, sxHeight=HEIGHT * 5 // 7, **typographic, **windows)
    font.setupPost()
    font.updateHead(created=3850070400, modified=3850070400, fontRevision=1.0)  # the start of 2026
    font.font.recalcTimestamp = False  # the same bytes at any time
    font.font["gasp"] = newTable("gasp")
    font.font["gasp"].gaspRange = {0xFFFF: 0x000A}  # smooth at every size, no hinting
    ways = itertools.product((DIGITS, SIGNS.values()), ALTERNATES)
    parts = {key: " ".join(n + suffix for n in names) for key, (names, suffix) in zip("abcpqr", ways, strict=True)}
    gaps = ["@digit " * count for count in range(5)]  # the digits that may stand between two signs that take turns
    parts["turns"] = " ".join(f"sub @p {gap}@p' lookup second; sub @q {gap}@p' lookup third;" for gap in gaps)
    digits = {name + suffix: glyphs[name + suffix] for name in DIGITS for suffix in ALTERNATES}
    addOpenTypeFeaturesFromString(font.font, Template(FEATURES).substitute(parts) + _kerning(digits))
    return _saved(font.font.save)


def _saved(save: Callable[[io.BytesIO], object]) -> bytes:
    save(buffer := io.BytesIO())
    return buffer.getvalue()


def to_woff2(ttf: bytes) -> bytes:
    """Return a font, as `build_font` makes it, as WOFF2 for web pages."""
    font = TTFont(io.BytesIO(ttf), recalcTimestamp=False)
    font.flavor = "woff2"
    return _saved(font.save)


def font_zip(model: Model, hand: int | str) -> bytes:
    """Return a ZIP file: the font as TTF and WOFF2, a page that shows it, and its licence. See `build_font`."""
    ttf, family = build_font(model, hand), font_name(model, hand)
    stem = file_stem(family)
    page = Template((Path(__file__).parent / "specimen.html").read_text(encoding="utf-8"))
    filled = page.substitute(family=family, stem=stem, source=html.escape(source_of(model)))
    files = {
        f"{stem}.ttf": ttf,
        f"{stem}.woff2": to_woff2(ttf),
        "specimen.html": filled.encode(),
        "LICENSE.txt": LICENCE_TEXT.encode(),
    }
    with zipfile.ZipFile(buffer := io.BytesIO(), "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(f"{stem}/{name}"), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
