"""A target of the user's own is taken wherever a built-in one is."""

import helpers
import keras
import numpy as np
import pytest
import serving
import tensorflow as tf
import training

import tf_salience as tfs
from tf_salience import targets

IDS = helpers.ids()


@keras.saving.register_keras_serializable(package="tf_salience_tests")
class Spread:
    """The largest output minus the mean; reads all outputs, and so names none."""

    units = ()

    def __init__(self, scale=1.0):
        self.scale = scale

    def resolve(self, context):
        return np.zeros((len(context.examples), 0), np.int32)

    def score(self, outputs, target_indices):
        spread = tf.reduce_max(outputs, axis=1) - tf.reduce_mean(outputs, axis=1)
        return self.scale * spread

    def name(self, target_indices, context):
        return "spread"

    def get_config(self):
        return {"scale": self.scale}


@keras.saving.register_keras_serializable(package="tf_salience_tests")
class Square:
    """The square of the output of the predicted class."""

    units = ("predicted",)

    def resolve(self, context):
        return np.asarray(context.outputs).argmax(axis=1)[:, None].astype(np.int32)

    def score(self, outputs, target_indices):
        return tf.gather(outputs, target_indices[:, 0], axis=1, batch_dims=1) ** 2

    def name(self, target_indices, context):
        return f"class {target_indices[0]} squared"

    def get_config(self):
        return {}


@keras.saving.register_keras_serializable(package="tf_salience_tests")
class TopTwo(Square):
    """The lead of the predicted class; reads an output that its units do not name."""

    def resolve(self, context):
        return np.argsort(-np.asarray(context.outputs), axis=1)[:, :2].astype(np.int32)

    def score(self, outputs, target_indices):
        pairs = tf.gather(outputs, target_indices, axis=1, batch_dims=1)
        return pairs[:, 0] - pairs[:, 1]


def by_hand(name, outputs):
    """The target of each example, from the model's outputs."""
    if name == "tf_salience_tests>Spread":
        return 2 * (outputs.max(1) - outputs.mean(1))
    return outputs.max(1) ** 2


OWN_TARGETS = {"tf_salience_tests>Spread": Spread(2.0), "tf_salience_tests>Square": Square()}
every_target = pytest.mark.parametrize("name", OWN_TARGETS)


@pytest.fixture(scope="module")
def model():
    return helpers.weights_alive(training.compiled_model())


@every_target
class TestEverywhere:
    def test_in_an_explainer_and_in_one_line(self, model, name):
        target = OWN_TARGETS[name]
        explanation = tfs.Explainer(model, target=target)(IDS)
        outputs = model(IDS).numpy()
        np.testing.assert_allclose(explanation.output, by_hand(name, outputs), rtol=1e-5)
        change = explanation.output - explanation.baseline_output
        sizes = np.abs(explanation.scores).sum(1)
        assert (np.abs(explanation.scores.sum(1) - change) <= 0.01 * sizes + 1e-5).all()
        again = tfs.explain(model, IDS, target=target)
        np.testing.assert_array_equal(again.scores, explanation.scores)
        assert explanation.config["target"] == {"class_name": name, "config": target.get_config()}
        if target.units:
            assert explanation.target.tolist() == outputs.argmax(1).tolist()
            assert explanation[0].target_name == f"class {outputs[0].argmax()} squared"
        else:
            assert explanation.target is None
            assert explanation.target_name == ["spread"] * 6

    def test_in_a_saved_explanation_from_which_it_is_restored(self, model, name, tmp_path):
        explanation = tfs.explain(model, IDS, "gradient_norm", target=OWN_TARGETS[name])
        explanation.save(tmp_path / "explanation.json")
        config = tfs.Explanation.load(tmp_path / "explanation.json").config["target"]
        restored = targets.get(config)
        assert type(restored) is type(OWN_TARGETS[name])
        assert restored.get_config() == OWN_TARGETS[name].get_config()
        again = tfs.explain(model, IDS, "gradient_norm", target=config)
        np.testing.assert_array_equal(again.scores, explanation.scores)

    def test_without_tokens(self, model, name):
        explainer = tfs.Explainer(model, target=OWN_TARGETS[name])
        explanation = explainer(IDS)
        mask = explanation.mask
        whole, erased = explainer.without(IDS, np.stack([np.zeros_like(mask), mask]))
        np.testing.assert_allclose(whole, explanation.output, rtol=1e-5)
        np.testing.assert_allclose(erased, explanation.baseline_output, rtol=1e-4, atol=1e-5)

    def test_in_a_logger(self, name, tmp_path):
        model = training.compiled_model()
        logger = tfs.SalienceLogger(
            tmp_path, training.PROBES, target=OWN_TARGETS[name], on_error="raise"
        )
        training.fit(model, [logger], epochs=2)
        expected = tfs.explain(
            model, training.PROBES, "gradient_dot_input", target=OWN_TARGETS[name]
        )
        for record, salience in zip(tfs.read_log(tmp_path)[-4:], expected, strict=True):
            assert record["target_name"] == salience.target_name
            assert record["output"] == pytest.approx(salience.output, rel=1e-4)
            assert record["scores"] == pytest.approx(salience.scores.tolist(), rel=1e-3, abs=1e-5)

    def test_in_an_exported_signature(self, model, name, tmp_path):
        target = OWN_TARGETS[name]
        folder = tfs.export_saved_model(model, tmp_path / "m", target=target)
        loaded = serving.load(folder)
        results = serving.request(loaded, inputs=serving.ids())
        live = tfs.explain(model, IDS, target=target)
        scale = max(1.0, np.abs(live.scores).max())
        np.testing.assert_allclose(results["scores"], live.scores, atol=1e-5 * scale)
        np.testing.assert_allclose(results["output"], live.output, rtol=1e-5)
        described = tfs.read_signature(folder)["target"]
        assert described == {"class_name": name, "config": target.get_config()}
        assert ("attributions_with_target" in loaded.signatures) is bool(target.units)
        if target.units:
            np.testing.assert_array_equal(results["target"], live.target)
            classes = tf.constant([0, 1, 2, -1, 2, 1])
            results = serving.request(
                loaded, "attributions_with_target", inputs=serving.ids(), target=classes
            )
            outputs = model(IDS).numpy()
            columns = np.where(classes < 0, outputs.argmax(1), classes)
            expected = np.take_along_axis(outputs, columns[:, None], axis=1)[:, 0] ** 2
            np.testing.assert_allclose(results["output"], expected, rtol=1e-4)


class TestMoreIndicesThanUnits:
    def test_is_explained(self, model):
        explanation = tfs.explain(model, IDS, "gradient_norm", target=TopTwo())
        ordered = np.sort(model(IDS).numpy(), axis=1)
        np.testing.assert_allclose(explanation.output, ordered[:, -1] - ordered[:, -2], rtol=1e-4)

    def test_is_not_exported(self, model, tmp_path):
        with pytest.raises(ValueError, match="`units`.*TopTwo.*1 units for 2 target indices"):
            tfs.export_saved_model(model, tmp_path / "m", target=TopTwo())
        assert list(tmp_path.iterdir()) == []


def test_a_matrix_is_of_token_targets(model):
    with pytest.raises(TypeError, match="`matrix` explains each token.*Received: target=.*Square"):
        tfs.Explainer(model, target=Square()).matrix(IDS)
