"""The step as a CUDA graph, and the networks on CUDA. Most of these tests need a GPU."""

import dataclasses
from collections.abc import Callable
from functools import partial

import pytest
import torch

from dcgan.config import PRESETS
from dcgan.data import to_float
from dcgan.training.graph import GraphedStep
from dcgan.training.step import Run, new_run, separate_logits, set_learning_rates, update_average, update_networks

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
STEPS = 40  # both graphs are captured by step 24, and replayed


def steps(preset: str, device: str, digits, update_of: Callable, count: int = STEPS) -> tuple[Run, torch.Tensor]:
    """Return a run after some steps whose learning rates fall, and their losses. update_of: makes the step of a run."""
    model_config, config = PRESETS[preset]
    model_config = dataclasses.replace(model_config, base_channels=8, discriminator_channels=12)
    run = new_run(model_config, dataclasses.replace(config, precision="float32"), device)
    update, losses = update_of(run), []
    images, labels = (torch.cat([part, part]).to(device) for part in digits)
    for run.step in range(count):
        batch = torch.arange(64, device=device) + run.step
        real, classes = to_float(images[batch]), labels[batch].long() if model_config.num_classes else None
        decay = 1 - run.step / STEPS
        set_learning_rates(run, decay)
        losses.append(update(real, classes, decay))
        update_average(run)
    return run, torch.stack(losses).cpu()


@needs_gpu
@pytest.mark.parametrize("preset", PRESETS)
def test_graphed_steps_are_the_eager_ones(preset, digits):
    """The latents, the falling learning rates and the weight of wrong labels reach the graphs."""
    made = []
    eager, losses = steps(preset, "cuda", digits, lambda run: partial(update_networks, run))
    graphed, others = steps(preset, "cuda", digits, lambda run: made.append(GraphedStep(run)) or made[0])
    assert set(made[0].graphs) == {True, False}
    torch.testing.assert_close(others[:26], losses[:26], rtol=5e-3, atol=5e-3)
    torch.testing.assert_close(others, losses, rtol=5e-2, atol=5e-2)
    assert torch.equal(eager.latent_rng.get_state(), graphed.latent_rng.get_state())
    for one, other in zip(eager.averaged.parameters(), graphed.averaged.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=0.1, atol=5e-3)


def test_steps_that_cannot_be_captured_stay_eager(digits, monkeypatch):
    """On a GPU because a step waits for it, on a CPU because there are no graphs."""

    def waiting(*arguments) -> torch.Tensor:
        losses = update_networks(*arguments)
        losses.tolist()
        return losses

    device = "cuda" if torch.cuda.is_available() else "cpu"
    _, others = steps("mnist-conditional", device, digits, lambda run: partial(update_networks, run), 20)
    monkeypatch.setattr("dcgan.training.graph.update_networks", waiting)
    with pytest.warns(UserWarning, match="without a CUDA graph") as warned:
        run, losses = steps("mnist-conditional", device, digits, GraphedStep, 20)
    assert len(warned) == 1
    tolerance = 0 if device == "cpu" else 5e-3
    torch.testing.assert_close(losses, others, rtol=tolerance, atol=tolerance)
    assert all(parameter.requires_grad for parameter in run.discriminator.parameters())


@needs_gpu
@pytest.mark.parametrize("preset", PRESETS)
def test_networks_on_cuda_compute_what_they_do_on_the_cpu(preset, make_networks):
    """Layers that are computed in another way there, and D's batches in one pass: values and gradients."""
    config = dataclasses.replace(PRESETS[preset][0], base_channels=8, discriminator_channels=12)
    latents = torch.randn(24, config.latent_dim, generator=torch.Generator().manual_seed(0))
    labels = torch.eye(10)[torch.arange(24) % 10] if config.num_classes else None
    results = []
    for device in ("cpu", "cuda"):
        generator, discriminator = (network.to(device).train() for network in make_networks(config))
        inputs, classes = latents.to(device), None if labels is None else labels.to(device)
        fake = generator(inputs, classes)
        halves = [(fake[part], None if classes is None else classes[part]) for part in (slice(16), slice(16, 24))]
        logits = torch.cat(list(separate_logits(discriminator, halves)))
        gradients = torch.autograd.grad(logits.square().sum(), [*generator.parameters(), *discriminator.parameters()])
        results.append([fake.detach().cpu(), logits.detach().cpu(), *(gradient.cpu() for gradient in gradients)])
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=5e-3, atol=2e-4 * max(1.0, one.abs().max().item()))


@pytest.mark.parametrize("preset", PRESETS)
def test_batches_in_one_pass_have_statistics_of_their_own(preset, make_networks):
    """On a CPU they are separate passes: this calls the one pass that CUDA has."""
    config = dataclasses.replace(PRESETS[preset][0], base_channels=8, discriminator_channels=12)
    _, discriminator = make_networks(config)
    images = torch.rand(24, 1, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    images[16:] *= 0.1
    labels = torch.arange(24) % 10 if config.num_classes else None
    apart = [
        discriminator.train()(images[part], None if labels is None else labels[part])
        for part in (slice(16), slice(16, 24))
    ]
    torch.testing.assert_close(discriminator(images, labels, [16, 8]), torch.cat(apart), rtol=1e-3, atol=1e-4)
    assert not torch.allclose(discriminator(images, labels), torch.cat(apart), rtol=1e-2)
