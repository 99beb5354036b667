"""How accurate are the scores, and how many evaluations does that take?

Integrated gradients is an integral, computed as a sum: more steps, smaller error. What to see: the
error against a very fine reference falls with the steps, at a rate that depends on the rule; the
convergence delta is the error of the sum of all scores, not of each one; `steps="auto"`, the
default, stops when its estimate of the error, which it returns with the scores, is small enough.

    python examples/trust_the_numbers.py
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
]


def main() -> None:
    """Compares fixed and automatic steps with 256 Gauss-Legendre nodes."""
    model = trained_classifier()

    def explain(**keywords: object) -> tfs.Explanation:
        method = tfs.IntegratedGradients(**keywords)
        return tfs.explain(model, TEXTS, method, class_names=CLASS_NAMES)

    reference = explain(steps=256, rule="gauss_legendre").scores

    def report(name: str, explanation: tfs.Explanation) -> None:
        size = np.abs(explanation.scores).sum(axis=1)
        error = np.abs(explanation.scores - reference).sum(axis=1) / np.abs(reference).sum(axis=1)
        delta = np.abs(explanation.convergence_delta) / size
        estimates = explanation.error_estimate
        estimate = "        -" if estimates is None else f"{estimates.max():9.1e}"
        print(
            f"{name:26} {explanation.evaluations.mean():11.1f} {error.max():10.1e} "
            f"{delta.max():9.1e} {estimate}"
        )

    print(f"{'the worst of 5 sentences':26} evaluations true error   |delta|  estimate")
    for steps in (8, 32):
        for rule in ("lit", "trapezoid", "gauss_legendre"):
            report(f"{rule}, {steps} steps", explain(steps=steps, rule=rule))
    for tolerance in (0.05, 0.001):
        report(f"auto, tolerance {tolerance}", explain(tolerance=tolerance))
    print("\nerror, |delta| and estimate are relative to the sum of |scores|")


if __name__ == "__main__":
    main()
