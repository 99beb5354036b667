"""`KerasExplainer`: explains on a worker that has Keras and this library."""

import itertools
import logging
import threading
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from tf_salience.beam.worker import stack, take_label
from tf_salience.explainer import call_sizes
from tf_salience.explanation import records
from tf_salience.utils.warnings import NotConvergedWarning, TruncatedTextWarning

_logger = logging.getLogger(__name__)

#: With the companion as many as a forward pass has where the user does not say another number.
_EXAMPLES_PER_COMPANION = 31


class KerasExplainer:
    """Explains by an `Explainer` of a model that is loaded here.

    Args:
        path: of the `.keras` file.
        label: the key of the label in the examples; None for another target.
        custom_objects: as `keras.saving.load_model` takes them.
        arguments: of `Explainer`.
    """

    def __init__(
        self,
        path: str,
        *,
        label: str | None,
        custom_objects: Mapping[str, Any] | None,
        arguments: Mapping[str, Any],
    ) -> None:
        import keras

        from tf_salience.explainer.explainer import Explainer

        model = keras.saving.load_model(path, custom_objects=custom_objects, compile=False)
        self._explainer = Explainer(model, **arguments)
        self._label = label
        # By width. Texts are padded to the longest of a call, and each number of tokens is traced:
        # with a text of the whole width among those of a width, graphs are few.
        self._companions: dict[int, list[Any]] = {}
        # Python keeps the filters of warnings for all threads together.
        self._lock = threading.Lock()
        # The counter `unconverged` tells those.
        self._told: set[type[Warning]] = {NotConvergedWarning}

    def __call__(self, examples: Sequence[Any]) -> list[dict[str, Any]]:
        """Returns the row of each example.

        Raises:
            ValueError, TypeError: for examples that the model does not take.
        """
        by_width: dict[int, list[int]] = {}
        for number, example in enumerate(examples):
            by_width.setdefault(call_sizes.width_number(_word_count(example)), []).append(number)
        rows: dict[int, dict[str, Any]] = {}
        for width in sorted(by_width):
            members = [examples[number] for number in by_width[width]]
            explained = self._explain(members, width)
            rows.update(zip(by_width[width], explained, strict=True))
        return [rows[number] for number in range(len(examples))]

    def _explain(self, examples: Sequence[Any], width: int) -> list[dict[str, Any]]:
        """Returns the rows of examples of about one length, or of one shape."""
        if width not in self._companions and _word_count(examples[0]):
            self._companions[width] = self._companion(examples[0], width)
        batch, places = _with_companion(examples, self._companions.get(width, []))
        batch += batch[:1] * (call_sizes.filled_rows(len(batch)) - len(batch))
        explanation, caught = self._call(batch)
        self._tell(caught)
        rows = records.rows(explanation)
        return [rows[place] for place in places]

    def _companion(self, example: Any, width: int) -> list[Any]:
        """Returns an example of the whole width, made of another; none where the model cuts it."""
        import tensorflow as tf

        companion = _stretched(example, call_sizes.width_of(width), self._label)
        try:
            _, caught = self._call([companion])
        except (ValueError, TypeError, tf.errors.OpError):
            return []
        is_cut = any(issubclass(warning.category, TruncatedTextWarning) for warning in caught)
        return [] if is_cut else [companion]

    def _call(self, batch: Sequence[Any]) -> tuple[Any, list[warnings.WarningMessage]]:
        """Returns an explanation and its warnings."""
        labels = None
        if self._label is not None:
            batch, labels = take_label(batch, self._label)
        with self._lock, warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            return self._explainer(stack(batch), labels), caught

    def _tell(self, caught: Sequence[warnings.WarningMessage]) -> None:
        """Logs one warning of each class: of millions of batches each would have its own."""
        for warning in caught:
            if warning.category not in self._told:
                self._told.add(warning.category)
                _logger.warning("%s: %s", warning.category.__name__, warning.message)


def _with_companion(
    examples: Sequence[Any], companion: Sequence[Any]
) -> tuple[list[Any], list[int]]:
    """Returns examples among copies of their companion, and the place of each example.

    An explainer runs a call in ranges of examples, each as wide as its longest text, so there is a
    copy in every range. Examples come sorted by length: without it they would all be of different
    widths.
    """
    batch: list[Any] = []
    places: list[int] = []
    for number, example in enumerate(examples):
        if number % _EXAMPLES_PER_COMPANION == 0:
            batch += companion
        places.append(len(batch))
        batch.append(example)
    return batch, places


def _word_count(example: Any) -> int:
    """Returns the words of the longest text of an example; 0 where there is none."""
    if isinstance(example, dict):
        return max(map(_word_count, example.values()), default=0)
    return len(example.split()) if isinstance(example, str | bytes) else 0


def _stretched(example: Any, words: int, label: str | None) -> Any:
    """Repeats the words of the texts of an example until each has so many."""
    if isinstance(example, dict):
        return {
            name: value if name == label else _stretched(value, words, label)
            for name, value in example.items()
        }
    if not isinstance(example, str | bytes) or not example.split():
        return example
    text = example.decode() if isinstance(example, bytes) else example
    return " ".join(itertools.islice(itertools.cycle(text.split()), words))
