"""A logger over a model that is changed while it trains."""

import helpers
import keras
import numpy as np
from keras import layers, ops

import tf_salience as tfs

IDS = np.array([[3, 4, 5, 6, 7], [8, 9, 1, 2, 3]], np.int32)


def classifier():
    keras.utils.set_random_seed(0)
    ids = keras.Input((None,), dtype="int32")
    hidden = layers.GlobalAveragePooling1D()(layers.Embedding(30, 8)(ids))
    hidden = layers.Dense(8, activation="tanh", name="hidden")(hidden)
    model = helpers.weights_alive(keras.Model(ids, layers.Dense(3)(hidden)))
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


class AddLora(keras.callbacks.Callback):
    """Adds adapters that are not zero at the end of the first epoch."""

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            layer = self.model.get_layer("hidden")
            layer.enable_lora(2)
            layer.lora_kernel_b.assign(ops.ones_like(layer.lora_kernel_b))


def test_adapters_added_during_training_are_felt(tmp_path):
    model = classifier()
    logger = tfs.SalienceLogger(tmp_path, IDS, target=1)
    model.fit(IDS, np.zeros(2), epochs=2, verbose=0, callbacks=[AddLora(), logger])
    last = [record for record in tfs.read_log(tmp_path) if record["epoch"] == 1]
    expected = tfs.explain(model, IDS, "gradient_dot_input", target=1)
    for record, salience in zip(last, expected, strict=True):
        np.testing.assert_allclose(record["scores"], salience.scores, rtol=1e-4, atol=1e-7)
