import re

import pytest
from hidden_modules import run_without


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "reviews.csv"
    rows = ['"The soup, was good!",pos', "bad,neg", "the soup was bad,neg"]
    path.write_text("\n".join(["text,label", *rows]) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def explained(models, run, data, tmp_path):
    """A file of explanations of these texts."""
    path = tmp_path / "explained.json"
    command = ("explain", models / "text.keras", "--data", data, "--class-names", "neg,pos")
    assert run(*command, "--output", path)[0] == 0
    return path


def test_texts_and_labels_of_a_file(run, explained, data, tmp_path):
    page = tmp_path / "report.html"
    code, out, err = run("report", explained, "--data", data, "--output", page, "--title", "Soups")
    assert (code, out) == (0, "")
    assert err == f"Wrote {page}; open it in a browser.\n"
    assert "<title>Soups" in page.read_text("utf-8")


def test_runs_are_named(run, explained, tmp_path, monkeypatch):
    from tf_salience.reporting import page

    shown = []
    monkeypatch.setattr(page, "render", lambda contents: shown.append(contents) or "")
    other = tmp_path / "b" / "explained.json"
    other.parent.mkdir()
    other.write_bytes(explained.read_bytes())
    command = ("report", explained, other, "--output", tmp_path / "r.html")
    assert run(*command)[0] == 0
    assert run(*command, "--name", "before", "--name", "after", "--limit", "2")[0] == 0
    assert [run["name"] for run in shown[0]["runs"]] == [str(explained), str(other)]
    assert [run["name"] for run in shown[1]["runs"]] == ["before", "after"]
    assert shown[1]["size"] == 2
    assert run("report", explained, "--name", "a", other, "--name", "b", *command[-2:])[0] == 0
    assert [run["name"] for run in shown[2]["runs"]] == ["a", "b"]
    code, _, err = run(*command, "--name", "before")
    assert (code, "once for each FILE_OR_FOLDER" in err) == (2, True)
    code, _, err = run(*command, "--name", "a", "--name", "a")
    assert (code, "must differ" in err) == (2, True)


def test_a_folder_an_evaluation_and_a_summary(models, run, data, tmp_path):
    folder, evaluation = tmp_path / "explained", tmp_path / "evaluation.json"
    names = ("--class-names", "neg,pos")
    code, _, err = run(
        "explain", models / "text.keras", "--data", data, *names,
        "--keep", "text,label", "--output", folder,
    )  # fmt: skip
    assert code == 0, err
    code, _, err = run(
        "evaluate", models / "text.keras", "--data", data, *names,
        "--methods", "gradient_norm", "--output", evaluation,
    )  # fmt: skip
    assert code == 0, err
    page = tmp_path / "r.html"
    code, _, err = run(
        "report", folder, "--label-column", "label", "--evaluation", evaluation,
        "--summary", folder, "--output", page,
    )  # fmt: skip
    assert code == 0, err
    text = page.read_text("utf-8")
    assert "comprehensiveness" in text
    assert "Summary: " in text


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--output", "a.pdf"], "`.html`"),
        (["--rating-column", "stars"], "--rating-column needs --data"),
        (["--evaluation", "missing.json"], "missing.json"),
        (["--class-names", "one,one"], "must differ"),
        (["--label-column", "label"], "`labels` as a string must be a column"),
    ],
)
def test_a_user_error_is_one_line(run, explained, tmp_path, extra, message):
    code, _, err = run("report", explained, "--output", tmp_path / "r.html", *extra)
    assert code == 2
    assert err.startswith("tf-salience: error: ")
    assert message in err
    assert err.count("\n") == 1


def test_rows_that_are_left_out_would_shift_those_of_a_folder(models, run, data, tmp_path):
    folder = tmp_path / "explained"
    data.write_text("text,label\nthe soup,pos\n,neg\nbad,neg\n", encoding="utf-8")
    assert run("explain", models / "text.keras", "--data", data, "--output", folder)[0] == 0
    code, _, err = run("report", folder, "--data", data, "--output", tmp_path / "r.html")
    assert code == 2
    assert "left out 1 of 3 rows" in err
    assert "--keep" in err


REPORT = """
from tf_salience.cli.main import main
sys.exit(main(["report", "explained.json", "--output", "r.html"]))
"""


def test_neither_tensorflow_nor_keras(explained, tmp_path):
    done = run_without(("tensorflow", "keras"), REPORT, tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "r.html").is_file()


def test_without_the_extra_it_says_how_to_get_it(explained, tmp_path):
    done = run_without(("jinja2",), REPORT, tmp_path)
    assert done.returncode == 2
    assert re.fullmatch(r"tf-salience: error: .*tf-salience\[report\].*\n", done.stderr)
