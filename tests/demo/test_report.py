import dataclasses
import io

import numpy as np
import pytest
from rich.console import Console
from rich.text import Text

from tf_salience.data.labelled_texts import LabelledTexts
from tf_salience.demo import report
from tf_salience.demo.task import Task
from tf_salience.explanation.token_salience import TokenSalience


def salience(text, target=1):
    """An explanation of one text, whose scores fall from 1 to -1."""
    tokens = text.split()
    return TokenSalience(
        tokens=tokens,
        scores=np.linspace(1, -1, len(tokens), dtype=np.float32),
        segments={"tokens": slice(0, len(tokens))},
        target=target,
        target_name=("negative", "positive")[target],
        output=0.5,
        baseline_output=None,
        convergence_delta=None,
        error_estimate=None,
        converged=None,
        evaluations=1,
        config={},
    )


DATA = LabelledTexts(["not so good"], np.array([1]), ("negative", "positive"))
GOLD = [np.array([True, False, True])]


def printed(color_system, text=DATA.texts[0], class_names=DATA.class_names):
    console = Console(
        file=io.StringIO(),
        width=120,
        force_terminal=color_system is not None,
        color_system=color_system,
    )
    data = dataclasses.replace(DATA, texts=[text], class_names=class_names)
    explanations = {"some_method": [salience(text)]}
    report.print_texts(console, [0], Task("reviews", data, data, GOLD), explanations)
    return console.file.getvalue()


def test_gold_words_are_underlined_one_by_one():
    line = Text.from_ansi(printed("truecolor").splitlines()[-1])
    underlined = [line.plain[span.start : span.end] for span in line.spans if span.style.underline]
    assert underlined == ["not", "good"]


def test_without_colours_scores_are_printed_and_gold_words_marked():
    *_, caption, method, tokens = printed(None).splitlines()
    assert caption == "labelled positive; the model says positive, with a logit of 0.50"
    assert method.strip() == "some_method"
    assert tokens.strip() == "_not_(+1) so(+0) _good_(-1)"


@pytest.mark.parametrize("color_system", ["truecolor", None])
def test_no_text_controls_the_terminal_or_is_read_as_markup(color_system):
    names = ("negative", ":heart: [red]good[/red]\x1b]0;title\x07")
    lines = printed(color_system, "not\x1b[2J so \u202egood", names).splitlines()
    *_, caption, _, tokens = (Text.from_ansi(line) for line in lines)
    assert caption.plain.startswith(r"labelled :heart: [red]good[/red]\x1b]0;title\x07; the model")
    if color_system is None:
        assert tokens.plain.strip() == r"_not\x1b[2J_(+1) so(+0) _\u202egood_(-1)"
        return
    underlined = [
        tokens.plain[span.start : span.end] for span in tokens.spans if span.style.underline
    ]
    assert underlined == [r"not\x1b[2J", r"\u202egood"]


def test_short_texts_that_the_model_got_right_are_chosen():
    texts = ["too short", "the soup was good", "the soup was bad", "it was not good", "x " * 30]
    data = LabelledTexts(texts, np.array([1, 1, 0, 1, 1]))
    explanations = {"some_method": [salience(text) for text in texts]}
    gold = [np.array([word in ("not", "good") for word in text.split()]) for text in texts]
    task = Task("reviews", data, data, gold)
    assert report.choose_texts(task, explanations) == [3, 1]
    assert report.choose_texts(dataclasses.replace(task, gold=None), explanations) == [1, 3]
