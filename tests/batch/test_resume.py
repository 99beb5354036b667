"""A job that is killed at any moment, and started again."""

import itertools
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import tf_salience as tfs
from tf_salience.batch.manifest import read_manifest

from .conftest import make_text, read, read_errors

HARNESS = Path(__file__).with_name("kill_harness.py")
KILLS, ROWS = 30, 12_000


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
def test_killed_at_thirty_random_moments(model, tmp_path):
    model.save(tmp_path / "m.keras")
    source, folder = tmp_path / "a.tsv", tmp_path / "out"
    lines = [f"r{n}\t{make_text(n) if n % 200 != 7 else ' '}\n" for n in range(ROWS)]
    source.write_text("id\ttext\n" + "".join(lines))
    process = subprocess.run(
        [sys.executable, HARNESS, tmp_path / "m.keras", source, folder, str(KILLS)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    runs = [json.loads(line) for line in process.stdout.splitlines()]
    assert [run["signal"] for run in runs] == [signal.SIGKILL] * KILLS + [0]
    for earlier, later in itertools.pairwise(runs):
        assert earlier["shards"].items() <= later["shards"].items(), "a shard was made again"
    counts = [len(run["shards"]) for run in runs]
    assert len(set(counts[:-1])) > 5, f"the moments are no test: {counts}"
    assert any(run["left"] for run in runs), "none came while a file was written"
    assert runs[-1]["left"] == []
    rows, errors = read(folder), read_errors(folder)
    numbers = [row["row"] for row in rows] + [error["row"] for error in errors]
    assert sorted(numbers) == list(range(ROWS))
    assert [row["id"] for row in rows] == [f"r{row['row']}" for row in rows]
    whole = tfs.explain_dataset(
        model, source, tmp_path / "whole", method="gradient_dot_input", keep=["id"],
        shard_rows=20, progress=False,
    )  # fmt: skip
    assert read_manifest(folder) == whole, "the manifest has the checksum of each shard"


def test_what_a_killed_job_has_left_is_removed(rows, explain, tmp_path):
    explain(rows)
    folder = tmp_path / "out"
    for name in (".shard-000001.parquet-abc", ".manifest.json-abc"):
        (folder / name).mkdir()
        (folder / name / "half").write_bytes(b"PAR1")
    (folder / "shard-000001.parquet").unlink()
    assert explain(rows).complete
    assert not list(folder.glob(".*"))
    assert pq.read_table(folder / "shard-000001.parquet").num_rows == 16
