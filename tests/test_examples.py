"""Every script of `examples/` runs, and shows what its first lines promise."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
SCRIPTS = sorted(EXAMPLES.rglob("*.py"))
SECONDS = 240  # They take some ten; a busy machine takes longer.


def _explain_a_classifier(output: str) -> None:
    strongest = re.findall(r"strongest token: (\w+)", output)
    assert strongest == ["good", "not", "never", "awful"]
    assert output.count("integrated_gradients at embedding") == 4


def _compare_methods(output: str) -> None:
    agreement = re.findall(r"(\S+) and (\S+) +([+-]\d\.\d\d) +(\d+)%", output)
    assert len(agreement) == 3
    assert all(-1 <= float(correlation) <= 1 for _, _, correlation, _ in agreement)
    shares = [float(x) for x in re.findall(r"-?\d\.\d\d", output.splitlines()[-1])]
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
    parts = {
        name: [float(x) for x in re.findall(rf"{name} +([+-][\d.]+) =", output)]
        for name in ("premise", "hypothesis")
    }
    both = re.findall(r"segments ([+-][\d.]+), change of the output ([+-][\d.]+)", output)
    assert len(both) == 3
    for premise, hypothesis, (total, change) in zip(*parts.values(), both, strict=True):
        assert premise + hypothesis == pytest.approx(float(total), abs=0.03)
        assert float(total) == pytest.approx(float(change), rel=0.05, abs=0.03)


def _why_this_rather_than_that(output: str) -> None:
    for name in ("politics", "sport", "politics − sport", "P(politics)", "confidence"):
        assert re.search(rf"^{re.escape(name)} +-?\d", output, re.M), name
    assert float(output.split()[-1]) < 1e-3


def _trust_the_numbers(output: str) -> None:
    found = re.findall(r"^(\S.*?)  +([\d.]+) +(\d\.\de[+-]\d+) +(\S+) +(\S+)$", output, re.M)
    error = {name: float(true) for name, _, true, _, _ in found}
    assert error["trapezoid, 32 steps"] < error["lit, 32 steps"] / 3
    assert error["gauss_legendre, 32 steps"] < error["trapezoid, 32 steps"]
    assert error["auto, tolerance 0.05"] < 0.05
    assert error["auto, tolerance 0.001"] < 0.001


def _train_and_watch(output: str) -> None:
    looks = re.findall(r"validation accuracy ([\d.]+), salience on the shortcut ([\d.]+)", output)
    accuracy, share = np.array(looks, float).T
    stopped = int(output.split()[-2])
    assert stopped == len(looks) < 40, "EarlyStopping ended it"
    # Three looks in a row at which salience was on the shortcut; the accuracy has not fallen.
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
    found = re.findall(r"(\d+) texts a second, (\d+) wrong, memory ([+-]\d+) MiB", output)
    assert len(found) == 2
    for rate, wrong, grown in found:
        assert int(rate) > 0
        assert int(wrong) == 0
        assert int(grown) < 50


CHECKS: dict[str, Callable[[str], None]] = {
    "choose_a_baseline": _choose_a_baseline,
    "compare_methods": _compare_methods,
    "explain_a_classifier": _explain_a_classifier,
    "load_test": _load_test,
    "make_requests": _make_requests,
    "train_and_watch": _train_and_watch,
    "trust_the_numbers": _trust_the_numbers,
    "two_segments": _two_segments,
    "why_this_rather_than_that": _why_this_rather_than_that,
}


def test_every_example_has_a_check() -> None:
    assert sorted(script.stem for script in SCRIPTS) == sorted(CHECKS)


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_example(script: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        encoding="utf-8",
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    CHECKS[script.stem](done.stdout)
    assert list(tmp_path.iterdir()) == [], "an example leaves nothing behind"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_example_says_how_to_run_it(script: Path) -> None:
    assert f"    python examples/{script.relative_to(EXAMPLES)}\n" in script.read_text("utf-8")
