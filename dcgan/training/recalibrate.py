"""Recompute BatchNorm statistics for the saved networks, whose averaged weights were never run in training."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from dcgan.data import to_float
from dcgan.networks import Discriminator, Generator
from dcgan.training.step import Run

RECALIBRATION_BATCHES, RECALIBRATION_BATCH = 32, 128


@contextmanager
def recalibrating(network: nn.Module) -> Iterator[None]:
    """Within the context, forward passes set the BatchNorm statistics to their plain mean over the passes."""
    momenta = {norm: norm.momentum for norm in network.modules() if isinstance(norm, nn.BatchNorm2d)}
    for norm in momenta:
        norm.reset_running_stats()
        norm.momentum = None  # cumulative mean
    network.train()
    try:
        with torch.no_grad():
            yield
    finally:
        network.eval()
        for norm, momentum in momenta.items():
            norm.momentum = momentum


def recalibrated_networks(run: Run, images: Tensor, labels: Tensor) -> tuple[Generator, Discriminator]:
    """Return copies of the averaged generator and of the discriminator in eval mode, with statistics of their own.

    D's statistics come from real and generated images in equal parts, so that its logits are balanced. images, labels:
    the training data, as for `train`.
    """
    generator, discriminator = copy.deepcopy(run.averaged), copy.deepcopy(run.discriminator)
    rng = torch.Generator("cpu").manual_seed(run.config.seed)
    picks = torch.randint(len(images), (RECALIBRATION_BATCHES, RECALIBRATION_BATCH), generator=rng)
    latents = torch.randn(*picks.shape, run.model_config.latent_dim, generator=rng)
    batches = [
        (latent.to(run.device), pick, labels[pick].long() if run.model_config.num_classes else None)
        for latent, pick in zip(latents, picks.to(run.device), strict=True)
    ]
    with recalibrating(generator):
        for latent, _, label in batches:
            generator(latent, label)
    with recalibrating(discriminator):
        for latent, pick, label in batches:
            discriminator(to_float(images[pick]), label)
            discriminator(generator(latent, label), label)
    return generator, discriminator
