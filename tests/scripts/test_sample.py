from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from dcgan.config import ModelConfig
from dcgan.hub.load import load_model
from dcgan.ink import trace
from dcgan.latents.sampling import sample
from scripts import sample as sample_script


@pytest.fixture(scope="module")
def unconditional(tmp_path_factory, make_model) -> Path:
    return make_model(tmp_path_factory.mktemp("models") / "unconditional", ModelConfig(base_channels=8))


def test_sample_writes_what_is_asked_for(tiny_run, tmp_path, capsys):
    generator = load_model(str(tiny_run)).generator
    for name in ("sevens.npz", "sevens.png", "sevens"):
        flags = f"--count 40 --seed 5 --digit 7 --truncation 0.8 --device cpu --out {tmp_path / name}"
        assert sample_script.main([str(tiny_run), *flags.split()]) == 0
        assert capsys.readouterr().out == f"{tmp_path / name}: 40 images, seeds 5 to 44\n"
    expected = sample(generator, range(5, 45), 7, 0.8).images[:, 0, 2:-2, 2:-2]
    with np.load(tmp_path / "sevens.npz") as arrays:
        assert np.array_equal(arrays["images"], expected)
        assert set(arrays["labels"]) == {7} and arrays["seeds"].tolist() == list(range(5, 45))
    assert np.asarray(Image.open(tmp_path / "sevens.png")).shape == (122, 302)
    last = Image.open(tmp_path / "sevens" / "seed-0000000044-digit-7.png")
    assert np.array_equal(np.asarray(last), expected[-1])


def test_a_grid_of_outlines(tiny_run, tmp_path):
    out = tmp_path / "digits.svg"
    flags = f"--count 12 --seed 5 --digit 7 --device cpu --out {out}"
    assert sample_script.main(["mnist-conditional", *flags.split()]) == 0
    svg = ElementTree.parse(out).getroot()
    title, *paths = svg
    assert title.text == "mnist-conditional, seeds 5 to 16, digit 7"
    assert svg.get("viewBox") == "0 0 30000 6000" and len(paths) == 12
    images = sample(load_model("mnist-conditional").generator, range(5, 17), 7).images
    for i, (path, image) in enumerate(zip(paths, images, strict=True)):
        assert path.get("transform") == f"translate({3000 * (i % 10) - 100} {3000 * (i // 10) - 100})"
        assert path.get("d") == trace(image[0] / np.float32(127.5) - 1).path != ""


def test_sample_lets_the_seed_decide_the_digit(tiny_run, unconditional, tmp_path):
    for model, arrays_expected in ((tiny_run, {"images", "seeds", "labels"}), (unconditional, {"images", "seeds"})):
        assert sample_script.main([str(model), "--count", "3", "--out", str(tmp_path / "any.npz")]) == 0
        expected = sample(load_model(str(model)).generator, range(3))
        with np.load(tmp_path / "any.npz") as arrays:
            assert set(arrays) == arrays_expected
            assert np.array_equal(arrays["images"], expected.images[:, 0, 2:-2, 2:-2])


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--count", 0], "count is 0"),
        (["--count", 2.5], "argument --count: invalid int value"),
        (["--seed", 2**32 - 1], "seed is 4294967295"),
        (["--digit", 12], "digit is 12"),
        (["--truncation", 1.5], "truncation is 1.5"),
        (["--device", "nonsense"], "device is 'nonsense'"),
    ],
)
def test_wrong_requests(refusal, tiny_run, out, flags, sentence):
    command = [tiny_run, "--out", out, "--device", "cpu", *flags]
    assert refusal(sample_script, *command, unchanged=out.parent).startswith(sentence)


def test_what_cannot_be_sampled_and_where_nothing_can_be_written(refusal, tiny_run, unconditional, out, full_disk):
    def refused(model: object, target: Path = out, *flags: object) -> str:
        return refusal(sample_script, model, "--out", target, *flags, unchanged=out.parent)

    assert refused(unconditional, out, "--digit", 3).startswith("this model is unconditional")
    assert refused("no-such-model").startswith("there is no model 'no-such-model'")
    assert "ends in .jpg" in refused(tiny_run, out.with_suffix(".jpg"))
    with full_disk(1000):
        assert "out.npz cannot be written: File too large" in refused(tiny_run, out.with_suffix(".npz"))
