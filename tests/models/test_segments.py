"""`identify`: the names, the order and the real tokens of segments."""

import dataclasses

import helpers
import keras
import model_zoo
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import tf_salience as tfs
from tf_salience.models.segments import identify
from tf_salience.models.text_model import TextModel


def identified(model, inputs, **arguments):
    """The pass of a model, identified inside a graph, with the values of its masks."""
    text_model = TextModel.from_arguments(model, **arguments)
    passes = []

    @tf.function(autograph=False)
    def trace(nest):
        passes.append(identify(text_model, nest, text_model.hooked.record(nest)))
        return [segment.mask for segment in passes[0].segments]

    masks = trace(tf.nest.map_structure(tf.constant, inputs))
    segments = [
        dataclasses.replace(segment, mask=mask.numpy())
        for segment, mask in zip(passes[0].segments, masks, strict=True)
    ]
    return dataclasses.replace(passes[0], segments=segments)


def names(forward):
    return [segment.name for segment in forward.shown]


def tables_of_one_input():
    ids = model_zoo.ids_input()
    first, second = model_zoo.table("first"), model_zoo.table("second")
    hidden = layers.GlobalAveragePooling1D()(layers.Add()([first(ids), second(ids)]))
    return model_zoo.classified(ids, hidden)


class TestNames:
    def test_an_input_with_a_name(self):
        inputs = (helpers.ids(), (helpers.ids() != 0) * 1)
        assert names(identified(helpers.functional_with_mask(), inputs)) == ["token_ids"]

    def test_the_layer_where_the_input_has_no_name(self):
        model = model_zoo.bidirectional_grus()
        assert names(identified(model, helpers.ids())) == ["words"]

    def test_two_tables_of_an_input_without_a_name(self):
        explanation = tfs.explain(
            tables_of_one_input(), helpers.ids(), "gradient_norm", embeddings=["first", "second"]
        )
        assert list(explanation.segments) == ["first", "second"]

    def test_names_differ(self):
        class Twice(keras.Model):
            def __init__(self):
                super().__init__()
                self.words = model_zoo.table()

            def call(self, ids):
                return tf.reduce_sum(self.words(ids) + self.words(ids[:, ::-1]), axis=1)

        model = Twice()
        model(helpers.ids())
        assert names(identified(model, helpers.ids())) == ["words", "words_1"]

    @pytest.mark.parametrize("keys", [("premise", "hypothesis"), ("hypothesis", "premise")])
    def test_segments_are_shown_in_the_order_of_the_models_inputs(self, keys):
        inputs = {key: helpers.ids() for key in keys}
        assert names(identified(helpers.two_segments(), inputs)) == ["premise", "hypothesis"]


class TestRealTokens:
    """The user's padding id, the layer's mask, an input that is a mask, the tokenizer's id."""

    IDS = np.array([[3, 4, 0], [0, 5, 6]])

    def mask(self, model, inputs=IDS, **arguments):
        (segment,) = identified(model, inputs, **arguments).segments
        return segment.mask

    def test_every_token_is_real_where_nothing_tells(self):
        assert self.mask(helpers.convolution()).all()

    def test_the_mask_of_the_layer(self):
        np.testing.assert_array_equal(self.mask(helpers.sequential_lstm()), self.IDS != 0)

    def test_the_padding_id_of_the_user_overrides_it(self):
        model = helpers.sequential_lstm()
        np.testing.assert_array_equal(self.mask(model, pad_id=4), self.IDS != 4)

    def test_an_input_that_is_a_mask(self):
        ids = helpers.ids()
        inputs = (ids, (ids > 9) * 1)
        np.testing.assert_array_equal(self.mask(helpers.functional_with_mask(), inputs), ids > 9)

    def test_the_padding_id_of_the_tokenizer(self):
        vocabulary = ["a", "b", "c", "[PAD]", *map(str, range(26))]
        mask = self.mask(helpers.convolution(), tokenizer=vocabulary)
        np.testing.assert_array_equal(mask, self.IDS != 3)

    def test_of_several_segments_a_mask_says_whose_it_is(self):
        encoder, decoder = (
            model_zoo.ids_input(f"{name}_token_ids") for name in ("encoder", "decoder")
        )
        mask = model_zoo.ids_input("decoder_padding_mask")
        embedding = layers.Embedding(30, 8)
        vectors = [
            layers.GlobalAveragePooling1D()(embedding(encoder)),
            layers.GlobalAveragePooling1D()(embedding(decoder), mask=mask > 0),
        ]
        model = model_zoo.classified([encoder, decoder, mask], layers.Concatenate()(vectors))
        inputs = (self.IDS, self.IDS, (self.IDS == 5) * 1)
        segments = {segment.name: segment for segment in identified(model, inputs).segments}
        assert segments["encoder_token_ids"].mask.all()
        np.testing.assert_array_equal(segments["decoder_token_ids"].mask, self.IDS == 5)

    def test_whether_the_layer_masks(self):
        for model, is_masked in ((helpers.sequential_lstm(), True), (helpers.convolution(), False)):
            (segment,) = identified(model, self.IDS).segments
            assert segment.is_masked_by_layer is is_masked


class WithPositions(layers.Layer):
    """Embeds ids and their positions, and knows which ids are padding."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.token = model_zoo.table("token")
        self.position = layers.Embedding(helpers.WIDTH, 8, name="position")

    def build(self, shape):
        self.token.build(shape)
        self.position.build(shape)
        self.built = True

    def call(self, ids):
        return self.token(ids) + self.position(keras.ops.arange(helpers.WIDTH))

    def compute_mask(self, ids, mask=None):
        del mask
        return keras.ops.not_equal(ids, 0)


@pytest.mark.parametrize("nested", [False, True], ids=["directly", "in a nested model"])
def test_the_mask_of_a_layer_around_the_embedding(nested):
    ids = model_zoo.ids_input(shape=(helpers.WIDTH,))
    hidden = WithPositions()(ids)
    if nested:
        inner = keras.Model(ids, hidden)
        ids = model_zoo.ids_input(shape=(helpers.WIDTH,))
        hidden = inner(ids)
    model = model_zoo.classified(ids, layers.GRU(6)(hidden))
    explanation = tfs.explain(model, helpers.ids(), "gradient_norm", embeddings="token")
    np.testing.assert_array_equal(explanation.mask, helpers.ids() != 0)
    assert not explanation.scores[~explanation.mask].any()
    assert not explanation.padding_salience.any()


def masked_average(ids, mask, embedding):
    weights = keras.ops.expand_dims(keras.ops.cast(mask, "float32"), -1)
    return keras.ops.sum(embedding(ids) * weights, axis=1)


@pytest.mark.parametrize(
    ("id_names", "mask_names"),
    [
        (["token_ids_a", "token_ids_b"], ["padding_mask_a", "padding_mask_b"]),
        (["title", "body"], ["title_mask", "mask_body"]),
        (["question_input_ids", "input_ids"], ["question_attention_mask", "attention_mask"]),
    ],
)
def test_masks_of_several_segments_are_known_by_their_names(id_names, mask_names):
    ids = [model_zoo.ids_input(name) for name in id_names]
    masks = [keras.Input((None,), dtype="int32", name=name) for name in mask_names]
    embedding = model_zoo.table()
    pooled = [masked_average(*pair, embedding) for pair in zip(ids, masks, strict=True)]
    # In another order than the ids: a mask is known by its name, not by its place.
    model = keras.Model([*ids, *masks[::-1]], layers.Dense(2)(layers.Concatenate()(pooled)))
    arrays = {name: np.roll(helpers.ids(), turn, axis=0) for turn, name in enumerate(id_names)}
    of_masks = {
        mask: np.int32(arrays[name] != 0) for name, mask in zip(id_names, mask_names, strict=True)
    }
    explanation = tfs.explain(model, {**arrays, **of_masks}, "gradient_norm")
    for name, mask in zip(id_names, mask_names, strict=True):
        columns = explanation.segments[name]
        np.testing.assert_array_equal(explanation.mask[:, columns], of_masks[mask] == 1)


@pytest.mark.parametrize("unstacked", [False, True])
def test_choices_are_segments_with_masks_of_their_own(unstacked):
    choices, width = 3, 5
    ids = keras.Input((choices, width), dtype="int32", name="token_ids")
    mask = keras.Input((choices, width), dtype="int32", name="padding_mask")
    embedding, score = model_zoo.table(), layers.Dense(1)
    split = keras.ops.unstack if unstacked else lambda t, axis: [t[:, i] for i in range(choices)]
    pairs = zip(split(ids, axis=1), split(mask, axis=1), strict=True)
    scores = [score(masked_average(*pair, embedding)) for pair in pairs]
    model = keras.Model([ids, mask], layers.Concatenate()(scores))
    generator = np.random.default_rng(0)
    arrays = {
        "token_ids": generator.integers(0, helpers.VOCABULARY, (4, choices, width)),
        "padding_mask": (np.arange(width) < generator.integers(1, 6, (4, choices, 1))) * 1,
    }
    explanation = tfs.explain(model, arrays, "gradient_norm", embeddings="words", target=1)
    assert list(explanation.segments) == ["token_ids_0", "token_ids_1", "token_ids_2"]
    real = arrays["padding_mask"].reshape(4, -1) == 1
    np.testing.assert_array_equal(explanation.mask, real)
    of_the_target = np.repeat([False, True, False], width)
    np.testing.assert_array_equal(explanation.scores > 0, real & of_the_target)


def test_a_layer_above_the_embeddings_has_no_ids():
    ids = model_zoo.ids_input(shape=(helpers.WIDTH,))
    hidden = layers.LayerNormalization(name="norm")(model_zoo.table()(ids))
    model = model_zoo.classified(ids, layers.GlobalAveragePooling1D()(hidden))
    (words,) = identified(model, helpers.ids(), embeddings="words").segments
    (norm,) = identified(model, helpers.ids(), embeddings="norm").segments
    assert words.ids.dtype == tf.int64
    assert norm.ids is None
    assert (words.source, norm.source) == (0, -1)


def test_a_layer_that_gives_no_embeddings():
    model = helpers.sequential_lstm()
    with pytest.raises(ValueError, match=r"shape \(batch, tokens, dim\). Received: .*`embeddings`"):
        tfs.explain(model, helpers.ids(), embeddings=model.layers[-1])
