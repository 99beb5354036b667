"""Workers in processes of their own: what they need, and what happens when one is killed."""

import os
import signal
import subprocess
import sys

import pytest

pytest.importorskip("apache_beam", reason="Apache Beam, the extra `beam`, is not installed")

from tf_salience.beam import Batching, Explain

#: A pool of workers in a process that can import neither Keras nor this library.
POOL = """
import sys
sys.modules["keras"] = sys.modules["tf_salience"] = None
from apache_beam.runners.worker.worker_pool_main import BeamFnExternalWorkerPoolServicer
address, server = BeamFnExternalWorkerPoolServicer.start()
print(address, flush=True)
sys.stdin.read()
"""


def test_a_worker_of_a_saved_model_needs_neither_keras_nor_this_library(paths, run):
    pool = subprocess.Popen(
        [sys.executable, "-c", POOL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        options = (
            "--runner=PortableRunner",
            "--job_endpoint=embed",
            "--environment_type=EXTERNAL",
            f"--environment_config={pool.stdout.readline().strip()}",
        )
        explain = Explain(paths["text", "saved_model"]).with_exception_handling()
        rows, errors, _ = run([(0, "a good film"), (1, b"\xff")], explain, *options)
    finally:
        pool.kill()
    assert [row["tokens"] for row in rows] == [["a", "good", "film"]]
    assert rows[0]["pid"] == pool.pid
    assert "UnicodeDecodeError" in errors[0][1]


@pytest.mark.slow
def test_a_killed_worker_ends_the_job_without_output_and_a_second_run_is_complete(
    paths, run, tmp_path
):
    def kill_once(text):
        mark = tmp_path / "killed"
        if text == "bad" and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return len(text)

    elements = [(number, "a good film") for number in range(30)] + [(30, "bad")]
    explain = Explain(paths["text", "saved_model"], batching=Batching(batch_length_fn=kill_once))
    options = ("--direct_running_mode=multi_processing", "--direct_num_workers=2")
    with pytest.raises(RuntimeError):
        run(elements, explain, *options)
    assert not list(tmp_path.glob("rows-*"))
    rows, _, _ = run(elements, explain, *options)
    assert sorted(row["key"] for row in rows) == list(range(31))
