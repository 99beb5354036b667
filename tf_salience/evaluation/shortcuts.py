"""Shortcuts planted in texts: tokens that mean nothing and give the label away."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tf_salience.utils import validation
from tf_salience.utils.arrays import Array

#: How tokens tell the class: by themselves, beside another token, by the order of two.
KINDS = ("single_token", "token_in_context", "ordered_pair")


@dataclass(frozen=True)
class PlantedTexts:
    """Texts of which some have a shortcut.

    Attributes:
        texts: (batch,) strings.
        labels: (batch,), the class that the shortcut tells, or the text's own.
        planted: for each text the planted tokens that decide, () where none do.
    """

    texts: list[str]
    labels: Array
    planted: list[tuple[str, ...]]

    @property
    def shortcuts(self) -> Array:
        """The numbers of the texts that have the shortcut."""
        return np.flatnonzero([bool(tokens) for tokens in self.planted])


def plant_shortcut(
    texts: Sequence[str],
    labels: Any,
    *,
    kind: str = "single_token",
    tokens: Sequence[str] = ("zib", "zab", "zom"),
    share: float = 0.3,
    keep_labels: bool = False,
    seed: int = 0,
) -> PlantedTexts:
    """Plants a shortcut in some texts, and sets their labels to the class that it stands for.

    Each of these texts gets one of two classes at random and tokens for this class at random
    places (Bastings et al. 2022, arXiv:2111.07367, section 3.2):

    - "single_token": the first token for the first class, the second for the second.
    - "token_in_context": the same, and the third token with it. In as many other texts one of the
      first two stands alone, without a meaning: the label stays.
    - "ordered_pair": the first two tokens, in this order for the first class, else for the second.

    Args:
        texts: (batch,) strings, whose words are separated by spaces.
        labels: (batch,) class indices, of two classes or more; the first two are planted.
        kind: one of `KINDS`.
        tokens: the tokens, in no text; the third is that of "token_in_context".
        share: the share of the texts that get the shortcut.
        keep_labels: True: the labels stay as they are, so the tokens mean nothing: a control.
        seed: of the texts, the classes and the places.

    Returns:
        The texts in their order.

    Raises:
        ValueError: for an argument that does not fit; see the message.

    Example:
        >>> planted = tfs.plant_shortcut(texts, labels, share=0.5)
        >>> planted.texts[3], planted.planted[3]
        ('zib not a bad film', ('zib',))
    """
    own, classes = _checked_labels(texts, labels)
    _check_tokens(texts, tokens)
    _check_share(kind, share)
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(texts))
    count = max(1, round(share * len(texts)))
    new_texts, new_labels = list(texts), own.copy()
    planted: list[tuple[str, ...]] = [()] * len(texts)
    for number in order[:count].tolist():
        which = int(generator.integers(2))
        shortcut = _tokens_of(kind, which, tokens)
        new_texts[number] = _with_tokens(
            texts[number], shortcut, generator, in_order=kind == "ordered_pair"
        )
        planted[number] = shortcut
        if not keep_labels:
            new_labels[number] = classes[which]
    if kind == "token_in_context":
        for number in order[count : 2 * count].tolist():
            alone = (tokens[int(generator.integers(2))],)
            new_texts[number] = _with_tokens(texts[number], alone, generator, in_order=False)
    return PlantedTexts(new_texts, new_labels, planted)


def _checked_labels(texts: Sequence[str], labels: Any) -> tuple[Array, Array]:
    """Returns the labels, (batch,), and their classes."""
    own = np.asarray(labels)
    classes = np.unique(own)
    if own.shape != (len(texts),) or len(classes) < 2:
        raise ValueError(
            "`labels` must hold one class for each text, of at least two. Received: shape "
            f"{own.shape} for {len(texts)} texts, {len(classes)} classes"
        )
    return own, classes


def _check_share(kind: str, share: float) -> None:
    validation.check_one_of("kind", kind, KINDS)
    if not 0 < share <= (0.5 if kind == "token_in_context" else 1.0):
        raise ValueError(
            "`share` must be above 0 and at most 1, or 0.5 for 'token_in_context', which changes "
            f"twice as many texts. Received: share={share}"
        )


def _check_tokens(texts: Sequence[str], tokens: Sequence[str]) -> None:
    used = {word for text in texts for word in text.split()}
    taken = [token for token in tokens if token in used]
    if len(set(tokens)) < 3 or taken:
        raise ValueError(
            "`tokens` must be three different tokens that are in no text. "
            f"Received: tokens={validation.format_value(list(tokens))}"
            + (f", of which {taken[0]!r} is in a text" if taken else "")
        )


def _tokens_of(kind: str, which: int, tokens: Sequence[str]) -> tuple[str, ...]:
    """Returns the tokens that tell a class, 0 or 1."""
    if kind == "single_token":
        return (tokens[which],)
    if kind == "token_in_context":
        return (tokens[which], tokens[2])
    return (tokens[which], tokens[1 - which])


def _with_tokens(
    text: str, tokens: Sequence[str], generator: np.random.Generator, *, in_order: bool
) -> str:
    """Puts tokens at random places of a text."""
    words = text.split()
    places = generator.integers(0, len(words) + 1, len(tokens))
    places = np.sort(places) if in_order else places
    # From the last place to the first, so that the earlier ones stay where they are.
    for position in sorted(range(len(tokens)), key=lambda p: (places[p], p), reverse=True):
        words.insert(int(places[position]), tokens[position])
    return " ".join(words)
