"""The signature of a model: its forward pass in tensor specs."""

import helpers
import model_zoo
import pytest
import tensorflow as tf
from keras import layers, ops

from tf_salience.models.embeddings.structure import input_specs
from tf_salience.models.signature import trace_signature
from tf_salience.models.text_model import TextModel


def signature(model, specs=None, **arguments):
    text_model = TextModel.from_arguments(model, **arguments)
    return trace_signature(text_model, input_specs(model) if specs is None else specs)


def test_outputs_and_segments_are_specs():
    traced = signature(helpers.functional_with_mask())
    (segment,) = traced.segments
    assert traced.outputs.shape.as_list() == [None, 3]
    assert segment.embeddings.shape.as_list() == [None, 10, 8]
    assert segment.embeddings.dtype == tf.float32
    assert segment.mask.dtype == tf.bool
    assert (segment.name, segment.source) == ("token_ids", 0)
    assert (segment.ids, segment.is_masked_by_layer) == (None, False)
    assert traced.vectorized == ()


def test_texts_that_the_model_splits():
    traced = signature(helpers.text_model())
    (ids,) = traced.vectorized
    assert (ids.shape.as_list(), ids.dtype) == ([None, 10], tf.int64)
    (segment,) = traced.segments
    assert segment.is_masked_by_layer


def test_segments_are_named_after_their_inputs():
    traced = signature(helpers.two_segments())
    assert [segment.name for segment in traced.shown] == ["premise", "hypothesis"]
    specs = {
        key: tf.TensorSpec((None, None), tf.int32, name)
        for key, name in (("premise", "first"), ("hypothesis", "second"))
    }
    traced = signature(helpers.two_segments(), specs)
    assert [segment.name for segment in traced.shown] == ["first", "second"]


def test_two_segments_of_one_input_have_the_names_of_their_layers():
    ids = model_zoo.ids_input("ids")
    hidden = layers.Add()([model_zoo.table("first")(ids), model_zoo.table("second")(ids)])
    model = model_zoo.classified(ids, layers.GlobalAveragePooling1D()(hidden))
    traced = signature(model, embeddings=["first", "second"])
    assert len({segment.name for segment in traced.segments}) == 2


def test_a_guessed_layer_must_embed_all_ids():
    text, tags = model_zoo.ids_input("text"), model_zoo.ids_input("tags")
    hot = layers.Dense(8)(ops.one_hot(text, model_zoo.VOCABULARY))
    hidden = layers.GlobalAveragePooling1D()(layers.Add()([hot, model_zoo.table("x")(tags)]))
    model = model_zoo.classified([text, tags], hidden)
    with pytest.raises(ValueError, match="reads the input 'text', so it is not known"):
        signature(model)
    (segment,) = signature(model, embeddings="x").segments
    assert segment.name == "tags"


def test_a_layer_that_gives_no_embeddings():
    model = helpers.sequential_lstm()
    with pytest.raises(ValueError, match=r"must give embeddings of shape \(batch, tokens, dim"):
        signature(model, embeddings=model.layers[-1])
