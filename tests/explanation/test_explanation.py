import numpy as np
import pytest


def test_is_a_sequence_of_examples_without_padding(make_explanation):
    explanation = make_explanation()
    assert len(explanation) == len(list(explanation)) == 2
    assert explanation[-1].tokens == ["<b>", "fine", "film"]
    np.testing.assert_array_equal(explanation[0].scores, np.float32([-0.5, 0.25]))
    assert explanation[1].segments == {"first": slice(0, 2), "second": slice(2, 3)}
    assert explanation[0].target == 1
    assert isinstance(explanation[0].convergence_delta, float)
    assert explanation[0].converged is True
    slices = (explanation[:1], explanation[1:], explanation[::-1])
    assert [len(examples) for examples in slices] == [1, 1, 2]
    assert slices[2][0].tokens == explanation[1].tokens
    with pytest.raises(IndexError):
        explanation[2]


def test_optional_fields_of_an_example(make_explanation, subwords):
    names = ["target", "baseline_output", "convergence_delta", "error_estimate", "converged"]
    salience = make_explanation(**dict.fromkeys(names))[1]
    assert [getattr(salience, name) for name in [*names, "words", "offsets"]] == [None] * 7
    assert subwords[0].segments == {"a": slice(0, 3), "b": slice(3, 4)}
    assert subwords[0].words == [-1, 0, 0, 1]
    assert subwords[0].offsets == [None, (0, 4), (4, 7), (8, 12)]


def test_normalized(make_explanation):
    explanation = make_explanation().normalized("l1")
    np.testing.assert_allclose(explanation[0].scores, [-2 / 3, 1 / 3], rtol=1e-6)
    np.testing.assert_allclose(explanation.convergence_delta[1], (1 / 3) / 0.6, rtol=1e-6)
    assert explanation.config["normalized"] == "l1"
    with pytest.raises(ValueError, match="'l1', 'max'.*Received: how='l3'"):
        make_explanation().normalized("l3")


def test_merged(subwords):
    merged = subwords.merged()
    assert merged.tokens == [["[CLS]", "playing", "loud"], []]
    assert merged.words == [[-1, 0, 1], []]
    assert merged.parts == [
        {"a": slice(0, 2), "b": slice(2, 3)},
        {"a": slice(0, 0), "b": slice(0, 0)},
    ]
    assert merged.offsets == [[None, (0, 7), (8, 12)], []]
    np.testing.assert_array_equal(merged[0].scores, np.float32([0.5, 0.75, 2.0]))
    np.testing.assert_array_equal(merged.scores.sum(axis=1), subwords.scores.sum(axis=1))
    assert merged.segments == {"ids": slice(0, 4)}, "the last column is that of the padding"
    assert not merged.mask[:, 3].any()
    assert merged.evaluations is subwords.evaluations


def test_words_are_merged_already(make_explanation):
    explanation = make_explanation()
    assert explanation.merged() is explanation


@pytest.mark.parametrize("form", ["__str__", "__repr__", "_repr_html_"])
def test_every_example_is_shown(make_explanation, subwords, form):
    assert "integrated_gradients" in getattr(make_explanation(), form)()
    assert getattr(subwords, form)(), "an example without tokens can be shown, too"


def test_salience_on_padding_of_each_example(make_explanation, subwords):
    explanation = make_explanation()
    np.testing.assert_allclose(explanation.padding_salience, [0, 0.05], rtol=1e-6)
    np.testing.assert_allclose(explanation.padding_share, [0, 0.05 / 0.65], rtol=1e-6)
    np.testing.assert_allclose(explanation.normalized().padding_share, [0, 0.05 / 0.65], rtol=1e-6)
    np.testing.assert_array_equal(subwords.merged().padding_salience, [0, 0.125])
