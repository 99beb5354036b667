"""`Pipeline`: what an explainer makes of a model once and keeps, its graphs above all."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras

from tf_salience import targets
from tf_salience.attribution.execution.chunks import ChunkRunner
from tf_salience.attribution.execution.path_batch import PathBatch
from tf_salience.attribution.execution.trimming import PaddingTrimmer
from tf_salience.attribution.methods import Method
from tf_salience.attribution.path import PathGradients
from tf_salience.attribution.result import Attribution
from tf_salience.explainer.forward import ForwardRunner
from tf_salience.explainer.path_batches import PathBatches
from tf_salience.models.embeddings import structure
from tf_salience.models.embeddings.forward_pass import ForwardPass
from tf_salience.models.fingerprint import Fingerprint
from tf_salience.models.input_checks import check_stateless
from tf_salience.models.text_model import TextModel
from tf_salience.utils.arrays import Array


@dataclass
class Pipeline:
    """What an explainer makes of a model once and keeps, its graphs above all.

    Attributes:
        model: the model, with its hook and its tokenizer.
        batches: makes the path batches of a call.
        trimmer: cuts trailing padding off; None to keep it.
        fingerprint: what of the model the graphs have fixed.
        settled_traces: the number of graphs traced when the fingerprint was last settled.
    """

    model: TextModel
    batches: PathBatches
    trimmer: PaddingTrimmer | None
    fingerprint: Fingerprint
    settled_traces: int = 0

    @classmethod
    def build(
        cls,
        model: keras.Model,
        method: Method,
        target: targets.Target,
        *,
        model_arguments: Mapping[str, Any],
        runner_arguments: Mapping[str, Any],
        trims_padding: bool,
        checks_traces: bool,
    ) -> "Pipeline":
        """Builds the pipeline; graphs are traced when they are first needed.

        Args:
            model: a built model.
            method: the method.
            target: the target.
            model_arguments: of `TextModel.from_arguments`.
            runner_arguments: of `ChunkRunner`: `batch_size`, `max_rows`, `jit_compile`.
            trims_padding: whether trailing padding may be cut off.
            checks_traces: whether each call runs an example untraced.

        Raises:
            TypeError: for an argument of another kind.
            ValueError: for an argument that does not fit the model; a stateful model.
        """
        text_model = TextModel.from_arguments(model, **model_arguments)
        fingerprint = Fingerprint(model)
        check_stateless(model)
        score = text_model.score(target)
        runner_arguments = dict(runner_arguments)
        fixed = structure.fixed_batch_size(model)
        if fixed is not None:
            runner_arguments["batch_size"] = fixed
        runner = ChunkRunner(
            PathGradients(text_model.hooked, score, method.reduction),
            **runner_arguments,
            fixed_rows=fixed,
            model_name=model.name,
        )
        forward = ForwardRunner(
            text_model,
            runner_arguments["batch_size"],
            fixed_batch=fixed,
            checks_traces=checks_traces,
        )
        return cls(
            text_model,
            PathBatches(text_model, method, forward, runner),
            PaddingTrimmer() if trims_padding and method.follows_path else None,
            fingerprint,
        )

    def attribute(self, method: Method, forward: ForwardPass, batch: PathBatch) -> Attribution:
        """Runs the method, at the width that the examples need where padding may be cut."""
        # Ids that the model makes of its inputs need not become shorter with them.
        may_cut = all(segment.source >= 0 for segment in forward.segments)
        if self.trimmer is not None and may_cut and len(set(batch.widths)) == 1:
            return self.trimmer.attribute(method, batch)
        return method(batch)

    def target_without(
        self, forward: ForwardPass, batch: PathBatch, example: Array, erased: Array
    ) -> Array:
        """Computes the target with some tokens at their baseline; see `path.Path`."""
        may_cut = all(segment.source >= 0 for segment in forward.segments)
        if self.trimmer is not None and may_cut and len(set(batch.widths)) == 1:
            return self.trimmer.target_without(batch, example, erased)
        return batch.target_without(example, erased)

    def is_stale(self) -> bool:
        """True if the model has changed in what the graphs have fixed."""
        return Fingerprint(self.model.model) != self.fingerprint

    def settle(self) -> None:
        """Accepts plain values that the model's own `call` sets while it is traced: counters."""
        if self.batches.trace_count == self.settled_traces:
            return
        self.settled_traces = self.batches.trace_count
        current = Fingerprint(self.model.model)
        if self.fingerprint.differs_in_values_alone(current):
            self.fingerprint = current
