"""The protocol of the measures: how many samples, of which seeds, against which real digits.

- Samples: 50,000 with consecutive seeds from `FIRST_SEED + SEED_STRIDE * s` for sampling seed s; where
  the model knows digits the seed decides the digit, so all ten are equally frequent. Truncation 1.
  Pictures are 28x28 uint8, as the page and `scripts/sample.py` give them.
- Fréchet distance: features of 10,000 samples against those of the 10,000 test digits; its floor, 10,000
  training digits drawn without replacement by seed s, against the test digits. The samples are the first
  10,000; a conditional model is asked, with these seeds, for the very digits of the floor, because MNIST's
  ten are not equally frequent: real digits that are have 1.9 times the floor.
- Precision, recall, density, coverage: 5,000 of these samples against 5,000 test digits drawn by seed s (the
  split's first half is cleaner than its second: real training digits have precision 0.91 against the one
  and 0.87 against the other), k = 5.
- Class balance, label accuracy (= GAN-test), novelty: the first 10,000 samples. Novelty is the mean pixel
  distance of samples to their nearest of 60,000 training digits, over that of the 10,000 test digits.
- 1-NN: the 10,000 test digits, each read as its nearest of 50,000 samples (or of ten million, streamed;
  where several sampling seeds are asked for, of the first).
- GAN-train: `classifier.fit` on the 50,000 samples for 5 epochs, its accuracy on the 10,000 test digits.
- Discriminator features: every hidden layer's activations, max-pooled to 4x4 (the paper's section 5.1),
  standardised, under a logistic regression: fitted on all 60,000 training digits, and on 1,000 (the first
  100 of each digit); accuracy on the 10,000 test digits. A conditional discriminator is told no digit:
  it gets a tenth of each.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from dcgan import InputError
from dcgan.data import to_float, to_model_size
from dcgan.evaluation import metrics
from dcgan.evaluation.classifier import DigitClassifier, fit, read
from dcgan.latents.sampling import crop, sample, sample_chunks
from dcgan.model_folder import Model
from dcgan.networks import Generator

SAMPLES, FRECHET_SAMPLES, MANIFOLD_SAMPLES, SAMPLES_10M = 50_000, 10_000, 5_000, 10_000_000
QUICK_SAMPLES = 2_000  # after an epoch of training
FIRST_SEED, SEED_STRIDE = 10_000_000, 20_000_000
GAN_TRAIN_EPOCHS = 5


@dataclass(frozen=True)
class Digits:
    """Pictures (N, 28, 28) uint8 and their labels (N,) uint8, None where nobody knows."""

    images: Tensor
    labels: Tensor | None

    def first(self, count: int) -> "Digits":
        return Digits(self.images[:count], None if self.labels is None else self.labels[:count])


def check_measurable(model: Model) -> None:
    if (model.config.image_size, model.config.image_channels) != (32, 1):
        raise InputError(
            f"{model.name} makes {model.config.image_size}x{model.config.image_size} pictures with "
            f"{model.config.image_channels} channels: only grey 32x32 can be measured against MNIST"
        )


def iter_samples(
    model: Model, count: int, sampling_seed: int, device: torch.device, asked: Tensor | None = None
) -> Iterable[Digits]:
    """`count` samples of the protocol's seeds, chunk by chunk, with a bar on a terminal.

    asked: the digit of each (count,), or None: the seed decides.
    """
    first = FIRST_SEED + SEED_STRIDE * sampling_seed
    each = None if asked is None else asked.tolist()
    with tqdm(total=count, desc="sampling", unit=" images", leave=False, disable=None, delay=1) as bar:
        for chunk in sample_chunks(model.generator.to(device), range(first, first + count), each):
            images = torch.from_numpy(crop(chunk.images, model.config.border)[:, 0]).to(device)
            yield Digits(images, None if chunk.labels is None else torch.from_numpy(chunk.labels).to(device))
            bar.update(len(images))


def concat(parts: Iterable[Digits]) -> Digits:
    parts = list(parts)
    labels = None if parts[0].labels is None else torch.cat([part.labels for part in parts])
    return Digits(torch.cat([part.images for part in parts]), labels)


def epoch_quality(generator: Generator, images: Tensor, classifier: DigitClassifier) -> dict[str, float]:
    """A quick look while a model is trained, a second: `QUICK_SAMPLES` samples of the protocol's first seeds.

    images: what the trainer gets, (N, 1, 32, 32) uint8; as many of them are compared. Precision, recall
    and coverage in the classifier's features; where the model knows digits, how often the asked one is
    read. Empty for pictures of another shape, which the classifier cannot read.
    """
    config = generator.config
    if images.shape[1:] != (1, 32, 32):
        return {}
    classifier = classifier.to(images.device)
    real = crop(images[:QUICK_SAMPLES, 0], config.border)
    samples = sample(generator, range(FIRST_SEED, FIRST_SEED + QUICK_SAMPLES))
    digits, features = read(classifier, torch.from_numpy(crop(samples.images, config.border)[:, 0]).to(images.device))
    quality = asdict(metrics.manifold(read(classifier, real)[1], features))
    if config.num_classes:
        quality["label_accuracy"] = (digits.cpu() == torch.from_numpy(samples.labels)).double().mean().item()
    del quality["density"]
    return {name: round(value, 4) for name, value in quality.items()}


@dataclass(frozen=True)
class SeedIndependent:
    """What does not depend on the sampling seed: the same for each, so it is worked out once."""

    discriminator_features: dict[str, float]
    real_distance: float  # mean distance of the test digits to their nearest training digit


def seed_independent_metrics(
    model: Model, train: Digits, test: Digits, device: torch.device | str = "cpu"
) -> SeedIndependent:
    device = torch.device(device)
    train, test = (on_device(part, device) for part in (train, test))
    real = metrics.NearestNeighbour(test.images)
    real.update(train.images)
    distance = max(real.distances().mean().item(), 1 / 255)  # 0 where somebody measures against the training digits
    return SeedIndependent(discriminator_features(model, train, test, device), distance)


def on_device(part: Digits, device: torch.device) -> Digits:
    return Digits(part.images.to(device), part.labels.to(device))


def subsample(rows: Tensor, count: int, sampling_seed: int) -> Tensor:
    """`count` of the rows without replacement; tensors with as many rows are drawn from alike."""
    rng = torch.Generator("cpu").manual_seed(sampling_seed)
    return rows[torch.randperm(len(rows), generator=rng)[:count].to(rows.device)]


def real_subset(train: Digits, count: int, sampling_seed: int) -> Digits:
    """Real training digits: the floor's, and what stands in for samples of a perfect model."""
    return Digits(*(subsample(part, count, sampling_seed) for part in (train.images, train.labels)))


def resemblance(
    features: Tensor, floor_features: Tensor, test_features: Tensor, sampling_seed: int
) -> dict[str, float]:
    """Fréchet distance beside its floor, and the four measures by balls."""
    distance = metrics.frechet_distance(test_features, features)
    floor = metrics.frechet_distance(test_features, floor_features)
    balls = metrics.manifold(subsample(test_features, MANIFOLD_SAMPLES, sampling_seed), features[:MANIFOLD_SAMPLES])
    return {"frechet_distance": distance, "frechet_floor": floor, "frechet_ratio": distance / floor} | asdict(balls)


def as_training_data(samples: Digits, test: Digits, sampling_seed: int) -> dict[str, float]:
    """What somebody who sees the samples only learns about the test digits."""
    search = metrics.NearestNeighbour(test.images)
    search.update(samples.images)
    learnt = fit(samples.images, samples.labels, epochs=GAN_TRAIN_EPOCHS, seed=sampling_seed)
    return {
        "nearest_neighbour_error_50k": metrics.nearest_neighbour_error(search, samples.labels, test.labels),
        "gan_train": (read(learnt, test.images)[0] == test.labels).double().mean().item(),
    }


def evaluate(
    model: Model,
    train: Digits,
    test: Digits,
    classifier: DigitClassifier,
    fixed: SeedIndependent,
    *,
    sampling_seed: int = 0,
    many: bool = False,
    device: torch.device | str = "cpu",
    say: Callable[[str], None] = lambda text: None,
) -> tuple[dict, np.ndarray]:
    """All measures of the protocol as a flat dict, and the picture of novelty (2, 20, 28, 28).

    many: the 1-NN error at ten million samples too (an hour on two CPU cores). `say` hears each stage.
    """
    check_measurable(model)
    device, started = torch.device(device), time.monotonic()
    train, test = (on_device(part, device) for part in (train, test))
    classifier = classifier.to(device)
    conditional = model.config.num_classes > 0

    say(f"sampling {SAMPLES:,} digits")
    samples = concat(iter_samples(model, SAMPLES, sampling_seed, device))
    few = samples.first(FRECHET_SAMPLES)

    say("Fréchet distance, precision and recall, class balance")
    digits, features = read(classifier, few.images)
    test_digits, test_features = read(classifier, test.images)
    floor = real_subset(train, FRECHET_SAMPLES, sampling_seed)
    if conditional:
        alike = concat(iter_samples(model, len(floor.images), sampling_seed, device, floor.labels))
        _, features = read(classifier, alike.images)
    measures: dict = resemblance(features, read(classifier, floor.images)[1], test_features, sampling_seed)
    measures["class_counts"], measures["class_kl"] = metrics.kl_to_uniform(digits)
    measures["classifier_accuracy"] = (test_digits == test.labels).double().mean().item()
    if conditional:
        measures["label_accuracy"] = (digits == few.labels).double().mean().item()

    say("novelty")
    new = metrics.NearestNeighbour(few.images)
    new.update(train.images)
    measures["novelty"] = new.distances().mean().item() / fixed.real_distance
    picture = torch.stack([few.images[:20], train.images[new.index[:20]]]).cpu().numpy()

    if conditional:
        say("1-NN and GAN-train")
        measures |= as_training_data(samples, test, sampling_seed)
        if many:
            say(f"1-NN with {SAMPLES_10M:,} samples")
            measures["nearest_neighbour_error_10m"] = many_neighbours_error(model, test, sampling_seed, device)

    measures |= fixed.discriminator_features
    measures["seconds"] = time.monotonic() - started
    return measures, picture


def evaluate_real(
    train: Digits,
    test: Digits,
    classifier: DigitClassifier,
    *,
    sampling_seed: int = 0,
    device: torch.device | str = "cpu",
) -> dict[str, float]:
    """What real digits score: training digits in place of samples, where the protocol means anything for them."""
    device = torch.device(device)
    train, test = (on_device(part, device) for part in (train, test))
    classifier = classifier.to(device)
    digits = real_subset(train, SAMPLES, sampling_seed)
    features, test_features = (read(classifier, part.images)[1] for part in (digits.first(FRECHET_SAMPLES), test))
    return resemblance(features, features, test_features, sampling_seed) | as_training_data(digits, test, sampling_seed)


def many_neighbours_error(model: Model, test: Digits, sampling_seed: int, device: torch.device) -> float:
    """The 1-NN error at ten million samples: only their labels are kept, 10 MB."""
    search, labels, waiting = metrics.NearestNeighbour(test.images), [], []
    for part in iter_samples(model, SAMPLES_10M, sampling_seed, device):
        labels.append(part.labels)
        waiting.append(part.images)
        if len(waiting) * len(part.images) >= metrics.REFERENCES_AT_ONCE:
            search.update(torch.cat(waiting))
            waiting = []
    if waiting:
        search.update(torch.cat(waiting))
    return metrics.nearest_neighbour_error(search, torch.cat(labels), test.labels)


@torch.inference_mode()
def pooled_features(model: Model, images: Tensor, device: torch.device) -> np.ndarray:
    """images (N, 28, 28) uint8 -> the discriminator's hidden layers, each max-pooled to 4x4: (N, D) float32."""
    discriminator, config = model.discriminator.to(device).eval(), model.config
    kept: list[Tensor] = []
    hooks = [
        layer.register_forward_hook(lambda module, inputs, output: kept.append(output))
        for layer in (discriminator.from_image, *discriminator.norms)
    ]
    rows = []
    try:
        for part in images.split(512):
            kept.clear()
            nobody = torch.full((len(part), 10), 0.1, device=device) if config.num_classes else None
            discriminator(to_float(to_model_size(part, config.image_size, config.image_channels)), nobody)
            pooled = [F.adaptive_max_pool2d(F.leaky_relu(output, 0.2), 4).flatten(1) for output in kept]
            rows.append(torch.cat(pooled, dim=1).cpu())
    finally:
        for hook in hooks:
            hook.remove()
    return torch.cat(rows).numpy()


def discriminator_features(model: Model, train: Digits, test: Digits, device: torch.device) -> dict[str, float]:
    """Accuracy of a linear classifier on the discriminator's features, with all and with 1,000 labels."""
    from sklearn.linear_model import LogisticRegression  # evaluation's dependency, not the page's
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    labels = train.labels.cpu()
    few = torch.cat([(labels == digit).nonzero()[:100, 0] for digit in range(10)]).numpy()
    features, truth = pooled_features(model, train.images, device), labels.numpy()
    test_features, test_truth = pooled_features(model, test.images, device), test.labels.cpu().numpy()
    accuracies = {}
    for name, rows in (("discriminator_features", slice(None)), ("discriminator_features_1000", few)):
        linear = make_pipeline(StandardScaler(), LogisticRegression(C=1e-3, max_iter=100))
        linear.fit(features[rows], truth[rows])
        accuracies[name] = float(linear.score(test_features, test_truth))
    return accuracies
