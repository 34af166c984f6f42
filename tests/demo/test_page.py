"""The page through gradio_client and plain HTTP: what a program sees of it.

`api.json` is the contract: names, parameters, types, defaults and returns of every endpoint. If it shall change:

    PYTHONPATH=.:tests/support python tests/demo/test_page.py
"""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import torch
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image, ImageSequence

from dcgan.data import to_uint8
from dcgan.hub.load import load_model
from dcgan.images import grid
from dcgan.latents.codes import encode, latent_of, quantise
from dcgan.latents.handwriting import write
from dcgan.latents.interpolation import interpolate, latent_map
from dcgan.latents.sampling import crop, sample
from dcgan.latents.sampling import generate as generate_images
from demo.models import Models
from demo.page import build_page

ROOT, CONTRACT = Path(__file__).resolve().parents[2], Path(__file__).with_name("api.json")
WEIGHTS = ROOT / "dcgan" / "weights"
CONDITIONAL, UNCONDITIONAL = "mnist-conditional", "mnist"
ENDPOINTS = set(json.loads(CONTRACT.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def client(page_url: str, tmp_path_factory: pytest.TempPathFactory) -> Client:
    return Client(page_url, verbose=False, download_files=tmp_path_factory.mktemp("downloads"))


@pytest.fixture(scope="module")
def models() -> dict:
    return {name: load_model(name) for name in (CONDITIONAL, UNCONDITIONAL)}


@pytest.fixture(scope="module")
def generators(models) -> dict:
    return {name: model.generator for name, model in models.items()}


def pixels(path: str) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("L"))


def cells(path: str, count: int, columns: int = 10) -> np.ndarray:
    """The 28x28 pictures of a grid with gaps of 2 pixels."""
    sheet, columns = pixels(path), min(columns, count)
    corners = [(2 + i // columns * 30, 2 + i % columns * 30) for i in range(count)]
    return np.stack([sheet[top : top + 28, left : left + 28] for top, left in corners])


def generate(client: Client, seed=0, count=1, **params) -> tuple[np.ndarray, list[dict]]:
    picture, listed = client.predict(seed=seed, count=count, **params, api_name="/generate")
    return cells(picture, count), listed


def drawn(generator, latents: torch.Tensor, digits: list[int] | None = None) -> np.ndarray:
    """(N, 28, 28) uint8 of latents (N, latent_dim)."""
    labels = None if digits is None else torch.tensor(digits)
    return crop(to_uint8(generate_images(generator, latents, labels)).numpy(), 2)[:, 0]


def drawn_by(generator, hand: str) -> np.ndarray:
    latent, digit = latent_of(hand, generator.config)
    return drawn(generator, latent[None], None if digit is None else [digit])[0]


# --- the contract ---


def contract(client: Client) -> dict:
    """What a program relies on, of the page's own description of its endpoints."""
    endpoints = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    return {
        name: {
            "description": endpoint["description"],
            "parameters": [
                {key: parameter[key] for key in ("parameter_name", "parameter_has_default", "parameter_default")}
                | {"type": parameter["python_type"]["type"]}
                for parameter in endpoint["parameters"]
            ],
            "returns": [{"label": one["label"], "type": one["python_type"]["type"]} for one in endpoint["returns"]],
        }
        for name, endpoint in sorted(endpoints.items())
    }


def test_the_endpoints_are_those_of_the_contract_and_explained(client):
    agreed, found = json.loads(CONTRACT.read_text(encoding="utf-8")), contract(client)
    changed = [name for name in sorted(agreed | found) if agreed.get(name) != found.get(name)]
    assert not changed, (
        f"clients rely on {', '.join(changed)}; to change it: PYTHONPATH=.:tests/support python tests/demo/test_page.py"
    )
    assert not client.view_api(return_format="dict", print_info=False)["unnamed_endpoints"]
    for endpoint in found.values():
        assert endpoint["description"].endswith(".")
        assert not [one for one in endpoint["parameters"] if one["parameter_name"].startswith("param_")]


# --- what the endpoints give ---


@pytest.mark.parametrize("model", [CONDITIONAL, UNCONDITIONAL])
def test_generate_gives_the_pictures_of_the_seeds_to_the_pixel(client, generators, model):
    pictures, listed = generate(client, seed=7, count=33, model=model)
    expected = sample(generators[model], range(7, 40))
    assert np.array_equal(pictures, crop(expected.images, 2)[:, 0])
    assert [entry["seed"] for entry in listed] == list(range(7, 40))
    labels = [None] * 33 if expected.labels is None else expected.labels.tolist()
    assert [entry["digit"] for entry in listed] == labels
    assert all(0 <= entry["confidence"] <= 1 and 0 <= entry["realness"] <= 1 for entry in listed)


def test_a_digit_asked_for_is_given_and_truncation_reaches_the_model(client, generators):
    pictures, listed = generate(client, seed=5, count=3, digit="7", truncation=0.5)
    assert np.array_equal(pictures, crop(sample(generators[CONDITIONAL], range(5, 8), 7, 0.5).images, 2)[:, 0])
    assert [(entry["digit"], entry["read"]) for entry in listed] == [(7, 7)] * 3


def loop_frames(path: str) -> np.ndarray:
    """Return the frames (N, 28, 28) of an animation that is 8 times larger and repeats for ever."""
    with Image.open(path) as animation:
        assert (animation.size, animation.info["loop"]) == ((224, 224), 0)
        return np.stack([np.asarray(frame.convert("L"))[::8, ::8] for frame in ImageSequence.Iterator(animation)])


def test_interpolate_gives_a_loop_there_and_back_and_a_strip(client, generators):
    loop, strip = client.predict(keys="3:2 8", steps=6, path="linear", speed=10, api_name="/interpolate")
    expected = crop(interpolate(generators[CONDITIONAL], [(3, 2), (8, None)], 6, spherical=False), 2)[:, 0]
    assert np.array_equal(cells(strip, 6), expected)
    assert Path(loop).name == "mnist-conditional_seed-3-digit-2_to_seed-8_linear.gif"
    assert np.array_equal(loop_frames(loop), np.concatenate([expected, expected[4:0:-1]]))
    params = {"model": UNCONDITIONAL, "keys": "3 8 21", "steps": 4, "closed": True, "easing": "smooth"}
    loop, strip = client.predict(**params, kind="webp", api_name="/interpolate")
    keys = [(3, None), (8, None), (21, None)]
    expected = crop(interpolate(generators[UNCONDITIONAL], keys, 4, closed=True, easing="smooth"), 2)[:, 0]
    assert np.array_equal(cells(strip, 9), expected)
    assert np.array_equal(loop_frames(loop), expected)
    video, _ = client.predict(**params, kind="mp4", api_name="/interpolate")
    assert Path(video).read_bytes()[4:8] == b"ftyp"


def test_write_gives_the_writing_and_the_box_of_each_character(client, generators):
    latent, _ = latent_of(8, generators[CONDITIONAL].config)
    expected = write(generators[CONDITIONAL], latent, "12.\n3 4", variation=0.5, spacing=4)
    params = {"text": "12.\n3 4", "hand": "8", "variation": 0.5, "spacing": 4}
    picture, boxes = client.predict(**params, api_name="/write")
    assert np.array_equal(pixels(picture), expected.image)
    assert [tuple(box.values()) for box in boxes] == expected.boxes
    larger, boxes = client.predict(**params, size=3, style="ink, transparent", api_name="/write")
    with Image.open(larger) as image:
        assert (image.mode, image.size) == ("RGBA", tuple(3 * side for side in reversed(expected.image.shape)))
    assert [tuple(box.values())[1:] for box in boxes] == [tuple(3 * side for side in box[1:]) for box in expected.boxes]


def test_a_hand_may_be_a_number_or_a_code(client):
    pictures = [
        client.predict(text="7", hand=hand, variation=0, api_name="/write")[0]
        for hand in (0, "0", client.predict(hand="0", api_name="/move")[1]["hand"])
    ]
    assert np.array_equal(pixels(pictures[0]), pixels(pictures[1]))
    by_seed, by_code = pixels(pictures[0]).astype(int), pixels(pictures[2]).astype(int)
    assert abs(by_seed.shape[1] - by_code.shape[1]) <= 2  # a code's steps are 1/32: nearly the same picture
    assert by_code.sum() == pytest.approx(by_seed.sum(), rel=0.05)


@pytest.mark.parametrize(("model", "digit"), [(CONDITIONAL, "any"), (CONDITIONAL, "8"), (UNCONDITIONAL, "any")])
def test_the_map_is_exact_and_each_place_has_a_code(client, generators, model, digit):
    generator = generators[model]
    picture, hands = client.predict(model=model, corners="3 14 15 92", digit=digit, api_name="/map")
    corners = [(seed, None if digit == "any" else int(digit)) for seed in (3, 14, 15, 92)]
    expected, latents, labels = latent_map(generator, corners, 13)
    assert np.array_equal(pixels(picture), np.asarray(grid(crop(expected, 2), 13, gap=0)))
    digits = [None] * 169 if labels is None else labels.argmax(dim=1).tolist()
    codes = [encode(latent, own) for latent, own in zip(latents, digits, strict=True)]
    assert hands == [codes[row : row + 13] for row in range(0, 169, 13)]


@pytest.mark.parametrize("model", [CONDITIONAL, UNCONDITIONAL])
def test_a_hand_moves_along_the_directions_that_are_listed(client, generators, model):
    generator = generators[model]
    listed = {one["name"]: one for one in client.predict(model=model, api_name="/directions")}
    assert list(listed) == ["thickness", "slant", "width", *(f"direction {i}" for i in range(1, 7))]
    assert all(listed[name]["correlation"] > 0.4 for name in ("thickness", "slant", "width"))
    assert {listed[f"direction {i}"]["correlation"] for i in range(1, 7)} == {None}
    amounts = {"thickness": 2, "direction 3": -1.5}
    picture, moved = client.predict(model=model, hand="5", amounts=amounts, api_name="/move")
    latent, digit = latent_of(5, generator.config)
    for name, amount in amounts.items():
        latent = latent + amount * torch.tensor(listed[name]["vector"])
    assert moved["digit"] == digit
    assert torch.allclose(latent_of(moved["hand"], generator.config)[0], quantise(latent), atol=1 / 31)
    assert np.array_equal(pixels(picture), drawn_by(generator, moved["hand"]))
    before = drawn(generator, latent_of(5, generator.config)[0][None], None if digit is None else [digit])
    assert pixels(picture).sum() > before.sum()  # thicker


def test_arithmetic_reckons_with_the_means_of_the_trays(client, generators):
    generator = generators[CONDITIONAL]
    trays = {"a": "26:3 62:3", "b": "59:3", "c": "68:8 52:8 57:8"}
    picture, result = client.predict(**trays, digit="8", api_name="/arithmetic")
    a, b, c = (
        torch.stack([latent_of(word.split(":")[0], generator.config)[0] for word in tray.split()]).mean(dim=0)
        for tray in trays.values()
    )
    assert result == {"hand": encode(a - b + c, 8), "digit": 8}
    assert np.array_equal(pixels(picture), drawn_by(generator, result["hand"]))
    _, result = client.predict(**trays, api_name="/arithmetic")
    assert result["digit"] == 8  # threes less threes and eights
    _, result = client.predict(model=UNCONDITIONAL, a="1", b="2", c="3", api_name="/arithmetic")
    assert result["digit"] is None


@pytest.mark.parametrize("model", [CONDITIONAL, UNCONDITIONAL])
def test_invert_finds_a_hand_that_draws_the_picture(client, generators, model, tmp_path):
    generator = generators[model]
    latent, _ = latent_of(24, generator.config)
    image = drawn(generator, latent[None], [7] if generator.config.num_classes else None)[0]
    plain, scan = Image.fromarray(image), Image.new("L", (300, 200), 230)
    ink = plain.resize((140, 140), Image.Resampling.BICUBIC)
    scan.paste(40, (90, 20), ink)  # dark, on light, elsewhere
    for name, picture in {"plain.png": plain, "scan.jpg": scan}.items():
        picture.save(tmp_path / name)
        likeness, found = client.predict(model=model, picture=handle_file(tmp_path / name), api_name="/invert")
        assert np.array_equal(pixels(likeness), drawn_by(generator, found["hand"]))
        assert found["error"] < 25
        assert found["digit"] == (7 if generator.config.num_classes else None)
        assert found["yours"]["read"] == found["likeness"]["read"]
    told, found = client.predict(model=CONDITIONAL, picture=handle_file(tmp_path / name), digit="3", api_name="/invert")
    assert found["digit"] == 3  # told so
    assert np.array_equal(pixels(told), drawn_by(generators[CONDITIONAL], found["hand"]))


def test_the_models_and_their_training_are_told(client, models):
    listed = client.predict(api_name="/models")
    assert [(one["name"], one["digits"], one["problem"]) for one in listed] == [
        (CONDITIONAL, True, None),
        (UNCONDITIONAL, False, None),
    ]
    for name, model in models.items():
        record = client.predict(model=name, api_name="/training")
        lines = (model.folder / "history.jsonl").read_text().splitlines()
        assert record["history"] == [json.loads(line) for line in lines]
        assert record["recipe"] == model.training["recipe"]
        assert record["measures"] and record["origin"] == "bundled with this page"


# --- mistakes ---

CODE = encode(torch.zeros(100), None)  # of the model without digits
MISTAKES = [
    ("/generate", {"seed": None}, "Seed is empty"),
    ("/generate", {"seed": 2**32}, "Seed is 4294967296"),
    ("/generate", {"seed": 2.5}, "Seed is 2.5: it must be a whole number"),
    ("/generate", {"seed": "9" * 1_000_000}, "it must be a whole number"),
    ("/generate", {"count": 101}, "Count is 101"),
    ("/generate", {"truncation": 0}, "Truncation is 0"),
    ("/generate", {"truncation": [1]}, "Truncation is [1]"),
    ("/generate", {"digit": ["7"]}, "Digit is ['7']"),
    ("/generate", {"model": UNCONDITIONAL, "digit": "3"}, "unconditional"),
    ("/interpolate", {"keys": "1 " * 100_000}, "got 100000 key frames"),
    ("/interpolate", {"keys": ["1", "2"]}, "must be a string"),
    ("/interpolate", {"keys": "1 <b>"}, "not a hand"),
    ("/interpolate", {"keys": f"1 {CODE}"}, "belongs to another model"),
    ("/interpolate", {"model": UNCONDITIONAL, "keys": "1 2:4"}, "unconditional"),
    ("/interpolate", {"steps": 61}, "Steps is 61"),
    ("/interpolate", {"path": "straight"}, "Path is 'straight'"),
    ("/interpolate", {"easing": {}}, "Easing is {}"),
    ("/interpolate", {"closed": "false"}, "Closed is 'false'"),
    ("/interpolate", {"speed": 0}, "Speed is 0"),
    ("/interpolate", {"kind": "exe"}, "Kind is 'exe'"),
    ("/write", {"model": UNCONDITIONAL}, "unconditional"),
    ("/write", {"text": "7 hello"}, "cannot be written"),
    ("/write", {"text": "7" * 1_000_000}, "the text is too long"),
    ("/write", {"text": 7}, "must be a string"),
    ("/write", {"hand": CODE}, "belongs to another model"),
    ("/write", {"hand": None}, "not a hand"),
    ("/write", {"hand": "z7." + "A" * 1_000_000}, "not a code"),
    ("/write", {"variation": 2}, "Variation is 2"),
    ("/write", {"spacing": -1}, "Spacing is -1"),
    ("/write", {"size": "2"}, "Size is '2'"),
    ("/write", {"style": ["ink"]}, "Style is ['ink']"),
    ("/map", {"corners": "1 2 3"}, "got 3 corners"),
    ("/map", {"digit": "x"}, "Digit is 'x'"),
    ("/map", {"model": UNCONDITIONAL, "digit": "3"}, "unconditional"),
    ("/move", {"model": UNCONDITIONAL, "digit": "3"}, "unconditional"),
    ("/arithmetic", {"model": UNCONDITIONAL, "a": "1", "b": "2", "c": "3", "digit": "3"}, "unconditional"),
    ("/move", {"hand": ""}, "not a hand"),
    ("/move", {"amounts": {"thickness": 5}}, "Thickness is 5"),
    ("/move", {"amounts": {"kindness": 1}}, "names thickness, slant, width"),
    ("/move", {"amounts": [1, 2, 3]}, "must be an object of numbers"),
    ("/arithmetic", {"a": ""}, "Tray A has 0"),
    ("/arithmetic", {"c": "1 2 3 4 5 6 7"}, "Tray C has 7"),
    ("/arithmetic", {"b": 5}, "Tray B must be a string"),
    ("/invert", {"picture": None}, "Picture is missing"),
]


@pytest.mark.parametrize(("api_name", "arguments", "sentence"), MISTAKES)
def test_a_mistake_is_answered_with_a_sentence(client, api_name, arguments, sentence):
    with pytest.raises(AppError) as error:
        client.predict(**arguments, api_name=api_name)
    told = str(error.value)
    assert sentence.lower() in told.lower()
    assert told.endswith(".") and len(told) < 400 and "Traceback" not in told


WRONG_MODELS = [(api_name, "../../etc") for api_name in sorted(ENDPOINTS - {"/models", "/invert"})]
WRONG_MODELS += [("/generate", model) for model in (None, ["mnist"], {"a": 1}, "<b>" * 1000)]


@pytest.mark.parametrize(("api_name", "model"), WRONG_MODELS)
def test_no_endpoint_takes_a_model_that_is_not_there(client, api_name, model):
    with pytest.raises(AppError, match=r"^There is no model .* mnist-conditional, mnist\.$") as error:
        client.predict(model=model, api_name=api_name)
    assert len(str(error.value)) < 200


def test_what_is_no_picture_of_a_digit_is_answered_with_a_sentence(client, tmp_path):
    for size, sentence in {(28, 28): "drawing is empty", (5000, 5000): "5000×5000 pixels"}.items():
        Image.new("1", size).save(tmp_path / "picture.png")
        with pytest.raises(AppError, match=sentence):
            client.predict(picture=handle_file(tmp_path / "picture.png"), api_name="/invert")


def called(url: str, api_name: str, body: bytes) -> str:
    """The last event of a call by plain HTTP, as the README's curl makes it."""
    request = urllib.request.Request(f"{url}/gradio_api/call{api_name}", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        event = json.load(answer)["event_id"]
    with urllib.request.urlopen(f"{url}/gradio_api/call{api_name}/{event}", timeout=60) as stream:
        return stream.read().decode()


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e400"])
def test_no_number_is_no_seed_and_no_truncation(page_url, number):
    for values in (f'"mnist", {number}, 1, "any", 1', f'"mnist", 1, 1, "any", {number}'):
        answer = called(page_url, "/generate", f'{{"data": [{values}]}}'.encode())
        assert "event: error" in answer and "it must be" in answer


@pytest.mark.parametrize("meta", [', "meta": {"_type": "gradio.FileData"}', ""])
@pytest.mark.parametrize(
    "path", [json.dumps(str(WEIGHTS / "mnist/samples.png")), r'"a\u0000b"', r'"\ud800"', '"/"', "5"]
)
def test_invert_reads_only_what_was_uploaded(page_url, path, meta):
    answer = called(page_url, "/invert", f'{{"data": ["{CONDITIONAL}", {{"path": {path}{meta}}}, "any"]}}'.encode())
    assert "event: error" in answer and "event: complete" not in answer
    if not meta and path != "5":  # Gradio itself refuses the others
        assert "Picture is missing" in answer


@pytest.mark.parametrize(("route", "body"), [("run/generate", b'{"data": []}'), ("run-history/buckets", None)])
def test_nobody_passes_the_queue_or_uses_the_hosts_token(page_url, route, body):
    headers = {"Content-Type": "application/json"}
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(urllib.request.Request(f"{page_url}/gradio_api/{route}", body, headers), timeout=10)
    assert error.value.code == 404


def test_building_the_page_touches_no_random_state():
    before = torch.random.get_rng_state()
    build_page(Models())
    assert torch.equal(before, torch.random.get_rng_state())


# --- MCP ---


def test_mcp_without_its_package_is_refused_before_anything_starts():
    code = "import runpy, sys; sys.modules['mcp'] = None; sys.argv = ['app.py', '--mcp']; "
    command = [sys.executable, "-c", code + "runpy.run_path('app.py', run_name='__main__')"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1 and 'pip install "gradio[mcp]"' in done.stderr


def test_help_imports_nothing_slow():
    command = [sys.executable, "-X", "importtime", "app.py", "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "--mcp" in done.stdout and "DCGAN_MODEL" in done.stdout
    assert not {"gradio", "torch", "numpy", "demo"} & {line.split("|")[-1].strip() for line in done.stderr.splitlines()}


def test_the_endpoints_are_tools_of_mcp(page_url):
    pytest.importorskip("mcp", reason='mcp is not installed: pip install "gradio[mcp]"')
    import asyncio
    import base64
    import io

    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    async def heard(*_) -> None:  # who wants no progress gets no pictures: gradio 6.31 sends their addresses then
        pass

    async def talk() -> tuple:
        async with (
            streamable_http_client(f"{page_url}/gradio_api/mcp/") as (read, write, _),
            ClientSession(read, write) as s,
        ):
            await s.initialize()
            tools = (await s.list_tools()).tools
            made = await s.call_tool("generate", {"seed": 42, "count": 3, "digit": "7"}, progress_callback=heard)
            refused = await s.call_tool("generate", {"seed": -1})
            moved = await s.call_tool("move", {"hand": "5", "amounts": {"thickness": 2}}, progress_callback=heard)
            return tools, made, refused, moved

    tools, made, refused, moved = asyncio.run(talk())
    assert {f"/{tool.name}" for tool in tools} == ENDPOINTS
    assert all(tool.description for tool in tools)
    parameters = [one for tool in tools for one in tool.inputSchema["properties"].values()]
    assert all(one["description"] and isinstance(one["type"], str) for one in parameters)
    assert not made.isError and not moved.isError
    image = Image.open(io.BytesIO(base64.b64decode(next(one.data for one in made.content if one.type == "image"))))
    expected = crop(sample(load_model(CONDITIONAL).generator, range(42, 45), 7).images, 2)
    assert np.array_equal(np.asarray(image.convert("L")), np.asarray(grid(expected, 3)))
    assert refused.isError and "Seed is -1" in refused.content[0].text


def renew_contract() -> None:
    """Write `api.json` anew, from a page of its own."""
    import tempfile

    from page_server import serving

    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as url:
        found = contract(Client(url, verbose=False))
    CONTRACT.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    renew_contract()
