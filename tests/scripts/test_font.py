import io
import zipfile

import pytest
from fontTools.ttLib import TTFont

from dcgan.config import ModelConfig
from scripts import font as font_script


@pytest.mark.parametrize(("suffix", "flavor"), [(".ttf", None), (".woff2", "woff2")])
def test_a_font_of_the_suffix_is_written(tmp_path, capsys, suffix, flavor):
    out = tmp_path / f"hand{suffix}"
    assert font_script.main(["mnist-conditional", "--hand", "42", "--out", str(out)]) == 0
    assert TTFont(out).flavor == flavor and TTFont(out)["name"].getDebugName(1) == "Nobody 42"
    assert capsys.readouterr().out == f"{out}: the font 'Nobody 42', {out.stat().st_size:,} bytes\n"


def test_the_zip_holds_both_fonts(tmp_path):
    out = tmp_path / "hand.zip"
    assert font_script.main(["mnist-conditional", "--hand", "7", "--out", str(out)]) == 0
    with zipfile.ZipFile(out) as archive:
        assert TTFont(io.BytesIO(archive.read("nobody-7/nobody-7.ttf")))["name"].getDebugName(1) == "Nobody 7"
        assert len(archive.namelist()) == 4


def test_what_is_refused(refusal, out, full_disk, tmp_path_factory, make_model):
    unconditional = make_model(tmp_path_factory.mktemp("models") / "unconditional", ModelConfig(base_channels=8))

    def refused(name: str, hand: object = 42, model: object = "mnist-conditional") -> str:
        return refusal(font_script, model, "--hand", hand, "--out", out.parent / name, unchanged=out.parent)

    assert "ends in .otf: use .ttf, .woff2, .zip" in refused("hand.otf")
    assert "no suffix" in refused("hand")
    assert "is not a hand" in refused("hand.ttf", "nobody")
    assert "z7.AAAA" in refused("hand.ttf", "z7.AAAA")
    assert "unconditional" in refused("hand.ttf", model=unconditional)
    assert "there is no model" in refused("hand.ttf", model="no-such-model")
    assert "folder that exists" in refused("missing/hand.ttf")
    with full_disk(1000):
        assert "hand.ttf cannot be written" in refused("hand.ttf")
