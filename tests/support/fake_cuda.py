"""A CUDA device without a GPU: tensors with a shape, a type and a device, but without numbers (torch's FakeTensorMode).

An operation on tensors of two devices fails as it does on a GPU. A number that is read is 1.
"""

import contextlib
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import pytest
import torch
import torch._dynamo  # noqa: F401 the optimizers import it, which must not happen within
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode


@contextlib.contextmanager
def fake_cuda() -> Iterator[torch.device]:
    """Within the context, tensors on the yielded device need no GPU."""
    fork_rng, generator = torch.random.fork_rng, torch.Generator
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.Tensor, "item", lambda tensor: 1 if not tensor.is_floating_point() else 1.0)
        patch.setattr(torch.Tensor, "tolist", lambda tensor: np.ones(tensor.shape).tolist())
        patch.setattr(torch.Tensor, "numpy", to_numpy)
        for name, kind in (("__bool__", bool), ("__int__", int), ("__float__", float), ("__index__", int)):
            patch.setattr(torch.Tensor, name, lambda tensor, kind=kind: kind(1))
        patch.setattr(torch, "Generator", lambda device="cpu": generator("cpu"))
        patch.setattr(torch.random, "fork_rng", lambda devices=(): fork_rng(devices=[]))
        patch.setattr(torch.cuda, "default_generators", [generator("cpu")])
        patch.setattr(torch.cuda, "get_device_capability", lambda device=None: (8, 0))
        patch.setattr(torch.cuda.amp.common, "amp_definitely_not_available", lambda: False)
        patch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
        patch.setattr(torch, "bincount", lambda tensor, minlength: tensor.new_zeros(minlength))
        patch.setattr(torch.Tensor, "__deepcopy__", deepcopy)
        patch.setattr(nn.Parameter, "__deepcopy__", deepcopy)
        patch.setattr(nn.Module, "_apply", move)
        patch.setattr(torch, "_fused_adam_", partial(fused_adam, torch._fused_adam_))
        patch.setattr(torch.autograd, "backward", backward)
        patch.setattr(torch.autograd, "grad", gradients)
        with FakeTensorMode(allow_non_fake_inputs=True):
            yield torch.device("cuda", 0)


def to_numpy(tensor: Tensor) -> np.ndarray:
    assert tensor.device.type == "cpu", f"numpy() of a tensor on {tensor.device}"
    return np.ones([int(size) for size in tensor.shape], str(tensor.dtype).removeprefix("torch."))


def deepcopy(tensor: Tensor, memo: dict) -> Tensor:
    copied = tensor.detach().clone()
    return nn.Parameter(copied, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else copied


def move(module: nn.Module, function, recurse: bool = True) -> nn.Module:
    """Do what `nn.Module._apply` does, which cannot exchange fake tensors."""
    for part in module.modules():
        for name, parameter in part._parameters.items():
            if parameter is not None:
                part._parameters[name] = nn.Parameter(function(parameter.detach()), parameter.requires_grad)
        for name, buffer in part._buffers.items():
            part._buffers[name] = None if buffer is None else function(buffer)
    return module


def fused_adam(operation, parameters: list[Tensor], *lists: list[Tensor], lr: Tensor, **options) -> None:
    """Do what `torch._fused_adam_` does, which knows no fake tensor for a learning rate."""
    assert {tensor.device for tensor in (lr, *parameters)} == {lr.device}
    operation(parameters, *lists, lr=1e-4, **options)


def backward(tensors, grad_tensors=None, retain_graph=None, create_graph=False, inputs=None) -> None:
    """Do what `torch.autograd.backward` does, whose engine needs a GPU for tensors on CUDA."""
    tensor = tensors if isinstance(tensors, Tensor) else tensors[0]
    for variable, gradient in differentiate(tensor, create_graph).items():
        variable.grad = gradient if variable.grad is None else variable.grad + gradient


def gradients(outputs, inputs: Sequence[Tensor], create_graph: bool = False, **options) -> tuple[Tensor, ...]:
    """Do what `torch.autograd.grad` does."""
    tensor = outputs if isinstance(outputs, Tensor) else outputs[0]
    found = differentiate(tensor, create_graph)
    return tuple(found[one] for one in ([inputs] if isinstance(inputs, Tensor) else inputs))


def differentiate(tensor: Tensor, create_graph: bool) -> dict[Tensor, Tensor]:
    """Return the gradients of a tensor for all leaves that it depends on: a walk over its graph by autograd's nodes."""
    order, seen = [], set()

    def visit(node) -> None:
        if node is not None and node not in seen:
            seen.add(node)
            for following, _ in node.next_functions:
                visit(following)
            order.append(node)

    visit(tensor.grad_fn)
    arrived = {tensor.grad_fn: {0: torch.ones_like(tensor)}}
    leaves = {}
    with torch.set_grad_enabled(create_graph):
        for node in reversed(order):
            given = arrived.get(node, {})
            if hasattr(node, "variable"):
                leaves[node.variable] = given[0]
                continue
            results = node(*(given.get(i) for i in range(len(node._input_metadata))))
            results = results if isinstance(results, tuple) else (results,)
            for (following, place), result in zip(node.next_functions, results, strict=False):
                if following is not None and result is not None:
                    expected = following._input_metadata[place]
                    assert result.device == expected.device, f"{node.name()}: {result.device}, not {expected.device}"
                    result = result.sum_to_size(expected.shape).to(expected.dtype)  # the node has not done that
                    slots = arrived.setdefault(following, {})
                    slots[place] = slots[place] + result if place in slots else result
    return leaves
