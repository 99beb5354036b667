"""The targets that an output of a model has, as `inspect` lists them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from tf_salience import targets
from tf_salience.models import nests, trial
from tf_salience.models.embeddings.forward_pass import ForwardPass
from tf_salience.models.text_model import TextModel
from tf_salience.models.trial import Trial

_CONTINUATION = " more"


@dataclass(frozen=True)
class Offer:
    """A target that an output has.

    Attributes:
        source: the target in Python.
        note: on the target; "" for none.
        target: the target itself.
        follows_text: whether it is of a text that follows those of the user.
    """

    source: str
    note: str
    target: Any
    follows_text: bool = False

    def __str__(self) -> str:
        return f"target={self.source}" + (f"  ({self.note})" if self.note else "")


@dataclass(frozen=True)
class OutputTargets:
    """An output of a model and its targets.

    Attributes:
        key: as `Explainer` takes `output`; None for the only output.
        spec: its tensor spec.
        offers: the first is that of the call to copy; [] for an output that has no gradient.
    """

    key: str | int | None
    spec: Any
    offers: Sequence[Offer]


def output_targets(
    model: TextModel, signature: ForwardPass, tried: Trial | None
) -> list[OutputTargets]:
    """Lists the outputs of a model with their targets.

    Args:
        model: the model.
        signature: of the model.
        tried: a run of it, by which targets that it refuses are left out; or None.
    """
    paths = nests.paths(signature.outputs)
    keys = [
        (int(path) if path.isdigit() else path) if len(paths) > 1 else None for path, _ in paths
    ]
    runs = [tried]
    if tried is not None and tried.takes_texts and _predicts_text(model):
        runs.append(trial.on_texts(model, _CONTINUATION))
    outputs = []
    for key, (_, spec) in zip(keys, paths, strict=True):
        listed = _for_shape(model, signature, spec.shape[1:]) if spec.dtype.is_floating else []
        accepted = [offer for offer in listed if _is_accepted(offer, runs, key)]
        # Examples by which nothing is accepted are not what the model takes.
        outputs.append(OutputTargets(key, spec, accepted or listed))
    return outputs


def _predicts_text(model: TextModel) -> bool:
    """True for a language model whose preprocessor puts a prompt and a continuation together."""
    preprocess = model.tokenizer.preprocess
    return preprocess is not None and preprocess.predicts


def _is_accepted(offer: Offer, runs: Sequence[Trial | None], key: str | int | None) -> bool:
    """True if a run accepts a target; without a run none is left out."""
    if offer.follows_text:
        run = runs[1] if len(runs) > 1 else None
        return run is not None and run.accepts(targets.get(offer.target), output=key)
    run = runs[0]
    if run is None:
        return True
    # A masked language model has an output for each id as well, but predicts no next token.
    is_of_another = isinstance(offer.target, targets.Span) and run.sees_later_tokens(output=key)
    return not is_of_another and run.accepts(targets.get(offer.target), output=key)


def _for_shape(
    model: TextModel, signature: ForwardPass, sizes: Sequence[int | None]
) -> list[Offer]:
    """Lists the targets of outputs (batch, *sizes)."""
    if len(sizes) == 0 or list(sizes) == [1]:
        return [
            Offer('"predicted"', "the unit itself", "predicted"),
            Offer("tfs.targets.Probability()", "if the unit is a logit", targets.Probability()),
        ]
    if len(sizes) == 1:
        rest = f"to {sizes[0] - 1}; or a name, with class_names=" if sizes[0] else "or another"
        return [
            Offer('"predicted"', "", "predicted"),
            Offer("0", rest, 0),
            Offer('"label"', "with labels=", "label"),
            Offer("tfs.targets.Margin(0, 1)", "", targets.Margin(0, 1)),
            Offer("tfs.targets.Probability()", "", targets.Probability()),
        ]
    of_tokens = _of_tokens(model, signature, sizes[1]) if len(sizes) == 2 else []
    zeros = ", ".join("0" for _ in sizes)
    source = f"lambda outputs: outputs[:, {zeros}]"
    return [*of_tokens, Offer(source, "any function to (batch,)", _element(len(sizes)))]


def _of_tokens(model: TextModel, signature: ForwardPass, classes: int | None) -> list[Offer]:
    """Lists the targets of outputs (batch, tokens, classes)."""
    is_prepared = model.tokenizer.preprocess is not None
    tables = [getattr(segment.layer, "input_dim", None) for segment in signature.segments]
    position = Offer("tfs.targets.Position(0)", "the first token's tag", targets.Position(0))
    if classes not in tables or (is_prepared and not _predicts_text(model)):
        return [position]
    last = Offer(
        "tfs.targets.Span(start=-1)",
        "the last token; a language model",
        targets.Span(start=-1),
    )
    if not is_prepared:
        return [last, position]
    continuation = Offer(
        f'tfs.targets.Span("{_CONTINUATION}")',
        "a text that follows",
        targets.Span(_CONTINUATION),
        follows_text=True,
    )
    return [continuation, last]


def _element(axes: int) -> Callable[[Any], Any]:
    """Returns a function to the first element of each row's output."""

    def element(outputs: Any) -> Any:
        return tf.convert_to_tensor(outputs)[(slice(None), *[0] * axes)]

    return element
