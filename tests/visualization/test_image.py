import sys

import pytest

from tf_salience.visualization import image

ROW = ("method", ["costs", "$5", "$", "&"] * 12, list(range(48)))


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_any_tokens_are_drawn(tmp_path, suffix):
    pytest.importorskip("matplotlib")
    path = tmp_path / f"image{suffix}"
    image.save_image([("costs $5 & more than $4", [ROW, ROW])], path)
    assert path.stat().st_size > 1000


def test_without_matplotlib(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"tf-salience\[plot\]"):
        image.save_image([("title", [ROW])], tmp_path / "image.png")
