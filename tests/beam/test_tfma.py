"""TensorFlow Model Analysis shows the salience of words, a slice at a time."""

import numpy as np
import pytest

import tf_salience as tfs

tfma = pytest.importorskip(
    "tensorflow_model_analysis", reason="TFMA is not installed; `tox -e tfma`"
)

import apache_beam as beam  # noqa: E402
import pyarrow as pa  # noqa: E402
from google.protobuf import text_format  # noqa: E402
from tensorflow_model_analysis.proto import config_pb2  # noqa: E402

from tf_salience.beam import Explain  # noqa: E402
from tf_salience.beam.tfma import AttributionsExtractor, word_scores  # noqa: E402

TEXTS = ["a good film", "not a good film", "bad bad film", "a bad film not a good film"]
GENRES = ["drama", "comedy", "drama", "comedy"]
CONFIG = """
    model_specs { label_key: "label" prediction_key: "prediction" }
    slicing_specs {}
    slicing_specs { feature_keys: ["genre"] }
    metrics_specs {
      metrics { class_name: "ExampleCount" }
      metrics { class_name: "TotalAttributions" }
      metrics { class_name: "TotalAbsoluteAttributions" }
      metrics { class_name: "MeanAttributions" }
    }
"""


def expected_totals(model, genre):
    totals = {}
    for salience, text_genre in zip(tfs.explain(model, TEXTS), GENRES, strict=True):
        if genre in (None, text_genre):
            for token, score in zip(salience.tokens, salience.scores, strict=True):
                totals[token] = totals.get(token, 0.0) + float(score)
    return totals


@pytest.mark.parametrize("kind", ["keras", "saved_model"])
def test_mean_attributions_of_each_slice(kind, paths, text_model, tmp_path):
    config = text_format.Parse(CONFIG, config_pb2.EvalConfig())
    batch = pa.RecordBatch.from_pydict(
        {
            "text": [[text.encode()] for text in TEXTS],
            "genre": [[genre.encode()] for genre in GENRES],
            "label": [[1.0]] * 4,
            "prediction": [[0.5]] * 4,
        }
    )
    extractors = tfma.default_extractors(eval_config=config)
    extractors.insert(-1, AttributionsExtractor(Explain(paths["text", kind])))
    with beam.Pipeline() as pipeline:
        (
            pipeline
            | beam.Create([batch])
            | tfma.ExtractEvaluateAndWriteResults(
                eval_config=config, extractors=extractors, output_path=str(tmp_path)
            )
        )
    result = tfma.load_eval_result(str(tmp_path))
    slices = {key[0][1] if key else None for key, _ in result.attributions}
    assert slices == {None, "drama", "comedy"}
    for key, values in result.attributions:
        genre = key[0][1] if key else None
        count = 4 if genre is None else 2
        totals = expected_totals(text_model, genre)
        shown = {
            name: {word: value["doubleValue"] for word, value in words.items()}
            for name, words in values[""][""].items()
        }
        means = {word: total / count for word, total in totals.items()}
        assert shown["total_attributions"] == pytest.approx(totals, abs=1e-6)
        assert shown["mean_attributions"] == pytest.approx(means, abs=1e-6)
        for word, total in totals.items():
            assert shown["total_absolute_attributions"][word] >= abs(total) - 1e-6


def test_pieces_and_repetitions_of_a_word_are_added_up():
    row = {
        "tokens": ["[CLS]", "un", "##happy", "film", "un", "##happy"],
        "words": [-1, 0, 0, 1, 2, 2],
        "scores": [0.5, 1.0, 2.0, 4.0, 8.0, 16.0],
    }
    scores = word_scores(row)
    assert sum(scores.values()) == np.sum(row["scores"])
    assert sorted(scores.values()) == [0.5, 4.0, 27.0]
