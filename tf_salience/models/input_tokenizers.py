"""`InputTokenizers`: the tokenizer of each input of a model."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import keras

from tf_salience.models.embeddings.forward_pass import Segment
from tf_salience.tokenizers.adapt import adapt, is_vocabulary_dict
from tf_salience.tokenizers.keras_hub import is_tokenizer
from tf_salience.tokenizers.tokenizer import Tokenizer
from tf_salience.utils import validation


@dataclass(frozen=True)
class InputTokenizers:
    """The tokenizer of each input of a model.

    Attributes:
        default: that of inputs without one of their own.
        bare: that of ids whose words are not known: they are shown as numbers.
        by_name: those that the user passes for inputs by name.
        by_vectorizer: those of the model's `TextVectorization` layers, for the ids that they make.
        is_from_user: whether the default is the user's, for all inputs.
    """

    default: Tokenizer
    bare: Tokenizer
    by_name: Mapping[str, Tokenizer]
    by_vectorizer: Mapping[Any, Tokenizer]
    is_from_user: bool

    @classmethod
    def from_arguments(
        cls,
        tokenizer: Any,
        model: keras.Model,
        layers: Sequence[keras.layers.Layer],
        pad_id: int | None,
    ) -> "InputTokenizers":
        """Makes the tokenizers from the arguments of `Explainer`.

        Args:
            tokenizer: as `tokenizers.adapt` takes it; a dict of these, input name to tokenizer; or
                None: those that the model has with it.
            model: the model.
            layers: its layers.
            pad_id: the padding id that the user passes, or None.

        Raises:
            TypeError: for another kind of tokenizer.
            ValueError: for a `TextVectorization` that does not return ids, or has no vocabulary.
        """
        by_vectorizer = {
            layer: adapt(layer, pad_id)
            for layer in layers
            if isinstance(layer, keras.layers.TextVectorization)
            and layer.get_config()["output_mode"] == "int"
        }
        bare = Tokenizer(pad_id=pad_id, pad_id_from_user=pad_id is not None)
        default, by_name = bare, {}
        is_dict = isinstance(tokenizer, dict) and not is_vocabulary_dict(tokenizer)
        if is_dict and tokenizer:
            by_name = {
                _checked_name(name): _of_one_input(adapt(value, pad_id))
                for name, value in tokenizer.items()
            }
        elif tokenizer is not None:
            default = adapt(tokenizer, pad_id)
        elif is_tokenizer(getattr(model, "preprocessor", None)):
            default = adapt(model.preprocessor, pad_id)
        elif len(by_vectorizer) == 1:
            (default,) = by_vectorizer.values()
        is_from_user = tokenizer is not None and not by_name
        return cls(default, bare, by_name, by_vectorizer, is_from_user)

    @property
    def pad_id(self) -> int | None:
        """The id that fills up ragged inputs; that of any input, where they differ not 0."""
        pad_ids = [tokenizer.pad_id for tokenizer in (self.default, *self.by_name.values())]
        known = [pad_id for pad_id in pad_ids if pad_id is not None]
        return max(known, default=None, key=abs)

    def of_input(self, names: Iterable[str]) -> Tokenizer:
        """Returns the tokenizer of an input, by any of its names."""
        return self._named(names) or self.default

    def of_segment(self, segment: Segment, names: Iterable[str]) -> Tokenizer:
        """Returns the tokenizer of a segment's ids: that which made them, as far as is known.

        Args:
            segment: the segment.
            names: its own, and those of its input.
        """
        if segment.vectorizer in self.by_vectorizer:
            return self.by_vectorizer[segment.vectorizer]
        named = self._named(names)
        if named is not None:
            return named
        # Ids that come in are not the work of a layer inside the model.
        is_inside = any(self.default is own for own in self.by_vectorizer.values())
        comes_in = segment.source >= 0 or segment.slice_of is not None
        if is_inside and not self.is_from_user and comes_in:
            return self.bare
        # The table of segment ids, say, is smaller than the vocabulary of the words.
        if self.default.preprocess is not None and not _fits(self.default, segment):
            return self.bare
        return self.default

    def check(self, segments: Sequence[Segment], names: Sequence[Sequence[str]]) -> None:
        """Raises a ValueError where words would be shown that are not those of the ids.

        Args:
            segments: of the model, identified.
            names: of each input, flattened: all names that it goes by.
        """
        known = {name for aliases in names for name in aliases} | {s.name for s in segments}
        unknown = [name for name in self.by_name if name not in known]
        if unknown:
            raise ValueError(
                "`tokenizer` must be a dict of the model's inputs. Received: "
                f"a dict of {validation.format_value(list(self.by_name))}, in which "
                f"{validation.format_value(unknown[0])} is not one of "
                f"{validation.format_value(sorted(known))}."
            )
        for segment in segments:
            if segment.vectorizer in self.by_vectorizer:
                self._check_vectorizer(segment, [segment.name, *names[segment.source]])
            else:
                _check_vocabulary_size(segment)
        if self.is_from_user and self.default.preprocess is None and len(names) > 1:
            _check_one_table(segments)

    def _named(self, names: Iterable[str]) -> Tokenizer | None:
        return next((self.by_name[name] for name in names if name in self.by_name), None)

    def _check_vectorizer(self, segment: Segment, names: Sequence[str]) -> None:
        """Raises where the user passes another vocabulary than that which made the ids."""
        passed = self._named(names) or (self.default if self.is_from_user else None)
        own = segment.tokenizer
        if passed is None or passed is own or list(passed.vocabulary or ()) == own.vocabulary:
            return
        raise ValueError(
            f"The ids of {segment.name!r} are made by the model's own layer "
            f"{segment.vectorizer.name!r}, which has another vocabulary than the `tokenizer`. "
            f"Received: vocabularies of {len(own.vocabulary)} and {len(passed.vocabulary or ())} "
            "tokens. Leave `tokenizer` out, or pass a dict of the inputs that need one."
        )


def _checked_name(name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(
            "The keys of a dict of tokenizers must be names of inputs. Received: the key "
            f"{validation.format_value(name)} (of type {type(name).__name__})"
        )
    return name


def _of_one_input(tokenizer: Tokenizer) -> Tokenizer:
    """Returns a tokenizer for one input; a preprocessor makes all inputs of a model at once."""
    if tokenizer.preprocess is None:
        return tokenizer
    return replace(tokenizer, preprocess=None, to_ids=None)


def _fits(tokenizer: Tokenizer, segment: Segment) -> bool:
    """True if a segment's table, where it has one, has a row for each token."""
    rows = getattr(segment.layer, "input_dim", None)
    return rows is None or rows >= len(tokenizer.vocabulary or ())


def _check_vocabulary_size(segment: Segment) -> None:
    """Raises where the tokenizer makes ids that the table has no rows for."""
    tokenizer = segment.tokenizer
    if tokenizer.preprocess is None and tokenizer.takes_texts and not _fits(tokenizer, segment):
        raise ValueError(
            f"The `tokenizer` has a vocabulary of {len(tokenizer.vocabulary)}, more than the "
            f"{segment.layer.input_dim} rows of the embedding {segment.layer.name!r} of "
            f"{segment.name!r}. Pass the tokenizer that the model was trained with, or a dict of "
            f"the inputs that have one: `tokenizer={{{segment.name!r}: ...}}`."
        )


def _check_one_table(segments: Sequence[Segment]) -> None:
    """Raises where one tokenizer stands for inputs with tables of their own."""
    for first, second in combinations([s for s in segments if s.vectorizer is None], 2):
        one_input = first.source == second.source != -1
        has_words = first.tokenizer.vocabulary is not None
        if has_words and first.layer is not second.layer and not one_input:
            raise ValueError(
                f"{first.name!r} and {second.name!r} have embeddings of their own, "
                f"{first.layer.name!r} and {second.layer.name!r}, so it is not known which words "
                "the ids stand for. Received: one `tokenizer` for both. Pass a dict: "
                f"`tokenizer={{{first.name!r}: ..., {second.name!r}: ...}}`, with the same "
                "tokenizer twice if they share their vocabulary; an input that is left out is "
                "shown as numbers."
            )
