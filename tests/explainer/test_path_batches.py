"""Examples are explained together as far as memory allows; nothing depends on where they part."""

import helpers
import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import tf_salience as tfs
from tf_salience.attribution.execution.chunks import ChunkRunner
from tf_salience.attribution.path import PathGradients
from tf_salience.explainer.forward import ForwardRunner
from tf_salience.explainer.path_batches import PathBatches
from tf_salience.models import inputs
from tf_salience.models.text_model import TextModel

TABLE = np.array([[0.0, 0.0], [1.0, -2.0], [0.5, 0.25], [3.0, 1.0]])


def path_batches(model, method, target, batch_size=32):
    text_model = TextModel.from_arguments(model)
    score = text_model.score(target)
    runner = ChunkRunner(
        PathGradients(text_model.hooked, score, method.reduction),
        batch_size=batch_size,
        max_rows="auto",
        jit_compile=False,
        model_name=model.name,
    )
    forward = ForwardRunner(text_model, batch_size)
    return text_model, PathBatches(text_model, method, forward, runner)


def sums(embeddings):
    return tf.reduce_sum(embeddings, axis=1)


#: 128 of these are explained together.
LONG = np.random.default_rng(0).integers(0, 4, (130, 512))


def range_sizes(model, ids, batch_size):
    text_model, batches = path_batches(
        model, tfs.GradientNorm(), tfs.targets.Unit(0), batch_size=batch_size
    )
    ranges = batches.ranges(inputs.prepare(text_model, ids, None))
    np.testing.assert_array_equal(np.concatenate(ranges), np.arange(len(ids)))
    return [len(numbers) for numbers in ranges]


@pytest.mark.parametrize(
    ("width", "batch_size", "sizes"),
    [(512, 32, [128, 128, 44]), (64, 32, [300]), (512, 200, [200, 100])],
)
def test_tokens_bound_the_examples_of_a_range(width, batch_size, sizes):
    ids = np.ones((300, width), int)
    assert range_sizes(helpers.sequential_lstm(), ids, batch_size) == sizes


def test_outputs_of_a_language_model_bound_the_examples_of_a_range():
    model = keras.Sequential(
        [layers.Input((None,), dtype="int32"), layers.Embedding(30, 2), layers.Dense(2**17)]
    )
    # 128 tokens of 2¹⁷ floats are 64 MiB an example, and a range has 256.
    assert range_sizes(model, np.ones((9, 128), int), 32) == [4, 4, 1]


def test_a_range_has_the_targets_of_its_examples():
    model = helpers.formula_model(sums, TABLE)
    method, target = tfs.IntegratedGradients(steps=1), tfs.targets.Unit("label")
    text_model, batches = path_batches(model, method, target)
    labels = np.arange(130) % 2
    ranges = list(batches(inputs.prepare(text_model, LONG, None), labels, target))
    assert [len(batch.numbers) for _, _, batch in ranges] == [128, 2]
    for _, _, batch in ranges:
        np.testing.assert_array_equal(batch.inputs.nest, LONG[batch.numbers])
        np.testing.assert_array_equal(batch.inputs.target_indices[:, 0], labels[batch.numbers])
        expected = TABLE[LONG[batch.numbers]].sum(1)[
            np.arange(len(batch.numbers)), labels[batch.numbers]
        ]
        np.testing.assert_allclose(batch.outputs, expected)
    assert batches.trace_count == 1


def test_labels_and_baselines_follow_their_examples_into_later_ranges():
    model = helpers.formula_model(sums, TABLE)
    labels = np.arange(130) % 2
    baseline = np.random.default_rng(1).normal(size=(130, 512, 2))
    method = tfs.IntegratedGradients(steps=1, baseline=baseline)
    explanation = tfs.explain(model, LONG, method, target="label", labels=labels)
    expected = (TABLE[LONG] - baseline)[np.arange(130), :, labels]
    np.testing.assert_allclose(explanation.scores, expected, atol=1e-6)
    assert explanation.target.tolist() == labels.tolist()


def test_a_baseline_that_looks_across_the_batch_sees_all_of_its_range():
    model = helpers.weights_alive(helpers.sequential_lstm())
    sizes = []

    def mean_of_batch(embeddings):
        sizes.append(len(embeddings))
        return tf.reduce_mean(embeddings, axis=0, keepdims=True) + 0 * embeddings

    ids = helpers.ids(40)
    method = tfs.IntegratedGradients(steps=4, baseline=mean_of_batch)
    expected = tfs.explain(model, ids, method, trim_padding=False).scores
    scores = tfs.explain(model, ids, method, batch_size=3).scores
    np.testing.assert_allclose(scores, expected, atol=1e-5 * np.abs(expected).max())
    assert set(sizes) == {40}


@pytest.mark.parametrize(
    "target",
    [lambda outputs: outputs[:1, 0], lambda outputs: tf.reduce_sum(outputs[:, 0])[None]],
    ids=["first", "sum"],
)
def test_a_target_that_mixes_examples(target):
    model = helpers.weights_alive(helpers.sequential_lstm())
    with pytest.raises(ValueError, match=r"`target`.*one number for each row.*Received: 1 .* 3"):
        tfs.explain(model, helpers.ids(3), tfs.IntegratedGradients(steps=4), target=target)


def test_a_baseline_that_is_not_finite_names_its_examples():
    def infinite_in_the_second(embeddings):
        return embeddings / tf.constant([1.0, 0.0, 1.0])[:, None, None]

    method = tfs.IntegratedGradients(baseline=infinite_in_the_second)
    model = helpers.weights_alive(helpers.convolution())
    with pytest.raises(ValueError, match="baseline embeddings must be finite.*example 1"):
        tfs.explain(model, helpers.ids(3), method)
