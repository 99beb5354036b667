import pytest

from tf_salience.demo.options import DemoOptions


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"data": "a.csv", "tfds": "b"}, ValueError, "not both.*data='a.csv', tfds='b'"),
        ({"explain": 0}, ValueError, "explain=0"),
        ({"epochs": -1}, ValueError, "epochs=-1"),
        ({"save": "m.h5"}, ValueError, r"\.keras.*save='m.h5'"),
        ({"picture": "m.gif"}, ValueError, r"\.png or \.svg.*picture='m.gif'"),
        ({"save": "no/such/folder/m.keras"}, FileNotFoundError, "save='no/such/folder/m.keras'"),
    ],
)
def test_invalid_options_raise_before_any_work(options, error, message):
    with pytest.raises(error, match=message):
        DemoOptions(**options)
