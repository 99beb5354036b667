"""The tables of candidates, whole in a report and cut short in a message."""

import re

import helpers
import keras
import model_zoo
import pytest
from keras import layers

from tf_salience.models.embeddings.candidates import candidates
from tf_salience.models.embeddings.candidates_table import (
    format_candidates,
    format_some_candidates,
)


def rows(table):
    return [re.split(r"  +", line.strip()) for line in table.splitlines()]


def many_tables(count, name):
    ids = model_zoo.ids_input("ids")
    hidden = layers.Add()([layers.Embedding(9, 4, name=f"{name}_{i}")(ids) for i in range(count)])
    return model_zoo.classified(ids, layers.GlobalAveragePooling1D()(hidden))


def test_what_each_layer_reads_and_those_that_are_ruled_out():
    assert rows(format_candidates(candidates(helpers.with_segment_ids()))) == [
        ["name", "reads", "vocabulary", "gives"],
        ["token_embedding", "token_ids", "30", "(None, None, 8)"],
        ["Ruled out:"],
        ["name", "reads", "vocabulary", "gives", "not tokens, since"],
        ["segment_embedding", "segment_ids", "2", "(None, None, 8)", "its name"],
    ]


def test_a_layer_without_a_size_and_one_that_reads_two_inputs():
    model = helpers.two_segments()
    (cells,) = rows(format_candidates(candidates(model)))[1:]
    assert cells[1:] == ["hypothesis, premise", "30", "(None, None, 8)"]
    assert rows(format_candidates(candidates(model_zoo.own_table())))[1][2] == "?"


def test_only_layers_that_are_ruled_out():
    genre = model_zoo.ids_input("genre", (1,))
    hidden = layers.Flatten()(layers.Embedding(4, 3, name="genres")(genre))
    table = format_candidates(candidates(model_zoo.classified(genre, hidden)))
    assert rows(table)[0] == ["Ruled out:"]
    assert len(rows(table)) == 3


def test_explained_layers_have_a_star():
    model = helpers.with_segment_ids()
    for name in ("token_embedding", "segment_embedding"):
        table = format_candidates(candidates(model), explained=[model.get_layer(name)])
        assert [line for line in table.splitlines() if "*" in line] == [
            line for line in table.splitlines() if name in line
        ]


def test_layers_of_one_name_are_shown_by_their_paths():
    ids = model_zoo.ids_input("ids")
    blocks = [keras.Model(ids, model_zoo.table("words")(ids), name=name) for name in "ab"]
    model = keras.Model(ids, layers.Add()([block(ids) for block in blocks]))
    names = {row[0] for row in rows(format_candidates(candidates(model)))[1:]}
    assert names == {"a/words", "b/words"}


@pytest.mark.parametrize(("count", "name"), [(60, "a"), (60, "long" * 30), (2, "long" * 300)])
def test_a_message_has_room_for_some(count, name):
    listed = candidates(many_tables(count, name))
    some = format_some_candidates(listed)
    assert len(some) <= 900
    assert bool(re.search(r"and \d+ more$", some)) is (count == 60)
    assert len(rows(format_candidates(listed))) == count + 1
