"""MNIST as one uint8 tensor: no loader workers, no per-image transforms."""

import contextlib
import io
import socket
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from dcgan import InputError
from dcgan.files import locked

RAW_BYTES = {  # the four unpacked files
    "train-images-idx3-ubyte": 47_040_016,
    "train-labels-idx1-ubyte": 60_008,
    "t10k-images-idx3-ubyte": 7_840_016,
    "t10k-labels-idx1-ubyte": 10_008,
}


def load_mnist(data_dir: str | Path, *, train: bool = True) -> tuple[Tensor, Tensor]:
    """Return the training split (60,000) or the test split (10,000) of MNIST.

    images: (N, 28, 28) uint8, white on black. labels: (N,) uint8. torchvision checks the md5 of the four files in
    `data_dir/MNIST/raw` and downloads what is missing. Raises `InputError` if a file is damaged or cannot be had.
    """
    from torchvision.datasets import MNIST  # slow to import, and not needed by the page

    raw = Path(data_dir) / "MNIST" / "raw"
    timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(30)  # torchvision's download has no timeout
    try:
        raw.mkdir(parents=True, exist_ok=True)
        with locked(raw), contextlib.redirect_stdout(io.StringIO()):  # another process may be unpacking
            check_sizes(raw)
            dataset = MNIST(data_dir, train=train, download=True)
    except InputError:
        raise
    except (OSError, RuntimeError, EOFError, AssertionError, ValueError) as error:
        if missing := [f"{name}.gz" for name in RAW_BYTES if not (raw / name).exists()]:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(":")
            message = f"{raw} lacks {', '.join(missing)}, and the download failed ({reason}): put them there by hand"
        else:
            message = f"{raw} holds an unreadable file ({type(error).__name__}): delete the unpacked files there"
        raise InputError(message) from None
    finally:
        socket.setdefaulttimeout(timeout)
    return dataset.data, dataset.targets.to(torch.uint8)


def check_sizes(raw: Path) -> None:
    """Raise `InputError` if an unpacked file has a wrong size. torchvision checks the archives, but not these."""
    for name, size in RAW_BYTES.items():
        if (raw / name).exists() and (actual := (raw / name).stat().st_size) != size:
            raise InputError(
                f"{raw / name} is damaged ({actual:,} bytes instead of {size:,}): "
                "delete it, and it will be unpacked or downloaded again"
            )


def to_model_size(images: Tensor, image_size: int, image_channels: int) -> Tensor:
    """Return images (N, 28, 28) uint8 as (N, C, S, S): with a black border to 32x32; doubled pixels make 64x64."""
    images = F.pad(images[:, None], (2, 2, 2, 2))
    scale = image_size // 32
    images = images.repeat_interleave(scale, dim=2).repeat_interleave(scale, dim=3)
    return images.expand(-1, image_channels, -1, -1).contiguous()


def to_float(images: Tensor) -> Tensor:
    """Return uint8 images as float32 in [-1, 1], the range of the generator's tanh (paper, section 4)."""
    return images.float().div_(127.5).sub_(1.0)


def to_uint8(images: Tensor) -> Tensor:
    """Return float images in [-1, 1] as uint8: the inverse of `to_float`."""
    return images.float().add(1.0).mul_(127.5).round_().clamp_(0, 255).to(torch.uint8)
