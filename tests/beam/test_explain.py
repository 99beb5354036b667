"""`Explain` on the DirectRunner: rows, keys, errors, counters, batches."""

import numpy as np
import pytest

import tf_salience as tfs
from tf_salience.explanation import records

pytest.importorskip("apache_beam", reason="Apache Beam, the extra `beam`, is not installed")

from tf_salience.beam import Batching, Explain

TEXTS = ["a good film", "not a good film", "film", "not a bad film not a bad film", "bad"]
KINDS = ("keras", "saved_model")
TWO_PROCESSES = ("--direct_running_mode=multi_processing", "--direct_num_workers=2")


def check_rows(rows, expected):
    """Compares rows, sorted by key, with those of the live explainer."""
    assert len(rows) == len(expected)
    for row, expected_row in zip(rows, expected, strict=True):
        assert set(row) - {"key", "example", "pid", "threads"} == set(expected_row)
        scale = np.abs(expected_row["scores"]).max()
        np.testing.assert_allclose(row["scores"], expected_row["scores"], atol=1e-5 * scale)
        for name in ("tokens", "segments", "target_name", "target", "converged", "evaluations"):
            assert row[name] == expected_row[name], name
        assert row["output"] == pytest.approx(expected_row["output"], rel=1e-5)


def by_key(rows):
    return sorted(rows, key=lambda row: row["key"])


@pytest.mark.parametrize("kind", KINDS)
def test_keys_are_kept_and_rows_are_the_explainers(kind, paths, text_model, run):
    rows, _, counters = run(list(enumerate(TEXTS)), Explain(paths["text", kind]))
    expected = records.rows(tfs.explain(text_model, TEXTS))
    check_rows(by_key(rows), expected)
    assert [row["example"] for row in by_key(rows)] == TEXTS
    assert counters["examples"] == len(TEXTS)
    assert counters["evaluations"] == sum(row["evaluations"] for row in expected)
    assert counters["unconverged"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_two_processes_share_the_examples(kind, paths, text_model, run):
    elements = [(number, TEXTS[number % 5]) for number in range(40)]
    rows, _, counters = run(elements, Explain(paths["text", kind], threads=1), *TWO_PROCESSES)
    expected = records.rows(tfs.explain(text_model, TEXTS))
    check_rows(by_key(rows), [expected[number % 5] for number in range(40)])
    assert len({row["pid"] for row in rows}) == 2
    assert {row["threads"] for row in rows} == {1}
    assert counters["examples"] == 40


def test_elements_without_keys(paths, run):
    rows, _, _ = run(TEXTS, Explain(paths["text", "saved_model"]))
    assert sorted(row["example"] for row in rows) == sorted(TEXTS)
    assert all(row["key"] is None for row in rows)


@pytest.mark.parametrize("kind", KINDS)
def test_an_example_that_cannot_be_explained_is_an_error_and_the_others_are_not(kind, paths, run):
    elements = [*enumerate(TEXTS), (98, b"\xff"), (99, [1, [2]])]
    explain = Explain(paths["text", kind]).with_exception_handling()
    rows, errors, counters = run(elements, explain)
    assert [row["key"] for row in by_key(rows)] == list(range(5))
    reasons = dict(errors)
    assert set(reasons) == {repr(element) for element in elements[5:]}
    assert "UnicodeDecodeError" in reasons[repr((98, b"\xff"))]
    assert counters["errors"] == 2


def test_without_exception_handling_an_error_ends_the_pipeline(paths, run):
    with pytest.raises(Exception, match="cannot be explained.*with_exception_handling"):
        run([*enumerate(TEXTS), (98, b"\xff")], Explain(paths["text", "saved_model"]))


@pytest.mark.parametrize("kind", KINDS)
def test_ids_of_several_lengths_and_a_label(kind, paths, ids_model, run):
    examples = [[3, 4, 5], [6, 7], [8, 9, 10], [11, 12]]
    elements = [(number, {"ids": ids, "label": number % 3}) for number, ids in enumerate(examples)]
    rows, _, _ = run(elements, Explain(paths["ids", kind], label="label"))
    for number, (row, ids) in enumerate(zip(by_key(rows), examples, strict=True)):
        expected = tfs.explain(ids_model, np.array([ids]), target=number % 3)
        assert row["target"] == number % 3
        np.testing.assert_allclose(row["scores"], expected[0].scores, rtol=1e-3, atol=1e-6)


def test_unconverged_examples_are_counted(paths, run):
    method = tfs.IntegratedGradients(tolerance=1e-9, max_steps=7)
    rows, _, counters = run(list(enumerate(TEXTS)), Explain(paths["text", "keras"], method))
    assert counters["unconverged"] == sum(row["converged"] is False for row in rows) > 0


@pytest.mark.parametrize("method", ["gradient_norm", tfs.IntegratedGradients(steps=6)])
def test_a_saved_model_with_a_fixed_rule_has_the_columns_of_the_explainer(
    method, text_model, tmp_path, run
):
    folder = tfs.export_saved_model(text_model, tmp_path / "fixed", method=method)
    rows, _, _ = run(list(enumerate(TEXTS)), Explain(folder))
    check_rows(by_key(rows), records.rows(tfs.explain(text_model, TEXTS, method)))


@pytest.mark.parametrize(
    ("batching", "batches"),
    [
        # Sorted by length: the twenty texts of 4 characters, then those of 31.
        (Batching(max_batch_size=8), [8, 8, 8, 8, 8]),
        (Batching(max_batch_weight=100), [20, *[3] * 6, 2]),
        (Batching(batch_length_fn=lambda text: 1, max_batch_weight=16), [15, 15, 10]),
    ],
)
def test_batches_hold_texts_of_like_length(batching, batches, paths, run):
    texts = ["film", "not a bad film not a bad film.."] * 20
    explain = Explain(paths["text", "saved_model"], batching=batching)
    rows, _, metrics = run(list(enumerate(texts)), explain)
    assert len(rows) == 40
    sizes = metrics["inference_request_batch_size"]
    assert (sizes.count, sizes.sum) == (len(batches), sum(batches))
    assert (sizes.max, sizes.min) == (max(batches), min(batches))


def test_examples_of_a_stream_wait_in_buckets_of_lengths(paths, run):
    batching = Batching(max_batch_duration_secs=1, batch_bucket_boundaries=[8])
    texts = ["film", "not a bad film"] * 4
    explain = Explain(paths["text", "saved_model"], batching=batching)
    rows, _, metrics = run(list(enumerate(texts)), explain)
    assert [row["example"] for row in by_key(rows)] == texts
    assert metrics["inference_request_batch_size"].count >= 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"max_batch_size": 0}, "`max_batch_size` must be a positive integer"),
        ({"max_batch_weight": -1}, "`max_batch_weight` must be a positive integer"),
        ({"batch_bucket_boundaries": [8]}, "pass `max_batch_duration_secs` too"),
        ({"max_batch_duration_secs": 1, "max_batch_weight": 9}, "Leave one of them out"),
    ],
)
def test_batching_checks_its_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        Batching(**arguments)


def test_arguments_that_do_not_fit_the_model(paths, text_model, tmp_path):
    with pytest.raises(TypeError, match=r"must be a path .*model\.save"):
        Explain(text_model)
    with pytest.raises(ValueError, match="the folder of a version"):
        Explain(tmp_path)
    with pytest.raises(ValueError, match="as it was exported"):
        Explain(paths["text", "saved_model"], "gradient_norm")
