"""What the tests share: a stand-in for MNIST, so that none needs the network, and tiny models."""

import os
import resource
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
import torch
from page_server import serving
from PIL import Image, ImageDraw, ImageFont
from playwright.sync_api import Browser, Page, sync_playwright
from torch import Tensor
from visitor import DESKTOP, FLAGS, PATIENCE

from dcgan.config import ModelConfig, TrainConfig
from dcgan.data import to_model_size
from dcgan.model_folder import save_weights, write_config
from dcgan.networks import Discriminator, Generator

ROOT = Path(__file__).resolve().parents[1]
DRAWN = 600  # different digits; repeated to fill MNIST's 60,000


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    """Networks this small gain nothing from threads, and wait for them on a busy machine."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def drawn_digits() -> tuple[np.ndarray, np.ndarray]:
    """(600, 28, 28) uint8 and labels (600,): a printed font, moved and resized a little."""
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
    """A data directory in MNIST's own format and sizes: torchvision reads it as it reads MNIST."""
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
    """(320, 1, 32, 32) uint8 and labels (320,) uint8: what the trainer gets."""
    images, labels = drawn_digits
    return to_model_size(torch.from_numpy(images[:320]), 32, 1), torch.from_numpy(labels[:320])


@pytest.fixture(scope="session")
def tiny_flags(mnist_dir: Path) -> list[str]:
    """Three epochs of ten steps with very small networks: seconds."""
    flags = "--device cpu --base-channels 8 --epochs 3 --images 320 --batch-size 32"
    return [*flags.split(), "--data-dir", str(mnist_dir)]


@pytest.fixture(scope="session")
def start_script() -> Callable[..., subprocess.Popen]:
    """Start a script as a person would, from another folder than the repository's."""

    def start(name: str, *arguments: object, cwd: Path) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, str(ROOT / "scripts" / name), *map(str, arguments)],
            cwd=cwd,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory, start_script, tiny_flags) -> Path:
    """The folder of a conditional model that scripts/train.py has just trained."""
    out = tmp_path_factory.mktemp("runs") / "tiny-conditional"
    process = start_script("train.py", "--preset", "mnist-conditional", "--out", out, *tiny_flags, cwd=out.parent)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    return out


def lively_networks(config: ModelConfig) -> tuple[Generator, Discriminator]:
    """Untrained, but with weights so large that every seed and every digit gives a picture of its own."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(1)
        generator, discriminator = Generator(config), Discriminator(config)
        for parameter in generator.parameters():
            parameter.mul_(5)
        labels = torch.arange(320) % 10 if config.num_classes else None
        generator.train()(torch.randn(320, config.latent_dim), labels)
    return generator.eval(), discriminator.eval()


@pytest.fixture(scope="session")
def make_networks() -> Callable[[ModelConfig], tuple[Generator, Discriminator]]:
    return lively_networks


@pytest.fixture(scope="session")
def make_model() -> Callable[[Path, ModelConfig], Path]:
    """Writes what loading reads of a model folder: the config and both networks."""

    def make(folder: Path, config: ModelConfig) -> Path:
        folder.mkdir(parents=True)
        generator, discriminator = lively_networks(config)
        save_weights(generator, folder / "model.safetensors")
        save_weights(discriminator, folder / "discriminator.safetensors")
        write_config(folder, config, {"recipe": TrainConfig().to_dict()})
        return folder

    return make


@pytest.fixture
def full_disk() -> Callable[[int], AbstractContextManager[None]]:
    """Inside `with full_disk(n):` no file grows beyond n bytes: writing fails as it does on a full disk."""

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
    """The address of the real page, running in a process of its own."""
    with serving(tmp_path_factory.mktemp("page")) as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium for each module: while one runs, its event loop keeps the thread from having another."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        message = "there is no Chromium on the PATH: apt-get install chromium"
        if os.environ.get("DCGAN_REQUIRE_BROWSER"):
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser, page_url: str) -> Iterator[Callable[..., Page]]:
    """Opens the page in a fresh profile; afterwards nothing may have gone wrong or left the host."""
    contexts, problems, hosts = [], [], set()

    def open_page(address: str = page_url, **options) -> Page:
        context = browser.new_context(**({"viewport": DESKTOP} | options))
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.goto(address)
        page.wait_for_selector("#sheet img", state="attached")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not problems
    assert hosts <= {"", urlsplit(page_url).netloc}
