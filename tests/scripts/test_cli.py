"""What every command line does: signals, exit codes, `--help`."""

import dataclasses
import re
import signal
import subprocess
import sys

import pytest
from page_server import ROOT

from dcgan.config import ModelConfig, TrainConfig
from scripts import cli, deploy_space, evaluate, push, train_classifier
from scripts import sample as sample_script
from scripts import train as train_script

CONFIG_FLAGS = [
    field.name.replace("_", "-") for config in (ModelConfig, TrainConfig) for field in dataclasses.fields(config)
]
FLAGS = {
    train_script: ["preset", "out", "data-dir", "device", "push", *CONFIG_FLAGS],
    sample_script: ["count", "seed", "digit", "truncation", "device", "out"],
    evaluate: ["real", "data-dir", "device", "seeds", "many", "write"],
    train_classifier: ["data-dir", "out", "epochs", "seed", "device"],
    push: ["private", "tag", "dry-run"],
    deploy_space: ["static", "model", "hardware", "private", "dry-run"],
}


def test_the_second_signal_stops_at_once():
    before = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    with cli.StopOnSignal(signal.SIGUSR1) as stop:
        signal.raise_signal(signal.SIGUSR1)
        assert stop.requested
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGUSR1)
    assert signal.signal(signal.SIGUSR1, before) == signal.SIG_IGN  # the handler from before is back


def test_interrupt_is_exit_code_130_without_traceback(capsys):
    def main():
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as exit:
        cli.run(main)
    assert exit.value.code == 130
    assert capsys.readouterr().err == "stopped\n"


@pytest.mark.parametrize("script", FLAGS, ids=lambda script: script.__name__)
def test_help_explains_every_flag_and_gives_an_example(script, capsys):
    with pytest.raises(SystemExit) as exit:
        script.main(["--help"])
    assert exit.value.code == 0
    text = capsys.readouterr().out
    found = dict(re.findall(r"^ +--([a-z0-9-]+) ?((?:.*\n)(?: {8,}.*\n)*)", text, re.MULTILINE))
    assert set(FLAGS[script]) == set(found)
    for flag, rest in found.items():
        assert len(rest.split()) >= 4, flag  # more than a placeholder
    assert f"python scripts/{script.__name__.split('.')[-1]}.py " in text


@pytest.mark.parametrize(
    ("script", "flags"),
    [("train.py", ["--preset", "mnist", "--out", "run", "--epochs", 0]), ("sample.py", ["nobody", "--out", "x.png"])],
)
def test_a_mistake_as_a_person_makes_it(script, flags, tmp_path):
    """In a process of its own, in a folder outside the repository: the exit code and no traceback."""
    command = [sys.executable, ROOT / "scripts" / script, *map(str, flags)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())
