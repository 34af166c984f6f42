"""Fonts from hands: what a program reads in the file, what it shapes, and what a classifier reads when it is drawn."""

import io
import os
import shutil
import subprocess
import zipfile

import numpy as np
import pytest
import torch
from fontTools.ttLib import TTFont
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from dcgan import InputError
from dcgan.config import ModelConfig
from dcgan.evaluation.classifier import load_classifier, read
from dcgan.font import ALTERNATES, DIGITS, SIGNS, build_font, font_name, font_zip, to_woff2
from dcgan.hub.load import load_model
from dcgan.ink import trace
from dcgan.latents.codes import encode
from dcgan.latents.handwriting import varied
from dcgan.latents.inversion import normalise_drawing
from dcgan.latents.sampling import generate, latent_from_seed

GLYPHS = [name + suffix for suffix in ALTERNATES for name in DIGITS]


@pytest.fixture(scope="module")
def model():
    return load_model("mnist-conditional")


@pytest.fixture(scope="module")
def ttf(model) -> bytes:
    return build_font(model, 42)


def pictures(model, seed: int) -> np.ndarray:
    """The pictures (30, 32, 32) in [-1, 1] that a font's digits are traced from, in the order of GLYPHS."""
    latent = latent_from_seed(seed)[0]
    latents = torch.cat([latent.expand(10, -1), varied(latent, 20, 0.24)])
    return generate(model.generator, latents, torch.arange(30) % 10)[:, 0].numpy()


def digits_read(images: list[np.ndarray]) -> np.ndarray:
    return read(load_classifier(), torch.from_numpy(np.stack(images)))[0].numpy()


def drawn(ttf: bytes, features: list[str]) -> list[np.ndarray]:
    """Ten digits (28, 28), drawn by FreeType and placed as MNIST does."""
    font = ImageFont.truetype(io.BytesIO(ttf), 200)
    images = []
    for digit in "0123456789":
        picture = Image.new("L", (360, 360))
        ImageDraw.Draw(picture).text((100, 60), digit, 255, font, features=features)
        images.append(normalise_drawing(np.asarray(picture)))
    return images


def holes(picture: np.ndarray, level: float = 0.45) -> int:
    """The holes of a picture (32, 32) in [-1, 1]: paper that the outside's paper does not reach, between its pixels."""
    fine = Image.fromarray(np.pad(picture, 1, constant_values=-1)).resize((34 * 8, 34 * 8), Image.Resampling.BILINEAR)
    return ndimage.label((np.asarray(fine) + 1) / 2 < level)[1] - 1  # without the outside


def test_a_font_is_read_back_as_it_was_built(ttf):
    font = TTFont(io.BytesIO(ttf))
    signs = [name + suffix for suffix in ALTERNATES for name in SIGNS.values()]
    assert set(font.getGlyphOrder()) == {".notdef", "space", *GLYPHS, *signs}
    assert [font.getBestCmap()[ord(digit)] for digit in "0123456789"] == DIGITS
    names = {number: font["name"].getDebugName(number) for number in (1, 2, 4, 6, 10, 13, 14)}
    assert (names[1], names[2], names[4], names[6]) == ("Nobody 42", "Regular", "Nobody 42", "Nobody42-Regular")
    assert "hand 42" in names[10] and "mnist-conditional (sha256 " in names[10]
    assert names[13].startswith("CC0 1.0") and names[14].startswith("https://creativecommons.org/")
    assert not {"fpgm", "prep", "cvt "} & set(font.keys())
    for name in GLYPHS:
        glyph = font["glyf"][name]
        assert abs(glyph.yMin) <= 15 and abs(glyph.yMax - 700) <= 30
    web = TTFont(io.BytesIO(to_woff2(ttf)))
    assert web.flavor == "woff2" and web.getGlyphOrder() == font.getGlyphOrder()
    assert all(
        web["glyf"][name].getCoordinates(web["glyf"]) == font["glyf"][name].getCoordinates(font["glyf"])
        for name in GLYPHS
    )


def test_the_same_hand_gives_the_same_font_and_another_another(model, ttf):
    assert build_font(model, "42") == ttf != build_font(model, 43)


def test_a_hand_names_its_font(model):
    latent = latent_from_seed(3)[0]
    assert font_name(model, " 042 ") == "Nobody 42"
    name = font_name(model, encode(latent, 7))
    assert name == font_name(model, encode(latent, 2)) != font_name(model, encode(-latent, 7))
    assert len(name) == 13 and int(name.removeprefix("Nobody "), 16) >= 0


def shaped(ttf: bytes, text: str, **features: bool) -> tuple[list[str], list[int]]:
    """The glyphs of a text and their advances."""
    hb = pytest.importorskip("uharfbuzz")
    buffer = hb.Buffer()
    buffer.add_str(text)
    buffer.guess_segment_properties()
    font = hb.Font(hb.Face(ttf))
    hb.shape(font, buffer, features)
    return [font.glyph_to_string(info.codepoint) for info in buffer.glyph_infos], [
        position.x_advance for position in buffer.glyph_positions
    ]


def test_a_repeated_character_is_written_in_three_ways(ttf):
    ways = ["one", "one.ss01", "one.ss02"]
    assert shaped(ttf, "11111")[0] == [*ways, *ways[:2]]
    assert shaped(ttf, "1.1 1")[0] == [ways[0], "period", ways[1], "space", ways[2]]
    dates = shaped(ttf, "1.12.2026. ...")[0]
    assert [name for name in dates if "period" in name] == [f"period{ALTERNATES[i % 3]}" for i in (0, 1, 2, 0, 1, 2)]
    assert shaped(ttf, "111", calt=False)[0] == 3 * ways[:1]
    assert shaped(ttf, "111", ss01=True)[0] == 3 * ways[1:2]
    assert shaped(ttf, "111", ss02=True)[0] == 3 * ways[2:]
    glyf = TTFont(io.BytesIO(ttf))["glyf"]
    for name in [*DIGITS, *SIGNS.values()]:
        assert len({str(list(glyf[name + way].coordinates)) for way in ALTERNATES}) == 3


def test_pairs_are_kerned(ttf):
    texts = [a + b for a in "0123456789" for b in "0123456789"]
    moved = [sum(shaped(ttf, text)[1]) - sum(shaped(ttf, text, kern=False)[1]) for text in texts]
    assert 5 < np.count_nonzero(moved) < 80
    assert 0 < np.abs(moved).max() < 200


@pytest.mark.parametrize("seed", [7, 42, 92])
def test_a_counter_is_kept(model, seed):
    glyf = TTFont(io.BytesIO(build_font(model, seed)))["glyf"]
    clear = 0
    for name, picture in zip(GLYPHS, pictures(model, seed), strict=True):
        points, ends, _ = glyf[name].getCoordinates(glyf)
        loops = np.split(np.array(points, float), np.array(ends[:-1]) + 1)
        areas = [np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y) / 2 for x, y in (loop.T for loop in loops)]
        assert sum(area > 0 for area in areas) == trace(picture).holes, name
        if len(found := {holes(picture, level) for level in (0.3, 0.45, 0.6)}) == 1:  # else a grey bridge may be either
            assert found == {trace(picture).holes}, name
            clear += 1
    assert clear >= 20


def test_the_classifier_reads_the_drawn_digits(model):
    images = [
        image for seed in range(4) for way in ([], ["ss01"], ["ss02"]) for image in drawn(build_font(model, seed), way)
    ]
    assert (digits_read(images) == np.arange(120) % 10).mean() >= 0.97


def test_the_zip_file_has_what_one_needs(model):
    with zipfile.ZipFile(io.BytesIO(font_zip(model, 42))) as archive:
        names = ["nobody-42.ttf", "nobody-42.woff2", "specimen.html", "LICENSE.txt"]
        assert archive.namelist() == [f"nobody-42/{name}" for name in names]
        page = archive.read("nobody-42/specimen.html").decode()
        assert 'url("nobody-42.woff2")' in page and "$" not in page and "http" not in page
        assert b"CC0 1.0" in archive.read("nobody-42/LICENSE.txt")


@pytest.mark.skipif(shutil.which("fc-list") is None, reason="there is no fontconfig")
def test_an_installed_font_is_listed_by_its_name(ttf, tmp_path):
    (tmp_path / "fonts").mkdir()
    (tmp_path / "fonts" / "nobody-42.ttf").write_bytes(ttf)
    (tmp_path / "fonts.conf").write_text(
        f"<fontconfig><dir>{tmp_path}/fonts</dir><cachedir>{tmp_path}/cache</cachedir></fontconfig>"
    )
    environment = os.environ | {"FONTCONFIG_FILE": str(tmp_path / "fonts.conf")}
    command = ["fc-list", "Nobody 42", "family", "style"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "Nobody 42:style=Regular"


def test_what_is_no_hand_and_a_model_without_digits_are_refused(model, make_model, tmp_path):
    for hand in ("nobody", "", "-1", "z7.AAAA", str(2**32)):
        with pytest.raises(InputError):
            build_font(model, hand)
    with pytest.raises(InputError, match="unconditional"):
        build_font(load_model(str(make_model(tmp_path / "model", ModelConfig(base_channels=8)))), 42)
