"""The evaluation protocol: which samples each metric compares with which real digits (in words: docs/evaluation.md).

The samples of sampling seed s have consecutive seeds from `FIRST_SEED + SEED_STRIDE * s` and truncation 1, as 28x28
uint8. Most metrics take the first of them. What is drawn from real digits is drawn by seed s.
"""

import contextlib
import copy
import functools
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from dcgan import InputError
from dcgan.data import to_float, to_model_size
from dcgan.evaluation import metrics
from dcgan.evaluation.classifier import DigitClassifier, fit, read
from dcgan.latents.sampling import crop, sample
from dcgan.model_folder import Model
from dcgan.networks import Discriminator, Generator

SAMPLES, FRECHET_SAMPLES, MANIFOLD_SAMPLES, SAMPLES_10M = 50_000, 10_000, 5_000, 10_000_000
SAMPLES_AT_ONCE = 1024  # bounds the memory that ten million take
QUICK_SAMPLES = 2_000  # after an epoch of training
FIRST_SEED, SEED_STRIDE = 10_000_000, 20_000_000
GAN_TRAIN_EPOCHS = 5


@dataclass(frozen=True)
class Digits:
    """Images (N, 28, 28) uint8 and labels (N,) uint8, or None where they are unknown."""

    images: Tensor
    labels: Tensor | None

    def first(self, count: int) -> "Digits":
        return Digits(self.images[:count], None if self.labels is None else self.labels[:count])

    def to(self, device: torch.device) -> "Digits":
        return Digits(self.images.to(device), None if self.labels is None else self.labels.to(device))


def check_measurable(model: Model) -> None:
    """Raise `InputError` if the model's images cannot be compared with MNIST."""
    if (model.config.image_size, model.config.image_channels) != (32, 1):
        raise InputError(
            f"{model.name} makes {model.config.image_size}x{model.config.image_size} images with "
            f"{model.config.image_channels} channels: only 32x32 with 1 channel can be measured"
        )


def iter_samples(
    generator: Generator, count: int, sampling_seed: int, digits: Tensor | None = None
) -> Iterable[Digits]:
    """Yield `count` samples of the protocol's seeds in parts on the generator's device, with a progress bar.

    digits: the digit of each sample (count,), or None: each seed decides.
    """
    first, device = FIRST_SEED + SEED_STRIDE * sampling_seed, next(generator.parameters()).device
    with tqdm(total=count, desc="sampling", unit=" images", leave=False, disable=None, delay=1) as bar:
        for start in range(0, count, SAMPLES_AT_ONCE):
            stop = min(start + SAMPLES_AT_ONCE, count)
            asked = None if digits is None else digits[start:stop].tolist()
            part = sample(generator, range(first + start, first + stop), asked)
            labels = None if part.labels is None else torch.from_numpy(part.labels)
            yield Digits(torch.from_numpy(crop(part.images, generator.config.border)[:, 0]), labels).to(device)
            bar.update(stop - start)


def draw(generator: Generator, count: int, sampling_seed: int, digits: Tensor | None = None) -> Digits:
    """Return the samples of `iter_samples` as one."""
    parts = list(iter_samples(generator, count, sampling_seed, digits))
    labels = None if parts[0].labels is None else torch.cat([part.labels for part in parts])
    return Digits(torch.cat([part.images for part in parts]), labels)


def subsample(rows: Tensor, count: int, sampling_seed: int) -> Tensor:
    """Return `count` of the rows, drawn without replacement; from tensors of equal length the same rows."""
    rng = torch.Generator("cpu").manual_seed(sampling_seed)
    return rows[torch.randperm(len(rows), generator=rng)[:count].to(rows.device)]


def epoch_quality(generator: Generator, images: Tensor, classifier: DigitClassifier) -> dict[str, float]:
    """Return precision, recall, coverage and label accuracy of `QUICK_SAMPLES` samples: takes about a second.

    images: (N, 1, 32, 32) uint8, the training images to compare with. Returns {} for images of another shape.
    """
    if images.shape[1:] != (1, 32, 32):
        return {}
    classifier = copy.deepcopy(classifier).to(images.device)
    samples = draw(generator, QUICK_SAMPLES, 0)
    digits, features = read(classifier, samples.images)
    _, real_features = read(classifier, crop(images[:QUICK_SAMPLES, 0], generator.config.border))
    quality = metrics.manifold(real_features, features)
    if samples.labels is not None:
        quality["label_accuracy"] = (digits == samples.labels).double().mean().item()
    del quality["density"]
    return {name: round(value, 4) for name, value in quality.items()}


class Protocol:
    """The protocol for one model, or for real digits if the model is None. It works on copies of the networks.

    train, test: MNIST's two splits. log: gets the name of each stage. What no sampling seed changes is computed once.
    """

    def __init__(
        self,
        model: Model | None,
        train: Digits,
        test: Digits,
        classifier: DigitClassifier,
        device: torch.device | str = "cpu",
        log: Callable[[str], None] = lambda text: None,
    ):
        if model is not None:
            check_measurable(model)
            self.generator, self.discriminator = (
                copy.deepcopy(network).to(device) for network in (model.generator, model.discriminator)
            )
        self.train, self.test, self.log = train.to(device), test.to(device), log
        self.classifier = copy.deepcopy(classifier).to(device)
        self.test_digits, self.test_features = read(self.classifier, self.test.images)

    @functools.cached_property
    def discriminator_features(self) -> dict[str, float]:
        """The accuracy of a linear classifier on the discriminator's features, with all and with 1,000 labels."""
        from sklearn.linear_model import LogisticRegression  # evaluation's dependency, not the page's
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        self.log("discriminator features")
        labels = self.train.labels.cpu()
        few = torch.cat([(labels == digit).nonzero()[:100, 0] for digit in range(10)]).numpy()
        features, truth = pooled_features(self.discriminator, self.train.images), labels.numpy()
        test_features = pooled_features(self.discriminator, self.test.images)
        accuracies = {}
        for name, rows in (("discriminator_features", slice(None)), ("discriminator_features_1000", few)):
            linear = make_pipeline(StandardScaler(), LogisticRegression(C=1e-3, max_iter=100))
            linear.fit(features[rows], truth[rows])
            accuracies[name] = float(linear.score(test_features, self.test.labels.cpu().numpy()))
        return accuracies

    @functools.cached_property
    def real_distance(self) -> float:
        """The mean distance of the test digits to their nearest training digit."""
        search = metrics.NearestNeighbour(self.test.images)
        search.update(self.train.images)
        return max(search.distances().mean().item(), 1 / 255)  # 0 if the two splits are the same

    def measure(self, sampling_seed: int, many: bool = False) -> tuple[dict, np.ndarray]:
        """Return all metrics of the model, and the picture of novelty: (2, 20, 28, 28), samples above neighbours.

        many: also the 1-NN error of ten million samples, which takes an hour on two CPU cores.
        """
        started, conditional = time.monotonic(), self.generator.config.num_classes > 0
        self.log(f"sampling {SAMPLES:,} digits")
        samples = draw(self.generator, SAMPLES, sampling_seed)
        few = samples.first(FRECHET_SAMPLES)

        self.log("Fréchet distance, precision and recall, class balance")
        digits, features = read(self.classifier, few.images)
        floor = self.real_subset(FRECHET_SAMPLES, sampling_seed)
        if conditional:
            alike = draw(self.generator, len(floor.images), sampling_seed, floor.labels)
            _, features = read(self.classifier, alike.images)
        measures: dict = self.resemblance(features, read(self.classifier, floor.images)[1], sampling_seed)
        measures["class_counts"], measures["class_kl"] = metrics.kl_to_uniform(digits)
        measures["classifier_accuracy"] = (self.test_digits == self.test.labels).double().mean().item()
        if conditional:
            measures["label_accuracy"] = (digits == few.labels).double().mean().item()

        self.log("novelty")
        search = metrics.NearestNeighbour(few.images)
        search.update(self.train.images)
        measures["novelty"] = search.distances().mean().item() / self.real_distance
        picture = torch.stack([few.images[:20], self.train.images[search.index[:20]]]).cpu().numpy()

        if conditional:
            self.log("1-NN and GAN-train")
            measures |= self.as_training_data(samples, sampling_seed)
            if many:
                self.log(f"1-NN with {SAMPLES_10M:,} samples")
                measures["nearest_neighbour_error_10m"] = self.many_neighbours_error(sampling_seed)
        measures |= self.discriminator_features
        measures["seconds"] = time.monotonic() - started
        return measures, picture

    def measure_real(self, sampling_seed: int) -> dict[str, float]:
        """Return what training digits score in place of samples, for the metrics where that makes sense."""
        digits = self.real_subset(SAMPLES, sampling_seed)
        _, features = read(self.classifier, digits.first(FRECHET_SAMPLES).images)
        return self.resemblance(features, features, sampling_seed) | self.as_training_data(digits, sampling_seed)

    def real_subset(self, count: int, sampling_seed: int) -> Digits:
        return Digits(*(subsample(part, count, sampling_seed) for part in (self.train.images, self.train.labels)))

    def resemblance(self, features: Tensor, floor_features: Tensor, sampling_seed: int) -> dict[str, float]:
        """Return the Fréchet distance of features, its floor, their ratio, and the manifold metrics."""
        distance = metrics.frechet_distance(self.test_features, features)
        floor = metrics.frechet_distance(self.test_features, floor_features)
        real = subsample(self.test_features, MANIFOLD_SAMPLES, sampling_seed)
        manifold = metrics.manifold(real, features[:MANIFOLD_SAMPLES])
        return {"frechet_distance": distance, "frechet_floor": floor, "frechet_ratio": distance / floor} | manifold

    def as_training_data(self, samples: Digits, sampling_seed: int) -> dict[str, float]:
        """Return how well the test digits are classified by means of the samples alone."""
        search = metrics.NearestNeighbour(self.test.images)
        search.update(samples.images)
        trained = fit(samples.images, samples.labels, epochs=GAN_TRAIN_EPOCHS, seed=sampling_seed)
        return {
            "nearest_neighbour_error_50k": search.error(samples.labels, self.test.labels),
            "gan_train": (read(trained, self.test.images)[0] == self.test.labels).double().mean().item(),
        }

    def many_neighbours_error(self, sampling_seed: int) -> float:
        """Return the 1-NN error of ten million samples, of which only the labels are kept (10 MB)."""
        search, labels = metrics.NearestNeighbour(self.test.images), []
        for part in iter_samples(self.generator, SAMPLES_10M, sampling_seed):
            search.update(part.images)
            labels.append(part.labels)
        return search.error(torch.cat(labels), self.test.labels)


@torch.inference_mode()
def pooled_features(discriminator: Discriminator, images: Tensor) -> np.ndarray:
    """Return the hidden layers for images (N, 28, 28) uint8, each max-pooled to 4x4: (N, D) float32."""
    config, kept, rows = discriminator.config, [], []
    with contextlib.ExitStack() as hooks:
        for layer in (discriminator.from_image, *discriminator.norms):
            hooks.enter_context(layer.register_forward_hook(lambda module, inputs, output: kept.append(output)))
        for part in images.split(512):
            kept.clear()
            labels = torch.full((len(part), 10), 0.1, device=part.device) if config.num_classes else None
            discriminator(to_float(to_model_size(part, config.image_size, config.image_channels)), labels)
            pooled = [F.adaptive_max_pool2d(F.leaky_relu(output, 0.2), 4).flatten(1) for output in kept]
            rows.append(torch.cat(pooled, dim=1).cpu())
    return torch.cat(rows).numpy()
