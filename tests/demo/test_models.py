"""The page's models: what is asked for, what stands in, what is said."""

import pytest

from dcgan.config import ModelConfig
from demo.models import Models, asked_models, refresh_minutes


def test_bundled_models_are_the_default_the_one_with_digits_first():
    models = Models()
    assert list(models.entries) == ["mnist-conditional", "mnist"]
    assert [models.knows_digits(name) for name in models.entries] == [True, False]
    assert "mnist: bundled weights, trained for" in models.status()


def test_a_bundled_model_stands_in_and_the_page_says_why(tmp_path):
    missing = str(tmp_path / "<b>nowhere</b>")
    models = Models([missing])
    assert models[missing].name == "mnist-conditional"
    assert "mnist-conditional is shown instead" in models.status()
    assert "there is no model" in models.status()
    assert "<b>" not in models.status()  # a name is text, not markup
    assert models.describe()[0]["problem"].startswith("there is no model")


def test_a_folder_that_appears_is_taken_up_by_a_refresh(tmp_path, make_model):
    name = str(tmp_path / "later")
    models = Models([name])
    models.refresh()
    assert models[name].name == "mnist-conditional"
    make_model(tmp_path / "later", ModelConfig(base_channels=4))
    models.refresh()
    assert models[name].name == name
    assert models.entries[name].problem is None


def test_names_come_from_the_environment(monkeypatch):
    monkeypatch.delenv("DCGAN_MODEL", raising=False)
    assert asked_models() == []
    monkeypatch.setenv("DCGAN_MODEL", " mnist, user/repo@v1 ,,mnist")
    assert asked_models() == ["mnist", "user/repo@v1"]


@pytest.mark.parametrize(
    ("text", "minutes"), [("0", 0), ("2.5", 2.5), ("-1", 10), ("soon", 10), ("inf", 10), ("nan", 10)]
)
def test_refresh_minutes(monkeypatch, capsys, text, minutes):
    monkeypatch.setenv("DCGAN_REFRESH_MINUTES", text)
    assert refresh_minutes() == minutes
    assert ("must be a number" in capsys.readouterr().out) == (minutes == 10)
