"""The device: the number format of the forward passes, and what its kernels may round."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


def native_precision(device: torch.device) -> str:
    """Return the fastest number format of forward passes on a device: bfloat16 if it computes in it, else float32.

    Other devices emulate bfloat16. A CUDA device has it from compute capability 8 (Ampere), a CPU with AVX-512 BF16 or
    AMX.
    """
    if device.type == "cuda":
        native = torch.cuda.get_device_capability(device) >= (8, 0)
    else:
        features = torch.cpu.get_capabilities() if device.type == "cpu" else {}
        native = bool(features.get("avx512_bf16") or features.get("amx_bf16"))
    return "bfloat16" if native else "float32"


def resolve_precision(asked: str, device: torch.device) -> str:
    """Return bfloat16 or float32 for a `TrainConfig.precision`, of which auto leaves the choice to the device."""
    return native_precision(device) if asked == "auto" else asked


def slow_precision(asked: str, device: torch.device) -> str | None:
    """Return a warning if another number format than the one asked for is faster on the device, else None."""
    native = native_precision(device)
    if resolve_precision(asked, device) == native:
        return None
    reason = "is emulated on this device, several times slower than" if native == "float32" else "is slower here than"
    return f"warning: {asked} {reason} {native}; --precision auto takes {native}"


@contextmanager
def kernels(*, tf32: bool, benchmark: bool | None = None) -> Iterator[None]:
    """Set, within the context, what CUDA kernels may do with float32; also a decorator. CPUs are not affected.

    tf32: they may round factors to TF32, 10 bits of mantissa. benchmark: cuDNN times its algorithms for each new shape
    and takes the fastest; None leaves that as it is.
    """
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32, cudnn.benchmark
    matmul.allow_tf32 = cudnn.allow_tf32 = tf32
    cudnn.benchmark = cudnn.benchmark if benchmark is None else benchmark
    try:
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32, cudnn.benchmark = before
