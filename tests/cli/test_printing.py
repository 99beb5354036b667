import numpy as np
import pytest

from tf_salience.cli.printing import print_explanation
from tf_salience.explanation import Explanation
from tf_salience.visualization import terminal


@pytest.fixture
def explanation():
    """Thirty texts of a word."""
    return Explanation(
        tokens=[[f"w{number}"] for number in range(30)],
        scores=np.ones((30, 1), np.float32),
        mask=np.ones((30, 1), bool),
        segments={"text": slice(0, 1)},
        target=None,
        target_name=["output"] * 30,
        output=np.ones(30),
        baseline_output=None,
        convergence_delta=None,
        error_estimate=None,
        converged=None,
        evaluations=np.ones(30, int),
        config={},
    )


@pytest.mark.parametrize(
    ("is_terminal", "shows_all", "count"), [(True, False, 20), (True, True, 30), (False, False, 30)]
)
def test_a_terminal_gets_the_first_examples(
    explanation, capsys, monkeypatch, is_terminal, shows_all, count
):
    monkeypatch.setattr(terminal, "is_terminal", lambda: is_terminal)
    print_explanation(explanation, shows_all=shows_all)
    out = capsys.readouterr().out
    assert sum(line.startswith("w") for line in out.splitlines()) == count
    assert ("10 more of 30 examples: --all shows them" in out) == (count == 20)
