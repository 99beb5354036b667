"""A real TensorBoard on loopback shows what was logged, beside what Keras' own callback logs."""

import io
import json
import re
import subprocess
import sys
import time
import urllib.parse
import urllib.request

import keras
import pytest
from PIL import Image
from test_salience_logger import PROBES, fit, model

import tf_salience as tfs

pytest.importorskip("tensorboard", reason="needs TensorBoard, which the extra `tensorboard` brings")

RUN = "validation"
SECONDS = 120


class Board:
    """A TensorBoard that is asked over HTTP."""

    def __init__(self, folder):
        words = ["--logdir", str(folder), "--host", "127.0.0.1", "--port", "0"]
        self._log = (folder / "tensorboard.log").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tensorboard.main", *words, "--reload_interval", "1"],
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        self._log_file = folder / "tensorboard.log"
        self.address = self._wait(lambda: re.search(rb"at (http://\S+?)/? ", self._said())).group(1)

    def _said(self):
        return self._log_file.read_bytes()

    def _wait(self, found):
        until = time.monotonic() + SECONDS
        while not (answer := found()):
            assert self._process.poll() is None, self._said().decode(errors="replace")
            assert time.monotonic() < until, self._said().decode(errors="replace")
            time.sleep(0.2)
        return answer

    def stop(self):
        self._process.terminate()
        self._process.wait(timeout=30)
        self._log.close()

    def raw(self, path, **query):
        address = f"{self.address.decode()}/data/plugin/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(address, timeout=30) as answer:
            return answer.read()

    def ask(self, path, **query):
        return json.loads(self.raw(path, **query))

    def points(self, plugin, tag, count, **query):
        """All points of a tag, once there are so many."""

        def found():
            if tag not in self.ask(f"{plugin}/tags").get(RUN, {}):
                return None
            points = self.ask(f"{plugin}/{plugin}", run=RUN, tag=tag, **query)
            return points if len(points) >= count else None

        return self._wait(found)


@pytest.fixture(scope="module")
def logged(tmp_path_factory):
    folder = tmp_path_factory.mktemp("logs")
    logger = tfs.SalienceLogger(folder, PROBES)
    history = fit(model(), [logger, keras.callbacks.TensorBoard(str(folder))]).history
    board = Board(folder)
    yield board, history, tfs.read_log(folder)
    board.stop()


@pytest.mark.slow
class TestBoard:
    def test_scalars_line_up_with_those_of_keras(self, logged):
        board, history, _ = logged
        ours = board.points("scalars", "salience/entropy", 3)
        theirs = board.points("scalars", "evaluation_loss_vs_iterations", 3)
        assert [step for _, step, _ in ours] == [step for _, step, _ in theirs] == [4, 8, 12]
        found = [value for _, _, value in ours]
        assert found == pytest.approx(history["val_salience_entropy"], rel=1e-6)

    def test_text_is_a_table_of_tokens(self, logged):
        board, _, records = logged
        points = board.points("text", "salience/probe_1/tokens", 3)
        assert [point["step"] for point in points] == [4, 8, 12]
        html = points[-1]["text"]
        assert html.count("<tr>") == 1 + len(records[-3]["tokens"])
        cells = re.findall(r"<td[^>]*>(.*?)</td>", html)
        assert cells[1::4] == records[-3]["tokens"]
        assert [float(cell) for cell in cells[3::4]] == pytest.approx(
            records[-3]["scores"], rel=1e-2
        )

    def test_images_grow_by_a_column_each(self, logged):
        board, _, _ = logged
        points = board.points("images", "salience/probe_0/history", 3, sample=0)
        assert [point["step"] for point in points] == [4, 8, 12]
        pictures = [
            board.raw("images/individualImage", **dict(urllib.parse.parse_qsl(point["query"])))
            for point in points
        ]
        widths = [Image.open(io.BytesIO(picture)).width for picture in pictures]
        assert widths == sorted(widths)
        assert widths[0] < widths[-1]

    def test_histograms(self, logged):
        board, _, records = logged
        points = board.points("histograms", "salience/scores", 3)
        counts = sum(bucket[2] for bucket in points[-1][2])
        assert counts == sum(len(record["scores"]) for record in records[-4:])


@pytest.mark.slow
def test_points_of_both_callbacks_arrive_while_the_model_trains(tmp_path):
    """Both write into one folder, each its own file: a reader must not leave one of them behind."""
    logger = tfs.SalienceLogger(tmp_path, PROBES)
    keras_own = keras.callbacks.TensorBoard(str(tmp_path), write_graph=False)
    board = None
    seen = []

    class Watch(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            nonlocal board
            board = board or Board(tmp_path)
            seen.append(len(board.points("scalars", "salience/entropy", epoch + 1)))

    try:
        fit(model(), [logger, keras_own, Watch()], epochs=4)
        assert seen == [1, 2, 3, 4]
        assert len(board.points("scalars", "evaluation_loss_vs_iterations", 4)) == 4
    finally:
        if board is not None:
            board.stop()
