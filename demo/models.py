"""The models of the page: loaded at the start, and refreshed from the Hub while the page runs.

`DCGAN_MODEL` names them (comma-separated; default: the bundled models). If one cannot be loaded, a bundled model is
shown instead and the page says why.
"""

import dataclasses
import os
import sys
import threading
import time
import traceback
import weakref
from collections.abc import Callable
from html import escape

from dcgan import InputError
from dcgan.hub import download
from dcgan.hub.load import bundled_models, load_model, local_folder
from dcgan.latents.directions import Direction, fit_named_directions, sefa
from dcgan.model_folder import BUNDLED, Model
from dcgan.networks import Generator

TITLES = {"mnist-conditional": "knows the ten digits", "mnist": "was never told the digits"}
START_SECONDS = 4.5  # for all pulls before the page opens; a slower one is repeated after that
FOUND_DIRECTIONS = 6  # without a name, beside the measured ones
REFRESH_SECONDS = 60.0  # for one pull while the page runs
RETRY_SECONDS = 60.0  # between two attempts while a model has a problem


@dataclasses.dataclass(frozen=True)
class Entry:
    """A model of the page: the name that was asked for, the model that is shown, and what is wrong."""

    name: str
    model: Model
    problem: str | None = None

    @property
    def status(self) -> str:
        """Which weights are shown, and from which commit."""
        epochs = self.model.training.get("epochs_done")
        trained = "" if epochs is None else f", trained for {epochs} epochs"
        if self.model.commit is not None:
            return f"{self.name}: from the Hub, commit {self.model.commit[:8]}{trained}"
        if self.model.name != self.name:
            return f"{self.name}: the bundled {self.model.name} is shown instead"
        bundled = self.model.folder.parent == BUNDLED
        return f"{self.model.folder.name}: {'bundled weights' if bundled else 'local folder'}{trained}"


@dataclasses.dataclass
class _Directions:
    lock: threading.Lock
    found: list[Direction] | None = None


def problem_of(error: Exception) -> str:
    """Return a sentence for an error. One that nobody expected is also printed, with its traceback."""
    if isinstance(error, InputError):
        return str(error)
    traceback.print_exception(error)
    return f"an unexpected error ({type(error).__name__})"


class Models:
    """All entries by name. A swap is one assignment: a request keeps the `Entry` that it began with."""

    def __init__(self, names: list[str] | None = None, seconds: float = START_SECONDS):
        deadline = time.monotonic() + seconds
        self.entries: dict[str, Entry] = {}
        self.direction_cache: weakref.WeakKeyDictionary[Generator, _Directions] = weakref.WeakKeyDictionary()
        self.lock = threading.Lock()  # of `direction_cache`; held for a look-up only
        self.fetched_commits: set[str] = set()  # whose training files are in the cache
        for name in names or bundled_models():
            try:
                model = load_model(name, deadline - time.monotonic())
                self.entries[name] = Entry(name, model, model.problem)
            except Exception as error:  # the page opens whatever is wrong with a model
                self.entries[name] = Entry(name, load_model(bundled_models()[0]), problem_of(error))

    def __getitem__(self, name: str) -> Model:
        return self.entries[name].model

    def directions(self, model: Model) -> list[Direction]:
        """Return the named and the found directions of a model. The first call takes a second or two."""
        with self.lock:
            directions = self.direction_cache.setdefault(model.generator, _Directions(threading.Lock()))
        with directions.lock:
            if directions.found is None:
                directions.found = [*fit_named_directions(model.generator), *sefa(model.generator, FOUND_DIRECTIONS)]
            return directions.found

    def choices(self) -> list[tuple[str, str]]:
        """Return the (title, name) of each model, for a picker."""
        return [(TITLES.get(name, name), name) for name in self.entries]

    def refresh(self) -> None:
        """Look for new revisions once. A good one is swapped in; for a bad one the entry gets a `problem`."""
        for name, shown in list(self.entries.items()):
            if shown.model.name == name and local_folder(name) is not None:
                continue  # a local folder is loaded once
            try:
                model = load_model(name, REFRESH_SECONDS)
                entry = Entry(name, model, model.problem)
            except Exception as error:
                entry = dataclasses.replace(shown, problem=problem_of(error))
            if (entry.model.name, entry.model.commit) == (shown.model.name, shown.model.commit):
                entry = dataclasses.replace(shown, problem=entry.problem)  # the same weights: keep the loaded ones
            self.entries[name] = entry

    def fetch_training_files(self) -> None:
        """Download what *How it learned* shows of the models from the Hub."""
        for entry in list(self.entries.values()):
            commit, name = entry.model.commit, download.parse_name(entry.model.name)
            if commit is None or commit in self.fetched_commits or name is None:
                continue
            if download.pull_training_files(name[0], commit):
                self.fetched_commits.add(commit)

    def fit_directions(self) -> None:
        """Compute the directions of all models, so that no visitor has to wait for them."""
        for entry in list(self.entries.values()):
            self.directions(entry.model)

    def keep_fresh(self, minutes: float) -> threading.Thread:
        """Start the thread that refreshes the models every `minutes`; 0 disables it.

        While a model has a problem it is tried again, at once and then every `RETRY_SECONDS`, also if `minutes` is 0.
        Whatever goes wrong in the thread, it goes on.
        """

        def attempt(work: Callable[[], None]) -> None:
            try:
                work()
            except Exception:
                print("refreshing the models failed:", file=sys.stderr)
                traceback.print_exc()

        def run() -> None:
            attempt(self.fetch_training_files)
            attempt(self.fit_directions)
            retry = 0.0
            while minutes > 0 or self.has_problem():
                wait = minutes * 60 if minutes > 0 else RETRY_SECONDS
                time.sleep(min(retry, wait) if self.has_problem() else wait)
                retry = RETRY_SECONDS
                attempt(self.refresh)
                attempt(self.fetch_training_files)

        thread = threading.Thread(target=run, name="refresh", daemon=True)
        thread.start()
        return thread

    def has_problem(self) -> bool:
        """Return whether any model is not what was asked for."""
        return any(entry.problem for entry in list(self.entries.values()))

    def describe(self) -> list[dict]:
        """Return for each model its name, whether it knows digits, what is shown for it, its commit and its problem."""
        return [
            {
                "name": entry.name,
                "digits": entry.model.config.num_classes > 0,
                "shown": entry.model.name,
                "commit": entry.model.commit,
                "problem": entry.problem,
            }
            for entry in self.entries.values()
        ]

    def status(self) -> str:
        """Return HTML: the models with a problem, which weights are shown for each, and what is wrong."""
        entries = [entry for entry in self.entries.values() if entry.problem]
        lines = [f"<li>{escape(entry.status)} ({escape(entry.problem)})</li>" for entry in entries]
        return f'<ul class="weights">{"".join(lines)}</ul>'


def asked_models() -> list[str]:
    """Return the names in `DCGAN_MODEL`, each once."""
    names = [name.strip() for name in os.environ.get("DCGAN_MODEL", "").split(",")]
    return list(dict.fromkeys(filter(None, names)))


def refresh_minutes() -> float:
    """Return `DCGAN_REFRESH_MINUTES`. A wrong value is reported on the terminal, and 10 is used."""
    text = os.environ.get("DCGAN_REFRESH_MINUTES", "10")
    try:
        minutes = float(text)
    except ValueError:
        minutes = -1.0
    if 0 <= minutes < float("inf"):
        return min(minutes, 525_600.0)  # a year: a thread cannot sleep for ever
    print(f"DCGAN_REFRESH_MINUTES is {text!r}: it must be a number of minutes, or 0 for never; 10 is used")
    return 10.0
