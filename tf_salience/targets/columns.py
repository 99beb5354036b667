"""Which column of the model's outputs a class is: by index, by name, by label."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tf_salience.utils import validation

IntArray = npt.NDArray[np.int32]


@dataclass(frozen=True)
class PredictedTokens:
    """The tokens that stand over a model's outputs, if it gives one output a token.

    Attributes:
        ids: (batch, tokens), or None where it is not known that the outputs predict these.
        mask: (batch, tokens), true for real tokens.
        spans: (batch, 2), where the text that is asked for starts and ends; or None.
    """

    ids: Any
    mask: npt.NDArray[np.bool_]
    spans: Any = None

    def ends(self) -> tuple[Any, Any]:
        """The column of each example's first real token, and that after its last: (batch,) both."""
        columns, some = np.arange(self.mask.shape[1]), self.mask.any(axis=1)
        first = np.where(self.mask, columns, len(columns)).min(axis=1)
        return np.where(some, first, 0), np.where(self.mask, columns + 1, 0).max(axis=1)


@dataclass(frozen=True)
class Context:
    """What a target may look at when it decides.

    Attributes:
        outputs: the model's outputs at the input, (batch, classes), (batch, 1) or (batch,).
        examples: (batch,), which of the user's examples these are.
        total: how many examples the user passed.
        labels: (total,) class indices or names, or None.
        class_names: the name of each class, or None.
        activated: whether the model is known to end in a sigmoid or softmax.
        predicted: the tokens that stand over the outputs, or None.
        read: ids to the text that they are, or None.
        token_ids: a text to the ids that it is, or None.
    """

    outputs: Any
    examples: npt.NDArray[Any]
    total: int
    labels: Any = None
    class_names: Sequence[str] | None = None
    activated: bool = False
    predicted: PredictedTokens | None = None
    read: Callable[[Any], str] | None = None
    token_ids: Callable[[str], list[int]] | None = None


def matrix(outputs: Any) -> Any:
    """Outputs as (batch, classes)."""
    if isinstance(outputs, dict | list | tuple):
        raise ValueError(
            "A class can be explained only in a single output of shape (batch, classes). Received: "
            f"a model with {len(outputs)} outputs. Say which with `output=`, its name or number: "
            f"{list(outputs) if isinstance(outputs, dict) else list(range(len(outputs)))}; or pass "
            "a callable `outputs -> (batch,)` as `target`."
        )
    rank = len(outputs.shape)
    if rank == 1:
        return outputs[:, None]
    if rank != 2:
        raise ValueError(
            "A class can be explained only in outputs of shape (batch, classes). Received: outputs "
            f"of shape {tuple(outputs.shape)}. Of a tagger explain one token, `targets.Position`; "
            "of a language model some of its text, `targets.Span`; or pass a callable "
            "`outputs -> (batch,)` as `target`, for instance `lambda outputs: outputs[:, 0, 1]`."
        )
    return outputs


def index(which: Any, classes: int, class_names: Sequence[str] | None, argument: str) -> int:
    """One class, by index or name, as a column of the outputs."""
    if isinstance(which, str):
        if class_names is None:
            raise ValueError(
                f"`{argument}` names a class, so `class_names` must be given. "
                f"Received: {argument}={which!r}, class_names=None"
            )
        validation.check_one_of(argument, which, class_names)
        index = list(class_names).index(which)
        if classes == 1:
            # A single unit scores the last name: the second class of two.
            if index != len(class_names) - 1:
                raise ValueError(
                    f"The model has a single output unit, which scores {class_names[-1]!r}. "
                    f"Received: {argument}={which!r}. Its opposite is a callable: "
                    "`target=lambda outputs: -outputs[:, 0]`."
                )
            return 0
        return index
    if not validation.is_integer(which):
        raise TypeError(
            f"`{argument}` must be a class index or a class name. "
            f"Received: {argument}={which!r} (of type {type(which).__name__})"
        )
    if not 0 <= which < classes:
        raise ValueError(
            f"`{argument}` must be a class index from 0 to {classes - 1}: the model's outputs have "
            f"shape (batch, {classes}). Received: {argument}={which}"
        )
    return int(which)


def labels(context: Context, classes: int) -> IntArray:
    """The labels as columns of the outputs, (batch,)."""
    if context.labels is None:
        raise ValueError(
            "`target='label'` explains the labels, so they must be given: pass `labels=`, one for "
            "each example. Received: labels=None"
        )
    labels = one_each(context.labels, "labels", context)
    if classes == 1:
        # A single unit scores the second of two classes; whichever the label is, it is explained.
        for label in labels.tolist():
            index(label, 2, context.class_names if isinstance(label, str) else None, "labels")
        return np.zeros(len(labels), np.int32)
    found = [index(label, classes, context.class_names, "labels") for label in labels.tolist()]
    return np.array(found, np.int32)


def one_each(values: Any, argument: str, context: Context) -> npt.NDArray[Any]:
    """The values of these examples, from one value for each of the user's: (batch,).

    Raises:
        ValueError: if there are more or fewer values than examples.
    """
    array = np.asarray(values)
    if array.ndim != 1 or len(array) != context.total:
        raise ValueError(
            f"`{argument}` must hold one class an example. Received: {argument} of shape "
            f"{array.shape} for {context.total} examples"
        )
    return array[context.examples]


def class_name(column: Any, context: Context) -> str:
    """The name of one column; a single unit with two names scores the second."""
    single = matrix(context.outputs).shape[1] == 1
    names = context.class_names
    if names is None:
        return "output" if single else f"class {column}"
    return names[-1] if single else names[int(column)]


def check_class_names(class_names: Sequence[str] | None, classes: int) -> None:
    """Raises a ValueError unless every output has a name; a single unit may have two."""
    if class_names is None or len(class_names) == classes:
        return
    if classes == 1 and len(class_names) == 2:
        return
    raise ValueError(
        f"`class_names` must name each of the model's {classes} outputs"
        f"{' (one name, or two for a single unit)' if classes == 1 else ''}. "
        f"Received: class_names={list(class_names)!r}"
    )
