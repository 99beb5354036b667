"""Every public name has an example in its docstring, which runs and prints what it shows."""

import docstring_checks
import keras
import numpy as np
import pytest
import tensorflow as tf

import tf_salience as tfs

#: Protocols and records that a user's own target meets, not makes; warnings are caught, not called.
WITHOUT_EXAMPLE = {"Context", "Target", "TokenTarget", "reads_logits"}


def public_objects():
    """The public names and what they stand for."""
    for module in (tfs, tfs.plot, tfs.targets):
        for name in module.__all__:
            value = getattr(module, name)
            is_warning = isinstance(value, type) and issubclass(value, Warning)
            if callable(value) and not is_warning and name not in WITHOUT_EXAMPLE:
                yield f"{module.__name__.rpartition('.')[2]}.{name}", value


def classifier(words):
    """A classifier of texts with two classes, as it is before any training."""
    model = keras.Sequential(
        [
            keras.Input((), dtype="string"),
            words,
            keras.layers.Embedding(words.vocabulary_size(), 16, mask_zero=True, name="tokens"),
            keras.layers.Bidirectional(keras.layers.LSTM(16)),
            keras.layers.Dense(2),
        ],
        name="reviews",
    )
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def of_each_token(words, units, **embedding):
    """A model with one output a token."""
    return keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            keras.layers.Embedding(words.vocabulary_size(), 8, **embedding),
            keras.layers.LSTM(8, return_sequences=True),
            keras.layers.Dense(units),
        ]
    )


@pytest.fixture
def namespace():
    """What the examples of docstrings may use; the reference in `docs/` says so."""
    keras.utils.set_random_seed(0)
    texts = [
        "a good film",
        "a bad film",
        "not a good film",
        "not a bad film",
        "good fun",
        "bad jokes",
    ]
    words = keras.layers.TextVectorization(output_sequence_length=8)
    words.adapt(texts)
    return {
        "keras": keras,
        "np": np,
        "tf": tf,
        "tfs": tfs,
        "texts": texts,
        "labels": np.array([1, 0, 0, 1, 1, 0]),
        "words": words,
        "model": classifier(words),
        "tagger": of_each_token(words, 3, mask_zero=True),
        "language_model": of_each_token(words, words.vocabulary_size()),
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    "value", [pytest.param(value, id=name) for name, value in public_objects()]
)
def test_example(value, namespace, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    docstring_checks.check_examples(value, namespace)


def test_the_reference_has_every_public_name():
    documented = docstring_checks.documented_names("python.md")
    shown = {name for name in tfs.__all__ if not name.endswith("Warning")}
    assert shown - {"__version__", "plot", "targets"} <= documented
    assert {*tfs.plot.__all__} <= documented
