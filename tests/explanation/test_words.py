import numpy as np
import pytest

from tf_salience.explanation import words


def test_special_tokens_have_slices_of_their_own():
    assert words.word_slices([-1, -1, 0, 0, 0, 1, -1]) == [
        slice(0, 1),
        slice(1, 2),
        slice(2, 5),
        slice(5, 6),
        slice(6, 7),
    ]
    assert words.word_slices([]) == []


@pytest.mark.parametrize(
    ("tokens", "word"),
    [
        (["play", "ing"], "playing"),
        (["␣", "soup"], "soup"),
        (["␣"], "␣"),
        (["caf", "<0xC3>", "<0xA9>"], "café"),
        (["<0xC3>", "x"], "<0xC3>x"),
    ],
)
def test_the_string_of_a_word(tokens, word):
    assert words.merge_tokens(tokens, words.word_slices([0] * len(tokens))) == [word]


def test_scores_are_added_up_within_their_segment():
    scores = np.array([[1, 2, 4, 8, 16, 32], [1, 2, 4, 8, 0, 0]], np.float32)
    mask = np.array([[True] * 6, [True, False, True, True, False, False]])
    slices = [words.word_slices([0, 0, 1, 2, 2, -1]), words.word_slices([0, 1, 1])]
    segments = {"a": slice(0, 2), "b": slice(2, 6)}
    merged, merged_mask, merged_segments = words.merge_scores(slices, scores, mask, segments)
    assert merged_segments == {"a": slice(0, 2), "b": slice(2, 5)}
    assert merged.dtype == np.float32
    assert merged.tolist() == [[3, 0, 4, 24, 32], [1, 2, 12, 0, 0]]
    assert merged_mask.astype(int).tolist() == [[1, 0, 1, 1, 1], [1, 0, 1, 0, 0]]


def test_offsets_of_a_word_reach_from_its_first_to_its_last_token():
    slices = words.word_slices([0, 0, 0, 1, -1])
    offsets = [None, (1, 3), (3, 5), None, None]
    assert words.merge_offsets(offsets, slices) == [(1, 5), None, None]


def test_positions_and_parts_of_words():
    slices = words.word_slices([-1, 0, 0, 1, 1, -1])
    assert words.merge_positions(range(6), slices) == [0, 1, 1, 2, 2, 3]
    parts = {"a": slice(0, 3), "b": slice(3, 6)}
    assert words.merge_parts(parts, slices) == {"a": slice(0, 2), "b": slice(2, 4)}
