"""The endpoint `generate`: digits of consecutive seeds, with what the networks think of them."""

import threading
from dataclasses import dataclass

import gradio as gr
from PIL import Image

from dcgan.evaluation.scores import Scores, score_images
from dcgan.images import grid
from dcgan.latents.sampling import (
    CHUNK,
    Samples,
    check_digit,
    check_truncation,
    consecutive_seeds,
    crop,
    sample,
)
from dcgan.model_folder import Model
from demo.api import asked_model, digit_choice, register_endpoint
from demo.models import Models
from demo.parts.inputs import asked_digit, number, whole_number

MAX_COUNT = 100


@dataclass(eq=False)
class Request:
    """Seeds that wait for their pictures, and the samples when they are there."""

    model: Model
    seeds: range
    digit: int | None
    truncation: float
    samples: Samples | None = None


class Sampler:
    """Samples for callers in many threads. Those that wait at the same time share a pass through the generator.

    A pass always has `CHUNK` pictures, whatever is asked for, and a picture does not depend on the others.
    """

    def __init__(self):
        self.waiting: list[Request] = []
        self.turn = threading.Lock()  # held by the caller who runs the generator

    def sample(self, request: Request) -> Samples:
        """Return the samples of a request whose values are valid."""
        self.waiting.append(request)
        with self.turn:
            if request.samples is None:
                self.run(request)
        return request.samples

    def run(self, first: Request) -> None:
        """Fill a request, and others of the same model that fit into its last chunk."""
        together, free = [first], -len(first.seeds) % CHUNK
        if first in self.waiting:  # not if a shared pass failed
            self.waiting.remove(first)
        for other in list(self.waiting):
            same = (other.model.generator, other.truncation) == (first.model.generator, first.truncation)
            if same and len(other.seeds) <= free:
                free -= len(other.seeds)
                together.append(other)
                self.waiting.remove(other)
        seeds = [seed for request in together for seed in request.seeds]
        digits = [request.digit for request in together for _ in request.seeds]
        found, start = sample(first.model.generator, seeds, digits, first.truncation), 0
        for request in together:
            own = slice(start, start := start + len(request.seeds))
            labels = None if found.labels is None else found.labels[own]
            request.samples = Samples(found.images[own], found.seeds[own], labels)


sampler = Sampler()


def sample_sheet(model: Model, seed, count, digit, truncation) -> Samples:
    """Return the samples that were asked for. Raises `InputError`."""
    seeds = consecutive_seeds(whole_number(seed, "seed"), whole_number(count, "count", 1, MAX_COUNT))
    request = Request(model, seeds, asked_digit(digit), number(truncation, "truncation"))
    check_digit(request.digit, model.config.num_classes)
    check_truncation(request.truncation)
    return sampler.sample(request)


def sheet_grid(model: Model, samples: Samples) -> Image.Image:
    return grid(crop(samples.images, model.config.border), min(10, len(samples.seeds)))


def describe(samples: Samples, scores: Scores) -> list[dict]:
    """Return the seed, digit and scores of each picture, in order of seed."""
    return [
        {
            "seed": int(samples.seeds[i]),
            "digit": None if samples.labels is None else int(samples.labels[i]),
            "read": int(scores.digits[i]),
            "confidence": round(float(scores.confidence[i]), 4),
            "realness": round(float(scores.realness[i]), 4),
        }
        for i in range(len(samples.seeds))
    ]


def endpoint(models: Models, model, seed, count, digit, truncation) -> tuple[Image.Image, list[dict]]:
    """Generate handwritten digits. Picture i has the seed `seed + i` and is the same whatever the count.

    Args:
        model: name of the model, as the endpoint `models` lists them
        seed: whole number from 0 to 4294967295, of the first picture
        count: how many pictures, 1 to 100
        digit: 0 to 9, or any: each seed decides
        truncation: above 0 and at most 1; lower values give more typical, less varied digits

    Returns:
        grid: PNG, 28×28 pixels each, 10 a row, 2 pixels of black around each, white ink on black
        digits: for each its seed and digit, what the classifier reads and how surely, and how probably it is real
    """
    model = asked_model(models, model)
    samples = sample_sheet(model, seed, count, digit, truncation)
    return sheet_grid(model, samples), describe(samples, score_images(model, samples.images, samples.labels))


def register(models: Models, model_name: gr.Radio) -> None:
    """Add the endpoint to the page that is being built."""
    inputs = [
        gr.Number(0, label="Seed", precision=0, visible=False),
        gr.Slider(1, MAX_COUNT, 40, step=1, label="How many", visible=False),
        digit_choice(),
        gr.Slider(0.1, 1, 1.0, step=0.05, label="Truncation ψ", visible=False),
    ]
    outputs = [gr.Image(format="png", visible=False, label="grid"), gr.JSON(visible=False, label="digits")]
    register_endpoint("generate", endpoint, models, [model_name, *inputs], outputs, keep=True)
