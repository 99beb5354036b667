"""Long batches are cut, with a line that says how to see more."""

import numpy as np
import pytest

import tf_salience as tfs
from tf_salience.explanation import views


@pytest.fixture
def batch(make_explanation):
    """A batch of any number of examples of two tokens."""

    def make(count):
        explanation = make_explanation()
        rows = np.zeros(count, int)
        fields = {
            name: value[rows] if isinstance(value, np.ndarray) else value
            for name, value in vars(explanation).items()
        }
        fields |= {"tokens": [["a", "b"]] * count, "target_name": ["positive"] * count}
        return tfs.Explanation(**fields)

    return make


@pytest.mark.parametrize(
    ("sizes", "shown"), [([5] * 3, 3), ([5] * 30, 20), ([3000] * 3, 1), ([9000], 1), ([], 0)]
)
def test_as_many_examples_as_there_is_room_for(sizes, shown):
    assert views.shown_count(sizes, views.TERMINAL) == shown


def test_a_long_batch_is_cut_as_text(batch):
    *shown, rest = str(batch(1_050)).split("\n\n")
    assert len(shown) == 20
    assert rest.startswith("1,030 more of 1,050 examples: explanation[20:40] shows the next")
    assert len(str(batch(20)).split("\n\n")) == 20


def test_a_long_batch_is_cut_in_a_notebook(batch):
    html = batch(60)._repr_html_()
    assert html.count(">a<") == 50
    assert "10 more of 60 examples: explanation[50:60]" in html
    assert html.count("<style>") == 1
    assert "more of" not in batch(50)._repr_html_()


def test_a_large_matrix_is_cut_in_a_notebook(make_explanation):
    count = 200
    rows = make_explanation(
        tokens=[["w"] * count] * count,
        scores=np.ones((count, count), np.float32),
        mask=np.ones((count, count), bool),
        segments={"ids": slice(0, count)},
        converged=np.ones(count, bool),
        **{name: np.ones(count) for name in ("output", "baseline_output", "convergence_delta")},
        target=None,
        target_name=["t"] * count,
        error_estimate=None,
        evaluations=np.ones(count, int),
    )
    html = tfs.SalienceMatrix(["t"] * count, list(range(count)), rows)._repr_html_()
    assert html.count("<td") == 100 * count
    assert "100 more of 200 targets: matrix[100:200]" in html
