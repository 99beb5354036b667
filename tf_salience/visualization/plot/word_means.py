"""`corpus`: the mean salience of words, with intervals."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tf_salience.utils import validation
from tf_salience.utils.text import printable
from tf_salience.visualization import color_scale
from tf_salience.visualization.plot import axes
from tf_salience.visualization.plot.axes import Axes

_ROW_HEIGHT = 0.24


def corpus(
    words: Sequence[Any], ax: Axes | None = None, *, top: int = 20, title: str | None = None
) -> Axes:
    """Draws the words of the largest |mean|: a bar for the mean, a line for its interval.

    Args:
        words: with `word`, `count`, `mean`, `low` and `high` each: a class of `Summary.words`.
        ax: the Axes; None: of a new figure.
        top: how many words are drawn.
        title: a line above.

    Returns:
        The Axes; the highest mean is at the top.

    Raises:
        ImportError: without matplotlib, which the extra `plot` installs.
        TypeError: for anything but the words of one class.
        ValueError: if there are no words.

    Example:
        >>> rows = [{"text": text} for text in texts]
        >>> keywords = {"class_names": ["negative", "positive"], "target": "positive"}
        >>> manifest = tfs.explain_dataset(model, rows, "explained", progress=False, **keywords)
        >>> words = tfs.summarize("explained", min_count=1).words["positive"]
        >>> tfs.plot.corpus(words, title="positive").get_title(loc="left")
        'positive'
    """
    top = validation.positive_integer("top", top)
    expected = "the words of one class: `summary.words['positive']`"
    axes.check_drawable("words", words, "__len__", expected)
    for word in words:
        axes.check_drawable("words", word, "mean", expected)
    if not len(words):
        raise ValueError("`words` must hold at least one word. Received: none")
    strongest = sorted(words, key=lambda word: -abs(word.mean))[:top]
    strongest.sort(key=lambda word: word.mean)
    ax = axes.axes_or_new(ax, 6.0, 0.9 + _ROW_HEIGHT * len(strongest))
    theme = axes.theme_of(ax)
    means = np.array([word.mean for word in strongest])
    ends = np.array([(word.low, word.high) for word in strongest]).T
    colors = [color_scale.background(np.sign(mean), theme) for mean in means]
    ink = color_scale.as_hex(theme.text)
    ax.barh(
        range(len(strongest)),
        means,
        xerr=np.abs(ends - means),
        color=colors,
        error_kw={"ecolor": ink, "elinewidth": 1.0, "capsize": 2.0},
    )
    labels = [printable(f"{word.word}  ({word.count:,})") for word in strongest]
    ax.set_yticks(range(len(strongest)), labels, parse_math=False)
    ax.axvline(0.0, color=ink, linewidth=0.8)
    ax.set_xlabel("mean salience, and its 95 % interval")
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    ax.tick_params(axis="y", length=0, labelsize=8)
    if title:
        axes.set_title(ax, title)
    return ax
