"""Calls of few different sizes, for jobs of many calls.

Each width of tokens is traced once, and for each number of rows TensorFlow's oneDNN keeps kernels
of its own: with sizes as they come, a long job would trace without end, and its memory would grow.
"""

import bisect

from tf_salience.attribution.execution.trimming import WIDTHS

_ROW_COUNTS_PER_DOUBLING = 8


def width_number(length: int) -> int:
    """Returns the number of the width that holds so many tokens; its texts go together.

    Beyond the largest width each one is the double of the one before.
    """
    doublings = (max(0, length - 1) // WIDTHS[-1]).bit_length()
    return bisect.bisect_left(WIDTHS, length) + doublings


def width_of(number: int) -> int:
    """Returns the most tokens of the width of a number."""
    return WIDTHS[number] if number < len(WIDTHS) else WIDTHS[-1] << (number - len(WIDTHS))


def filled_rows(rows: int) -> int:
    """Returns how many rows a call has that explains this many: at most an eighth more."""
    step = max(1, (1 << (rows - 1).bit_length()) // 2 // _ROW_COUNTS_PER_DOUBLING)
    return -(-rows // step) * step
