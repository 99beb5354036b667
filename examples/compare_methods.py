"""Three methods side by side: where do they agree?

Gradient norm is the sensitivity of the output to a token's embedding, without a sign. Gradient ·
input multiplies one gradient by the embedding; integrated gradients integrates the gradient from
the baseline to the input, so that its scores sum to the change of the output. What to see: the
three can rank the tokens differently; the sum of scores is the change of the output for integrated
gradients alone.

    python examples/compare_methods.py
"""

import numpy as np
from explain_a_classifier import CLASS_NAMES, trained_classifier

import tf_salience as tfs

TEXTS = [
    "the soup was really good",
    "the soup was not really good",
    "last night the film was never dull",
    "we thought the coffee was awful",
    "they said the view was rather pleasant",
    "the music was not terrible",
]
METHODS = ("gradient_norm", "gradient_dot_input", "integrated_gradients")


def ranks(scores: np.ndarray) -> np.ndarray:
    """Returns the rank of each token by |score|, 0 for the smallest."""
    return np.abs(scores).argsort().argsort()


def rank_agreement(a: np.ndarray, b: np.ndarray) -> float:
    """Returns Spearman's rank correlation of |scores|: 1 for the same order of the tokens."""
    return float(np.corrcoef(ranks(a), ranks(b))[0, 1])


def main() -> None:
    """Explains the same sentences three times and compares."""
    model = trained_classifier()
    explanations = {
        name: tfs.explain(model, TEXTS, name, class_names=CLASS_NAMES) for name in METHODS
    }

    saliences = {name: explanations[name].normalized("l1")[1] for name in METHODS}
    tokens = saliences[METHODS[0]].tokens
    print(f"{'':12}" + "".join(f"{name:>22}" for name in METHODS))
    for position, token in enumerate(tokens):
        cells = "".join(f"{saliences[name].scores[position]:>22.3f}" for name in METHODS)
        print(f"{token:12}{cells}")

    print("\nagreement over all sentences: rank correlation of |scores|, same strongest token")
    for number, a in enumerate(METHODS):
        for b in METHODS[number + 1 :]:
            rows = zip(explanations[a], explanations[b], strict=True)
            pairs = [(x.scores, y.scores) for x, y in rows]
            correlation = np.mean([rank_agreement(x, y) for x, y in pairs])
            same_top = np.mean([np.abs(x).argmax() == np.abs(y).argmax() for x, y in pairs])
            print(f"{a:>22} and {b:22} {correlation:+.2f}   {same_top:.0%}")

    integrated = explanations["integrated_gradients"]
    change = integrated.output - integrated.baseline_output
    print("\nsum of scores / change of the output from baseline to input")
    for name in METHODS[1:]:
        ratios = [salience.scores.sum() for salience in explanations[name]] / change
        print(f"{name:>22}: " + " ".join(f"{ratio:6.2f}" for ratio in ratios))


if __name__ == "__main__":
    main()
