"""One training step: an update of the discriminator and one of the generator, and all that they change."""

import copy
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.optim.swa_utils import get_ema_multi_avg_fn

from dcgan.config import ModelConfig, TrainConfig
from dcgan.networks import Discriminator, Generator

R1_EVERY = 8  # steps, with 8 times the weight: as good, and most of its time saved (Karras et al. 2020, appendix B)


@dataclass
class Run:
    """Everything that training changes: what a checkpoint holds."""

    model_config: ModelConfig
    config: TrainConfig
    device: torch.device
    generator: Generator
    discriminator: Discriminator
    averaged: Generator  # exponential moving average of the generator's weights (EMA)
    optimizer_g: torch.optim.Adam
    optimizer_d: torch.optim.Adam
    latent_rng: torch.Generator
    step: int = 0
    totals: Tensor | None = None  # of this epoch so far: see `train_step`
    seconds: float = 0.0  # of this epoch so far
    history: list[dict] = field(default_factory=list)  # one entry per epoch
    frames: list[np.ndarray] = field(default_factory=list)  # (60, 28, 28) uint8 per epoch
    ends: dict[int, dict[str, Tensor]] = field(default_factory=dict)  # epochs -> averaged weights it once ended with
    earlier: list[dict] = field(default_factory=list)  # the recipes of runs that it goes on from (their folders)


def new_run(model_config: ModelConfig, config: TrainConfig, device: torch.device | str) -> Run:
    device = torch.device(device)
    with torch.random.fork_rng(devices=[]):  # nobody else's random state is touched
        torch.manual_seed(config.seed)
        generator, discriminator = Generator(model_config), Discriminator(model_config)
    generator.to(device, memory_format=torch.channels_last)
    discriminator.to(device, memory_format=torch.channels_last)
    averaged = copy.deepcopy(generator).requires_grad_(False).eval()
    betas = (config.beta1, config.beta2)
    return Run(
        model_config=model_config,
        config=config,
        device=device,
        generator=generator,
        discriminator=discriminator,
        averaged=averaged,
        optimizer_g=torch.optim.Adam(generator.parameters(), config.learning_rate_g, betas, fused=True),
        optimizer_d=torch.optim.Adam(discriminator.parameters(), config.learning_rate_d, betas, fused=True),
        latent_rng=torch.Generator(device).manual_seed(config.seed),
        totals=torch.zeros(4, device=device),
    )


def autocast(run: Run) -> torch.autocast:
    """The precision of the forward passes; weights, losses and their sums stay float32."""
    precision = run.config.precision
    bfloat16 = run.device.type == "cuda" if precision == "auto" else precision == "bfloat16"
    return torch.autocast(run.device.type, torch.bfloat16, enabled=bfloat16)


def gradient_penalty(discriminator: Discriminator, real: Tensor, labels: Tensor | None) -> Tensor:
    """R1: mean over real images of the squared length of D's gradient there (Mescheder et al. 2018, eq. 9).

    In float32, whatever the precision of the rest: it is a difference of small numbers.
    """
    real = real.detach().requires_grad_(True)
    (slope,) = torch.autograd.grad(discriminator(real, labels).sum(), real, create_graph=True)
    return slope.square().sum(dim=(1, 2, 3)).mean()


def mismatch_loss(run: Run, real: Tensor, labels: Tensor) -> Tensor:
    """D's loss on real images under a wrong label, as on generated ones (GAN-CLS: Reed et al. 2016, section 4.2).

    Without it D only learns by and by that a fine 7 is no answer to "a 1". Every wrong digit is as likely.
    """
    num_classes = run.model_config.num_classes
    step = torch.randint(1, num_classes, labels.shape, generator=run.latent_rng, device=run.device)
    with autocast(run):
        logits = run.discriminator(real, (labels + step) % num_classes).float()
    return F.softplus(logits).mean()


def train_step(run: Run, real: Tensor, labels: Tensor | None, factor: float = 1.0) -> Tensor:
    """One discriminator and one generator update (paper, section 4; losses: Goodfellow et al. 2014).

    real: (N, C, S, S) float in [-1, 1]; labels (N,) int64 or None, used for the generated images too,
    so that both batches hold the same digits. factor: share left of the weight of wrong labels; it falls
    with the learning rates, because the labels are learnt by then and it costs diversity.

    Returns, on the device, the losses of D and G and the mean probability of being real that D gives to
    real and to generated images: (4,).
    """
    generator, discriminator = run.generator, run.discriminator
    latents = torch.randn(len(real), run.model_config.latent_dim, generator=run.latent_rng, device=run.device)
    with autocast(run):
        fake = generator(latents, labels)
        real_logits = discriminator(real, labels).float()
        fake_logits = discriminator(fake.detach(), labels).float()
    targets = torch.full_like(real_logits, run.config.real_label)  # one-sided smoothing (Salimans et al. 2016)
    loss_d = F.binary_cross_entropy_with_logits(real_logits, targets) + F.softplus(fake_logits).mean()
    if run.config.mismatch_weight:
        loss_d = loss_d + factor * run.config.mismatch_weight * mismatch_loss(run, real, labels)
    run.optimizer_d.zero_grad()
    loss_d.backward()
    if run.config.r1_gamma and run.step % R1_EVERY == 0:
        (run.config.r1_gamma / 2 * R1_EVERY * gradient_penalty(discriminator, real, labels)).backward()
    run.optimizer_d.step()

    discriminator.requires_grad_(False)  # the generator's step needs no gradient of D's weights
    with autocast(run):
        judged = discriminator(fake, labels).float()
    loss_g = F.softplus(-judged).mean()  # non-saturating
    run.optimizer_g.zero_grad()
    loss_g.backward()
    run.optimizer_g.step()
    discriminator.requires_grad_(True)

    update_average(run)
    probabilities = [real_logits.detach().sigmoid().mean(), fake_logits.detach().sigmoid().mean()]
    return torch.stack([loss_d.detach(), loss_g.detach(), *probabilities])


def update_average(run: Run) -> None:
    """EMA of the weights only: BatchNorm's statistics are recalibrated when they are needed."""
    decay = min(run.config.ema_decay, (1 + run.step) / (10 + run.step))  # the start forgets fast
    average = get_ema_multi_avg_fn(decay)
    average(list(run.averaged.parameters()), list(run.generator.parameters()), None)
