"""What the README prints works: the example of the library, and the package that it comes from."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import dcgan
from dcgan.latents.sampling import crop

ROOT = Path(__file__).resolve().parents[1]


def library_example() -> str:
    """The README's code block that begins with `import dcgan`."""
    blocks = re.findall(r"((?:^    .*\n|^\n)+)", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    (block,) = (block for block in blocks if block.strip().startswith("import dcgan"))
    return "\n".join(line[4:] for line in block.splitlines())


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A folder with the installed package. It is built from a copy, so that no build files stay in the checkout."""
    folder = tmp_path_factory.mktemp("package")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "dcgan", folder / "dcgan", ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, "--target", folder / "site", folder], check=True, capture_output=True, timeout=120)
    return folder / "site"


def test_the_example_runs_elsewhere_with_the_installed_package(installed, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", library_example() + "\nprint(dcgan.__file__)"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith(str(installed / "dcgan" / "__init__.py"))
    sevens = np.asarray(Image.open(tmp_path / "sevens.png"))
    generator = dcgan.load_model("mnist-conditional").generator
    first = crop(dcgan.sample(generator, [0], 7).images, 2)[0, 0]
    assert np.array_equal(sevens[2:30, 2:30], first)


def test_every_public_name_is_there_and_described():
    for name in dcgan.__all__:
        assert getattr(dcgan, name).__doc__, name
    with pytest.raises(AttributeError):
        dcgan.no_such_name  # noqa: B018


def test_the_readmes_files_and_folders_exist():
    """The file tree and every relative link."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    links = {link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link}
    tree = set(re.findall(r"^ {4}((?:[\w.-]+/)*[\w.-]+/?)  +\S", text, re.MULTILINE))
    assert len(tree) > 20
    for path in {*links, *tree} - {""}:
        assert (ROOT / path).exists(), path
