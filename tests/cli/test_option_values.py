import dataclasses
import socket

import pytest

from tf_salience.attribution.methods import METHODS
from tf_salience.cli import arguments, option_values


def parse(*options):
    return arguments.parser().parse_args(["explain", "m.keras", "--text", "x", *options])


def test_options_of_a_method_reach_it():
    method = option_values.method(parse("--steps", "8", "--rule", "midpoint", "--baseline", "mean"))
    assert (method.steps, method.rule, method.baseline) == (8, "midpoint", "mean")


@pytest.mark.parametrize("name", METHODS)
def test_a_method_takes_the_options_that_are_its_fields(name):
    fields = {field.name for field in dataclasses.fields(METHODS[name])}
    options = parse("--method", name, "--baseline", "mean")
    if "baseline" in fields:
        assert option_values.method(options).baseline == "mean"
    else:
        with pytest.raises(ValueError, match=rf"{name} .*--baseline.*integrated_gradients"):
            option_values.method(options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--method", "gradient_norm", "--steps", "3", "--rule", "lit"], "--rule or --steps"),
        (["--rule", "lit"], "--rule needs a number of --steps"),
        (["--rule", "lit", "--steps", "auto"], "--rule needs a number of --steps"),
        (["--rule", "lit", "--steps", "1"], "steps=1"),
    ],
)
def test_options_that_do_not_fit_the_method(options, message):
    with pytest.raises(ValueError, match=message):
        option_values.method(parse(*options))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"the\nsoup\nwas\n", "first line must be padding"),
        (b"\n[UNK]\n", "first line must be padding"),
        ("\n[UNK]\nThür\n".encode("latin-1"), "not UTF-8"),
    ],
)
def test_a_vocabulary_that_cannot_be_used(tmp_path, content, message):
    path = tmp_path / "tokens.txt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        option_values.vocabulary(parse("--vocabulary", str(path)))


def test_a_vocabulary_of_windows(tmp_path):
    path = tmp_path / "tokens.txt"
    path.write_bytes(b"\xef\xbb\xbf[PAD]\r\n<unk>\r\nthe\r\nsoup\r\n")
    assert option_values.vocabulary(parse("--vocabulary", str(path))) == ["the", "soup"]


def test_class_names_of_a_file(tmp_path):
    path = tmp_path / "names.txt"
    path.write_bytes("\ufeffnegative\r\n très bon, vraiment \r\n".encode())
    options = parse("--class-names-file", str(path))
    assert option_values.class_names(options) == ["negative", "très bon, vraiment"]
    assert option_values.class_names(parse("--class-names", "a, b")) == ["a", "b"]
    assert option_values.class_names(parse()) is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a\n\nb\n", r"names\.txt:2: expected a class name"),
        (b"", r"names\.txt:1: expected a class name"),
        ("a\nThür\n".encode("latin-1"), r"names\.txt is not UTF-8 .*byte 4"),
    ],
)
def test_class_names_that_cannot_be_used(tmp_path, content, message):
    path = tmp_path / "names.txt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        option_values.class_names(parse("--class-names-file", str(path)))


def test_a_file_of_class_names_that_is_missing():
    with pytest.raises(FileNotFoundError, match="'missing.txt' of --class-names-file"):
        option_values.class_names(parse("--class-names-file", "missing.txt"))


def test_class_names_come_from_one_place():
    with pytest.raises(SystemExit):
        parse("--class-names-file", "names.txt", "--class-names", "a,b")


def test_a_missing_package_is_named_with_its_extra():
    with pytest.raises(ImportError, match=r"no_such_package.*tf-salience\[extra\]"):
        option_values.require("no_such_package", extra="extra", purpose="--output x")


def test_a_port_that_is_taken_is_an_error_before_any_work():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=rf"127.0.0.1, port {port}.*another --port"):
            option_values.check_free_port("127.0.0.1", port)
    option_values.check_free_port("127.0.0.1", port)
    with pytest.raises(OSError, match="port 70000"):
        option_values.check_free_port("127.0.0.1", 70000)
