"""`TokenSalience`: the token scores of one example."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.text import Text

from tf_salience.explanation import padding
from tf_salience.utils.text import printable
from tf_salience.visualization import color_scale, html, terminal

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class TokenSalience:
    """The token scores of one example, without padding.

    Attributes:
        tokens: (tokens,), the token strings, all segments in order.
        scores: (tokens,), float32, positive for tokens that speak for the target.
        segments: slices of `tokens` by name, one for each segment.
        target: the index of the explained class, or None for another kind of target.
        target_name: the description of the target.
        output: the target at the input, F(x).
        baseline_output: the target at the baseline, F(x'), or None where the method has none.
        convergence_delta: sum of all scores - (F(x) - F(x')), in the target's units, or None.
        error_estimate: the estimated error of the scores, relative to sum |scores|, or None.
        converged: True if the tolerance was met, or None without a tolerance.
        evaluations: forward and backward passes spent on this example.
        config: model, method, target and versions.
        words: (tokens,), the index of each token's word, -1 for special tokens such as `[CLS]`;
            None where each token is a word.
        offsets: (tokens,), the (start, stop) characters of each token in its text, None for a token
            that is not in the text; None where the input was not text.
        padding_salience: the sum of the scores that the model gives to padding, which `scores`
            leaves out; 0 where the model masks its padding.
        padding_share: the share of sum |scores|, padding included, that padding has.

    Example:
        >>> salience = tfs.explain(model, ["good fun"])[0]
        >>> salience.tokens, salience.offsets
        (['good', 'fun'], [(0, 4), (5, 8)])
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
    words: list[int] | None = None
    offsets: list[tuple[int, int] | None] | None = None
    padding_salience: float = 0.0
    padding_share: float = 0.0

    @property
    def is_signed(self) -> bool:
        """True if scores speak for or against the target; else the method gives sizes alone."""
        return color_scale.is_signed(self.config.get("method", {}).get("class_name"))

    @property
    def header(self) -> str:
        """A line with the target, the method, the layers, the share of padding and the error."""
        parts = [f"{self.target_name} = {self.output:.4g}"]
        if self.baseline_output is not None:
            parts.append(f"baseline {self.baseline_output:.4g}")
        method = self.config.get("method", {}).get("class_name", "unknown method")
        parts.append(f"{method} at {', '.join(self.config.get('embeddings', []))}")
        if self.convergence_delta is not None:
            parts.append(f"delta {self.convergence_delta:+.2g}")
        if self.padding_share >= padding.SMALLEST_SHARE:
            parts.append(f"padding {self.padding_salience:+.2g}, {100 * self.padding_share:.3g} %")
        if self.error_estimate is not None:
            parts.append(f"error {self.error_estimate:.2g}")
        if self.converged is False:
            parts.append("NOT CONVERGED")
        return printable(" · ".join(parts))

    def __rich__(self) -> Text:
        """Returns the coloured tokens, for `rich.print` and rich consoles."""
        return terminal.colored(
            self.tokens, self.scores.tolist(), self.segments, self.words, signed=self.is_signed
        )

    def __str__(self) -> str:
        body: Text | str
        if terminal.has_color():
            body = self.__rich__()
        else:
            body = terminal.plain(self.tokens, self.scores.tolist(), self.segments, self.words)
        if terminal.is_terminal():
            return f"{terminal.wrapped(self.header)}\n{terminal.wrapped(body)}"
        return f"{self.header}\n{body}"

    def __repr__(self) -> str:
        return f"<TokenSalience of {len(self.tokens)} tokens: {self.header}>"

    def _repr_html_(self) -> str:
        return html.with_style(self.card())

    def card(self) -> str:
        """Returns the tokens as a part of a page in HTML, without its style."""
        body = html.tokens_html(
            self.tokens, self.scores.tolist(), self.segments, self.words, signed=self.is_signed
        )
        return html.card(self.header, body, signed=self.is_signed)
