"""The blocks of docs/beam.md for Ray, Spark and TFMA, each as a script beside a SavedModel."""

import os
import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import tf_salience as tfs

PAGE = Path(__file__).parent.parent / "docs" / "beam.md"
TEXTS = ["a good film", "not a good film", "a bad film"] * 20


def block(name):
    (text,) = re.findall(rf"^```python {name}\n(.*?)^```$", PAGE.read_text("utf-8"), re.M | re.S)
    return text


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    keras.utils.set_random_seed(0)
    words = keras.layers.TextVectorization(output_sequence_length=16)
    words.adapt(TEXTS)
    model = keras.Sequential(
        [
            keras.Input((), dtype="string", name="text"),
            words,
            keras.layers.Embedding(words.vocabulary_size(), 16, mask_zero=True),
            keras.layers.GRU(16),
            keras.layers.Dense(2),
        ]
    )
    folder = tmp_path_factory.mktemp("engines")
    tfs.export_saved_model(model, folder / "reviews")
    return folder


def run(code, folder):
    environment = {**os.environ, "PYSPARK_PYTHON": sys.executable}
    subprocess.run([sys.executable, "-c", code], cwd=folder, env=environment, check=True)


@pytest.mark.parametrize(("name", "package"), [("ray", "ray"), ("spark", "pyspark")])
def test_an_engine_gives_the_scores_of_the_saved_model(name, package, folder):
    pytest.importorskip(package, reason=f"{package} is not installed; `tox -e engines`")
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.table({"text": TEXTS}), folder / "reviews.parquet")
    run(block(name).replace('"explained"', f'"explained-{name}"'), folder)
    rows = []
    for path in (folder / f"explained-{name}").glob("*.parquet"):
        rows.extend(parquet.read_table(path).to_pylist())
    assert sorted(row["text"] for row in rows) == sorted(TEXTS)
    served = tf.saved_model.load(str(folder / "reviews")).signatures["attributions"]
    expected = dict(zip(TEXTS, served(text=tf.constant(TEXTS))["scores"].numpy(), strict=True))
    for row in rows:
        scores = row.get("salience", row)["scores"]
        np.testing.assert_allclose(scores, expected[row["text"]], rtol=1e-4, atol=1e-6)


def test_the_extractor_for_tfma_is_made(folder):
    pytest.importorskip("tensorflow_model_analysis", reason="TFMA is not installed; `tox -e tfma`")
    run(block("tfma") + "\nassert extractors[-2].stage_name == 'ExtractSalience'", folder)
