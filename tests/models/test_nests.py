"""Nests of input arrays: from what a user passes, and the names of their leaves."""

import helpers
import numpy as np
import pytest
import tensorflow as tf

from tf_salience.models import nests

IDS = np.array([[1, 2], [3, 0]])


class TestToArrays:
    @pytest.mark.parametrize(
        "inputs",
        [IDS, IDS.tolist(), tf.constant(IDS), tf.Variable(IDS), tf.ragged.constant([[1, 2], [3]])],
        ids=lambda value: type(value).__name__,
    )
    def test_numbers(self, inputs):
        array = nests.to_arrays(inputs)
        assert isinstance(array, np.ndarray)
        np.testing.assert_array_equal(array, IDS)

    @pytest.mark.parametrize(
        ("inputs", "texts"),
        [
            ("a text", ["a text"]),
            (b"bytes", [b"bytes"]),
            (["a", "b"], ["a", "b"]),
            (np.array(["a", "b"]), ["a", "b"]),
            (tf.constant(["a"]), [b"a"]),
        ],
        ids=["one text", "bytes", "list", "array", "tensor"],
    )
    def test_texts(self, inputs, texts):
        array = nests.to_arrays(inputs)
        assert array.dtype == object
        assert array.tolist() == texts

    def test_dicts_tuples_and_lists_of_arrays_are_nests(self):
        assert set(nests.to_arrays({"a": IDS, "b": [1, 2]})) == {"a", "b"}
        for pair in ((IDS, ["a", "b"]), [IDS, tf.constant(IDS)]):
            nest = nests.to_arrays(pair)
            assert isinstance(nest, tuple)
            assert len(nest) == 2

    @pytest.mark.parametrize(
        "inputs",
        [
            [{"ids": IDS}, {"ids": -IDS}],
            ({"ids": IDS}, {"ids": tf.constant(-IDS)}),
            {"0": {"ids": IDS.tolist()}, "1": {"ids": -IDS}},
        ],
        ids=["list of dicts", "tuple of dicts", "dict of dicts"],
    )
    def test_nests_of_nests(self, inputs):
        nest = nests.to_arrays(inputs)
        leaves = dict(nests.paths(nest))
        np.testing.assert_array_equal(leaves["0/ids"], IDS)
        np.testing.assert_array_equal(leaves["1/ids"], -IDS)

    @pytest.mark.parametrize(
        "rows",
        [[[1, 2], [3]], [(1, 2), [np.int64(3)]], np.array([[1, 2], [3]], object)],
        ids=["lists", "tuples", "an array of lists"],
    )
    def test_rows_of_ids_are_padded_by_the_model(self, rows):
        padded = nests.to_arrays({"ids": rows}, pad_rows=lambda lists: [len(row) for row in lists])
        assert padded["ids"] == [2, 1]

    def test_what_is_no_list_of_ids_is_not_padded(self):
        for inputs in (IDS, [["a", "b"]], [[0.5]], [[True, False]], [1, 2], []):
            array = nests.to_arrays(inputs, pad_rows=lambda lists: pytest.fail(str(lists)))
            np.testing.assert_array_equal(array, inputs)

    def test_a_ragged_tensor_is_padded_with_zeros_alone(self):
        with pytest.raises(ValueError, match=r"pad_id=7.*`inputs.to_tensor\(7\)`"):
            nests.to_arrays(tf.ragged.constant([[1, 2], [3]]), pad_id=7)

    @pytest.mark.parametrize(
        ("inputs", "error", "message"),
        [
            ([[1, 2], [3]], ValueError, r"different lengths.*pad_sequences.*`padding='post'"),
            ([["a", "b"], ["c"]], ValueError, "different lengths.*Pad and cut ids"),
            ([None, "x"], TypeError, "elements of type NoneType, str"),
            (np.array([1j]), TypeError, "Received: dtype complex128"),
            (5, ValueError, "must have a batch axis. Received: 5"),
        ],
        ids=["ragged list", "ragged words", "None", "complex", "number"],
    )
    def test_what_is_no_batch(self, inputs, error, message):
        with pytest.raises(error, match=message):
            nests.to_arrays(inputs)


def test_texts_and_sizes():
    nest = {"text": np.array(["a", "b"], object), "ids": IDS, "weight": np.ones(2)}
    assert [texts.tolist() for texts in nests.texts(nest)] == [["a", "b"]]
    assert nests.batch_size(nest) == 2
    assert nests.width(nest) == 2
    assert nests.width(nest["text"]) > 1


@pytest.mark.parametrize(
    ("name", "leaf", "may_be_ids"),
    [
        ("token_ids", IDS, True),
        ("", IDS, True),
        ("text", np.array(["a"], object), True),
        ("token_ids", IDS.astype(float), False),
        ("genre", IDS[:, :1], False),
        ("genre", IDS[:, 0], False),
        ("padding_mask", IDS, False),
        ("segment_ids", IDS, False),
        ("token_type_ids", IDS, False),
        ("position_ids", IDS, False),
    ],
)
def test_inputs_that_may_be_ids(name, leaf, may_be_ids):
    assert nests.may_be_ids(name, leaf) is may_be_ids


def test_paths():
    assert nests.paths(IDS) == [("", IDS)]
    nest = {"heads": {"tags": 1}, "rest": [2, 3]}
    assert nests.paths(nest) == [("heads/tags", 1), ("rest/0", 2), ("rest/1", 3)]


class TestNamed:
    def test_by_the_keys_of_a_dict(self):
        nest = {"hypothesis": IDS, "premise": -IDS}
        assert [name for name, _ in nests.named(helpers.two_segments(), nest)] == list(nest)

    def test_by_the_names_of_the_model(self):
        pairs = nests.named(helpers.functional_with_mask(), (IDS, -IDS))
        assert [name for name, _ in pairs] == ["token_ids", "padding_mask"]
        assert pairs[1][1].min() == -3

    def test_names_that_keras_gave_are_none(self):
        assert nests.named(helpers.sequential_lstm(), IDS) == [("", IDS)]

    def test_of_a_model_without_symbolic_inputs(self):
        model = helpers.Subclassed()
        assert [name for name, _ in nests.named(model, (IDS, IDS))] == ["", ""]


def test_all_names_of_the_inputs():
    nest = {"hypothesis": IDS, "premise": IDS}
    assert nests.aliases(helpers.two_segments(), nest) == [["hypothesis"], ["premise"]]
    names = nests.aliases(helpers.functional_with_mask(), (IDS, IDS))
    assert names == [["token_ids", "0"], ["padding_mask", "1"]]
    assert nests.aliases(helpers.Subclassed(), ({"a": IDS}, IDS)) == [["0/a"], ["1"]]


def test_the_order_of_nested_inputs_is_the_users():
    nest = {"premise": {"ids": IDS, "mask": IDS}, "hypothesis": {"ids": IDS}}
    assert nests.input_order(helpers.Subclassed(), nest) == [
        "premise/ids",
        "premise/mask",
        "hypothesis/ids",
    ]


def test_the_order_of_the_inputs():
    assert nests.input_order(helpers.two_segments(), {}) == ["premise", "hypothesis"]
    names = nests.input_order(helpers.functional_with_mask(), (IDS, IDS))
    assert names == ["token_ids", "padding_mask"]
    model = helpers.Subclassed()
    assert nests.input_order(model, {"b": IDS, "a": IDS}) == ["b", "a"]
    assert nests.input_order(model, IDS) == []


def test_descriptions():
    assert nests.describe(IDS) == "int64 of shape (2, 2)"
    texts = np.array(["a"], object)
    assert nests.describe({"a": IDS, "b": texts}) == (
        "a: int64 of shape (2, 2), b: string of shape (1,)"
    )
    assert nests.describe(tuple([IDS] * 500)).endswith("and 492 more")
