import io
import os
import subprocess
import sys

import pytest

from tf_salience.cli import streams


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_any_text_can_be_written(monkeypatch, encoding):
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, io.TextIOWrapper(io.BytesIO(), encoding, "strict"))
    streams.accept_any_text()
    text = "a · b − “c” 日 🙂 \udc80 ü"
    for stream in (sys.stdout, sys.stderr):
        stream.write(text)
        stream.flush()
        written = stream.buffer.getvalue()
        if encoding == "ascii":
            assert written == rb'a | b - "c" \u65e5 \U0001f642 \udc80 \xfc'
        elif encoding == "utf-8":
            assert written.decode() == text.replace("\udc80", r"\udc80")
        else:
            assert "a · b" in written.decode(encoding)


def test_streams_that_are_no_files(monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    monkeypatch.setattr(sys, "stderr", None)
    streams.accept_any_text()
    print("a · b")
    assert sys.stdout.getvalue() == "a · b\n"
    assert sys.stderr is None


@pytest.mark.slow
@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
)
def test_the_command_where_output_is_ascii(models, environment):
    command = [sys.executable, "-m", "tf_salience", "explain", str(models / "text.keras")]
    process = subprocess.run(
        [*command, "--text", "the soup", "--class-names", "bon,très", "--target", "1"],
        check=False,
        capture_output=True,
        env={**os.environ, **environment},
    )
    assert process.returncode == 0, process.stderr
    assert b"integrated_gradients at token_embedding | " in process.stdout
    assert b"soup(" in process.stdout
    assert process.stdout.isascii()


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="/dev/full is of Linux")
def test_a_full_disk_is_one_error(models):
    command = [sys.executable, "-m", "tf_salience", "inspect", str(models / "ids.keras")]
    with open("/dev/full", "w") as full:
        process = subprocess.run(
            command, check=False, stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert process.returncode == 2
    assert process.stderr.startswith("tf-salience: error: ")
    assert process.stderr.count("\n") == 1
