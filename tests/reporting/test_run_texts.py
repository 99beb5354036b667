import numpy as np
import pytest

from tf_salience.reporting import run_texts
from tf_salience.reporting.runs import of_explanation


@pytest.mark.parametrize(
    ("texts", "error", "message"),
    [
        (["one"], ValueError, r"`texts` must have one value for each example\. Received: 1 for 2"),
        (["one", 2], TypeError, r"Received: 2 \(of type int\) for example 1"),
        (3, TypeError, r"`texts` must be a list.*Received: 3"),
        ("text", ValueError, r"`texts` as a string must be a column.*Received: texts='text'"),
        ((["a", "b"], ["c"]), ValueError, "Received: 1 for 2"),
    ],
)
def test_texts_are_checked(explanation, texts, error, message):
    run = of_explanation("run", explanation([(["a"], [1]), (["b"], [1])]), 2)
    with pytest.raises(error, match=message):
        run_texts.texts_of(texts, [run])


def test_texts_of_tensorflow_are_bytes(explanation):
    run = of_explanation("run", explanation([(["é"], [1]), (["b"], [1])]), 2)
    assert run_texts.texts_of(np.array(["é".encode(), b"b"], object), [run]) == [["é"], ["b"]]


def test_values_of_all_examples_or_of_those_that_a_limit_has_left(explanation):
    run = of_explanation("run", explanation([(["a"], [1]), (["b"], [1])]), 5)
    assert run_texts.aligned("labels", np.arange(5), [run]) == [0, 1]
    assert run_texts.aligned("labels", [7, 8], [run]) == [7, 8]
    with pytest.raises(ValueError, match="3 for 5 examples"):
        run_texts.aligned("labels", [7, 8, 9], [run])
