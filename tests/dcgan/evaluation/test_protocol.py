"""The classifier and the protocol, on drawn digits and at a small size."""

import copy
import dataclasses
import json
import shutil
import types

import numpy as np
import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode

import dcgan.evaluation.protocol
import dcgan.evaluation.scores
import dcgan.latents.directions
from dcgan import InputError
from dcgan.config import ModelConfig
from dcgan.data import to_float, to_model_size
from dcgan.evaluation.classifier import DigitClassifier, augment, fit, load_classifier, read
from dcgan.evaluation.protocol import Digits, Protocol, epoch_quality, iter_samples, pooled_features
from dcgan.evaluation.scores import score_images
from dcgan.hub.load import load_model
from dcgan.latents.directions import fit_named_directions, sefa
from dcgan.latents.inversion import invert
from dcgan.latents.sampling import Samples, sample
from dcgan.model_folder import Model, weights_sha256
from dcgan.networks import Discriminator, Generator
from scripts import cli, train_classifier
from scripts import evaluate as evaluate_script


@pytest.fixture(scope="module")
def digits(drawn_digits) -> Digits:
    images, labels = drawn_digits
    return Digits(torch.from_numpy(images), torch.from_numpy(labels))


@pytest.fixture(scope="module")
def classifier(digits) -> DigitClassifier:
    return fit(digits.images.repeat(2, 1, 1), digits.labels.repeat(2), epochs=7)


def test_the_classifier_learns_and_is_a_function_of_its_seed(digits, classifier, monkeypatch):
    read_digits, features = read(classifier, digits.images)
    assert (read_digits == digits.labels).double().mean() > 0.9
    assert features.shape == (600, 128) and features.min() >= 0
    monkeypatch.setattr(torch.cuda, "manual_seed_all", None)  # what torch.manual_seed calls, with and without a GPU
    before = torch.get_rng_state()
    one, same, other = (fit(digits.images[:256], digits.labels[:256], epochs=1, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(one.head.weight, same.head.weight)
    assert not torch.equal(one.head.weight, other.head.weight)


def test_augmentation_turns_scales_and_moves_as_far_as_it_says():
    """Two dots on black, 10 pixels apart: where they go tells each part."""
    images = torch.full((400, 1, 28, 28), -1.0)
    images[:, :, 13:15, 8:10] = images[:, :, 13:15, 18:20] = 1.0
    moved = augment(images, torch.Generator().manual_seed(0))[:, 0]
    assert moved.min() >= -1 - 1e-5 and moved.max() <= 1 + 1e-5
    assert (moved[:, :4] < -0.99).all()  # what comes in from outside is black
    place = torch.arange(28.0)

    def centre(part: torch.Tensor, first_column: int) -> torch.Tensor:
        ink, columns = part + 1, place[: part.shape[2]] + first_column
        return torch.stack([ink.sum(1) @ columns, ink.sum(2) @ place]) / ink.sum((1, 2))  # (2, N): x, y

    left, right = centre(moved[:, :, :14], 0), centre(moved[:, :, 14:], 14)
    x, y = right - left
    shift_x, shift_y = (left + right) / 2 - 13.5
    for values, low, high in (
        (torch.rad2deg(torch.atan2(y, x)), -12, 12),
        (torch.hypot(x, y) / 10, 1 / 1.12, 1 / 0.88),
        (shift_x, -2 / 0.88, 2 / 0.88),
        (shift_y, -2 / 0.88, 2 / 0.88),
    ):
        slack = (high - low) / 8
        assert low - slack < values.min() < low + 2 * slack
        assert high - 2 * slack < values.max() < high + slack


def test_the_bundled_classifier_reads_a_font_that_it_never_saw(digits):
    assert (read(load_classifier(), digits.images[:200])[0] == digits.labels[:200]).double().mean() > 0.8


@pytest.fixture(scope="module")
def model(tmp_path_factory, make_model) -> Model:
    """An untrained conditional model."""
    folder = tmp_path_factory.mktemp("models") / "model"
    return load_model(str(make_model(folder, ModelConfig(base_channels=4, num_classes=10))))


@pytest.fixture
def small_protocol(monkeypatch) -> None:
    for name, value in {"SAMPLES": 320, "FRECHET_SAMPLES": 300, "MANIFOLD_SAMPLES": 200, "SAMPLES_10M": 640}.items():
        monkeypatch.setattr(dcgan.evaluation.protocol, name, value)
    monkeypatch.setattr(dcgan.evaluation.protocol, "GAN_TRAIN_EPOCHS", 1)


@pytest.mark.parametrize("num_classes", [0, 10])
def test_an_untrained_model_scores_badly(small_protocol, digits, classifier, make_model, tmp_path, num_classes):
    model = load_model(str(make_model(tmp_path / "model", ModelConfig(base_channels=4, num_classes=num_classes))))
    protocol = Protocol(model, digits, digits, classifier)
    measures, picture = protocol.measure(0, many=num_classes > 0)
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
        again, _ = protocol.measure(0, many=True)
        del measures["seconds"], again["seconds"]
        assert measures == again


def test_epoch_quality_tells_copies_from_noise(small_protocol, digits, classifier, make_networks, monkeypatch):
    """The training digits themselves score 1, an untrained network about 0."""
    monkeypatch.setattr(dcgan.evaluation.protocol, "QUICK_SAMPLES", 320)
    images = to_model_size(digits.images[:320], 32, 1)
    generator, _ = make_networks(ModelConfig(base_channels=4, num_classes=10))
    noise = epoch_quality(generator, images, classifier)
    assert noise["precision"] < 0.2 and noise["label_accuracy"] < 0.5
    copies = Samples(images.numpy(), np.arange(320), digits.labels[:320].numpy())
    monkeypatch.setattr(dcgan.evaluation.protocol, "sample", lambda *arguments: copies)
    quality = epoch_quality(generator, images, classifier)
    assert (quality["precision"], quality["recall"], quality["coverage"]) == (1, 1, 1)
    assert quality["label_accuracy"] > 0.9
    assert epoch_quality(generator, images.repeat(1, 3, 1, 1), classifier) == {}


def test_a_model_that_copies_the_test_digits_is_perfect(small_protocol, digits, classifier, model, monkeypatch):
    parts = [Digits(digits.images[at : at + 32], digits.labels[at : at + 32]) for at in range(0, 320, 32)]
    monkeypatch.setattr(dcgan.evaluation.protocol, "iter_samples", lambda *arguments: parts)
    monkeypatch.setattr(dcgan.evaluation.protocol, "MANIFOLD_SAMPLES", 320)
    test = digits.first(320)
    measures, _ = Protocol(model, digits, test, classifier).measure(0)
    assert measures["frechet_distance"] < measures["frechet_floor"]
    assert (measures["precision"], measures["recall"], measures["coverage"]) == (1, 1, 1)
    assert measures["nearest_neighbour_error_50k"] == 0
    assert measures["label_accuracy"] > 0.9
    assert measures["class_kl"] < 0.05


def test_the_share_of_1s_is_not_held_against_a_model(small_protocol, digits, classifier, model, monkeypatch):
    """A model that copies real digits is as good as real digits, whatever the share of 1s in the real data."""
    shares = torch.where(digits.labels == 1, 9.0, 1.0)
    rng = torch.Generator().manual_seed(0)

    def picked(picks: torch.Tensor) -> Digits:
        return Digits(digits.images[picks], digits.labels[picks])

    def copied(generator, count, sampling_seed, asked=None):
        asked = torch.arange(count) % 10 if asked is None else asked
        where = torch.stack([(digits.labels == digit).float() for digit in range(10)])[asked.long()]
        return [picked(torch.multinomial(where, 1, generator=rng)[:, 0])]

    train, test = map(picked, torch.multinomial(shares, 1200, replacement=True, generator=rng).split(600))
    monkeypatch.setattr(dcgan.evaluation.protocol, "iter_samples", copied)
    measures, _ = Protocol(model, train, test, classifier).measure(0)
    assert 0.5 < measures["frechet_ratio"] < 2
    assert measures["class_counts"][1] < 60  # the other measures ask for each digit equally often


def test_real_digits_score_as_real_digits(small_protocol, digits, classifier):
    protocol = Protocol(None, digits, digits, classifier)
    scores = protocol.measure_real(1)
    assert scores["precision"] > 0.9 and scores["recall"] > 0.9
    assert scores["nearest_neighbour_error_50k"] < 0.2  # half of the digits are among those compared with
    assert scores != protocol.measure_real(2)
    order = digits.labels.argsort(stable=True)
    by_digit = Digits(digits.images[order], digits.labels[order])  # the order of the test split makes no difference
    scores_by_digit = Protocol(None, digits, by_digit, classifier).measure_real(1)
    assert scores_by_digit["precision"] > 0.9 and scores_by_digit["recall"] > 0.9
    fainter = Digits(digits.images // 2, digits.labels)
    distance = Protocol(None, fainter, digits, classifier).measure_real(1)["frechet_distance"]
    assert distance > 2 * scores["frechet_distance"]


def test_a_loaded_model_is_left_as_it_is(small_protocol, digits, classifier, model, monkeypatch):
    """Other threads may use it: its networks are neither moved nor switched between training and evaluation."""
    touched = []
    for name, method in (("to", nn.Module.to), ("train", nn.Module.train)):

        def recorded(network, *arguments, _method=method, **options):
            touched.append(network)
            return _method(network, *arguments, **options)

        monkeypatch.setattr(nn.Module, name, recorded)
    Protocol(model, digits, digits, classifier)
    images = sample(model.generator, range(40)).images
    score_images(model, images, np.zeros(40, np.uint8))
    invert(model.generator, digits.images[0].numpy(), [1], steps=2)
    sefa(model.generator, 2)
    assert touched  # the copies
    assert not any(network is one for network in touched for one in (model.generator, model.discriminator, classifier))


DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


@pytest.mark.parametrize("device", DEVICES)
def test_everything_runs_on_the_device_of_the_networks(device, digits, classifier, monkeypatch):
    """Results are on the CPU and, on any device, nearly those of the CPU."""
    monkeypatch.setattr(dcgan.latents.directions, "FITTED", 300)
    monkeypatch.setattr(dcgan.latents.directions, "HELD_OUT", 100)
    monkeypatch.setattr(dcgan.evaluation.protocol, "QUICK_SAMPLES", 100)
    original = load_model("mnist-conditional")
    moved = {name: copy.deepcopy(getattr(original, name)).to(device) for name in ("generator", "discriminator")}
    model = dataclasses.replace(original, **moved)
    images = sample(model.generator, range(40), 3).images
    assert np.abs(images.astype(int) - sample(original.generator, range(40), 3).images).max() <= 2
    labels = np.full(40, 3, np.uint8)
    scores = score_images(model, images, labels)
    assert (scores.digits == 3).all() and scores.confidence.min() > 0.5 and scores.confidence.max() <= 1
    with torch.inference_mode():
        logits = original.discriminator(to_float(torch.from_numpy(images)), torch.full((40,), 3))
    assert scores.realness == pytest.approx(logits.sigmoid().numpy(), abs=0.02)
    assert invert(model.generator, images[0, 0, 2:30, 2:30], [3], steps=30).error < 60
    for pair in zip(fit_named_directions(model.generator), fit_named_directions(original.generator), strict=True):
        assert pair[0].vector @ pair[1].vector > 0.99
    padded = to_model_size(digits.images[:100], 32, 1).to(device)
    assert epoch_quality(model.generator, padded, classifier)["label_accuracy"] > 0.2
    features = pooled_features(model.discriminator, digits.images[:40].to(device))
    assert features == pytest.approx(pooled_features(original.discriminator, digits.images[:40]), rel=0.05, abs=0.05)


@pytest.mark.parametrize("num_classes", [0, 10])
def test_tensors_meet_on_one_device(num_classes, monkeypatch):
    """On fake CUDA tensors, which need no GPU and raise an error where they meet a CPU tensor."""
    config = ModelConfig(base_channels=4, num_classes=num_classes)
    labels = np.zeros(40, np.uint8) if num_classes else None

    def on_the_cpu(tensor: FakeTensor) -> np.ndarray:
        assert tensor.device.type == "cpu"
        return np.zeros(tensor.shape, np.uint8)

    monkeypatch.setattr(FakeTensor, "numpy", on_the_cpu)
    monkeypatch.setattr(FakeTensor, "__int__", lambda tensor: 0)
    monkeypatch.setattr(FakeTensor, "__float__", lambda tensor: 0.0)
    with FakeTensorMode():
        with torch.device("cuda"):
            generator, discriminator = Generator(config).eval(), Discriminator(config).eval()
            real = torch.zeros(40, 28, 28, dtype=torch.uint8)
        model = types.SimpleNamespace(generator=generator, discriminator=discriminator, config=config)
        fake_classifier = DigitClassifier().eval()
        with pytest.raises(RuntimeError, match="device"):  # what the rest of the test relies on
            generator(torch.randn(40, 100), None if labels is None else torch.from_numpy(labels).long())
        assert sefa(generator, 2)[0].vector.device.type == "cpu"
        monkeypatch.setattr(dcgan.evaluation.scores, "load_classifier", lambda: fake_classifier)
        score_images(model, np.zeros((40, 1, 32, 32), np.uint8), labels)
        assert {part.images.device.type for part in iter_samples(generator, 40, 0)} == {"cuda"}
        pooled_features(discriminator, real)
        # Autograd asks the driver for the device, and there is none.
        monkeypatch.setattr(torch.autograd, "grad", lambda loss, of: [torch.zeros_like(latents) for latents in of])
        found = invert(generator, np.zeros((28, 28), np.uint8), range(10) if num_classes else (), steps=2)
        assert found.latent.device.type == "cpu"


def test_the_script_writes_numbers_picture_and_card(small_protocol, tiny_run, mnist_dir, tmp_path, monkeypatch, capsys):
    folder = shutil.copytree(tiny_run, tmp_path / "model")
    full = evaluate_script.load_mnist
    monkeypatch.setattr(evaluate_script, "load_mnist", lambda *a, **split: tuple(p[:320] for p in full(*a, **split)))
    arguments = [str(folder), "--data-dir", str(mnist_dir), "--device", "cpu", "--seeds", "2"]
    assert evaluate_script.main([*arguments, "--write"]) == 0
    evaluation = json.loads((folder / "evaluation.json").read_text())
    assert [run["sampling_seed"] for run in evaluation["runs"]] == [0, 1]
    assert evaluation["weights_sha256"] == weights_sha256(folder)
    assert (folder / "novelty.png").exists()
    card = (folder / "README.md").read_text()
    assert "model-index" in card and "python scripts/evaluate.py" in card
    assert f"{evaluation['runs'][0]['label_accuracy']:.2%}" in card
    assert evaluation["command"] == "python scripts/evaluate.py model --seeds 2 --device cpu"

    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    capsys.readouterr()
    assert evaluate_script.main(arguments[:-2]) == 0  # without --write it only prints
    assert "novelty" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    assert evaluate_script.main(["--real", *arguments[1:-2]]) == 0
    table = capsys.readouterr().out
    assert "GAN-train" in table and "novelty" not in table


def test_numbers_of_other_weights_are_not_written(tiny_run, mnist_dir, tmp_path, monkeypatch, capsys):
    folder = shutil.copytree(tiny_run, tmp_path / "model")

    def measure(self, seed: int, many: bool) -> tuple[dict, np.ndarray]:
        shutil.copy(folder / "discriminator.safetensors", folder / "model.safetensors")
        return {"precision": 0.5}, np.zeros((40, 28, 28), np.uint8)

    monkeypatch.setattr(Protocol, "measure", measure)
    with pytest.raises(InputError, match="other weights"):
        evaluate_script.main([str(folder), "--write", "--data-dir", str(mnist_dir), "--device", "cpu"])
    assert "50" in capsys.readouterr().out and not (folder / "evaluation.json").exists()


def test_models_that_cannot_be_measured_or_written_to(monkeypatch, tmp_path, model, digits, classifier):
    """The error comes before MNIST is loaded, and before any work."""
    on_hub = dataclasses.replace(model, name="user/digits", commit="0" * 40)
    large = dataclasses.replace(model, config=ModelConfig(image_size=64))
    for found, named in ((on_hub, "user/digits is on the Hub"), (large, "64x64")):
        monkeypatch.setattr(cli, "load_model", lambda name, found=found: found)
        with pytest.raises(InputError, match=named):
            evaluate_script.main(["user/digits", "--write", "--data-dir", str(tmp_path / "no-data")])
    with pytest.raises(InputError, match="64x64"):
        Protocol(large, digits, digits, classifier)


@pytest.mark.parametrize(
    ("script", "arguments", "sentence"),
    [
        (evaluate_script, ["nothing-there"], "there is no model"),
        (evaluate_script, ["mnist", "--seeds", "0"], "seeds is 0"),
        (evaluate_script, [], "--real"),
        (evaluate_script, ["mnist", "--real"], "--real"),
        (evaluate_script, ["--real", "--write"], "--write"),
        (train_classifier, ["--epochs", "0"], "epochs is 0"),
        (train_classifier, ["--out", "/tmp"], "is a folder"),
        (train_classifier, ["--out", "/nowhere/at/all.safetensors"], "is not a folder"),
    ],
)
def test_mistakes_are_sentences(script, arguments, sentence, capsys):
    with pytest.raises(SystemExit) as end:
        cli.run(lambda: script.main(arguments))
    assert end.value.code == 2
    assert sentence in capsys.readouterr().err
