import sys

import pytest

from tf_salience.utils import warnings

MODULE = """
def call():
    inner()

def inner():
    warnings.warn("message", warnings.ProbeWarning)
"""


def test_a_warning_names_the_line_outside_the_package():
    module = {"__name__": "tf_salience.module", "warnings": warnings}
    exec(MODULE, module)
    with pytest.warns(warnings.ProbeWarning, match="message") as caught:
        module["call"]()
    line = sys._getframe().f_lineno - 1
    assert (caught[0].filename, caught[0].lineno) == (__file__, line)
