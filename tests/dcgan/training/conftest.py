"""What the tests of training share."""

import pytest
import torch


@pytest.fixture(scope="session", params=["cpu", *(["cuda"] if torch.cuda.is_available() else [])])
def device(request) -> str:
    """The device to train on: the CPU and, where there is one, CUDA."""
    return request.param


@pytest.fixture(scope="session")
def digits(digits, device) -> tuple[torch.Tensor, ...]:
    """The training digits on that device."""
    return tuple(part.to(device) for part in digits)
