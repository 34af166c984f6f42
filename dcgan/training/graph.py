"""A training step, on CUDA as a graph: its hundreds of small kernels are launched at once.

Launched one by one, they keep the GPU waiting.
"""

import math
import warnings
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from dcgan.training.step import Run, penalises, set_learning_rates, update_average, update_networks

WARM_UP = 3  # eager steps of each kind before one is captured: libraries choose their kernels in them


class GraphedStep:
    """Does what `update_networks` does: eagerly at first, then by replaying a CUDA graph of it.

    A graph reads its inputs from fixed places. Steps with R1 and those without have a graph each.
    """

    def __init__(self, run: Run):
        self.run, self.eager_steps = run, {True: 0, False: 0}
        self.graphs: dict[bool, tuple[torch.cuda.CUDAGraph, Tensor]] = {}

    def __call__(self, real: Tensor, labels: Tensor | None, decay: float) -> Tensor:
        """Update the networks and return their losses, as `update_networks` does."""
        kind = penalises(self.run)
        if kind not in self.graphs:
            self.eager_steps[kind] += 1
            if self.eager_steps[kind] <= WARM_UP or not self.capture(kind, real, labels):
                return update_networks(self.run, real, labels, decay)
        self.real.copy_(real)
        if labels is not None:
            self.labels.copy_(labels)
        self.decay.fill_(decay)
        graph, losses = self.graphs[kind]
        graph.replay()
        return losses.clone()

    def capture(self, kind: bool, real: Tensor, labels: Tensor | None) -> bool:
        """Record a step without running it; return whether that worked. If not, all steps are eager from now on."""
        if not self.graphs:
            self.real, self.labels = real.clone(), None if labels is None else labels.clone()
            self.decay = torch.ones((), device=real.device)
        run, device, state = self.run, self.run.device, self.run.latent_rng.get_state()
        try:
            graph = torch.cuda.CUDAGraph()
            graph.register_generator_state(run.latent_rng)
            with (
                torch.cuda.device(device),
                torch.cuda.stream(torch.cuda.current_stream(device)),  # is the current one again, also after an error
                torch.cuda.graph(graph, stream=torch.cuda.Stream(device)),
            ):
                losses = update_networks(run, self.real, self.labels, self.decay)
        except RuntimeError as error:
            warnings.warn(f"training goes on without a CUDA graph, which is slower: {error}", stacklevel=2)
            self.graphs, self.eager_steps = {}, dict.fromkeys(self.eager_steps, -math.inf)
            run.latent_rng = torch.Generator(device).set_state(state)  # the old one waits for the end of the capture
            run.discriminator.requires_grad_(True)
            return False
        self.graphs[kind] = graph, losses
        return True


def step_function(run: Run) -> Callable[[Tensor, Tensor | None, float], Tensor]:
    """Return a function for the steps of a run: it updates the networks, then the average of the generator.

    Its arguments, and what it returns, are those of `update_networks`, with `decay` as a number. It also sets the
    learning rates. On CUDA its steps are graphs.
    """
    update = GraphedStep(run) if run.device.type == "cuda" else partial(update_networks, run)

    def step(real: Tensor, labels: Tensor | None, decay: float) -> Tensor:
        set_learning_rates(run, decay)
        losses = update(real, labels, decay)
        update_average(run)
        return losses

    return step
