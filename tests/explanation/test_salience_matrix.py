import numpy as np
import pytest

import tf_salience as tfs


@pytest.fixture
def matrix(make_explanation):
    """Two of the three tokens of one example as its targets."""
    rows = make_explanation(
        tokens=[["a", "b", "c"]] * 2,
        scores=np.array([[1.0, 2.0, 3.0, 0.0], [0.0, -1.0, 0.5, 0.0]], np.float32),
        mask=np.array([[True, True, True, False]] * 2),
        segments={"ids": slice(0, 4)},
        words=[[0, 1, 1]] * 2,
    )
    return tfs.SalienceMatrix(["b", "c"], [1, 2], rows)


def test_is_a_sequence_of_targets(matrix):
    assert len(matrix) == 2
    assert matrix.tokens == ["a", "b", "c"]
    assert matrix.scores.tolist() == [[1, 2, 3], [0, -1, 0.5]]
    assert matrix.output is matrix.rows.output
    assert matrix[1].scores.tolist() == [0, -1, 0.5]
    assert (matrix[1:].targets, matrix[1:].places, len(matrix[1:].rows)) == (["c"], [2], 1)


def test_merged(matrix):
    merged = matrix.merged()
    assert merged.tokens == ["a", "bc"]
    assert (merged.targets, merged.places) == (["b", "c"], [1, 1])
    assert merged.scores.tolist() == [[1, 5], [0, -0.5]]
    assert merged.merged().places == [1, 1]


def test_words_are_merged_already(matrix, make_explanation):
    matrix = tfs.SalienceMatrix(["a"], [0], make_explanation())
    assert matrix.merged() is matrix


def test_views(matrix):
    header, tokens, *rows = str(matrix).splitlines()
    assert header == "integrated_gradients at words · 1 of 2 rows NOT CONVERGED"
    assert tokens.split() == ["a", "b", "c"]
    assert [row.split() for row in rows] == [["b", "+1", "+2", "+3"], ["c", "·", "-1", "+0.5"]]
    assert matrix._repr_html_().count("<tr>") == 3
    assert repr(matrix) == "<SalienceMatrix of 2 targets x 3 tokens>"
