import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tf_salience.utils.text import printable, printable_lines

# The property `Bidi_Control` of Unicode, and the deprecated controls beside it.
DIRECTION_CONTROLS = {
    0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x2070),
}  # fmt: skip
ANY_TEXT = st.text(st.characters())


def is_unprintable(character):
    category = unicodedata.category(character)
    return (
        category in ("Cc", "Cs", "Zl", "Zp")
        or ord(character) in DIRECTION_CONTROLS
        or character in "\ufffe\uffff"
    )


def test_every_code_point():
    for code in range(0x110000):
        character = chr(code)
        shown = printable(character)
        if is_unprintable(character):
            assert shown.isascii(), hex(code)
            assert shown.isprintable(), hex(code)
            assert shown.encode("ascii").decode("unicode_escape") == character
        else:
            assert shown == character, hex(code)


@given(ANY_TEXT)
@example("\x1b]52;c;cm0gLXJm\x07")
@example("\ud83d\ude00")
def test_any_text_becomes_one_line_that_any_encoding_of_unicode_takes(text):
    shown = printable(text)
    assert not any(map(is_unprintable, shown))
    assert len(shown.splitlines()) <= 1
    assert shown.encode("utf-8").decode("utf-8") == shown
    assert printable(shown) == shown


@given(ANY_TEXT)
def test_line_feeds_of_lines_stay(text):
    assert printable_lines(text).split("\n") == [printable(line) for line in text.split("\n")]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\x1b]8;;http://a\x1b\\link", r"\x1b]8;;http://a\x1b\link"),
        ("\x9b2J", r"\x9b2J"),
        ("a\nb\r\tc\x85d\x00", r"a\nb\r\tc\x85d\x00"),
        ("\u202eabc\u2066", r"\u202eabc\u2066"),
        ("\udcff", r"\udcff"),
    ],
)
def test_escapes_are_those_of_python(text, shown):
    assert printable(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "שלום עולם",
        "می‌خواهم",  # with a zero-width non-joiner
        "👩‍👩‍👧‍👦 👍🏽",
        "e\u0301 und ẽ",
        "हिन्दी 日本語",
        "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",  # a flag
        r"C:\new\x1b",
        "a b\u00a0c\u3000d",
    ],
)
def test_text_of_any_script_is_unchanged(text):
    assert printable(text) == text
