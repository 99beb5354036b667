"""`heatmap` and `history`: scores as a grid of cells."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tf_salience.utils import validation
from tf_salience.utils.text import printable
from tf_salience.visualization import color_scale
from tf_salience.visualization.plot import axes
from tf_salience.visualization.plot.axes import Axes

#: Numbers are written into grids of at most this many cells.
_CELLS_WITH_NUMBERS = 300
#: At most this many labels stand on an axis of columns.
_LABELS = 24
#: Inches.
_CELL_WIDTH, _CELL_HEIGHT, _LEFT, _TOP = 0.55, 0.3, 1.6, 1.1
_MAX_WIDTH = 14.0


def heatmap(
    rows: Any,
    ax: Axes | None = None,
    *,
    title: str | None = None,
    numbers: bool | None = None,
    shared: bool = True,
) -> Axes:
    """Draws methods x tokens, or targets x tokens.

    Args:
        rows: a `SalienceMatrix`; or a dict of `TokenSalience` by label, of the same tokens:
            methods, models, targets.
        ax: the Axes; None: of a new figure.
        title: a line above; None: the header of a matrix, and nothing of a dict.
        numbers: whether the scores are written into the cells; None: into few.
        shared: True: the strongest colour is the largest |score| of all rows, of signed ones and of
            unsigned ones by themselves; False: of each row, where units differ.

    Returns:
        The Axes.

    Raises:
        ImportError: without matplotlib, which the extra `plot` installs.
        TypeError: for anything else.
        ValueError: for rows of different tokens, or no rows.

    Example:
        >>> methods = ("gradient_norm", "occlusion")
        >>> rows = {name: tfs.explain(model, ["good fun"], name)[0] for name in methods}
        >>> [label.get_text() for label in tfs.plot.heatmap(rows).get_yticklabels()]
        ['gradient_norm', 'occlusion']
    """
    if isinstance(rows, Mapping):
        labels, saliences = list(rows), list(rows.values())
        for value in saliences:
            expected = "a dict of TokenSalience, one example each: `explanation[0]`"
            axes.check_drawable("rows", value, "is_signed", expected)
    else:
        expected = "a SalienceMatrix, or a dict of TokenSalience by label"
        axes.check_drawable("rows", rows, "targets", expected)
        labels, saliences = rows.targets, list(rows)
        title = rows.header if title is None else title
    tokens = _shared_tokens(saliences)
    scores = np.stack([salience.scores for salience in saliences])
    signed = [salience.is_signed for salience in saliences]
    largest = _largest(scores, signed) if shared else np.abs(scores).max(axis=1, initial=0.0)
    ax = axes.axes_or_new(
        ax,
        min(_LEFT + _CELL_WIDTH * len(tokens), _MAX_WIDTH),
        _TOP + _CELL_HEIGHT * len(labels),
    )
    draw_cells(ax, scores, largest[:, None], signed=np.array(signed)[:, None], numbers=numbers)
    ax.xaxis.tick_top()
    _label(ax.set_xticks, tokens, rotation=45, ha="left", rotation_mode="anchor")
    _label(ax.set_yticks, labels)
    if title:
        axes.set_title(ax, title)
    return ax


def history(
    records: Sequence[Mapping[str, Any]],
    ax: Axes | None = None,
    *,
    probe: int = 0,
    title: str | None = None,
) -> Axes:
    """Draws how the scores of one probe of a `SalienceLogger` change: tokens x evaluations.

    All evaluations share a scale. Those before the last change of the tokens or the method are left
    out, and those of errors.

    Args:
        records: the log, as `read_log` reads it.
        ax: the Axes; None: of a new figure.
        probe: the number of the probe.
        title: a line above; None: the probe and what was explained.

    Returns:
        The Axes.

    Raises:
        ImportError: without matplotlib, which the extra `plot` installs.
        TypeError: for anything but a list of records.
        ValueError: if the log has no scores of the probe.

    Example:
        >>> logger = tfs.SalienceLogger("logs", ["good fun"], method="gradient_norm")
        >>> _ = model.fit(tf.constant(texts), labels, verbose=0, callbacks=[logger])
        >>> axes = tfs.plot.history(tfs.read_log("logs"), probe=0)
        >>> axes.figure.savefig("history.png")
    """
    passed: Any = records
    for record in [passed] if isinstance(passed, str) else passed:
        axes.check_drawable("records", record, "keys", "the log that `read_log` returns")
    logged = [record for record in records if record["probe"] == probe and "scores" in record]
    if not logged:
        numbers = sorted({record["probe"] for record in records if "scores" in record})
        if not numbers:
            raise ValueError(
                "`records` must hold scores of at least one probe. Received: "
                f"{len(records)} records without scores"
            )
        raise ValueError(
            f"`probe` must be one of those with scores in the log, {numbers}. "
            f"Received: probe={validation.format_value(probe)}"
        )
    last = logged[-1]
    kept = [r for r in logged if (r["tokens"], r["method"]) == (last["tokens"], last["method"])]
    names = dict.fromkeys(record["target_name"] for record in kept)
    ax = axes.axes_or_new(ax, *history_size(len(last["tokens"]), len(kept)))
    title = f"probe {probe}: {', then '.join(names)}" if title is None else title
    columns = [(_evaluation(record), record["scores"]) for record in kept]
    draw_history(ax, title, last["tokens"], columns, signed=color_scale.is_signed(last["method"]))
    return ax


def history_size(tokens: int, columns: int) -> tuple[float, float]:
    """Returns the width and the height, in inches, that a history has room in."""
    return min(_LEFT + _CELL_WIDTH * max(columns, 1), _MAX_WIDTH), 0.8 + 0.22 * max(tokens, 1)


def draw_history(
    ax: Axes,
    title: str,
    tokens: Sequence[str],
    columns: Sequence[tuple[str, color_scale.Scores]],
    *,
    signed: bool = True,
) -> None:
    """Draws a row for each token and a column for each evaluation, all on one scale.

    Args:
        ax: the Axes.
        title: a line above.
        tokens: (tokens,).
        columns: a label and scores, (tokens,), for each evaluation.
        signed: as for `color_scale.backgrounds`.
    """
    scores = np.array([column for _, column in columns], np.float64)
    scores = scores.reshape(len(columns), len(tokens)).T
    largest = color_scale.largest_score([scores])
    draw_cells(ax, scores, np.array(largest), signed=np.array(signed), numbers=False)
    _label(ax.set_yticks, tokens)
    _label(ax.set_xticks, [label for label, _ in columns])
    axes.set_title(ax, title)


def draw_cells(
    ax: Axes, scores: Any, largest: Any, *, signed: Any, numbers: bool | None = None
) -> None:
    """Draws a cell for each score, and into few of them the number.

    Args:
        ax: the Axes.
        scores: (rows, columns).
        largest: the scores with the strongest colour, of a shape that broadcasts.
        signed: whether scores are for or against, of a shape that broadcasts.
        numbers: whether the scores are written; None: into few cells.
    """
    theme = axes.theme_of(ax)
    relative = np.divide(scores, largest, out=np.zeros(scores.shape), where=largest > 0)
    both = [color_scale.backgrounds(relative, theme, signed=kind) for kind in (True, False)]
    colors = np.where(np.broadcast_to(signed, scores.shape)[..., None], *both)
    if scores.size:
        ax.imshow(colors, aspect="auto", interpolation="nearest")
    ax.tick_params(length=0, labelsize=8)
    for spine in ax.spines.values():
        spine.set_visible(False)
    if numbers is None:
        numbers = scores.size <= _CELLS_WITH_NUMBERS
    if not numbers:
        return
    for (row, column), score in np.ndenumerate(scores):
        is_signed = bool(np.broadcast_to(signed, scores.shape)[row, column])
        color = color_scale.foreground(float(relative[row, column]), theme, signed=is_signed)
        text = f"{score:+.2g}" if score else "·"
        ax.text(column, row, text, color=color, size=7, ha="center", va="center")


def _label(set_ticks: Any, labels: Sequence[str], **style: Any) -> None:
    """Writes labels beside cells; of too many each second, third, ..."""
    step = 1 if style or len(labels) <= _LABELS else -(-len(labels) // _LABELS)
    if "yticks" in set_ticks.__name__:
        step = 1
    places = range(0, len(labels), step)
    set_ticks(places, [printable(labels[place]) for place in places], parse_math=False, **style)


def _largest(scores: Any, signed: Sequence[bool]) -> Any:
    """Returns the |score| with the strongest colour of each row, (rows,)."""
    kinds = np.array(signed)
    by_kind = {kind: np.abs(scores[kinds == kind]).max(initial=0.0) for kind in (True, False)}
    return np.array([by_kind[kind] for kind in signed])


def _shared_tokens(saliences: Sequence[Any]) -> list[str]:
    if not saliences:
        raise ValueError("`rows` must hold at least one row. Received: none")
    tokens = saliences[0].tokens
    for salience in saliences:
        if salience.tokens != tokens:
            raise ValueError(
                "`rows` must be of the same tokens. Received: "
                f"{validation.format_value(tokens)} and {validation.format_value(salience.tokens)}"
            )
    return list(tokens)


def _evaluation(record: Mapping[str, Any]) -> str:
    epoch = record["epoch"]
    return f"step {record['step']}" if epoch is None else str(epoch + 1)
