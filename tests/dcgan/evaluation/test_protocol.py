"""The classifier and the protocol, on drawn digits and at a small size."""

import json
import shutil

import numpy as np
import pytest
import torch

import dcgan.evaluation.protocol
from dcgan.config import ModelConfig
from dcgan.data import to_model_size
from dcgan.evaluation.classifier import DigitClassifier, augment, fit, load_classifier, read
from dcgan.evaluation.protocol import (
    Digits,
    SeedIndependent,
    epoch_quality,
    evaluate,
    evaluate_real,
    seed_independent_metrics,
)
from dcgan.hub.card import write_card
from dcgan.hub.load import load_model
from dcgan.latents.sampling import Samples
from scripts import cli, train_classifier
from scripts import evaluate as evaluate_script


@pytest.fixture(scope="module")
def digits(drawn_digits) -> Digits:
    images, labels = drawn_digits
    return Digits(torch.from_numpy(images), torch.from_numpy(labels))


@pytest.fixture(scope="module")
def classifier(digits) -> DigitClassifier:
    return fit(digits.images.repeat(4, 1, 1), digits.labels.repeat(4), epochs=5)


def test_the_classifier_learns_and_is_a_function_of_its_seed(digits, classifier):
    read_digits, features = read(classifier, digits.images)
    assert (read_digits == digits.labels).double().mean() > 0.9
    assert features.shape == (600, 128)
    assert features.min() >= 0
    one, same, other = (fit(digits.images[:256], digits.labels[:256], epochs=1, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(one.head.weight, same.head.weight)
    assert not torch.equal(one.head.weight, other.head.weight)


def test_augmentation_moves_and_turns_but_keeps_black_around(digits):
    images = digits.images[:50, None].float() / 127.5 - 1
    turned = augment(images, torch.Generator().manual_seed(0))
    assert turned.shape == images.shape
    assert turned.min() >= -1 - 1e-5
    assert turned.max() <= 1 + 1e-5
    assert not torch.allclose(turned, images, atol=0.1)
    assert torch.allclose(turned.mean(), images.mean(), atol=0.05)


def test_the_bundled_classifier_is_not_fooled_by_a_blank_page():
    read_digits, features = read(load_classifier(), torch.zeros(3, 28, 28, dtype=torch.uint8))
    assert torch.isfinite(features).all()
    assert len(set(read_digits.tolist())) == 1


@pytest.fixture
def small_protocol(monkeypatch) -> None:
    for name, value in {"SAMPLES": 320, "FRECHET_SAMPLES": 300, "MANIFOLD_SAMPLES": 200, "MANY": 640}.items():
        monkeypatch.setattr(dcgan.evaluate, name, value)
    monkeypatch.setattr(dcgan.evaluate, "GAN_TRAIN_EPOCHS", 1)


@pytest.mark.parametrize("num_classes", [0, 10])
def test_a_model_that_knows_nothing_is_seen_through(
    small_protocol, digits, classifier, make_model, tmp_path, num_classes
):
    model = load_model(str(make_model(tmp_path / "model", ModelConfig(base_channels=4, num_classes=num_classes))))
    fixed = seed_independent_metrics(model, digits, digits)
    measures, picture = evaluate(model, digits, digits, classifier, fixed, many=num_classes > 0)
    assert picture.shape == (2, 20, 28, 28)
    assert measures["frechet_ratio"] > 10
    assert measures["frechet_floor"] < measures["frechet_distance"]
    assert measures["precision"] < 0.2
    assert sum(measures["class_counts"]) == 300
    assert measures["discriminator_features"] > 0.5  # random features tell drawn digits apart all the same
    only_conditional = {"label_accuracy", "nearest_neighbour_error_50k", "nearest_neighbour_error_10m", "gan_train"}
    assert only_conditional & set(measures) == (only_conditional if num_classes else set())
    if num_classes:
        assert measures["nearest_neighbour_error_50k"] > 0.3
        assert measures["label_accuracy"] < 0.5
    again, _ = evaluate(model, digits, digits, classifier, fixed, many=num_classes > 0)
    del measures["seconds"], again["seconds"]
    assert measures == again


def test_the_quick_look_tells_a_copy_from_noise(small_protocol, digits, classifier, make_networks, monkeypatch):
    """Known truth: the training digits themselves score 1, an untrained network about 0."""
    monkeypatch.setattr(dcgan.evaluate, "QUICK_SAMPLES", 320)
    images = to_model_size(digits.images[:320], 32, 1)
    generator, _ = make_networks(ModelConfig(base_channels=4, num_classes=10))
    noise = epoch_quality(generator, images, classifier)
    assert noise["precision"] < 0.2 and noise["label_accuracy"] < 0.5
    copies = Samples(images.numpy(), np.arange(320), digits.labels[:320].numpy())
    monkeypatch.setattr(dcgan.evaluate, "sample", lambda *arguments: copies)
    quality = epoch_quality(generator, images, classifier)
    assert (quality["precision"], quality["recall"], quality["coverage"]) == (1, 1, 1)
    assert quality["label_accuracy"] > 0.9
    assert epoch_quality(generator, images.repeat(1, 3, 1, 1), classifier) == {}


def test_a_model_that_copies_the_test_digits_is_called_perfect(
    small_protocol, digits, classifier, make_model, monkeypatch, tmp_path
):
    model = load_model(str(make_model(tmp_path / "model", ModelConfig(base_channels=4, num_classes=10))))
    parts = [Digits(digits.images[at : at + 32], digits.labels[at : at + 32]) for at in range(0, 320, 32)]
    monkeypatch.setattr(dcgan.evaluate, "sampled", lambda *arguments: parts)
    monkeypatch.setattr(dcgan.evaluate, "MANIFOLD_SAMPLES", 320)
    test = digits.first(320)
    measures, _ = evaluate(model, digits, test, classifier, seed_independent_metrics(model, digits, test))
    assert measures["frechet_distance"] < measures["frechet_floor"]
    assert (measures["precision"], measures["recall"], measures["coverage"]) == (1, 1, 1)
    assert measures["nearest_neighbour_error_50k"] == 0
    assert measures["label_accuracy"] > 0.9
    assert measures["class_kl"] < 0.05


def test_digits_in_other_proportions_are_no_fault_of_the_model(
    small_protocol, digits, classifier, make_model, monkeypatch, tmp_path
):
    """Known truth: a model that answers with real digits is as good as real digits, however many 1s there are."""
    model = load_model(str(make_model(tmp_path / "model", ModelConfig(base_channels=4, num_classes=10))))
    shares = torch.where(digits.labels == 1, 9.0, 1.0)
    rng = torch.Generator().manual_seed(0)
    train, test = (
        Digits(digits.images[picks], digits.labels[picks])
        for picks in torch.multinomial(shares, 1200, replacement=True, generator=rng).split(600)
    )

    def copied(model, count, sampling_seed, device, asked=None):
        asked = torch.arange(count) % 10 if asked is None else asked
        where = torch.stack([(digits.labels == digit).float() for digit in range(10)])[asked.long()]
        picks = torch.multinomial(where, 1, generator=rng)[:, 0]
        return [Digits(digits.images[picks], digits.labels[picks])]

    monkeypatch.setattr(dcgan.evaluate, "sampled", copied)
    measures, _ = evaluate(model, train, test, classifier, seed_independent_metrics(model, train, test))
    assert 0.5 < measures["frechet_ratio"] < 2
    assert measures["class_counts"][1] < 60  # the other measures ask for each digit equally often


def test_what_the_test_digits_are_sorted_by_makes_no_difference(small_protocol, digits, classifier):
    """Known truth: real digits score alike, whether the test split has its 0s first or is shuffled."""
    order = digits.labels.argsort(stable=True)
    by_digit = Digits(digits.images[order], digits.labels[order])
    scores = evaluate_real(digits, by_digit, classifier)
    assert scores["precision"] > 0.9 and scores["recall"] > 0.9


def test_real_digits_score_as_real_digits(small_protocol, digits, classifier):
    scores = evaluate_real(digits, digits, classifier, sampling_seed=1)
    assert scores["frechet_ratio"] == 1
    assert scores["precision"] > 0.9 and scores["recall"] > 0.9
    assert scores["nearest_neighbour_error_50k"] < 0.2  # half of the digits are among those compared with
    assert scores == evaluate_real(digits, digits, classifier, sampling_seed=1)
    assert scores != evaluate_real(digits, digits, classifier, sampling_seed=2)


def test_the_script_writes_numbers_picture_and_card(small_protocol, tiny_run, mnist_dir, tmp_path, monkeypatch, capsys):
    folder = shutil.copytree(tiny_run, tmp_path / "model")
    full = evaluate_script.load_mnist
    monkeypatch.setattr(
        evaluate_script, "load_mnist", lambda *where, **split: tuple(p[:600] for p in full(*where, **split))
    )
    arguments = [str(folder), "--data-dir", str(mnist_dir), "--seeds", "2", "--device", "cpu"]
    assert evaluate_script.main([*arguments, "--dry-run"]) == 0
    assert not (folder / "evaluation.json").exists()
    assert evaluate_script.main(arguments) == 0
    evaluation = json.loads((folder / "evaluation.json").read_text())
    assert [run["sampling_seed"] for run in evaluation["runs"]] == [0, 1]
    assert (folder / "novelty.png").exists()
    card = (folder / "README.md").read_text()
    for text in ("model-index", "1-NN test error, 50,000", "python scripts/evaluate.py", " to "):
        assert text in card
    assert "label accuracy (GAN-test)" in capsys.readouterr().out
    assert evaluation["command"] == "python scripts/evaluate.py model --seeds 2 --device cpu"
    write_card(folder)
    assert (folder / "README.md").read_text() == card
    before = sorted(path.stat().st_mtime_ns for path in folder.iterdir())
    assert evaluate_script.main(["--real", *arguments[1:]]) == 0
    table = capsys.readouterr().out
    assert "GAN-train" in table and "novelty" not in table
    assert sorted(path.stat().st_mtime_ns for path in folder.iterdir()) == before


@pytest.mark.parametrize(
    ("script", "arguments", "sentence"),
    [
        (evaluate_script, ["nothing-there"], "there is no model"),
        (evaluate_script, ["mnist", "--seeds", "0"], "seeds is 0"),
        (evaluate_script, [], "name a MODEL, or ask for --real digits"),
        (evaluate_script, ["mnist", "--real"], "name a MODEL, or ask for --real digits"),
        (train_classifier, ["--epochs", "0"], "epochs is 0"),
        (train_classifier, ["--out", "/nowhere/at/all.safetensors"], "is no folder"),
    ],
)
def test_mistakes_are_sentences(script, arguments, sentence, capsys):
    with pytest.raises(SystemExit) as end:
        cli.run(lambda: script.main(arguments))
    assert end.value.code == 2
    assert sentence in capsys.readouterr().err


def test_only_grey_32_can_be_measured(make_model, tmp_path, digits, classifier):
    model = load_model(str(make_model(tmp_path / "large", ModelConfig(base_channels=4, image_size=64))))
    with pytest.raises(ValueError, match="only grey 32x32"):
        evaluate(model, digits, digits, classifier, SeedIndependent({}, 1.0))
