"""Integrated gradients asks: compared with what?

The baseline is the "nothing" that the sentence is compared with, and the scores share out the
difference of the two outputs. What to see: with another baseline the model starts from another
output, so there is another difference to share; a token that is the baseline's own gets exactly 0;
`keep_ids` holds tokens where they are, so that they get 0 and the rest share the difference.

    python examples/choose_a_baseline.py
"""

from explain_a_classifier import CLASS_NAMES, trained_classifier

import tf_salience as tfs

TEXT = "the soup was not really good"


def main() -> None:
    """Explains one sentence against five baselines."""
    model = trained_classifier()
    vocabulary = model.get_layer("words").get_vocabulary()
    keep = [vocabulary.index(word) for word in ("the", "was")]
    choices = {
        "zeros": tfs.IntegratedGradients(),
        "mean": tfs.IntegratedGradients(baseline="mean"),
        "token [UNK]": tfs.IntegratedGradients(baseline="[UNK]"),
        "token 'the'": tfs.IntegratedGradients(baseline="the"),
        "zeros, keep": tfs.IntegratedGradients(keep_ids=keep),
    }
    found = {
        name: tfs.explain(model, TEXT, method, target="negative", class_names=CLASS_NAMES)[0]
        for name, method in choices.items()
    }

    tokens = found["zeros"].tokens
    print(f"{'':12} {'F(baseline)':>11}" + "".join(f"{token:>8}" for token in tokens) + "     sum")
    for name, salience in found.items():
        cells = "".join(f"{score:>8.3f}" for score in salience.scores)
        print(f"{name:12} {salience.baseline_output:>11.3f}{cells}{salience.scores.sum():>8.3f}")
    print(f"\nF(sentence) = {found['zeros'].output:.3f}; each sum is F(sentence) - F(baseline).")
    print("kept tokens: " + ", ".join(vocabulary[token_id] for token_id in keep))


if __name__ == "__main__":
    main()
