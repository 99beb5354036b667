"""`find_shortcuts`: whether methods find shortcuts that a model of the user's own has learnt."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from tf_salience.attribution import methods as all_methods
from tf_salience.data.labelled_texts import LabelledTexts, split_train_test
from tf_salience.evaluation import rankings
from tf_salience.evaluation.shortcuts import KINDS, PlantedTexts, plant_shortcut
from tf_salience.explainer.explainer import Explainer
from tf_salience.explanation import Explanation
from tf_salience.targets import LogProbability, output_units
from tf_salience.utils import validation
from tf_salience.utils.arrays import Array
from tf_salience.utils.text import printable

#: Texts and class indices to a trained model, or to it and arguments of `Explainer`.
Train = Callable[[list[str], Array], Any]

_RIGHT = 0.99
#: How far chance may be from a half, in standard errors, and two models' accuracies apart.
_CHANCE, _APART = 2.6, 0.05
_BATCH = 512


@dataclass(frozen=True)
class ShortcutResult:
    """What came of one kind of shortcut.

    Attributes:
        kind: one of `shortcuts.KINDS`.
        right: the accuracy of the model with the shortcut on test texts that have it.
        control: that of the control on the same texts.
        clean: the accuracies of both on the test texts as they were.
        texts: the number of test texts with the shortcut.
        precision: by method the share of the k top tokens that are planted, of k planted ones: for
            the model with the shortcut and for the control.
        rank: by method the mean rank of the planted tokens, from 1; for both models.
        random: precision and rank that a random ranking has on average.
    """

    kind: str
    right: float
    control: float
    clean: tuple[float, float]
    texts: int
    precision: dict[str, tuple[float, float]]
    rank: dict[str, tuple[float, float]]
    random: tuple[float, float]

    @property
    def gates(self) -> dict[str, bool]:
        """Whether the model is known to use the shortcut, and the control not to.

        The model is right about the texts that have it, the control is at chance there, and both
        are about as good on clean texts.
        """
        chance = _CHANCE * 0.5 / np.sqrt(self.texts)
        return {
            "uses the shortcut": self.right >= _RIGHT,
            "control at chance": bool(abs(self.control - 0.5) <= chance),
            "alike on clean texts": abs(self.clean[0] - self.clean[1]) <= _APART,
        }


@dataclass(frozen=True)
class ShortcutReport:
    """The results of a protocol; prints as tables.

    Attributes:
        results: one for each kind of shortcut.
    """

    results: list[ShortcutResult]

    def __rich__(self) -> Group:
        """Returns the tables, for `rich.print` and rich consoles."""
        parts: list[Any] = []
        for result in self.results:
            gates = " · ".join(
                f"{name}: {'yes' if passed else 'NO'}" for name, passed in result.gates.items()
            )
            parts.append(
                Text(
                    f"{result.kind}: right about {result.right:.1%} of {result.texts} texts with "
                    f"the shortcut, the control about {result.control:.1%}; on clean texts "
                    f"{result.clean[0]:.1%} and {result.clean[1]:.1%}\n{gates}"
                )
            )
            table = Table()
            for number, head in enumerate(
                ("", "precision at k", "of the control", "mean rank", "of the control")
            ):
                table.add_column(head, justify="right" if number else "left")
            for method, precision in result.precision.items():
                rank = result.rank[method]
                table.add_row(
                    printable(method), *(f"{p:.3f}" for p in precision), *(f"{r:.1f}" for r in rank)
                )
            chance = (f"{result.random[0]:.3f}", f"{result.random[1]:.1f}")
            table.add_row("random", chance[0], chance[0], chance[1], chance[1])
            parts.append(table)
        return Group(*parts)

    def __str__(self) -> str:
        console = Console(file=io.StringIO(), width=100, color_system=None, force_terminal=False)
        console.print(self)
        return console.file.getvalue().rstrip()  # type: ignore[attr-defined]


def find_shortcuts(
    train: Train,
    texts: Sequence[str],
    labels: Any,
    *,
    methods: Sequence[Any] = tuple(all_methods.METHODS),
    kinds: Sequence[str] = KINDS,
    share: float = 0.3,
    seed: int = 0,
) -> ShortcutReport:
    """Plants shortcuts, trains the user's own model on them, and asks each method to find them.

    The protocol of Bastings et al. 2022 (arXiv:2111.07367): for each kind of shortcut a model is
    trained on texts of which some have it, and a control on the same texts with their own labels.
    Only where the gates hold is it known which tokens the model uses; see `ShortcutResult.gates`.

    Args:
        train: trains a model: texts, a list of strings, and class indices, (batch,), to a Keras
            model that takes texts, or to it and a dict of arguments for `Explainer` (`tokenizer`,
            `class_names`). Called twice for each kind; it should set its seed.
        texts: (batch,) strings; a fifth is held out.
        labels: (batch,), class indices of two classes.
        methods: as `Explainer` takes them.
        kinds: of `KINDS`.
        share: the share of the texts that get the shortcut.
        seed: of what is held out and of what is planted.

    Returns:
        A `ShortcutReport`.

    Raises:
        ValueError: for texts or labels that do not fit; see `plant_shortcut`.

    Example:
        >>> def train(texts, labels):
        ...     words = keras.layers.TextVectorization()
        ...     words.adapt(texts)
        ...     model = keras.Sequential(
        ...         [
        ...             keras.Input((), dtype="string"),
        ...             words,
        ...             keras.layers.Embedding(words.vocabulary_size(), 8, mask_zero=True),
        ...             keras.layers.GlobalAveragePooling1D(),
        ...             keras.layers.Dense(2),
        ...         ]
        ...     )
        ...     model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        ...     model.fit(tf.constant(texts), labels, verbose=0)
        ...     return model
        >>> report = tfs.find_shortcuts(
        ...     train,
        ...     texts * 20,
        ...     np.tile(labels, 20),
        ...     methods=["occlusion"],
        ...     kinds=["single_token"],
        ... )
        >>> len(report.results)
        1
    """
    data = LabelledTexts(list(texts), np.asarray(labels, np.int64))
    seen, held_out = split_train_test(data, test_share=0.2, seed=seed)
    results = []
    for kind in kinds:
        planted, control, tested = (
            plant_shortcut(
                part.texts, part.labels, kind=kind, share=share, keep_labels=keeps, seed=seed + n
            )
            for n, (part, keeps) in enumerate(((seen, False), (seen, True), (held_out, False)))
        )
        models = [
            _unpacked(train(list(of_kind.texts), of_kind.labels)) for of_kind in (planted, control)
        ]
        results.append(_result(kind, models, methods, tested, held_out))
    return ShortcutReport(results)


def _unpacked(trained: Any) -> tuple[keras.Model, dict[str, Any]]:
    model, arguments = trained if isinstance(trained, tuple) else (trained, {})
    if not isinstance(model, keras.Model):
        raise TypeError(
            "`train` must return a Keras model, or one and a dict of arguments for `Explainer`. "
            f"Received: {validation.format_value(model)} (of type {type(model).__name__})"
        )
    return model, dict(arguments)


def _result(
    kind: str,
    models: Sequence[tuple[keras.Model, Mapping[str, Any]]],
    methods: Sequence[Any],
    tested: PlantedTexts,
    held_out: LabelledTexts,
) -> ShortcutResult:
    """Measures the model with the shortcut and the control, in this order."""
    numbers = tested.shortcuts.tolist()
    texts = [tested.texts[number] for number in numbers]
    labels = tested.labels[numbers]
    planted = [tested.planted[number] for number in numbers]
    clean = [_accuracy(*model, held_out.texts, held_out.labels) for model in models]
    accuracies = [_accuracy(*model, texts, labels) for model in models]
    precision: dict[str, tuple[float, float]] = {}
    rank: dict[str, tuple[float, float]] = {}
    random = (0.0, 0.0)
    for method in methods:
        name = all_methods.serialize(all_methods.get(method))["class_name"]
        by_model = []
        for model, arguments in models:
            explainer = Explainer(model, method, target="label", **_named(model, arguments))
            by_model.append(_placed(explainer(texts, labels).merged(), planted))
        (precision_with, rank_with, random), (precision_of_control, rank_of_control, _) = by_model
        precision[name] = precision_with, precision_of_control
        rank[name] = rank_with, rank_of_control
    return ShortcutResult(
        kind,
        right=accuracies[0],
        control=accuracies[1],
        clean=(clean[0], clean[1]),
        texts=len(texts),
        precision=precision,
        rank=rank,
        random=random,
    )


def _named(model: keras.Model, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the arguments of `Explainer`, with names for the classes of a single unit."""
    shapes = [output.shape for output in getattr(model, "outputs", None) or ()]
    is_single = len(shapes) == 1 and (len(shapes[0]) == 1 or shapes[0][-1] == 1)
    return {**({"class_names": ["0", "1"]} if is_single else {}), **arguments}


def _accuracy(
    model: keras.Model, arguments: Mapping[str, Any], texts: Sequence[str], labels: Any
) -> float:
    """Returns the share of texts that a model is right about."""
    target = LogProbability()
    explainer = Explainer(model, "occlusion", target=target, **_named(model, arguments))
    predicted: list[Array] = []
    for start in range(0, len(texts), _BATCH):
        for part in explainer.erasing(list(texts[start : start + _BATCH])):
            outputs = np.asarray(explainer.select_output(part.forward.outputs))
            is_single = output_units.unit_count(outputs) == 1
            by_unit = (part.batch.outputs > np.log(0.5)).astype(np.int64)
            predicted.append(by_unit if is_single else outputs.argmax(axis=1))
    return float((np.concatenate(predicted) == np.asarray(labels)).mean())


def _placed(
    explanation: Explanation, planted: Sequence[Sequence[str]]
) -> tuple[float, float, tuple[float, float]]:
    """Returns precision at k and mean rank of the planted tokens, and those of random rankings."""
    precisions, ranks, chances, middles = [], [], [], []
    for salience, tokens in zip(explanation, planted, strict=True):
        is_planted = np.array([token in tokens for token in salience.tokens], bool)
        count = int(is_planted.sum())
        if not count:  # cut off with the end of a long text
            continue
        # Of equals as many are before as behind.
        rank = rankings.ranks(-salience.scores)
        order = np.argsort(rank, kind="stable")
        precisions.append(is_planted[order[:count]].mean())
        ranks.append(rank[is_planted].mean())
        chances.append(count / len(rank))
        middles.append((len(rank) + 1) / 2)
    if not ranks:
        raise ValueError(
            "The planted tokens must be words of the tokenizer that `train` makes. Received: a "
            f"model that reads {validation.format_value(explanation.tokens[0])}. Make the "
            "vocabulary from the texts that `train` is called with."
        )
    return (
        float(np.mean(precisions)),
        float(np.mean(ranks)),
        (float(np.mean(chances)), float(np.mean(middles))),
    )
