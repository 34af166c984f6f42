"""Model cards: made from the folder's files, and what they print under *Use* works."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import huggingface_hub
import numpy as np
import pytest
from hub_server import running_hub
from PIL import Image

from dcgan.config import ModelConfig
from dcgan.files import write_json
from dcgan.hub.card import make_card, path_from_root, write_card
from dcgan.hub.load import bundled_models, load_model
from dcgan.latents.sampling import sample
from dcgan.model_folder import BUNDLED, save_weights, weights_sha256
from dcgan.networks import Generator
from scripts import sample as sample_script

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def folder(make_model, tmp_path):
    return make_model(tmp_path / "model", ModelConfig(base_channels=4, num_classes=10))


@pytest.mark.parametrize("name", bundled_models())
def test_bundled_cards_are_what_the_code_makes(name):
    text = (BUNDLED / name / "README.md").read_text(encoding="utf-8")
    assert text == make_card(BUNDLED / name)
    data = huggingface_hub.ModelCard(text).data
    assert (data.license, data.datasets, data.model_name) == ("mit", ["ylecun/mnist"], name)
    assert {result.metric_type for result in data.eval_results} >= {"frechet_distance", "precision", "recall"}


def test_a_card_shows_the_numbers_of_its_weights_only(folder):
    card = make_card(folder)
    assert "Not measured." in card and "trained |" not in card
    run = {"sampling_seed": 4, "precision": 0.987}
    about = {"weights_sha256": weights_sha256(folder), "command": "python scripts/evaluate.py x", "device": "a CPU"}
    write_json(folder / "evaluation.json", about | {"runs": [run, {"sampling_seed": 5}]})
    write_card(folder)
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "| precision | 0.987 |" in card and "seeds 4, 5" in card and "on a CPU" in card
    assert [result.metric_value for result in huggingface_hub.ModelCard(card).data.eval_results] == [0.987]
    save_weights(Generator(ModelConfig(base_channels=4, num_classes=10)), folder / "model.safetensors")
    write_card(folder)
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "0.987" not in card and not huggingface_hub.ModelCard(card).data.eval_results


def commands(card: str) -> list[list[str]]:
    use = card.partition("## Use")[2].partition("\n## ")[0]
    return [shlex.split(line) for line in re.findall(r"^    (.+)$", use.rpartition("```")[2], re.MULTILINE)]


@pytest.mark.parametrize("where", ["bundled", "elsewhere"])
def test_the_command_in_a_folders_card_works_from_the_root_of_the_repository(folder, tmp_path, monkeypatch, where):
    target = BUNDLED / "mnist" if where == "bundled" else folder.rename(tmp_path / "it's a model")
    ((python, script, *arguments),) = commands(make_card(target))
    assert (python, script, arguments.pop()) == ("python", "scripts/sample.py", "digits.png")
    monkeypatch.chdir(ROOT)
    assert sample_script.main([*arguments, str(tmp_path / "digits.png")]) == 0
    assert (tmp_path / "digits.png").exists()
    assert path_from_root(ROOT / "runs" / "mine") == "runs/mine"


@pytest.mark.parametrize("classes", [0, 10])
def test_the_code_in_a_hub_card_draws_the_same_digit_without_ours(make_model, tmp_path, classes):
    folder = make_model(tmp_path / "model", ModelConfig(base_channels=4, num_classes=classes))
    card = make_card(folder, "user/digits")
    assert [command[-1] for command in commands(card)] == ["digits.png", "app.py"]
    assert all(any("user/digits" in word for word in command) for command in commands(card))
    (code,) = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    with running_hub() as hub:
        hub.commit("user/digits", {path.name: path.read_bytes() for path in folder.iterdir()})
        command = [sys.executable, "-I", "-c", code]  # isolated: this repository is not on the path
        subprocess.run(command, cwd=tmp_path, env=hub.environment(tmp_path), check=True, timeout=100)
    expected = sample(load_model(str(folder)).generator, [0], 7 if classes else None).images[0, 0]
    drawn = np.asarray(Image.open(tmp_path / "digit.png"))
    assert np.abs(drawn.astype(int) - expected).max() <= 1 and drawn.std() > 1
