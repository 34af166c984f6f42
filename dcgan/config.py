"""What a model is and how it is trained: one frozen dataclass each, and the presets.

Command-line flags, `--help`, the saved JSON and the validation all come from the fields below.
"""

import dataclasses
import operator
from dataclasses import dataclass

from dcgan import InputError

RULES = {  # what a field's rule says, and whether a value keeps it
    "choices": ("one of", lambda value, choices: value in choices),
    "low": ("at least", operator.ge),
    "above": ("above", operator.gt),
    "high": ("at most", operator.le),
}


def config_field(default, help, **rules):
    """Return a dataclass field with a help text and the `RULES` for its values."""
    return dataclasses.field(default=default, metadata={"help": help, "rules": rules})


def format_value(value: float | int | str) -> str:
    """Return a setting as people write it: 0.0002, 64, auto."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _allowed(rules: dict) -> str:
    if "choices" in rules:
        return "one of " + ", ".join(map(str, rules["choices"]))
    return " and ".join(f"{RULES[rule][0]} {bound}" for rule, bound in rules.items())


@dataclass(frozen=True)
class Config:
    """Base of both configs. Checks the type and range of every field, and raises `InputError`."""

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.type is float and type(value) is int:
                value = float(value)
                object.__setattr__(self, field.name, value)
            if type(value) is not field.type:
                raise InputError(f"{field.name} is {value!r}: it must be of type {field.type.__name__}")
            rules = field.metadata["rules"]
            if not all(RULES[rule][1](value, bound) for rule, bound in rules.items()):
                raise InputError(f"{field.name} is {value!r}: it must be {_allowed(rules)}")

    def to_dict(self) -> dict:
        """Return the fields as a dict that JSON can hold."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict) -> "Config":
        """Return a config of a dict. A missing field gets its default; an unknown one raises `InputError`."""
        if not isinstance(values, dict):
            raise InputError(f"{cls.__name__} must be an object with named fields, not {type(values).__name__}")
        known = {field.name for field in dataclasses.fields(cls)}
        if unknown := sorted(set(values) - known):
            raise InputError(f"{cls.__name__} has no field {', '.join(unknown)}")
        return cls(**values)


@dataclass(frozen=True)
class ModelConfig(Config):
    """The shape of both networks: enough to rebuild them."""

    latent_dim: int = config_field(100, "length of the latent vector", low=2, high=1024)
    base_channels: int = config_field(64, "channels of the hidden layer with the highest resolution", low=4, high=512)
    discriminator_channels: int = config_field(
        0, "the same for the discriminator, if it is to differ (0 = as base_channels)", low=0, high=512
    )
    image_size: int = config_field(32, "height and width of an image in pixels", choices=(32, 64))
    image_channels: int = config_field(1, "colour channels: 1 = grey, 3 = colour", choices=(1, 3))
    num_classes: int = config_field(0, "0 = unconditional, 10 = conditional on the digit", choices=(0, 10))

    @property
    def border(self) -> int:
        """Pixels of padding on each side: 2 at 32x32, so that cropping gives MNIST's 28x28."""
        return self.image_size // 16


@dataclass(frozen=True)
class TrainConfig(Config):
    """The recipe. Paper, section 4: Adam with learning rate 2e-4 and beta1 0.5."""

    epochs: int = config_field(50, "passes over the training images", low=1, high=100_000)
    batch_size: int = config_field(64, "real (and generated) images per step", low=2, high=8192)
    learning_rate_g: float = config_field(2e-4, "Adam's learning rate for the generator", above=0.0, high=1.0)
    learning_rate_d: float = config_field(2e-4, "Adam's learning rate for the discriminator", above=0.0, high=1.0)
    beta1: float = config_field(0.5, "Adam's beta1, both networks", low=0.0, high=0.999)
    beta2: float = config_field(0.999, "Adam's beta2, both networks", low=0.0, high=0.99999)
    decay_start: float = config_field(
        0.5, "share of training after which both learning rates fall linearly to 0 (1 = constant)", low=0.0, high=1.0
    )
    real_label: float = config_field(
        0.9, "the discriminator's target for real images (one-sided label smoothing)", low=0.5, high=1.0
    )
    r1_gamma: float = config_field(
        1.0, "weight of R1, the penalty on the discriminator's gradient at real images (0 = off)", low=0.0, high=1000.0
    )
    mismatch_weight: float = config_field(
        0.0,
        "weight of the discriminator's loss on real images with a wrong label (0 = off); it decays with the learning "
        "rates; conditional models only",
        low=0.0,
        high=10.0,
    )
    ema_decay: float = config_field(0.999, "decay per step of the generator's moving average", low=0.0, high=0.999999)
    precision: str = config_field(
        "auto",
        "number format of the forward passes: auto, bfloat16 or float32; auto = bfloat16 where the hardware supports "
        "it (CUDA from compute capability 8, CPUs with AVX-512 BF16 or AMX), float32 elsewhere",
        choices=("auto", "bfloat16", "float32"),
    )
    images: int = config_field(0, "train on the first N images only (0 = all 60,000)", low=0, high=60_000)
    seed: int = config_field(0, "seed of the initial weights, the data order and the latents", low=0, high=2**32 - 1)


PRESETS: dict[str, tuple[ModelConfig, TrainConfig]] = {
    "mnist": (ModelConfig(base_channels=48), TrainConfig(ema_decay=0.9997)),
    # A discriminator that is told the digit needs less R1, and has to learn what the label means: docs/recipe.md.
    "mnist-conditional": (
        ModelConfig(base_channels=48, discriminator_channels=72, num_classes=10),
        TrainConfig(
            epochs=70, batch_size=256, learning_rate_g=4e-4, learning_rate_d=4e-4, r1_gamma=0.5, mismatch_weight=0.1
        ),
    ),
}
