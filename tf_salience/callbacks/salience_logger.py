"""`SalienceLogger`: explains the same examples whenever the model is evaluated, and logs them."""

import datetime
import math
import re
from collections.abc import Collection, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import keras

from tf_salience.attribution import methods
from tf_salience.callbacks import arguments, log, metrics
from tf_salience.callbacks.history import Column, History
from tf_salience.callbacks.observer import Failure, Observation, Observer
from tf_salience.callbacks.probes import collect
from tf_salience.callbacks.tensorboard import Board
from tf_salience.explainer.explainer import Explainer
from tf_salience.utils import validation, warnings


class SalienceLogger(keras.callbacks.Callback):
    """Logs where a model looks while it trains and is evaluated.

    Explains a fixed set of examples, the probes, in `fit` at each validation, or at the end of an
    epoch without one, and in `evaluate`. Every explanation goes to `<log_dir>/<name>.jsonl`, which
    `read_log` reads, and to TensorBoard summaries in `<log_dir>/validation`, the folder and the
    steps of `keras.callbacks.TensorBoard`. The scalars are in the epoch's logs too, as
    `val_<name>_<scalar>`, for callbacks that come after this one: `EarlyStopping`,
    `ModelCheckpoint`, `CSVLogger`. At the start of `fit` the probes are explained once without
    being logged, so that the first epoch too has something that it moved from.

    Training is what it would have been: the same weights to the last bit, the same random numbers.
    The weights are looked at as they are when this callback's turn comes: put it after callbacks
    that change them then (`BackupAndRestore`), and before `SwapEMAWeights`, which changes back.

    The scalars, each the mean over the probes that have it:

    - `drift_spearman`: 1 - Spearman's rank correlation with the scores of the evaluation before,
      where the target is still the same.
    - `drift_jaccard`: 1 - |A and B| / |A or B| of the top 20 % of the tokens then and now.
    - `entropy`: how evenly |scores| are spread, 0 (one token has all) to 1.
    - `padding_mass`, `special_mass`: the share of sum |scores| on padding (of padding and real
      tokens), on special tokens (of real tokens).
    - `rationale_share`: of as many top tokens as the rationale has, the share that are in it. The
      top tokens are those that speak most for the target.
    - `comprehensiveness_over_random`, `sufficiency_over_random` (DeYoung et al. 2020,
      arXiv:1911.03429, section 4.1): the fall of the target when the top 20 % of the tokens are
      erased, or all but them, minus the same for random tokens. In the target's units; an erased
      token has the embedding of the method's baseline. The first is good when it is large, the
      second when it is small.
    - `convergence_delta`: the median |delta|, for integrated gradients.

    Args:
        log_dir: the folder of the logs; the one of `keras.callbacks.TensorBoard` will do.
        examples: the probes: texts, arrays, a dict or tuple of them, as `Explainer` takes them, or
            a `tf.data.Dataset` of batches as `fit` takes it. It is read once, here: one that is
            shuffled gives other probes every time, and must not be the one that is trained on,
            whose order the reading would change.
        labels: (batch,) class indices or names, for `target="label"`; those of the data set if
            None.
        rationales: for each probe the words that should decide, as its tokens read, or their places
            among its tokens.
        method: as `Explainer` takes it.
        every: explain at every so-manieth evaluation, the first one included.
        max_examples: how many examples of a data set are taken.
        special_tokens: the strings of special tokens; None: the usual ones ([CLS], </s>, ...).
        name: of the log and its scalars; two loggers of one `log_dir` need two.
        on_error: "warn": a probe that cannot be explained is logged as such, with one warning;
            "raise": it ends the training.
        **keywords: whatever else `Explainer` takes: `target`, `tokenizer`, `embeddings`, ...

    Attributes:
        scalars: those of the last evaluation.

    Raises:
        TypeError: for an argument of another kind.
        ValueError: for an argument that does not fit; at the start of `fit` or `evaluate` for one
            that does not fit the model.
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
        labels, target = arguments.each_by_label(labels, keywords.get("target", "predicted"))
        # The probes are few: XLA would compile in the midst of training, and earn little.
        self._keywords = {"jit_compile": False, **keywords, "target": target}
        self._every = validation.positive_integer("every", every)
        most = validation.positive_integer("max_examples", max_examples)
        self._probes = collect(
            examples, labels, rationales, max_examples=most, pad_id=keywords.get("pad_id")
        )
        self._special = arguments.strings("special_tokens", special_tokens, metrics.SPECIAL_TOKENS)
        if not isinstance(name, str) or not re.fullmatch(r"\w+", name):
            raise ValueError(
                f"`name` must be letters, digits and underscores. Received: name={name!r}"
            )
        self._name = name
        validation.check_one_of("on_error", on_error, ("warn", "raise"))
        self._strict = on_error == "raise"
        self._file = Path(log_dir) / (name + log.SUFFIX)
        self._board = Board(Path(log_dir) / "validation", name)
        self._observer: Observer | None = None
        self._history = History()
        self._opened = False
        self._before: dict[int, Column] = {}
        self._evaluations = 0
        self._warned: set[type[UserWarning]] = set()
        self._names: set[str] = set()
        self._fitting = False
        self._epoch: int | None = None
        # What this epoch's logs get; None: it has not been evaluated yet.
        self._found: dict[str, float] | None = None
        self.scalars: dict[str, float] = {}

    def set_model(self, model: keras.Model) -> None:
        """A new `fit` or `evaluate`; the last one may have been interrupted."""
        super().set_model(model)
        self._fitting, self._epoch, self._found = False, None, None

    def on_train_begin(self, logs: Any = None) -> None:
        """Explains the probes once, for the first epoch to have moved from something."""
        self._fitting = True
        self._open()
        # A model that its first batch is to build has no scores before it.
        if self.model.built:
            self._observed()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Notes the epoch."""
        self._epoch, self._found = epoch, None

    def on_test_begin(self, logs: Any = None) -> None:
        """Reads an earlier run's log, in `evaluate` alone."""
        self._open()

    def on_test_end(self, logs: Any = None) -> None:
        """An evaluation, in `fit` or alone."""
        self._found = self._evaluate()
        if not self._fitting:
            self._board.close(self._history)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """An evaluation where there was no validation; its scalars go into the epoch's logs."""
        if self._found is None:
            self._found = self._evaluate()
        if logs is not None:
            # Keras gives this dict to the callbacks that come after, and to `History`. What
            # `on_test_end` is given is a copy that nobody else sees.
            logs.update({f"val_{self._name}_{key}": one for key, one in self._found.items()})

    def on_train_end(self, logs: Any = None) -> None:
        """Ends the event file."""
        self._fitting, self._epoch = False, None
        self._board.close(self._history)

    def _open(self) -> None:
        """Goes on with the log of an earlier run, and makes the explainer where it can be made."""
        if not self._opened:
            self._opened = True
            records = log.read_log(self._file) if self._file.is_file() else []
            self._history = History(records)
            done = 1 + max((one["evaluation"] for one in records), default=-1)
            # The next one is its turn: those that were passed over have left no trace.
            self._evaluations = -(-done // self._every) * self._every
            self._file.parent.mkdir(parents=True, exist_ok=True)
        known = self._observer
        if self.model.built and (known is None or known.explainer.model is not self.model):
            with self.model.distribute_strategy.scope():
                explainer = Explainer(self.model, self._method, **self._keywords)
            explainer.check_target(len(self._probes), self._probes.labels)
            self._observer = Observer(
                explainer,
                self._probes,
                strict=self._strict,
                divisible=not arguments.hold_one_each(self._method, self._keywords["target"]),
            )
            self._before = {}

    def _evaluate(self) -> dict[str, float]:
        """One evaluation, logged; its scalars, none where it is not its turn."""
        number = self._evaluations
        self._evaluations += 1
        if number % self._every:
            return {}
        self._open()
        found, each = self._observed()
        self.scalars = metrics.of_all(list(each.values()))
        records = [self._record(number, probe, one, each) for probe, one in enumerate(found)]
        log.append(self._file, records)
        for probe in each:
            self._history.add(probe, self._before[probe])
        there = {i: one.salience for i, one in enumerate(found) if isinstance(one, Observation)}
        self._board.show(self.scalars, there, self._history, self._step())
        # A column of a table, once begun, goes on; NaN is no improvement to `EarlyStopping`.
        self._names |= set(self.scalars)
        return {name: self.scalars.get(name, math.nan) for name in sorted(self._names)}

    def _observed(self) -> tuple[list[Observation | Failure], dict[int, metrics.Measures]]:
        """What the probes look like now, and the measures of those that could be explained."""
        if self._observer is None:
            raise ValueError(
                f"The model {self.model.name!r} is not built, so it cannot be explained. "
                "Received: a model without weights. Call it once on a batch of inputs first."
            )
        found = self._observer()
        failures = [one.reason for one in found if isinstance(one, Failure)]
        if failures:
            self._warn_once(
                f"{len(failures)} of {len(found)} probes could not be explained; training goes on, "
                f"and {str(self._file)!r} says what was wrong. The first: {failures[0]}",
                warnings.ProbeWarning,
            )
        each = {
            probe: self._measured(probe, one)
            for probe, one in enumerate(found)
            if isinstance(one, Observation)
        }
        shares = [one["rationale_share"] for one in each.values()]
        if (
            shares
            and self._probes.rationales is not None
            and not any(share is not None for share in shares)
        ):
            self._warn_once(
                "No word of `rationales` is among the tokens of its probe, so there is no "
                f"`rationale_share`. The tokens of the first: {self._before[min(each)].tokens}",
                warnings.UnknownTokensWarning,
            )
        return found, each

    def _measured(self, probe: int, one: Observation) -> metrics.Measures:
        """The measures of a probe, which is what the next evaluation's are compared with."""
        salience, before = one.salience, self._before.get(probe)
        now = Column(
            self._step(),
            self._epoch,
            methods.serialize(self._method)["class_name"],
            salience.target_name,
            salience.tokens,
            salience.scores,
        )
        self._before[probe] = now
        same = (
            before is not None and before.goes_on_as(now) and before.target_name == now.target_name
        )
        return metrics.of_probe(
            one,
            before.scores if before is not None and same else None,
            self._probes.is_rationale(probe, salience.tokens),
            self._special,
        )

    def _record(
        self,
        number: int,
        probe: int,
        one: Observation | Failure,
        each: dict[int, metrics.Measures],
    ) -> dict[str, Any]:
        """One line of the log."""
        record: dict[str, Any] = {
            "evaluation": number,
            "epoch": self._epoch,
            "step": self._step(),
            "time": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "probe": probe,
        }
        if isinstance(one, Failure):
            return {**record, "error": one.reason}
        salience = one.salience
        return {
            **record,
            "method": methods.serialize(self._method)["class_name"],
            "tokens": salience.tokens,
            "scores": salience.scores.tolist(),
            "target": salience.target,
            "target_name": salience.target_name,
            "output": salience.output,
            "measures": each[probe],
        }

    def _warn_once(self, message: str, category: type[UserWarning]) -> None:
        if category not in self._warned:
            self._warned.add(category)
            warnings.warn(message, category)

    def _step(self) -> int:
        """Where `keras.callbacks.TensorBoard` puts an evaluation: the optimizer's iterations."""
        optimizer = getattr(self.model, "optimizer", None)
        if optimizer is None:
            return self._evaluations
        return int(optimizer.iterations.numpy())
