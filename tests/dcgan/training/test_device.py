"""The device set-up: number formats, TF32, and a whole training and evaluation on a fake CUDA device."""

import dataclasses
import functools
import json

import pytest
import torch
from fake_cuda import fake_cuda

import dcgan.evaluation.protocol as protocol
from dcgan.config import PRESETS, ModelConfig, TrainConfig
from dcgan.evaluation import metrics
from dcgan.evaluation.classifier import load_classifier
from dcgan.model_folder import Model
from dcgan.training.device import kernels, native_precision, slow_precision
from dcgan.training.loop import train
from dcgan.training.run_folder import train_in_folder
from dcgan.training.step import autocast, new_run
from scripts import cli

CPU, CUDA, MPS = (torch.device(name) for name in ("cpu", "cuda", "mps"))


@pytest.mark.parametrize(
    ("device", "features", "capability", "native"),
    [
        (CPU, {"avx512_bf16": True, "amx_bf16": False}, None, "bfloat16"),
        (CPU, {"avx512_bf16": False, "amx_bf16": True}, None, "bfloat16"),
        (CPU, {"avx512_bf16": False, "avx512_f": True}, None, "float32"),
        (CPU, {}, None, "float32"),
        (CUDA, {"avx512_bf16": True}, (7, 5), "float32"),  # T4
        (CUDA, {}, (8, 0), "bfloat16"),
        (CUDA, {}, (12, 1), "bfloat16"),
        (MPS, {"avx512_bf16": True}, None, "float32"),
    ],
)
def test_auto_is_what_the_device_computes_in(device, features, capability, native, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: features)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert native_precision(device) == native
    assert slow_precision("auto", device) is slow_precision(native, device) is None
    other = "float32" if native == "bfloat16" else "bfloat16"
    assert f"warning: {other} is " in slow_precision(other, device)


@pytest.mark.parametrize("native", ["float32", "bfloat16"])
def test_precision_is_of_the_forward_passes_and_is_recorded(native, device, digits, tmp_path, monkeypatch):
    """The checkpoint keeps what was asked for, the model's record what that came to. Weights stay float32."""
    monkeypatch.setattr("dcgan.training.device.native_precision", lambda device: native)
    config = TrainConfig(epochs=1, batch_size=32)
    run, (images, labels) = new_run(ModelConfig(base_channels=8, num_classes=10), config, device), digits
    assert train_in_folder(run, tmp_path, images, labels)
    with autocast(run):
        assert run.discriminator(images[:2].float(), labels[:2].long()).dtype == getattr(torch, native)
    assert {parameter.dtype for parameter in run.averaged.parameters()} == {torch.float32}
    assert {parameter.grad.dtype for parameter in run.generator.parameters()} == {torch.float32}
    training = json.loads((tmp_path / "config.json").read_text())["training"]
    assert (training["precision"], training["recipe"]["precision"]) == (native, "auto")


def flags() -> tuple[bool, bool, bool]:
    backends = torch.backends
    return backends.cuda.matmul.allow_tf32, backends.cudnn.allow_tf32, backends.cudnn.benchmark


def test_tf32_is_for_training_alone(device, digits, tmp_path):
    """Neither R1 nor sampling, recalibration, measuring nor the other scripts round to it."""
    before, seen = flags(), {"step": set(), "R1": set(), "measure": set(), "script": set()}
    run = new_run(ModelConfig(base_channels=8), TrainConfig(epochs=1, batch_size=32), device)

    def look(network, inputs) -> None:
        is_r1 = inputs[0].is_leaf and inputs[0].requires_grad
        seen["R1" if is_r1 else "step"].add(flags())

    hook = run.discriminator.register_forward_pre_hook(look)

    def measure(generator) -> dict:
        seen["measure"].add(flags())
        return {}

    def stop() -> bool:
        if run.step == 10:
            hook.remove()  # so that the recalibrated copy does not look
        return False

    assert train_in_folder(run, tmp_path, *digits, measure=measure, should_stop=stop)
    with pytest.raises(SystemExit):
        cli.run(lambda: seen["script"].add(flags()))
    assert seen["step"] == {(True, True, True)} and seen["R1"] == {(False, False, True)}
    assert seen["measure"] == {(False, False, False)} and seen["script"] == {(False, False, before[2])}
    with pytest.raises(KeyError), kernels(tf32=True, benchmark=True):
        raise KeyError
    assert flags() == before


@pytest.mark.parametrize("preset", PRESETS)
def test_whole_training_and_evaluation_stay_on_their_device(preset, monkeypatch):
    """On a fake CUDA device: a tensor that was left on the CPU fails here without a GPU."""
    model_config, config = PRESETS[preset]
    for name in ("SAMPLES", "FRECHET_SAMPLES", "MANIFOLD_SAMPLES", "QUICK_SAMPLES", "SAMPLES_10M"):
        monkeypatch.setattr(protocol, name, 128)
    monkeypatch.setattr(metrics, "frechet_distance", functools.partial(distance, metrics.frechet_distance))
    monkeypatch.setattr(protocol.Protocol, "discriminator_features", {})  # below
    classifier = load_classifier()
    with fake_cuda() as device:
        run = new_run(model_config, dataclasses.replace(config, epochs=1), device)
        images = torch.zeros(2 * config.batch_size, 1, 32, 32, dtype=torch.uint8, device=device)
        labels = torch.zeros(len(images), dtype=torch.uint8, device=device)
        (networks,) = train(run, images, labels)  # a step with R1 and one without
        assert {parameter.grad.device for parameter in run.discriminator.parameters()} == {device}
        assert run.epoch_sums.device == run.averaged.project.weight.device == device
        assert protocol.epoch_quality(networks[0], images, classifier).keys() >= {"precision", "recall", "coverage"}

        digits = protocol.Digits(torch.zeros(128, 28, 28, dtype=torch.uint8), torch.zeros(128, dtype=torch.uint8))
        model = Model(preset, None, model_config, *networks, {})
        measured = protocol.Protocol(model, digits, digits, classifier, device)
        assert {"novelty", "class_kl"} <= measured.measure(0, many=True)[0].keys()
        assert "gan_train" in measured.measure_real(0)
        features = protocol.pooled_features(measured.discriminator, measured.train.images)
        width = model_config.discriminator_channels or model_config.base_channels
        assert features.shape == (128, 112 * width)


def distance(frechet_distance, real: torch.Tensor, generated: torch.Tensor) -> float:
    """torchmetrics goes as far as it can without numbers: it counts its samples."""
    with pytest.raises(RuntimeError, match="More than one sample"):
        frechet_distance(real, generated)
    return 1.0
