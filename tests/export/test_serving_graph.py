"""The graph of a request: its outputs, and the parts that must be made of TensorFlow operations."""

import helpers
import keras
import numpy as np
import pytest
import serving
import tensorflow as tf
from keras import layers
from serving import ids, request

import tf_salience as tfs
from tf_salience.export.serving_graph import PREDICTION, fixed_classes, named_predictions
from tf_salience.models.signature import trace_signature
from tf_salience.models.text_model import TextModel


class TestResults:
    def test_tokens_are_strings_where_a_vocabulary_is_known(self, loaded):
        results = request(loaded("text_model"), inputs=tf.constant(["w1 w2 nonsense", "w3"]))
        assert results["tokens"].dtype == object
        assert results["tokens"][0, :4].tolist() == [b"w1", b"w2", b"[UNK]", b""]
        assert results["mask"].sum(axis=1).tolist() == [3, 1]

    def test_without_a_vocabulary_there_are_none(self, loaded):
        assert "tokens" not in request(loaded("sequential_lstm"), inputs=ids())

    def test_ids_outside_the_vocabulary_are_numbers(self, models, tmp_path):
        folder = tfs.export_saved_model(
            models("convolution"), tmp_path / "m", method="gradient_norm", tokenizer=["a", "b"]
        )
        results = request(serving.load(folder), inputs=tf.constant([[1, 17]]))
        assert results["tokens"].tolist() == [[b"b", b"17"]]

    def test_a_layer_that_is_not_called_on_ids_has_positions(self, tmp_path):
        token_ids = keras.Input((4,), dtype="int32", name="ids")
        hidden = layers.LayerNormalization(name="norm")(layers.Embedding(30, 8)(token_ids))
        model = keras.Model(token_ids, layers.Dense(2)(layers.GlobalAveragePooling1D()(hidden)))
        folder = tfs.export_saved_model(
            model, tmp_path / "m", method="gradient_norm", embeddings="norm", tokenizer=["a", "b"]
        )
        results = request(serving.load(folder), ids=tf.constant([[1, 0, 1, 0]]))
        assert results["tokens"].tolist() == [[b"#0", b"#1", b"#2", b"#3"]]

    def test_segments_are_numbered_in_the_order_of_a_live_explanation(self, models, loaded, auto):
        hypothesis = tf.constant(helpers.ids(6, width=7, seed=5))
        inputs = {"premise": ids(), "hypothesis": hypothesis}
        results = request(loaded("two_segments"), **inputs)
        live = tfs.explain(models("two_segments"), inputs, auto)
        np.testing.assert_allclose(results["scores"], live.scores, atol=1e-5)
        for number, columns in enumerate(live.segments.values()):
            assert (results["segments"][:, columns] == number).all()

    def test_a_fixed_rule_counts_no_evaluations(self, models, tmp_path):
        method = tfs.IntegratedGradients(steps=3)
        folder = tfs.export_saved_model(models("convolution"), tmp_path / "m", method=method)
        results = request(serving.load(folder), inputs=ids())
        assert "evaluations" not in results
        assert {"baseline_output", "convergence_delta"} <= set(results)

    def test_predictions_of_several_outputs(self, tmp_path):
        token_ids = keras.Input((None,), dtype="int32", name="ids")
        hidden = layers.GRU(4)(layers.Embedding(30, 8)(token_ids))
        model = keras.Model(
            token_ids, {name: layers.Dense(2)(hidden) for name in ("mood", "topic")}
        )
        folder = tfs.export_saved_model(
            model,
            tmp_path / "m",
            method="gradient_norm",
            target=lambda outputs: outputs["topic"][:, 1],
        )
        results = request(serving.load(folder), ids=ids())
        assert {"predictions_mood", "predictions_topic"} <= set(results)
        np.testing.assert_allclose(results["predictions_mood"], model(ids())["mood"], rtol=1e-5)

    def test_an_output_of_integers(self, tmp_path):
        token_ids = keras.Input((None,), dtype="int32", name="ids")
        hidden = layers.GlobalAveragePooling1D()(layers.Embedding(30, 8)(token_ids))
        logits = layers.Dense(3)(hidden)
        classes = keras.ops.argmax(logits, axis=1)
        model = keras.Model(token_ids, {"logits": logits, "classes": classes})
        folder = tfs.export_saved_model(
            model, tmp_path / "m", method="gradient_norm", output="logits"
        )
        results = request(serving.load(folder), ids=ids())
        np.testing.assert_array_equal(results["predictions_classes"], results["target"])


def test_names_of_predictions():
    assert named_predictions(1) == {"predictions": 1}
    assert named_predictions({"heads": {"a": 1}, "rest": [2, 3]}) == {
        "predictions_heads_a": 1,
        "predictions_rest_0": 2,
        "predictions_rest_1": 3,
    }


@pytest.mark.parametrize(
    ("name", "target", "classes"),
    [
        ("convolution", "predicted", [PREDICTION]),
        ("convolution", 2, [2]),
        ("convolution", "b", [1]),
        ("convolution", tfs.targets.Margin("predicted", "c"), [PREDICTION, 2]),
        ("convolution", tfs.targets.get(lambda outputs: outputs[:, 0]), []),
        ("single_unit", "predicted", [PREDICTION]),
        ("single_unit", "a", [0]),
        ("single_unit", 1, [1]),
        ("single_unit", tfs.targets.Margin("b", "a"), [1, 0]),
    ],
)
def test_the_classes_of_every_request(models, name, target, classes):
    names = ["a", "b", "c"] if name == "convolution" else ["a", "b"]
    model = TextModel.from_arguments(models(name), class_names=names)
    signature = trace_signature(model, tf.TensorSpec((None, None), tf.int32, "ids"))
    assert fixed_classes(model, tfs.targets.get(target), signature) == classes


def test_probabilities_of_a_subclassed_model_are_not_squashed_twice(tmp_path):
    class Subclassed(keras.Model):
        def __init__(self):
            super().__init__()
            self.words, self.head = layers.Embedding(30, 8), layers.Dense(1, "sigmoid")

        def call(self, ids):
            return self.head(keras.ops.mean(self.words(ids), axis=1))

    model = Subclassed()
    model(ids())
    with pytest.raises(ValueError, match="`Probability` takes logits.*from a sigmoid"):
        tfs.export_saved_model(model, tmp_path / "m", target=tfs.targets.Probability())
    assert list(tmp_path.iterdir()) == []


def test_a_callable_baseline_of_numpy_is_refused(models, tmp_path):
    method = tfs.IntegratedGradients(baseline=lambda embeddings: 0.5 * np.asarray(embeddings))
    with pytest.raises(ValueError, match="must be made of TensorFlow operations.*Received"):
        tfs.export_saved_model(models("sequential_lstm"), tmp_path / "m", method=method)
    assert list(tmp_path.iterdir()) == []


def test_a_tokenizer_of_another_width_is_refused(tmp_path):
    token_ids = keras.Input((6,), dtype="int32", name="ids")
    hidden = layers.GlobalAveragePooling1D()(layers.Embedding(30, 8)(token_ids))
    model = keras.Model(token_ids, layers.Dense(2)(hidden))
    vectorizer = layers.TextVectorization(vocabulary=["a", "b"], output_sequence_length=10)
    with pytest.raises(ValueError, match=r"gives ids of shape \(None, 10\).*`ids` of shape"):
        tfs.export_saved_model(model, tmp_path / "m", tokenizer=vectorizer)
    assert list(tmp_path.iterdir()) == []
