"""Numbers in one hand: where they stand, whose they are, and whether they can be read."""

import numpy as np
import pytest
import torch

from dcgan import InputError
from dcgan.config import ModelConfig
from dcgan.evaluation.classifier import load_classifier, read
from dcgan.hub.load import load_model
from dcgan.latents.directions import stroke_statistics
from dcgan.latents.handwriting import MAX_CHARACTERS, MAX_LINES, SIGNS, check_text, sign, varied, write
from dcgan.latents.sampling import latent_from_seed, sample, to_28x28


@pytest.fixture(scope="module")
def generator():
    return load_model("mnist-conditional").generator


def hand(seed: int) -> torch.Tensor:
    return latent_from_seed(seed)[0]


def cut(written, box: int) -> np.ndarray:
    _, left, top, width, height = written.boxes[box]
    return written.image[top : top + height, left : left + width]


def characters(written) -> str:
    return "".join(character for character, *_ in written.boxes)


def test_what_is_written_can_be_read(generator):
    """By the classifier, digit by digit, each cut out by its box and put into the middle of 28x28."""
    pictures, asked = [], []
    for seed in range(6):
        for text in ("2026", "0123456789"):
            written = write(generator, hand(seed), text)
            assert characters(written) == text
            for i, character in enumerate(text):
                glyph = cut(written, i)
                left = (28 - glyph.shape[1]) // 2
                pictures.append(np.pad(glyph, ((0, 0), (left, 28 - glyph.shape[1] - left))))
                asked.append(int(character))
    digits, _ = read(load_classifier(), torch.from_numpy(np.stack(pictures)))
    assert (digits == torch.tensor(asked)).float().mean() > 0.95


def test_without_variation_it_is_the_hand_itself_the_same_each_time(generator):
    written = write(generator, hand(3), "7 77", variation=0)
    own = to_28x28(sample(generator, [3], 7).images, 2)[0]
    columns = np.flatnonzero(own.max(axis=0) >= 32)
    for box in range(3):
        assert np.array_equal(cut(written, box), own[:, columns[0] : columns[-1] + 1])


def test_variation_writes_each_digit_a_little_differently_but_always_the_same_text_alike(generator):
    written = write(generator, hand(3), "777")
    assert len({cut(written, box).tobytes() for box in range(3)}) == 3
    again = write(generator, hand(3), "777")
    assert np.array_equal(written.image, again.image) and written.boxes == again.boxes
    longer = write(generator, hand(3), "7773")
    assert all(np.array_equal(cut(longer, box), cut(written, box)) for box in range(3))


def test_variation_goes_from_the_same_hand_to_others():
    latent = hand(3)
    cosines = []
    for variation in (0, 0.15, 0.5, 1):
        latents = varied(latent, 200, variation)
        assert latents.shape == (200, 100)
        assert latents.norm(dim=1).mean() == pytest.approx(latent.norm().item(), rel=0.1)
        cosines.append(torch.nn.functional.cosine_similarity(latents, latent[None]).mean().item())
    assert torch.equal(varied(latent, 3, 0), latent.expand(3, -1))
    assert cosines == pytest.approx([1, 0.99, 0.87, 0], abs=0.03)


@pytest.mark.parametrize("text", ["2026", "24.12.2026, 23:59", "10/3 - 4", "1\n\n 22\n333", "1 1", "  7", "7-,"])
def test_boxes_lie_in_the_picture_in_reading_order_and_hold_all_the_ink(generator, text):
    written = write(generator, hand(8), text, margin=4)
    assert written.image.dtype == np.uint8 and written.image.ndim == 2
    assert characters(written) == "".join(text.split())
    height, width = written.image.shape
    rest = written.image.copy()
    for box, (_, left, top, across, down) in enumerate(written.boxes):
        assert left >= 4 and top >= 4 and left + across <= width - 4 and top + down <= height - 4
        assert cut(written, box).max() >= 128
        rest[top : top + down, left : left + across] = 0
    assert not rest.any()
    places = [(top, left) for _, left, top, _, _ in written.boxes]
    assert places == sorted(set(places))
    assert height == 2 * 4 + 30 * (text.count("\n") + 1) - 2


def test_spaces_and_spacing_move_what_follows(generator):
    def lefts(text: str, **options) -> np.ndarray:
        return np.array([left for _, left, *_ in write(generator, hand(8), text, variation=0, **options).boxes])

    assert np.diff(lefts("7 7  7")).tolist() == (np.diff(lefts("777")) + [12, 24]).tolist()
    assert np.diff(lefts("777", spacing=5)).tolist() == (np.diff(lefts("777")) + 3).tolist()
    assert lefts(" 7")[0] == lefts("7")[0] + 12


def test_lines_stand_below_each_other_and_end_as_on_any_computer(generator):
    written = write(generator, hand(8), "1-\r\n2\r\n")
    (one, left, top, *_), _, (two, left_two, top_two, *_) = written.boxes
    assert (one, two) == ("1", "2") and left == left_two and top_two == top + 30
    assert np.array_equal(written.image, write(generator, hand(8), "1-\n2").image)


@pytest.mark.parametrize("thickness", [2.0, 3.0, 5.0])
@pytest.mark.parametrize("character", SIGNS)
def test_a_sign_is_as_thick_as_the_hand(character, thickness):
    picture = sign(character, thickness)
    assert picture.shape[0] == 28 and picture.dtype == np.uint8 and picture.max() > 200
    dots = {".": 1, ":": 2}.get(character)
    if dots:
        assert picture.sum() / 255 == pytest.approx(dots * np.pi / 4 * thickness**2, rel=0.25)
    elif character == "-":
        assert picture.sum(axis=0).max() / 255 == pytest.approx(thickness, abs=0.3)
    assert not picture[:, 0].all() and not picture[:, -1].all()


def test_signs_are_different():
    assert len({sign(character, 3.0).tobytes() for character in SIGNS}) == len(SIGNS)


def test_a_bold_hand_writes_bold_signs(generator):
    """The hyphen of the boldest of some hands has more ink than that of the finest."""
    seeds = range(40)
    images = to_28x28(sample(generator, seeds, 8).images, 2)
    thickness = stroke_statistics(images)["thickness"]
    fine, bold = (write(generator, hand(int(i)), "8-", variation=0) for i in (thickness.argmin(), thickness.argmax()))
    assert cut(bold, 1).sum(dtype=int) > 1.3 * cut(fine, 1).sum(dtype=int)


def test_a_larger_colour_model_writes_at_the_same_size(make_networks):
    generator, _ = make_networks(ModelConfig(base_channels=4, image_size=64, image_channels=3, num_classes=10))
    written = write(generator, hand(0), "20:26")
    assert characters(written) == "20:26" and written.image.shape[0] == 40


# Mistakes.


def test_lines_of_a_text():
    assert check_text("1 2\r\n\n3-4 \n\n") == ["1 2", "", "3-4"]
    assert len(check_text("\n".join("7" * MAX_LINES))) == MAX_LINES
    assert check_text("7" * MAX_CHARACTERS) == ["7" * MAX_CHARACTERS]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "has no digit"),
        (" \n ", "has no digit"),
        ("-.,:/", "has no digit"),
        ("abc", "has no digit"),
        ("²", "has no digit"),
        ("１２", "has no digit"),
        ("2b", "'b' cannot be written"),
        ("zyx1wvutsa", "'a s t u v' cannot be written"),
        ("1²", "'²' cannot be written"),
        ("1\t2", "cannot be written"),
        ("7" * (MAX_CHARACTERS + 1), "too long: at most 200 characters in 12 lines"),
        ("\n".join("7" * (MAX_LINES + 1)), "too long: at most 200 characters in 12 lines"),
    ],
)
def test_what_cannot_be_written_is_refused(generator, text, sentence):
    with pytest.raises(InputError, match=sentence):
        write(generator, hand(0), text)


@pytest.mark.parametrize("variation", [-0.1, 1.1, float("nan")])
def test_bad_variation(generator, variation):
    with pytest.raises(InputError, match="variation is .*: it must be from 0 to 1"):
        write(generator, hand(0), "7", variation=variation)


def test_a_model_without_digits_cannot_write(make_networks):
    with pytest.raises(InputError, match="unconditional"):
        write(make_networks(ModelConfig(base_channels=4))[0], hand(0), "7")
