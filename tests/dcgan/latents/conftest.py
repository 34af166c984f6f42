"""What the tests of latents share: two small generators, and a guard of the global random numbers."""

import random
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from dcgan.config import ModelConfig


@pytest.fixture(autouse=True)
def no_global_random_numbers_are_drawn() -> Iterator[None]:
    def states() -> tuple:
        return torch.get_rng_state().tolist(), random.getstate(), str(np.random.get_state())

    before = states()
    yield
    assert states() == before


@pytest.fixture(scope="module")
def conditional(make_networks):
    return make_networks(ModelConfig(base_channels=8, num_classes=10))[0]


@pytest.fixture(scope="module")
def unconditional(make_networks):
    return make_networks(ModelConfig(base_channels=8))[0]
