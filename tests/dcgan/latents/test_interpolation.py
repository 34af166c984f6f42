import random

import numpy as np
import pytest
import torch

from dcgan import InputError
from dcgan.config import ModelConfig
from dcgan.data import to_uint8
from dcgan.latents.codes import decode, encode
from dcgan.latents.interpolation import interpolate, latent_map, lerp, slerp
from dcgan.latents.sampling import MAX_SEED, generate, latent_from_seed, sample

TIMES = torch.tensor([0.0, 0.25, 1 / 3, 0.5, 1.0], dtype=torch.float64)


@pytest.fixture(scope="module", params=[(0, 8), (10, 8), (10, 64)], ids=["plain", "conditional", "full width"])
def generator(request, make_networks):
    num_classes, base_channels = request.param
    return make_networks(ModelConfig(base_channels=base_channels, num_classes=num_classes))[0]


@pytest.fixture(scope="module")
def conditional(make_networks):
    return make_networks(ModelConfig(base_channels=8, num_classes=10))[0]


@pytest.fixture(scope="module")
def unconditional(make_networks):
    return make_networks(ModelConfig(base_channels=8))[0]


def pictures(generator, keys, truncation: float = 1.0) -> np.ndarray:
    """What the key frames themselves look like: (N, C, S, S)."""
    return np.concatenate([sample(generator, [seed], digit, truncation).images for seed, digit in keys])


def lengths(frames: np.ndarray) -> np.ndarray:
    """How far each frame is from the one before: (N - 1,)."""
    return np.abs(np.diff(frames.astype(float), axis=0)).mean(axis=(1, 2, 3))


# Two points.


def test_slerp_by_hand():
    a, b = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 2.0])
    way = slerp(a, b, TIMES)
    angles = TIMES * torch.pi / 2
    torch.testing.assert_close(way, torch.stack([angles.cos(), 2 * angles.sin()], dim=1).float())
    half_of_45_degrees = torch.sin(torch.tensor(torch.pi / 8)) / torch.sin(torch.tensor(torch.pi / 4))
    torch.testing.assert_close(slerp(a, a + b / 2, TIMES)[3], torch.tensor([2.0, 1.0]) * half_of_45_degrees)


def test_lerp_by_hand():
    way = lerp(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 2.0]), TIMES)
    torch.testing.assert_close(way, torch.stack([1 - TIMES, 2 * TIMES], dim=1).float())


@pytest.mark.parametrize("way", [slerp, lerp])
def test_ends_are_exact(way):
    for seed in range(50):
        a, b = latent_from_seed(seed)[0], latent_from_seed(seed + 1)[0]
        ends = way(a, b, torch.tensor([0.0, 1.0], dtype=torch.float64))
        assert torch.equal(ends[0], a) and torch.equal(ends[1], b)


def test_slerp_keeps_to_the_shell_and_lerp_does_not():
    times = torch.linspace(0, 1, 33, dtype=torch.float64)
    for seed in range(50):
        a, b = latent_from_seed(seed)[0], latent_from_seed(seed + 1)[0]
        norms = slerp(a, b, times).norm(dim=1)
        low, high = sorted([a.norm(), b.norm()])
        assert norms.min() > 0.98 * low and norms.max() < 1.02 * high
        assert lerp(a, b, times).norm(dim=1).min() < 0.9 * low
        b *= a.norm() / b.norm()
        torch.testing.assert_close(slerp(a, b, times).norm(dim=1), a.norm().expand(33))


@pytest.mark.parametrize("factor", [1.0, 2.0, -1.0, -0.5, 1 + 1e-7])
def test_slerp_of_parallel_and_opposite_latents_is_lerp(factor):
    a = latent_from_seed(0)[0]
    assert torch.equal(slerp(a, a * factor, TIMES), lerp(a, a * factor, TIMES))


def test_slerp_of_nearly_parallel_latents_is_finite_and_near_both():
    a, noise = latent_from_seed(0)[0], latent_from_seed(1)[0]
    for size in (1e-2, 1e-3, 1e-4, 1e-5, 1e-6):
        way = slerp(a, a + size * noise, TIMES)
        assert (way - a).abs().max() < 4 * size + 1e-5


# Key frames.


@pytest.mark.parametrize("spherical", [True, False], ids=["spherical", "linear"])
@pytest.mark.parametrize("steps", [2, 16, 40])
def test_ends_of_an_interpolation_are_the_seeds_pictures(generator, spherical, steps):
    frames = interpolate(generator, [(3, None), (4, None)], steps=steps, spherical=spherical)
    assert frames.shape == (steps, 1, 32, 32) and frames.dtype == np.uint8
    assert np.array_equal(frames[[0, -1]], sample(generator, [3, 4]).images)


@pytest.mark.parametrize("spherical", [True, False], ids=["spherical", "linear"])
@pytest.mark.parametrize("digits", [(3, 7), (None, 7), (3, None), (5, 5)])
def test_ends_are_the_pictures_of_the_asked_digits_too(conditional, spherical, digits):
    keys = list(zip((3, 4), digits, strict=True))
    frames = interpolate(conditional, keys, 5, spherical=spherical, truncation=0.7)
    assert np.array_equal(frames[[0, -1]], pictures(conditional, keys, 0.7))


@pytest.mark.parametrize("easing", ["even", "smooth"])
@pytest.mark.parametrize("closed", [False, True], ids=["open", "closed"])
@pytest.mark.parametrize("count", [2, 3, 8])
def test_every_key_frame_is_met_exactly(conditional, count, closed, easing):
    keys = [(seed, seed % 10 if seed % 2 else None) for seed in range(20, 20 + count)]
    frames = interpolate(conditional, keys, 4, closed=closed, easing=easing)
    assert len(frames) == (count * 3 if closed else (count - 1) * 3 + 1)
    assert np.array_equal(frames[::3], pictures(conditional, keys))


def test_a_closed_way_repeats_no_picture_and_ends_one_step_before_its_start(unconditional):
    keys = [(seed, None) for seed in (3, 4, 5)]
    frames = interpolate(unconditional, keys, 6, closed=True)
    assert len(np.unique(frames, axis=0)) == len(frames) == 15
    once_more = interpolate(unconditional, [keys[2], keys[0]], 6)
    assert np.array_equal(frames[10:], once_more[:-1])


def test_a_key_frame_can_be_a_code(conditional):
    code = encode(latent_from_seed(9)[0], 6)
    frames = interpolate(conditional, [(code, None), ("3", 2), (code, 1)], 3)
    latent, _ = decode(code, conditional.config)
    of_code = to_uint8(generate(conditional, latent.expand(2, -1), torch.tensor([6, 1]))).numpy()
    assert np.array_equal(frames[[0, 4]], of_code)
    assert np.array_equal(frames[2], sample(conditional, [3], 2).images[0])


def test_smooth_easing_lingers_at_the_key_frames(unconditional):
    keys = [(seed, None) for seed in (3, 4, 5)]
    even, smooth = (lengths(interpolate(unconditional, keys, 16, easing=easing)) for easing in ("even", "smooth"))
    at_keys, between = [0, 14, 15, 29], [7, 22]
    assert (smooth[at_keys] < 0.5 * even[at_keys]).all()
    assert (smooth[between] > even[between]).all()


def test_label_morphs_between_two_digits_of_one_hand(conditional):
    frames = interpolate(conditional, [(3, 1), (3, 8)], 9)
    steps = lengths(frames)
    assert steps.min() > 0 and steps.max() < lengths(frames[[0, -1]])[0]


def test_the_label_is_half_of_each_digit_half_way(conditional):
    latent, half = latent_from_seed(3)[0], torch.zeros(1, 10)
    half[0, [1, 8]] = 0.5
    expected = to_uint8(generate(conditional, latent[None], half)).numpy()
    assert np.array_equal(interpolate(conditional, [(3, 1), (3, 8)], 3)[1:2], expected)


def test_spherical_and_linear_are_different_ways(unconditional):
    keys = [(3, None), (4, None)]
    ways = [interpolate(unconditional, keys, steps=5, spherical=spherical) for spherical in (True, False)]
    assert not np.array_equal(ways[0][2], ways[1][2])


def test_nobody_elses_random_numbers_are_touched(conditional):
    before = torch.get_rng_state(), random.getstate(), str(np.random.get_state())
    interpolate(conditional, [(0, None), (1, None)], steps=3)
    latent_map(conditional, [(seed, None) for seed in range(4)], 2)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (random.getstate(), str(np.random.get_state())) == before[1:]


# A map of four corners.


def test_corners_of_a_map_are_their_pictures_and_two_edges_are_ways(generator):
    digits = (1, None, 3, 3) if generator.config.num_classes else (None,) * 4
    corners = list(zip((3, 4, 5, 6), digits, strict=True))
    images, _, _ = latent_map(generator, corners, 5)
    assert images.shape == (25, 1, 32, 32) and images.dtype == np.uint8
    assert np.array_equal(images[[0, 4, 20, 24]], pictures(generator, corners))
    assert np.array_equal(images[::5], interpolate(generator, [corners[0], corners[2]], 5))
    assert np.array_equal(images[4::5], interpolate(generator, [corners[1], corners[3]], 5))
    assert np.array_equal(images[:5], interpolate(generator, corners[:2], 5))
    assert len(np.unique(images, axis=0)) == 25


def test_a_map_gives_the_latents_and_labels_of_its_pictures(conditional, unconditional):
    corners = [(3, 1), (4, 2), (5, 3), (6, 4)]
    images, latents, labels = latent_map(conditional, corners, 3)
    assert latents.shape == (9, 100) and labels.shape == (9, 10)
    assert np.array_equal(to_uint8(generate(conditional, latents, labels)).numpy(), images)
    assert labels[4].tolist() == [0, 0.25, 0.25, 0.25, 0.25, 0, 0, 0, 0, 0]
    assert latent_map(unconditional, [(seed, None) for seed in range(4)], 2)[2] is None


# Mistakes.


@pytest.mark.parametrize("count", [0, 1, 9])
def test_too_few_and_too_many_key_frames(unconditional, count):
    with pytest.raises(InputError, match=f"there are {count} key frames: it must be 2 to 8"):
        interpolate(unconditional, [(seed, None) for seed in range(count)])


@pytest.mark.parametrize("count", [0, 3, 5])
def test_a_map_has_four_corners(unconditional, count):
    with pytest.raises(InputError, match=f"there are {count} corners: it must be 4"):
        latent_map(unconditional, [(seed, None) for seed in range(count)], 3)


@pytest.mark.parametrize(
    ("hand", "sentence"), [(-1, "'-1' is not a hand"), (MAX_SEED + 1, "seed is 4294967296"), ("z7.?", "is not a code")]
)
def test_bad_hands(conditional, hand, sentence):
    with pytest.raises(InputError, match=sentence):
        interpolate(conditional, [(0, None), (hand, None)])


def test_bad_digits(conditional, unconditional):
    with pytest.raises(InputError, match="digit is 10: it must be from 0 to 9"):
        interpolate(conditional, [(0, 0), (1, 10)])
    with pytest.raises(InputError, match="unconditional"):
        interpolate(unconditional, [(0, 3), (1, None)])


@pytest.mark.parametrize("truncation", [0.0, -0.5, 1.01, float("nan"), float("inf")])
def test_bad_truncation(conditional, truncation):
    with pytest.raises(InputError, match="truncation is .*: it must be above 0 and at most 1"):
        interpolate(conditional, [(0, None), (1, None)], truncation=truncation)


def test_bad_steps_and_easing(conditional):
    with pytest.raises(InputError, match="steps is 1: it must be at least 2"):
        interpolate(conditional, [(0, None), (1, None)], steps=1)
    with pytest.raises(InputError, match="easing is 'bouncy': it must be one of even, smooth"):
        interpolate(conditional, [(0, None), (1, None)], easing="bouncy")
