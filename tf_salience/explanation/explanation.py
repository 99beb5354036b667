"""`Explanation`: a batch of examples with their scores; save and load."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from os import PathLike
from pathlib import Path
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from tf_salience.explanation import normalization, serialization, storage
from tf_salience.explanation import words as wording
from tf_salience.explanation.token_salience import FloatArray, TokenSalience


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
        words: per example, as `TokenSalience.words`; or None.
        parts: per example the texts that were packed into one sequence, name to the slice of its
            real tokens; None where there is one text. They are its `segments` then.
        offsets: per example, as `TokenSalience.offsets`; or None.
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
    words: list[list[int]] | None = None
    parts: list[dict[str, slice]] | None = None
    offsets: list[list[tuple[int, int] | None]] | None = None

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
            segments=_real_segments(self.segments, real)
            if self.parts is None
            else dict(self.parts[index]),
            target=None if self.target is None else int(self.target[index]),
            target_name=self.target_name[index],
            output=float(self.output[index]),
            baseline_output=_number(self.baseline_output, index),
            convergence_delta=_number(self.convergence_delta, index),
            error_estimate=_number(self.error_estimate, index),
            converged=None if self.converged is None else bool(self.converged[index]),
            evaluations=int(self.evaluations[index]),
            config=self.config,
            words=None if self.words is None else self.words[index],
            offsets=None if self.offsets is None else self.offsets[index],
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

    def merged(self) -> "Explanation":
        """The same with the pieces of each word put together, their scores added up.

        So the scores still add up to F(x) - F(x'). Special tokens stay as they are.

        Returns:
            A new explanation of words; this one if its tokens are words already.
        """
        if self.words is None:
            return self
        real = wording.merged(self.tokens, self.words, self.scores, self.mask, self.segments)
        parts = self.parts and [
            wording.moved(part, words) for part, words in zip(self.parts, self.words, strict=True)
        ]
        places = self.offsets and [
            wording.spread(row, words) for row, words in zip(self.offsets, self.words, strict=True)
        ]
        return replace(
            self,
            offsets=places,
            tokens=real.tokens,
            scores=real.scores,
            mask=real.mask,
            segments=real.segments,
            words=real.words,
            parts=parts,
        )

    def save(self, path: str | PathLike[str]) -> None:
        """Writes the explanation; the suffix chooses `.json` or `.parquet`.

        Args:
            path: where to; an existing file is replaced once the new one is whole.

        Raises:
            ValueError: for another suffix.
            ImportError: for `.parquet` without pyarrow, which the extra `parquet` brings.
        """
        storage.write(Path(path), serialization.to_table(vars(self)))

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "Explanation":
        """Reads what `save` wrote.

        Raises:
            ValueError: for another suffix, or a file that holds no explanation.
            ImportError: for `.parquet` without pyarrow.
        """
        return cls(**serialization.from_table(storage.read(Path(path))))


def _number(values: npt.NDArray[Any] | None, index: int) -> float | None:
    return None if values is None else float(values[index])


def _real_segments(segments: Mapping[str, slice], real: npt.NDArray[np.bool_]) -> dict[str, slice]:
    """Slices of the padded tokens axis as slices of one example's real tokens."""
    before = np.concatenate([[0], np.cumsum(real)])
    return {
        name: slice(int(before[part.start]), int(before[part.stop]))
        for name, part in segments.items()
    }
