"""What the two judges say of an image: the classifier which digit it is, the discriminator how real it looks."""

from dataclasses import dataclass

import numpy as np
import torch

from dcgan.data import to_float
from dcgan.evaluation.classifier import load_classifier
from dcgan.latents.sampling import to_28x28
from dcgan.model_folder import Model


@dataclass(frozen=True)
class Scores:
    """For each image (N,): the digit that the classifier reads, its probability, and the discriminator's probability
    that the image is real."""

    digits: np.ndarray
    confidence: np.ndarray
    realness: np.ndarray


@torch.inference_mode()
def score_images(model: Model, images: np.ndarray, labels: np.ndarray | None) -> Scores:
    """Return the scores of images (N, C, S, S) uint8 of a model, asked for with labels (N,), None if unconditional."""
    device = next(model.discriminator.parameters()).device
    pixels = to_float(torch.from_numpy(to_28x28(images, model.config.border)))[:, None]
    confidence, digits = load_classifier()(pixels).softmax(dim=1).max(dim=1)
    classes = None if labels is None else torch.from_numpy(labels.astype(np.int64)).to(device)
    logits = model.discriminator(to_float(torch.from_numpy(images).to(device)), classes)
    return Scores(digits.numpy(), confidence.numpy(), logits.sigmoid().cpu().numpy())


@torch.inference_mode()
def likely_digits(image: np.ndarray, count: int) -> tuple[int, ...]:
    """Return the `count` likeliest digits of an image (28, 28) uint8, the likeliest first."""
    logits = load_classifier()(to_float(torch.from_numpy(image)[None, None]))[0]
    return tuple(logits.topk(count).indices.tolist())
