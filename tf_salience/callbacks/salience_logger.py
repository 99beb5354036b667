"""`SalienceLogger`: explains the same examples at every evaluation, and logs them."""

import math
import re
from collections.abc import Collection, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import keras

from tf_salience.attribution import methods
from tf_salience.callbacks import arguments, metrics
from tf_salience.callbacks.evaluation import Evaluation
from tf_salience.callbacks.evaluation_log import EvaluationLog
from tf_salience.callbacks.failures import Failures
from tf_salience.callbacks.history import ProbeScores
from tf_salience.callbacks.probe_explainer import ProbeExplainer, ProbeExplanation
from tf_salience.callbacks.probes import collect_probes
from tf_salience.explainer.explainer import Explainer
from tf_salience.utils import validation, warnings


class SalienceLogger(keras.callbacks.Callback):
    """Logs the salience of fixed examples while a model trains and is evaluated.

    Explains the examples, the probes, in `fit` at each validation, or at the end of an epoch
    without one, and in `evaluate`. Every explanation goes to `<log_dir>/<name>.jsonl`, which
    `read_log` reads, and to TensorBoard summaries in `<log_dir>/validation`, the folder and the
    steps of `keras.callbacks.TensorBoard`. The scalars also go into the logs of the epoch, as
    `val_<name>_<scalar>`, for callbacks that come after this one: `EarlyStopping`,
    `ModelCheckpoint`, `CSVLogger`. At the start of `fit` the probes are explained once without
    being logged, so that drift is defined for the first epoch too.

    Training does not change: the weights are the same to the last bit, and so are the random
    numbers. The probes are explained with the weights at this callback's turn: put it after
    callbacks that set the weights (`BackupAndRestore`), and before `SwapEMAWeights`, which swaps
    them back.

    The scalars, each the mean over the probes for which it is defined:

    - `drift_spearman`: 1 - Spearman's rank correlation with the scores of the previous evaluation,
      where the target is still the same.
    - `drift_jaccard`: 1 - |A and B| / |A or B| of the top 20 % of the tokens, previous and current.
    - `entropy`: how evenly |scores| are spread, from 0 (one token has all) to 1.
    - `padding_mass`, `special_mass`: the share of sum |scores| on padding (of padding and real
      tokens), on special tokens (of real tokens).
    - `rationale_share`: for a rationale of k tokens, the fraction of the k top tokens that are in
      it. The top tokens are those with the largest signed scores.
    - `comprehensiveness_over_random`, `sufficiency_over_random` (DeYoung et al. 2020,
      arXiv:1911.03429, section 4.1): the fall of the target when the top 20 % of the tokens are
      erased, or all but these, minus the same for random tokens. In the target's units; an erased
      token has the embedding of the method's baseline. The first is good when it is large, the
      second when it is small.
    - `convergence_delta`: the median |delta|, for integrated gradients.

    Args:
        log_dir: the folder of the logs; may be that of `keras.callbacks.TensorBoard`.
        examples: the probes: texts, arrays, a dict or tuple of them, as `Explainer` takes them, or
            a `tf.data.Dataset` of batches as `fit` takes it. A data set is read once, here: one
            that is shuffled gives other probes every time, and must not be the one for training,
            whose order the reading would change.
        labels: (batch,) class indices or names, for `target="label"`; None: those of the data set.
        rationales: for each probe the words that should decide, as its tokens read, or their
            positions among its tokens.
        method: as `Explainer` takes it.
        every: the interval of logged evaluations; the first evaluation is logged.
        max_examples: the most examples to take from a data set.
        special_tokens: the strings of special tokens; None: the usual ones ([CLS], </s>, ...).
        name: the name of the log and the prefix of its scalars; loggers that share a `log_dir`
            need different names.
        on_error: "warn": a probe that cannot be explained is logged with its error, an evaluation
            that cannot be logged is left out (a full disk), the next is tried again, and the first
            time there is a warning of each; "raise": these errors end the training.
        **keywords: further arguments of `Explainer`: `target`, `tokenizer`, `embeddings`, ...

    Attributes:
        scalars: the scalars of the last logged evaluation.

    Raises:
        TypeError: for an argument of another kind.
        ValueError: for an argument that does not fit; at the start of `fit` or `evaluate` for one
            that does not fit the model.

    Example:
        >>> logger = tfs.SalienceLogger("logs", ["not a good film"], rationales=[["not"]])
        >>> _ = model.fit(tf.constant(texts), labels, verbose=0, callbacks=[logger])
        >>> 0 <= logger.scalars["rationale_share"] <= 1
        True
    """

    def __init__(
        self,
        log_dir: str | PathLike[str],
        examples: Any,
        *,
        labels: Any = None,
        rationales: Sequence[Collection[str | int]] | None = None,
        method: Any = "gradient_dot_input",
        every: int = 1,
        max_examples: int = 64,
        special_tokens: Collection[str] | None = None,
        name: str = "salience",
        on_error: str = "warn",
        **keywords: Any,
    ) -> None:
        super().__init__()
        self._method = methods.get(method)
        self._method_name = methods.serialize(self._method)["class_name"]
        labels, self._target = arguments.resolve_labels(labels, keywords.pop("target", "predicted"))
        # For the few probes XLA saves less time than it takes to compile.
        self._options = {"jit_compile": False, **keywords}
        self._every = validation.positive_integer("every", every)
        max_examples = validation.positive_integer("max_examples", max_examples)
        self._probes = collect_probes(
            examples, labels, rationales, max_examples=max_examples, pad_id=keywords.get("pad_id")
        )
        if special_tokens is None:
            special_tokens = metrics.SPECIAL_TOKENS
        self._special_tokens = arguments.string_set("special_tokens", special_tokens)
        if not isinstance(name, str) or not re.fullmatch(r"\w+", name):
            raise ValueError(
                "`name` must be letters, digits and underscores. "
                f"Received: name={validation.format_value(name)}"
            )
        self._name = name
        validation.check_one_of("on_error", on_error, ("warn", "raise"))
        self._failures = Failures(raise_errors=on_error == "raise")
        self._log = EvaluationLog(Path(log_dir), name, self._failures)
        self._probe_explainer: ProbeExplainer | None = None
        self._log_read = False
        self._previous: dict[int, ProbeScores] = {}
        self._evaluation = 0
        self._scalar_names: set[str] = set()
        # None outside of `fit`.
        self._epoch: int | None = None
        # The scalars for the logs of the epoch; None before its evaluation.
        self._epoch_scalars: dict[str, float] | None = None
        self.scalars: dict[str, float] = {}

    def set_model(self, model: keras.Model) -> None:
        """Resets the state of a `fit` or `evaluate` that may have been interrupted."""
        super().set_model(model)
        self._epoch, self._epoch_scalars = None, None

    def on_train_begin(self, logs: Any = None) -> None:
        """Explains the probes once, as the reference for the drift of the first epoch."""
        self._read_log()
        # A model that its first batch builds has no weights yet.
        if self.model.built:
            self._explain_probes(self._evaluation)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Sets the epoch of the records."""
        self._epoch, self._epoch_scalars = epoch, None

    def on_test_begin(self, logs: Any = None) -> None:
        """Checks that the arguments fit the model, before an evaluation outside of `fit`."""
        self._read_log()
        if self.model.built:
            self._update_explainer()

    def on_test_end(self, logs: Any = None) -> None:
        """Logs an evaluation, inside or outside of `fit`."""
        self._epoch_scalars = self._evaluate()
        if self._epoch is None:
            self._log.close()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Logs an evaluation if there was no validation; adds the scalars to the epoch's logs."""
        if self._epoch_scalars is None:
            self._epoch_scalars = self._evaluate()
        if logs is not None:
            # Keras passes this dict on to later callbacks and to `History`; the one that
            # `on_test_end` receives is a copy.
            logs.update(
                {f"val_{self._name}_{key}": value for key, value in self._epoch_scalars.items()}
            )

    def on_train_end(self, logs: Any = None) -> None:
        """Closes the event file."""
        self._epoch = None
        self._log.close()

    def _read_log(self) -> None:
        """Continues the log of an earlier run."""
        if self._log_read:
            return
        evaluations = self._log.continue_earlier()
        # The log does not tell how many evaluations were skipped after its last one.
        self._evaluation = -(-evaluations // self._every) * self._every
        self._log_read = True

    def _update_explainer(self) -> ProbeExplainer:
        """Makes the explainer at first, and again for another model."""
        current = self._probe_explainer
        if current is not None and current.explainer.model is self.model:
            return current
        with self.model.distribute_strategy.scope():
            explainer = Explainer(self.model, self._method, target=self._target, **self._options)
        explainer.check_target(len(self._probes), self._probes.labels)
        self._previous = {}
        self._probe_explainer = ProbeExplainer(
            explainer,
            self._probes,
            raise_errors=self._failures.raise_errors,
            separable=not arguments.is_per_example(self._method, self._target),
        )
        return self._probe_explainer

    def _evaluate(self) -> dict[str, float]:
        """Logs every `every`-th evaluation; returns its scalars, or {} for a skipped one."""
        number = self._evaluation
        self._evaluation += 1
        if number % self._every:
            return {}
        evaluation = self._explain_probes(number)
        self.scalars = metrics.aggregate(evaluation.metrics.values())
        self._log.write(evaluation, self.scalars)
        # `CSVLogger` needs the same keys at every epoch; NaN never improves for `EarlyStopping`.
        self._scalar_names |= set(self.scalars)
        return {name: self.scalars.get(name, math.nan) for name in sorted(self._scalar_names)}

    def _explain_probes(self, number: int) -> Evaluation:
        """Explains the probes; warns of those that cannot be explained."""
        explanations, errors = self._update_explainer()()
        if errors:
            self._failures.warn_once(
                f"{len(errors)} of {len(self._probes)} probes could not be explained; training "
                f"continues, and {self._log.file} holds each error. "
                f"The first: {next(iter(errors.values()))}",
                warnings.ProbeWarning,
                kind="probes",
            )
        probe_metrics = {
            probe: self._compute_metrics(probe, explanation)
            for probe, explanation in explanations.items()
        }
        shares = {row["rationale_share"] for row in probe_metrics.values()}
        if self._probes.rationales is not None and shares == {None}:
            tokens = next(iter(explanations.values())).salience.tokens
            self._failures.warn_once(
                "No word of `rationales` is among the tokens of its probe, so there is no "
                f"`rationale_share`. The tokens of the first: {validation.format_value(tokens)}",
                warnings.UnknownTokensWarning,
                kind="rationales",
            )
        scores = {probe: self._previous[probe] for probe in explanations}
        return Evaluation(
            number, self._epoch, self._step(), explanations, errors, probe_metrics, scores
        )

    def _compute_metrics(self, probe: int, explanation: ProbeExplanation) -> metrics.Metrics:
        """Computes the metrics of a probe, and keeps its scores for the next evaluation."""
        salience, previous = explanation.salience, self._previous.get(probe)
        current = ProbeScores(
            self._step(),
            self._epoch,
            self._method_name,
            salience.target_name,
            salience.tokens,
            salience.scores,
        )
        self._previous[probe] = current
        if previous is not None and not (
            previous.is_comparable(current) and previous.target_name == current.target_name
        ):
            previous = None
        return metrics.compute(
            explanation,
            None if previous is None else previous.scores,
            self._probes.rationale_mask(probe, salience.tokens),
            self._special_tokens,
        )

    def _step(self) -> int:
        """The step at which `keras.callbacks.TensorBoard` puts an evaluation."""
        optimizer = getattr(self.model, "optimizer", None)
        return self._evaluation if optimizer is None else int(optimizer.iterations.numpy())
