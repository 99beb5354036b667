"""Candidates: the layers that turn ids into vectors, and why each may not be that of the tokens."""

import helpers
import keras
import model_zoo
import pytest
from keras import layers, ops

from tf_salience.models.embeddings import candidates
from tf_salience.models.embeddings.candidates import Exclusion


def by_name(model):
    return {candidate.layer.name: candidate for candidate in candidates.candidates(model)}


def sentences_of_words():
    words = model_zoo.ids_input("text", (5, 7))
    return model_zoo.classified(words, layers.GlobalAveragePooling2D()(model_zoo.table()(words)))


def counted_positions():
    ids = model_zoo.ids_input()
    positions = layers.Embedding(20, 8, name="where")(ops.cumsum(ops.ones_like(ids), axis=1))
    hidden = layers.Add()([model_zoo.table()(ids), positions])
    return model_zoo.classified(ids, layers.GlobalAveragePooling1D()(hidden))


def mixing():
    class Mixing(layers.Layer):
        """Turns ids into vectors that depend on the other tokens."""

        def build(self, _):
            self.table = self.add_weight(shape=(model_zoo.VOCABULARY, 8), name="table")

        def call(self, ids):
            return ops.cumsum(ops.take(self.table, ids, axis=0), axis=1)

    ids = model_zoo.ids_input()
    hidden = Mixing(name="mixing")(ids)
    return model_zoo.classified(ids, layers.GlobalAveragePooling1D()(hidden))


@pytest.mark.parametrize(
    ("build", "name", "exclusion", "reason"),
    [
        (helpers.with_segment_ids, "token_embedding", None, ""),
        (helpers.with_segment_ids, "segment_embedding", Exclusion.NAME, "its name"),
        (model_zoo.own_table, "own", None, ""),
        (counted_positions, "where", Exclusion.NOT_OF_INPUTS, "no inputs"),
        (model_zoo.characters_and_words, "letters", Exclusion.TIME_DISTRIBUTED, "TimeDistributed"),
        (mixing, "mixing", Exclusion.MIXES_TOKENS, "mixes tokens"),
        (sentences_of_words, "words", Exclusion.HIGHER_RANK, "(None, 5, 7, 8)"),
        (lambda: model_zoo.with_category((1,)), "genres", Exclusion.ONE_ID, "(None, 1, 3)"),
        (lambda: model_zoo.with_category(()), "genres", Exclusion.LOWER_RANK, "(None, 3)"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_why_a_layer_is_not_that_of_the_tokens(build, name, exclusion, reason):
    candidate = by_name(build())[name]
    assert candidate.exclusion is exclusion
    assert reason in candidate.reason
    assert bool(reason) == bool(candidate.reason)


def test_sizes_shapes_and_inputs():
    tables = by_name(helpers.with_segment_ids())
    assert [table.inputs for table in tables.values()] == [{"token_ids"}, {"segment_ids"}]
    assert list(tables) == ["token_embedding", "segment_embedding"]
    assert [table.vocabulary_size for table in tables.values()] == [helpers.VOCABULARY, 2]
    assert {table.shape for table in tables.values()} == {(None, None, 8)}
    assert by_name(model_zoo.own_table())["own"].vocabulary_size is None


def test_a_layer_that_is_first_called_on_one_token():
    genre, ids = model_zoo.ids_input("genre", (1,)), model_zoo.ids_input("ids")
    table = model_zoo.OwnTable(name="own")
    vectors = [layers.GlobalAveragePooling1D()(table(tensor)) for tensor in (genre, ids)]
    model = model_zoo.classified([genre, ids], layers.Concatenate()(vectors))
    assert by_name(model)["own"].exclusion is None


def test_a_layer_that_holds_a_candidate_is_none_itself():
    class Block(layers.Layer):
        def __init__(self, **keywords):
            super().__init__(**keywords)
            self.table = model_zoo.table("inner")

        def call(self, ids):
            return self.table(ids)

    ids = model_zoo.ids_input()
    model = keras.Model(ids, layers.GlobalAveragePooling1D()(Block(name="outer")(ids)))
    assert list(by_name(model)) == ["inner"]


def test_a_model_that_cannot_be_traced_has_candidates_without_shapes():
    class Failing(keras.Model):
        def __init__(self):
            super().__init__()
            self.words = model_zoo.table()

        def call(self, ids):
            if ids.shape[0] is None:
                raise KeyError("batch")
            return self.words(ids)

    model = Failing()
    model(helpers.ids())
    (candidate,) = candidates.candidates(model)
    assert (candidate.shape, candidate.exclusion) == (None, None)


@pytest.mark.parametrize(
    "build",
    [helpers.sequential_lstm, helpers.text_model, helpers.nested, model_zoo.bidirectional_grus],
)
def test_a_plain_model_needs_no_trace(build):
    model = build()
    (candidate,) = candidates.candidates(model)
    assert candidates.obvious(model) is candidate.layer


@pytest.mark.parametrize(
    "build",
    [
        helpers.with_segment_ids,  # two tables
        model_zoo.own_table,  # a layer of the user's own
        lambda: model_zoo.with_category((1,)),
        sentences_of_words,
    ],
    ids=["two tables", "own layer", "category", "sentences"],
)
def test_other_models_are_not_obvious(build):
    assert candidates.obvious(build()) is None


@pytest.mark.parametrize(
    ("name", "is_other"),
    [
        ("position_embedding", True),
        ("token_type", True),
        ("segments_2", True),
        ("positional", True),
        ("token_embedding", False),
        ("segmented_words", False),
        ("proposition", False),
    ],
)
def test_names_of_something_else_than_tokens(name, is_other):
    assert candidates.has_other_name(layers.Embedding(2, 2, name=name)) is is_other
