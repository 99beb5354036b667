import pytest
import tensorflow as tf


class Recorder:
    """A formula of the embeddings that notes every batch on which it is run.

    Attributes:
        batches: arrays, (batch, tokens, dim).
    """

    def __init__(self, formula):
        self._formula = formula
        self.batches = []

    def __call__(self, embeddings):
        noted = tf.numpy_function(self.batches.append, [embeddings], [])
        with tf.control_dependencies([noted]):
            return self._formula(tf.identity(embeddings))


@pytest.fixture
def recorded():
    """Wraps a formula of the embeddings; see `Recorder`."""
    return Recorder
