import itertools

import pytest
import torch
from torch import nn

from dcgan.config import ModelConfig
from dcgan.networks import ClassBatchNorm, Discriminator, Generator, seeded_cpu


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


def order_of_layers(network: nn.Module, *arguments) -> list[type]:
    """The layers in the order in which a picture passes them."""
    passed = []
    for module in network.modules():
        if not isinstance(module, (nn.Linear, nn.ModuleList, type(network))):  # the one Linear is a norm's bias
            module.register_forward_hook(lambda module, *_: passed.append(type(module)))
    network(*arguments)
    return passed


@pytest.mark.parametrize("config", VARIANTS, ids=lambda c: f"{c.image_size}-{c.image_channels}-{c.num_classes}")
def test_shapes_ranges_and_the_layers_of_the_paper(config):
    """arXiv 1511.06434, section 3: no pooling, no hidden layer without BatchNorm, none at G's output and D's ends."""
    generator, discriminator = build_networks(config)
    latents, labels = inputs(config)
    images = generator(latents * 100, labels)  # large latents reach the ends of tanh
    assert images.shape == (4, config.image_channels, config.image_size, config.image_size)
    assert images.dtype == torch.float32
    assert -1 <= images.min() < images.max() <= 1
    assert discriminator(images, labels).shape == (4,)

    blocks, up, down, norm = {32: 3, 64: 4}[config.image_size], nn.ConvTranspose2d, nn.Conv2d, ClassBatchNorm
    assert order_of_layers(generator, latents, labels) == [up, norm] * blocks + [up]
    assert order_of_layers(discriminator, images, labels) == [down] + [down, norm] * (blocks - 1) + [down]


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
