"""What the tests of training share."""

from collections.abc import Iterator

import pytest
import torch

from dcgan.training.device import kernels


@pytest.fixture(scope="session", params=["cpu", *(["cuda"] if torch.cuda.is_available() else [])])
def device(request) -> str:
    """The device to train on: the CPU and, where there is one, CUDA."""
    return request.param


@pytest.fixture(scope="session")
def digits(digits, device) -> tuple[torch.Tensor, ...]:
    """The training digits on that device."""
    return tuple(part.to(device) for part in digits)


@pytest.fixture(autouse=True, scope="session")
def exact_kernels() -> Iterator[None]:
    """Nothing is rounded to TF32 around the training, as in the scripts (`cli.run`)."""
    with kernels(tf32=False):
        yield
