import json

import pytest

from dcgan import InputError
from dcgan.config import PRESETS, ModelConfig, TrainConfig, format_value


@pytest.mark.parametrize(
    ("config_type", "values", "sentence"),
    [
        (ModelConfig, {"image_size": 48}, "image_size is 48: it must be one of 32, 64"),
        (ModelConfig, {"base_channels": 513}, "base_channels is 513: it must be at least 4 and at most 512"),
        (ModelConfig, {"num_classes": True}, "num_classes is True: it must be of type int"),
        (ModelConfig, {"latent_dim": 100.0}, "latent_dim is 100.0: it must be of type int"),
        (TrainConfig, {"epochs": 0}, "epochs is 0: it must be at least 1 and at most 100000"),
        (TrainConfig, {"beta1": False}, "beta1 is False: it must be of type float"),
        (TrainConfig, {"beta1": 1.0}, "beta1 is 1.0: it must be at least 0.0 and at most 0.999"),
        (TrainConfig, {"learning_rate_g": 0.0}, "learning_rate_g is 0.0: it must be above 0.0 and at most 1.0"),
        (TrainConfig, {"learning_rate_d": float("nan")}, "learning_rate_d is nan: it must be above 0.0 and at most"),
        (TrainConfig, {"real_label": float("inf")}, "real_label is inf: it must be at least 0.5 and at most 1.0"),
    ],
)
def test_refusal_tells_name_value_and_what_is_allowed(config_type, values, sentence):
    with pytest.raises(InputError) as refusal:
        config_type(**values)
    assert str(refusal.value).startswith(sentence)


def test_bounds_themselves_and_ints_for_floats_are_allowed():
    assert TrainConfig(epochs=1, learning_rate_g=1.0, decay_start=0.0, seed=2**32 - 1, images=60_000).epochs == 1
    assert ModelConfig(latent_dim=2, base_channels=512).latent_dim == 2
    assert type(TrainConfig(decay_start=1).decay_start) is float


@pytest.mark.parametrize("config", [ModelConfig(image_size=64, num_classes=10), TrainConfig(beta1=0.25, seed=7)])
def test_json_round_trip(config):
    assert type(config).from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_from_dict_fills_in_defaults_and_refuses_the_rest():
    assert ModelConfig.from_dict({"base_channels": 8}) == ModelConfig(base_channels=8)
    with pytest.raises(InputError, match="ModelConfig has no field colour, depth"):
        ModelConfig.from_dict(ModelConfig().to_dict() | {"colour": 1, "depth": 2})
    with pytest.raises(InputError, match="not list"):
        ModelConfig.from_dict([1, 2])


def test_presets_are_one_unconditional_and_one_conditional_model():
    classes = {name: model_config.num_classes for name, (model_config, _) in PRESETS.items()}
    assert classes == {"mnist": 0, "mnist-conditional": 10}


def test_values_are_written_whole():
    values = {2e-4: "0.0002", 0.999: "0.999", 64: "64", 1_234_567: "1234567", "auto": "auto"}
    assert [format_value(value) for value in values] == list(values.values())
