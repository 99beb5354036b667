"""Three methods side by side: where do they agree?

Gradient norm says how much the output would move if a token moved, and has no sign. Gradient ·
input takes one gradient and multiplies; integrated gradients follows the output from the baseline
to the input, and its scores sum to what the output gained on the way. What to see: the three can
rank the tokens differently; the sum of scores is the change of the output for integrated gradients
alone.

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
    """The rank of each token by the size of its score, 0 for the smallest."""
    return np.abs(scores).argsort().argsort()


def rank_agreement(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's rank correlation: 1 for the same order of tokens, 0 for none in common."""
    return float(np.corrcoef(ranks(a), ranks(b))[0, 1])


def main() -> None:
    """Explains the same sentences three times and compares."""
    model = trained_classifier()
    found = {name: tfs.explain(model, TEXTS, name, class_names=CLASS_NAMES) for name in METHODS}

    first = {name: explanation.normalized("l1")[1] for name, explanation in found.items()}
    tokens = first[METHODS[0]].tokens
    print(f"{'':12}" + "".join(f"{name:>22}" for name in METHODS))
    for position, token in enumerate(tokens):
        cells = "".join(f"{first[name].scores[position]:>22.3f}" for name in METHODS)
        print(f"{token:12}{cells}")

    print("\nagreement over all sentences: rank correlation of |scores|, same strongest token")
    for number, a in enumerate(METHODS):
        for b in METHODS[number + 1 :]:
            pairs = [(x.scores, y.scores) for x, y in zip(found[a], found[b], strict=True)]
            correlation = np.mean([rank_agreement(x, y) for x, y in pairs])
            same = np.mean([np.abs(x).argmax() == np.abs(y).argmax() for x, y in pairs])
            print(f"{a:>22} and {b:22} {correlation:+.2f}   {same:.0%}")

    change = found["integrated_gradients"].output - found["integrated_gradients"].baseline_output
    print("\nsum of scores / change of the output from baseline to input")
    for name in METHODS[1:]:
        share = [one.scores.sum() for one in found[name]] / change
        print(f"{name:>22}: " + " ".join(f"{one:6.2f}" for one in share))


if __name__ == "__main__":
    main()
