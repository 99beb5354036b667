"""Axes to draw on, their theme, and the width of text."""

from collections.abc import Sequence
from typing import Any

from tf_salience.utils import validation
from tf_salience.utils.text import printable
from tf_salience.visualization import color_scale

#: A matplotlib Axes; matplotlib is imported where it is used.
Axes = Any

POINTS_PER_INCH = 72.0
_DPI = 144


def require_matplotlib() -> None:
    """Raises an ImportError that names the extra, where matplotlib is not installed."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "Pictures need matplotlib. Install it with `pip install 'tf-salience[plot]'`."
        ) from error


def make_figure(width: float, height: float, dpi: int = _DPI) -> Any:
    """Returns a figure of this size, in inches, that pyplot does not know.

    Raises:
        ImportError: without matplotlib, which the extra `plot` installs.
    """
    require_matplotlib()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=dpi)
    FigureCanvasAgg(figure)
    return figure


def check_drawable(name: str, value: Any, attribute: str, expected: str) -> None:
    """Raises a TypeError for what cannot be drawn.

    Args:
        name: of the argument.
        value: what was passed.
        attribute: that all values have which can be drawn.
        expected: what these are, and how to get one.
    """
    if not hasattr(value, attribute):
        raise TypeError(
            f"`{name}` must be {expected}. Received: {validation.format_value(value)} "
            f"(of type {type(value).__name__})"
        )


def axes_or_new(ax: Axes | None, width: float, height: float) -> Axes:
    """Returns the Axes of the user, or those of a new figure of pyplot.

    Args:
        ax: the Axes, or None.
        width: of a new figure, in inches.
        height: the same.

    Raises:
        ImportError: without matplotlib.
    """
    if ax is not None:
        return ax
    require_matplotlib()
    from matplotlib import pyplot

    return pyplot.subplots(figsize=(width, height), layout="constrained")[1]


def theme_of(ax: Axes) -> color_scale.Theme:
    """Returns the theme for the colour of the Axes."""
    from matplotlib.colors import to_rgb

    return color_scale.theme_of([255 * part for part in to_rgb(ax.get_facecolor())])


def set_title(ax: Axes, title: str) -> None:
    """Puts a title above the Axes, at the left; a dollar sign starts no mathematics."""
    ax.set_title(printable(title), loc="left", fontsize=9, parse_math=False)


def text_widths(texts: Sequence[str], size: float, **font: Any) -> list[float]:
    """Returns the widths, in points, of texts in a font of this size."""
    require_matplotlib()
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    properties = FontProperties(size=size, **font)
    return [
        text_to_path.get_text_width_height_descent(text, properties, ismath=False)[0]
        for text in texts
    ]
