"""The page as plain files, which any host of files can serve: no server computes anything.

Engine, views and style are those of the page with Gradio; `demo.plain_html` makes the controls. Everything is text,
since the Hub moves other files out of a Space's repository. Files that may change have their hash in their address.
"""

import base64
import hashlib
import json
from dataclasses import dataclass
from html import escape

from dcgan.evaluation.classifier import load_classifier
from demo import assets
from demo.models import Entry, Models
from demo.page import TABS, build_page, style
from demo.parts import training_pictures
from demo.parts.controls import static
from demo.plain_html import element, render
from demo.plain_weights import Rounding, packed, rounding
from demo.preview import DESCRIPTION, TITLE
from demo.tabs.learned import render_numbers, render_story
from demo.theme import css_variables

SCRIPTS = (*assets.MODULES, "plain/controls.js")
NEEDS_PYTHON = (
    "This page is plain files: your browser computes everything, also without a connection. GIF and WebP files, fonts "
    "and the API need the page that runs with Python (python app.py)."
)


@dataclass(frozen=True)
class ModelFiles:
    """Of a model: its description for the browser, what rounding its weights does, and its files by their addresses."""

    description: dict
    rounding: Rounding
    files: dict[str, str]


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def story_of(models: Models, entry: Entry) -> str:
    """Return how a model learned, as JSON: the HTML of the film and of the numbers. Pictures are within the text."""
    film = render_story(models, entry.name)
    for picture in (training_pictures.film(entry.model.folder), training_pictures.novelty(entry.model.folder)):
        if picture is not None:
            content = base64.b64encode(picture.content).decode()
            film = film.replace(training_pictures.address(picture), f"data:image/webp;base64,{content}")
    return json.dumps({"film": film, "numbers": render_numbers(models, entry.name)})


def model_files(models: Models, entry: Entry) -> ModelFiles:
    """Return what the page needs of a model."""
    model, lost = entry.model, rounding(entry.model)
    networks = {"generator": model.generator, "discriminator": model.discriminator, "classifier": load_classifier()}
    description, files, contents = assets.describe(entry), {}, {}
    for kind, network in networks.items():
        content, text = packed(network, lost.dtype)
        description["sha256"][kind] = hashlib.sha256(content).hexdigest()
        files[kind] = f"weights/{description['sha256'][kind]}.txt"
        contents[files[kind]] = text
    for kind, text in (("directions", assets.directions_of(models, entry)), ("story", story_of(models, entry))):
        files[kind] = f"{kind}/{digest_of(text)}.json"
        contents[files[kind]] = text
    return ModelFiles(description | {"files": files}, lost, {f"dcgan/{name}": text for name, text in contents.items()})


def about(lost: Rounding) -> str:
    """Return the text at the end of the page."""
    rounded = (
        f" The weights are rounded to 16 bits: of {lost.pixels:,} pixels, {lost.changed:,} differ from those of the "
        f"exact weights, by {lost.most} of 255 grey levels at most."
    )
    text = element("p", escape(NEEDS_PYTHON + (rounded if lost.changed else "")))
    return element("footer", element("details", element("summary", "About this page") + text))


def allowed(*inline: str) -> str:
    """Return the Content-Security-Policy: only the page's own files, and these inline texts."""
    hashes = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in inline)
    own = " ".join(f"'sha256-{one}'" for one in hashes)
    rules = {
        "default-src": "'none'",
        "script-src": f"'self' 'wasm-unsafe-eval' {own}",
        "style-src": f"'self' {own}",
        "img-src": "'self' data: blob:",
        "connect-src": "'self'",
        "worker-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def document(described: dict, models: list[dict], body: str) -> str:
    """Return index.html. described: the page's controls, for state.js. models: for the engine."""
    tabs = "".join(f'[data-tab="{name}"] .tabitem:not(#tab-{name}){{display:none}}' for name in TABS)
    look = "\n".join([css_variables(), static("plain/plain.css"), style(), tabs])
    data = f"window.demo = {{ page: {json.dumps(described)} }}; window.dcganModels = {json.dumps(models)};"
    script = "\n".join([data.replace("<", "\\u003c"), static("state.js"), static("plain/start.js")])
    return f"""<!doctype html>
<html lang="en" data-tab="{next(iter(TABS))}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{allowed(look, script)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{TITLE}</title>
<meta name="description" content="{escape(DESCRIPTION)}">
<meta property="og:title" content="{escape(TITLE)}">
<meta property="og:description" content="{escape(DESCRIPTION)}">
<link rel="icon" href="favicon.svg">
<style>{look}</style>
<script>{script}</script>
<script type="module" src="dcgan/static/{described["version"]}/plain/controls.js"></script>
</head>
<body>
<noscript>This page needs JavaScript.</noscript>
<div class="gradio-container"><main class="main">{body}</main></div>
</body>
</html>
"""


def page_files(models: Models) -> dict[str, str]:
    """Return the files of the page by their addresses. The same models give the same files."""
    page = build_page(models)
    made = [model_files(models, entry) for entry in models.entries.values()]
    scripts = {name: static(name) for name in SCRIPTS}
    version = digest_of("".join(scripts.values()))[:16]
    described = page.browser | {"root": ".", "version": version}
    descriptions = [one.description for one in made]
    files = {f"dcgan/static/{version}/{name}": text for name, text in scripts.items()}
    files["dcgan/models.json"] = json.dumps(descriptions)
    files["favicon.svg"] = static("favicon.svg")
    weights = {}
    for one in made:
        for name, text in one.files.items():
            (weights if name.startswith("dcgan/weights/") else files)[name] = text
    files["index.html"] = document(described, descriptions, render(page.children) + about(made[0].rounding))
    kept = ["./", *(name for name in files if name != "index.html")]  # without a connection
    hashed = digest_of(json.dumps(files, sort_keys=True))[:16]
    worker = f"const VERSION = {json.dumps(hashed)};\nconst FILES = {json.dumps(kept)};\n\n" + static("plain/worker.js")
    return files | weights | {"worker.js": worker}
