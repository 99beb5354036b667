import numpy as np

import tf_salience as tfs
from tf_salience.batch.columns import Columns
from tf_salience.batch.explaining import RowExplainer
from tf_salience.data.rows import Row

from .conftest import make_text


class CountingExplainer:
    """An explainer that notes the numbers of rows that it is called with."""

    def __init__(self, model):
        self._explainer = tfs.Explainer(model, "gradient_dot_input")
        self.class_names = None
        self.row_counts = []

    def __call__(self, inputs, labels):
        self.row_counts.append(len(inputs))
        return self._explainer(inputs, labels)


def test_calls_have_few_different_numbers_of_rows(model):
    """TensorFlow keeps kernels for each: memory grew by a third in a job of 200,000 rows."""
    explainer = CountingExplainer(model)
    explain = RowExplainer(explainer, Columns.checked("text", None, ()), {}, cuts_texts=False)
    rows = [Row(str(number), {"text": make_text(number)}) for number in range(100)]
    for count in range(1, 101):
        explained = explain(rows, range(count), lambda problems: None)
        assert explained.places == list(range(count))
    assert max(explainer.row_counts) == 104
    assert len(set(explainer.row_counts)) <= 40
    scores = tfs.explain(model, [row.cells["text"] for row in rows], "gradient_dot_input")
    for row_scores, salience in zip(explained.values["scores"], scores, strict=True):
        np.testing.assert_allclose(row_scores, salience.scores, rtol=1e-4, atol=1e-6)
