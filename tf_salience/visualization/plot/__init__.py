"""Pictures by matplotlib, the extra `plot`: each takes `ax=` and returns the Axes.

With `ax` the state of pyplot is not touched; without one a figure of pyplot is made. No display is
needed; `ax.figure.savefig` writes PNG, SVG and PDF. On dark Axes the colours are those of the dark
theme.
"""

from tf_salience.visualization.plot.grids import heatmap, history
from tf_salience.visualization.plot.path_curve import path
from tf_salience.visualization.plot.token_lines import sentence
from tf_salience.visualization.plot.word_means import corpus

__all__ = ["corpus", "heatmap", "history", "path", "sentence"]
