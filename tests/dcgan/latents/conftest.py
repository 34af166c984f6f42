"""Two small generators that the tests of latents share."""

import pytest

from dcgan.config import ModelConfig


@pytest.fixture(scope="module")
def conditional(make_networks):
    return make_networks(ModelConfig(base_channels=8, num_classes=10))[0]


@pytest.fixture(scope="module")
def unconditional(make_networks):
    return make_networks(ModelConfig(base_channels=8))[0]
