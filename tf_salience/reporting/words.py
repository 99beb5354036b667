"""Words of a report: which speak most for and against each class, with counts and intervals."""

from typing import Any

import numpy as np

from tf_salience.explanation import word_statistics
from tf_salience.explanation.word_statistics import WordTable
from tf_salience.reporting.runs import Run, TargetScores

#: Words of each end.
_TOP = 20
#: Where there are more different targets, as of language models, their words stand together.
_MOST_TARGETS = 40
_ALL_TARGETS = "all targets"


def word_means(run: Run) -> list[dict[str, Any]]:
    """Returns for each class that was explained the words of the highest and the lowest means.

    Returns:
        Dicts of `target`; `min_count`, the fewest occurrences of a word that is listed; `rows`,
        `[word, count, mean, low, high]` each, the highest mean first, with the interval of the
        mean at 95 %.
    """
    if run.matrices is not None:
        return []
    least = min_count(len(run))
    tables: dict[str, WordTable] = {}
    for target in run.targets:
        word_statistics.add_by_target(
            tables,
            np.array(_groups(target), object),
            *word_statistics.word_scores(
                run.tokens, run.scores_by_example(target), run.words or [None] * len(run)
            ),
        )
    return [
        {"target": name, "min_count": least, "rows": _ends(table, least)}
        for name, table in sorted(tables.items())
    ]


def min_count(examples: int) -> int:
    """Returns how often a word must come to be listed: seldom ones are high or low by chance."""
    return 2 if examples < 100 else 5 if examples < 1000 else 20


def _groups(target: TargetScores) -> list[str]:
    if len(set(target.names)) > _MOST_TARGETS:
        return [_ALL_TARGETS] * len(target.names)
    return target.names


def _ends(table: WordTable, least: int) -> list[list[Any]]:
    means = list(table.means(least))
    shown = means if len(means) <= 2 * _TOP else means[:_TOP] + means[-_TOP:]
    return [[mean.word, mean.count, mean.mean, mean.low, mean.high] for mean in shown]
