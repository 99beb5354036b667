import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tf_salience.data.labelled_texts import LabelledTexts, split_train_test


def test_take():
    data = LabelledTexts(["a", "b", "c"], np.array([0, 1, 2]), ("x", "y", "z"))
    taken = data.take([2, 0])
    assert (taken.texts, taken.labels.tolist(), taken.class_names) == (
        ["c", "a"],
        [2, 0],
        data.class_names,
    )
    assert LabelledTexts(["a", "b"]).take(np.array([1])).labels is None


@given(count=st.integers(2, 60), share=st.floats(0.01, 0.99), seed=st.integers(0, 5))
def test_a_split_is_a_partition_and_the_same_again(count, share, seed):
    data = LabelledTexts([str(index) for index in range(count)], np.arange(count))
    train, test = split_train_test(data, test_share=share, seed=seed)
    assert sorted(train.texts + test.texts, key=int) == data.texts
    assert min(len(train), len(test)) >= 1
    assert [str(label) for label in test.labels] == test.texts
    assert split_train_test(data, test_share=share, seed=seed)[1].texts == test.texts


@pytest.mark.parametrize("share", [0, 1, -0.5])
def test_a_split_needs_two_parts(share):
    with pytest.raises(ValueError, match="test_share"):
        split_train_test(LabelledTexts(["a", "b"]), test_share=share, seed=0)
    with pytest.raises(ValueError, match="at least two texts"):
        split_train_test(LabelledTexts(["a"]), test_share=0.5, seed=0)
