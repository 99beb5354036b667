import io

import numpy as np
import pytest
from PIL import Image

from tf_salience.visualization import color_scale
from tf_salience.visualization.history_image import draw_history

pytest.importorskip("matplotlib", reason="the extra `plot` is not installed")


def draw(*arguments):
    """The pixels of the image, (height, width, 3)."""
    png, size = draw_history(*arguments)
    image = Image.open(io.BytesIO(png))
    assert image.size == size
    return np.asarray(image.convert("RGB"))


def places(image, color):
    """The rows and the columns of the pixels of a colour."""
    return np.nonzero((image == color).all(axis=-1))


def test_each_cell_has_the_colour_of_its_score_on_the_scale_of_all():
    image = draw("title", ["good", "bad"], [("1", [1.0, -1.5]), ("2", [0.0, -3.0])])
    light = color_scale.LIGHT
    red_rows, red_columns = places(image, light.negative)
    pink_rows, pink_columns = places(image, color_scale.backgrounds(np.array(-0.5)))
    blue_rows, blue_columns = places(image, color_scale.backgrounds(np.array(1 / 3)))
    assert blue_rows.max() < red_rows.min(), "a row for each token"
    assert pink_columns.max() < red_columns.min(), "a column for each evaluation"
    assert np.ptp(pink_rows) == np.ptp(red_rows) > 10
    assert abs(int(np.ptp(blue_columns)) - int(np.ptp(red_columns))) <= 1


def test_many_columns_keep_the_first_and_the_last():
    columns = [(str(number), [1.0, 0.0]) for number in range(1000)]
    columns[0] = ("0", [-1.0, 0.0])
    columns[-1] = ("999", [0.0, -1.0])
    image = draw("title", ["a", "b"], columns)
    assert image.shape[1] < 2000
    rows, found_columns = places(image, color_scale.LIGHT.negative)
    assert np.ptp(rows) > 20, "both rows have a red cell"
    assert np.ptp(found_columns) > 0.7 * image.shape[1]


@pytest.mark.parametrize("tokens", [[], ["a\nb"], ["word" * 50], ["costs", "$5", "$"]])
def test_any_tokens(tokens):
    assert draw("any", tokens, [("1", [0.5] * len(tokens))]).size > 0


def test_before_the_first_evaluation():
    assert draw("none", ["a"], []).size > 0
