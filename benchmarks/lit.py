"""Integrated gradients of a selection inside LIT: this library's interpreter and LIT's own.

    python -m benchmarks.lit [--sentences 100] [--steps 30] [--warm-up 10] [--rounds 5]

Both run on one `LitModel` of the demo's transformer, on the same held-out sentences, whose
predictions are made beforehand as LIT's server makes them. First calls, which trace graphs, are
shown apart; the calls of the warm-up, in which `jit_compile="auto"` tries XLA, are not timed. The
errors are of the probability, beside 256 Gauss-Legendre nodes. Needs LIT: `tox -e lit` has it.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from lit_nlp.api import dataset as lit_dataset
from lit_nlp.components import gradient_maps

import tf_salience as tfs
from benchmarks.machine import describe
from tf_salience import lit
from tf_salience.data.labelled_texts import LabelledTexts
from tf_salience.demo import grammar
from tf_salience.demo.model import (
    CLASSIFIER,
    VECTORIZER,
    TrainingConfig,
    text_classifier,
    train,
    word_vectorizer,
)

GOAL = 10.0
_TRAINING, _VALIDATION = 2400, 200
_DATASET = lit_dataset.NoneDataset({})


def demo_model(sentences: LabelledTexts) -> keras.Model:
    """Trains the demo's transformer for a few epochs."""
    keras.utils.set_random_seed(0)
    model = text_classifier(word_vectorizer(sentences.texts))
    train(
        model,
        sentences.take(range(_TRAINING)),
        validation=sentences.take(range(_TRAINING, _TRAINING + _VALIDATION)),
        config=TrainingConfig(epochs=4, patience=4, learning_rate=2e-3, dropout=0.0),
        on_epoch=lambda epoch, logs: None,
    )
    return model


def seconds(run: Callable[[], Any]) -> float:
    """The time of one call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def errors(results: list[Any], exact: tfs.Explanation) -> np.ndarray:
    """The relative L1 error of the scores of each sentence."""
    rows = [result["token_grads"].salience for result in results]
    return np.array(
        [
            np.abs(row - salience.scores).sum() / np.abs(salience.scores).sum()
            for row, salience in zip(rows, exact, strict=True)
        ]
    )


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sentences", type=int, default=100)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--warm-up", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    for name, value in describe().items():
        print(f"{name}: {value}")
    count = _TRAINING + _VALIDATION + options.sentences
    made = grammar.make_sentences(count, seed=11)
    labels = np.array([sentence.label for sentence in made])
    sentences = LabelledTexts([sentence.text for sentence in made], labels, grammar.CLASS_NAMES)
    trained = demo_model(sentences)
    # From ids: XLA, which takes no strings, may compile the rows.
    explainer = tfs.Explainer(
        trained.get_layer(CLASSIFIER),
        tokenizer=trained.get_layer(VECTORIZER),
        class_names=list(grammar.CLASS_NAMES),
    )
    model = lit.LitModel(explainer)
    held_out = sentences.take(range(count - options.sentences, count))
    examples = model.dataset(held_out.texts).examples
    outputs = model.predict(examples)
    interpreters = {
        "tf_salience": lit.IntegratedGradients(interpolation_steps=options.steps),
        "tf_salience, compat=True": lit.IntegratedGradients(
            interpolation_steps=options.steps, compat=True
        ),
        "LIT 1.3.1": gradient_maps.IntegratedGradients(interpolation_steps=options.steps),
    }

    def run(name: str) -> Any:
        return interpreters[name].run(examples, model, _DATASET, outputs)

    first = {name: seconds(lambda name=name: run(name)) for name in interpreters}
    for name in list(interpreters)[:2] * options.warm_up:
        run(name)
    times: dict[str, list[float]] = {name: [] for name in interpreters}
    for _ in range(options.rounds):
        for name in interpreters:
            times[name].append(seconds(lambda name=name: run(name)))
    medians = {name: statistics.median(rounds) for name, rounds in times.items()}
    print(f"\n{options.sentences} sentences, {options.steps} steps: seconds, and times ours")
    for name, rounds in times.items():
        print(
            f"  {name:26} first {first[name]:6.2f}, then {medians[name]:6.3f} "
            f"({min(rounds):.3f} - {max(rounds):.3f}), "
            f"{medians[name] / medians['tf_salience']:5.1f}"
        )
    ratio = medians["LIT 1.3.1"] / medians["tf_salience"]
    print(f"  goal: {GOAL:.0f} times faster than LIT: {'met' if ratio >= GOAL else 'MISSED'}")
    _print_errors(explainer, examples, outputs, options.steps)


def _print_errors(
    explainer: tfs.Explainer, examples: list[Any], outputs: list[Any], steps: int
) -> None:
    """Prints how far both rules are from the truth, of the probability."""
    arguments = {**explainer.arguments, "target": tfs.targets.Probability()}
    reference = tfs.IntegratedGradients(steps=256, rule="gauss_legendre")
    exact = tfs.Explainer(**{**arguments, "method": reference})(
        [example["text"] for example in examples]
    )
    model = lit.LitModel(tfs.Explainer(**arguments))
    print("\nrelative L1 error of a sentence's scores, median / worst")
    for name, interpreter in (
        ("tf_salience", lit.IntegratedGradients(interpolation_steps=steps, normalize=False)),
        (
            "LIT 1.3.1",
            gradient_maps.IntegratedGradients(interpolation_steps=steps, normalize=False),
        ),
    ):
        rows = errors(interpreter.run(examples, model, _DATASET, outputs), exact)
        print(f"  {name:26} {np.median(rows):.1e} / {rows.max():.1e}")


if __name__ == "__main__":
    main()
