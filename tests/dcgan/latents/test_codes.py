import re

import numpy as np
import pytest
import torch

from dcgan import InputError
from dcgan.config import ModelConfig
from dcgan.data import to_uint8
from dcgan.hub.load import load_model
from dcgan.latents.codes import MAX_CODE, STEP, decode, encode, latent_of, quantise
from dcgan.latents.sampling import generate, latent_from_seed, sample

PLAIN, DIGITS = ModelConfig(), ModelConfig(num_classes=10)
CODE, PLAIN_CODE = (encode(latent_from_seed(0)[0], digit) for digit in (7, None))


def test_quantised_latents_are_the_nearest_a_code_can_hold():
    latents = torch.stack([latent_from_seed(seed)[0] for seed in range(100)])
    nearest = quantise(latents)
    assert nearest.shape == latents.shape and nearest.dtype == torch.float32
    assert (nearest - latents)[latents.abs() < 3.9].abs().max() <= STEP / 2
    assert torch.equal(nearest / STEP, (nearest / STEP).round())
    assert torch.equal(quantise(nearest), nearest)
    assert quantise(torch.tensor([-9.0, 9.0])).tolist() == [-4, 4 - STEP]


@pytest.mark.parametrize("latent_dim", [2, 3, 4, 100, 1024])
@pytest.mark.parametrize("digit", [None, 0, 9])
def test_a_code_holds_the_quantised_latent_exactly(latent_dim, digit):
    config = ModelConfig(latent_dim=latent_dim, num_classes=0 if digit is None else 10)
    for latent in (latent_from_seed(5, latent_dim)[0], torch.full((latent_dim,), -9.0), torch.full((latent_dim,), 9.0)):
        code = encode(latent, digit)
        assert re.fullmatch(r"z[0-9]?\.[A-Za-z0-9_-]+", code) and len(code) <= MAX_CODE  # safe in a link
        decoded, own = decode(code, config)
        assert torch.equal(decoded, quantise(latent)) and own == digit


def test_codes_keep_their_meaning():
    """A change here breaks existing links."""
    latent = torch.tensor([0.0, 1.0, -1.0, 4 - STEP])
    assert encode(latent, 7) == "z7.ACDgfw"
    assert encode(latent, None) == "z.ACDgfw"
    decoded, digit = decode("z7.ACDgfw", ModelConfig(latent_dim=4, num_classes=10))
    assert torch.equal(decoded, latent) and digit == 7


def test_the_image_of_a_seeds_code_is_close_to_the_seeds_image():
    generator = load_model("mnist-conditional").generator
    of_seeds = sample(generator, range(20))
    latents, digits = zip(*(latent_of(encode(*latent_of(seed, DIGITS)), DIGITS) for seed in range(20)), strict=True)
    assert list(digits) == of_seeds.labels.tolist()
    of_codes = to_uint8(generate(generator, torch.stack(latents), torch.tensor(digits))).numpy()
    differences = np.square(of_codes.astype(float) - of_seeds.images).mean(axis=(1, 2, 3)) ** 0.5
    assert 0 < differences.max() < 8  # of 255


@pytest.mark.parametrize("hand", [42, "42", " 42\n", "0042", np.int64(42)])
def test_a_seed_is_a_hand(hand):
    latent, digit = latent_of(hand, DIGITS)
    assert torch.equal(latent, latent_from_seed(42)[0]) and digit == latent_from_seed(42, 100, 10)[1]
    unlabelled, nothing = latent_of(hand, PLAIN)
    assert torch.equal(unlabelled, latent) and nothing is None


@pytest.mark.parametrize(("hand", "own"), [(1, 0), (f" {CODE} ", 7)])
def test_an_asked_digit_replaces_the_hands_own(hand, own):
    latent, digit = latent_of(hand, DIGITS)
    again, asked = latent_of(hand, DIGITS, 0 if own else 3)
    assert (digit, asked) == (own, 0 if own else 3) and torch.equal(again, latent)
    with pytest.raises(InputError, match="digit is 10"):
        latent_of(hand, DIGITS, 10)


@pytest.mark.parametrize(
    "code",
    ["z", "z.", "z7", "z7.", "zx.AAAA", "z12.AAAA", "z-1.AAAA", "z７.AAAA", "7.AAAA", "z7 AAAA"]
    + [CODE[:20] + bad + CODE[21:] for bad in ("!", " ", "\n", "é", "=", ".", "\0")]
    + ["z7." + "A" * MAX_CODE, CODE[:-1], CODE[:20] + "!!!!" + CODE[20:]],  # too long; cut off; more
)
def test_what_is_no_code_is_refused(code):
    with pytest.raises(InputError, match="is not a code"):
        decode(code, DIGITS)


@pytest.mark.parametrize(
    ("code", "config"),
    [(CODE, PLAIN), (PLAIN_CODE, DIGITS), (CODE, ModelConfig(latent_dim=64, num_classes=10))]
    + [(CODE[:-2], DIGITS), (CODE + "AAAA", DIGITS)],  # cut off; more
)
def test_a_code_of_another_model_is_refused(code, config):
    with pytest.raises(InputError, match="another model"):
        latent_of(code, config)


@pytest.mark.parametrize("hand", ["", "x", "-1", -1, "7.0", "1e3", "²", "４２", "Z7.AAAA", None, "9" * 5000, 2**32])
def test_what_names_no_hand_is_refused(hand):
    with pytest.raises(InputError, match="4294967295"):  # the largest seed
        latent_of(hand, DIGITS)
