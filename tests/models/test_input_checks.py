"""Checks of inputs before the model runs; each error names what was received."""

import helpers
import keras
import model_zoo
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

import tf_salience as tfs
from tf_salience.models import input_checks

IDS = np.ones((2, 3), np.int64)


@pytest.mark.parametrize(
    ("nest", "message"),
    [
        (np.zeros((0, 5), int), "at least one example. Received: an empty batch"),
        (np.array([], object), "Received: an empty batch"),
        ({"a": IDS, "b": IDS[:1]}, "same number of examples. Received: a: .*2, 3.*b: .*1, 3"),
        (IDS[:, :0], r"no example has a token. Received: .*\(2, 0\)"),
    ],
    ids=["no ids", "no texts", "two lengths", "no tokens"],
)
def test_batches_that_cannot_be_explained(nest, message):
    with pytest.raises(ValueError, match=message):
        input_checks.check_batch(nest)


class TestSignature:
    @pytest.mark.parametrize(
        ("nest", "error", "message"),
        [
            (np.ones((2, 3, 4), int), ValueError, r"takes .*int32 of shape.*The ranks differ"),
            (np.ones(4, int), ValueError, r"add a batch axis: `inputs\[None\]`"),
            (np.full((2, 3), 1.5), TypeError, "not whole, such as 1.5"),
            (np.array(["a"], object), TypeError, "Texts cannot replace"),
            ((IDS, IDS), ValueError, "must be 1 arrays"),
            ({"other": IDS, "b": IDS}, ValueError, "must be 1 arrays"),
            (np.array([[1, 2**32]]), ValueError, "do not fit into int32"),
        ],
        ids=["rank", "one example", "fractions", "texts", "tuple", "dict", "too large"],
    )
    def test_inputs_that_do_not_fit(self, nest, error, message):
        with pytest.raises(error, match=message):
            input_checks.check_signature(helpers.sequential_lstm(), nest)

    @pytest.mark.parametrize(
        ("width", "message"),
        [
            (14, "longer than the model takes: 14 tokens instead of 10. Pad and cut"),
            (7, "shorter.*Pad"),
        ],
    )
    def test_sentences_of_another_width(self, width, message):
        ids = np.ones((2, width), int)
        with pytest.raises(ValueError, match=message):
            input_checks.check_signature(helpers.functional_with_mask(), (ids, ids))

    def test_a_model_of_ragged_tensors(self):
        ids = layers.Input((None,), dtype="int32", ragged=True)
        hidden = layers.GlobalAveragePooling1D()(model_zoo.table()(ids))
        model = model_zoo.classified(ids, hidden)
        with pytest.raises(ValueError, match="takes ragged tensors, in which no token is padding"):
            input_checks.check_signature(model, IDS)

    @pytest.mark.parametrize("shape", [(2,), (2, 1)])
    def test_texts_with_and_without_a_last_axis(self, shape):
        input_checks.check_signature(helpers.text_model(), np.full(shape, "w1", object))

    def test_whole_floats_are_ids(self):
        input_checks.check_signature(helpers.sequential_lstm(), IDS.astype(float))

    def test_a_dict_by_names_in_any_order(self):
        input_checks.check_signature(
            helpers.functional_with_mask(),
            {"padding_mask": helpers.ids(), "token_ids": helpers.ids()},
        )

    def test_a_model_without_symbolic_inputs_tells_nothing(self):
        input_checks.check_signature(helpers.Subclassed(), np.ones((2, 3, 4)))


class OwnTake(keras.Model):
    """Reads words by a weight of its own, and speakers by an embedding layer."""

    def __init__(self):
        super().__init__()
        self.table = self.add_weight(shape=(model_zoo.VOCABULARY, 8), name="table")
        self.speaker = layers.Embedding(4, 8, name="speaker")

    def call(self, inputs):
        words = ops.take(self.table, inputs["text"], axis=0)
        return ops.sum(words, axis=1) + ops.sum(self.speaker(inputs["who"]), axis=1)


class TestIdsThatNoLayerEmbeds:
    """A guessed layer is not explained in silence where it may not be that of the tokens."""

    WORDS = np.array([[3, 4, 5, 6], [7, 8, 9, 10]])
    SPEAKERS = np.ones((2, 5), int)

    @pytest.mark.parametrize("with_layer", [False, True], ids=["an operation", "a layer of Keras"])
    def test_one_hot(self, with_layer):
        words, speakers = model_zoo.ids_input("text", (4,)), model_zoo.ids_input("who", (5,))
        if with_layer:
            hot = layers.CategoryEncoding(model_zoo.VOCABULARY, output_mode="one_hot")(words)
        else:
            hot = ops.one_hot(words, model_zoo.VOCABULARY)
        vectors = layers.Flatten()(layers.Embedding(4, 3, name="speaker")(speakers))
        hidden = layers.Concatenate()([layers.GRU(4)(layers.Dense(6)(hot)), vectors])
        model = model_zoo.classified([words, speakers], hidden)
        inputs = (self.WORDS, self.SPEAKERS)
        with pytest.raises(ValueError, match=r"reads the input 'text'|2 embedding layers"):
            tfs.explain(model, inputs, "gradient_norm")
        named = tfs.explain(model, inputs, "gradient_norm", embeddings="speaker")
        assert list(named.segments) == ["who"]

    def test_a_table_of_the_models_own(self):
        model, inputs = OwnTake(), {"text": self.WORDS, "who": self.SPEAKERS}
        model(inputs)
        with pytest.raises(ValueError, match="No embedding layer.*'text'.*embeddings='speaker'"):
            tfs.explain(model, inputs, "gradient_norm")

    def test_inputs_that_are_no_ids_need_no_embedding(self):
        model = helpers.sequential_lstm()
        nest = {"mask": self.WORDS, "text": self.WORDS, "weight": self.WORDS.astype(float)}
        input_checks.check_embedded(model, nest, [0, 2], "words")
        with pytest.raises(ValueError, match="'text'.*`embeddings='words'`"):
            input_checks.check_embedded(model, nest, [0, 1, 2], "words")


def test_what_the_model_itself_refuses_is_told_with_the_shapes():
    class Rigid(keras.Model):
        def __init__(self):
            super().__init__()
            self.embedding, self.head = layers.Embedding(5, 2), layers.Dense(2)

        def call(self, ids):
            return self.head(ops.reshape(self.embedding(ids), (1, 8)))

    model = Rigid()
    model(np.ones((1, 4)))
    with pytest.raises(ValueError, match=r"could not run.*Received: int64 of shape \(1, 5\)"):
        tfs.explain(model, np.ones((1, 5), int))
    assert not tf.config.functions_run_eagerly()
