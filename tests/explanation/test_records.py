import json
import subprocess
import sys

import numpy as np
import pytest

from tf_salience.explanation import records


def test_a_row_has_the_values_of_its_example(make_explanation):
    explanation = make_explanation()
    first, second = records.rows(explanation)
    assert list(first) == list(records.COLUMNS)
    assert first["tokens"] == ["not", "good"]
    assert first["scores"] == [-0.5, 0.25]
    assert first["words"] is None
    assert second["scores"] == pytest.approx([0.1, 0.2, 0.3])
    salience = explanation[1]
    for name in ("target", "target_name", "output", "baseline_output", "convergence_delta"):
        assert second[name] == getattr(salience, name)
    assert (second["error_estimate"], second["converged"], second["evaluations"]) == (
        0.2,
        False,
        129,
    )


def test_rows_are_plain_values(make_explanation, subwords):
    for explanation in (make_explanation(), subwords):
        rows = records.rows(explanation)
        assert json.loads(json.dumps(rows)) == rows


def test_segments_are_slices_of_the_real_tokens(make_explanation, subwords):
    first, second = (row["segments"] for row in records.rows(make_explanation()))
    assert first == [
        {"name": "first", "start": 0, "stop": 2},
        {"name": "second", "start": 2, "stop": 2},
    ]
    assert [(s["start"], s["stop"]) for s in second] == [(0, 2), (2, 3)]
    parts = records.rows(subwords)[0]["segments"]
    assert [(s["name"], s["start"], s["stop"]) for s in parts] == [("a", 0, 3), ("b", 3, 4)]


def test_what_a_method_does_not_give_is_none(make_explanation):
    explanation = make_explanation(target=None, converged=None, error_estimate=None)
    row = records.rows(explanation)[0]
    assert row["target"] is row["converged"] is row["error_estimate"] is None


def test_the_schema_takes_the_rows_bit_for_bit(make_explanation, subwords):
    pa = pytest.importorskip("pyarrow", reason="pyarrow, the extra `parquet`, is not installed")
    assert tuple(records.schema().names) == records.COLUMNS
    for explanation in (make_explanation(converged=None), subwords):
        rows = records.rows(explanation)
        assert pa.Table.from_pylist(rows, records.schema()).to_pylist() == rows
        table = pa.Table.from_pydict(records.columns(explanation), records.schema())
        assert table.to_pylist() == rows
    scores = table.column("scores")[0].values.to_numpy()
    np.testing.assert_array_equal(scores, subwords[0].scores)


def test_records_need_no_tensorflow():
    code = (
        "import sys; from tf_salience.explanation import records; "
        "assert not {'tensorflow', 'keras', 'pyarrow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
