"""The views that TensorBoard shows; those of a terminal and a notebook are in test_explanation."""

import io

import numpy as np
import pytest
from PIL import Image

from tf_salience.visualization import color_scale, markdown
from tf_salience.visualization.history_image import strip


def cells(markdown_table):
    """The rows of a table below its header, split where a bar is not escaped."""
    rows = markdown_table.splitlines()[4:]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]


def test_bars_point_the_way_of_their_sign():
    (good, bad, zero) = cells(markdown.table("x", ["good", "bad", "so"], [2.0, -1.0, 0.0]))
    assert good == ["", "good", "█" * 16, r"+2"]
    assert bad == ["█" * 8, "bad", "", "-1"]
    assert zero == ["", "so", "", "+0"]


@pytest.mark.parametrize(
    ("token", "shown"),
    [
        ("a|b", r"a\|b"),
        ("[CLS]", r"\[CLS\]"),
        ("</s>", "&lt;/s&gt;"),
        ("*_#", r"\*\_\#"),
        ("a\nb", "a b"),
        ("", "␣"),
        ("été", "été"),
    ],
)
def test_tokens_are_shown_as_they_are(token, shown):
    assert markdown.escaped(token) == shown


def picture(*arguments):
    png, size = strip(*arguments)
    image = Image.open(io.BytesIO(png))
    assert image.size == size
    return np.asarray(image.convert("RGB"))


def test_each_cell_has_the_colour_of_its_score():
    image = picture("title", ["good", "bad"], [("1", [1.0, -0.5]), ("2", [0.0, -3.0])])
    width = image.shape[1]
    # Cells are 44 wide and 20 high; the last column ends at the margin, or the title does.
    blue, half, red = (
        color_scale.background(1.0),
        color_scale.background(-0.5),
        color_scale.background(-1.0),
    )
    rows, columns = np.nonzero((image == blue).all(axis=-1))
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (20, 44)
    top, left = rows.min(), columns.min()
    assert tuple(image[top + 30, left + 20]) == half
    assert tuple(image[top + 10, left + 60]) == (255, 255, 255)
    assert tuple(image[top + 30, left + 60]) == red
    assert left + 88 <= width


def test_many_columns_keep_the_first_and_the_last():
    columns = [(str(number), [1.0, 0.0]) for number in range(1000)]
    columns[0] = ("0", [-1.0, 0.0])
    columns[-1] = ("999", [0.0, -1.0])
    image = picture("title", ["a", "b"], columns)
    assert image.shape[1] < 1000
    red = (image == color_scale.background(-1.0)).all(axis=-1)
    rows = np.flatnonzero(red.any(axis=1))
    assert np.ptp(rows) + 1 == 40, "both rows are red once"


@pytest.mark.parametrize("tokens", [[], ["a\nb"], ["word" * 50], ["日本", "🙂"]])
def test_any_tokens(tokens):
    image = picture("any", tokens, [("1", [0.5] * len(tokens))])
    assert image.size > 0


def test_before_the_first_evaluation():
    assert picture("none", ["a"], []).size > 0
