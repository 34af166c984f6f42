import copy
import itertools

import pytest
import torch
from torch import nn

from dcgan.config import ModelConfig, TrainConfig
from dcgan.data import to_float
from dcgan.networks import ClassBatchNorm, Discriminator, Generator, seeded_cpu
from dcgan.training.step import new_run, train_step


def build_networks(config: ModelConfig) -> tuple[Generator, Discriminator]:
    return Generator(config), Discriminator(config)


VARIANTS = [
    ModelConfig(base_channels=8, image_size=size, image_channels=channels, num_classes=classes)
    for size, channels, classes in itertools.product((32, 64), (1, 3), (0, 10))
]
CONDITIONAL = ModelConfig(base_channels=8, num_classes=10)


def inputs(config: ModelConfig, count: int = 4):
    rng = torch.Generator().manual_seed(0)
    latents = torch.randn(count, config.latent_dim, generator=rng)
    return latents, torch.arange(count) % 10 if config.num_classes else None


def order_of_layers(network: nn.Module, *arguments) -> list[nn.Module]:
    """The convolutions and norms in the order in which a picture passes them."""
    passed, hooks = [], []
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm2d)):
            hooks.append(module.register_forward_hook(lambda module, *_: passed.append(module)))
    network(*arguments)
    for hook in hooks:
        hook.remove()
    return passed


@pytest.mark.parametrize("config", VARIANTS, ids=lambda c: f"{c.image_size}-{c.image_channels}-{c.num_classes}")
class TestEveryVariant:
    def test_shapes_and_ranges(self, config):
        generator, discriminator = build_networks(config)
        latents, labels = inputs(config)
        images = generator(latents * 100, labels)  # large latents reach the ends of tanh
        assert images.shape == (4, config.image_channels, config.image_size, config.image_size)
        assert images.dtype == torch.float32
        assert -1 <= images.min() < images.max() <= 1
        assert discriminator(images, labels).shape == (4,)

    def test_layers_follow_the_paper(self, config):
        """arXiv 1511.06434, section 3: the guidelines for stable deep convolutional GANs."""
        generator, discriminator = build_networks(config)
        latents, labels = inputs(config)
        for network in (generator, discriminator):
            for name, module in network.named_modules():
                assert "Pool" not in type(module).__name__
                assert not isinstance(module, nn.Linear) or name.endswith("class_bias")
        layers = order_of_layers(generator, latents, labels)
        assert len(layers) == {32: 7, 64: 9}[config.image_size]
        for convolution, norm in zip(layers[:-1:2], layers[1:-1:2], strict=True):
            assert isinstance(convolution, nn.ConvTranspose2d) and isinstance(norm, ClassBatchNorm)
        assert layers[-1] is generator.to_image  # no norm follows

        images = torch.zeros(4, config.image_channels, config.image_size, config.image_size)
        layers = order_of_layers(discriminator, images, labels)
        assert len(layers) == {32: 6, 64: 8}[config.image_size]
        assert layers[0] is discriminator.from_image and layers[-1] is discriminator.to_logit
        for convolution, norm in zip(layers[1:-1:2], layers[2:-1:2], strict=True):
            assert isinstance(convolution, nn.Conv2d) and isinstance(norm, ClassBatchNorm)


@pytest.mark.parametrize("network", build_networks(ModelConfig(num_classes=10)), ids=["G", "D"])
def test_weights_start_from_a_normal_of_0_02(network):
    for name, parameter in network.named_parameters():
        if name.endswith("class_bias.weight") or not name.endswith("bias"):
            assert abs(parameter.std() - 0.02) < 0.002, name
            assert abs(parameter.mean()) < 0.003, name
        else:
            assert not parameter.any(), name


@pytest.mark.parametrize(
    ("seed", "expected"),
    [
        (0, [0.0203435, 0.0150909, -0.0116717, 0.0044343, 0.0136793, 0.0316848]),
        (7, [-0.0081832, 0.0144773, -0.0242733, -0.0124745, 0.0282958, -0.0161951]),
    ],
)
def test_a_seed_keeps_its_initial_weights(seed, expected):
    """A change here changes what every training run begins with."""
    before = torch.get_rng_state()
    with seeded_cpu(seed):
        generator, discriminator = build_networks(CONDITIONAL)
    assert torch.equal(torch.get_rng_state(), before)
    weights = (generator.project.weight, generator.norms[0].class_bias.weight, discriminator.to_logit.weight)
    found = torch.cat([weight.detach().flatten()[:2] for weight in weights])
    assert found.tolist() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("num_classes", "labels"), [(0, torch.zeros(4, dtype=torch.int64)), (10, None)], ids=["refused", "needed"]
)
def test_labels_are_for_conditional_models_alone(num_classes, labels):
    generator, discriminator = build_networks(ModelConfig(base_channels=8, num_classes=num_classes))
    with pytest.raises(ValueError, match="labels"):
        generator(torch.zeros(4, 100), labels)
    with pytest.raises(ValueError, match="labels"):
        discriminator(torch.zeros(4, 1, 32, 32), labels)


def test_a_digit_equals_its_one_hot_weights_to_the_bit():
    generator, discriminator = (network.eval() for network in build_networks(CONDITIONAL))
    latents, labels = inputs(CONDITIONAL, 10)
    images = generator(latents, labels)
    assert torch.equal(images, generator(latents, torch.eye(10)))
    assert torch.equal(discriminator(images, labels), discriminator(images, torch.eye(10)))


def test_another_digit_gives_another_picture_and_another_judgement(make_networks):
    generator, discriminator = make_networks(CONDITIONAL)
    latents = inputs(CONDITIONAL, 1)[0].expand(10, -1)
    images = generator(latents, torch.arange(10))
    for i, j in itertools.combinations(range(10), 2):
        assert (images[i] - images[j]).abs().mean() > 0.01
    logits = discriminator(images[:1].expand(10, -1, -1, -1), torch.arange(10))
    assert len(logits.unique()) == 10


@pytest.fixture(params=[0, 10], ids=["unconditional", "conditional"])
def step(request, digits):
    """A run before a step, and that step's real images and labels."""
    config = ModelConfig(base_channels=8, num_classes=request.param)
    recipe = TrainConfig(batch_size=32, mismatch_weight=0.5 if config.num_classes else 0.0)
    run = new_run(config, recipe, "cpu")
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
    train_step(run, real, labels)
    for name, old, new in zip(("generator", "discriminator"), before, (run.generator, run.discriminator), strict=True):
        for one, other in zip(old.parameters(), new.parameters(), strict=True):
            assert torch.equal(one, other) == (name != moves)


@pytest.mark.parametrize("number", [8, 9])
def test_each_network_gets_the_gradient_of_its_own_loss_only(step, number):
    """Against both losses written out anew: D's, with wrong labels and with R1 every 8th step, is not mixed with
    G's step, G's meets the updated D. The step reports the losses and probabilities as they are when it uses them."""
    run, real, labels = step
    run.step = number
    train_step(run, real, labels)  # whose gradients must be forgotten
    generator, discriminator = copy.deepcopy(run.generator), copy.deepcopy(run.discriminator)
    rng = torch.Generator()
    rng.set_state(run.latent_rng.get_state())
    latents = torch.randn(32, 100, generator=rng)
    reported = train_step(run, real, labels, decay=0.8)

    fake = generator(latents, labels)
    real_probability = discriminator(real, labels).sigmoid()
    fake_probability = discriminator(fake.detach(), labels).sigmoid()
    smoothed = 0.9 * real_probability.log() + 0.1 * (1 - real_probability).log()
    loss_d = -smoothed.mean() - (1 - fake_probability).log().mean()
    if labels is not None:
        wrong = (labels + torch.randint(1, 10, (32,), generator=rng)) % 10
        assert not (wrong == labels).any() and len(wrong.unique()) > 5
        loss_d = loss_d - 0.8 * 0.5 * (1 - discriminator(real, wrong).sigmoid()).log().mean()
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
