"""One step: its gradients and losses, and what fits together."""

import copy

import pytest
import torch
from torch import nn

from dcgan import InputError
from dcgan.config import ModelConfig, TrainConfig
from dcgan.data import to_float
from dcgan.training.step import new_run, update_networks


@pytest.fixture(params=[0, 10], ids=["unconditional", "conditional"])
def step(request, device, digits):
    """A run before a step, and that step's real images and labels."""
    config = ModelConfig(base_channels=8, num_classes=request.param)
    recipe = TrainConfig(batch_size=32, mismatch_weight=0.5 if config.num_classes else 0.0, precision="float32")
    run = new_run(config, recipe, device)
    images, labels = digits
    return run, to_float(images[:32]), labels[:32].long() if config.num_classes else None


def assert_gradients(network: nn.Module, copied: nn.Module, loss: torch.Tensor) -> None:
    expected = torch.autograd.grad(loss, list(copied.parameters()))
    for parameter, gradient in zip(network.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("moves", ["generator", "discriminator"])
def test_each_optimizer_changes_its_own_network_only(step, moves):
    run, real, labels = step
    rests = run.optimizer_d if moves == "generator" else run.optimizer_g
    rests.param_groups[0]["lr"] = 0.0
    before = copy.deepcopy((run.generator, run.discriminator))
    update_networks(run, real, labels)
    for name, old, new in zip(("generator", "discriminator"), before, (run.generator, run.discriminator), strict=True):
        for one, other in zip(old.parameters(), new.parameters(), strict=True):
            assert torch.equal(one, other) == (name != moves)


@pytest.mark.parametrize("number", [8, 9])
def test_each_network_gets_the_gradient_of_its_own_loss_only(step, number):
    """Against both losses written out anew: D's, with wrong labels and with R1 every 8th step, is not mixed with
    G's step, G's meets the updated D. The step reports the losses and probabilities as they are when it uses them."""
    run, real, labels = step
    run.step = number
    update_networks(run, real, labels)  # whose gradients must be forgotten
    generator, discriminator = copy.deepcopy(run.generator), copy.deepcopy(run.discriminator)
    rng = torch.Generator(run.device)
    rng.set_state(run.latent_rng.get_state())
    latents = torch.randn(32, 100, generator=rng, device=run.device)
    reported = update_networks(run, real, labels, decay=0.8)

    fake = generator(latents, labels)
    real_probability = discriminator(real, labels).sigmoid()
    fake_probability = discriminator(fake.detach(), labels).sigmoid()
    smoothed = 0.9 * real_probability.log() + 0.1 * (1 - real_probability).log()
    loss_d = -smoothed.mean() - (1 - fake_probability).log().mean()
    if labels is not None:
        wrong = (labels[:16] + torch.randint(1, 10, (16,), generator=rng, device=run.device)) % 10
        assert not (wrong == labels[:16]).any() and len(wrong.unique()) > 5
        loss_d = loss_d - 0.8 * 0.5 * (1 - discriminator(real[:16], wrong).sigmoid()).log().mean()
    expected = [loss_d.item()]  # R1 is left out
    if number == 8:
        real.requires_grad_(True)
        (slope,) = torch.autograd.grad(discriminator(real, labels).sum(), real, create_graph=True)
        loss_d = loss_d + 8 * run.config.r1_gamma / 2 * (slope**2).sum(dim=(1, 2, 3)).mean()
    assert_gradients(run.discriminator, discriminator, loss_d)

    discriminator.load_state_dict(run.discriminator.state_dict())
    loss_g = -discriminator(fake, labels).sigmoid().log().mean()
    assert_gradients(run.generator, generator, loss_g)

    expected += [loss_g.item(), real_probability.mean().item(), fake_probability.mean().item()]
    assert reported.tolist() == pytest.approx(expected, rel=1e-4, abs=1e-5) and not reported.requires_grad
    assert all(parameter.requires_grad for parameter in run.discriminator.parameters())


def test_wrong_labels_need_labels():
    with pytest.raises(InputError, match="mismatch_weight"):
        new_run(ModelConfig(base_channels=8), TrainConfig(mismatch_weight=0.3), "cpu")
