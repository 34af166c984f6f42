"""The two networks, by the guidelines of the DCGAN paper (arXiv 1511.06434, section 3).

Strided and transposed convolutions replace pooling. Both networks use BatchNorm, but not on the generator's output nor
in the discriminator's first and last layer. The generator has ReLU and tanh, the discriminator LeakyReLU.

In a conditional model the label is a one-hot vector beside the generator's latent, one-hot planes beside the
discriminator's image, and a bias in every BatchNorm of both.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dcgan.config import ModelConfig


@contextmanager
def seeded_cpu(seed: int) -> Iterator[None]:
    """Within the context, the CPU's default random numbers are seeded. Afterwards they continue as before."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would seed every other device too
        yield


def init_weights(module: nn.Module) -> None:
    """Draw a module's weights from N(0, 0.02) (paper, section 4); its bias becomes 0."""
    if any(parameter.is_meta for parameter in module.parameters(recurse=False)):
        return  # it will be filled from a file; drawing numbers on the meta device is slow
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
        nn.init.normal_(module.weight, 0.0, 0.02)
    if getattr(module, "bias", None) is not None:
        nn.init.zeros_(module.bias)


class ClassBatchNorm(nn.BatchNorm2d):
    """BatchNorm without scale, and with one bias per label and channel (conditional BatchNorm, arXiv 1610.07629).

    The bias does what one-hot planes beside a layer's input would do, for less work.
    """

    def __init__(self, channels: int, num_classes: int):
        super().__init__(channels, affine=False)
        self.class_bias = nn.Linear(num_classes, channels, bias=False) if num_classes else None

    def forward(self, features: Tensor, classes: Tensor | None) -> Tensor:
        features = super().forward(features)
        return features if classes is None else features + self.class_bias(classes)[:, :, None, None]


def class_weights(config: ModelConfig, labels: Tensor | None) -> Tensor | None:
    """Return labels (N,) int64 as one-hot (N, num_classes) float32; label weights of that shape are returned as is."""
    if (labels is None) != (config.num_classes == 0):
        raise ValueError("a conditional model needs labels, and an unconditional model takes none")
    if labels is None or labels.is_floating_point():
        return labels
    return F.one_hot(labels, config.num_classes).float()


class Generator(nn.Module):
    """From latents (and labels) to images: z -> 4x4 -> 8x8 -> 16x16 -> 32x32 (-> 64x64)."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.config = config
        num_classes = config.num_classes
        width = config.base_channels * config.image_size // 8  # 4 * base at 32x32, 8 * base at 64x64
        self.project = nn.ConvTranspose2d(config.latent_dim + num_classes, width, 4, bias=False)
        self.upsample, self.norms = nn.ModuleList(), nn.ModuleList([ClassBatchNorm(width, num_classes)])
        while width > config.base_channels:
            self.upsample.append(nn.ConvTranspose2d(width, width // 2, 4, stride=2, padding=1, bias=False))
            width //= 2
            self.norms.append(ClassBatchNorm(width, num_classes))
        self.to_image = nn.ConvTranspose2d(width, config.image_channels, 4, stride=2, padding=1)
        self.apply(init_weights)

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the images (N, C, S, S) in [-1, 1] of latents (N, latent_dim) from N(0, 1).

        labels: (N,) int64, or (N, num_classes) weights that sum to 1 and mix digits.
        """
        classes = class_weights(self.config, labels)
        x = latents if classes is None else torch.cat([latents, classes], dim=1)  # (N, 100 or 110)
        x = F.relu(self.norms[0](self.project(x[:, :, None, None]), classes))  # (N, 256, 4, 4)
        for upsample, norm in zip(self.upsample, self.norms[1:], strict=True):
            x = F.relu(norm(upsample(x), classes))  # (N, 128, 8, 8), (N, 64, 16, 16)
        return torch.tanh(self.to_image(x))  # (N, 1, 32, 32)


class Discriminator(nn.Module):
    """From images (and labels) to one logit; `sigmoid(logit)` is the probability of being real."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.config = config
        num_classes = config.num_classes
        width = config.base_channels
        self.from_image = nn.Conv2d(config.image_channels + num_classes, width, 4, stride=2, padding=1)
        self.downsample, self.norms = nn.ModuleList(), nn.ModuleList()
        while width < config.base_channels * config.image_size // 8:
            self.downsample.append(nn.Conv2d(width, width * 2, 4, stride=2, padding=1, bias=False))
            width *= 2
            self.norms.append(ClassBatchNorm(width, num_classes))
        self.to_logit = nn.Conv2d(width, 1, 4)
        self.apply(init_weights)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the logits (N,) of images (N, C, S, S) in [-1, 1]. labels: as for the generator."""
        classes = class_weights(self.config, labels)
        x = images
        if classes is not None:
            planes = classes[:, :, None, None].expand(-1, -1, *x.shape[2:])
            x = torch.cat([x, planes], dim=1)  # (N, 11, 32, 32)
        x = F.leaky_relu(self.from_image(x), 0.2)  # (N, 64, 16, 16)
        for downsample, norm in zip(self.downsample, self.norms, strict=True):
            x = F.leaky_relu(norm(downsample(x), classes), 0.2)  # (N, 128, 8, 8), (N, 256, 4, 4)
        return self.to_logit(x).flatten()  # (N,)
