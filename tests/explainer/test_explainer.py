"""`Explainer` and `explain`: one explainer is called often, with any method."""

import helpers
import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import tf_salience as tfs

IDS = helpers.ids()


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(1)
    return helpers.weights_alive(helpers.sequential_lstm())


class DoubledGradient:
    """A method of a user's own: twice gradient · input, from a baseline of its own."""

    follows_path = False
    baseline = 2
    keep_ids = ()

    def reduction(self, gradient, difference):
        return 2 * tf.reduce_sum(gradient * difference, axis=-1)

    def __call__(self, path):
        return tfs.GradientDotInput()(path)

    def get_config(self):
        return {"factor": 2}


def test_the_attributes_are_what_was_passed(model):
    names = ["joy", "fear", "rage"]
    method = tfs.IntegratedGradients(steps=3)
    explainer = tfs.Explainer(model, method, target="fear", class_names=names)
    assert explainer.model is model
    assert explainer.method is method
    assert explainer.class_names == names
    assert explainer(IDS).target_name == ["fear"] * 6


def test_explain_is_an_explainer_called_once(model):
    labels = [0, 1, 2, 0, 1, 2]
    keywords = {"target": "label", "pad_id": 0, "jit_compile": False}
    method = tfs.IntegratedGradients(steps=4)
    expected = tfs.Explainer(model, method, **keywords)(IDS, labels)
    explanation = tfs.explain(model, IDS, method, labels=labels, **keywords)
    np.testing.assert_array_equal(explanation.scores, expected.scores)
    assert explanation.target.tolist() == labels


def test_a_single_text_is_a_batch_of_one():
    model = helpers.weights_alive(helpers.text_model())
    explainer = tfs.Explainer(model, "gradient_norm")
    single, batch = explainer("w1 w2 w3"), explainer(["w1 w2 w3"])
    assert len(single) == 1
    assert single[0].tokens == ["w1", "w2", "w3"]
    np.testing.assert_array_equal(single.scores, batch.scores)


def test_graphs_are_kept_for_shapes_that_come_again(model):
    explainer = tfs.Explainer(model, tfs.IntegratedGradients(steps=2))
    assert explainer.trace_count == 0
    explainer(IDS)
    first = explainer.trace_count
    assert first > 0
    for batch in (IDS, IDS[:2], IDS[::-1]):
        explainer(batch)
    assert explainer.trace_count == first
    explainer(helpers.ids(width=30))
    assert explainer.trace_count > first


def test_a_method_of_the_users_own():
    table = np.array([[0.0, 0.5], [1.0, -2.0], [0.5, 0.25], [3.0, 1.0]])
    ids = np.array([[1, 2, 3], [3, 1, 0]])
    model = helpers.formula_model(lambda x: tf.reduce_sum(x**2, axis=(1, 2))[:, None], table)
    explanation = tfs.explain(model, ids, DoubledGradient())
    vectors = table[ids]
    expected = (2 * 2 * vectors * (vectors - table[2])).sum(axis=-1)
    np.testing.assert_allclose(explanation.scores, expected, rtol=1e-6)
    assert explanation.evaluations.tolist() == [1, 1]
    assert explanation.config["method"]["config"] == {"factor": 2}


def test_the_config_is_enough_to_repeat_it(model):
    method = tfs.IntegratedGradients(steps=4, baseline="mean")
    explanation = tfs.explain(model, IDS, method, target=tfs.targets.Margin(0, 1))
    config = explanation.config
    assert config["model"] == model.name
    assert config["embeddings"] == [model.layers[0].name]
    assert set(config["versions"]) == {"tf_salience", "tensorflow", "keras", "numpy"}
    target = tfs.targets.get(config["target"])
    repeated = tfs.explain(model, IDS, config["method"], target=target)
    np.testing.assert_array_equal(repeated.scores, explanation.scores)


class TestCheckTarget:
    @pytest.mark.parametrize(
        ("target", "labels", "message"),
        [
            (3, None, "Received: target=3"),
            ("label", None, "Received: labels=None"),
            ("label", [0, 1], r"\(2,\) for 6 examples"),
            ([0, 1], None, r"shape \(2,\)"),
        ],
    )
    def test_it_raises_what_a_call_raises_and_runs_nothing(self, model, target, labels, message):
        explainer = tfs.Explainer(model, target=target)
        with pytest.raises(ValueError, match=message):
            explainer.check_target(6, labels)
        assert explainer.trace_count == 0
        with pytest.raises(ValueError, match=message):
            explainer(IDS, labels)

    def test_a_target_that_fits(self, model):
        explainer = tfs.Explainer(model, target="label")
        assert explainer.check_target(6, [0, 1, 2, 0, 1, 2]) is None

    def test_a_model_of_unknown_outputs_is_not_checked(self):
        model = helpers.Subclassed()
        model(IDS)
        assert tfs.Explainer(model, target=99).check_target(6) is None


def test_ids_that_the_model_makes_of_its_inputs_keep_their_width():
    class Shifted(keras.Model):
        def __init__(self):
            super().__init__()
            self.vectorizer = helpers.vectorizer()
            self.embedding = layers.Embedding(helpers.VOCABULARY, 8, mask_zero=True)
            self.gru = layers.GRU(4)

        def call(self, texts):
            return self.gru(self.embedding(self.vectorizer(texts)[:, 1:]))

    model = Shifted()
    texts = ["w1 w2 w3", "w4 w5 w6 w7"]
    model(tf.constant(texts))
    explanation = tfs.explain(model, texts)
    assert explanation.tokens == [["w2", "w3"], ["w5", "w6", "w7"]]
    assert explanation.scores.shape == (2, helpers.WIDTH - 1)
    assert explanation.converged.all()
