"""`SalienceMatrix`: the scores of one example's tokens for each of several targets."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from tf_salience.explanation import views, words
from tf_salience.explanation.explanation import Explanation
from tf_salience.explanation.token_salience import TokenSalience
from tf_salience.utils.text import printable
from tf_salience.visualization import color_scale, html, matrix_table, terminal


@dataclass(frozen=True, eq=False)
class SalienceMatrix(Sequence[TokenSalience]):
    """The scores of one example's tokens for each target, a predicted token or a token's tag.

    Attributes:
        targets: (targets,), the tokens that were predicted, or whose tags were.
        places: (targets,), the position of each target among `tokens`.
        rows: an explanation with one example for each target, all of the same tokens.

    Example:
        >>> explainer = tfs.Explainer(tagger, tokenizer=words, target=tfs.targets.Position())
        >>> matrix = explainer.matrix(["good film"])[0]
        >>> matrix.scores.shape  # (targets, tokens)
        (2, 2)
    """

    targets: list[str]
    places: list[int]
    rows: Explanation

    @property
    def tokens(self) -> list[str]:
        """The token strings, (tokens,)."""
        return self.rows.tokens[0]

    @property
    def scores(self) -> npt.NDArray[np.float32]:
        """The scores, (targets, tokens), float32."""
        return self.rows.scores[:, self.rows.mask[0]]

    @property
    def output(self) -> npt.NDArray[Any]:
        """The value of each target at the input, (targets,)."""
        return self.rows.output

    def merged(self) -> "SalienceMatrix":
        """Merges the tokens of each word, as `Explanation.merged` does; the targets stay tokens."""
        if self.rows.words is None:
            return self
        positions = words.merge_positions(self.places, words.word_slices(self.rows.words[0]))
        return SalienceMatrix(self.targets, positions, self.rows.merged())

    def __len__(self) -> int:
        return len(self.targets)

    @overload
    def __getitem__(self, index: int) -> TokenSalience: ...

    @overload
    def __getitem__(self, index: slice) -> "SalienceMatrix": ...

    def __getitem__(self, index: int | slice) -> "TokenSalience | SalienceMatrix":
        if isinstance(index, slice):
            return SalienceMatrix(self.targets[index], self.places[index], self.rows[index])
        return self.rows[index]

    @property
    def is_signed(self) -> bool:
        """As `TokenSalience.is_signed`."""
        return self.rows[0].is_signed

    @property
    def header(self) -> str:
        """A line with the method, the embedding layers, and the number of rows not converged."""
        method = self.rows.config.get("method", {}).get("class_name", "unknown method")
        parts = [f"{method} at {', '.join(self.rows.config.get('embeddings', []))}"]
        if self.rows.converged is not None and not self.rows.converged.all():
            parts.append(f"{(~self.rows.converged).sum()} of {len(self)} rows NOT CONVERGED")
        return printable(" · ".join(parts))

    def __str__(self) -> str:
        table = matrix_table.as_text(
            self.targets, self.tokens, self.scores.tolist(), terminal.width()
        )
        return f"{self.header}\n{table}"

    def __repr__(self) -> str:
        return f"<SalienceMatrix of {len(self)} targets x {len(self.tokens)} tokens>"

    def _repr_html_(self) -> str:
        shown = min(len(self), max(1, views.CELLS // max(1, len(self.tokens))))
        scores = self.scores
        table = matrix_table.as_html(
            self.targets[:shown],
            self.tokens,
            scores[:shown].tolist(),
            signed=self.is_signed,
            largest=color_scale.largest_score([scores]),
        )
        card = html.card(self.header, table, signed=self.is_signed, has_numbers=True)
        cut = views.left_out(shown, len(self), "targets", "matrix")
        return html.with_style(card + "".join(html.card(line, "", signed=None) for line in cut))
