"""The rows of a chunk on a server, from the tokens of a row."""

import helpers
import keras
import pytest
import tensorflow as tf
from keras import ops

import tf_salience as tfs
from tf_salience.attribution.methods import dot
from tf_salience.attribution.path import PathGradients
from tf_salience.export import signatures
from tf_salience.export.chunk_size import chunk_size
from tf_salience.models.text_model import TextModel


def rows_of(model, max_rows):
    """A function from the tokens of a row to rows, as an int."""
    text_model = TextModel.from_arguments(model)
    specs, signature = signatures.trace(text_model, None)
    score = text_model.score(tfs.targets.get(0))
    gradients = PathGradients(text_model.hooked, score, dot)
    rows = chunk_size(gradients, specs, signature, 1, max_rows)
    return lambda tokens: int(rows(tf.constant(tokens)))


def test_a_number_holds_for_any_width():
    rows = rows_of(helpers.sequential_lstm(), 7)
    assert [rows(tokens) for tokens in (1, 1000)] == [7, 7]


@pytest.mark.parametrize(
    "build", [helpers.sequential_lstm, helpers.functional_with_mask, helpers.two_segments]
)
def test_longer_rows_make_smaller_chunks(build):
    rows = rows_of(build(), "auto")
    sizes = [rows(tokens) for tokens in (1, 10, 100, 1000, 10**6)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > sizes[3] >= sizes[-1] == 1


def test_the_width_is_that_of_the_tokens():
    widths = set()

    class Recording(keras.layers.Layer):
        def call(self, embeddings):
            widths.add(embeddings.shape[1])
            return ops.sum(embeddings, axis=1)

    ids, features = keras.Input((None,), dtype="int32"), keras.Input((5000,))
    hidden = Recording()(keras.layers.Embedding(30, 8)(ids))
    hidden = keras.layers.Concatenate()([hidden, features])
    rows_of(keras.Model([ids, features], keras.layers.Dense(3)(hidden)), "auto")
    assert max(width for width in widths if width) < 1000


def test_a_model_that_takes_long_rows_alone():
    class ForLongRows(keras.layers.Layer):
        def call(self, embeddings):
            if embeddings.shape[1] is not None and embeddings.shape[1] < 100:
                raise ValueError("too short")
            return ops.sum(embeddings, axis=1)

    ids = keras.Input((None,), dtype="int32")
    hidden = ForLongRows()(keras.layers.Embedding(30, 8)(ids))
    model = keras.Model(ids, keras.layers.Dense(3)(hidden))
    with pytest.raises(ValueError, match="could not be tried on 8 tokens.*Pass `max_rows`"):
        rows_of(model, "auto")
    assert rows_of(model, 4)(100) == 4
