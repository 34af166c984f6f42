"""The endpoint `interpolate`, and the loops that the page saves: a morph along key frames."""

import io
from collections.abc import Sequence
from fractions import Fraction
from functools import partial

import gradio as gr
import numpy as np
from PIL import Image

from dcgan.images import encode_animation, enlarge, grid, to_pil
from dcgan.latents.interpolation import EASINGS, interpolate
from dcgan.latents.sampling import crop
from dcgan.model_folder import Model
from demo.api import asked_model, register_endpoint
from demo.models import Models
from demo.parts.inputs import keys_for, one_of, parse_keys, whole_number, yes_or_no
from demo.parts.pictures import file_for_client

MAX_STEPS, MAX_SPEED = 60, 30
ANIMATION_SCALE = 8
PATHS = ("spherical", "linear")
KINDS = {"gif": "image/gif", "webp": "image/webp", "mp4": "video/mp4"}


def morph_frames(model: Model, key_text, steps, closed, path, easing) -> tuple[np.ndarray, str]:
    """Return the frames (N, C, 28, 28) uint8, and a file name that says how they were made."""
    steps, closed = whole_number(steps, "steps", 2, MAX_STEPS), yes_or_no(closed, "closed")
    keys, spherical = parse_keys(key_text, "key frames"), one_of(path, "path", PATHS) == "spherical"
    frames = interpolate(model.generator, keys, steps, closed=closed, spherical=spherical, easing=easing)
    words = ["seed-" + str(hand)[:12] + ("" if digit is None else f"-digit-{digit}") for hand, digit in keys]
    parts = [model.file_name, "_to_".join(words), path, *(["smooth"] if easing == "smooth" else [])]
    return crop(frames, model.config.border), "_".join([*parts, *(["closed"] if closed else [])])


def there_and_back(frames: Sequence[np.ndarray], milliseconds: int) -> tuple[list[Image.Image], list[int]]:
    """Return the enlarged frames forth and back, and their durations in milliseconds. It rests at both ends."""
    large = [enlarge(to_pil(frame), ANIMATION_SCALE) for frame in frames]
    durations = [milliseconds] * (2 * len(large) - 2)
    durations[0] = durations[len(large) - 1] = 5 * milliseconds
    return large + large[-2:0:-1], durations


def encode_loop(frames: np.ndarray, kind: str, closed: bool, milliseconds: int) -> bytes:
    """Return the frames as a GIF, WebP or MP4. A closed morph goes round, another one goes there and back."""
    if closed:
        images = [enlarge(to_pil(frame), ANIMATION_SCALE) for frame in frames]
        durations = [milliseconds] * len(images)
    else:
        images, durations = there_and_back(frames, milliseconds)
    encode = encode_video if kind == "mp4" else partial(encode_animation, suffix=f".{kind}")
    return encode(images, milliseconds=durations)


def encode_video(frames: Sequence[Image.Image], milliseconds: Sequence[int]) -> bytes:
    """Return grey frames of even width and height as an MP4 (H.264, crf 8: nearly lossless).

    milliseconds: the duration of each frame.
    """
    import av  # slow to import

    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=1000, options={"crf": "8", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = frames[0].width, frames[0].height, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        time = 0
        for frame, length in zip(frames, milliseconds, strict=True):
            picture = av.VideoFrame.from_ndarray(np.asarray(frame.convert("L")), format="gray")
            picture.pts, picture.duration, picture.time_base = time, length, Fraction(1, 1000)
            container.mux(stream.encode(picture))
            time += length
        container.mux(stream.encode())
    return buffer.getvalue()


def morph_file(model: Model, kind, key_text, steps, closed, path, easing, speed) -> tuple[str, bytes, str]:
    """Return the morph as a loop: file name, content, media type."""
    one_of(kind, "kind", KINDS)
    milliseconds = frame_milliseconds(speed)
    key_text = keys_for(model.config, key_text)
    frames, name = morph_frames(model, key_text, steps, closed, path, easing)
    return f"{name}.{kind}", encode_loop(frames, kind, closed, milliseconds), KINDS[kind]


def frame_milliseconds(speed) -> int:
    return 1000 // whole_number(speed, "speed", 1, MAX_SPEED)


def endpoint(models: Models, model, keys, steps, closed, path, easing, speed, kind) -> tuple[str, Image.Image]:
    """Interpolate between 2 to 10 key frames. Every key frame's own picture is one of the steps.

    Args:
        model: name of the model, as the endpoint `models` lists them
        keys: hands, like `15 24:7 3`: seeds or codes; `24:7` asks seed 24 for the digit 7
        steps: pictures from one key frame to the next, both included, 2 to 60
        closed: whether the morph goes back to the first key frame
        path: spherical keeps the typical length of latents; linear is the straight line
        easing: even speed, or smooth: slower near the key frames
        speed: pictures a second, 1 to 30
        kind: file type of the loop: gif, webp or mp4

    Returns:
        loop: animation of 224×224 pixels; a closed morph goes round, another one there and back
        strip: PNG of all steps side by side, 28×28 pixels each, 2 pixels of black around each, white ink on black
    """
    model = asked_model(models, model)
    one_of(kind, "kind", KINDS)
    milliseconds = frame_milliseconds(speed)
    frames, name = morph_frames(model, keys, steps, closed, path, easing)
    loop = encode_loop(frames, kind, closed, milliseconds)
    return file_for_client(loop, f"{name}.{kind}"), grid(frames, len(frames))


def register(models: Models, model_name: gr.Radio) -> None:
    """Add the endpoint to the page that is being built."""
    inputs = [
        gr.Textbox("15 24", label="Key frames", visible=False),
        gr.Slider(2, MAX_STEPS, 24, step=1, label="Steps", visible=False),
        gr.Checkbox(False, label="Closed loop", visible=False),
        gr.Radio(list(PATHS), value=PATHS[0], label="Path", visible=False),
        gr.Radio(list(EASINGS), value=EASINGS[0], label="Easing", visible=False),
        gr.Slider(1, MAX_SPEED, 12, step=1, label="Speed", visible=False),
        gr.Radio(list(KINDS), value="gif", label="File type", visible=False),
    ]
    outputs = [gr.File(visible=False, label="loop"), gr.Image(format="png", visible=False, label="strip")]
    register_endpoint("interpolate", endpoint, models, [model_name, *inputs], outputs)
