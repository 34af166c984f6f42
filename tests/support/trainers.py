"""Run scripts/train.py many times in processes of their own, each of which can be killed at any moment.

They are forks of one process that has imported torch and trained nothing, so that a start takes no seconds.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from page_server import ROOT


class Trainers:
    """The process that forks. `errors`: what all trainers have written to stderr."""

    def __init__(self, log: Path):
        self.log, environment = log, os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
        with log.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, __file__],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    @property
    def errors(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def start(self, flags: list[str], die_at: int = 0) -> int:
        """Start a training and return its process id. die_at: the number of the write or rename that it dies before."""
        self.process.stdin.write(json.dumps([flags, die_at]) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def wait(self) -> int:
        """Return the exit code of the training, or minus the number of the signal that ended it."""
        return int(self.process.stdout.readline())

    def run(self, flags: list[str], die_at: int = 0) -> int:
        self.start(flags, die_at)
        return self.wait()


@contextmanager
def trainers(folder: Path) -> Iterator[Trainers]:
    running = Trainers(folder / "trainers.log")
    try:
        yield running
    finally:
        running.process.stdin.close()
        try:
            running.process.wait(10)
        except subprocess.TimeoutExpired:
            running.process.kill()
            running.process.wait()


def train(flags: list[str], die_at: int) -> None:
    """Train. Before write or rename number `die_at` in the run's folder, this process kills itself with SIGKILL."""
    import dcgan.evaluation.protocol
    import dcgan.training.recalibrate
    from scripts import cli
    from scripts import train as train_script

    dcgan.training.recalibrate.RECALIBRATION_BATCHES = 2  # as in conftest.py
    dcgan.evaluation.protocol.QUICK_SAMPLES = 200
    out, done = flags[flags.index("--out") + 1], 0

    def count(event: str, arguments: tuple) -> None:
        nonlocal done
        writes = event == "os.rename" or (event == "open" and arguments[1] not in ("r", "rb"))
        if writes and str(arguments[0]).startswith(out + os.sep):
            done += 1
            if done == die_at:
                os.kill(os.getpid(), signal.SIGKILL)

    if die_at:
        sys.addaudithook(count)
    cli.run(lambda: train_script.main(flags))


def main() -> None:
    import torchvision.datasets  # noqa: F401

    import scripts.train  # noqa: F401

    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                train(*json.loads(line))
            except SystemExit as end:
                code = end.code
            except BaseException:
                sys.excepthook(*sys.exc_info())
                code = 1
            sys.stderr.flush()
            os._exit(code or 0)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
