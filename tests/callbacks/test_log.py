import resource
import warnings

import pytest

import tf_salience as tfs
from tf_salience.callbacks import log

RECORDS = [
    {"probe": 0, "tokens": ["gut", "schön", "\u2028 |"]},
    {"probe": 1, "scores": [0.1, -2.0]},
]


def test_records_are_appended_and_read_in_order(tmp_path):
    file = tmp_path / "new" / "salience.jsonl"
    log.append(file, RECORDS[:1])
    log.append(file, RECORDS[1:])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert tfs.read_log(file) == tfs.read_log(tmp_path / "new") == RECORDS


@pytest.mark.parametrize("cut", [1, 5, 30])
def test_an_incomplete_line_is_skipped_and_the_next_is_read(tmp_path, cut):
    file = tmp_path / "salience.jsonl"
    log.append(file, RECORDS)
    file.write_bytes(file.read_bytes()[:-cut])
    log.append(file, RECORDS)
    if cut == 1:
        # A record that lacks only its line break is complete.
        assert tfs.read_log(file) == RECORDS + RECORDS
        return
    with pytest.warns(tfs.DamagedLogWarning, match="1 of the lines .* line 2") as warned:
        assert tfs.read_log(file) == RECORDS[:1] + RECORDS
    assert warned[0].filename == __file__


def test_a_line_that_is_not_a_record_is_skipped(tmp_path):
    file = tmp_path / "salience.jsonl"
    file.write_bytes(b'\n17\n\xff\xfe{"a": 1}\n{"a": 1}\n')
    with pytest.warns(tfs.DamagedLogWarning, match="2 of the lines .* line 2, 3"):
        assert tfs.read_log(file) == [{"a": 1}]


def test_no_log(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"`path` must be.*Received: path=.*other\.jsonl"):
        tfs.read_log(tmp_path, name="other")


def test_numbers_that_json_does_not_have_raise(tmp_path):
    with pytest.raises(ValueError, match="JSON compliant"):
        log.append(tmp_path / "salience.jsonl", [{"score": float("nan")}])


def test_brackets_nested_by_the_thousand_are_no_record(tmp_path):
    file = tmp_path / "salience.jsonl"
    file.write_text("[" * 100_000 + "\n" + '{"a": 1}\n')
    with pytest.warns(tfs.DamagedLogWarning, match="line 1"):
        assert tfs.read_log(file) == [{"a": 1}]


def test_a_full_disk_leaves_the_log_as_it_was(tmp_path):
    file = tmp_path / "salience.jsonl"
    log.append(file, RECORDS)
    before = file.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    # The next record fits by half.
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 5000, limits[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            log.append(file, [{"text": "x" * 10_000}])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert file.read_bytes() == before
    log.append(file, RECORDS)
    assert tfs.read_log(file) == RECORDS + RECORDS
