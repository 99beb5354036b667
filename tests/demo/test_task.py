from pathlib import Path

import pytest

from tf_salience.demo.options import DemoOptions
from tf_salience.demo.task import load_task

REVIEWS = Path(__file__).parents[3] / "shared" / "data" / "movie_reviews.tsv"


@pytest.mark.skipif(not REVIEWS.is_file(), reason="the real reviews are not at ../shared/data")
def test_real_reviews_are_cut_to_max_texts():
    task = load_task(DemoOptions(data=str(REVIEWS), max_texts=500))
    assert (len(task.train), len(task.test), task.gold) == (500, 1060, None)
    assert not set(task.train.texts) & set(task.test.texts) - {""}


@pytest.mark.parametrize("content", ["text\nx\ny\n", "text,label\nx,1\ny,1\n"])
def test_data_without_two_classes(tmp_path, content):
    path = tmp_path / "a.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match="labels of at least two classes"):
        load_task(DemoOptions(data=str(path)))
