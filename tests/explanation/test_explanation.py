import dataclasses
import json

import helpers
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tf_salience as tfs
from tf_salience.explanation import normalization
from tf_salience.visualization import color_scale, html, image, terminal


def explanation(**changes):
    values = {
        "tokens": [["not", "good"], ["<b>", "fine", "film"]],
        "scores": np.array([[-0.5, 0.25, 0.0, 0.0], [0.1, 0.2, 0.3, 0.05]], np.float32),
        "mask": np.array([[True, True, False, False], [True, True, True, False]]),
        "segments": {"first": slice(0, 2), "second": slice(2, 4)},
        "target": np.array([1, 0]),
        "target_name": ["positive", "negative"],
        "output": np.array([0.7, -0.1]),
        "baseline_output": np.array([0.95, -0.75]),
        "convergence_delta": np.array([1e-9, 1 / 3]),
        "error_estimate": np.array([0.001, 0.2]),
        "converged": np.array([True, False]),
        "evaluations": np.array([9, 129]),
        "config": {"method": {"class_name": "integrated_gradients"}, "embeddings": ["words"]},
    }
    return tfs.Explanation(**{**values, **changes})


def check_same(one, other):
    for field in dataclasses.fields(one):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if isinstance(a, np.ndarray):
            assert a.dtype == b.dtype, field.name
            np.testing.assert_array_equal(a, b)
        else:
            assert a == b, field.name


def test_is_a_sequence_of_examples_without_padding():
    batch = explanation()
    assert len(batch) == len(list(batch)) == 2
    assert batch[-1].tokens == ["<b>", "fine", "film"]
    np.testing.assert_array_equal(batch[0].scores, np.float32([-0.5, 0.25]))
    assert batch[1].segments == {"first": slice(0, 2), "second": slice(2, 3)}
    assert batch[0].target == 1
    assert isinstance(batch[0].convergence_delta, float)
    assert batch[0].converged is True
    assert [len(part) for part in (batch[:1], batch[1:], batch[::-1])] == [1, 1, 2]
    with pytest.raises(IndexError):
        batch[2]


@pytest.mark.parametrize("suffix", [".json", ".parquet"])
@pytest.mark.parametrize(
    "changes",
    [{}, dict.fromkeys(["target", "baseline_output", "convergence_delta", "converged"])],
)
def test_saving_and_loading_loses_nothing(tmp_path, suffix, changes):
    path = tmp_path / f"explanation{suffix}"
    before = explanation(**changes)
    before.save(path)
    check_same(tfs.Explanation.load(path), before)
    assert [item.name for item in tmp_path.iterdir()] == [path.name]


def test_a_real_explanation_survives(tmp_path):
    model = helpers.weights_alive(helpers.two_segments())
    inputs = {"premise": helpers.ids(), "hypothesis": helpers.ids(seed=3)}
    before = tfs.explain(model, inputs, tfs.IntegratedGradients(baseline=np.ones(8)))
    for suffix in (".json", ".parquet"):
        before.save(tmp_path / f"real{suffix}")
        after = tfs.Explanation.load(tmp_path / f"real{suffix}")
        check_same(after, before)
        assert after[2].segments == before[2].segments


def test_a_file_that_cannot_be_is_said(tmp_path):
    with pytest.raises(ValueError, match=r"`.json` or `.parquet`. Received: .*'.csv'"):
        explanation().save(tmp_path / "explanation.csv")
    (tmp_path / "other.json").write_text(json.dumps({"some": "thing"}))
    with pytest.raises(ValueError, match="holds no explanation"):
        tfs.Explanation.load(tmp_path / "other.json")
    for suffix in (".json", ".parquet"):
        (tmp_path / f"broken{suffix}").write_text("{")
        with pytest.raises(ValueError, match=r"Not a (JSON|parquet) file"):
            tfs.Explanation.load(tmp_path / f"broken{suffix}")


def test_a_failed_save_leaves_the_old_file(tmp_path):
    path = tmp_path / "explanation.json"
    explanation().save(path)
    before = path.read_text()
    with pytest.raises(ValueError, match="not JSON compliant"):
        explanation(output=np.array([np.nan, 1.0])).save(path)
    assert path.read_text() == before
    assert len(list(tmp_path.iterdir())) == 1


@given(
    hnp.arrays(np.float32, (3, 5), elements=st.floats(-1e3, 1e3, width=32)),
    hnp.arrays(bool, (3, 5)),
    st.sampled_from(normalization.NORMALIZATIONS),
)
def test_normalized_rows_sum_to_one_or_stay_zeros(scores, mask, how):
    factors = normalization.factors(scores, mask, how)
    sizes = np.where(mask, np.abs(scores), 0).astype(np.float64) * factors[:, None]
    total = sizes.sum(1) if how == "l1" else sizes.max(1)
    zero = ~np.where(mask, scores != 0, False).any(axis=1)
    np.testing.assert_allclose(total[~zero], 1, rtol=1e-12)
    assert not total[zero].any()
    assert np.isfinite(factors).all()


def test_normalized():
    batch = explanation().normalized("l1")
    np.testing.assert_allclose(batch[0].scores, [-2 / 3, 1 / 3], rtol=1e-6)
    np.testing.assert_allclose(batch.convergence_delta[1], (1 / 3) / 0.6, rtol=1e-6)
    assert batch.config["normalized"] == "l1"
    with pytest.raises(ValueError, match="Received: how='l3'"):
        explanation().normalized("l3")


class TestViews:
    def test_plain_text_has_signs_and_a_header(self):
        text = str(explanation()[0])
        header, body = text.split("\n")
        assert body == "not(-0.5) good(+0.25)"
        assert header.startswith("positive = 0.7 · baseline 0.95 · integrated_gradients at words")

    def test_colours_in_a_terminal(self, monkeypatch, capsys):
        monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
        monkeypatch.setenv("TERM", "xterm-256color")
        monkeypatch.delenv("NO_COLOR", raising=False)
        text = str(explanation()[0])
        assert "\x1b[" in text
        assert "not" in text

    def test_a_terminal_without_colours_shows_numbers(self, monkeypatch):
        monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
        monkeypatch.setenv("TERM", "dumb")
        assert "good(+0.25)" in str(explanation()[0])

    def test_several_segments_are_set_apart(self):
        assert str(explanation()[1]).endswith("[first] <b>(+0.1) fine(+0.2) [second] film(+0.3)")
        assert explanation()[1].__rich__().plain == "[first] <b> fine [second] film"

    def test_rich_shows_the_strongest_token_in_full_colour(self):
        text = explanation()[0].__rich__()
        assert text.plain == "not good"
        full, half = (span.style.bgcolor.get_truecolor() for span in text.spans)
        assert tuple(full) == color_scale.NEGATIVE
        assert tuple(half) == color_scale.background(0.5)

    def test_html_escapes_tokens(self):
        text = explanation()[1]._repr_html_()
        assert "&lt;b&gt;" in text
        assert "<b>" not in text
        assert html.tokens_html([], []) == ""

    def test_zeros_have_no_colour(self):
        assert terminal.colored(["a", "b"], [0.0, 0.0]).spans == []
        assert color_scale.background(0.0) == (255, 255, 255)

    @given(st.floats(-1, 1))
    def test_text_is_readable_on_its_background(self, share):
        back, fore = color_scale.background(share), color_scale.foreground(share)
        assert abs(sum(back) - sum(fore)) > 200

    @pytest.mark.parametrize("suffix", [".png", ".svg"])
    def test_a_picture(self, tmp_path, suffix):
        row = ("method", ["costs", "$5", "$", "&"] * 12, list(range(48)))
        image.save_image([("costs $5 & more than $4", [row, row])], tmp_path / f"picture{suffix}")
        assert (tmp_path / f"picture{suffix}").stat().st_size > 1000
