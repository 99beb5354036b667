"""`SalienceMatrix`: the salience of every token for every one of several targets in one example."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from tf_salience.explanation import words
from tf_salience.explanation.explanation import Explanation
from tf_salience.explanation.token_salience import TokenSalience
from tf_salience.visualization import html, matrix_table


@dataclass(frozen=True, eq=False)
class SalienceMatrix(Sequence[TokenSalience]):
    """Targets x tokens: for each predicted token, or each tag, how much each token speaks for it.

    Attributes:
        targets: (targets,), the tokens that were predicted, or whose tags were.
        places: (targets,), where among `tokens` each of these stands.
        rows: an explanation of as many examples as there are targets, all of the same tokens.
    """

    targets: list[str]
    places: list[int]
    rows: Explanation

    @property
    def tokens(self) -> list[str]:
        """(tokens,), the token strings."""
        return self.rows.tokens[0]

    @property
    def scores(self) -> npt.NDArray[np.float32]:
        """(targets, tokens), float32."""
        return self.rows.scores[:, self.rows.mask[0]]

    @property
    def output(self) -> npt.NDArray[Any]:
        """(targets,), each target at the input."""
        return self.rows.output

    def merged(self) -> "SalienceMatrix":
        """The same with the pieces of each explaining word put together; see `Explanation.merged`.

        Targets stay the pieces that they are.
        """
        if self.rows.words is None:
            return self
        places = words.places_of_words(self.places, self.rows.words[0])
        return SalienceMatrix(self.targets, places, self.rows.merged())

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
    def header(self) -> str:
        """One line: how the scores were made, and how many rows did not converge."""
        method = self.rows.config.get("method", {}).get("class_name", "unknown method")
        parts = [f"{method} at {', '.join(self.rows.config.get('embeddings', []))}"]
        if self.rows.converged is not None and not self.rows.converged.all():
            parts.append(f"{(~self.rows.converged).sum()} of {len(self)} rows NOT CONVERGED")
        return " · ".join(parts)

    def __str__(self) -> str:
        return (
            f"{self.header}\n{matrix_table.plain(self.targets, self.tokens, self.scores.tolist())}"
        )

    def __repr__(self) -> str:
        return f"<SalienceMatrix of {len(self)} targets x {len(self.tokens)} tokens>"

    def _repr_html_(self) -> str:
        return html.card(
            self.header, matrix_table.html(self.targets, self.tokens, self.scores.tolist())
        )
