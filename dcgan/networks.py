"""The two networks, by the guidelines of the DCGAN paper (arXiv 1511.06434, section 3).

Strided and transposed convolutions replace pooling. Both networks use BatchNorm, but not on the generator's output nor
in the discriminator's first and last layer. Unlike the paper's it has no learned scale, and without labels no bias. The
generator has ReLU and tanh, the discriminator LeakyReLU. Shapes at line ends are for 64 base channels and 32x32 images.

In a conditional model the label is a one-hot vector beside the generator's latent, one-hot planes beside the
discriminator's image, and a bias in every BatchNorm of both.
"""

from collections.abc import Iterator, Sequence
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
    """Draw a module's weights with mean 0 and standard deviation 0.02 (paper, section 4); its bias becomes 0."""
    if any(parameter.is_meta for parameter in module.parameters(recurse=False)):
        return  # it will be filled from a file; drawing numbers on the meta device is slow
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
        nn.init.normal_(module.weight, 0.0, 0.02)
    if getattr(module, "bias", None) is not None:
        nn.init.zeros_(module.bias)


class ClassBatchNorm(nn.BatchNorm2d):
    """BatchNorm without scale, and with one bias per label and channel (conditional BatchNorm, arXiv 1610.07629).

    The bias does what one-hot planes beside a layer's input would do, for less work. sizes: as for the discriminator.
    """

    def __init__(self, channels: int, num_classes: int):
        super().__init__(channels, affine=False)
        self.class_bias = nn.Linear(num_classes, channels, bias=False) if num_classes else None

    def forward(self, features: Tensor, classes: Tensor | None, sizes: Sequence[int] | None = None) -> Tensor:
        normalise = super().forward
        features = torch.cat([normalise(part) for part in features.split(sizes)]) if sizes else normalise(features)
        return features if classes is None else features + self.class_bias(classes)[:, :, None, None]


def class_weights(config: ModelConfig, labels: Tensor | None) -> Tensor | None:
    """Return labels (N,) int64 as one-hot (N, num_classes) float32; label weights of that shape are returned as is."""
    if (labels is None) != (config.num_classes == 0):
        raise ValueError("a conditional model needs labels, and an unconditional model takes none")
    if labels is None or labels.is_floating_point():
        return labels
    return F.one_hot(labels, config.num_classes).float()


class FromImage(nn.Conv2d):
    """The discriminator's first layer: images (N, C, S, S) and label weights (N, K) -> (N, width, S/2, S/2).

    It is a convolution of the image's channels and of one plane per label, which holds the label's weight. Computed in
    two cheaper parts. The image's few channels: a matrix product of 4x4 patches, since libraries are slow at
    convolving one channel back. The planes: each is constant, so what it gives is computed for one plane of ones.
    """

    def forward(self, images: Tensor, classes: Tensor | None) -> Tensor:
        channels, size = images.shape[1], images.shape[2] // 2
        if images.is_cuda:  # where F.unfold launches a kernel for each image
            patches = F.pad(images, (1, 1, 1, 1)).unfold(2, 4, 2).unfold(3, 4, 2)  # (N, C, 16, 16, 4, 4)
            patches = patches.permute(0, 2, 3, 1, 4, 5).flatten(3).flatten(1, 2)  # (N, 256, 16 C)
        else:
            patches = F.unfold(images, 4, stride=2, padding=1).transpose(1, 2)  # the same
        features = F.linear(patches, self.weight[:, :channels].flatten(1), self.bias)  # (N, 256, width)
        if classes is not None:
            kernels = self.weight[:, channels:].transpose(0, 1).flatten(0, 1)[:, None]  # (K width, 1, 4, 4)
            maps = F.conv2d(images.new_ones(1, 1, *images.shape[2:]), kernels, stride=2, padding=1)
            maps = maps.view(classes.shape[1], -1, size * size).transpose(1, 2).flatten(1)  # (K, 256 width)
            features = features + (classes @ maps).view_as(features)
        return features.transpose(1, 2).unflatten(2, (size, size))  # in memory, the channels come last


class ToImage(nn.ConvTranspose2d):
    """The generator's last layer: (N, width, S/2, S/2) -> (N, C, S, S), as a matrix product to 4x4 patches."""

    def forward(self, features: Tensor) -> Tensor:
        count, _, half, _ = features.shape
        patches = (features.permute(0, 2, 3, 1).flatten(1, 2) @ self.weight.flatten(1)).float()  # (N, 256, 16 C)
        if patches.is_cuda:  # where F.fold's gradient launches a kernel for each image; these reverse Tensor.unfold
            patches = patches.view(count, half, half, -1, 4, 4).permute(0, 3, 1, 2, 4, 5)  # (N, C, 16, 16, 4, 4)
            channels, size, reverse = patches.shape[1], 2 * half + 2, torch.ops.aten.unfold_backward
            rows = reverse(patches, [count, channels, half, size, 4], 3, 4, 2)
            images = reverse(rows, [count, channels, size, size], 2, 4, 2)[:, :, 1:-1, 1:-1]
        else:
            images = F.fold(patches.transpose(1, 2), (2 * half, 2 * half), 4, stride=2, padding=1)
        return images + self.bias[:, None, None]


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
        self.to_image = ToImage(width, config.image_channels, 4, stride=2, padding=1)
        self.apply(init_weights)

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the images (N, C, S, S) in [-1, 1] of latents (N, latent_dim) from N(0, 1).

        labels: (N,) int64, or (N, num_classes) weights that sum to 1 and mix digits.
        """
        classes = class_weights(self.config, labels)
        x = latents if classes is None else torch.cat([latents, classes], dim=1)  # (N, 100 or 110)
        x = (x @ self.project.weight.flatten(1)).unflatten(1, (-1, 4, 4))  # of one pixel: a matrix product
        x = F.relu(self.norms[0](x, classes))  # (N, 256, 4, 4)
        for upsample, norm in zip(self.upsample, self.norms[1:], strict=True):
            x = F.relu(norm(upsample(x), classes))  # (N, 128, 8, 8), (N, 64, 16, 16)
        return torch.tanh(self.to_image(x))  # (N, 1, 32, 32)


class Discriminator(nn.Module):
    """From images (and labels) to one logit; `sigmoid(logit)` is the probability of being real."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.config = config
        num_classes = config.num_classes
        width = first = config.discriminator_channels or config.base_channels
        self.from_image = FromImage(config.image_channels + num_classes, width, 4, stride=2, padding=1)
        self.downsample, self.norms = nn.ModuleList(), nn.ModuleList()
        while width < first * config.image_size // 8:
            self.downsample.append(nn.Conv2d(width, width * 2, 4, stride=2, padding=1, bias=False))
            width *= 2
            self.norms.append(ClassBatchNorm(width, num_classes))
        self.to_logit = nn.Conv2d(width, 1, 4)
        self.apply(init_weights)

    def forward(self, images: Tensor, labels: Tensor | None = None, sizes: Sequence[int] | None = None) -> Tensor:
        """Return the logits (N,) of images (N, C, S, S) in [-1, 1]. labels: as for the generator.

        sizes: those of batches that stand one after the other; each gets BatchNorm statistics of its own.
        """
        classes = class_weights(self.config, labels)
        x = F.leaky_relu(self.from_image(images, classes), 0.2)  # (N, 64, 16, 16)
        for downsample, norm in zip(self.downsample, self.norms, strict=True):
            x = F.leaky_relu(norm(downsample(x), classes, sizes), 0.2)  # (N, 128, 8, 8), (N, 256, 4, 4)
        return F.linear(x.flatten(1), self.to_logit.weight.flatten(1), self.to_logit.bias).flatten()  # (N,)
