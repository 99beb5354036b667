"""`targets.get` and `targets.serialize`: what is taken as a target, and configs both ways."""

import json

import helpers
import keras
import numpy as np
import pytest
import tensorflow as tf

import tf_salience as tfs
from tf_salience import targets


class MeanOutput:
    """A target of a user: the mean of all outputs, times a scale."""

    units = ()

    def __init__(self, scale=1.0):
        self.scale = scale

    def resolve(self, context):
        return np.zeros((len(context.examples), 0), np.int32)

    def score(self, outputs, target_indices):
        return self.scale * tf.reduce_mean(outputs, axis=-1)

    def name(self, target_indices, context):
        return f"{self.scale:g} x mean"

    def get_config(self):
        return {"scale": self.scale}


@keras.saving.register_keras_serializable(package="tf_salience_tests")
class RegisteredMean(MeanOutput):
    """The same, registered."""


@keras.saving.register_keras_serializable(package="tf_salience_tests")
class FromConfig(MeanOutput):
    """Registered, with a config that is not its arguments."""

    def get_config(self):
        return {"percent": 100 * self.scale}

    @classmethod
    def from_config(cls, config):
        return cls(config["percent"] / 100)


BUILT_IN = {
    "predicted": {"class_name": "Unit", "which": "predicted"},
    1: {"class_name": "Unit", "which": 1},
    (0, 1): {"class_name": "Unit", "which": [0, 1]},
    targets.Margin(0, "a"): {"class_name": "Margin", "a": 0, "b": "a"},
    targets.Probability("label"): {"class_name": "Probability", "of": "label"},
    targets.LogProbability(): {"class_name": "LogProbability", "of": "predicted"},
    targets.Position(-1, "noun"): {
        "class_name": "Position",
        "position": -1,
        "target": {"class_name": "Unit", "which": "noun"},
    },
    targets.Position(target=targets.Margin(0, 1)): {
        "class_name": "Position",
        "position": None,
        "target": {"class_name": "Margin", "a": 0, "b": 1},
    },
    targets.Span(" cat", rather_than=" dog"): {
        "class_name": "Span",
        "continuation": " cat",
        "start": None,
        "stop": None,
        "rather_than": " dog",
    },
}


@pytest.mark.parametrize(("target", "config"), BUILT_IN.items(), ids=str)
def test_configs_of_built_in_targets_are_flat_and_restore_them(target, config):
    target = targets.get(target)
    assert targets.serialize(target) == config == json.loads(json.dumps(config))
    restored = targets.get(config)
    assert type(restored) is type(target)
    assert targets.serialize(restored) == config


def test_arrays_are_saved_as_lists():
    assert targets.serialize(targets.get(np.array([1, 0]))) == {
        "class_name": "Unit",
        "which": [1, 0],
    }


def test_a_callable_is_saved_by_name_and_not_restored():
    config = targets.serialize(targets.get(len))
    assert config == {"class_name": "Custom", "function": "len"}
    for saved in (config, {"class_name": "Position", "position": 0, "target": config}):
        with pytest.raises(ValueError, match="callable.*Received: target=.*'len'.*Pass"):
            targets.get(saved)


@pytest.mark.parametrize("target_class", [MeanOutput, RegisteredMean, FromConfig])
def test_a_target_of_the_user_is_explained(target_class):
    model = helpers.weights_alive(helpers.sequential_lstm())
    target = target_class(2.0)
    assert targets.get(target) is target
    assert isinstance(target, targets.Target)
    explanation = tfs.explain(model, helpers.ids(), target=target)
    np.testing.assert_allclose(
        explanation.output, 2 * model(helpers.ids()).numpy().mean(1), rtol=1e-5
    )
    assert explanation.target_name == ["2 x mean"] * 6
    assert explanation.target is None
    assert explanation.config["target"] == targets.serialize(target)


@pytest.mark.parametrize("target_class", [RegisteredMean, FromConfig])
def test_a_registered_target_is_restored(target_class):
    config = targets.serialize(target_class(3.0))
    assert config["class_name"] == f"tf_salience_tests>{target_class.__name__}"
    assert config["config"] == target_class(3.0).get_config()
    restored = targets.get(json.loads(json.dumps(config)))
    assert (type(restored), restored.scale) == (target_class, 3.0)


def test_a_registered_target_at_a_position():
    target = targets.Position(2, RegisteredMean(3.0))
    config = targets.serialize(target)
    assert config["target"] == targets.serialize(RegisteredMean(3.0))
    restored = targets.get(config)
    assert (restored.position, restored.target.scale) == (2, 3.0)
    outputs = np.arange(24.0).reshape(2, 4, 3)
    context = targets.Context(outputs, np.arange(2), 2)
    target_indices = restored.resolve(context)
    assert target_indices.tolist() == [[2], [2]]
    np.testing.assert_array_equal(
        restored.score(tf.constant(outputs), target_indices), 3 * outputs[:, 2].mean(1)
    )
    assert restored.name(target_indices[0], context) == "3 x mean at 2"


def test_a_target_that_is_not_registered_is_not_restored():
    config = targets.serialize(MeanOutput(2.0))
    assert config == {"class_name": "MeanOutput", "config": {"scale": 2.0}}
    with pytest.raises(ValueError, match="'MeanOutput'.*register_keras_serializable"):
        targets.get(config)
    with keras.saving.custom_object_scope({"MeanOutput": MeanOutput}):
        assert targets.get(config).scale == 2.0


@pytest.mark.parametrize("config", [{}, {"which": 1}, {"class_name": "Nothing"}])
def test_a_dict_that_is_no_config(config):
    with pytest.raises(ValueError, match="must name one of.*'Unit'.*Received: target="):
        targets.get(config)


@pytest.mark.parametrize("member", ["units", "resolve", "score", "name", "get_config"])
def test_an_object_without_a_member_of_a_target(member):
    members = {
        name: value
        for name, value in vars(MeanOutput).items()
        if not name.startswith("__") and name != member
    }
    almost = type("Almost", (), members)()
    with pytest.raises(
        TypeError,
        match=r"`units`, `resolve`, `score`, `name` and `get_config`. Received: "
        rf"(.|\n)*\(of type Almost, without {member}\)",
    ):
        targets.get(almost)


def test_a_name_that_is_no_method():
    target = MeanOutput()
    target.name = "mean"
    with pytest.raises(TypeError, match=r"of type MeanOutput, without name\)"):
        targets.get(target)


@pytest.mark.parametrize("target", [targets.Unit, targets.Span, MeanOutput])
def test_a_class_is_not_a_target(target):
    with pytest.raises(TypeError, match="Received: target=.*a class: pass an instance"):
        targets.get(target)


@pytest.mark.parametrize("target", [1.5, None, object(), True])
def test_values_that_are_not_targets(target):
    with pytest.raises(TypeError, match=rf"Received: target=.*of type {type(target).__name__}\)"):
        targets.get(target)
