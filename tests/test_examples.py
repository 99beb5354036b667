"""Every script of `examples/` runs and shows what its docstring says."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
SCRIPTS = sorted(EXAMPLES.rglob("*.py"))
#: A wrong result would show at once, so the load test need not run for long.
ARGUMENTS = {"load_test": ("--seconds", "2"), "lit_server": ("--once",)}
TIMEOUT_SECONDS = 240  # an example takes about ten, more on a busy machine


def _explain_a_classifier(output: str) -> None:
    strongest = re.findall(r"strongest token: (\w+)", output)
    assert strongest == ["good", "not", "never", "awful"]
    assert output.count("integrated_gradients at embedding") == 4


def _compare_methods(output: str) -> None:
    agreement = re.findall(r"(\S+) and (\S+) +([+-]\d\.\d\d) +(\d+)%", output)
    assert len(agreement) == 3
    assert all(-1 <= float(correlation) <= 1 for _, _, correlation, _ in agreement)
    shares = [float(share) for share in re.findall(r"-?\d\.\d\d", output.splitlines()[-1])]
    assert shares == pytest.approx([1.0] * 6, abs=0.02)


def _choose_a_baseline(output: str) -> None:
    at_input = float(re.findall(r"F\(sentence\) = (-?[\d.]+)", output)[0])
    rows = {line[:12].strip(): line[12:].split() for line in output.splitlines()[1:6]}
    assert len(rows) == 5
    for at_baseline, *_, total in rows.values():
        assert float(at_baseline) + float(total) == pytest.approx(at_input, abs=0.05)
    the, was = 1, 3
    assert [rows["zeros, keep"][the], rows["zeros, keep"][was]] == ["0.000", "0.000"]
    assert rows["token 'the'"][the] == "0.000"
    assert rows["zeros"][the] != "0.000"


def _two_segments(output: str) -> None:
    assert re.findall(r"^(contradiction|entailment) = ", output, re.M) == [
        "contradiction",
        "entailment",
        "entailment",
    ]
    segments = {
        name: [float(total) for total in re.findall(rf"{name} +([+-][\d.]+) =", output)]
        for name in ("premise", "hypothesis")
    }
    sums = re.findall(r"segments ([+-][\d.]+), change of the output ([+-][\d.]+)", output)
    assert len(sums) == 3
    for premise, hypothesis, (total, change) in zip(*segments.values(), sums, strict=True):
        assert premise + hypothesis == pytest.approx(float(total), abs=0.03)
        # Within 1 % of sum |scores|, which is about 20 where the segments cancel.
        assert float(total) == pytest.approx(float(change), rel=0.05, abs=0.2)


def _why_this_rather_than_that(output: str) -> None:
    for name in ("politics", "sport", "politics − sport", "P(politics)", "confidence"):
        assert re.search(rf"^{re.escape(name)} +-?\d", output, re.M), name
    assert float(output.split()[-1]) < 1e-3


def _trust_the_numbers(output: str) -> None:
    rows = re.findall(r"^(\S.*?)  +([\d.]+) +(\d\.\de[+-]\d+) +(\S+) +(\S+)$", output, re.M)
    error = {name: float(true_error) for name, _, true_error, _, _ in rows}
    assert error["trapezoid, 32 steps"] < error["lit, 32 steps"] / 3
    assert error["gauss_legendre, 32 steps"] < error["trapezoid, 32 steps"]
    assert error["auto, tolerance 0.05"] < 0.05
    assert error["auto, tolerance 0.001"] < 0.001


def _train_and_watch(output: str) -> None:
    rows = re.findall(r"validation accuracy ([\d.]+), salience on the shortcut ([\d.]+)", output)
    accuracy, share = np.array(rows, float).T
    count = int(output.split()[-2])
    assert count == len(rows) < 40, "EarlyStopping ended the run"
    # Three evaluations in a row with salience on the shortcut; the accuracy has not fallen.
    assert (share[-3:] > 0.2).all()
    assert share.max() > 2 * share[0]
    assert accuracy[-1] > accuracy.max() - 0.05


def _make_requests(output: str) -> None:
    bodies = [json.loads(body) for body in re.findall(r"curl -d '(.*)' http", output)]
    assert [body["signature_name"] for body in bodies] == [
        "serving_default",
        "attributions",
        "attributions_with_target",
    ]
    assert bodies[2]["inputs"]["target"] == [-1, -1]
    assert output.count("model_spec {") == 3


def _load_test(output: str) -> None:
    rows = re.findall(r"(\d+) texts a second, (\d+) wrong, memory ([+-]\d+) MiB", output)
    assert len(rows) == 2
    for rate, wrong, growth in rows:
        assert int(rate) > 0
        assert int(wrong) == 0
        assert int(growth) < 50


NUMBER = r"[+-]\d[\d.e-]*"


def _tokens(line: str) -> tuple[list[str], list[float]]:
    """The tokens and scores of a line of `token(+0.1)`."""
    tokens, scores = zip(*re.findall(rf"(\S+?)\(({NUMBER})\)", line), strict=True)
    return list(tokens), [float(score) for score in scores]


def _hub_classifier(output: str) -> None:
    (subwords, subword_scores), (words, word_scores) = (
        _tokens(re.findall(rf"^{title}\n.*\n(.*)$", output, re.M)[0])
        for title in ("subwords", "words")
    )
    assert "".join(subwords) == "".join(words)
    assert sum(subword_scores) == pytest.approx(sum(word_scores), abs=0.01)
    suffixes = [index for index, token in enumerate(subwords) if token in ("ful", "less")]
    suffixed = [index for index, word in enumerate(words) if word.endswith(("ful", "less"))]
    assert len(suffixes) == len(suffixed) > 0
    for suffix, word in zip(suffixes, suffixed, strict=True):
        assert words[word] == subwords[suffix - 1] + subwords[suffix]
        parts = subword_scores[suffix - 1 : suffix + 1]
        assert word_scores[word] == pytest.approx(sum(parts), abs=0.01)
        assert abs(parts[1]) > 2 * abs(parts[0]), "the suffix decides"
    rows = re.findall(
        rf"^  (\w+), strongest word: (\S+) ({NUMBER}); sum of all ({NUMBER}), .* ({NUMBER})$",
        output,
        re.M,
    )
    assert len(rows) == 6
    for predicted, word, score, total, change in rows:
        assert word.endswith(("ful", "less"))
        assert (float(score) > 0) == (word.endswith("ful") == (predicted == "positive"))
        assert float(total) == pytest.approx(float(change), rel=0.05, abs=0.02)


def _hub_pair(output: str) -> None:
    assert re.search(r"^\[premise\] <s>\S+ all.* </s>\S+ </s>\S+ \[hypothesis\] some", output, re.M)
    segments = {
        name: re.findall(rf"^  {name} +({NUMBER}), strongest word: (\w+)", output, re.M)
        for name in ("premise", "hypothesis")
    }
    assert [word for _, word in segments["premise"]] == ["all", "some", "most", "many"]
    assert [word for _, word in segments["hypothesis"]] == ["some", "all", "many", "most"]
    sums = re.findall(rf"^  both ({NUMBER}), change of the output ({NUMBER})$", output, re.M)
    assert [float(total) > 0 for total, _ in sums] == [True, False, True, False]
    rows = zip(*segments.values(), sums, strict=True)
    for (premise, _), (hypothesis, _), (total, change) in rows:
        assert float(premise) + float(hypothesis) == pytest.approx(float(total), abs=0.03)
        assert float(total) == pytest.approx(float(change), rel=0.05, abs=0.03)


def _tagger(output: str) -> None:
    assert "walk/verb  before/conjunction  the/determiner  walk/noun" in output
    assert "answer/noun  after/conjunction  we/pronoun  answer/verb" in output
    rows = re.findall(
        rf"^  noun − verb at (\d): ({NUMBER}), strongest: (\w+); sum ({NUMBER}), .* ({NUMBER})$",
        output,
        re.M,
    )
    assert [(position, word) for position, _, word, _, _ in rows] == [
        ("1", "they"),
        ("4", "the"),
        ("1", "our"),
        ("4", "we"),
    ]
    assert [float(margin) > 0 for _, margin, _, _, _ in rows] == [False, True, True, False]
    for _, _, _, total, change in rows:
        assert float(total) == pytest.approx(float(change), rel=0.05, abs=0.03)
    # A row of the matrix equals the explanation of that word alone.
    scores = _tokens(re.findall(r"^noun − verb at 4.*\n(.*)$", output, re.M)[0])[1]
    row = re.findall(r"^walk  .*$", output, re.M)[1].split()[1:]
    assert [float(score) for score in row] == pytest.approx(scores, rel=0.05, abs=0.05)


def _language_model(output: str) -> None:
    assert re.findall(r"strongest token: (\S+);", output) == ["keys", "keys", "key", "key"]
    for total, change in re.findall(rf"; sum ({NUMBER}), change ({NUMBER})$", output, re.M):
        assert float(total) == pytest.approx(float(change), rel=0.05, abs=0.02)
    margins = re.findall(r"^log P\((\w+)\) − log P\((\w+)\) = ([\d.]+) ", output, re.M)
    assert [pair[:2] for pair in margins] == [("are", "is"), ("is", "are")]
    assert "the model says: the keys to the cabinet are " in output
    rows = output.split("by token (column)\n")[1].split("\n\n")[0].splitlines()[2:]
    assert len(rows) > 1
    for index, row in enumerate(rows):
        future = row.split()[-(len(rows) - index) :]
        assert set(future) == {"·"}, "no token influences an earlier one"
        assert "·" not in row.split()[1 : -len(future)]
    assert "for itself or an earlier one: 0.0\n" in output
    assert float(output.split()[-1].rstrip("%")) < 2


def _lit_server(output: str) -> None:
    scores, convergence = output.splitlines()[-2:]
    tokens, values = _tokens(scores)
    assert len(tokens) > 4
    assert sum(map(abs, values)) == pytest.approx(1, abs=0.05)
    assert re.match(rf"delta {NUMBER}\({NUMBER}\) error [\d.e-]+ %\({NUMBER}\)$", convergence)


def _report_of_two_models(output: str) -> None:
    lstm, average = (int(share) for share in re.findall(r"(\d+)% of 200 right", output))
    assert lstm > 95 > 85 > average
    (page,) = re.findall(r"^Open (.+) in a browser\.$", output, re.M)
    assert Path(page).read_text("utf-8").startswith("<!doctype html>")
    shutil.rmtree(Path(page).parent)


CHECKS: dict[str, Callable[[str], None]] = {
    "choose_a_baseline": _choose_a_baseline,
    "compare_methods": _compare_methods,
    "explain_a_classifier": _explain_a_classifier,
    "hub_classifier": _hub_classifier,
    "hub_pair": _hub_pair,
    "language_model": _language_model,
    "lit_server": _lit_server,
    "load_test": _load_test,
    "make_requests": _make_requests,
    "report_of_two_models": _report_of_two_models,
    "tagger": _tagger,
    "train_and_watch": _train_and_watch,
    "trust_the_numbers": _trust_the_numbers,
    "two_segments": _two_segments,
    "why_this_rather_than_that": _why_this_rather_than_that,
}


def test_every_example_has_a_check() -> None:
    assert sorted(script.stem for script in SCRIPTS) == sorted(CHECKS)


def _without_picture_warnings(stderr: str) -> str:
    """Removes the warning that a plain installation, without matplotlib, draws no pictures."""
    if importlib.util.find_spec("matplotlib"):
        return stderr
    lines = stderr.splitlines(keepends=True)
    return "".join(line for line in lines if "pip install 'tf-salience[plot]'" not in line)


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_example(script: Path, tmp_path: Path) -> None:
    if "import keras_hub" in script.read_text("utf-8") and not importlib.util.find_spec(
        "keras_hub"
    ):
        pytest.skip("needs KerasHub, which the extra `hub` brings")
    if script.stem == "report_of_two_models" and not importlib.util.find_spec("itables"):
        pytest.skip("needs Jinja2 and itables, which the extra `report` brings")
    if script.stem == "lit_server" and not importlib.util.find_spec("lit_nlp"):
        pytest.skip("needs LIT, which `tox -e lit` has")
    process = subprocess.run(
        [sys.executable, str(script), *ARGUMENTS.get(script.stem, ())],
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        encoding="utf-8",
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    assert "Warning" not in _without_picture_warnings(process.stderr)
    CHECKS[script.stem](process.stdout)
    assert list(tmp_path.iterdir()) == [], "an example leaves no files"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_example_says_how_to_run_it(script: Path) -> None:
    assert f"    python examples/{script.relative_to(EXAMPLES)}\n" in script.read_text("utf-8")
