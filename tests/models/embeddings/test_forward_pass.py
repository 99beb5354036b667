"""`ForwardPass`: the order in which its segments are shown."""

import numpy as np

from tf_salience.models.embeddings.forward_pass import ForwardPass, Segment


def segment(name, width):
    return Segment(None, -1, None, np.zeros((2, width, 4)), None, name=name)


CALLS = [segment("hypothesis", 3), segment("premise", 2)]
FORWARD = ForwardPass(outputs=np.zeros((2, 3)), segments=CALLS, order=[1, 0], vectorized=())


def test_segments_are_shown_in_their_order():
    assert [shown.name for shown in FORWARD.shown] == ["premise", "hypothesis"]
    assert [shown.width for shown in FORWARD.shown] == [2, 3]


def test_columns_as_shown_are_split_into_the_order_of_the_calls():
    columns = np.array([[1, 2, 0, 3, 4, 5, 0], [6, 7, 0, 8, 9, 10, 0]])
    hypothesis, premise = FORWARD.split_shown(columns, widths=[4, 3])
    assert hypothesis.tolist() == [[3, 4, 5], [8, 9, 10]]
    assert premise.tolist() == [[1, 2], [6, 7]]
