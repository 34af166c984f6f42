"""The endpoint `interpolate`, and the loops that the page saves: a morph along key frames."""

import io
from collections.abc import Sequence
from fractions import Fraction
from functools import partial

import gradio as gr
import numpy as np
from PIL import Image, ImageDraw

from dcgan.images import encode_animation, enlarge, grid, to_pil
from dcgan.ink import SIZE, UNITS, grey_picture, trace
from dcgan.latents.interpolation import EASINGS, Key, interpolate
from dcgan.latents.sampling import crop
from dcgan.model_folder import Model
from demo.api import asked_model, register_endpoint
from demo.models import Models
from demo.parts.files import ClientFile
from demo.parts.inputs import keys_for, one_of, parse_keys, whole_number, yes_or_no
from demo.parts.pictures import CROPPED, INK_COLOUR, PAPER_COLOUR, fill_ink
from demo.parts.work import check

MAX_STEPS, MAX_SPEED = 60, 30
ANIMATION_SCALE = 8
REST = 5  # frames for which a morph that goes there and back rests at its ends
MAX_NAMED = 4  # stops that a file's name has
SAVED, SHARP, TONES = 480, 2, 17  # of the page's loops: pixels; drawn this many times larger; from paper to ink
MAX_DRAWN = 160  # frames of the page's loops, and one more
PALETTE = np.linspace(PAPER_COLOUR, INK_COLOUR, TONES).round().astype(np.uint8)
PATHS = ("spherical", "linear")
KINDS = {"gif": "image/gif", "webp": "image/webp", "mp4": "video/mp4"}


def morph_frames(model: Model, keys: list[Key], steps: int, closed: bool, path: str, easing: str) -> np.ndarray:
    """Return the frames (N, C, S, S) uint8."""
    spherical = one_of(path, "path", PATHS) == "spherical"
    return interpolate(model.generator, keys, steps, closed=closed, spherical=spherical, easing=easing)


def loop_name(model: Model, keys: Sequence[Key], closed: bool, path: str, easing: str) -> str:
    """Return a file name that says how a morph was made. Of many stops it names the first and the last."""
    words = ["seed-" + str(hand)[:12] + ("" if digit is None else f"-digit-{digit}") for hand, digit in keys]
    if len(words) > MAX_NAMED:
        words = [words[0], f"{len(words) - 2}-more", words[-1]]
    parts = [model.file_name, "_to_".join(words), path, *(["smooth"] if easing == "smooth" else [])]
    return "_".join([*parts, *(["closed"] if closed else [])])


def timed(frames: list[Image.Image], closed: bool, milliseconds: int) -> tuple[list[Image.Image], list[int]]:
    """Return the frames of a loop and their durations in milliseconds.

    A closed morph goes round. Another one goes there and back, and rests at both ends.
    """
    if closed:
        return frames, [milliseconds] * len(frames)
    durations = [milliseconds] * (2 * len(frames) - 2)
    durations[0] = durations[len(frames) - 1] = REST * milliseconds
    return frames + frames[-2:0:-1], durations


def encode_loop(frames: list[Image.Image], kind: str, closed: bool, milliseconds: int) -> bytes:
    """Return the frames as a GIF, WebP or MP4."""
    images, durations = timed(frames, closed, milliseconds)
    encode = encode_video if kind == "mp4" else partial(encode_animation, suffix=f".{kind}")
    return encode(images, milliseconds=durations)


def encode_video(frames: Sequence[Image.Image], milliseconds: Sequence[int]) -> bytes:
    """Return frames of even width and height as an MP4 (H.264, crf 8: nearly lossless).

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
            check()
            grey = frame.mode == "L"
            pixels = np.asarray(frame if grey else frame.convert("RGB"))
            picture = av.VideoFrame.from_ndarray(pixels, format="gray" if grey else "rgb24")
            picture.pts, picture.duration, picture.time_base = time, length, Fraction(1, 1000)
            container.mux(stream.encode(picture))
            time += length
        container.mux(stream.encode())
    return buffer.getvalue()


def ink_frame(picture: np.ndarray) -> Image.Image:
    """Return a picture (C, S, S) uint8 as ink on paper: SAVED pixels a side, with a palette from paper to ink."""
    check()
    ink, scale = trace(grey_picture(picture / 127.5 - 1)), SHARP * SAVED / (CROPPED * UNITS)
    large = Image.new("L", (SHARP * SAVED, SHARP * SAVED))
    fill_ink(ImageDraw.Draw(large), ink, np.full(2, -(SIZE - CROPPED) / 2 * UNITS * scale), scale, 255, 0)
    tones = np.asarray(large.reduce(SHARP)).astype(int) * (TONES - 1) / 255
    frame = Image.fromarray(tones.round().astype(np.uint8))
    frame.putpalette(PALETTE.tobytes())
    return frame


def morph_file(model: Model, kind, key_text, steps, closed, path, easing, speed) -> tuple[str, bytes, str]:
    """Return the morph as a loop of ink on paper, as the page shows it: file name, content, media type.

    Of many stops it has fewer steps between two of them, and takes the same time.
    """
    one_of(kind, "kind", KINDS)
    steps, closed = whole_number(steps, "steps", 2, MAX_STEPS), yes_or_no(closed, "closed")
    duration = (steps - 1) * 1000 / whole_number(speed, "speed", 1, MAX_SPEED)  # of a leg, in milliseconds
    keys = parse_keys(keys_for(model.config, key_text), "key frames")
    steps = min(steps, 1 + max(1, MAX_DRAWN // max(1, len(keys))))
    frames = [ink_frame(frame) for frame in morph_frames(model, keys, steps, closed, path, easing)]
    content = encode_loop(frames, kind, closed, round(duration / (steps - 1)))
    return f"{loop_name(model, keys, closed, path, easing)}.{kind}", content, KINDS[kind]


def endpoint(models: Models, model, keys, steps, closed, path, easing, speed, kind) -> tuple[ClientFile, Image.Image]:
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
    milliseconds = 1000 // whole_number(speed, "speed", 1, MAX_SPEED)
    steps, closed = whole_number(steps, "steps", 2, MAX_STEPS), yes_or_no(closed, "closed")
    keys = parse_keys(keys, "key frames")
    frames = crop(morph_frames(model, keys, steps, closed, path, easing), model.config.border)
    large = [enlarge(to_pil(frame), ANIMATION_SCALE) for frame in frames]
    name = loop_name(model, keys, closed, path, easing)
    loop = ClientFile(f"{name}.{kind}", encode_loop(large, kind, closed, milliseconds))
    return loop, grid(frames, len(frames))


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
    register_endpoint("interpolate", endpoint, models, [model_name, *inputs], outputs, heavy=True, keep=True)
