import random

import numpy as np
import pytest
import torch

from dcgan import InputError
from dcgan.config import ModelConfig
from dcgan.data import to_model_size, to_uint8
from dcgan.latents.sampling import (
    CHUNK,
    MAX_SEED,
    consecutive_seeds,
    crop,
    generate,
    latent_from_seed,
    sample,
    sample_chunks,
    to_28x28,
)


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


# An image has a seed of its own.


def test_an_image_does_not_depend_on_the_others(generator):
    """To the bit, before rounding, for every count around the batch size and in any order."""
    config = generator.config
    threads, total = (1, 100) if config.base_channels == 8 else (2, 40)  # at full width as it is used: in parallel
    seeds = list(range(1000, 1000 + total))
    drawn = [latent_from_seed(seed, config.latent_dim, config.num_classes) for seed in seeds]
    latents = torch.stack([latent for latent, _ in drawn])
    labels = torch.tensor([digit for _, digit in drawn]) if config.num_classes else None

    def images(picks) -> torch.Tensor:
        return generate(generator, latents[picks], None if labels is None else labels[picks])

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        alone = torch.cat([images([i]) for i in range(total)])
        for count in (1, 2, CHUNK - 1, CHUNK, CHUNK + 1, total):
            assert torch.equal(images(list(range(count))), alone[:count])
        shuffled = torch.randperm(total, generator=torch.Generator().manual_seed(0)).tolist()
        assert torch.equal(images(shuffled), alone[shuffled])
        assert torch.equal(images([7] * 33), alone[7].expand(33, -1, -1, -1))
    finally:
        torch.set_num_threads(before)
    assert len(alone.unique(dim=0)) == total
    assert alone.min() >= -1 and alone.max() <= 1 and alone.std() > 0.1

    assert np.array_equal(sample(generator, seeds).images, to_uint8(alone).numpy())
    assert np.array_equal(sample(generator, [1037]).images, to_uint8(alone[37:38]).numpy())


def test_a_sample_says_what_it_is(generator):
    samples = sample(generator, range(5, 45))
    assert samples.images.shape == (40, 1, 32, 32) and samples.images.dtype == np.uint8
    assert samples.seeds.tolist() == list(range(5, 45)) and samples.seeds.dtype == np.int64
    if generator.config.num_classes:
        assert samples.labels.tolist() == [latent_from_seed(seed, 100, 10)[1] for seed in range(5, 45)]
        assert samples.labels.dtype == np.uint8
    else:
        assert samples.labels is None


def test_typing_the_seed_back_in_gives_the_same_picture(conditional):
    samples = sample(conditional, range(40, 80))
    for i in (0, 13, 39):
        again = sample(conditional, [int(samples.seeds[i])], int(samples.labels[i]))
        assert np.array_equal(again.images[0], samples.images[i])


def test_chunks_are_the_samples_in_order(conditional):
    whole = sample(conditional, range(70), [i % 10 for i in range(70)])
    chunks = list(sample_chunks(conditional, range(70), [i % 10 for i in range(70)]))
    assert [len(chunk.images) for chunk in chunks] == [32, 32, 6]
    assert np.array_equal(np.concatenate([chunk.images for chunk in chunks]), whole.images)
    assert np.array_equal(np.concatenate([chunk.labels for chunk in chunks]), whole.labels)


def test_a_generator_in_training_mode_is_refused(make_networks):
    """There an image would depend on the others of its batch."""
    generator, _ = make_networks(ModelConfig(base_channels=8, num_classes=10))
    generator.train()
    statistics = generator.norms[0].running_mean.clone()
    with pytest.raises(ValueError, match="training mode"):
        sample(generator, range(4))
    assert torch.equal(generator.norms[0].running_mean, statistics)


def test_nobody_elses_random_numbers_are_touched(conditional):
    before = torch.get_rng_state(), random.getstate(), str(np.random.get_state())
    sample(conditional, range(3))
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (random.getstate(), str(np.random.get_state())) == before[1:]


# What a seed means. A change here changes everyone's pictures.


@pytest.mark.parametrize(
    ("seed", "values", "digit"),
    [
        (0, [-1.1258398, -1.1523602, -0.2505786, -0.4338788, 0.8487104], 9),
        (1, [-1.5255959, -0.7502318, -0.6539809, -1.6094848, -0.1001672], 0),
        (42, [1.9269153, 1.4872841, 0.9007172, -2.105521, 0.6784185], 0),
        (2**32 - 1, [-2.6642976, -1.0910486, 0.4514474, 0.2283607, 1.8986179], 7),
    ],
)
def test_seeds_keep_their_latents_and_digits(seed, values, digit):
    latent, drawn_digit = latent_from_seed(seed, 100, 10)
    assert latent.shape == (100,) and latent.dtype == torch.float32
    assert latent[:5].tolist() == pytest.approx(values, abs=1e-6)
    assert drawn_digit == digit
    unlabelled, nothing = latent_from_seed(seed, 100, 0)
    assert torch.equal(unlabelled, latent) and nothing is None


def test_latents_are_normal_and_digits_uniform():
    latents, digits = zip(*(latent_from_seed(seed, 100, 10) for seed in range(2000)), strict=True)
    latents = torch.stack(latents)
    assert abs(latents.mean()) < 0.01 and abs(latents.std() - 1) < 0.01
    assert abs(torch.corrcoef(latents[:, :10].T) - torch.eye(10)).max() < 0.1
    counts = np.bincount(digits, minlength=10)
    assert ((counts - 200) ** 2 / 200).sum() < 21.7  # chi-squared, 9 degrees of freedom: 1 in 100 is above


def test_one_seed_is_one_hand(conditional):
    """Ten digits of a seed are one latent with ten labels."""
    samples = sample(conditional, [5] * 10, list(range(10)))
    assert samples.labels.tolist() == list(range(10))
    one_latent = latent_from_seed(5, 100, 10)[0].expand(10, -1)
    assert np.array_equal(samples.images, to_uint8(generate(conditional, one_latent, torch.arange(10))).numpy())
    assert len(np.unique(samples.images, axis=0)) == 10
    assert sample(conditional, [5, 6], 3).labels.tolist() == [3, 3]


def test_truncation_scales_the_latents(generator):
    config = generator.config
    latent, digit = latent_from_seed(3, config.latent_dim, config.num_classes)
    labels = None if digit is None else torch.tensor([digit])
    expected = to_uint8(generate(generator, latent[None] * 0.5, labels)).numpy()
    assert np.array_equal(sample(generator, [3], truncation=0.5).images, expected)
    assert not np.array_equal(sample(generator, [3]).images, expected)
    seeds = range(32)
    spread = [sample(generator, seeds, truncation=psi).images.astype(float).std(axis=0).mean() for psi in (0.1, 1.0)]
    assert spread[0] < spread[1]


def test_crop_takes_the_border_off():
    images = np.arange(2 * 32 * 32).reshape(2, 1, 32, 32)
    assert np.array_equal(crop(images, 2), images[:, :, 2:30, 2:30])


@pytest.mark.parametrize("image_size", [32, 64])
@pytest.mark.parametrize("image_channels", [1, 3])
def test_mnist_pixels_undo_the_model_size_exactly(drawn_digits, image_size, image_channels):
    images, _ = drawn_digits
    config = ModelConfig(image_size=image_size, image_channels=image_channels)
    enlarged = to_model_size(torch.from_numpy(images[:20]), image_size, image_channels).numpy()
    assert np.array_equal(to_28x28(enlarged, config.border), images[:20])


def test_mnist_pixels_are_means_of_blocks_and_channels():
    images = np.zeros((1, 3, 64, 64), np.uint8)
    images[0, 0, 4, 4], images[0, 1, 5, 5], images[0, 2, 59, 58] = 120, 240, 56  # 56 / 12 is nearest to 5
    pixels = to_28x28(images, 4)
    assert pixels.shape == (1, 28, 28) and pixels.dtype == np.uint8
    assert (pixels[0, 0, 0], pixels[0, 27, 27], pixels.astype(int).sum()) == (30, 5, 35)


# Mistakes.


def test_consecutive_seeds():
    assert consecutive_seeds(7, 3) == range(7, 10)
    assert consecutive_seeds(MAX_SEED, 1)[-1] == MAX_SEED


@pytest.mark.parametrize(
    ("seed", "count", "sentence"),
    [
        (0, 0, "count is 0: it must be at least 1"),
        (0, -5, "count is -5"),
        (-1, 1, "seed is -1: with 1 images it must be from 0 to 4294967295"),
        (MAX_SEED, 2, "seed is 4294967295: with 2 images it must be from 0 to 4294967294"),
    ],
)
def test_bad_counts_and_seeds(seed, count, sentence):
    with pytest.raises(InputError, match=sentence):
        consecutive_seeds(seed, count)


@pytest.mark.parametrize("seed", [-1, MAX_SEED + 1])
def test_bad_seed(conditional, seed):
    with pytest.raises(InputError, match=f"seed is {seed}: it must be from 0 to 4294967295"):
        sample(conditional, [seed])


@pytest.mark.parametrize("digit", [-1, 10, [0, 10]])
def test_bad_digit(conditional, unconditional, digit):
    with pytest.raises(InputError, match="digit is -?1.*: it must be from 0 to 9"):
        sample(conditional, [0, 1], digit)
    with pytest.raises(InputError, match="unconditional"):
        sample(unconditional, [0, 1], digit)


@pytest.mark.parametrize("truncation", [0.0, -0.5, 1.01, float("nan"), float("inf")])
def test_bad_truncation(conditional, truncation):
    with pytest.raises(InputError, match="truncation is .*: it must be above 0 and at most 1"):
        sample(conditional, [0], truncation=truncation)


def test_other_bad_requests(conditional):
    with pytest.raises(InputError, match="at least one seed"):
        sample(conditional, [])
    with pytest.raises(InputError, match="3 digits for 2 seeds"):
        sample(conditional, [0, 1], [1, 2, 3])
