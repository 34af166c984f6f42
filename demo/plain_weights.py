"""Weights as text, for a page of plain files: rounded to 16 bits where no picture suffers, and packed."""

import base64
import copy
import gzip
from dataclasses import dataclass

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor, nn

from dcgan.latents.sampling import sample
from dcgan.model_folder import Model

SEEDS = range(320)  # whose pictures are compared


@dataclass(frozen=True)
class Rounding:
    """What rounding a generator's weights does to its pictures of `SEEDS`: how many pixels there are, how many become
    others, and by how many grey levels of 255 at most. dtype: what the weights are rounded to.
    """

    dtype: torch.dtype
    pixels: int
    changed: int
    most: int


def rounded(weights: dict[str, Tensor], dtype: torch.dtype) -> dict[str, Tensor]:
    """Return weights with all matrices in a type of number. Vectors are small, and BatchNorm's need their precision."""
    return {name: weight.to(dtype) if weight.dim() > 1 else weight for name, weight in weights.items()}


def rounding(model: Model) -> Rounding:
    """Return the rounding of a model's generator: to 16 bits if no pixel changes by more than 1, else to 32 bits."""
    exact = sample(model.generator, SEEDS).images.astype(int)
    found = None
    for dtype in (torch.float32, torch.float16):
        generator = copy.deepcopy(model.generator)
        generator.load_state_dict(rounded(generator.state_dict(), dtype))  # back to 32 bits, with what was lost
        difference = np.abs(sample(generator, SEEDS).images - exact)
        if found is None or difference.max() <= 1:
            found = Rounding(dtype, exact.size, int((difference > 0).sum()), int(difference.max()))
    return found


def packed(network: nn.Module, dtype: torch.dtype) -> tuple[bytes, str]:
    """Return a network's weights as a safetensors file, and the same as text: see `start.js`.

    The text is base64 of gzip of the file's header, the higher bytes of all 16-bit words, and the lower ones.
    """
    content = save({name: weight.contiguous() for name, weight in rounded(network.state_dict(), dtype).items()})
    start = 8 + int.from_bytes(content[:8], "little")
    planes = np.frombuffer(content, np.uint8, offset=start).reshape(-1, 2).T
    compressed = gzip.compress(content[:start] + planes[1].tobytes() + planes[0].tobytes(), 9, mtime=0)
    return content, base64.b64encode(compressed).decode()
