"""The models that the page offers: loaded at the start, refreshed while it runs, never half swapped.

`DCGAN_MODEL` names them (comma-separated; default: the bundled ones). Whatever goes wrong with one from
the Hub, a bundled model stands in for it, and the page says so.
"""

import dataclasses
import os
import sys
import threading
import time
from html import escape

from dcgan import InputError
from dcgan.hub import download as hub
from dcgan.hub.load import bundled_models, load_model, local_folder
from dcgan.latents.directions import Direction, fit_named_directions, sefa
from dcgan.model_folder import Model

TITLES = {"mnist-conditional": "conditional: you choose the digit", "mnist": "unconditional: the seed decides"}
START_SECONDS = 4.5  # for all pulls together before the page opens; what takes longer is swapped in later
FOUND_DIRECTIONS = 6  # without a name, beside the measured ones
REFRESH_SECONDS = 60.0  # for one pull beside the running page


@dataclasses.dataclass(frozen=True)
class Entry:
    """A model of the page: the name that was asked for, what is shown, and why where the two differ."""

    name: str
    model: Model
    problem: str | None = None


def load_entry(name: str, seconds: float) -> Entry:
    model = load_model(name, seconds)
    return Entry(name, model, model.problem)


class Models:
    """All entries by name. A swap is one assignment: a request keeps the `Entry` that it began with."""

    def __init__(self, names: list[str] | None = None, seconds: float = START_SECONDS):
        deadline = time.monotonic() + seconds
        self.entries: dict[str, Entry] = {}
        self.known: dict[str, tuple[Model, list[Direction]]] = {}
        self.measuring = threading.Lock()
        self.told: set[str] = set()  # commits whose story was asked for
        for name in names or bundled_models():
            try:
                self.entries[name] = load_entry(name, deadline - time.monotonic())
            except InputError as error:
                self.entries[name] = Entry(name, load_model(bundled_models()[0]), str(error))

    def __getitem__(self, name: str) -> Model:
        return self.entries[name].model

    def directions(self, name: str) -> list[Direction]:
        """The measured and the found directions of a model; worked out once, in a second or two."""
        model = self[name]
        with self.measuring:
            if self.known.get(name, (None,))[0] is not model:
                self.known[name] = (
                    model,
                    [*fit_named_directions(model.generator), *sefa(model.generator, FOUND_DIRECTIONS)],
                )
            return self.known[name][1]

    def choices(self) -> list[tuple[str, str]]:
        """(title, name) of each model for a picker."""
        return [(TITLES.get(name, name), name) for name in self.entries]

    def knows_digits(self, name: str) -> bool:
        return self[name].config.num_classes > 0

    def refresh(self) -> None:
        """Look once for new revisions; what is new and good is swapped in, what is bad is named."""
        for name, shown in list(self.entries.items()):
            if shown.model.name == name and local_folder(name) is not None:
                continue  # a folder here is loaded once
            try:
                entry = load_entry(name, REFRESH_SECONDS)
            except InputError as error:
                entry = dataclasses.replace(shown, problem=str(error))
            if (entry.model.name, entry.model.commit) == (shown.model.name, shown.model.commit):
                # The same weights: keep them, say what is new about them.
                entry = dataclasses.replace(shown, problem=entry.problem)
            self.entries[name] = entry

    def fetch_training_files(self) -> None:
        """For models from the Hub, the files that the Training tab tells their story from."""
        for entry in list(self.entries.values()):
            commit, name = entry.model.commit, hub.parse_name(entry.model.name)
            if commit is not None and commit not in self.told and name is not None:
                self.told.add(commit)
                hub.pull_training_files(name[0], commit)

    def keep_fresh(self, minutes: float) -> None:
        """Refresh every so many minutes in the background, for as long as the page runs; 0 is never.

        Where something is wrong it is tried again at once, then every minute.
        """

        def forever() -> None:
            self.fetch_training_files()
            for name in self.entries:
                self.directions(name)  # a visitor need not wait for them
            troubled_wait = 0.0
            while minutes > 0:
                troubled = any(entry.problem for entry in self.entries.values())
                time.sleep(min(troubled_wait, minutes * 60) if troubled else minutes * 60)
                troubled_wait = 60.0
                try:
                    self.refresh()
                    self.fetch_training_files()
                except Exception as error:  # a surprise today must not end all refreshing
                    print(f"refresh failed: {type(error).__name__}: {error}", file=sys.stderr)

        threading.Thread(target=forever, name="refresh", daemon=True).start()

    def describe(self) -> list[dict]:
        """For programs: each model's name, whether it knows digits, its commit, and what is wrong with it."""
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
        """HTML: which weights are shown, from which commit, and why not others."""
        lines = []
        for entry in self.entries.values():
            epochs = entry.model.training.get("epochs_done")
            trained = f", trained for {epochs} epochs" if isinstance(epochs, int) else ""
            if entry.model.commit is not None:
                text = f"{entry.name}: from the Hub, commit {entry.model.commit[:8]}{trained}"
            elif entry.model.name == entry.name:
                text = f"{entry.name}: bundled weights{trained}"
            else:
                text = f"{entry.name}: the bundled {entry.model.name} stands in for it"
            problem = f' <strong class="problem">({escape(entry.problem)})</strong>' if entry.problem else ""
            lines.append(f"<li>{escape(text)}{problem}</li>")
        return f'<ul class="weights">{"".join(lines)}</ul>'


def asked_models() -> list[str]:
    """The names in `DCGAN_MODEL`, none twice."""
    names = [name.strip() for name in os.environ.get("DCGAN_MODEL", "").split(",")]
    return list(dict.fromkeys(filter(None, names)))


def refresh_minutes() -> float:
    """`DCGAN_REFRESH_MINUTES`; a wrong value is told on the terminal and does not keep the page shut."""
    text = os.environ.get("DCGAN_REFRESH_MINUTES", "10")
    try:
        minutes = float(text)
    except ValueError:
        minutes = -1.0
    if 0 <= minutes < float("inf"):
        return minutes
    print(f"DCGAN_REFRESH_MINUTES is {text!r}: it must be a number of minutes, or 0 for never; 10 is used")
    return 10.0
