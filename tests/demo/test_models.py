"""The page's models: what is asked for, what is shown instead, and how they are refreshed."""

import re
import threading
import time

import pytest
from hub_server import running_hub

import demo.models
from dcgan.config import ModelConfig
from dcgan.hub.load import load_model
from demo.models import Models, asked_models, refresh_minutes

BUNDLED = "mnist-conditional"


def test_bundled_models_are_the_default_the_one_with_digits_first():
    models = Models()
    assert list(models.entries) == [BUNDLED, "mnist"]
    assert [described["digits"] for described in models.describe()] == [True, False]
    assert "mnist: bundled weights, trained for" in models.entries["mnist"].status
    assert "<li>" not in models.status()  # nothing is wrong


def test_a_bundled_model_is_shown_instead_and_the_page_says_why(tmp_path):
    missing = str(tmp_path / "<b>nowhere</b>")
    models = Models([missing])
    assert models[missing].name == BUNDLED
    assert "mnist-conditional is shown instead" in models.status()
    assert "there is no model" in models.status()
    assert "<b>" not in models.status()  # a name is text, not markup
    assert models.describe()[0]["problem"].startswith("there is no model")


def test_the_page_opens_whatever_loading_a_model_raises(monkeypatch, capsys):
    def load(name: str, *seconds: float):
        if name == "odd":
            raise MemoryError
        return load_model(name, *seconds)

    monkeypatch.setattr(demo.models, "load_model", load)
    models = Models(["odd"])
    models.refresh()
    assert models["odd"].name == BUNDLED
    assert "MemoryError" in models.entries["odd"].problem and "MemoryError" in capsys.readouterr().err


def test_a_folder_that_appears_is_taken_up_by_a_refresh(tmp_path, make_model):
    name = str(tmp_path / "later")
    models = Models([name])
    models.refresh()
    assert models[name].name == BUNDLED
    make_model(tmp_path / "later", ModelConfig(base_channels=4))
    models.refresh()
    assert models[name].name == name
    assert models.entries[name].problem is None
    assert "later: local folder" in models.entries[name].status and str(tmp_path) not in models.entries[name].status


def test_a_silent_hub_keeps_no_page_shut_and_is_asked_again_also_where_nothing_is_refreshed(
    tmp_path, monkeypatch, make_model
):
    folder = make_model(tmp_path / "model", ModelConfig(base_channels=4))
    with running_hub() as hub:
        commit = hub.commit("user/slow", {path.name: path.read_bytes() for path in folder.iterdir()})
        hub.use(monkeypatch, tmp_path)
        hub.fault("silent")
        started = time.monotonic()
        models = Models(["user/slow"])
        assert time.monotonic() - started < demo.models.START_SECONDS + 1
        assert models["user/slow"].name == BUNDLED
        assert re.search("could not be reached|did not answer within", models.entries["user/slow"].problem)
        hub.clear_faults()
        thread = models.keep_fresh(0)
        thread.join(60)
        assert not thread.is_alive()  # once it has succeeded
        assert (models["user/slow"].commit, models.entries["user/slow"].problem) == (commit, None)
        assert models.fetched_commits == {commit}


def test_the_refresh_thread_goes_on_whatever_fails(tmp_path, monkeypatch, make_model, capsys):
    name, calls = str(tmp_path / "later"), []
    models, refresh = Models([name]), Models.refresh

    def fail() -> None:
        raise KeyError("odd")

    def third_time() -> None:
        calls.append(time := len(calls))
        if time < 2:
            fail()
        make_model(tmp_path / "later", ModelConfig(base_channels=4))
        refresh(models)

    monkeypatch.setattr(demo.models, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(models, "fetch_training_files", fail)
    monkeypatch.setattr(models, "fit_directions", fail)
    monkeypatch.setattr(models, "refresh", third_time)
    models.keep_fresh(0).join(60)
    assert len(calls) == 3 and models[name].name == name
    assert "KeyError" in capsys.readouterr().err


def test_directions_belong_to_a_model_and_wait_for_no_other(tmp_path, monkeypatch, make_model):
    folders = [make_model(tmp_path / str(dim), ModelConfig(base_channels=4, latent_dim=dim)) for dim in (8, 16)]
    models, name = Models([str(folders[0])]), str(folders[0])
    old, new = models[name], load_model(str(folders[1]))
    fit, started, go_on = demo.models.fit_named_directions, threading.Event(), threading.Event()

    def slow_for_old(generator) -> list:
        if generator is old.generator:
            started.set()
            assert go_on.wait(60)
        return fit(generator)

    monkeypatch.setattr(demo.models, "fit_named_directions", slow_for_old)
    thread = threading.Thread(target=models.directions, args=[old])
    thread.start()
    assert started.wait(60)
    assert {direction.vector.shape for direction in models.directions(new)} == {(16,)}
    assert thread.is_alive()
    models.entries[name] = demo.models.Entry(name, new)  # a swap, while a request still uses the old model
    go_on.set()
    thread.join(60)
    assert {direction.vector.shape for direction in models.directions(old)} == {(8,)}
    assert models.directions(old) is models.directions(old)


def test_names_come_from_the_environment(monkeypatch):
    monkeypatch.delenv("DCGAN_MODEL", raising=False)
    assert asked_models() == []
    monkeypatch.setenv("DCGAN_MODEL", " mnist, user/repo@v1 ,,mnist")
    assert asked_models() == ["mnist", "user/repo@v1"]


@pytest.mark.parametrize(
    ("text", "minutes"), [("0", 0), ("2.5", 2.5), ("-1", 10), ("soon", 10), ("inf", 10), ("nan", 10), ("9e9", 525_600)]
)
def test_refresh_minutes(monkeypatch, capsys, text, minutes):
    monkeypatch.setenv("DCGAN_REFRESH_MINUTES", text)
    assert refresh_minutes() == minutes
    assert ("must be a number" in capsys.readouterr().out) == (minutes == 10)
