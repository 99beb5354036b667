"""The results: `Explanation`, a batch, and `TokenSalience`, one example of it.

Numpy and nothing of TensorFlow: a saved explanation can be read and shown without either.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from os import PathLike
from pathlib import Path
from typing import Any, overload

import numpy as np
import numpy.typing as npt
from rich.text import Text

from tf_salience import normalization, storage
from tf_salience.views import html, terminal

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class TokenSalience:
    """One example's tokens with their scores; padding is left out.

    Attributes:
        tokens: (tokens,), the token strings, all segments in order.
        scores: (tokens,), float32: how much each token speaks for the target.
        segments: name to the slice of `tokens` that is this segment.
        target: the index of the explained class, or None for another kind of target.
        target_name: what was explained, in words.
        output: the target at the input, F(x).
        baseline_output: the target at the baseline, F(x'), or None where the method has none.
        convergence_delta: sum of all scores - (F(x) - F(x')), in the target's units, or None.
        error_estimate: the estimated error of the scores, relative to sum |scores|, or None.
        converged: whether the tolerance was met, or None where none was asked for.
        evaluations: forward and backward passes spent on this example.
        config: how the scores were made.
    """

    tokens: list[str]
    scores: FloatArray
    segments: dict[str, slice]
    target: int | None
    target_name: str
    output: float
    baseline_output: float | None
    convergence_delta: float | None
    error_estimate: float | None
    converged: bool | None
    evaluations: int
    config: dict[str, Any]

    @property
    def header(self) -> str:
        """One line: what was explained, how, at which layer, and how far it can be trusted."""
        parts = [f"{self.target_name} = {self.output:.4g}"]
        if self.baseline_output is not None:
            parts.append(f"baseline {self.baseline_output:.4g}")
        method = self.config.get("method", {}).get("class_name", "unknown method")
        parts.append(f"{method} at {', '.join(self.config.get('embeddings', []))}")
        if self.convergence_delta is not None:
            parts.append(f"delta {self.convergence_delta:+.2g}")
        if self.error_estimate is not None:
            parts.append(f"error {self.error_estimate:.2g}")
        if self.converged is False:
            parts.append("NOT CONVERGED")
        return " · ".join(parts)

    def __rich__(self) -> Text:
        """The coloured tokens, for `rich.print` and rich consoles."""
        return terminal.colored(self.tokens, self.scores.tolist(), self.segments)

    def __str__(self) -> str:
        if terminal.has_color():
            body = terminal.to_ansi(self.__rich__())
        else:
            body = terminal.plain(self.tokens, self.scores.tolist(), self.segments)
        return f"{self.header}\n{body}"

    def __repr__(self) -> str:
        return f"<TokenSalience of {len(self.tokens)} tokens: {self.header}>"

    def _repr_html_(self) -> str:
        return html.card(self.header, html.tokens_html(self.tokens, self.scores.tolist()))


@dataclass(frozen=True, eq=False)
class Explanation(Sequence[TokenSalience]):
    """A batch of explanations: `len(explanation)`, `explanation[0]`.

    Attributes:
        tokens: per example the strings of its real tokens, in order.
        scores: (batch, tokens), float32, padding included: what the model gives it.
        mask: (batch, tokens), true for real tokens.
        segments: name to the slice of the tokens axis that is this segment.
        target: (batch,), the explained class, or None for another kind of target.
        target_name: per example what was explained, in words.
        output: (batch,), the target at the input, F(x).
        baseline_output: (batch,), the target at the baseline, F(x'), or None.
        convergence_delta: (batch,), sum of scores - (F(x) - F(x')), or None.
        error_estimate: (batch,), relative to sum |scores|, or None.
        converged: (batch,), whether the tolerance was met, or None.
        evaluations: (batch,), forward and backward passes spent on each example.
        config: model, method, target and versions: enough to repeat it.
    """

    tokens: list[list[str]]
    scores: FloatArray
    mask: npt.NDArray[np.bool_]
    segments: dict[str, slice]
    target: npt.NDArray[np.int64] | None
    target_name: list[str]
    output: npt.NDArray[Any]
    baseline_output: npt.NDArray[Any] | None
    convergence_delta: npt.NDArray[Any] | None
    error_estimate: npt.NDArray[Any] | None
    converged: npt.NDArray[np.bool_] | None
    evaluations: npt.NDArray[np.int64]
    config: dict[str, Any]

    def __len__(self) -> int:
        return len(self.tokens)

    @overload
    def __getitem__(self, index: int) -> TokenSalience: ...

    @overload
    def __getitem__(self, index: slice) -> "Explanation": ...

    def __getitem__(self, index: int | slice) -> "TokenSalience | Explanation":
        if isinstance(index, slice):
            return self._sliced(index)
        index = range(len(self))[index]
        real = self.mask[index]
        return TokenSalience(
            tokens=self.tokens[index],
            scores=self.scores[index][real],
            segments=_real_segments(self.segments, real),
            target=None if self.target is None else int(self.target[index]),
            target_name=self.target_name[index],
            output=float(self.output[index]),
            baseline_output=_number(self.baseline_output, index),
            convergence_delta=_number(self.convergence_delta, index),
            error_estimate=_number(self.error_estimate, index),
            converged=None if self.converged is None else bool(self.converged[index]),
            evaluations=int(self.evaluations[index]),
            config=self.config,
        )

    def __iter__(self) -> Iterator[TokenSalience]:
        return (self[index] for index in range(len(self)))

    def __str__(self) -> str:
        return "\n\n".join(str(salience) for salience in self)

    def __repr__(self) -> str:
        method = self.config.get("method", {}).get("class_name")
        return f"<Explanation of {len(self)} examples by {method}>"

    def _repr_html_(self) -> str:
        return "".join(salience._repr_html_() for salience in self)

    def _sliced(self, index: slice) -> "Explanation":
        values: dict[str, Any] = {}
        for item in fields(self):
            if item.name not in ("segments", "config"):
                value = getattr(self, item.name)
                values[item.name] = None if value is None else value[index]
        return replace(self, **values)

    def normalized(self, how: str = "l1") -> "Explanation":
        """The same with scores on a common scale.

        Args:
            how: "l1", scores / sum |scores| over the real tokens, or "max", scores / max |scores|.
                A row of zeros stays zeros.

        Returns:
            A new explanation; `convergence_delta` is scaled as the scores are.
        """
        factors = normalization.factors(self.scores, self.mask, how)
        delta = self.convergence_delta
        return replace(
            self,
            scores=(self.scores * factors[:, None]).astype(np.float32),
            convergence_delta=None if delta is None else delta * factors,
            config={**self.config, "normalized": how},
        )

    def save(self, path: str | PathLike[str]) -> None:
        """Writes the explanation; the suffix chooses `.json` or `.parquet`.

        Args:
            path: where to; an existing file is replaced once the new one is whole.

        Raises:
            ValueError: for another suffix.
            ImportError: for `.parquet` without pyarrow, which the extra `parquet` brings.
        """
        storage.write(Path(path), self._to_table())

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "Explanation":
        """Reads what `save` wrote.

        Raises:
            ValueError: for another suffix, or a file that holds no explanation.
            ImportError: for `.parquet` without pyarrow.
        """
        return cls._from_table(storage.read(Path(path)))

    def _to_table(self) -> storage.Table:
        columns: dict[str, list[Any]] = {
            "tokens": self.tokens,
            "scores": [
                row[real].tolist() for row, real in zip(self.scores, self.mask, strict=True)
            ],
            "positions": [np.flatnonzero(real).tolist() for real in self.mask],
            # What a model that does not mask gives to its padding; else the delta would not add up.
            "padding_scores": [
                row[~real].tolist() if row[~real].any() else []
                for row, real in zip(self.scores, self.mask, strict=True)
            ],
            "target_name": self.target_name,
        }
        for name in _PER_EXAMPLE:
            value = getattr(self, name)
            columns[name] = [None] * len(self) if value is None else value.tolist()
        header = {
            "segments": {name: [part.start, part.stop] for name, part in self.segments.items()},
            "dtypes": {
                name: str(getattr(self, name).dtype)
                for name in _PER_EXAMPLE
                if getattr(self, name) is not None
            },
            "config": self.config,
        }
        return storage.Table(header, columns)

    @classmethod
    def _from_table(cls, table: storage.Table) -> "Explanation":
        header, columns = table.header, table.columns
        segments = {name: slice(*ends) for name, ends in header["segments"].items()}
        width = max(part.stop for part in segments.values())
        size = len(columns["tokens"])
        scores = np.zeros((size, width), np.float32)
        mask = np.zeros((size, width), bool)
        for row in range(size):
            mask[row, columns["positions"][row]] = True
            scores[row, mask[row]] = columns["scores"][row]
            if columns["padding_scores"][row]:
                scores[row, ~mask[row]] = columns["padding_scores"][row]
        each = {
            name: np.array(columns[name], header["dtypes"][name])
            if name in header["dtypes"]
            else None
            for name in _PER_EXAMPLE
        }
        return cls(
            tokens=[list(row) for row in columns["tokens"]],
            scores=scores,
            mask=mask,
            segments=segments,
            target_name=list(columns["target_name"]),
            config=header["config"],
            **each,  # type: ignore[arg-type]  # the dtypes are those that were saved
        )


_PER_EXAMPLE = (
    "target",
    "output",
    "baseline_output",
    "convergence_delta",
    "error_estimate",
    "converged",
    "evaluations",
)


def _number(values: npt.NDArray[Any] | None, index: int) -> float | None:
    return None if values is None else float(values[index])


def _real_segments(segments: Mapping[str, slice], real: npt.NDArray[np.bool_]) -> dict[str, slice]:
    """Slices of the padded tokens axis as slices of one example's real tokens."""
    before = np.concatenate([[0], np.cumsum(real)])
    return {
        name: slice(int(before[part.start]), int(before[part.stop]))
        for name, part in segments.items()
    }
