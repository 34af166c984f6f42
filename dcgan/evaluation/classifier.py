"""A small convolutional digit classifier, in whose features the generated digits are measured.

It is trained on MNIST's 28x28 pixels, and never sees a generated digit.
"""

import functools
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dcgan.data import to_float
from dcgan.model_folder import BUNDLED, load_weights

WEIGHTS = BUNDLED / "classifier.safetensors"
FEATURES = 128
BATCH = 128
PEAK_LEARNING_RATE, WEIGHT_DECAY, LABEL_SMOOTHING = 3e-3, 0.05, 0.05
MAX_TURN, MAX_ZOOM, MAX_SHIFT = 0.21, 0.12, 2  # of the augmentation: radians (12 degrees), share, pixels


def block(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    """Return convolution, BatchNorm, ReLU."""
    convolution = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())


class DigitClassifier(nn.Module):
    """images (N, 1, 28, 28) in [-1, 1] -> logits (N, 10)."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            block(1, 32),  # (N, 32, 28, 28)
            block(32, 32, 2),  # (N, 32, 14, 14)
            block(32, 64),
            block(64, 64, 2),  # (N, 64, 7, 7)
            block(64, FEATURES),  # (N, 128, 7, 7)
        )
        self.head = nn.Linear(FEATURES, 10)

    def features(self, images: Tensor) -> Tensor:
        """Return the features (N, 128), at least 0, of images (N, 1, 28, 28) in [-1, 1]."""
        return self.body(images).mean(dim=(2, 3))

    def forward(self, images: Tensor) -> Tensor:
        return self.head(F.dropout(self.features(images), 0.2, self.training))


def augment(images: Tensor, rng: torch.Generator) -> Tensor:
    """Return images (N, 1, 28, 28), each turned, scaled and moved at random, by the constants above at most."""
    turn, zoom, *move = (torch.rand(4, len(images), generator=rng) * 2 - 1).unbind()
    angle, scale = turn * MAX_TURN, 1 + zoom * MAX_ZOOM
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    half = images.shape[-1] / 2  # affine_grid counts in halves of the image
    rows = [cos, -sin, move[0] * MAX_SHIFT / half, sin, cos, move[1] * MAX_SHIFT / half]
    matrix = torch.stack(rows, dim=1).view(-1, 2, 3).to(images.device)
    places = F.affine_grid(matrix, images.shape, align_corners=False)
    return F.grid_sample(images + 1, places, align_corners=False) - 1  # outside is black, -1


def fit(
    images: Tensor,
    labels: Tensor,
    *,
    epochs: int,
    seed: int = 0,
    progress: Callable[[int, float], None] = lambda epoch, loss: None,
) -> DigitClassifier:
    """Return a classifier in eval mode, trained on images (N, 28, 28) uint8 and labels (N,) uint8, on their device.

    AdamW, one-cycle learning rate, label smoothing, augmentation. The weights are a function of the seed, and no other
    random state is changed. progress: gets each epoch's number and mean loss.
    """
    cuda = [images.device] if images.device.type == "cuda" else []  # where dropout draws its numbers
    with torch.random.fork_rng(cuda):
        torch.default_generator.manual_seed(seed)
        for device in cuda:
            torch.cuda.default_generators[device.index or 0].manual_seed(seed)
        classifier = DigitClassifier().to(images.device, memory_format=torch.channels_last).train()
        rng = torch.Generator("cpu").manual_seed(seed)
        optimizer = torch.optim.AdamW(classifier.parameters(), weight_decay=WEIGHT_DECAY)
        steps = len(images) // BATCH
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_LEARNING_RATE, total_steps=epochs * steps)
        for epoch in range(epochs):
            order = torch.randperm(len(images), generator=rng).to(images.device)
            total = torch.zeros((), device=images.device)
            for batch in order[: steps * BATCH].view(steps, BATCH):
                logits = classifier(augment(to_float(images[batch])[:, None], rng))
                loss = F.cross_entropy(logits, labels[batch].long(), label_smoothing=LABEL_SMOOTHING)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                total += loss.detach()
            progress(epoch + 1, (total / steps).item())
    return classifier.eval()


@torch.inference_mode()
def read(classifier: DigitClassifier, images: Tensor) -> tuple[Tensor, Tensor]:
    """Return the digits (N,) int64 that are read in images (N, 28, 28) uint8, and their features (N, 128)."""
    digits, features = [], []
    for part in images.split(1024):
        features.append(classifier.features(to_float(part)[:, None]))
        digits.append(classifier.head(features[-1]).argmax(dim=1))
    return torch.cat(digits), torch.cat(features)


@functools.cache
def load_classifier() -> DigitClassifier:
    """Return the bundled classifier in eval mode, on the CPU. It is loaded once. Raises `ModelError`."""
    with torch.device("meta"):
        classifier = DigitClassifier().eval()
    load_weights(classifier, WEIGHTS)
    return classifier
