"""How a model learned that comes from anybody: whatever its folder holds, the page opens and the tab draws."""

import io
import json
import re
import struct
import time

import numpy as np
import orjson
import pytest
from PIL import EpsImagePlugin, Image

from dcgan.config import ModelConfig
from dcgan.images import save_animation
from dcgan.model_folder import weights_sha256, write_config
from demo.api import training
from demo.models import Models
from demo.page import build_page
from demo.parts import training_pictures as pictures
from demo.tabs import learned


@pytest.fixture
def folder(make_model, tmp_path):
    return make_model(tmp_path / "model", ModelConfig(base_channels=4, num_classes=10))


def drawn(folder) -> tuple[str, dict]:
    """What the tab shows and what its endpoint answers, once they were made ready to be sent."""
    models = Models([str(folder)])
    assert models.entries[str(folder)].problem is None
    html = learned.render_story(models, str(folder)) + learned.render_numbers(models, str(folder))
    html.encode("utf-8")
    record = training.endpoint(models, str(folder))
    orjson.dumps(record)
    return html, record


def grey(height: int, width: int, value: int) -> Image.Image:
    return Image.fromarray(np.full((height, width), value, np.uint8))


def test_what_a_folder_tells_is_shown(folder):
    record = {"images": 320, "epochs_done": 2, "steps_done": 20, "device": "<b>CPU</b>", "recipe": {"epochs": 2}}
    write_config(folder, ModelConfig(base_channels=4, num_classes=10), record)
    epochs = [{"epoch": i, "seconds": 90, "images_per_second": 100, "loss_d": 1 / i, "loss_g": 1} for i in (1, 2)]
    (folder / "history.jsonl").write_text("\n".join(map(json.dumps, epochs)))
    runs = [{"sampling_seed": i, "precision": value} for i, value in enumerate((0.9, 0.8))]
    about = {"weights_sha256": weights_sha256(folder), "command": "evaluate", "device": "CPU", "runs": runs}
    (folder / "evaluation.json").write_text(json.dumps(about))
    save_animation([grey(182, 302, value) for value in (50, 150)], folder / "progress.webp", 100)
    html, answer = drawn(folder)
    for text in (
        "320 images",
        "2 of 2 epochs",
        "3 minutes",
        "0.850 (0.800 to 0.900)",
        'data-epochs="[1, 2]"',
    ):
        assert text in html
    assert "<b>CPU" not in html
    assert (answer["history"], answer["recipe"]) == (epochs, {"epochs": 2})
    assert answer["measures"] == {"precision": "0.850 (0.800 to 0.900)"}
    falling, level = re.findall(r'class="curve curve-\d" d="M([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)h0"', html)
    assert (falling[0], falling[2]) == (level[0], level[2]) == ("40.0", "332.0")  # both epochs, from side to side
    assert float(falling[3]) - float(falling[1]) == 168 and level[1] == level[3] == falling[1]  # from 1 down to 0.5
    about["weights_sha256"] = "0" * 64
    (folder / "evaluation.json").write_text(json.dumps(about))
    html, answer = drawn(folder)
    assert "0.850" not in html and answer["measures"] == {}


# --- pictures of the training ---


def animation(width: int, height: int, count: int, side: int | None = None) -> bytes:
    """An animated WebP of `count` equal frames; with a `side`, only that square of the picture is in the file."""
    buffer, part = io.BytesIO(), (side or width, side or height)
    Image.new("RGB", part, "white").save(buffer, "WEBP", lossless=True)

    def numbers(*values: int) -> bytes:
        return b"".join(struct.pack("<I", value)[:3] for value in values)

    def chunk(name: bytes, content: bytes) -> bytes:
        return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)

    frame = chunk(b"ANMF", numbers(0, 0, part[0] - 1, part[1] - 1, 10) + b"\2" + buffer.getvalue()[12:])
    head = chunk(b"VP8X", b"\2\0\0\0" + numbers(width - 1, height - 1)) + chunk(b"ANIM", bytes(6))
    return chunk(b"RIFF", b"WEBP" + head + frame * count)


@pytest.mark.parametrize(("count", "epochs"), [(1, [1]), (3, [1, 2, 3]), (200, None)])
def test_frames_of_an_animation(tmp_path, count, epochs):
    path = tmp_path / "progress.webp"
    path.write_bytes(animation(302, 182, count))
    sheet, shown = pictures.load_animation(path)
    assert shown == epochs if epochs else (len(shown), shown[0], shown[-1]) == (pictures.MAX_SHOWN, 1, count)
    assert sheet.shape == (len(shown) * pictures.ROWS, 302) and (sheet == 255).all()


def test_each_frame_is_that_of_its_epoch(tmp_path):
    save_animation([grey(182, 302, value) for value in (10, 90, 200)], tmp_path / "progress.webp", 100)
    sheet, _ = pictures.load_animation(tmp_path / "progress.webp")
    assert [sheet[i * pictures.ROWS, 0] for i in range(3)] == [10, 90, 200]


def png() -> bytes:
    buffer = io.BytesIO()
    grey(182, 302, 0).save(buffer, "PNG")
    return buffer.getvalue()


PICTURES = {  # name: makes the content of progress.webp
    "13,000² pixels, 60 frames": lambda: animation(13_000, 13_000, 60, side=2),
    "300,000 frames": lambda: animation(2, 2, 300_000),
    "16,383² pixels": lambda: animation(16_383, 16_383, 1, side=2),
    "wide": lambda: animation(641, 90, 2),
    "many pixels": lambda: animation(640, 640, 400),
    "EPS": lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n%%EndComments\n{} loop\n",
    "PNG": png,
    "cut": lambda: animation(302, 182, 20)[:-30],
    "empty": lambda: b"",
    "no picture": lambda: b"RIFF\0\0\0\0WEBP",
}


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("name", PICTURES)
def test_a_hostile_animation_is_not_decoded(folder, tmp_path, monkeypatch, name):
    ghostscript, ran = tmp_path / "gs", tmp_path / "ran"
    ghostscript.write_text(f"#!/bin/sh\ntouch '{ran}'\n")
    ghostscript.chmod(0o755)
    monkeypatch.setattr(EpsImagePlugin, "gs_binary", str(ghostscript))
    (folder / "progress.webp").write_bytes(PICTURES[name]())
    started = time.monotonic()
    html, _ = drawn(folder)
    assert time.monotonic() - started < 5
    assert "no pictures of its training" in html
    assert not ran.exists()


# --- records of the training ---

VALUES = ["1" + "0" * 400, "1" + "0" * 30, "NaN", '"\\ud800"', "[1]", "{}", "null", "true", '"x"', "1e308"]


@pytest.mark.parametrize("value", VALUES, ids=lambda text: text[:20])
@pytest.mark.parametrize("key", ["epoch", "loss_d", "seconds", "images_per_second"])
def test_any_value_in_a_history_can_be_drawn(folder, key, value):
    line = {"epoch": 1, "loss_d": 0.5, "seconds": 2, "images_per_second": 3} | {key: "HERE"}
    (folder / "history.jsonl").write_text("\n".join([json.dumps(line).replace('"HERE"', value)] * 3))
    drawn(folder)


@pytest.mark.parametrize("value", VALUES, ids=lambda text: text[:20])
@pytest.mark.parametrize("key", ["precision", "sampling_seed", "frechet_distance", "label_accuracy"])
def test_any_value_in_an_evaluation_can_be_drawn(folder, key, value):
    run = {"sampling_seed": 0, "precision": 0.5} | {key: "HERE"}
    about = {"weights_sha256": weights_sha256(folder), "command": "evaluate", "device": "CPU", "runs": [run] * 3}
    (folder / "evaluation.json").write_text(json.dumps(about).replace('"HERE"', value))
    drawn(folder)


@pytest.mark.parametrize("value", ["{}", "[]", "null", "true", '"x"', "1e308", "2.5", "-1"])
@pytest.mark.parametrize("key", ["dataset", "images", "epochs_done", "steps_done", "device", "torch", "recipe"])
def test_any_value_in_the_training_record_can_be_drawn(folder, key, value):
    record = {"images": 1, "epochs_done": 1, "recipe": {"epochs": 1}, key: "HERE"}
    write_config(folder, ModelConfig(base_channels=4, num_classes=10), record)
    config = folder / "config.json"
    config.write_text(config.read_text().replace('"HERE"', value))
    drawn(folder)
    config.write_text(config.read_text().replace(f'"{key}": {value}', f'"recipe": {{"epochs": {value}, "<i>": 1}}'))
    assert "<i>" not in drawn(folder)[0]


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_the_page_opens_with_a_hostile_folder(folder):
    """All optional files at once; and a config that is refused, for which a bundled model is shown."""
    (folder / "progress.webp").write_bytes(animation(13_000, 13_000, 60, side=2))
    (folder / "history.jsonl").write_text(f'{{"epoch": {10**30}, "loss_d": {10**400}}}\n' * 10)
    (folder / "evaluation.json").write_text(f'{{"runs": [{{"precision": {10**400}}}], "device": "\\ud800"}}')
    refused = folder.with_name("refused")
    folder.with_name("refused").mkdir()
    write_config(refused, ModelConfig(), {"device": "\ud800", "recipe": {"epochs": 10**400}})
    models = Models([str(folder), str(refused)])
    assert "config.json" in models.entries[str(refused)].problem
    orjson.dumps(build_page(models).get_config_file())


# --- digits beside the nearest real ones ---


def novelty(size: tuple[int, int] = pictures.NOVELTY_SIZE, kind: str = "PNG", mode: str = "L") -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size, 1 if mode == "1" else "white").save(buffer, kind)
    return buffer.getvalue()


def measure(folder, **values: float) -> None:
    about = {"weights_sha256": weights_sha256(folder), "command": "evaluate", "device": "CPU"}
    runs = [{"sampling_seed": 0} | values]
    (folder / "evaluation.json").write_text(json.dumps(about | {"runs": runs}))


def test_novelty_is_shown_with_the_weights_that_it_was_measured_on(folder):
    (folder / "novelty.png").write_bytes(novelty())
    assert "copies" not in drawn(folder)[0]  # nobody measured these weights
    measure(folder, novelty=1.25)
    html, _ = drawn(folder)
    assert "Distance 1.25" in html
    shown = pictures.novelty(folder)
    assert f'data-picture="{pictures.address(shown)}"' in html
    found = pictures.find([folder.parent, folder], shown.digest)
    with Image.open(io.BytesIO(found)) as picture:
        assert (picture.format, picture.size, picture.getextrema()[0]) == ("WEBP", pictures.NOVELTY_SIZE, (255, 255))
    assert pictures.find([folder], "0" * 64) is None
    measure(folder, precision=0.5)
    assert "copies" not in drawn(folder)[0]


DAMAGED = {
    "cut": lambda: novelty()[:-40],
    "empty": lambda: b"",
    "other size": lambda: novelty((1204, 125)),
    "large": lambda: novelty((12_040, 1_240), mode="1"),
    "GIF": lambda: novelty(kind="GIF"),
    "too many bytes": lambda: novelty() + bytes(2**18),
    "no picture": lambda: b"\x89PNG\r\n\x1a\n" + bytes(100),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_picture_of_novelty_is_not_shown(folder, name):
    measure(folder, novelty=1.0)
    (folder / "novelty.png").write_bytes(DAMAGED[name]())
    html, _ = drawn(folder)
    assert "copies" not in html and "recipe" in html


def test_the_film_has_the_critics_guesses_of_its_epochs(folder):
    save_animation([grey(182, 302, value) for value in (50, 150, 250)], folder / "progress.webp", 100)
    lines = [{"epoch": 1, "probability_fake": 0.25, "probability_real": 0.75}, {"epoch": 2, "probability_fake": 0.5}]
    lines.append({"epoch": 3, "probability_fake": 7, "probability_real": 0.5})
    (folder / "history.jsonl").write_text("\n".join(map(json.dumps, lines)))
    assert 'data-guesses="[[0.25, 0.75], null, null]"' in drawn(folder)[0]
