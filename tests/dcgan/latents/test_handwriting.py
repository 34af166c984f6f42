import numpy as np
import pytest
import torch

from dcgan import InputError
from dcgan.config import ModelConfig
from dcgan.evaluation.classifier import load_classifier, read
from dcgan.hub.load import load_model
from dcgan.latents.directions import stroke_statistics
from dcgan.latents.handwriting import (
    MAX_CHARACTERS,
    MAX_LINES,
    SIGNS,
    check_text,
    pen_of,
    sign,
    sign_strokes,
    varied,
    write,
)
from dcgan.latents.sampling import latent_from_seed, sample, to_28x28


@pytest.fixture(scope="module")
def generator():
    return load_model("mnist-conditional").generator


def hand(seed: int) -> torch.Tensor:
    return latent_from_seed(seed)[0]


def glyphs(written) -> list[np.ndarray]:
    return [written.image[top : top + height, left : left + width] for _, left, top, width, height in written.boxes]


def characters(written) -> str:
    return "".join(character for character, *_ in written.boxes)


def test_the_classifier_reads_what_is_written(generator):
    pictures = []
    for seed in range(6):
        written = write(generator, hand(seed), "0123456789")
        for glyph in glyphs(written):
            left = (28 - glyph.shape[1]) // 2
            pictures.append(np.pad(glyph, ((0, 0), (left, 28 - glyph.shape[1] - left))))
    digits, _ = read(load_classifier(), torch.from_numpy(np.stack(pictures)))
    assert (digits == torch.arange(60) % 10).float().mean() > 0.95


def test_only_variation_changes_a_digit_and_it_is_reproducible(generator):
    own = to_28x28(sample(generator, [3], 7).images, 2)[0]
    columns = np.flatnonzero(own.max(axis=0) >= 32)
    for glyph in glyphs(write(generator, hand(3), "7 77", variation=0)):
        assert np.array_equal(glyph, own[:, columns[0] : columns[-1] + 1])
    written, again, longer = (write(generator, hand(3), text) for text in ("777", "777", "7773"))
    assert len({glyph.tobytes() for glyph in glyphs(written)}) == 3
    assert np.array_equal(written.image, again.image) and written.boxes == again.boxes
    assert all(map(np.array_equal, glyphs(longer), glyphs(written)))


def test_variation_goes_from_the_same_hand_to_others():
    latent = hand(3)
    assert torch.equal(varied(latent, 3, 0), latent.expand(3, -1))
    for variation, cosine in ((0.15, 0.99), (0.5, 0.87), (1, 0)):
        latents = varied(latent, 200, variation)
        assert latents.shape == (200, 100)
        assert latents.norm(dim=1).mean() == pytest.approx(latent.norm().item(), rel=0.1)
        assert torch.cosine_similarity(latents, latent[None]).mean().item() == pytest.approx(cosine, abs=0.03)


@pytest.mark.parametrize(
    "text", ["2026", "24.12.2026, 23:59", "10/3 - 4", "(1+2)=3", "50 %", "1\n\n 22\n333", "1 1", "  7", "7-,"]
)
def test_boxes_lie_in_the_image_in_reading_order_and_hold_all_the_ink(generator, text):
    written = write(generator, hand(8), text, margin=4)
    assert characters(written) == "".join(text.split())
    height, width = written.image.shape
    assert height == 2 * 4 + 30 * (text.count("\n") + 1) - 2
    for glyph, (_, left, top, across, down) in zip(glyphs(written), written.boxes, strict=True):
        assert left >= 4 and top >= 4 and left + across <= width - 4 and top + down <= height - 4
        assert glyph.max() >= 128
    places = [(top, left) for _, left, top, _, _ in written.boxes]
    assert places == sorted(set(places))
    for glyph in glyphs(written):
        glyph[:] = 0
    assert not written.image.any()


def test_spaces_and_spacing_move_what_follows(generator):
    def lefts(text: str, **options) -> np.ndarray:
        return np.array([left for _, left, *_ in write(generator, hand(8), text, variation=0, **options).boxes])

    assert np.diff(lefts("7 7  7")).tolist() == (np.diff(lefts("777")) + [12, 24]).tolist()
    assert np.diff(lefts("777", spacing=5)).tolist() == (np.diff(lefts("777")) + 3).tolist()
    assert lefts(" 7")[0] == lefts("7")[0] + 12


def test_lines_stand_below_each_other_whatever_ends_them(generator):
    written = write(generator, hand(8), "1-\r\n2\r\n")
    (_, left, top, *_), _, (_, left_two, top_two, *_) = written.boxes
    assert characters(written) == "1-2" and left == left_two and top_two == top + 30
    assert np.array_equal(written.image, write(generator, hand(8), "1-\n2").image)


@pytest.mark.parametrize("slant", [-0.3, 0, 0.4])
@pytest.mark.parametrize("thickness", [1.5, 3.0, 5.0])
def test_signs_have_the_thickness_asked_for_and_are_different(thickness, slant):
    signs = {character: sign(character, thickness, slant) for character in "-./:,+=()%"}
    assert signs.keys() == SIGNS.keys()
    for picture in signs.values():
        assert picture.shape[0] == 28 and picture.dtype == np.uint8 and picture.max() > 100
        assert picture[:, [0, -1]].any(axis=0).all() and not picture[[0, -1]].all(axis=1).any()
    for character, dots in ((".", 1), (":", 2)):
        assert signs[character].sum() / 255 == pytest.approx(dots * np.pi / 4 * thickness**2, rel=0.25)
    for character, lines in (("-", 1), ("=", 2)):
        assert signs[character].sum(axis=0).max() / 255 == pytest.approx(lines * thickness, abs=0.3 * lines)
    assert len({picture.tobytes() for picture in signs.values()}) == len(SIGNS)


def test_the_rings_of_a_percent_sign_stay_open_in_the_boldest_hand():
    percent = sign("%", 5, 0.0)
    left = (percent.shape[1] - 18.6) / 2 - 0.2
    for x, y in ((3.8, 8), (15.2, 20)):
        column = round(left + x)  # the ring's middle is a corner of four pixels, or near it
        assert percent[y - 1 : y + 1, column - 1 : column + 1].min() < 100


@pytest.mark.parametrize("character", SIGNS)
def test_a_slant_is_a_shear_around_the_middle_of_the_line(character):
    for slant in (-0.3, 0, 0.4):
        for upright, leaning in zip(SIGNS[character], sign_strokes(character, slant), strict=True):
            (x, y), moved = np.array(upright, float).T, np.array(leaning).T
            assert np.array_equal(moved[1], y)
            shift = moved[0] - x - slant * (14 - y)
            assert shift == pytest.approx(shift[0])
        assert min(x for stroke in sign_strokes(character, slant) for x, _ in stroke) == 0


def test_a_sign_is_drawn_where_its_strokes_are():
    for slant in (0, 0.25):
        (x_top, y_top), (x_end, y_end) = sign_strokes("/", slant)[0]
        picture = sign("/", 2, slant) / 255
        offset = (picture.shape[1] - x_top) / 2
        columns = np.arange(picture.shape[1]) + 0.5
        for y in (8, 14, 20):
            wanted = x_top + (x_end - x_top) * (y + 0.5 - y_top) / (y_end - y_top) + offset
            assert (picture[y] * columns).sum() / picture[y].sum() == pytest.approx(wanted, abs=0.15)


@pytest.mark.parametrize(("name", "least"), [("thickness", 1.3), ("slant", 0.4)])
def test_signs_take_a_hands_weight_and_slant(generator, name, least):
    measured = stroke_statistics(to_28x28(sample(generator, range(40), 8).images, 2))[name]
    low, high = (
        glyphs(write(generator, hand(int(seed)), "8-/", variation=0)) for seed in (measured.argmin(), measured.argmax())
    )
    if name == "thickness":
        assert high[1].sum(dtype=int) > least * low[1].sum(dtype=int)
    else:
        leans = [stroke_statistics(written[2][None])["slant"][0] for written in (low, high)]
        assert leans[1] - leans[0] > least


def test_the_pen_is_the_median_of_the_digits_within_limits(generator):
    images = to_28x28(sample(generator, range(9), 8).images, 2)
    measured = stroke_statistics(images)
    assert pen_of(images) == pytest.approx((np.median(measured["thickness"]), np.median(measured["slant"])))
    stroke = np.zeros((1, 28, 28), np.uint8)
    stroke[0, np.arange(28), np.arange(28)] = 255
    assert pen_of(stroke) == (1.5, -0.3)
    assert pen_of(stroke[..., ::-1]) == (1.5, 0.4)
    assert pen_of(np.full((1, 28, 28), 255, np.uint8))[0] == 5


def test_a_larger_colour_model_writes_at_the_same_size(make_networks):
    generator, _ = make_networks(ModelConfig(base_channels=4, image_size=64, image_channels=3, num_classes=10))
    written = write(generator, hand(0), "20:26")
    assert characters(written) == "20:26" and written.image.shape[0] == 40


def test_the_lines_of_a_text_up_to_the_limits():
    assert check_text("1 2\r\n\n3-4 \n\n") == ["1 2", "", "3-4"]
    assert len(check_text("\n".join("7" * MAX_LINES))) == MAX_LINES
    assert check_text("7" * MAX_CHARACTERS) == ["7" * MAX_CHARACTERS]


@pytest.mark.parametrize(
    ("text", "named"),
    [(text, "no digit") for text in ("", " \n ", "-.,:/", "abc", "²", "１２")]
    + [("2b", "'b'"), ("zyx1wvutsa", "'a s t u v'"), ("1²", "'²'"), ("1\t2", "cannot be written")]
    + [(text, "too long") for text in ("7" * (MAX_CHARACTERS + 1), "\n".join("7" * (MAX_LINES + 1)))],
)
def test_what_cannot_be_written_is_refused(generator, text, named):
    with pytest.raises(InputError, match=named):
        write(generator, hand(0), text)


@pytest.mark.parametrize("variation", [-0.1, 1.1, float("nan")])
def test_bad_variation(variation):
    with pytest.raises(InputError, match="variation"):
        varied(hand(0), 1, variation)


def test_a_model_without_digits_cannot_write(unconditional):
    with pytest.raises(InputError, match="unconditional"):
        write(unconditional, hand(0), "7")
