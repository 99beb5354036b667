"""Counts, means and intervals of the scores of words, added up batch by batch."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tf_salience.explanation import words
from tf_salience.utils.arrays import Array

#: How many standard errors a 95 % interval of the normal distribution reaches.
NORMAL_95 = 1.959963984540054
#: Words of a class; twice as many, and those that come least often are dropped.
MOST_WORDS = 1_000_000


@dataclass(frozen=True)
class WordMean:
    """The mean salience of a word in explanations of one class.

    Attributes:
        word: the word.
        count: how often it stands there.
        mean: of its scores.
        low: the lower end of the interval of the mean.
        high: the upper end.
    """

    word: str
    count: int
    mean: float
    low: float
    high: float

    @property
    def standard_error(self) -> float:
        """Of the mean."""
        return (self.high - self.mean) / NORMAL_95


class WordTable:
    """Counts, sums and sums of squares of the scores of each word of one class."""

    def __init__(self) -> None:
        self._rows: dict[str, int] = {}
        self._sums = np.zeros((3, 1024))
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, names: list[str], sums: Array) -> None:
        """Adds words, each once, with `sums`, (3, words): counts, scores, squares."""
        rows = [self._rows.setdefault(name, len(self._rows)) for name in names]
        missing = len(self._rows) - self._sums.shape[1]
        if missing > 0:
            width = max(missing, self._sums.shape[1])
            self._sums = np.pad(self._sums, ((0, 0), (0, width)))
        self._sums[:, rows] += sums
        if len(self._rows) > 2 * MOST_WORDS:
            self._drop_rare()

    def means(self, min_count: int) -> Iterator[WordMean]:
        """Yields the words that come at least `min_count` times, in the order of their means.

        The interval is that of the normal distribution, mean ± 1.96 s / √count, each occurrence
        for itself.
        """
        names = list(self._rows)
        counts, totals, squares = self._sums[:, : len(names)]
        kept = np.flatnonzero(counts >= min_count)
        counts, totals, squares = counts[kept], totals[kept], squares[kept]
        means = totals / counts
        variances = np.maximum(squares - counts * means**2, 0.0) / np.maximum(counts - 1, 1)
        halves = NORMAL_95 * np.sqrt(variances / counts)
        for index in np.argsort(-means, kind="stable").tolist():
            mean, half = float(means[index]), float(halves[index])
            name = names[int(kept[index])]
            yield WordMean(name, int(counts[index]), mean, mean - half, mean + half)

    def _drop_rare(self) -> None:
        names = list(self._rows)
        kept = np.sort(np.argsort(-self._sums[0, : len(names)], kind="stable")[:MOST_WORDS])
        self.dropped += len(names) - len(kept)
        self._sums = self._sums[:, kept]
        self._rows = {names[row]: number for number, row in enumerate(kept.tolist())}


def word_scores(
    tokens: Iterable[list[str]], scores: Iterable[Any], numbers: Iterable[list[int] | None]
) -> tuple[list[str], Array, Array]:
    """Returns the words of examples, their scores, and the example of each.

    Pieces of a word are put together, their scores added up; special tokens are left out.

    Args:
        tokens: by example the token strings.
        scores: by example the score of each token.
        numbers: by example `TokenSalience.words`; None where each token is a word.
    """
    merged = list(map(_merged, tokens, scores, numbers))
    names = [word for row_words, _ in merged for word in row_words]
    values = [score for _, row_scores in merged for score in row_scores]
    rows = np.repeat(np.arange(len(merged)), [len(row_words) for row_words, _ in merged])
    return names, np.array(values, np.float64), rows


def _merged(
    tokens: list[str], scores: Any, numbers: list[int] | None
) -> tuple[list[str], Sequence[float]]:
    if numbers is None:
        return tokens, scores
    slices = [word for word in words.word_slices(numbers) if numbers[word.start] != words.NO_WORD]
    return words.merge_tokens(tokens, slices), [float(sum(scores[word])) for word in slices]


def add_by_target(
    tables: dict[str, WordTable], targets: Array, names: list[str], scores: Array, rows: Array
) -> None:
    """Adds words to the table of the target that was explained, which is made where there is none.

    Args:
        tables: by the name of the target.
        targets: (batch,), the name of the target of each example.
        names: the words.
        scores: of the words.
        rows: the example of each word.
    """
    of_word = targets[rows]
    every_name = np.array(names, object)
    for target_name in dict.fromkeys(targets.tolist()):
        places = np.flatnonzero(of_word == target_name)
        if len(places):
            table = tables.setdefault(target_name, WordTable())
            table.add(*_grouped(every_name[places].tolist(), scores[places]))


def _grouped(names: list[str], scores: Array) -> tuple[list[str], Array]:
    """Adds up the scores of equal words: the words, and (3, words) for `WordTable.add`."""
    unique: dict[str, int] = {}
    index = np.array([unique.setdefault(name, len(unique)) for name in names], np.int64)
    weights = (None, scores, scores**2)
    sums = [np.bincount(index, weight, len(unique)) for weight in weights]
    return list(unique), np.array(sums, np.float64).reshape(3, len(unique))
