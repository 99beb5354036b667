"""A text model and a model of ids, saved both ways, and pipelines of them."""

import glob
import json
from pathlib import Path

import helpers
import keras
import pytest

import tf_salience as tfs

beam = pytest.importorskip("apache_beam", reason="Apache Beam, the extra `beam`, is not installed")

TEXTS = ["a good film", "not a good film", "film", "not a bad film not a bad film", "bad"]


@pytest.fixture(scope="session")
def text_model():
    keras.utils.set_random_seed(0)
    words = keras.layers.TextVectorization(output_sequence_length=12)
    words.adapt(TEXTS)
    return keras.Sequential(
        [
            keras.Input((), dtype="string", name="text"),
            words,
            keras.layers.Embedding(words.vocabulary_size(), 8, mask_zero=True, name="tokens"),
            keras.layers.GRU(6, activation="tanh"),
            keras.layers.Dense(3),
        ]
    )


@pytest.fixture(scope="session")
def ids_model():
    keras.utils.set_random_seed(1)
    return helpers.weights_alive(helpers.sequential_lstm())


@pytest.fixture(scope="session")
def paths(text_model, ids_model, tmp_path_factory):
    """The `.keras` file and the SavedModel of each model, by name and kind."""
    folder = tmp_path_factory.mktemp("saved")
    result = {}
    for name, model in (("text", text_model), ("ids", ids_model)):
        result[name, "keras"] = folder / f"{name}.keras"
        model.save(result[name, "keras"])
        result[name, "saved_model"] = tfs.export_saved_model(model, folder / name)
    return result


@pytest.fixture
def run(tmp_path):
    """Runs a pipeline; returns the results and errors as JSON values, and the metrics."""

    def run(elements, explain, *options):
        from apache_beam.metrics import MetricsFilter
        from apache_beam.options.pipeline_options import PipelineOptions

        def as_json(element):
            import os  # this runs on a worker

            import tensorflow as tf

            is_keyed = not hasattr(element, "inference")
            key, result = element if is_keyed else (None, element)
            example = result.example
            example = example.decode("latin1") if isinstance(example, bytes) else example
            process = {
                "pid": os.getpid(),
                "threads": tf.config.threading.get_intra_op_parallelism_threads(),
            }
            return json.dumps({"key": key, "example": example, **result.inference, **process})

        pipeline = beam.Pipeline(options=PipelineOptions(list(options)))
        outputs = pipeline | beam.Create(elements) | explain
        explained, errors = outputs if isinstance(outputs, tuple) else (outputs, None)
        (
            explained
            | "Rows" >> beam.Map(as_json)
            | "Write" >> beam.io.WriteToText(str(tmp_path / "rows"))
        )
        if errors is not None:
            (
                errors
                | beam.Map(lambda error: json.dumps([repr(error[0]), error[1]]))
                | ("Write errors" >> beam.io.WriteToText(str(tmp_path / "errors")))
            )
        result = pipeline.run()
        result.wait_until_finish()
        metrics = result.metrics().query(MetricsFilter().with_namespace("tf_salience"))
        return (
            _read(tmp_path / "rows"),
            _read(tmp_path / "errors"),
            {
                metric.key.metric.name: metric.committed
                for metric in [*metrics["counters"], *metrics["distributions"]]
            },
        )

    return run


def _read(prefix):
    texts = [Path(path).read_text("utf-8") for path in glob.glob(f"{prefix}-*")]
    return [json.loads(line) for text in texts for line in text.splitlines()]
