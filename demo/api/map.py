"""The endpoint `map`: the digits between four hands."""

import gradio as gr
import numpy as np
from PIL import Image

from dcgan.images import grid
from dcgan.latents.codes import encode
from dcgan.latents.interpolation import latent_map
from dcgan.latents.sampling import crop
from dcgan.model_folder import Model
from demo.api import asked_model, digit_choice, register_endpoint
from demo.models import Models
from demo.parts.inputs import asked_digit, parse_keys
from demo.parts.pictures import label_digits

MAP_SIZE = 13  # pictures along each side


def hand_map(model: Model, corners, digit) -> tuple[np.ndarray, list[str]]:
    """Return the pictures (169, C, 28, 28) uint8 row by row, and the codes of their hands."""
    asked = asked_digit(digit)
    keys = [(hand, own if asked is None else asked) for hand, own in parse_keys(corners, "corners")]
    images, latents, labels = latent_map(model.generator, keys, MAP_SIZE)
    digits = label_digits(labels, len(images))
    codes = [encode(latent, digit) for latent, digit in zip(latents, digits, strict=True)]
    return crop(images, model.config.border), codes


def endpoint(models: Models, model, corners, digit) -> tuple[Image.Image, list[list[str]]]:
    """Generate a map of 13×13 digits between four hands, one in each corner.

    Args:
        model: name of the model, as the endpoint `models` lists them
        corners: four hands, like `3 14:8 15 92`: top left, top right, bottom left, bottom right
        digit: 0 to 9 for the whole map, or any: the corners' digits, which turn into each other

    Returns:
        map: PNG, 28×28 pixels each, without gaps, white ink on black
        hands: 13 rows of 13 codes; a code can be used as a hand in any endpoint
    """
    images, codes = hand_map(asked_model(models, model), corners, digit)
    rows = [codes[start : start + MAP_SIZE] for start in range(0, len(codes), MAP_SIZE)]
    return grid(images, MAP_SIZE, gap=0), rows


def register(models: Models, model_name: gr.Radio) -> None:
    """Add the endpoint to the page that is being built."""
    corners = gr.Textbox("3 14 15 92", label="Corners", visible=False)
    outputs = [gr.Image(format="png", visible=False, label="map"), gr.JSON(visible=False, label="hands")]
    register_endpoint("map", endpoint, models, [model_name, corners, digit_choice()], outputs, keep=True)
