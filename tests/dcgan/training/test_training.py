"""Training as a whole: the loop, the checkpoint and the run folder."""

import copy
import dataclasses
import io
import random
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from same_runs import assert_same, assert_same_folders
from torch import Tensor, nn

import dcgan.config
import dcgan.training.recalibrate
from dcgan import InputError
from dcgan.config import ModelConfig, TrainConfig
from dcgan.data import to_float
from dcgan.latents.sampling import sample
from dcgan.model_folder import load_folder
from dcgan.training.checkpoint import NAME, load_checkpoint, read_checkpoint
from dcgan.training.loop import data_order, decay_factor, train
from dcgan.training.progress import Progress
from dcgan.training.recalibrate import recalibrated_networks
from dcgan.training.run_folder import open_run, train_in_folder
from dcgan.training.step import Diverged, Run, new_run

SMALL = ModelConfig(base_channels=8, num_classes=10)
RECIPE = TrainConfig(  # 10 steps an epoch
    epochs=3, batch_size=32, learning_rate_g=2e-3, learning_rate_d=2e-3, precision="float32"
)


ALL_BATCHES = dcgan.training.recalibrate.RECALIBRATION_BATCHES


def train_to(run: Run, digits, step: int = 10**9) -> Run:
    """Train in memory, to a step or to the end."""
    for _ in train(run, *digits, should_stop=lambda: run.step == step):
        pass
    return run


def train_folder(run: Run, folder: Path, digits, step: int = 10**9, **options) -> bool:
    return train_in_folder(run, folder, *digits, should_stop=lambda: run.step == step, **options)


@pytest.fixture(scope="module")
def learnt(digits, device) -> Run:
    return train_to(new_run(SMALL, dataclasses.replace(RECIPE, epochs=6, decay_start=1.0), device), digits)


def test_samples_come_nearer_to_the_data(learnt, digits, device):
    """Untrained, the generator paints everything half grey; digits are mostly black."""
    data = digits[0].float().mean() / 255
    generator, _ = recalibrated_networks(learnt, *digits)
    untrained = sample(new_run(SMALL, RECIPE, device).averaged, range(64)).images.mean() / 255
    images = sample(generator, range(64)).images / 255
    trained, centre = images.mean(), images[:, :, 10:22, 10:22].mean()
    assert abs(untrained - 0.5) < 0.05
    assert abs(trained - data) < abs(untrained - data) / 3
    assert centre > 1.5 * trained  # the ink is where the digits are


def test_history_and_frames_tell_each_epoch(learnt, digits):
    assert [(entry["epoch"], entry["step"]) for entry in learnt.history] == [(i, 10 * i) for i in range(1, 7)]
    for entry in learnt.history:
        assert all(np.isfinite(value) for value in entry.values())
        assert entry["probability_real"] > entry["probability_fake"] + 0.1  # D tells them apart
        assert entry["images_per_second"] == pytest.approx(320 / entry["seconds"], rel=1e-3)
    assert all(frame.shape == (60, 1, 28, 28) and frame.dtype == np.uint8 for frame in learnt.frames)
    assert len({frame.tobytes() for frame in learnt.frames}) == 6
    generator, _ = recalibrated_networks(learnt, *digits)
    rows = learnt.frames[-1].reshape(6, 10, 28, 28)  # a row is a seed, a column a digit
    for seed in range(6):
        expected = sample(generator, [seed] * 10, list(range(10))).images[:, 0, 2:-2, 2:-2]
        assert np.array_equal(rows[seed], expected)


def test_unconditional_training_works_at_64_pixels_in_colour(device):
    run = new_run(ModelConfig(base_channels=4, image_size=64, image_channels=3), TrainConfig(batch_size=8), device)
    images = torch.randint(0, 256, (16, 3, 64, 64), dtype=torch.uint8, device=device)
    train_to(run, (images, torch.zeros(16, dtype=torch.uint8, device=device)), 2)
    assert run.frames[0].shape == (60, 3, 56, 56)


@pytest.fixture(scope="module")
def uninterrupted(digits, tmp_path_factory, device) -> tuple[Run, Path]:
    folder = tmp_path_factory.mktemp("uninterrupted")
    run = new_run(SMALL, RECIPE, device)
    assert train_folder(run, folder, digits)
    return run, folder


@pytest.mark.parametrize("stops", [[10], [14], [1, 20, 29]], ids=["after an epoch", "within an epoch", "three times"])
def test_a_resumed_run_equals_an_uninterrupted_one_to_the_bit(stops, uninterrupted, digits, tmp_path, device):
    run = new_run(SMALL, RECIPE, device)
    for stop in stops:
        assert not train_folder(run, tmp_path, digits, stop)
        assert run.step == stop
        run = load_checkpoint(tmp_path / NAME, device)
    assert train_folder(run, tmp_path, digits)
    other, other_folder = uninterrupted
    assert [entry["step"] for entry in run.history] == [entry["step"] for entry in other.history]
    if device == "cpu":  # elsewhere the order of sums may differ
        assert_same_folders(tmp_path, other_folder)
        assert_same(run.state_dict(), other.state_dict())


STORED = Path(__file__).with_name("stored")  # a run of 64 images, stopped at step 6 of 8


def stored_digits() -> tuple[Tensor, Tensor]:
    images = torch.randint(0, 256, (64, 1, 32, 32), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    return images, torch.arange(64).to(torch.uint8) % 10


def test_a_run_of_earlier_code_resumes_to_the_same_weights(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)  # that code took auto for float32 on every CPU
    model_config = ModelConfig(latent_dim=4, base_channels=4, num_classes=10)
    config = TrainConfig(epochs=2, batch_size=16, images=64)
    shutil.copytree(STORED, tmp_path / "run")
    run = open_run(tmp_path / "run", model_config, config, "cpu")
    assert run.step == 6 and len(run.history) == len(run.frames) == 1
    assert train_folder(run, tmp_path / "run", stored_digits())
    sums = [run.averaged.get_parameter(name).double().abs().sum() for name in ("project.weight", "upsample.1.weight")]
    assert sums == pytest.approx([58.76366797784431, 8.544615757644351])  # as that code had them at step 8
    assert run.history[1]["loss_d"] == pytest.approx(1.39439, abs=1e-4)


def test_a_checkpoint_without_a_later_setting_resumes(uninterrupted, tmp_path, device):
    state = read_checkpoint(uninterrupted[1] / NAME) | {"format_version": 1}
    del state["config"]["mismatch_weight"], state["model_config"]["image_channels"]
    torch.save(state, tmp_path / NAME)
    assert load_checkpoint(tmp_path / NAME, device).config == RECIPE
    state["config"]["momentum"] = 0.9
    torch.save(state, tmp_path / NAME)
    with pytest.raises(InputError, match="momentum"):
        load_checkpoint(tmp_path / NAME, device)


def test_an_epoch_is_saved_before_it_is_measured(digits, tmp_path, device):
    """A measure that fails costs the measure, not the epoch."""
    run, log, steps_saved = new_run(SMALL, RECIPE, device), io.StringIO(), []

    def measure(generator):
        steps_saved.append(read_checkpoint(tmp_path / NAME)["step"])
        assert not generator.training
        if run.step == 20:
            raise RuntimeError("CUDA out of memory")
        return {"precision": 0.5}

    assert train_folder(run, tmp_path, digits, measure=measure, progress=Progress(RECIPE, 10, log))
    assert steps_saved == [10, 20, 30]
    assert [entry.get("precision") for entry in run.history] == [0.5, None, 0.5]
    assert read_checkpoint(tmp_path / NAME)["history"] == run.history
    assert [line for line in log.getvalue().splitlines() if "CUDA out of memory" in line]
    assert load_folder(tmp_path, "run").training["epochs_done"] == 3


def test_random_states_are_kept_apart(digits, tmp_path, monkeypatch, device):
    """Those of the program around a run, and the run's own; `torch.manual_seed` would seed every device."""

    def states():
        return torch.get_rng_state(), random.getstate(), str(np.random.get_state())

    torch.manual_seed(12345)  # a state that no run would leave behind by chance
    before = states()
    monkeypatch.setattr(torch, "manual_seed", None)
    monkeypatch.setattr(torch.cuda, "manual_seed_all", None)
    first, other = new_run(SMALL, RECIPE, device), new_run(SMALL, dataclasses.replace(RECIPE, seed=1), device)
    assert not torch.equal(first.generator.project.weight, other.generator.project.weight)
    train_folder(first, tmp_path, digits, 11)
    train_to(other, digits, 11)
    load_checkpoint(tmp_path / NAME, device)
    after = states()
    assert torch.equal(before[0], after[0]) and before[1:] == after[1:]
    assert first.history[0]["loss_d"] != other.history[0]["loss_d"]
    torch.rand(1)  # moves the state around the run
    again = train_to(new_run(SMALL, RECIPE, device), digits, 11)
    assert again.history[0]["loss_d"] == pytest.approx(first.history[0]["loss_d"], abs=0 if device == "cpu" else 0.1)


def test_both_networks_get_batchnorm_statistics_of_their_own(digits, monkeypatch, device):
    """The averaged generator; the discriminator from real and generated images in equal parts."""
    run = train_to(new_run(SMALL, RECIPE, device), digits, 10)
    raw = copy.deepcopy((run.generator.state_dict(), run.discriminator.state_dict()))
    monkeypatch.setattr(dcgan.training.recalibrate, "RECALIBRATION_BATCHES", ALL_BATCHES)
    generator, discriminator = recalibrated_networks(run, *digits)
    assert not generator.training and not discriminator.training
    assert all(norm.momentum == 0.1 for norm in generator.modules() if isinstance(norm, nn.BatchNorm2d))
    rng = torch.Generator().manual_seed(12345)  # latents that the recalibration has not seen
    latents, labels = torch.randn(1000, 100, generator=rng).to(device), torch.arange(1000, device=device) % 10

    @torch.no_grad()
    def error(network: nn.Module) -> float:
        """How far images with the running statistics are from those with the statistics of 1,000 images."""
        return (network(latents, labels) - copy.deepcopy(network).train()(latents, labels)).abs().mean().item()

    with_raw_statistics = copy.deepcopy(generator)
    with_raw_statistics.load_state_dict({**raw[0], **dict(generator.named_parameters())})
    assert error(generator) < min(0.01, error(with_raw_statistics) / 3)

    with torch.no_grad():
        fake, norm, seen = generator(latents[:320], digits[1].long()), discriminator.norms[0], []
        norm.register_forward_hook(lambda norm, inputs, _: seen.append(inputs[0]))
        discriminator(torch.cat([to_float(digits[0]), fake]), digits[1].long().repeat(2))
    # The mean over passes that are all real or all generated: the variance between the two kinds is left out.
    mean, std = seen[0].mean((0, 2, 3)), seen[0].std((0, 2, 3))
    assert ((norm.running_mean - mean) / std).abs().max() < 0.1
    for name, tensor in run.discriminator.state_dict().items():  # the run goes on with its own
        assert torch.equal(tensor, raw[1][name]), name


def test_average_follows_the_generator_with_ema_decay(digits, device):
    run = new_run(SMALL, RECIPE, device)
    expected = {name: parameter.clone() for name, parameter in run.averaged.named_parameters()}

    def follow() -> bool:
        decay = min(0.999, run.step / (9 + run.step))  # (1 + t) / (10 + t), t steps before this one
        for name, parameter in run.generator.named_parameters():
            expected[name] = decay * expected[name] + (1 - decay) * parameter.detach()
        return run.step == 5

    list(train(run, *digits, should_stop=follow))
    for name, parameter in run.averaged.named_parameters():
        torch.testing.assert_close(parameter, expected[name])
        assert not parameter.requires_grad


def test_loss_that_is_not_finite_names_the_step_and_keeps_the_last_checkpoint(digits, tmp_path, device):
    run = new_run(SMALL, RECIPE, device)
    kept = []

    def poison() -> bool:
        if run.step == 13:
            kept.append((tmp_path / "checkpoint.pt").read_bytes())
            run.generator.to_image.bias.data.fill_(torch.nan)
        return False

    with pytest.raises(Diverged, match="step 14 "):
        train_in_folder(run, tmp_path, *digits, should_stop=poison)
    assert (tmp_path / "checkpoint.pt").read_bytes() == kept[0]
    resumed = load_checkpoint(tmp_path / NAME, device)
    assert resumed.step == 10
    assert all(tensor.isfinite().all() for tensor in resumed.generator.state_dict().values())


@pytest.mark.parametrize(
    ("start", "factors"), [(0.5, [1, 1, 1, 0.5, 0]), (0.0, [1, 0.75, 0.5, 0.25, 0]), (1.0, [1] * 5)]
)
def test_decay_factor_is_constant_then_linear_to_0(start, factors, uninterrupted):
    config = TrainConfig(decay_start=start)
    assert [decay_factor(config, progress) for progress in (0, 0.25, 0.5, 0.75, 1.0)] == pytest.approx(factors)
    rates = [entry["learning_rate_g"] for entry in uninterrupted[0].history]  # at progress 9/30, 19/30, 29/30
    assert rates == pytest.approx([2e-3, 2e-3 * 22 / 30, 2e-3 * 2 / 30], rel=1e-5)


def test_data_order_is_a_permutation_of_its_seed_and_epoch():
    orders = [data_order(TrainConfig(seed=seed), epoch, 1000) for seed in (0, 1) for epoch in (0, 1)]
    for order in orders:
        assert torch.equal(order.sort().values, torch.arange(1000))
    assert len({tuple(order.tolist()) for order in orders}) == 4
    assert torch.equal(orders[3], data_order(TrainConfig(seed=1), 1, 1000))


def test_progress_into_a_log_is_plain_lines(learnt):
    log = io.StringIO()
    progress = Progress(learnt.config, 10, log)
    progress.start_epoch(0, 0)
    progress.update(0, 5, [1.0, 2.0, 0.75, 0.25], 1234.0)
    assert log.getvalue() == ""  # a line a minute is enough
    progress.last_line -= 61
    progress.update(0, 5, [1.0, 2.0, 0.75, 0.25], 1234.0)
    assert log.getvalue() == "epoch 1/6   50%  D 1.000  G 2.000  D(real) 0.75  D(fake) 0.25  1,234 images/s\n"
    progress.end_epoch(learnt.history[:1])
    last = log.getvalue().splitlines()[-1]
    assert last.startswith("epoch 1/6  loss D ") and last.endswith(" images/s")
    assert "\r" not in log.getvalue() and "\x1b" not in log.getvalue()


@pytest.mark.parametrize(
    ("sign", "advice"),
    [
        ({"recall": 0.01}, "--seed"),
        ({"coverage": 0.0}, "--seed"),
        ({"probability_real": 0.88, "probability_fake": 0.02}, "--r1-gamma"),
        ({"probability_real": 0.88}, None),
        ({"recall": 0.2, "coverage": 0.1}, None),
    ],
    ids=str,
)
def test_collapse_is_said_once_with_advice(sign, advice, learnt):
    log, history = io.StringIO(), []
    progress = Progress(TrainConfig(epochs=20), 10, log)
    healthy = learnt.history[0] | {"recall": 0.9, "coverage": 0.9, "probability_real": 0.6, "probability_fake": 0.3}
    for epoch in range(20):
        history.append(healthy | (sign if epoch not in (0, 5) else {}))  # four in a row, then many
        progress.end_epoch(history)
    lines = [(i, line) for i, line in enumerate(log.getvalue().splitlines()) if line.startswith("warning: ")]
    assert [i for i, line in lines if advice in line] == [11] if advice else not lines  # after the fifth in a row


def test_progress_on_a_terminal_is_a_bar(digits, tmp_path, device):
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    run = new_run(SMALL, TrainConfig(epochs=1, batch_size=32), device)
    progress = Progress(run.config, 10, terminal)
    assert train_folder(run, tmp_path, digits, 10, progress=progress)  # a stop at the last step is a finish
    assert "\repoch 1/1:" in terminal.getvalue() and "320/320" in terminal.getvalue()
    assert progress.bar is None  # closed
    assert terminal.getvalue().splitlines()[-1].startswith("epoch 1/1  loss D ")
