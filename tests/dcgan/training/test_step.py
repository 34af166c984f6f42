"""One step: the penalty, the losses' effect, the precision, and what fits together. (Gradients: test_networks.py.)"""

import dataclasses

import pytest
import torch

from dcgan import InputError
from dcgan.config import ModelConfig, TrainConfig
from dcgan.data import to_float
from dcgan.training.step import autocast, gradient_penalty, new_run, train_step

SMALL = ModelConfig(base_channels=8, num_classes=10)
RECIPE = TrainConfig(batch_size=32, learning_rate_g=2e-3, learning_rate_d=2e-3)


def trained(digits, steps: int = 30, **settings):
    """A run after some steps over the same 320 digits."""
    run = new_run(SMALL, dataclasses.replace(RECIPE, **settings), "cpu")
    for step in range(steps):
        part = slice(step % 10 * 32, step % 10 * 32 + 32)
        train_step(run, to_float(digits[0][part]), digits[1][part].long())
        run.step += 1
    return run


@pytest.mark.parametrize(
    ("precision", "dtype"), [("auto", torch.float32), ("float32", torch.float32), ("bfloat16", torch.bfloat16)]
)
def test_precision_is_of_the_forward_passes_and_not_of_the_weights(precision, dtype, digits):
    run = trained(digits, 1, precision=precision)
    with autocast(run):
        assert run.discriminator(to_float(digits[0][:2]), digits[1][:2].long()).dtype == dtype
    assert {parameter.dtype for parameter in run.averaged.parameters()} == {torch.float32}
    assert {parameter.grad.dtype for parameter in run.generator.parameters()} == {torch.float32}


def test_the_gradient_penalty_of_a_plane_is_its_slope_squared(digits):
    """Known truth: D(x) = w . x has the gradient w everywhere."""
    weight = torch.randn(1, 32, 32, generator=torch.Generator().manual_seed(0), requires_grad=True)
    real = to_float(digits[0][:8])
    penalty = gradient_penalty(lambda images, labels: (images * weight).sum(dim=(1, 2, 3)), real, None)
    assert penalty.item() == pytest.approx(weight.square().sum().item(), rel=1e-5)
    penalty.backward()
    assert torch.allclose(weight.grad, 2 * weight, rtol=1e-4)  # it reaches D's weights


def test_the_penalty_keeps_the_discriminator_flat(digits):
    penalties = []
    for gamma in (0.0, 30.0):
        discriminator = trained(digits, r1_gamma=gamma).discriminator.eval()
        penalties.append(gradient_penalty(discriminator, to_float(digits[0][:64]), digits[1][:64].long()).item())
    assert penalties[1] < penalties[0] / 2


def test_wrong_labels_teach_the_discriminator_to_read(digits):
    gaps = []
    for weight in (0.0, 2.0):
        discriminator = trained(digits, mismatch_weight=weight).discriminator
        real, labels = to_float(digits[0][:64]), digits[1][:64].long()
        with torch.no_grad():
            gaps.append((discriminator(real, labels) - discriminator(real, (labels + 1) % 10)).mean().item())
    assert gaps[1] > 2 * max(gaps[0], 0.1)


def test_wrong_labels_decay_with_the_learning_rates(digits):
    """At decay 0 they count nothing: the loss is that of a run without them."""
    real, labels = to_float(digits[0][:32]), digits[1][:32].long()
    losses = {
        (weight, decay): train_step(trained(digits, 0, mismatch_weight=weight), real, labels, decay)[0].item()
        for weight, decay in ((0.0, 1.0), (1.0, 0.0), (1.0, 0.5), (1.0, 1.0))
    }
    assert losses[1.0, 0.0] == losses[0.0, 1.0]
    full = losses[1.0, 1.0] - losses[0.0, 1.0]
    assert losses[1.0, 0.5] - losses[0.0, 1.0] == pytest.approx(full / 2, rel=1e-4) and full > 0.1


def test_wrong_labels_need_labels():
    with pytest.raises(InputError, match="mismatch_weight"):
        new_run(ModelConfig(base_channels=8), TrainConfig(mismatch_weight=0.3), "cpu")
