"""TensorBoard summaries, written as records of an event file.

`tf.summary.scalar` and similar functions raise where the package tensorboard is not installed, and
TensorFlow 2.21 does not install it. TensorFlow's own writer of event files ignores a full disk and
a folder that vanished; `tf.io.TFRecordWriter` raises.
"""

import contextlib
import itertools
import os
import socket
import time
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

_BUCKETS = 30
_file_numbers = itertools.count()


class SummaryWriter:
    """Writes the event file of a run; the first summary creates it.

    After an error, or when the file vanished, the next summary creates another.

    Args:
        log_dir: the folder of the run.
    """

    def __init__(self, log_dir: str | PathLike[str]) -> None:
        self._log_dir = Path(log_dir)
        self._file: Path | None = None
        self._writer: Any = None

    def scalar(self, tag: str, value: float, step: int) -> None:
        """Writes a point of a curve."""
        self._write(tag, np.float32(value), step, "scalars", "DATA_CLASS_SCALAR")

    def text(self, tag: str, markdown: str, step: int) -> None:
        """Writes a text in Markdown; TensorBoard renders no HTML in it."""
        self._write(tag, markdown, step, "text", "DATA_CLASS_TENSOR")

    def image(self, tag: str, png: bytes, size: tuple[int, int], step: int) -> None:
        """Writes a PNG image of `size` (width, height)."""
        # An array of bytes would lose zeros at their end.
        values = np.array([*(str(pixels).encode() for pixels in size), png], object)
        self._write(tag, values, step, "images", "DATA_CLASS_BLOB_SEQUENCE")

    def histogram(self, tag: str, values: npt.NDArray[Any], step: int) -> None:
        """Writes the histogram of values, (values,)."""
        counts, edges = np.histogram(np.asarray(values, np.float64), bins=_BUCKETS)
        buckets = np.stack([edges[:-1], edges[1:], counts], axis=1)
        self._write(tag, buckets, step, "histograms", "DATA_CLASS_TENSOR")

    def flush(self) -> None:
        """Flushes the event file, so that readers see every summary."""
        if self._writer is not None:
            self._run(self._writer.flush)

    def close(self) -> None:
        """Closes the event file; a later summary creates a new one."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()

    def _write(self, tag: str, value: Any, step: int, plugin: str, data_class: str) -> None:
        metadata = tf.compat.v1.SummaryMetadata(
            plugin_data={"plugin_name": plugin}, data_class=data_class
        )
        tensor = tf.make_tensor_proto(value)
        summary = tf.compat.v1.Summary.Value(tag=tag, tensor=tensor, metadata=metadata)
        if self._file is None or self._writer is None or not self._file.exists():
            self._open()
        self._write_event(step=step, summary=tf.compat.v1.Summary(value=[summary]))

    def _open(self) -> None:
        self._discard()
        self._log_dir.mkdir(parents=True, exist_ok=True)
        # The same order by name as by time; TensorFlow's own writers have another suffix.
        parts = f"{int(time.time()):010d}.{socket.gethostname()}.{os.getpid()}"
        name = f"events.out.tfevents.{parts}.{next(_file_numbers):04d}.salience.v2"
        self._file = self._log_dir / name
        self._writer = tf.io.TFRecordWriter(str(self._file))
        self._write_event(file_version="brain.Event:2")

    def _write_event(self, **fields: Any) -> None:
        event = tf.compat.v1.Event(wall_time=time.time(), **fields)
        self._run(lambda: self._writer.write(event.SerializeToString()))

    def _run(self, write: Callable[[], None]) -> None:
        """Writes; after an error a part of a record may end the file, so it is given up."""
        try:
            write()
        except Exception:
            self._discard()
            raise

    def _discard(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            # What could not be written before cannot be written now.
            with contextlib.suppress(Exception):
                writer.close()
