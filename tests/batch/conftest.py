import json

import pyarrow.parquet as pq
import pytest

import tf_salience as tfs

WORDS = ["good", "bad", "soup", "film", "very", "not", "the", "a"]


def make_text(number):
    """A text of 1 to 7 words, by its number."""
    return " ".join(WORDS[(number * 7 + place * 3) % 8] for place in range(1 + number % 7))


@pytest.fixture(scope="session")
def model():
    """A small model of strings, which takes 12 words."""
    import keras

    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((), dtype="string"),
            keras.layers.TextVectorization(vocabulary=WORDS, output_sequence_length=12),
            keras.layers.Embedding(10, 4, mask_zero=True),
            keras.layers.GlobalAveragePooling1D(),
            keras.layers.Dense(2),
        ]
    )


@pytest.fixture(scope="session")
def rows():
    """Forty rows, the even ones with a label."""
    return [
        {"id": f"r{n}", "text": make_text(n), "label": n % 2, "stars": n / 2} for n in range(40)
    ]


@pytest.fixture
def explain(model, tmp_path):
    """Explains into a folder of the test; keywords replace the defaults."""

    def explain(source, folder="out", **changes):
        keywords = {"method": "gradient_dot_input", "shard_rows": 16, "progress": False}
        return tfs.explain_dataset(model, source, tmp_path / folder, **{**keywords, **changes})

    return explain


def read(folder):
    """All rows of a folder, in the order of its shards."""
    return [
        row for path in sorted(folder.glob("*.parquet")) for row in pq.read_table(path).to_pylist()
    ]


def read_errors(folder):
    """The rows that could not be explained."""
    return [
        json.loads(line)
        for path in sorted((folder / "errors").glob("*.jsonl"))
        for line in path.read_text().splitlines()
    ]
