"""A real TensorBoard on loopback shows the logged salience beside the logs of Keras' callback."""

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
from training import PROBES, compiled_model, fit, summary_values

import tf_salience as tfs
from tf_salience.callbacks.history import ProbeScores, ScoreHistory
from tf_salience.callbacks.tensorboard import TensorBoardWriter
from tf_salience.utils.warnings import NotLoggedWarning

RUN = "validation"
SECONDS = 120


def test_the_images_of_a_long_run_become_rare(tmp_path):
    writer, history = TensorBoardWriter(tmp_path, "salience"), ScoreHistory()
    salience = tfs.explain(compiled_model(), PROBES[:1], "gradient_norm")[0]
    for step in range(200):
        history.append(0, ProbeScores(step, step, "m", "c", salience.tokens, salience.scores))
        writer.write({}, {0: salience}, step)
        writer.draw(history)
    writer.draw(history, at_end=True)
    writer.close()
    steps = [
        step for step, value in summary_values(tmp_path) if value.tag == "salience/probe_0/history"
    ]
    assert steps == [0, 3, 15, 63, 199]


def test_without_matplotlib_all_but_the_pictures_is_logged(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    logger = tfs.SalienceLogger(tmp_path, PROBES, on_error="raise")
    with pytest.warns(NotLoggedWarning, match=r"no pictures.*tf-salience\[plot\]") as warned:
        fit(compiled_model(), [logger], epochs=2)
    assert len([w for w in warned if w.category is NotLoggedWarning]) == 1
    tags = {value.tag for _, value in summary_values(tmp_path / RUN)}
    assert {"salience/entropy", "salience/scores", "salience/probe_0/tokens"} <= tags
    assert not [tag for tag in tags if tag.endswith("history")]


class TensorBoard:
    """A TensorBoard process, queried over HTTP."""

    def __init__(self, folder):
        pytest.importorskip("tensorboard", reason="the extra `tensorboard` is not installed")
        options = ["--logdir", str(folder), "--host", "127.0.0.1", "--port", "0"]
        self._log_file = folder / "tensorboard.log"
        self._log = self._log_file.open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tensorboard.main", *options, "--reload_interval", "1"],
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        match = self._wait(lambda: re.search(rb"at (http://\S+?)/? ", self._log_file.read_bytes()))
        self.address = match.group(1).decode()

    def _wait(self, poll):
        """Polls until there is a result."""
        deadline = time.monotonic() + SECONDS
        while not (result := poll()):
            output = self._log_file.read_text(errors="replace")
            assert self._process.poll() is None, output
            assert time.monotonic() < deadline, output
            time.sleep(0.2)
        return result

    def stop(self):
        self._process.terminate()
        self._process.wait(timeout=30)
        self._log.close()

    def get(self, path, **query):
        address = f"{self.address}/data/plugin/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(address, timeout=30) as response:
            return response.read()

    def get_json(self, path, **query):
        return json.loads(self.get(path, **query))

    def points(self, plugin, tag, count, **query):
        """All points of a tag, once there are at least `count`."""

        def poll():
            if tag not in self.get_json(f"{plugin}/tags").get(RUN, {}):
                return None
            points = self.get_json(f"{plugin}/{plugin}", run=RUN, tag=tag, **query)
            return points if len(points) >= count else None

        return self._wait(poll)


@pytest.fixture(scope="module")
def logged(tmp_path_factory):
    folder = tmp_path_factory.mktemp("logs")
    logger = tfs.SalienceLogger(folder, PROBES)
    history = fit(compiled_model(), [logger, keras.callbacks.TensorBoard(str(folder))]).history
    tensorboard = TensorBoard(folder)
    yield tensorboard, history, tfs.read_log(folder)
    tensorboard.stop()


@pytest.mark.slow
class TestTensorBoard:
    def test_scalars_line_up_with_those_of_keras(self, logged):
        tensorboard, history, _ = logged
        entropy = tensorboard.points("scalars", "salience/entropy", 3)
        loss = tensorboard.points("scalars", "evaluation_loss_vs_iterations", 3)
        assert [step for _, step, _ in entropy] == [step for _, step, _ in loss] == [4, 8, 12]
        values = [value for _, _, value in entropy]
        assert values == pytest.approx(history["val_salience_entropy"], rel=1e-6)

    def test_text_is_a_table_of_tokens(self, logged):
        tensorboard, _, records = logged
        points = tensorboard.points("text", "salience/probe_1/tokens", 3)
        assert [point["step"] for point in points] == [4, 8, 12]
        html = points[-1]["text"]
        assert html.count("<tr>") == 1 + len(records[-3]["tokens"])
        cells = re.findall(r"<td[^>]*>(.*?)</td>", html)
        assert cells[1::4] == records[-3]["tokens"]
        assert [float(cell) for cell in cells[3::4]] == pytest.approx(
            records[-3]["scores"], rel=1e-2
        )

    def test_images_grow_by_a_column_per_evaluation(self, logged):
        tensorboard, _, _ = logged
        points = tensorboard.points("images", "salience/probe_0/history", 2, sample=0)
        assert [point["step"] for point in points] == [4, 12]
        images = [
            tensorboard.get("images/individualImage", **dict(urllib.parse.parse_qsl(query)))
            for query in (point["query"] for point in points)
        ]
        widths = [Image.open(io.BytesIO(image)).width for image in images]
        assert widths == sorted(widths)
        assert widths[0] < widths[-1]

    def test_histograms(self, logged):
        tensorboard, _, records = logged
        points = tensorboard.points("histograms", "salience/scores", 3)
        count = sum(bucket[2] for bucket in points[-1][2])
        assert count == sum(len(record["scores"]) for record in records[-4:])


@pytest.mark.slow
def test_points_of_both_callbacks_arrive_while_the_model_trains(tmp_path):
    """Both callbacks write event files into one folder, and TensorBoard must read on in both."""
    tensorboard = TensorBoard(tmp_path)
    counts = []

    class Count(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            points = tensorboard.points("scalars", "salience/entropy", epoch + 1)
            counts.append(len(points))

    keras_tensorboard = keras.callbacks.TensorBoard(str(tmp_path), write_graph=False)
    callbacks = [tfs.SalienceLogger(tmp_path, PROBES), keras_tensorboard, Count()]
    try:
        fit(compiled_model(), callbacks, epochs=4)
        assert counts == [1, 2, 3, 4]
        assert len(tensorboard.points("scalars", "evaluation_loss_vs_iterations", 4)) == 4
    finally:
        tensorboard.stop()
