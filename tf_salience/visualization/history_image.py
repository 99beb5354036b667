"""The history of one probe's scores as a PNG, by the code of `plot.history`."""

import io
from collections.abc import Sequence

from tf_salience.utils.text import printable
from tf_salience.visualization import color_scale
from tf_salience.visualization.plot import axes, grids

_DPI = 100
#: Inches. TensorBoard shrinks an image to a card of some 450 pixels, so its labels are large in it.
_MAX_WIDTH = 5.5
# Points; inches.
_LABEL_SIZE, _MARGIN, _TITLE_HEIGHT, _TICKS_HEIGHT = 8.0, 0.12, 0.3, 0.3


def draw_history(
    title: str,
    tokens: Sequence[str],
    columns: Sequence[tuple[str, color_scale.Scores]],
    *,
    signed: bool = True,
) -> tuple[bytes, tuple[int, int]]:
    """Draws a history; see `plot.grids.draw_history`.

    Returns:
        The image as PNG, and its (width, height).

    Raises:
        ImportError: without matplotlib, which the extra `plot` installs.
    """
    width, height = grids.history_size(len(tokens), len(columns))
    width = min(width, _MAX_WIDTH)
    texts = [printable(token) for token in tokens]
    left = _MARGIN + max(axes.text_widths(texts, _LABEL_SIZE), default=0.0) / axes.POINTS_PER_INCH
    # Long tokens make the picture wider, not its cells narrower.
    width = max(width, left + 1.0)
    figure = axes.make_figure(width + _MARGIN, height, _DPI)
    # Laid out by hand: an engine for it would take longer than the drawing.
    ax = figure.add_axes(
        (
            left / (width + _MARGIN),
            _TICKS_HEIGHT / height,
            (width - left) / (width + _MARGIN),
            (height - _TICKS_HEIGHT - _TITLE_HEIGHT) / height,
        )
    )
    grids.draw_history(ax, title, tokens, columns, signed=signed)
    file = io.BytesIO()
    # The fastest level: flat colours compress well at any.
    figure.savefig(file, format="png", pil_kwargs={"compress_level": 1})
    return file.getvalue(), figure.canvas.get_width_height()
