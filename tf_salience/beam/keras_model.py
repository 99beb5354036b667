"""`KerasExplainer`: explains on a worker that has Keras and this library."""

import logging
import threading
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from tf_salience.beam.worker import stack, take_label
from tf_salience.explanation import records
from tf_salience.utils.warnings import NotConvergedWarning

_logger = logging.getLogger(__name__)


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
        # Python keeps the filters of warnings for all threads together.
        self._lock = threading.Lock()
        # The counter `unconverged` tells those.
        self._told: set[type[Warning]] = {NotConvergedWarning}

    def __call__(self, examples: Sequence[Any]) -> list[dict[str, Any]]:
        """Returns the row of each example.

        Raises:
            ValueError, TypeError: for examples that the model does not take.
        """
        labels = None
        if self._label is not None:
            examples, labels = take_label(examples, self._label)
        with self._lock, warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            rows = records.rows(self._explainer(stack(examples), labels))
            self._tell(caught)
        return rows

    def _tell(self, caught: Sequence[warnings.WarningMessage]) -> None:
        """Logs one warning of each class: of millions of batches each would have its own."""
        for warning in caught:
            if warning.category not in self._told:
                self._told.add(warning.category)
                _logger.warning("%s: %s", warning.category.__name__, warning.message)
