"""`evaluate`: the explanations of several methods measured in one call."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tf_salience.evaluation import rationales as rationale_masks
from tf_salience.evaluation import sanity
from tf_salience.evaluation.arguments import prepare
from tf_salience.evaluation.collection import Collection
from tf_salience.evaluation.evaluation import Evaluation
from tf_salience.explainer.explainer import Explainer
from tf_salience.models import datasets, nests
from tf_salience.models import labels as model_labels
from tf_salience.utils import arrays

#: Called with the number of examples that are done, and of all.
Progress = Callable[[int, int], None]


def evaluate(
    explainers: Explainer | Sequence[Explainer] | Mapping[str, Explainer],
    inputs: Any,
    labels: Any = None,
    *,
    eraser: Any = "baseline",
    scale: str = "probability",
    rationales: Any = None,
    naopc_beam: int = 0,
    randomization: int = 0,
    seed: int = 0,
    progress: Progress | None = None,
) -> Evaluation:
    """Measures how faithful, and how plausible, the explanations of several methods are.

    All texts with any tokens erased are rows of one compiled forward function. The measures, each
    with a bootstrap 95 % interval over the examples, and the same for random rankings:

    - `comprehensiveness`, `sufficiency` (DeYoung et al. 2020, arXiv:1911.03429, equations 1, 2):
      the fall of the output without the top 5, 10, 20, 50 % of the tokens, and with them alone;
      the mean over the four.
    - `deletion`, `insertion` (Petsiuk et al. 2018, arXiv:1806.07421): the area under the output as
      the top tokens go, and come, one by one.
    - `log_odds` (Shrikumar et al. 2017): log p without the top 20 % - log p; for probabilities.
    - `kendall_tau`: tau-b of the scores and the falls of the output without each token.
    - `naopc` (Edin et al. 2025): the mean fall as the top tokens go, from 0 for the worst order of
      the text to 1 for the best; the figure by which models can be compared.
    - with rationales `auprc`, `token_f1`, `top_1`, `iou_f1` (DeYoung et al. 2020, section 4.2).

    Ties are ranked at random. Special tokens ([CLS]) and padding are never erased. Erased texts
    are unlike those that a model was trained on: train it with word dropout, or fine-tune it with
    masked tokens, before you trust the figures.

    Args:
        explainers: one, several, or a dict of them by name; of one model and one target.
        inputs: as an explainer takes them.
        labels: as an explainer takes them.
        eraser: what an erased token becomes: "baseline", that of the methods with one; any other
            baseline ("zeros", "mean", a token as "[MASK]", its id, an array); or "remove".
        scale: "probability": of the explained class, where the target is one; "target": the
            target as it is explained.
        rationales: for each example the words, positions or (start, stop) characters that should
            decide; an empty one is left out.
        naopc_beam: the width of the beam that bounds NAOPC; 0: no NAOPC.
        randomization: the number of examples that are explained while the weights of a copy of
            the model become random (Adebayo et al. 2018, arXiv:1810.03292); 0: none.
        seed: of random rankings, of ties and of random weights.
        progress: called with the number of examples that are done, and of all.

    Returns:
        An `Evaluation`.

    Raises:
        TypeError: for an argument of another kind.
        ValueError: for explainers of several models or targets, a method given twice, rationales
            that do not fit the texts, no text of two tokens; see the message.

    Example:
        >>> methods = ["gradient_dot_input", "occlusion"]
        >>> explainers = [tfs.Explainer(model, method) for method in methods]
        >>> evaluation = tfs.evaluate(explainers, texts)
        >>> evaluation.measures["comprehensiveness"].means.shape  # both methods and random
        (3,)
    """
    setup = prepare(explainers, eraser=eraser, scale=scale, naopc_beam=naopc_beam)
    if isinstance(inputs, tf.data.Dataset):
        pad_id = setup.eraser.arguments["pad_id"]
        inputs, own_labels = datasets.read(inputs, "inputs", max_examples=None, pad_id=pad_id)
        labels = own_labels if labels is None else labels
    nest = nests.to_arrays(inputs)
    total = nests.batch_size(nest)
    checked = None if rationales is None else rationale_masks.check(rationales, total)
    collection = Collection(setup, checked, np.random.default_rng(seed))
    collection.explain(nest, labels)
    for erasing in setup.erasing(nest, labels):
        collection.measure(erasing)
        if progress is not None:
            progress(int(erasing.numbers[-1]) + 1, total)
    randomized = None
    if randomization:
        numbers = np.arange(min(randomization, total))
        labels = None if labels is None else arrays.take(model_labels.to_arrays(labels), numbers)
        randomized = sanity.check(setup.explainers, arrays.take(nest, numbers), labels, seed=seed)
    return collection.evaluation(randomized)
