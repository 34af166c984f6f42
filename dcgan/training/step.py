"""One training step: an update of the discriminator (D) and one of the generator (G), and the state they change."""

import copy
import math
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import get_ema_multi_avg_fn

from dcgan import InputError
from dcgan.config import ModelConfig, TrainConfig
from dcgan.networks import Discriminator, Generator, class_weights, seeded_cpu
from dcgan.training.device import kernels, resolve_precision

R1_EVERY = 8  # steps; with 8 times the weight it works as well and costs far less (Karras et al. 2020, appendix B)
NETWORKS, OPTIMIZERS = ("generator", "discriminator", "averaged"), ("optimizer_g", "optimizer_d")  # of a Run
VALUES = ("step", "epoch_sums", "seconds", "history", "measured")  # of a Run: are saved as they are


class Diverged(InputError):
    """A loss or a weight became infinite or NaN."""

    def __init__(self, what: str):
        super().__init__(
            f"{what} is not finite, so training stopped. The last good checkpoint is kept; "
            "try lower learning rates, with another --out"
        )


def not_finite(state: object, place: str = "") -> str | None:
    """Return where the first number that is not finite lies in nested dicts and lists, like `averaged.project.weight`.

    Returns None if all numbers are finite.
    """
    if isinstance(state, Tensor):
        return None if bool(state.isfinite().all()) else place
    if isinstance(state, float):
        return None if math.isfinite(state) else place
    parts = state if isinstance(state, dict) else dict(enumerate(state)) if isinstance(state, (list, tuple)) else {}
    found = (not_finite(part, f"{place}.{name}".lstrip(".")) for name, part in parts.items())
    return next((inner for inner in found if inner is not None), None)


def check_state(state: dict, step: int) -> None:
    """Raise `Diverged` if a number in nested dicts and lists is not finite after a step."""
    if (place := not_finite(state)) is not None:
        raise Diverged(f"after step {step}, {place}")


@dataclass
class Run:
    """Everything that training changes. `state_dict` is what a checkpoint holds."""

    model_config: ModelConfig
    config: TrainConfig
    device: torch.device
    generator: Generator
    discriminator: Discriminator
    averaged: Generator  # exponential moving average (EMA) of the generator's weights
    optimizer_g: torch.optim.Adam
    optimizer_d: torch.optim.Adam
    latent_rng: torch.Generator
    epoch_sums: Tensor  # (4,) sums over the steps of this epoch so far: see `update_networks`
    step: int = 0
    seconds: float = 0.0  # spent in this epoch so far
    history: list[dict] = field(default_factory=list)  # one entry per epoch
    measured: bool = True  # the last entry has its measures, or they failed
    frames: list[np.ndarray] = field(default_factory=list)  # (60, C, 28, 28) uint8 per epoch

    def state_dict(self) -> dict:
        """Return the run as tensors and plain values, which `torch.load` reads with `weights_only=True`."""
        state = {name: getattr(self, name).state_dict() for name in NETWORKS + OPTIMIZERS}
        state |= {name: getattr(self, name) for name in VALUES}
        return state | {
            "model_config": self.model_config.to_dict(),
            "config": self.config.to_dict(),
            "device": self.device.type,
            "latent_rng": self.latent_rng.get_state(),
            "frames": torch.from_numpy(np.stack(self.frames)) if self.frames else None,
        }

    def load_state_dict(self, state: dict) -> None:
        """Restore what `state_dict` returned. The run must have been made with the same configs."""
        for name in NETWORKS:
            getattr(self, name).load_state_dict(state[name])
        for name in OPTIMIZERS:  # their settings follow from the config and the device
            optimizer, moments = getattr(self, name), state[name]["state"]
            now = optimizer.state_dict()
            numbers = now["param_groups"][0]["params"] if state["step"] else []  # before the first step there are none
            moments = {number: moments[number] for number in numbers}
            optimizer.load_state_dict(now | {"state": moments})
        for name in VALUES:
            setattr(self, name, state[name])
        self.epoch_sums = self.epoch_sums.to(self.device)
        self.frames = [] if state["frames"] is None else list(state["frames"].numpy())
        if state["device"] == self.device.type:
            self.latent_rng.set_state(state["latent_rng"])
        else:  # each kind of device has its own random numbers
            self.latent_rng.manual_seed(self.config.seed + self.step)


def check_recipe(model_config: ModelConfig, config: TrainConfig) -> None:
    """Raise `InputError` if the two configs do not fit together."""
    if config.mismatch_weight and not model_config.num_classes:
        raise InputError(
            f"mismatch_weight is {config.mismatch_weight}: it must be 0 for an unconditional model, which has no labels"
        )


def new_run(model_config: ModelConfig, config: TrainConfig, device: torch.device | str) -> Run:
    """Return a run at step 0, whose initial weights are a function of `config.seed`. Raises as `check_recipe`."""
    check_recipe(model_config, config)
    device = torch.device(device)
    with seeded_cpu(config.seed):
        networks = Generator(model_config), Discriminator(model_config)
    generator, discriminator = (network.to(device, memory_format=torch.channels_last) for network in networks)
    return Run(
        model_config=model_config,
        config=config,
        device=device,
        generator=generator,
        discriminator=discriminator,
        averaged=copy.deepcopy(generator).requires_grad_(False).eval(),
        optimizer_g=adam(generator, config.learning_rate_g, config, device),
        optimizer_d=adam(discriminator, config.learning_rate_d, config, device),
        latent_rng=torch.Generator(device).manual_seed(config.seed),
        epoch_sums=torch.zeros(4, device=device),
    )


def adam(network: nn.Module, learning_rate: float, config: TrainConfig, device: torch.device) -> torch.optim.Adam:
    """Return Adam for a network on a device. On CUDA the learning rate is a tensor there, as a CUDA graph needs it."""
    graphed = device.type == "cuda"
    rate = torch.full((), learning_rate, device=device) if graphed else learning_rate
    betas = (config.beta1, config.beta2)
    return torch.optim.Adam(network.parameters(), rate, betas, fused=True, capturable=graphed)


def set_learning_rates(run: Run, decay: float) -> None:
    """Set both learning rates to those of the config times `decay`."""
    config = run.config
    for optimizer, rate in ((run.optimizer_g, config.learning_rate_g), (run.optimizer_d, config.learning_rate_d)):
        (group,) = optimizer.param_groups
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate * decay)
        else:
            group["lr"] = rate * decay


def autocast(run: Run) -> torch.autocast:
    """Return the context for forward passes in the run's precision. Weights, losses and sums stay float32."""
    bfloat16 = resolve_precision(run.config.precision, run.device) == "bfloat16"
    return torch.autocast(run.device.type, torch.bfloat16, enabled=bfloat16)


def gradient_penalty(discriminator: Discriminator, real: Tensor, labels: Tensor | None) -> Tensor:
    """Return R1: the mean over real images of the squared norm of D's gradient there (Mescheder et al. 2018, eq. 9).

    It is outside of `autocast`, and without TF32, because it is a difference of small numbers.
    """
    real = real.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(discriminator(real, labels).sum(), real, create_graph=True)
    return gradient.square().sum(dim=(1, 2, 3)).mean()


def wrong_labels(run: Run, labels: Tensor) -> Tensor:
    """Return for each label one of the others, all equally likely.

    Real images with a wrong label count as fake (GAN-CLS: Reed et al. 2016, section 4.2). Without them, D is slow to
    learn that a realistic 7 is wrong for label 1.
    """
    num_classes = run.model_config.num_classes
    shift = torch.randint(1, num_classes, labels.shape, generator=run.latent_rng, device=run.device)
    return (labels + shift) % num_classes


def separate_logits(
    discriminator: Discriminator, batches: list[tuple[Tensor, Tensor | None]]
) -> list[Tensor] | tuple[Tensor, ...]:
    """Return D's logits of batches of images and labels, float32, each with BatchNorm statistics of its own.

    On CUDA it is one pass, because launching kernels takes most of the time there. A CPU is faster batch by batch.
    """
    images, labels = zip(*batches, strict=True)
    if not images[0].is_cuda:
        return [discriminator(*batch).float() for batch in batches]
    sizes = [len(part) for part in images]
    labels = None if labels[0] is None else torch.cat(labels)
    return discriminator(torch.cat(images), labels, sizes).float().split(sizes)


def penalises(run: Run) -> bool:
    """Return whether the next step has R1."""
    return run.config.r1_gamma > 0 and run.step % R1_EVERY == 0


def update_networks(run: Run, real: Tensor, labels: Tensor | None, decay: float | Tensor = 1.0) -> Tensor:
    """Update D, then G (paper, section 4; losses: Goodfellow et al. 2014).

    real: (N, C, S, S) float in [-1, 1]. labels: (N,) int64, or None for an unconditional model. The generated
    images get the same labels, so that both batches hold the same digits. decay: factor of the learning rates, which
    the weight of wrong labels follows: labels are learnt early, and late wrong labels cost diversity; a float or ().

    Returns (4,) on the device: the losses of D and G, and the mean probability of being real that D gives to real and
    to generated images.
    """
    generator, discriminator = run.generator, run.discriminator
    latents = torch.randn(len(real), run.model_config.latent_dim, generator=run.latent_rng, device=run.device)
    classes, mismatch = class_weights(run.model_config, labels), run.config.mismatch_weight > 0
    half = len(real) // 2  # wrong labels for half of the batch teach as well, in half the time
    with autocast(run):  # one context for all of D's passes: it rounds D's weights once
        fake = generator(latents, classes)
        shown = [(real, classes), (fake.detach(), classes)]
        if mismatch:
            shown.append((real[:half], class_weights(run.model_config, wrong_labels(run, labels[:half]))))
        real_logits, fake_logits, *wrong_logits = separate_logits(discriminator, shown)
    targets = torch.full_like(real_logits, run.config.real_label)  # one-sided smoothing (Salimans et al. 2016)
    loss_d = F.binary_cross_entropy_with_logits(real_logits, targets) + F.softplus(fake_logits).mean()
    if mismatch:
        loss_d = loss_d + decay * run.config.mismatch_weight * F.softplus(wrong_logits[0]).mean()
    run.optimizer_d.zero_grad()
    loss_d.backward()
    if penalises(run):
        with kernels(tf32=False):
            (run.config.r1_gamma / 2 * R1_EVERY * gradient_penalty(discriminator, real, classes)).backward()
    run.optimizer_d.step()

    discriminator.requires_grad_(False)  # G's step needs no gradients of D's weights
    with autocast(run):
        logits = discriminator(fake, classes).float()
    loss_g = F.softplus(-logits).mean()  # non-saturating
    run.optimizer_g.zero_grad()
    loss_g.backward()
    run.optimizer_g.step()
    discriminator.requires_grad_(True)

    probabilities = [real_logits.detach().sigmoid().mean(), fake_logits.detach().sigmoid().mean()]
    return torch.stack([loss_d.detach(), loss_g.detach(), *probabilities])


def update_average(run: Run) -> None:
    """Move the averaged weights towards the generator's. Its BatchNorm statistics are computed by `recalibrate`."""
    decay = min(run.config.ema_decay, (1 + run.step) / (10 + run.step))  # a shorter horizon during warm-up
    average = get_ema_multi_avg_fn(decay)
    average(list(run.averaged.parameters()), list(run.generator.parameters()), None)
