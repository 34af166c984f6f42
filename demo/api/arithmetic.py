"""The endpoint `arithmetic`: the mean of A minus the mean of B plus the mean of C (DCGAN paper, section 6.3.2)."""

import gradio as gr
import torch
from PIL import Image
from torch import Tensor

from dcgan import InputError
from dcgan.images import to_pil
from dcgan.latents.codes import encode, quantise
from dcgan.latents.interpolation import key_latents
from dcgan.latents.sampling import check_digit
from dcgan.model_folder import Model
from demo.api import asked_model, digit_choice, register_endpoint
from demo.models import Models
from demo.parts.inputs import asked_digit, keys_for, parse_keys
from demo.parts.pictures import generate_cropped, label_digits

MAX_TRAY = 6
# Bold threes minus thin threes plus thin eights gives a bold eight.
TRAYS = {"a": "16:3 56:3 95:3", "b": "47:3 74:3 75:3", "c": "41:8 31:8 1:8"}


def combine_trays(model: Model, trays: tuple[str, str, str], digit) -> tuple[list, Tensor, Tensor | None]:
    """Return the (latents, labels) of each tray, and the latent and the label weights of A - B + C.

    The latent is quantised. The labels are None for an unconditional model.
    """
    config = model.config
    asked = asked_digit(digit)
    check_digit(asked, config.num_classes)
    filled = []
    for name, tray in zip("ABC", trays, strict=True):
        keys = parse_keys(tray, f"tray {name}")
        if not 1 <= len(keys) <= MAX_TRAY:
            raise InputError(f"tray {name} has {len(keys)} hands: it must have 1 to {MAX_TRAY}")
        filled.append(key_latents(keys, config))
    a, b, c = (latents.mean(dim=0) for latents, _ in filled)
    labels = None
    if config.num_classes:
        a_label, b_label, c_label = (labels.mean(dim=0) for _, labels in filled)
        labels = (a_label - b_label + c_label).clamp_min(0)
        labels = labels / labels.sum().clamp_min(1e-9) if labels.sum() > 0 else a_label
        labels = labels if asked is None else torch.eye(config.num_classes)[asked]
    return filled, quantise(a - b + c), labels


def endpoint(models: Models, model, a, b, c, digit) -> tuple[Image.Image, dict]:
    """Add and subtract hands: the mean of A minus the mean of B plus the mean of C.

    Args:
        model: name of the model, as the endpoint `models` lists them
        a: 1 to 6 hands, like `26:3 62:3 83:3`: seeds or codes; `26:3` asks seed 26 for the digit 3
        b: 1 to 6 hands, which are subtracted
        c: 1 to 6 hands, which are added
        digit: 0 to 9, or any: the digits are added and subtracted like the hands, and the result may be a mixture

    Returns:
        picture: PNG, 28×28 pixels, white ink on black
        result: the code of the resulting hand, and its strongest digit
    """
    chosen = asked_model(models, model)
    _, latent, label = combine_trays(chosen, (a, b, c), digit)
    labels = None if label is None else label[None]
    (picture,) = generate_cropped(chosen, latent[None], labels)
    (own,) = label_digits(labels, 1)
    return to_pil(picture), {"hand": encode(latent, own), "digit": own}


def register(models: Models, model_name: gr.Radio) -> None:
    """Add the endpoint to the page that is being built."""
    config = models[model_name.value].config
    trays = [
        gr.Textbox(keys_for(config, text), label=f"Tray {name.upper()}", visible=False) for name, text in TRAYS.items()
    ]
    outputs = [gr.Image(format="png", visible=False, label="picture"), gr.JSON(visible=False, label="result")]
    register_endpoint("arithmetic", endpoint, models, [model_name, *trays, digit_choice()], outputs, keep=True)
