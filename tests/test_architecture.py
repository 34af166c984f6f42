"""The import rules that keep the tree readable: who may import whom, and what importing costs."""

import ast
import graphlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
GROUND = {"dcgan", "dcgan.config", "dcgan.files"}
MAY_IMPORT = {  # package or module of dcgan: what else of dcgan it may import
    "dcgan": set(),
    "dcgan.config": {"dcgan"},
    "dcgan.files": {"dcgan"},
    "dcgan.images": GROUND,
    "dcgan.ink": GROUND,
    "dcgan.data": GROUND,
    "dcgan.networks": GROUND,
    "dcgan.latents": GROUND | {"dcgan.data", "dcgan.images", "dcgan.networks"},
    "dcgan.model_folder": GROUND | {"dcgan.networks"},
    "dcgan.font": GROUND | {"dcgan.data", "dcgan.ink", "dcgan.latents", "dcgan.model_folder"},
    "dcgan.evaluation": GROUND | {"dcgan.data", "dcgan.networks", "dcgan.latents", "dcgan.model_folder"},
    "dcgan.hub": GROUND | {"dcgan.latents", "dcgan.model_folder"},
    "dcgan.training": GROUND
    | {"dcgan.data", "dcgan.images", "dcgan.networks", "dcgan.latents", "dcgan.model_folder", "dcgan.hub"},
}


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path) -> set[str]:
    """The modules that a file imports, anywhere in it, by their whole names."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                is_module = (ROOT / name.replace(".", "/")).with_suffix(".py").is_file()
                found.add(name if is_module else node.module)
    return found


def room(module: str) -> str:
    """The package or top-level module that a module of dcgan belongs to."""
    return ".".join(module.split(".")[:2])


SOURCES = {
    module_name(path): imports(path)
    for folder in ("dcgan", "demo", "scripts")
    for path in sorted((ROOT / folder).rglob("*.py"))
}


@pytest.mark.parametrize("module", [name for name in SOURCES if name.split(".")[0] == "dcgan"])
def test_a_module_of_dcgan_imports_only_what_lies_below_it(module):
    own = {room(name) for name in SOURCES[module] if name.split(".")[0] == "dcgan"}
    assert own - {room(module)} <= MAY_IMPORT[room(module)]
    assert not {name for name in SOURCES[module] if name.split(".")[0] in ("gradio", "demo", "scripts")}


@pytest.mark.parametrize("module", [name for name in SOURCES if name.split(".")[0] == "demo"])
def test_the_page_knows_nothing_of_training(module):
    forbidden = ("dcgan.training", "scripts", "torchvision", "sklearn", "torchmetrics")
    assert not {name for name in SOURCES[module] if name.startswith(forbidden)}


def test_there_are_no_import_cycles():
    graphlib.TopologicalSorter({name: imported - {"dcgan"} for name, imported in SOURCES.items()}).prepare()


def modules_after(statement: str) -> set[str]:
    """What is in `sys.modules` after a statement in a fresh process."""
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_is_cheap():
    """The download runs in a process of its own, against the clock: it must not wait for torch."""
    assert "torch" not in modules_after("import dcgan, dcgan.hub.download")
    page = modules_after("import demo.page")
    assert "torch" in page
    assert not page & {"torchvision", "sklearn", "torchmetrics", "av", "dcgan.training"}


def test_no_module_holds_two_ideas():
    modules = [
        path for folder in ("dcgan", "demo") for kind in ("*.py", "*.js") for path in (ROOT / folder).rglob(kind)
    ]
    longest = max(modules, key=lambda path: len(path.read_text("utf-8").splitlines()))
    assert len(longest.read_text("utf-8").splitlines()) <= 300, longest
