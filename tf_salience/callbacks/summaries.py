"""TensorBoard summaries, written by TensorFlow alone.

`tf.summary.scalar` and its kin raise where the package tensorboard is not installed, and TensorFlow
2.21 does not install it. `tf.summary.write` works without it: the tensor goes into the event file
with the name of the plugin that shows it.
"""

from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

_BUCKETS = 30


class SummaryWriter:
    """Writes the event file of a run; the first summary creates it.

    Args:
        log_dir: the folder of the run.
    """

    def __init__(self, log_dir: str | PathLike[str]) -> None:
        self._log_dir = str(log_dir)
        self._writer: Any = None

    def scalar(self, tag: str, value: float, step: int) -> None:
        """Writes a point of a curve."""
        self._write(tag, np.float32(value), step, "scalars", "DATA_CLASS_SCALAR")

    def text(self, tag: str, markdown: str, step: int) -> None:
        """Writes a text in Markdown; TensorBoard renders no HTML in it."""
        self._write(tag, markdown, step, "text", "DATA_CLASS_TENSOR")

    def image(self, tag: str, png: bytes, size: tuple[int, int], step: int) -> None:
        """Writes a PNG image of `size` (width, height)."""
        width, height = size
        self._write(tag, [str(width), str(height), png], step, "images", "DATA_CLASS_BLOB_SEQUENCE")

    def histogram(self, tag: str, values: npt.NDArray[Any], step: int) -> None:
        """Writes the histogram of values, (values,)."""
        counts, edges = np.histogram(np.asarray(values, np.float64), bins=_BUCKETS)
        buckets = np.stack([edges[:-1], edges[1:], counts], axis=1)
        self._write(tag, buckets, step, "histograms", "DATA_CLASS_TENSOR")

    def flush(self) -> None:
        """Flushes the event file, so that readers see every summary."""
        if self._writer is not None:
            self._writer.flush()

    def close(self) -> None:
        """Closes the event file; a later summary creates a new one."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _write(self, tag: str, value: Any, step: int, plugin: str, data_class: str) -> None:
        if self._writer is None:
            self._writer = tf.summary.create_file_writer(self._log_dir)
        metadata = tf.compat.v1.SummaryMetadata(
            plugin_data={"plugin_name": plugin}, data_class=data_class
        )
        # A `record_if` around `fit` is for the user's own summaries.
        with self._writer.as_default(), tf.summary.record_if(True):
            tf.summary.write(tag, tf.constant(value), step=step, metadata=metadata)
