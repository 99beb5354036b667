"""`Explanation`: the token scores of a batch of examples, with save and load."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from tf_salience.explanation import normalization, padding, serialization, storage, views, words
from tf_salience.explanation.token_salience import FloatArray, TokenSalience
from tf_salience.utils.text import printable
from tf_salience.visualization import html


@dataclass(frozen=True, eq=False)
class Explanation(Sequence[TokenSalience]):
    """The token scores of a batch of examples; `explanation[0]` is the first one's.

    Attributes:
        tokens: per example the strings of its real tokens, in order.
        scores: (batch, tokens), float32, including the scores that the model gives to padding.
        mask: (batch, tokens), true for real tokens.
        segments: slices of the tokens axis by name, one for each segment.
        target: (batch,), the index of the explained class, or None for another kind of target.
        target_name: per example the description of the target.
        output: (batch,), the target at the input, F(x).
        baseline_output: (batch,), the target at the baseline, F(x'), or None.
        convergence_delta: (batch,), sum of scores - (F(x) - F(x')), or None.
        error_estimate: (batch,), relative to sum |scores|, or None.
        converged: (batch,), true where the tolerance was met, or None.
        evaluations: (batch,), forward and backward passes spent on each example.
        config: model, method, target and versions: enough to repeat it.
        words: per example, as `TokenSalience.words`; or None.
        parts: per example the texts that were packed into one sequence, as slices of its real
            tokens by name; they are its `segments` then. None where there is one text.
        offsets: per example, as `TokenSalience.offsets`; or None.

    Example:
        >>> explanation = tfs.explain(model, ["good fun", "not a bad film"])
        >>> explanation.mask.sum(axis=1).tolist()  # real tokens
        [2, 4]
        >>> explanation.save("explanation.json")
        >>> tfs.Explanation.load("explanation.json")[1].tokens
        ['not', 'a', 'bad', 'film']
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

    @property
    def padding_salience(self) -> npt.NDArray[np.float64]:
        """The sum of the scores of padding, (batch,); 0 where the model masks its padding."""
        return padding.salience(self.scores, self.mask)

    @property
    def padding_share(self) -> npt.NDArray[np.float64]:
        """The share of sum |scores| that padding has, (batch,), from 0 to 1."""
        return padding.share(self.scores, self.mask)

    def __len__(self) -> int:
        return len(self.tokens)

    @overload
    def __getitem__(self, index: int) -> TokenSalience: ...

    @overload
    def __getitem__(self, index: slice) -> "Explanation": ...

    def __getitem__(self, index: int | slice) -> "TokenSalience | Explanation":
        if isinstance(index, slice):
            return replace(self, **self._take(index))
        values = {
            name: value.item() if isinstance(value, np.generic) else value
            for name, value in self._take(range(len(self))[index]).items()
        }
        scores, is_real, parts = (values.pop(name) for name in ("scores", "mask", "parts"))
        return TokenSalience(
            **values,
            scores=scores[is_real],
            padding_salience=float(padding.salience(scores, is_real)),
            padding_share=float(padding.share(scores, is_real)),
            segments=_real_segments(self.segments, is_real) if parts is None else dict(parts),
            config=self.config,
        )

    def __str__(self) -> str:
        shown = views.shown_count(map(len, self.tokens), views.TERMINAL)
        parts = [str(salience) for salience in self[:shown]]
        return "\n\n".join([*parts, *views.left_out(shown, len(self))])

    def __repr__(self) -> str:
        method = self.config.get("method", {}).get("class_name")
        return printable(f"<Explanation of {len(self)} examples by {method}>")

    def _repr_html_(self) -> str:
        shown = views.shown_count(map(len, self.tokens), views.NOTEBOOK)
        cards = [salience.card() for salience in self[:shown]]
        cards += [html.card(line, "", signed=None) for line in views.left_out(shown, len(self))]
        return html.with_style("".join(cards))

    def _take(self, index: int | slice) -> dict[str, Any]:
        """Indexes the fields that hold a value for each example."""
        return {
            name: None if value is None else value[index]
            for name, value in vars(self).items()
            if name not in ("segments", "config")
        }

    def normalized(self, how: str = "l1") -> "Explanation":
        """Scales the scores of each example to a common size.

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
        """Merges the tokens of each word; the score of a word is the sum of theirs.

        So the scores still add up to F(x) - F(x'). Special tokens stay as they are.

        Returns:
            A new explanation of words; this one if its tokens are words already.
        """
        if self.words is None:
            return self
        slices = [words.word_slices(row) for row in self.words]
        scores, mask, segments = words.merge_scores(slices, self.scores, self.mask, self.segments)
        return replace(
            self,
            tokens=list(map(words.merge_tokens, self.tokens, slices)),
            scores=scores,
            mask=mask,
            segments=segments,
            words=list(map(words.merge_words, self.words, slices)),
            parts=self.parts and list(map(words.merge_parts, self.parts, slices)),
            offsets=self.offsets and list(map(words.merge_offsets, self.offsets, slices)),
        )

    def save(self, path: str | PathLike[str]) -> None:
        """Writes the explanation to a file.

        Args:
            path: the file; its suffix, `.json` or `.parquet`, chooses the format. An existing file
                is replaced once the new one is complete.

        Raises:
            ValueError: for another suffix.
            ImportError: for `.parquet` without pyarrow, which the extra `parquet` installs.
        """
        storage.write_table(Path(path), serialization.table_from_fields(vars(self)))

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "Explanation":
        """Reads an explanation that `save` wrote.

        Raises:
            ValueError: for another suffix, or a file that holds no explanation.
            ImportError: for `.parquet` without pyarrow.
        """
        return cls(**serialization.fields_from_table(storage.read_table(Path(path))))


def _real_segments(
    segments: Mapping[str, slice], is_real: npt.NDArray[np.bool_]
) -> dict[str, slice]:
    """Converts slices of the padded tokens axis to slices of one example's real tokens."""
    real_before = [0, *np.cumsum(is_real).tolist()]
    return {
        name: slice(real_before[segment.start], real_before[segment.stop])
        for name, segment in segments.items()
    }
