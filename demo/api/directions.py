"""The endpoints `directions` and `move`: a hand moved along directions of latent space (thickness, slant, …)."""

import gradio as gr
import torch
from gradio.components.api_component import Api
from PIL import Image
from torch import Tensor

from dcgan import InputError
from dcgan.images import to_pil
from dcgan.latents.codes import encode, latent_of, quantise
from dcgan.latents.directions import Direction
from dcgan.model_folder import Model
from demo.api import asked_model, digit_choice, register_endpoint
from demo.models import Models
from demo.parts.inputs import asked_digit, number
from demo.parts.pictures import generate_cropped

REACH = 4.0  # of a slider, in standard deviations of a latent


def move_hand(model: Model, directions: list[Direction], hand, digit, amounts) -> tuple[Tensor, int | None]:
    """Return the latent (latent_dim,) of a hand moved along the directions, quantised as in a code, and its digit."""
    latent, own = latent_of("" if hand is None else hand, model.config, asked_digit(digit))
    for direction, amount in zip(directions, amounts, strict=True):
        latent = latent + number(amount, direction.name, -REACH, REACH) * direction.vector
    return quantise(latent), own


def move_endpoint(models: Models, model, hand, digit, amounts) -> tuple[Image.Image, dict]:
    """Move a hand along directions of latent space, for example thickness or slant.

    Args:
        model: name of the model, as the endpoint `models` lists them
        hand: a seed, or the code of a hand
        digit: 0 to 9, or any: the hand's own digit
        amounts: how far along each, -4 to 4, by the names that `directions` lists: {"thickness": 2, "slant": -1.5}

    Returns:
        picture: PNG, 28×28 pixels, white ink on black
        moved: the code of the moved hand, and its digit
    """
    chosen = asked_model(models, model)
    directions = models.directions(chosen)
    names = [direction.name for direction in directions]
    if not isinstance(amounts, dict) or not set(amounts) <= set(names):
        raise InputError(f"amounts must be an object of numbers with the names {', '.join(names)}")
    latent, own = move_hand(chosen, directions, hand, digit, [amounts.get(name, 0) for name in names])
    (picture,) = generate_cropped(chosen, latent[None], None if own is None else torch.tensor([own]))
    return to_pil(picture), {"hand": encode(latent, own), "digit": own}


def list_directions(models: Models, model) -> list[dict]:
    """List directions of latent space: thickness, slant and width, then the strongest of the first layer (SeFa).

    Args:
        model: name of the model, as the endpoint `models` lists them

    Returns:
        directions: for each its name, its unit vector, and its correlation with the named property on held-out samples
    """
    chosen = asked_model(models, model)
    return [
        {
            "name": direction.name,
            "correlation": direction.correlation and round(direction.correlation, 4),
            "vector": [round(value, 6) for value in direction.vector.tolist()],
        }
        for direction in models.directions(chosen)
    ]


def register(models: Models, model_name: gr.Radio) -> None:
    """Add the endpoints to the page that is being built."""
    hand = gr.Textbox("5", label="Hand", visible=False)
    amounts = Api({}, {"type": "object", "additionalProperties": {"type": "number"}}, "Amounts")  # gr.JSON has no type
    outputs = [gr.Image(format="png", visible=False, label="picture"), gr.JSON(visible=False, label="moved")]
    register_endpoint("directions", list_directions, models, [model_name], gr.JSON(visible=False, label="directions"))
    register_endpoint("move", move_endpoint, models, [model_name, hand, digit_choice(), amounts], outputs, keep=True)
