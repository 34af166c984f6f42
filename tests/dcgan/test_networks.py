import itertools
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dcgan.config import ModelConfig
from dcgan.networks import Discriminator, Generator, seeded_cpu


def build_networks(config: ModelConfig, seed: int = 0) -> tuple[Generator, Discriminator]:
    with seeded_cpu(seed):  # with other weights, a LeakyReLU near 0 may differ between two ways to compute it
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


def images_by_the_book(generator: Generator, latents: Tensor, labels: Tensor | None) -> Tensor:
    """The generator's forward pass in the words of the paper, section 3: no pooling, no BatchNorm at the output."""
    classes = None if labels is None else F.one_hot(labels, 10).float()
    x = (latents if classes is None else torch.cat([latents, classes], dim=1))[:, :, None, None]
    x = F.relu(generator.norms[0](F.conv_transpose2d(x, generator.project.weight), classes))
    for upsample, norm in zip(generator.upsample, generator.norms[1:], strict=True):
        x = F.relu(norm(F.conv_transpose2d(x, upsample.weight, stride=2, padding=1), classes))
    last = generator.to_image
    return torch.tanh(F.conv_transpose2d(x, last.weight, last.bias, stride=2, padding=1))


def logits_by_the_book(discriminator: Discriminator, images: Tensor, labels: Tensor | None) -> Tensor:
    """The discriminator's forward pass: no BatchNorm in its first and last layer, labels as one-hot planes."""
    first, last, classes = discriminator.from_image, discriminator.to_logit, None
    if labels is not None:
        classes = F.one_hot(labels, 10).float()
        images = torch.cat([images, classes[:, :, None, None].expand(-1, -1, *images.shape[2:])], dim=1)
    x = F.leaky_relu(F.conv2d(images, first.weight, first.bias, stride=2, padding=1), 0.2)
    for downsample, norm in zip(discriminator.downsample, discriminator.norms, strict=True):
        x = F.leaky_relu(norm(F.conv2d(x, downsample.weight, stride=2, padding=1), classes), 0.2)
    return F.conv2d(x, last.weight, last.bias).flatten()


def penalty_gradients(logits: Callable, network: nn.Module, images: Tensor, labels: Tensor | None) -> list[Tensor]:
    """The gradients of R1: a derivative of a derivative, for the images' and the weights' sake."""
    images = images.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(logits(network, images, labels).sum(), images, create_graph=True)
    convolutions = [parameter for parameter in network.parameters() if parameter.dim() == 4]
    return [gradient, *torch.autograd.grad(gradient.square().sum(), convolutions)]


@pytest.mark.parametrize("config", VARIANTS, ids=lambda c: f"{c.image_size}-{c.image_channels}-{c.num_classes}")
def test_the_networks_are_those_of_the_paper(config):
    generator, discriminator = build_networks(config)
    latents, labels = inputs(config)
    images = generator(latents * 100, labels)  # large latents reach the ends of tanh
    assert images.shape == (4, config.image_channels, config.image_size, config.image_size)
    assert images.dtype == torch.float32
    assert -1 <= images.min() < images.max() <= 1
    torch.testing.assert_close(images, images_by_the_book(generator, latents * 100, labels), atol=1e-5, rtol=1e-4)
    logits = discriminator(images, labels)
    assert logits.shape == (4,)
    torch.testing.assert_close(logits, logits_by_the_book(discriminator, images, labels), atol=1e-5, rtol=1e-4)
    found = penalty_gradients(Discriminator.__call__, discriminator, images, labels)
    expected = penalty_gradients(logits_by_the_book, discriminator, images, labels)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4 * other.abs().max().item(), rtol=1e-3)


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
    generator, discriminator = build_networks(CONDITIONAL, seed)
    assert torch.equal(torch.get_rng_state(), before)
    weights = (generator.project.weight, generator.norms[0].class_bias.weight, discriminator.to_logit.weight)
    found = torch.cat([weight.detach().flatten()[:2] for weight in weights])
    assert found.tolist() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("num_classes", "labels"), [(0, torch.zeros(4, dtype=torch.int64)), (10, None)])
def test_labels_are_for_conditional_models_alone(num_classes, labels):
    networks = build_networks(ModelConfig(base_channels=8, num_classes=num_classes))
    for network, given in zip(networks, (torch.zeros(4, 100), torch.zeros(4, 1, 32, 32)), strict=True):
        with pytest.raises(ValueError, match="labels"):
            network(given, labels)


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
