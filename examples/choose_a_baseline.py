"""The baseline of integrated gradients: what is the sentence compared with?

The scores are the shares of the tokens in F(sentence) - F(baseline). What to see: another baseline
has another output, so there is another difference to share; a token that the baseline has at the
same place gets exactly 0; tokens of `keep_ids` stay as they are along the path, so they get 0 and
the others share the difference.

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
    saliences = {
        name: tfs.explain(model, TEXT, method, target="negative", class_names=CLASS_NAMES)[0]
        for name, method in choices.items()
    }

    tokens = saliences["zeros"].tokens
    print(f"{'':12} {'F(baseline)':>11}" + "".join(f"{token:>8}" for token in tokens) + "     sum")
    for name, salience in saliences.items():
        cells = "".join(f"{score:>8.3f}" for score in salience.scores)
        print(f"{name:12} {salience.baseline_output:>11.3f}{cells}{salience.scores.sum():>8.3f}")
    print(
        f"\nF(sentence) = {saliences['zeros'].output:.3f}; each sum is F(sentence) - F(baseline)."
    )
    print("kept tokens: " + ", ".join(vocabulary[token_id] for token_id in keep))


if __name__ == "__main__":
    main()
