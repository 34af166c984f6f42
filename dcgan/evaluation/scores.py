"""What two networks say of a picture: the classifier which digit it is, the discriminator how real."""

import functools
from dataclasses import dataclass

import numpy as np
import torch

from dcgan.data import to_float
from dcgan.evaluation.classifier import DigitClassifier, load_classifier
from dcgan.latents.sampling import to_28x28
from dcgan.model_folder import Model

BATCH = 128


@dataclass(frozen=True)
class Scores:
    """Of each picture (N,): the digit read, the classifier's probability of it, and the discriminator's
    probability that the picture is real."""

    digits: np.ndarray
    confidence: np.ndarray
    realness: np.ndarray


@functools.cache
def classifier() -> DigitClassifier:
    return load_classifier()


@torch.inference_mode()
def score_images(model: Model, images: np.ndarray, labels: np.ndarray | None) -> Scores:
    """Pictures (N, C, S, S) uint8 as the generator made them, with the labels (N,) asked for, None without
    digits."""
    probabilities, realness = [], []
    pixels = torch.from_numpy(to_28x28(images, model.config.border))
    for start in range(0, len(images), BATCH):
        part = slice(start, start + BATCH)
        probabilities.append(classifier()(to_float(pixels[part])[:, None]).softmax(dim=1))
        classes = None if labels is None else torch.from_numpy(labels[part].astype(np.int64))
        logits = model.discriminator(to_float(torch.from_numpy(images[part])), classes)
        realness.append(logits.sigmoid())
    confidence, digits = torch.cat(probabilities).max(dim=1)
    return Scores(digits.numpy(), confidence.numpy(), torch.cat(realness).numpy())


@torch.inference_mode()
def likely_digits(image: np.ndarray, count: int) -> tuple[int, ...]:
    """The classifier's likeliest digits of a picture (28, 28) uint8, the likeliest first."""
    logits = classifier()(to_float(torch.from_numpy(image)[None, None]))[0]
    return tuple(logits.topk(count).indices.tolist())
