import io

import numpy as np
import pytest
from PIL import Image

from tf_salience.visualization import color_scale
from tf_salience.visualization.history_image import draw_history


def draw(*arguments):
    """The pixels of the image, (height, width, 3)."""
    png, size = draw_history(*arguments)
    image = Image.open(io.BytesIO(png))
    assert image.size == size
    return np.asarray(image.convert("RGB"))


def test_each_cell_has_the_colour_of_its_score():
    image = draw("title", ["good", "bad"], [("1", [1.0, -0.5]), ("2", [0.0, -3.0])])
    # Cells are 44 wide and 20 high.
    rows, columns = np.nonzero((image == color_scale.POSITIVE).all(axis=-1))
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (20, 44)
    top, left = rows.min(), columns.min()
    assert image[top + 30, left + 20].tobytes().hex() == color_scale.background(-0.5)[1:]
    assert tuple(image[top + 10, left + 60]) == (255, 255, 255)
    assert tuple(image[top + 30, left + 60]) == color_scale.NEGATIVE
    assert left + 88 <= image.shape[1]


def test_many_columns_keep_the_first_and_the_last():
    columns = [(str(number), [1.0, 0.0]) for number in range(1000)]
    columns[0] = ("0", [-1.0, 0.0])
    columns[-1] = ("999", [0.0, -1.0])
    image = draw("title", ["a", "b"], columns)
    assert image.shape[1] < 1000
    is_red = (image == color_scale.NEGATIVE).all(axis=-1)
    rows = np.flatnonzero(is_red.any(axis=1))
    assert np.ptp(rows) + 1 == 40, "both rows have a red cell"


@pytest.mark.parametrize("tokens", [[], ["a\nb"], ["word" * 50], ["日本", "🙂"]])
def test_any_tokens(tokens):
    assert draw("any", tokens, [("1", [0.5] * len(tokens))]).size > 0


def test_before_the_first_evaluation():
    assert draw("none", ["a"], []).size > 0
