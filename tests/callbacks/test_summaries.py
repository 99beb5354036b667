"""Event files hold what TensorBoard reads, and are written without it."""

import resource
import shutil
import struct
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from training import summary_values

from tf_salience.callbacks.summaries import SummaryWriter


def test_each_kind_names_its_plugin(tmp_path):
    writer = SummaryWriter(tmp_path)
    writer.scalar("a", 0.25, 3)
    writer.text("b", "| x |", 4)
    writer.image("c", b"\x89png\0", (7, 9), 5)
    writer.histogram("d", np.arange(60.0), 6)
    writer.close()
    points = {value.tag: (step, value) for step, value in summary_values(tmp_path)}
    plugins = {tag: value.metadata.plugin_data.plugin_name for tag, (_, value) in points.items()}
    assert plugins == {"a": "scalars", "b": "text", "c": "images", "d": "histograms"}
    assert [points[tag][0] for tag in "abcd"] == [3, 4, 5, 6]
    values = {tag: tf.make_ndarray(value.tensor) for tag, (_, value) in points.items()}
    assert values["a"] == np.float32(0.25)
    assert values["b"].item() == b"| x |"
    assert values["c"].tolist() == [b"7", b"9", b"\x89png\0"]
    assert values["d"].shape == (30, 3)
    assert values["d"][:, 2].sum() == 60


def test_a_closed_file_is_followed_by_another(tmp_path):
    writer = SummaryWriter(tmp_path)
    writer.close()
    assert list(tmp_path.iterdir()) == [], "nothing was written, so there is no file"
    for step in range(2):
        writer.scalar("a", 1.0, step)
        writer.close()
    assert [step for step, _ in summary_values(tmp_path)] == [0, 1]


def test_a_record_if_of_the_user_does_not_apply(tmp_path):
    with tf.summary.record_if(False):
        writer = SummaryWriter(tmp_path)
        writer.scalar("a", 1.0, 0)
        writer.close()
    assert len(summary_values(tmp_path)) == 1


def test_tensorboard_need_not_be_installed(tmp_path):
    code = f"""
import sys
sys.modules["tensorboard"] = None
from tf_salience.callbacks.summaries import SummaryWriter
writer = SummaryWriter({str(tmp_path)!r})
writer.scalar("a", 0.5, 1)
writer.close()
import tensorflow as tf
try:
    tf.summary.scalar("a", 0.5, 1)
except Exception as error:
    print(type(error).__name__)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
    )
    # `tf.summary.scalar` itself needs the package.
    assert (done.returncode, done.stdout.split()) == (0, ["TBNotInstalledError"]), done.stderr
    assert [step for step, _ in summary_values(tmp_path)] == [1]
    (file,) = tmp_path.iterdir()
    # A whole file starts with the length of its first record.
    assert struct.unpack("<Q", file.read_bytes()[:8])[0] > 0


def write_and_flush(writer, text):
    writer.text("b", text, 1)
    writer.flush()


def test_a_full_disk_is_an_error_and_the_next_summary_has_a_file_of_its_own(tmp_path):
    writer = SummaryWriter(tmp_path)
    writer.scalar("a", 1.0, 0)
    writer.flush()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, limits[1]))
    try:
        with pytest.raises(tf.errors.OpError):
            write_and_flush(writer, "x" * 10_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    writer.scalar("a", 1.0, 2)
    writer.close()
    last = max(tmp_path.glob("events*"))
    assert len(list(tmp_path.iterdir())) == 2
    (event,) = tf.data.TFRecordDataset([str(last)]).skip(1)
    assert tf.compat.v1.Event.FromString(event.numpy()).step == 2


def test_a_folder_that_vanishes_is_made_again(tmp_path):
    writer = SummaryWriter(tmp_path / "run")
    writer.scalar("a", 1.0, 0)
    writer.flush()
    shutil.rmtree(tmp_path / "run")
    writer.scalar("a", 1.0, 1)
    writer.flush()
    assert [step for step, _ in summary_values(tmp_path / "run")] == [1]
