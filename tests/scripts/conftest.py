"""What the tests of the command lines share."""

from collections.abc import Callable
from pathlib import Path

import pytest

from scripts import cli


@pytest.fixture
def out(tmp_path) -> Path:
    """A path that does not exist yet, in an empty folder."""
    (tmp_path / "runs").mkdir()
    return tmp_path / "runs" / "out"


@pytest.fixture
def refusal(capsys) -> Callable[..., str]:
    """Run a script that must refuse, with exit code 2 and one sentence, which is returned.

    unchanged: a folder in which nothing may be written.
    """

    def contents(folder: Path | None) -> dict[Path, bytes | None]:
        return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")} if folder else {}

    def run(script, *arguments: object, unchanged: Path | None = None) -> str:
        before = contents(unchanged)
        with pytest.raises(SystemExit) as exit:
            cli.run(lambda: script.main([str(argument) for argument in arguments]))
        printed = capsys.readouterr()
        assert exit.value.code == 2
        assert printed.out == "" and "Traceback" not in printed.err
        (sentence,) = (line for line in printed.err.splitlines() if "error: " in line)
        assert printed.err.rstrip().endswith(sentence)
        assert contents(unchanged) == before
        return sentence.partition("error: ")[2]

    return run
