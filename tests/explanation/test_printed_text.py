"""Text of a user's tokens and names controls neither terminals nor pictures, in any view."""

import html.parser
import io
import json
import unicodedata
import warnings
import xml.etree.ElementTree

import numpy as np
import pytest
import rich.console
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.text import Text

import tf_salience as tfs
from tf_salience.utils.text import printable
from tf_salience.visualization import history_image, markdown, terminal
from tf_salience.visualization.plot import sheet

HOSTILE = [
    "\x1b[31mred\x1b[0m",
    "\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\",
    "\x1b]52;c;cm0gLXJm\x07",
    "\x9b2J",
    "a\x85b",
    "a\nb\r\x0bc\x0cd\x1ce",
    "nul\x00",
    "\u202egnp.exe",
    "\u2067isolated",
    "half \ud83d",
    "\u2028\u2029",
    "\ufffe",
    ":heart: [red]bold[/red]",
]
TEXT = st.text(st.characters(), max_size=8) | st.sampled_from(HOSTILE)


def is_unprintable(character):
    # Cf without the direction controls: joiners of emoji and of letters.
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or (
        unicodedata.bidirectional(character) in ("LRE", "RLE", "LRO", "RLO", "PDF")
        or unicodedata.bidirectional(character) in ("LRI", "RLI", "FSI", "PDI")
        or character in "\u061c\u200e\u200f"
    )


def check_lines(text, lines):
    assert len(text.splitlines()) == text.count("\n") + 1 == lines
    assert not [
        hex(ord(character)) for character in text.replace("\n", "") if is_unprintable(character)
    ]
    text.encode("utf-8")


def salience(tokens, names):
    target, layer, segment, method = names
    size = len(tokens)
    return tfs.TokenSalience(
        tokens=tokens,
        scores=np.linspace(-1, 1, size, dtype=np.float32),
        segments={segment: slice(0, 1), f"{segment} ": slice(1, size)},
        target=0,
        target_name=target,
        output=0.5,
        baseline_output=0.25,
        convergence_delta=0.0,
        error_estimate=0.0,
        converged=False,
        evaluations=1,
        config={"method": {"class_name": method}, "embeddings": [layer]},
    )


def matrix(tokens, names):
    target, layer, segment, method = names
    scores = np.eye(len(tokens), dtype=np.float32)
    count = len(tokens)
    rows = tfs.Explanation(
        tokens=[tokens] * count,
        scores=scores,
        mask=np.ones_like(scores, bool),
        segments={segment: slice(0, count)},
        target=None,
        target_name=[target] * count,
        output=np.ones(count),
        baseline_output=None,
        convergence_delta=None,
        error_estimate=None,
        converged=None,
        evaluations=np.ones(count, np.int64),
        config={"method": {"class_name": method}, "embeddings": [layer]},
    )
    return tfs.SalienceMatrix(tokens, list(range(count)), rows)


class VisibleText(html.parser.HTMLParser):
    """The text of an HTML document."""

    def __init__(self, document):
        super().__init__()
        self.texts = []
        self.feed(document)

    def handle_data(self, data):
        self.texts.append(data)


any_names = given(
    tokens=st.lists(TEXT, min_size=2, max_size=4), names=st.tuples(TEXT, TEXT, TEXT, TEXT)
)


@any_names
def test_terminals(tokens, names):
    explained = salience(tokens, names)
    check_lines(str(explained), 2)
    check_lines(repr(explained), 1)
    check_lines(explained.header, 1)
    colored = explained.__rich__()
    check_lines(colored.plain, 1)
    console = rich.console.Console(
        file=io.StringIO(), force_terminal=True, color_system="truecolor", width=10_000
    )
    console.print(explained, end="")
    # The escapes of rich are the only ones.
    assert Text.from_ansi(console.file.getvalue()).plain == colored.plain
    for token in tokens:
        assert printable(token) in str(explained)


@any_names
def test_a_matrix(tokens, names):
    shown = matrix(tokens, names)
    check_lines(str(shown), 2 + len(tokens))
    check_lines(repr(shown), 1)
    check_lines(repr(shown.rows), 1)


@any_names
def test_html(tokens, names):
    for shown in (salience(tokens, names), matrix(tokens, names)):
        document = shown._repr_html_()
        check_lines(document, 1)
        texts = VisibleText(document).texts
        for token in filter(None, tokens):
            assert printable(token) in texts


@any_names
def test_markdown_has_a_row_for_each_token(tokens, names):
    table = markdown.table(names[0], tokens, [1.0] * len(tokens))
    check_lines(table, 4 + len(tokens))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@any_names
def test_the_picture_of_a_history(tokens, names):
    pytest.importorskip("matplotlib")
    columns = [(names[1], [1.0] * len(tokens))]
    with warnings.catch_warnings():
        # Of letters that matplotlib's own font does not have.
        warnings.filterwarnings("ignore", "Glyph")
        png, size = history_image.draw_history(names[0], tokens, columns)
    lines = 3 + len(tokens)
    assert png
    assert size[1] < 30 * lines, "a token has one line"


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_a_picture_of_matplotlib(tmp_path, suffix):
    pytest.importorskip("matplotlib")
    path = tmp_path / f"image{suffix}"
    rows = [(caption, salience(HOSTILE, HOSTILE[:4])) for caption in HOSTILE[:2]]
    sheet.save_sheet([(title, rows) for title in HOSTILE], path)
    assert path.stat().st_size > 1000
    if suffix == ".svg":
        xml.etree.ElementTree.parse(path)


@pytest.mark.parametrize("text", ["שלום", "مرحبا بالعالم", "👩‍👩‍👧‍👦", "e\u0301", "日本語"])
def test_letters_of_any_script_are_shown_as_they_are(text):
    explained = salience([text, text], ("target", "layer", "segment", "method"))
    assert f"{text}(-1)" in str(explained)
    assert text in explained._repr_html_()
    assert terminal.colored([text], [1.0]).plain == text


def test_saved_files_keep_the_text(tmp_path):
    rows = matrix(HOSTILE, HOSTILE[:4]).rows
    rows.save(tmp_path / "a.json")
    assert tfs.Explanation.load(tmp_path / "a.json").tokens == rows.tokens
    assert json.loads((tmp_path / "a.json").read_text("ascii"))
