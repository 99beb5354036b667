"""Work (d): what a `SalienceLogger` costs while the demo's model trains.

`python -m benchmarks.watching '{"steps": 1000, "epochs": 4, "probes": 64}'` measures it.
"""

import json
import statistics
import sys
import tempfile
from time import perf_counter
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import tf_salience as tfs
from tf_salience.demo import grammar
from tf_salience.demo.model import CLASSIFIER, text_classifier, token_ids, word_vectorizer

_BATCH = 64
#: Sentences that the model trains on again and again, and those it is validated on.
_TRAINED, _VALIDATED = 6400, 640


class _Timed(tfs.SalienceLogger):
    """Notes how long each evaluation takes, and how many graphs there are after it."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.seconds: list[float] = []
        self.traces: list[int] = []

    def _evaluate(self) -> dict[str, float]:
        start = perf_counter()
        found = super()._evaluate()
        self.seconds.append(perf_counter() - start)
        self.traces.append(self._probe_explainer.explainer.trace_count)
        return found


class _Epochs(keras.callbacks.Callback):
    """Seconds of each epoch, everything in it."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []
        self._start = 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._start = perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.seconds.append(perf_counter() - self._start)


def measure(steps: int, epochs: int, probes: int) -> dict[str, Any]:
    """Seconds of an epoch without the logger's own, the logger's, and their ratio; medians.

    The first epoch, in which everything is traced, is told apart.
    """
    keras.utils.set_random_seed(0)
    made = grammar.make_sentences(_TRAINED + _VALIDATED, seed=0)
    texts, labels = [one.text for one in made], np.array([one.label for one in made])
    vectorizer = word_vectorizer(texts)
    model = text_classifier(vectorizer)
    classifier = model.get_layer(CLASSIFIER)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    classifier.compile(keras.optimizers.Adam(1e-3), loss, metrics=["accuracy"], jit_compile=False)
    ids = token_ids(model, texts)
    found: dict[str, Any] = {"steps": steps, "probes": probes}
    for method in ("gradient_dot_input", "integrated_gradients"):
        with tempfile.TemporaryDirectory() as folder:
            logger = _Timed(folder, texts[-probes:], method=method, tokenizer=vectorizer)
            clock = _Epochs()
            train = tf.data.Dataset.from_tensor_slices((ids[:_TRAINED], labels[:_TRAINED]))
            classifier.fit(
                train.repeat().batch(_BATCH),
                validation_data=(ids[_TRAINED:], labels[_TRAINED:]),
                shuffle=False,
                steps_per_epoch=steps,
                epochs=epochs,
                verbose=0,
                callbacks=[logger, clock],
            )
        own = [epoch - mine for epoch, mine in zip(clock.seconds, logger.seconds, strict=True)]
        found[method] = {
            "epoch_s": statistics.median(own[1:]),
            "logger_s": statistics.median(logger.seconds[1:]),
            "logger_first_s": logger.seconds[0],
            "share": statistics.median(
                mine / epoch for mine, epoch in zip(logger.seconds[1:], own[1:], strict=True)
            ),
            "graphs": logger.traces,
        }
    return found


def main() -> None:
    """Measures what the command line says."""
    print(json.dumps(measure(**json.loads(sys.argv[1]))))


if __name__ == "__main__":
    main()
