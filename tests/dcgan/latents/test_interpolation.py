import numpy as np
import pytest
import torch

from dcgan import InputError
from dcgan.config import ModelConfig
from dcgan.data import to_uint8
from dcgan.latents.codes import decode, encode
from dcgan.latents.interpolation import interpolate, latent_map, lerp, slerp
from dcgan.latents.sampling import generate, latent_from_seed, sample

TIMES = torch.tensor([0.0, 0.25, 1 / 3, 0.5, 1.0], dtype=torch.float64)
KEYS = [(seed, None) for seed in (3, 4, 5)]


@pytest.fixture(scope="module", params=[(0, 8), (10, 64)], ids=["unconditional", "conditional, full width"])
def generator(request, make_networks):
    num_classes, base_channels = request.param
    return make_networks(ModelConfig(base_channels=base_channels, num_classes=num_classes))[0]


def pictures(generator, keys, truncation: float = 1.0) -> np.ndarray:
    """The key frames' own images (N, C, S, S)."""
    return np.concatenate([sample(generator, [seed], digit, truncation).images for seed, digit in keys])


def lengths(frames: np.ndarray) -> np.ndarray:
    """The mean difference of each frame to the one before (N - 1,)."""
    return np.abs(np.diff(frames.astype(float), axis=0)).mean(axis=(1, 2, 3))


def test_slerp_and_lerp_by_hand():
    a, b = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 2.0])
    angles = TIMES * torch.pi / 2
    torch.testing.assert_close(slerp(a, b, TIMES), torch.stack([angles.cos(), 2 * angles.sin()], dim=1).float())
    half_of_45_degrees = torch.sin(torch.tensor(torch.pi / 8)) / torch.sin(torch.tensor(torch.pi / 4))
    torch.testing.assert_close(slerp(a, a + b / 2, TIMES)[3], torch.tensor([2.0, 1.0]) * half_of_45_degrees)
    torch.testing.assert_close(lerp(a, b, TIMES), torch.stack([1 - TIMES, 2 * TIMES], dim=1).float())


def test_ends_are_exact_and_slerp_alone_keeps_to_the_shell():
    times = torch.linspace(0, 1, 33, dtype=torch.float64)
    for seed in range(50):
        a, b = latent_from_seed(seed)[0], latent_from_seed(seed + 1)[0]
        sphere, line = slerp(a, b, times), lerp(a, b, times)
        for path in (sphere, line):
            assert torch.equal(path[0], a) and torch.equal(path[-1], b)
        low, high = sorted([a.norm(), b.norm()])
        assert sphere.norm(dim=1).min() > 0.98 * low and sphere.norm(dim=1).max() < 1.02 * high
        assert line.norm(dim=1).min() < 0.9 * low


@pytest.mark.parametrize("factor", [1.0, 2.0, -1.0, -0.5, 1 + 1e-7])
def test_slerp_of_parallel_and_opposite_latents_is_lerp(factor):
    a = latent_from_seed(0)[0]
    assert torch.equal(slerp(a, a * factor, TIMES), lerp(a, a * factor, TIMES))


def test_slerp_of_nearly_parallel_latents_is_finite_and_near_both():
    a, noise = latent_from_seed(0)[0], latent_from_seed(1)[0]
    for size in (1e-2, 1e-3, 1e-4, 1e-5, 1e-6):
        assert (slerp(a, a + size * noise, TIMES) - a).abs().max() < 4 * size + 1e-5


@pytest.mark.parametrize("steps", [2, 40])
def test_the_ends_are_the_seeds_images_and_spherical_is_not_linear(generator, steps):
    paths = [interpolate(generator, KEYS[:2], steps, spherical=spherical) for spherical in (True, False)]
    for frames in paths:
        assert frames.shape == (steps, 1, 32, 32) and frames.dtype == np.uint8
        assert np.array_equal(frames[[0, -1]], sample(generator, [3, 4]).images)
    assert np.array_equal(paths[0], paths[1]) == (steps == 2)


@pytest.mark.parametrize("spherical", [True, False], ids=["spherical", "linear"])
@pytest.mark.parametrize("easing", ["even", "smooth"])
@pytest.mark.parametrize("closed", [False, True], ids=["open", "closed"])
@pytest.mark.parametrize("count", [2, 3, 8])
def test_every_key_frame_is_met_exactly(conditional, count, closed, easing, spherical):
    keys = [(seed, seed % 10 if seed % 2 else None) for seed in range(20, 20 + count)]
    options = {"closed": closed, "easing": easing, "spherical": spherical, "truncation": 0.7}
    frames = interpolate(conditional, keys, 4, **options)
    assert len(frames) == (count * 3 if closed else (count - 1) * 3 + 1)
    assert np.array_equal(frames[::3], pictures(conditional, keys, 0.7))


def test_a_closed_path_repeats_no_image_and_ends_one_step_before_its_start(unconditional):
    frames = interpolate(unconditional, KEYS, 6, closed=True)
    assert len(np.unique(frames, axis=0)) == len(frames) == 15
    assert np.array_equal(frames[10:], interpolate(unconditional, [KEYS[2], KEYS[0]], 6)[:-1])


def test_a_key_frame_can_be_a_code(conditional):
    code = encode(latent_from_seed(9)[0], 6)
    frames = interpolate(conditional, [(code, None), ("3", 2), (code, 1)], 3)
    latent, _ = decode(code, conditional.config)
    of_code = to_uint8(generate(conditional, latent.expand(2, -1), torch.tensor([6, 1]))).numpy()
    assert np.array_equal(frames[[0, 4]], of_code)
    assert np.array_equal(frames[2], sample(conditional, [3], 2).images[0])


def test_smooth_easing_slows_down_at_the_key_frames(unconditional):
    even, smooth = (lengths(interpolate(unconditional, KEYS, easing=easing)) for easing in ("even", "smooth"))
    at_keys, between = [0, 14, 15, 29], [7, 22]
    assert (smooth[at_keys] < 0.5 * even[at_keys]).all()
    assert (smooth[between] > even[between]).all()


def test_labels_are_interpolated_linearly(conditional):
    frames = interpolate(conditional, [(3, 1), (3, 8)], 9)
    half = torch.zeros(1, 10)
    half[0, [1, 8]] = 0.5
    expected = to_uint8(generate(conditional, latent_from_seed(3)[0][None], half)).numpy()
    assert np.array_equal(frames[4:5], expected)
    assert lengths(frames).min() > 0 and lengths(frames).max() < lengths(frames[[0, -1]])[0]


def test_a_map_has_its_corners_images_and_paths_at_three_edges(generator):
    digits = (1, None, 3, 3) if generator.config.num_classes else (None,) * 4
    corners = list(zip((3, 4, 5, 6), digits, strict=True))
    images, _, _ = latent_map(generator, corners, 5)
    assert images.shape == (25, 1, 32, 32) and images.dtype == np.uint8
    assert np.array_equal(images[[0, 4, 20, 24]], pictures(generator, corners))
    for edge, (start, end) in ((images[::5], (0, 2)), (images[4::5], (1, 3)), (images[:5], (0, 1))):
        assert np.array_equal(edge, interpolate(generator, [corners[start], corners[end]], 5))
    assert len(np.unique(images, axis=0)) == 25


def test_a_map_gives_the_latents_and_labels_of_its_images(conditional, unconditional):
    images, latents, labels = latent_map(conditional, [(3, 1), (4, 2), (5, 3), (6, 4)], 3)
    assert latents.shape == (9, 100) and labels.shape == (9, 10)
    assert np.array_equal(to_uint8(generate(conditional, latents, labels)).numpy(), images)
    assert labels[4].tolist() == [0, 0.25, 0.25, 0.25, 0.25, 0, 0, 0, 0, 0]
    assert latent_map(unconditional, [*KEYS, (6, None)], 2)[2] is None


@pytest.mark.parametrize(
    ("keys", "options", "named"),
    [([(seed, None) for seed in range(count)], {}, f"{count} key frames") for count in (0, 1, 11)]
    + [
        ([(0, None), (-1, None)], {}, "'-1' is not a hand"),
        ([(0, 0), (1, 10)], {}, "digit is 10"),
        (KEYS, {"truncation": 1.01}, "truncation is 1.01"),
        (KEYS, {"steps": 1}, "steps is 1"),
        (KEYS, {"easing": "bouncy"}, "easing is 'bouncy'"),
    ],
)
def test_mistakes_are_named(conditional, keys, options, named):
    with pytest.raises(InputError, match=named):
        interpolate(conditional, keys, **options)


def test_a_map_has_four_corners(unconditional):
    for count in (0, 3, 5):
        with pytest.raises(InputError, match=f"{count} corners"):
            latent_map(unconditional, [(seed, None) for seed in range(count)], 3)
