"""Measure a training step against the textbook loop, and sampling: parts of scripts/bench.py.

The textbook loop is what tutorials show: a DataLoader with transforms, float32, sigmoid and BCELoss, two backward
passes for the discriminator, and five `.item()` a step. It has the same layers and as many channels.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader
from torch.utils.flop_counter import FlopCounterMode
from torchvision import datasets, transforms

from dcgan.config import ModelConfig, TrainConfig
from dcgan.data import load_mnist, to_float, to_model_size
from dcgan.latents.sampling import sample
from dcgan.model_folder import Model
from dcgan.training.device import kernels
from dcgan.training.graph import WARM_UP, step_function
from dcgan.training.step import R1_EVERY, autocast, new_run

MATRIX = 2048  # rows and columns of the matrix product that the step is compared with


class TextbookGenerator(nn.Sequential):
    def __init__(self, config: ModelConfig):
        width, inputs = config.base_channels, config.latent_dim + config.num_classes
        sizes = [inputs, 4 * width, 2 * width, width]
        layers: list[nn.Module] = []
        for number, (before, after) in enumerate(zip(sizes, sizes[1:], strict=False)):
            steps = {"stride": 2, "padding": 1} if number else {}
            layers += [nn.ConvTranspose2d(before, after, 4, bias=False, **steps), nn.BatchNorm2d(after), nn.ReLU(True)]
        super().__init__(*layers, nn.ConvTranspose2d(width, 1, 4, 2, 1, bias=False), nn.Tanh())


class TextbookDiscriminator(nn.Sequential):
    def __init__(self, config: ModelConfig):
        width = config.discriminator_channels or config.base_channels
        layers: list[nn.Module] = [
            nn.Conv2d(1 + config.num_classes, width, 4, 2, 1, bias=False),
            nn.LeakyReLU(0.2, True),
        ]
        for before, after in ((width, 2 * width), (2 * width, 4 * width)):
            layers += [nn.Conv2d(before, after, 4, 2, 1, bias=False), nn.BatchNorm2d(after), nn.LeakyReLU(0.2, True)]
        super().__init__(*layers, nn.Conv2d(4 * width, 1, 4, bias=False), nn.Sigmoid(), nn.Flatten(0))


def textbook_steps(config: ModelConfig, batch_size: int, data_dir: Path, device: torch.device) -> Iterator[None]:
    """Yield after each step of the textbook loop."""
    steps = transforms.Compose([transforms.Resize(32), transforms.ToTensor(), transforms.Normalize(0.5, 0.5)])
    loader = DataLoader(datasets.MNIST(str(data_dir), transform=steps), batch_size, shuffle=True, drop_last=True)
    generator, discriminator = TextbookGenerator(config).to(device), TextbookDiscriminator(config).to(device)
    optimizers = [torch.optim.Adam(net.parameters(), 2e-4, (0.5, 0.999)) for net in (generator, discriminator)]
    optimizer_g, optimizer_d = optimizers
    criterion, ones, zeros = nn.BCELoss(), torch.ones(batch_size, device=device), torch.zeros(batch_size, device=device)

    def with_planes(images: Tensor, classes: Tensor) -> Tensor:
        planes = classes[:, :, None, None].expand(-1, -1, *images.shape[2:])
        return torch.cat([images, planes], dim=1) if config.num_classes else images

    while True:
        for real, labels in loader:
            real = real.to(device)
            classes = F.one_hot(labels.to(device), 10).float()
            latents = torch.randn(batch_size, config.latent_dim, device=device)
            if config.num_classes:
                latents = torch.cat([latents, classes], dim=1)
            discriminator.zero_grad()
            output = discriminator(with_planes(real, classes))
            loss_real = criterion(output, ones)
            loss_real.backward()
            told = [output.mean().item()]
            fake = generator(latents[:, :, None, None])
            output = discriminator(with_planes(fake.detach(), classes))
            loss_fake = criterion(output, zeros)
            loss_fake.backward()
            told.append(output.mean().item())
            optimizer_d.step()
            generator.zero_grad()
            output = discriminator(with_planes(fake, classes))
            loss_g = criterion(output, ones)
            loss_g.backward()
            optimizer_g.step()
            told += [output.mean().item(), (loss_real + loss_fake).item(), loss_g.item()]
            yield


def our_steps(config: ModelConfig, recipe: TrainConfig, data_dir: Path, device: torch.device) -> Iterator[None]:
    """Yield after each step of this project's training."""
    run = new_run(config, recipe, device)
    images, labels = load_mnist(data_dir)
    images, labels = to_model_size(images, 32, 1).to(device), labels.to(device)
    step = step_function(run)
    while True:
        batch = torch.randint(len(images), (recipe.batch_size,), device=device)
        step(to_float(images[batch]), labels[batch].long() if config.num_classes else None, 1.0)
        run.step += 1
        yield


def wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds(work: Callable[[], object], device: torch.device) -> float:
    wait(device)
    started = time.perf_counter()
    work()
    wait(device)
    return time.perf_counter() - started


def product_rate(device: torch.device, dtype: torch.dtype) -> float:
    """Return the fastest of 10 matrix products, in floating-point operations per second."""
    a, b = (torch.randn(MATRIX, MATRIX, device=device).to(dtype) for _ in range(2))
    fastest = min(seconds(lambda: a @ b, device) for _ in range(10))
    return 2 * MATRIX**3 / fastest


def spread(values: list[float], form: str) -> str:
    return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


@kernels(tf32=True, benchmark=True)  # for both loops: as in training
def train(
    config: ModelConfig, recipe: TrainConfig, data_dir: Path, device: torch.device, rounds: int, each: int
) -> None:
    """Print the images per second of both loops, which take turns, and the share of the matrix product's rate.

    rounds: how often each takes its turn. each: steps in a turn.
    """
    textbook = textbook_steps(config, recipe.batch_size, data_dir, device)
    ours = our_steps(config, recipe, data_dir, device)
    counter = FlopCounterMode(display=False)
    next(ours)
    with counter:
        next(ours)  # without R1, which the counter cannot follow
    for loop in (textbook, ours):
        for _ in range((WARM_UP + 1) * R1_EVERY):
            next(loop)
    speeds: dict[str, list[float]] = {"textbook": [], "ours": []}
    for _ in range(rounds):
        for name, loop in (("textbook", textbook), ("ours", ours)):
            took = seconds(lambda: [next(loop) for _ in range(each)], device)  # noqa: B023
            speeds[name].append(each * recipe.batch_size / took)
    ratios = [mine / theirs for theirs, mine in zip(*speeds.values(), strict=True)]
    run = new_run(config, recipe, device)
    dtype = torch.bfloat16 if autocast(run)._enabled else torch.float32
    operations = counter.get_total_flops() / recipe.batch_size  # for one image
    share = statistics.median(speeds["ours"]) * operations / product_rate(device, dtype)
    print(f"textbook {spread(speeds['textbook'], '.0f')} images/s, float32")
    print(f"ours     {spread(speeds['ours'], '.0f')} images/s, {str(dtype).removeprefix('torch.')}")
    print(f"ratio    {spread(ratios, '.2f')}, {rounds} turns of {each} steps; {share:.0%} of the matrix product's rate")


def sampling(model: Model, rounds: int) -> None:
    """Print the time that seeds take to become pictures, for several numbers of seeds."""
    device = next(model.generator.parameters()).device
    for count in (1, 64, 1000):
        times = [1000 * seconds(lambda: sample(model.generator, range(count)), device) for _ in range(rounds + 1)][1:]  # noqa: B023
        print(f"{count:5} pictures: {spread(times, '.1f')} ms, {rounds} times")
