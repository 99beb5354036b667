"""Event files hold what TensorBoard asks for, written without it."""

import struct
import subprocess
import sys

import numpy as np
import tensorflow as tf

from tf_salience.callbacks.summaries import Summaries


def events(folder):
    """Every summary value in a folder's event files, with its step."""
    found = []
    for file in sorted(folder.glob("events*")):
        for raw in tf.data.TFRecordDataset([str(file)]):
            event = tf.compat.v1.Event.FromString(raw.numpy())
            found += [(event.step, value) for value in event.summary.value]
    return found


def test_each_kind_names_its_plugin(tmp_path):
    summaries = Summaries(tmp_path)
    summaries.scalar("a", 0.25, 3)
    summaries.text("b", "| x |", 4)
    summaries.image("c", b"png", (7, 9), 5)
    summaries.histogram("d", np.arange(60.0), 6)
    summaries.close()
    found = {value.tag: (step, value) for step, value in events(tmp_path)}
    plugins = {tag: value.metadata.plugin_data.plugin_name for tag, (_, value) in found.items()}
    assert plugins == {"a": "scalars", "b": "text", "c": "images", "d": "histograms"}
    assert [found[tag][0] for tag in "abcd"] == [3, 4, 5, 6]
    values = {tag: tf.make_ndarray(value.tensor) for tag, (_, value) in found.items()}
    assert values["a"] == np.float32(0.25)
    assert values["b"].item() == b"| x |"
    assert values["c"].tolist() == [b"7", b"9", b"png"]
    assert values["d"].shape == (30, 3)
    assert values["d"][:, 2].sum() == 60


def test_a_closed_file_is_followed_by_another(tmp_path):
    summaries = Summaries(tmp_path)
    summaries.close()
    assert list(tmp_path.iterdir()) == [], "nothing was written, so there is no file"
    for step in range(2):
        summaries.scalar("a", 1.0, step)
        summaries.close()
    assert [step for step, _ in events(tmp_path)] == [0, 1]


def test_a_users_record_if_is_about_the_users_own(tmp_path):
    with tf.summary.record_if(False):
        summaries = Summaries(tmp_path)
        summaries.scalar("a", 1.0, 0)
        summaries.close()
    assert len(events(tmp_path)) == 1


def test_tensorboard_need_not_be_installed(tmp_path):
    code = f"""
import sys
sys.modules["tensorboard"] = None
from tf_salience.summaries import Summaries
summaries = Summaries({str(tmp_path)!r})
summaries.scalar("a", 0.5, 1)
summaries.close()
import tensorflow as tf
try:
    tf.summary.scalar("a", 0.5, 1)
except Exception as error:
    print(type(error).__name__)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
    )
    # That there is a reason to write without it.
    assert (done.returncode, done.stdout.split()) == (0, ["TBNotInstalledError"]), done.stderr
    assert [step for step, _ in events(tmp_path)] == [1]
    (file,) = tmp_path.iterdir()
    # The first record's length, before anything else: a whole file.
    assert struct.unpack("<Q", file.read_bytes()[:8])[0] > 0
