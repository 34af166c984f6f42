"""Fixtures for all tests: a stand-in for MNIST, so that no test needs the network; tiny models; the running page."""

import importlib.util
import resource
import struct
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from page_server import serving
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

import dcgan.evaluation.protocol
import dcgan.training.recalibrate
from dcgan.config import ModelConfig, TrainConfig
from dcgan.data import to_model_size
from dcgan.model_folder import save_weights, write_config
from dcgan.networks import Discriminator, Generator, seeded_cpu
from scripts import train as train_script

DRAWN = 600  # different digits, repeated to fill MNIST's 60,000


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    """Use one thread: small networks gain nothing from more, and waiting for threads is slow on a busy machine."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True, scope="session")
def cheap_epochs() -> Iterator[None]:
    """Recalibrate with 2 batches, not 32, and measure 200 samples, not 2,000: most of a tiny run's time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dcgan.training.recalibrate, "RECALIBRATION_BATCHES", 2)
        patch.setattr(dcgan.evaluation.protocol, "QUICK_SAMPLES", 200)
        yield


@pytest.fixture(scope="session")
def drawn_digits() -> tuple[np.ndarray, np.ndarray]:
    """Return images (600, 28, 28) uint8 and labels (600,): printed digits in three sizes, slightly shifted."""
    random = np.random.default_rng(0)
    fonts = [ImageFont.load_default(size) for size in (18, 20, 22)]
    images = []
    for i in range(DRAWN):
        picture = Image.new("L", (28, 28))
        place = tuple(14 + random.integers(-2, 3, 2))
        ImageDraw.Draw(picture).text(place, str(i % 10), fill=255, font=fonts[random.integers(3)], anchor="mm")
        images.append(np.asarray(picture))
    return np.stack(images), (np.arange(DRAWN) % 10).astype(np.uint8)


@pytest.fixture(scope="session")
def mnist_dir(tmp_path_factory: pytest.TempPathFactory, drawn_digits) -> Path:
    """Return a data directory in MNIST's format and sizes, which torchvision can read."""
    data_dir = tmp_path_factory.mktemp("data")
    raw = data_dir / "MNIST" / "raw"
    raw.mkdir(parents=True)
    images, labels = drawn_digits
    for split, count in (("train", 60_000), ("t10k", 10_000)):
        repeats = -(-count // DRAWN)
        with (raw / f"{split}-images-idx3-ubyte").open("wb") as file:
            file.write(struct.pack(">IIII", 0x0803, count, 28, 28))
            file.write(np.tile(images, (repeats, 1, 1))[:count].tobytes())
        with (raw / f"{split}-labels-idx1-ubyte").open("wb") as file:
            file.write(struct.pack(">II", 0x0801, count))
            file.write(np.tile(labels, repeats)[:count].tobytes())
    return data_dir


@pytest.fixture(scope="session")
def digits(drawn_digits) -> tuple[Tensor, Tensor]:
    """Return training images (320, 1, 32, 32) uint8 and labels (320,) uint8."""
    images, labels = drawn_digits
    return to_model_size(torch.from_numpy(images[:320]), 32, 1), torch.from_numpy(labels[:320])


@pytest.fixture(scope="session")
def tiny_flags(mnist_dir: Path) -> list[str]:
    """Return flags of train.py for three epochs of ten steps with very small networks. They take seconds."""
    flags = "--device cpu --base-channels 8 --discriminator-channels 0 --epochs 3 --images 320 --batch-size 32"
    return [*flags.split(), "--data-dir", str(mnist_dir)]


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory, tiny_flags) -> Path:
    """Return the folder of a conditional model, trained by scripts/train.py."""
    out = tmp_path_factory.mktemp("runs") / "tiny-conditional"
    assert train_script.main(["--preset", "mnist-conditional", "--out", str(out), *tiny_flags]) == 0
    return out


@pytest.fixture(scope="session")
def make_networks() -> Callable[[ModelConfig], tuple[Generator, Discriminator]]:
    """Return a function that makes untrained networks, with weights so large that no two seeds or digits look alike."""

    def make(config: ModelConfig) -> tuple[Generator, Discriminator]:
        with seeded_cpu(1), torch.no_grad():
            generator, discriminator = Generator(config), Discriminator(config)
            for parameter in generator.parameters():
                parameter.mul_(5)
            labels = torch.arange(320) % 10 if config.num_classes else None
            generator.train()(torch.randn(320, config.latent_dim), labels)
        return generator.eval(), discriminator.eval()

    return make


@pytest.fixture(scope="session")
def make_model(make_networks) -> Callable[[Path, ModelConfig], Path]:
    """Return a function that writes a model folder: the config and both networks."""

    def make(folder: Path, config: ModelConfig) -> Path:
        folder.mkdir(parents=True)
        generator, discriminator = make_networks(config)
        save_weights(generator, folder / "model.safetensors")
        save_weights(discriminator, folder / "discriminator.safetensors")
        write_config(folder, config, {"recipe": TrainConfig().to_dict()})
        return folder

    return make


@pytest.fixture
def full_disk() -> Callable[[int], AbstractContextManager[None]]:
    """Return a context manager: inside `with full_disk(n):` no file can grow beyond n bytes, as on a full disk."""

    @contextmanager
    def limit(size: int) -> Iterator[None]:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return limit


@pytest.fixture(scope="session")
def page_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of the page, which runs in a process of its own, with its MCP tools if `mcp` is installed."""
    arguments = ["--mcp"] if importlib.util.find_spec("mcp") else []
    with serving(tmp_path_factory.mktemp("page"), arguments=arguments) as url:
        yield url
