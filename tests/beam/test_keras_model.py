"""`KerasExplainer`, without a pipeline."""

import logging
from typing import ClassVar

import keras
import numpy as np
import pytest

import tf_salience as tfs
from tf_salience.beam.keras_model import KerasExplainer

WORDS = ["good", "bad", "film", "not", "a"]


@keras.saving.register_keras_serializable("tests.beam")
class NotedWidths(keras.layers.Layer):
    """Notes the tokens of each graph."""

    widths: ClassVar[set[int]] = set()

    def call(self, inputs):
        self.widths.add(inputs.shape[1])
        return inputs

    def compute_mask(self, inputs, mask=None):
        return mask


def make_texts(seed, count, longest):
    random = np.random.default_rng(seed)
    return [" ".join(random.choice(WORDS, random.integers(1, longest + 1))) for _ in range(count)]


@pytest.fixture(scope="module")
def explain(tmp_path_factory):
    """Saves a model and returns its explainer, and the bare one."""

    def explain(**vectorization):
        keras.utils.set_random_seed(0)
        model = keras.Sequential(
            [
                keras.Input((), dtype="string"),
                keras.layers.TextVectorization(vocabulary=WORDS, **vectorization),
                keras.layers.Embedding(7, 4, mask_zero=True),
                NotedWidths(),
                keras.layers.GRU(3),
                keras.layers.Dense(2),
            ]
        )
        path = tmp_path_factory.mktemp("model") / "model.keras"
        model.save(path)
        arguments = {"method": "gradient_dot_input"}
        worker = KerasExplainer(str(path), label=None, custom_objects=None, arguments=arguments)
        return worker, tfs.Explainer(model, **arguments)

    return explain


def test_rows_are_the_explainers_in_any_batches(explain):
    worker, explainer = explain()
    texts = make_texts(0, 60, 30)
    rows = [row for start in range(0, 60, 17) for row in worker(texts[start : start + 17])]
    for row, salience in zip(rows, explainer(texts), strict=True):
        assert row["tokens"] == salience.tokens
        np.testing.assert_allclose(row["scores"], salience.scores, rtol=1e-4, atol=1e-6)


def test_texts_of_all_lengths_have_few_graphs(explain):
    worker, _ = explain()
    NotedWidths.widths.clear()
    for count in range(1, 33):
        worker([" ".join(["good"] * count)])
    assert NotedWidths.widths - {None} == {8, 16, 24, 32}


def test_many_sorted_texts_have_one_width(explain):
    worker, _ = explain()
    NotedWidths.widths.clear()
    worker([" ".join(["good"] * count) for count in (9, 11, 13) for _ in range(600)])
    assert NotedWidths.widths - {None} == {16}


def test_a_model_that_cuts_texts_gets_none_that_are_longer(explain, caplog):
    worker, explainer = explain(output_sequence_length=10)
    texts = [" ".join(WORDS * 2), "good"]
    with caplog.at_level(logging.WARNING):
        rows = worker(texts)
    assert not caplog.records
    assert [row["tokens"] for row in rows] == [salience.tokens for salience in explainer(texts)]
