"""The numbers of LIT's own `gradient_maps` on a Keras model, and the same ones by this package.

Runs in an environment of its own, `tox -e lit`: LIT asks for numpy<2 and much else.
"""

import math
from dataclasses import dataclass
from functools import cache, cached_property

import keras
import numpy as np
import pytest
import tensorflow as tf

import tf_salience as tfs

pytest.importorskip("lit_nlp", reason="needs lit-nlp, in an environment of its own: tox -e lit")

from lit_nlp.api import dataset as lit_dataset
from lit_nlp.api import model as lit_model
from lit_nlp.api import types as lit_types
from lit_nlp.components import gradient_maps

#: Word ids: 0 is padding, FOR and AGAINST the label; NOT reverses the next word.
FOR, AGAINST, NOT, WORDS = range(1, 9), range(9, 17), 17, 40
VOCABULARY = ["[PAD]", *(f"word{i}" for i in range(1, WORDS))]
CLASSES = ["negative", "positive"]
DIM = 16
STEPS = (2, 5, 10, 30, 100)
TOLERANCE = 1e-5


class LitModel(lit_model.BatchedModel):
    """A Keras model as LIT sees it: sentences of ids, one at a time, or their embeddings.

    Attributes:
        points: the embeddings that LIT passed, (tokens, dim), or None where it passed a sentence.
    """

    def __init__(self, embed: keras.layers.Layer, head: keras.Model) -> None:
        self._embed = embed
        self._head = head
        self.points: list[np.ndarray | None] = []

    def input_spec(self) -> lit_types.Spec:
        return {
            "tokens": lit_types.Tokens(),
            "embs": lit_types.TokenEmbeddings(align="tokens", required=False),
            "grad_class": lit_types.CategoryLabel(vocab=CLASSES, required=False),
        }

    def output_spec(self) -> lit_types.Spec:
        return {
            "tokens": lit_types.Tokens(),
            "embs": lit_types.TokenEmbeddings(align="tokens"),
            "grads": lit_types.TokenGradients(
                align="tokens", grad_for="embs", grad_target_field_key="grad_class"
            ),
            "grad_class": lit_types.CategoryLabel(vocab=CLASSES),
        }

    def predict_minibatch(self, inputs: list[lit_types.JsonDict]) -> list[lit_types.JsonDict]:
        return [self._predict_example(example) for example in inputs]

    def _predict_example(self, example: lit_types.JsonDict) -> lit_types.JsonDict:
        point = example.get("embs")
        self.points.append(point)
        if point is None:
            ids = np.array([[VOCABULARY.index(token) for token in example["tokens"]]])
            point = self._embed(ids)[0].numpy()
        embeddings = tf.constant(np.asarray(point, np.float32)[None])
        name = example.get("grad_class")
        column, gradients = self._gradient(
            embeddings, tf.constant(-1 if name is None else CLASSES.index(name), tf.int64)
        )
        return {
            "tokens": example["tokens"],
            "embs": embeddings[0].numpy(),
            "grads": gradients[0].numpy(),
            "grad_class": CLASSES[int(column)],
        }

    @tf.function(reduce_retracing=True)
    def _gradient(self, embeddings: tf.Tensor, number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the explained class of a sentence (-1: the predicted one), and its gradient."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(embeddings)
            logits = self._head(embeddings, training=False)[0]
            column = tf.where(number < 0, tf.argmax(logits), number)
            target = logits[column]
        return column, tape.gradient(target, embeddings)


@dataclass(frozen=True)
class Case:
    """A trained model, whole and cut at its embeddings, and sentences of different lengths."""

    name: str
    model: keras.Model
    head: keras.Model
    ids: np.ndarray

    @property
    def sentences(self) -> list[list[int]]:
        return [row[row != 0].tolist() for row in self.ids]

    @cached_property
    def wrapped(self) -> LitModel:
        return LitModel(self.model.get_layer("words"), self.head)

    @cached_property
    def reference(self) -> list[np.ndarray]:
        """Integrated gradients with 256 Gauss-Legendre nodes."""
        method = tfs.IntegratedGradients(steps=256, rule="gauss_legendre")
        return [salience.scores for salience in self.explain(method)]

    def lit_inputs(self) -> list[lit_types.JsonDict]:
        return [{"tokens": [VOCABULARY[i] for i in sentence]} for sentence in self.sentences]

    def lit_scores(self, interpreter: object, model: lit_model.Model | None = None) -> list:
        """Computes the scores of each sentence by an interpreter of LIT's."""
        results = interpreter.run(
            self.lit_inputs(), model or self.wrapped, lit_dataset.NoneDataset({})
        )
        return [result["grads"].salience for result in results]

    def explain(self, method: object, target: object = "predicted") -> tfs.Explanation:
        """Explains the same sentences, in a batch with padding, by this package."""
        return tfs.explain(
            self.model,
            self.ids,
            method,
            target=target,
            embeddings="words",
            tokenizer=VOCABULARY,
            class_names=CLASSES,
        )


def _sentences(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Makes random sentences, padded, and their labels: the kind of word that prevails."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(4, 17, count)
    ids = rng.integers(1, WORDS, (count, 16)) * (np.arange(16) < lengths[:, None])
    reversed_words = np.pad(ids[:, :-1] == NOT, ((0, 0), (1, 0)))
    polarity = np.isin(ids, FOR) * 1.0 - np.isin(ids, AGAINST)
    balance = np.where(reversed_words, -polarity, polarity).sum(axis=1)
    has_label = balance != 0
    return ids[has_label], (balance > 0)[has_label].astype(np.int64)


def _lstm() -> tuple[keras.Model, keras.Model]:
    layers = [keras.layers.LSTM(24), keras.layers.Dense(2)]
    embed = keras.layers.Embedding(WORDS, DIM, mask_zero=True, name="words")
    model = keras.Sequential([keras.Input((None,), dtype="int32"), embed, *layers])
    return model, keras.Sequential([keras.Input((None, DIM)), *layers])


def _transformer() -> tuple[keras.Model, keras.Model]:
    positions = keras.layers.Embedding(16, DIM, name="positions")
    attention = keras.layers.MultiHeadAttention(2, DIM // 2)
    first_norm, last_norm = keras.layers.LayerNormalization(), keras.layers.LayerNormalization()
    feed = [keras.layers.Dense(2 * DIM, activation="gelu"), keras.layers.Dense(DIM)]
    pool, logits = keras.layers.GlobalAveragePooling1D(), keras.layers.Dense(2)

    def body(words: object, ones: object, mask: object) -> object:
        hidden = words + positions(keras.ops.cumsum(ones, axis=1) - 1)
        attended = attention(hidden, hidden, attention_mask=None if mask is None else mask[:, None])
        hidden = first_norm(hidden + attended)
        hidden = last_norm(hidden + feed[1](feed[0](hidden)))
        return logits(pool(hidden, mask=mask))

    ids = keras.Input((None,), dtype="int32")
    embed = keras.layers.Embedding(WORDS, DIM, name="words")
    outputs = body(embed(ids), keras.ops.ones_like(ids), keras.ops.not_equal(ids, 0))
    # LIT passes one sentence at a time, so there is no padding, and nothing to mask.
    embeddings = keras.Input((None, DIM))
    ones = keras.ops.cast(keras.ops.ones_like(embeddings[:, :, 0]), "int32")
    return keras.Model(ids, outputs), keras.Model(embeddings, body(embeddings, ones, None))


MODELS = {"lstm": _lstm, "transformer": _transformer}


@cache
def _case(name: str) -> Case:
    keras.utils.set_random_seed(1)
    model, head = MODELS[name]()
    model.compile(
        keras.optimizers.Adam(5e-3),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=False,
    )
    history = model.fit(*_sentences(3000, seed=1), batch_size=64, epochs=8, verbose=0).history
    assert history["accuracy"][-1] > 0.85, "a model that learned nothing shows nothing"
    return Case(name, model, head, _sentences(14, seed=2)[0])


@pytest.fixture(params=MODELS)
def case(request: pytest.FixtureRequest) -> Case:
    return _case(request.param)


def _assert_same(explanation: tfs.Explanation, lit_scores: list[np.ndarray]) -> float:
    """Asserts that all scores agree, relative to the largest of their sentence.

    Returns:
        The largest difference.
    """
    assert len(explanation) == len(lit_scores) > 5
    largest = 0.0
    for salience, scores in zip(explanation, lit_scores, strict=True):
        assert salience.scores.shape == scores.shape
        scale = np.abs(scores).max()
        assert scale > 1e-2, "scores of nothing agree with anything"
        largest = max(largest, np.abs(salience.scores - scores).max() / scale)
    assert largest < TOLERANCE
    return largest


def _print(capsys: pytest.CaptureFixture[str], text: str) -> None:
    with capsys.disabled():
        print(f"\n{text}", end="")


def test_the_wrapped_model_is_the_model(case: Case) -> None:
    """Sentence by sentence it gives the outputs of the padded batch."""
    logits = case.model(case.ids, training=False).numpy()
    for sentence, row in zip(case.sentences, logits, strict=True):
        embeddings = case.model.get_layer("words")(np.array([sentence])).numpy()
        np.testing.assert_allclose(case.head(embeddings)[0], row, atol=1e-5)


def test_gradient_norm(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    explanation = case.explain("gradient_norm").normalized("l1")
    lit_scores = case.lit_scores(gradient_maps.GradientNorm())
    assert all((scores >= 0).all() for scores in lit_scores)
    difference = _assert_same(explanation, lit_scores)
    _print(capsys, f"{case.name}: gradient norm: largest difference {difference:.1e}")


def test_gradient_dot_input(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    explanation = case.explain("gradient_dot_input").normalized("l1")
    lit_scores = case.lit_scores(gradient_maps.GradientDotInput())
    assert any((scores < 0).any() for scores in lit_scores)
    difference = _assert_same(explanation, lit_scores)
    _print(capsys, f"{case.name}: gradient · input: largest difference {difference:.1e}")


@pytest.mark.parametrize("steps", STEPS)
def test_integrated_gradients(case: Case, steps: int, capsys: pytest.CaptureFixture[str]) -> None:
    explanation = case.explain(tfs.IntegratedGradients(steps=steps, rule="lit"))
    lit_scores = {
        normalize: case.lit_scores(
            gradient_maps.IntegratedGradients(interpolation_steps=steps, normalize=normalize)
        )
        for normalize in (False, True)
    }
    difference = max(
        _assert_same(explanation, lit_scores[False]),
        _assert_same(explanation.normalized("l1"), lit_scores[True]),
    )
    _print(
        capsys,
        f"{case.name}: integrated gradients, {steps} steps: largest difference {difference:.1e}",
    )


@pytest.mark.parametrize("name", CLASSES)
def test_integrated_gradients_of_a_chosen_class(case: Case, name: str) -> None:
    explanation = case.explain(tfs.IntegratedGradients(steps=10, rule="lit"), target=name)
    lit_scores = case.lit_scores(
        gradient_maps.IntegratedGradients(class_key=name, interpolation_steps=10, normalize=False)
    )
    _assert_same(explanation, lit_scores)


@pytest.mark.parametrize("steps", STEPS)
def test_lit_never_evaluates_the_end_of_the_path(case: Case, steps: int) -> None:
    model = case.wrapped
    inputs = case.lit_inputs()[:1]
    outputs = list(model.predict(inputs))
    model.points.clear()
    gradient_maps.IntegratedGradients(interpolation_steps=steps).run(
        inputs, model, lit_dataset.NoneDataset({}), outputs
    )
    embeddings = outputs[0]["embs"]
    # Each point lies on the line from zero to the embeddings.
    nodes = [float((point * embeddings).sum() / (embeddings**2).sum()) for point in model.points]
    np.testing.assert_allclose(nodes, np.arange(steps) / steps, atol=1e-6)
    assert max(nodes) == pytest.approx(1 - 1 / steps, abs=1e-6)


def test_the_gradient_at_the_input_has_no_weight_in_lit(case: Case) -> None:
    """LIT's scores stay the same whatever the gradient at the input is."""

    class Wrong(LitModel):
        def _predict_example(self, example: lit_types.JsonDict) -> lit_types.JsonDict:
            output = super()._predict_example(example)
            sentence = super()._predict_example({"tokens": example["tokens"]})
            if np.allclose(output["embs"], sentence["embs"]):
                output["grads"] = output["grads"] + 1e6
            return output

    interpreter = gradient_maps.IntegratedGradients(interpolation_steps=5, normalize=False)
    wrong = Wrong(case.model.get_layer("words"), case.head)
    assert np.abs(next(iter(wrong.predict(case.lit_inputs())))["grads"]).min() > 1e5
    for scores, expected in zip(
        case.lit_scores(interpreter, wrong), case.lit_scores(interpreter), strict=True
    ):
        np.testing.assert_array_equal(scores, expected)


def _errors(results: list[np.ndarray], reference: list[np.ndarray]) -> np.ndarray:
    """Returns the relative L1 error of the scores of each sentence."""
    return np.array(
        [
            np.abs(scores - exact).sum() / np.abs(exact).sum()
            for scores, exact in zip(results, reference, strict=True)
        ]
    )


@pytest.mark.parametrize("steps", [10, 30, 100])
def test_the_rule_of_lit_has_a_larger_error_than_the_trapezoid(
    case: Case, steps: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Against 256 Gauss-Legendre nodes: LIT's own numbers, and the trapezoid at equal steps."""
    interpreter = gradient_maps.IntegratedGradients(interpolation_steps=steps, normalize=False)
    explanation = case.explain(tfs.IntegratedGradients(steps=steps, rule="trapezoid"))
    lit = _errors(case.lit_scores(interpreter), case.reference)
    trapezoid = _errors([salience.scores for salience in explanation], case.reference)
    _print(
        capsys,
        f"{case.name}: {steps} steps, relative error, median / worst of {len(lit)}: "
        f"LIT {np.median(lit):.1e} / {lit.max():.1e}, "
        f"trapezoid {np.median(trapezoid):.1e} / {trapezoid.max():.1e}",
    )
    # Without the end the error is of the order 1 / steps; that of the trapezoid is 1 / steps².
    assert np.median(lit) > 0.1 / steps
    assert np.median(trapezoid) < np.median(lit) / 3
    assert trapezoid.max() < lit.max()
    assert math.isfinite(lit.max())
