"""Models of every kind: the right layer is explained, and its numbers are right."""

import functools

import helpers
import keras
import model_checks
import model_zoo
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import tf_salience as tfs
from tf_salience.models.embeddings import structure
from tf_salience.models.embeddings.find import find


@pytest.fixture(scope="module")
def models():
    """Builds each model once."""
    return functools.cache(model_zoo.build)


every_kind = pytest.mark.parametrize("name", model_zoo.KINDS)


def arguments(name):
    kind = model_zoo.KINDS[name]
    return {"target": kind.target, **(kind.keywords or {})}


@every_kind
class TestEveryKind:
    def test_the_layer_of_the_tokens_is_explained(self, models, name):
        kind = model_zoo.KINDS[name]
        assert [layer.name for layer in find(models(name), None)] == [kind.embedding_name]
        explanation = model_checks.check_complete(models(name), kind.inputs(), **arguments(name))
        assert explanation.config["embeddings"] == [kind.embedding_name]
        assert f"at {kind.embedding_name} " in explanation[0].header
        # Positions of every kind of padding are known, by a mask of ids or of embeddings.
        words = tf.nest.flatten(kind.inputs())[-1 if name == "characters_and_words" else 0]
        real = words != 0 if kind.masks_padding else np.ones_like(words, bool)
        np.testing.assert_array_equal(explanation.mask, real)
        assert explanation.scores[~explanation.mask].any() == kind.drops_mask

    def test_finite_differences(self, models, name):
        inputs = model_zoo.KINDS[name].inputs()
        with model_checks.unchanged(models(name), tf.nest.map_structure(tf.constant, inputs)):
            model_checks.check_finite_differences(models(name), inputs, **arguments(name))


class TestTaggers:
    def test_names_and_positions(self):
        target = tfs.targets.Position(-1, "noun")
        names = ["noun", "verb", "other", "end"]
        model = model_zoo.build("tagger")
        explanation = tfs.explain(
            model, helpers.ids(), "gradient_norm", target=target, class_names=names
        )
        last = (helpers.ids() != 0).sum(1) - 1
        assert explanation.target_name == [f"noun at {position}" for position in last]
        expected = model(helpers.ids()).numpy()[np.arange(6), last, 0]
        np.testing.assert_allclose(explanation.output, expected, rtol=1e-5)

    def test_the_matrix_holds_an_explanation_for_each_token(self):
        model = model_zoo.build("tagger")
        explainer = tfs.Explainer(model, "gradient_dot_input", target=tfs.targets.Position(0))
        matrices = explainer.matrix(helpers.ids())
        assert [len(matrix) for matrix in matrices] == (helpers.ids() != 0).sum(1).tolist()
        matrix = matrices[1]
        assert matrix.targets == matrix.tokens
        positions = list(range(len(matrix)))
        alone = tfs.explain(
            model,
            np.tile(helpers.ids()[1], (len(positions), 1)),
            "gradient_dot_input",
            target=tfs.targets.Position(positions),
        )
        np.testing.assert_allclose(matrix.scores, alone.scores[:, alone.mask[0]], atol=1e-5)
        assert [row.target_name for row in matrix] == alone.target_name
        header, columns, *rows = str(matrix).splitlines()
        assert header == "gradient_dot_input at words"
        assert columns.split() == matrix.tokens
        assert [row.split()[0] for row in rows] == matrix.targets
        assert matrix._repr_html_().count("<tr>") == 1 + len(matrix)
        assert matrix[:2].targets == matrix.targets[:2]

    @pytest.mark.parametrize(
        ("target", "message"),
        [
            (tfs.targets.Position(10), "from 0 to 9, or count from the end. Received: position=10"),
            (tfs.targets.Position(7), "position=7, which is padding in example 1"),
            (tfs.targets.Position("first"), "an integer, or one per example. Received: 'first'"),
            (tfs.targets.Position([1, 2]), "one per example. Received: 2 for 6 examples"),
            (tfs.targets.Position(0, 4), "class index from 0 to 3"),
            ("predicted", "`targets.Position`"),
            (tfs.targets.Span(), "`Span` explains a language model, .*4 classes.*id 29"),
        ],
    )
    def test_errors(self, target, message):
        with pytest.raises((ValueError, TypeError), match=message):
            tfs.explain(model_zoo.build("tagger"), helpers.ids(), target=target)

    def test_a_matrix_of_a_class(self):
        with pytest.raises(TypeError, match="`matrix` explains each token of"):
            tfs.Explainer(model_zoo.build("bidirectional_grus")).matrix(helpers.ids())

    def test_left_padding_two_tables_and_labels(self):
        ids = np.array([[0, 0, 3, 4], [5, 6, 7, 8]])
        words, tags = model_zoo.ids_input("text"), model_zoo.ids_input("tags")
        hidden = layers.Add()([model_zoo.table("w", mask_zero=True)(words),
                               model_zoo.table("t", mask_zero=True)(tags)])  # fmt: skip
        hidden = layers.Conv1D(5, 3, padding="same")(hidden)
        model = helpers.weights_alive(keras.Model([words, tags], layers.Dense(4)(hidden)))
        options = {"method": "gradient_dot_input", "embeddings": ["w", "t"]}
        outputs = model([ids, ids]).numpy()
        last = tfs.explain(model, (ids, ids), target=tfs.targets.Position(-1, 1), **options)
        np.testing.assert_allclose(last.output, outputs[:, 3, 1], rtol=1e-5)
        with pytest.raises(ValueError, match="position=0, which is padding in example 0"):
            tfs.explain(model, (ids, ids), target=tfs.targets.Position(0), **options)
        target = tfs.targets.Position(target="label")
        matrices = tfs.Explainer(model, target=target, **options).matrix((ids, ids), labels=[2, 3])
        np.testing.assert_allclose(matrices[0].output, outputs[0, 2:, 2], rtol=1e-5)
        np.testing.assert_allclose(matrices[1].output, outputs[1, :, 3], rtol=1e-5)
        by_class = tfs.targets.Position(target=[2, 3])
        again = tfs.Explainer(model, target=by_class, **options).matrix((ids, ids))
        np.testing.assert_array_equal(again[0].scores, matrices[0].scores)
        other_lengths = np.array([[1, 2, 3, 0], [1, 2, 3, 4]])
        with pytest.raises(ValueError, match="can count from the end only if it is known"):
            tfs.explain(model, (ids, other_lengths), target=tfs.targets.Position(-1), **options)
        with pytest.raises(ValueError, match="`matrix` needs to know which tokens are real"):
            tfs.Explainer(model, target=by_class, **options).matrix((ids, other_lengths))

    def test_outputs_that_are_not_one_for_each_token(self):
        ids = model_zoo.ids_input(shape=(helpers.WIDTH,))
        model = keras.Model(ids, layers.Conv1D(4, 3, strides=3)(model_zoo.table()(ids)))
        for target in (tfs.targets.Position(1), tfs.targets.Span(start=1)):
            with pytest.raises(ValueError, match="an output for each token. Received: 3 outputs "):
                tfs.explain(model, helpers.ids(), target=target)


class TestLanguageModelsOfIds:
    @staticmethod
    def build(activation=None):
        ids = model_zoo.ids_input("ids")
        hidden = model_zoo.table(mask_zero=True)(ids)
        hidden = layers.GRU(6, return_sequences=True)(hidden)
        return helpers.weights_alive(
            keras.Model(ids, layers.Dense(model_zoo.VOCABULARY, activation)(hidden)), scale=0.3
        )

    def test_padding_in_front_is_no_text(self):
        model = self.build()
        ids = np.array([[0, 0, 3, 4, 5], [6, 7, 8, 9, 10]])
        explanation = tfs.explain(model, ids, "gradient_norm", target=tfs.targets.Span())
        log_p = tf.nn.log_softmax(model(ids)).numpy()
        expected = [
            log_p[0, 2, 4] + log_p[0, 3, 5],
            sum(log_p[1, position, position + 7] for position in range(4)),
        ]
        np.testing.assert_allclose(explanation.output, expected, rtol=1e-5)
        assert explanation.target_name[0] == "log P(4 5)"
        with pytest.raises(ValueError, match="lie among the real tokens.*2 to 5, in example 0"):
            tfs.explain(model, ids, target=tfs.targets.Span(start=1))


class TestOtherPrecisions:
    def test_int8(self):
        """Activations are rounded, so the target is a step function: the delta shows it."""
        model = model_zoo.build("attention_with_masks")
        plain = tfs.explain(model, helpers.ids(), "gradient_dot_input").scores
        for layer in structure.all_layers(model):
            if isinstance(layer, layers.Embedding | layers.Dense):
                layer.quantize("int8")
        explanation = tfs.explain(model, helpers.ids(), tfs.IntegratedGradients(tolerance=0.1))
        assert explanation.converged.all()
        scores = tfs.explain(model, helpers.ids(), "gradient_dot_input").scores
        assert np.corrcoef(plain.ravel(), scores.ravel())[0, 1] > 0.98
        expected = model(helpers.ids()).numpy().max(1)
        np.testing.assert_allclose(explanation.output, expected, rtol=1e-5)

    def test_mixed_bfloat16(self):
        keras.config.set_dtype_policy("mixed_bfloat16")
        try:
            model = model_zoo.build("attention_with_masks")
        finally:
            keras.config.set_dtype_policy("float32")
        method = tfs.IntegratedGradients(tolerance=0.05)
        half = tfs.explain(model, helpers.ids(), method, target=0)
        assert half.converged.all()
        full = tfs.explain(model_zoo.build("attention_with_masks"), helpers.ids(), method, target=0)
        assert np.corrcoef(half.scores.ravel(), full.scores.ravel())[0, 1] > 0.99
