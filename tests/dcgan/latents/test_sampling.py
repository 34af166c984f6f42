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


@pytest.mark.parametrize(
    ("num_classes", "base_channels", "threads"),
    [(0, 8, 1), (10, 8, 1), (10, 64, 2)],
    ids=["unconditional", "conditional", "full width, parallel"],
)
def test_an_image_does_not_depend_on_the_others(request, make_networks, num_classes, base_channels, threads):
    """To the bit, before rounding, for every count around the batch size and in any order."""
    generator, _ = make_networks(ModelConfig(base_channels=base_channels, num_classes=num_classes))
    total = CHUNK + 8
    seeds = list(range(1000, 1000 + total))
    drawn = [latent_from_seed(seed, 100, num_classes) for seed in seeds]
    latents = torch.stack([latent for latent, _ in drawn])
    labels = torch.tensor([digit for _, digit in drawn]) if num_classes else None

    def images(picks) -> torch.Tensor:
        return generate(generator, latents[picks], None if labels is None else labels[picks])

    torch.set_num_threads(threads)
    request.addfinalizer(lambda: torch.set_num_threads(1))
    together = images(list(range(total)))
    shuffled = torch.randperm(total, generator=torch.Generator().manual_seed(0)).tolist()
    alone = [[pick] for pick in (0, 7, CHUNK - 1, CHUNK, total - 1)]
    for picks in [*alone, *(list(range(count)) for count in (2, CHUNK - 1, CHUNK, CHUNK + 1)), shuffled]:
        assert torch.equal(images(picks), together[picks])
    assert len(together.unique(dim=0)) == total
    assert together.min() >= -1 and together.max() <= 1 and together.std() > 0.1

    samples = sample(generator, seeds)
    assert np.array_equal(samples.images, to_uint8(together).numpy()) and samples.images.shape == (total, 1, 32, 32)
    assert samples.seeds.tolist() == seeds and samples.seeds.dtype == np.int64
    assert samples.labels is None if labels is None else samples.labels.tolist() == labels.tolist()


def test_chunks_are_the_samples_in_order(conditional):
    asked = [i % 10 for i in range(70)]
    whole, chunks = sample(conditional, range(70), asked), list(sample_chunks(conditional, range(70), asked))
    assert [len(chunk.images) for chunk in chunks] == [32, 32, 6]
    for name in ("images", "seeds", "labels"):
        assert np.array_equal(np.concatenate([getattr(chunk, name) for chunk in chunks]), getattr(whole, name))
    assert whole.labels.tolist() == asked


def test_a_generator_in_training_mode_is_refused(make_networks):
    """Batch statistics would make an image depend on the others."""
    generator, _ = make_networks(ModelConfig(base_channels=8, num_classes=10))
    statistics = generator.train().norms[0].running_mean.clone()
    with pytest.raises(ValueError, match="training mode"):
        sample(generator, range(4))
    assert torch.equal(generator.norms[0].running_mean, statistics)


@pytest.mark.parametrize(
    ("seed", "values", "digit"),
    [
        (0, [-1.1258398, -1.1523602, -0.2505786, -0.4338788, 0.8487104], 9),
        (1, [-1.5255959, -0.7502318, -0.6539809, -1.6094848, -0.1001672], 0),
        (42, [1.9269153, 1.4872841, 0.9007172, -2.105521, 0.6784185], 0),
        (MAX_SEED, [-2.6642976, -1.0910486, 0.4514474, 0.2283607, 1.8986179], 7),
    ],
)
def test_seeds_keep_their_latents_and_digits(seed, values, digit):
    """A change here changes everyone's images."""
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


def test_ten_digits_of_a_seed_are_one_latent_with_ten_labels(conditional):
    samples = sample(conditional, [5] * 10, list(range(10)))
    one_latent = latent_from_seed(5)[0].expand(10, -1)
    assert np.array_equal(samples.images, to_uint8(generate(conditional, one_latent, torch.arange(10))).numpy())
    assert len(np.unique(samples.images, axis=0)) == 10
    one_digit = sample(conditional, [6, 5], 3)
    assert one_digit.labels.tolist() == [3, 3] and np.array_equal(one_digit.images[1], samples.images[3])


def test_truncation_scales_the_latents(unconditional):
    latents = torch.stack([latent_from_seed(seed)[0] for seed in range(3)])
    for psi in (1.0, 0.5):
        expected = to_uint8(generate(unconditional, latents * psi)).numpy()
        assert np.array_equal(sample(unconditional, range(3), truncation=psi).images, expected)


@pytest.mark.parametrize("image_size", [32, 64])
@pytest.mark.parametrize("image_channels", [1, 3])
def test_28x28_undoes_the_model_size_exactly(drawn_digits, image_size, image_channels):
    images = drawn_digits[0][:20]
    border = ModelConfig(image_size=image_size, image_channels=image_channels).border
    enlarged = to_model_size(torch.from_numpy(images), image_size, image_channels).numpy()
    assert np.array_equal(to_28x28(enlarged, border), images)
    assert np.array_equal(crop(enlarged, border), enlarged[:, :, border:-border, border:-border])


def test_28x28_holds_the_means_of_blocks_and_channels():
    images = np.zeros((1, 3, 64, 64), np.uint8)
    images[0, 0, 4, 4], images[0, 1, 5, 5], images[0, 2, 59, 58] = 120, 240, 56  # 56 / 12 is nearest to 5
    pixels = to_28x28(images, 4)
    assert pixels.shape == (1, 28, 28) and pixels.dtype == np.uint8
    assert (pixels[0, 0, 0], pixels[0, 27, 27], pixels.astype(int).sum()) == (30, 5, 35)


def test_consecutive_seeds():
    assert consecutive_seeds(7, 3) == range(7, 10)
    assert consecutive_seeds(MAX_SEED, 1)[-1] == MAX_SEED
    for seed, count in ((0, 0), (0, -5), (-1, 1), (MAX_SEED, 2)):
        with pytest.raises(InputError, match=f"{'count' if count < 1 else 'seed'} is"):
            consecutive_seeds(seed, count)


@pytest.mark.parametrize(
    ("seeds", "options", "named"),
    [([seed], {}, f"seed is {seed}.* 4294967295") for seed in (-1, MAX_SEED + 1)]
    + [([0, 1], {"digit": digit}, "digit is -?1.* 9") for digit in (-1, 10, [0, 10])]
    + [([0], {"truncation": value}, "truncation is") for value in (0.0, -0.5, 1.01, float("nan"), float("inf"))]
    + [([], {}, "at least one seed"), ([0, 1], {"digit": [1, 2, 3]}, "3 digits for 2 seeds")],
)
def test_mistakes_are_named(conditional, seeds, options, named):
    with pytest.raises(InputError, match=named):
        sample(conditional, seeds, **options)


@pytest.mark.parametrize("digit", [3, [0]])
def test_an_unconditional_model_takes_no_digit(unconditional, digit):
    with pytest.raises(InputError, match="unconditional"):
        sample(unconditional, [0], digit)


def test_digits_may_be_numpys(conditional):
    samples = sample(conditional, [3, 4, 5])
    again = sample(conditional, samples.seeds, samples.labels)
    assert np.array_equal(again.images, samples.images)
    assert sample(conditional, [3], np.int64(7)).labels.tolist() == [7]
