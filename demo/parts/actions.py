"""What the parts of the Explore tab share: latents to pictures, and the way of a hand to other tabs."""

import numpy as np
from torch import Tensor

from dcgan.data import to_uint8
from dcgan.latents.sampling import crop, generate
from dcgan.model_folder import Model

SEND = (
    '<div class="actions"><button type="button" data-send="first">Interpolate: start here</button>'
    '<button type="button" data-send="last">Interpolate: end here</button>{write}{directions}</div>'
)
WRITE = '<button type="button" data-send="write">Write in this hand</button>'
DIRECTIONS = '<button type="button" data-send="directions">Change it by directions</button>'


def actions(model: Model, directions: bool = True) -> str:
    return SEND.format(write=WRITE if model.config.num_classes else "", directions=DIRECTIONS if directions else "")


def pictures(model: Model, latents: Tensor, labels: Tensor | None) -> np.ndarray:
    """Latents (N, latent_dim) and labels or label weights -> (N, C, 28, 28) uint8."""
    return crop(to_uint8(generate(model.generator, latents, labels)).numpy(), model.config.border)


def label_digits(labels: Tensor | None, count: int) -> list[int | None]:
    """The digit that weighs most in each label."""
    return [None] * count if labels is None else labels.argmax(dim=1).tolist()
