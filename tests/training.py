"""A small training run for the tests of the callback, and what it wrote for TensorBoard."""

import helpers
import keras
import numpy as np
import tensorflow as tf
from keras import layers

IDS = helpers.ids(32, seed=3)
LABELS = np.random.default_rng(4).integers(0, helpers.CLASSES, 32)
PROBES = helpers.ids(4, seed=5)


def compiled_model(**options):
    """A convolution (which XLA takes) with dropout, compiled; the same weights every time."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            layers.Input((None,), dtype="int32"),
            layers.Embedding(helpers.VOCABULARY, 8),
            layers.Conv1D(6, 3, padding="same", activation="tanh"),
            layers.Dropout(0.5),
            layers.GlobalAveragePooling1D(),
            layers.Dense(helpers.CLASSES, dtype="float32"),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.05), loss, metrics=["accuracy"], **options)
    return model


def fit(model, callbacks, **options):
    options = {"validation_data": (IDS, LABELS), "epochs": 3, "batch_size": 8, **options}
    return model.fit(IDS, LABELS, verbose=0, callbacks=callbacks, **options)


def summary_values(folder):
    """Every summary value in the event files of a folder, as (step, value)."""
    values = []
    for file in sorted(folder.glob("events*")):
        for record in tf.data.TFRecordDataset([str(file)]):
            event = tf.compat.v1.Event.FromString(record.numpy())
            values += [(event.step, value) for value in event.summary.value]
    return values
