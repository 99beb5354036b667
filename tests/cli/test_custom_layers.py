"""Models with layers of the user's own, which `--import` brings."""

import re
import textwrap
import types

import pytest

LAYER = """
    import keras

    {decorator}
    class {name}(keras.layers.Layer):
        def __init__(self, scale=1.0, **options):
            super().__init__(**options)
            self.scale = scale

        def call(self, x):
            return x * self.scale

        def get_config(self):
            return {{**super().get_config(), "scale": self.scale}}

    def {function}(x):
        return keras.ops.tanh(x)
"""


def source(name, function="own_activation", decorator=""):
    return textwrap.dedent(LAYER.format(name=name, function=function, decorator=decorator))


def save_model(path, code, name, function="own_activation"):
    """Saves a model with a layer and an activation that `code` defines."""
    import keras

    module = types.ModuleType("the_user_s_script")
    exec(code, vars(module))
    ids = keras.Input((None,), dtype="int32")
    hidden = keras.layers.Embedding(7, 4)(ids)
    hidden = getattr(module, name)(2.0)(hidden)
    hidden = keras.layers.GlobalAveragePooling1D()(hidden)
    outputs = keras.layers.Dense(2, activation=getattr(module, function))(hidden)
    keras.Model(ids, outputs).save(path)
    for registered in [key for key in keras.saving.get_custom_objects() if name in key]:
        del keras.saving.get_custom_objects()[registered]


@pytest.fixture
def explain(models, run):
    def explain(model, *options):
        vocabulary = ("--vocabulary", models / "vocabulary.txt", "--method", "gradient_norm")
        return run("explain", model, "--text", "the soup", *vocabulary, *options)

    return explain


@pytest.mark.parametrize(
    "decorator", ["", "@keras.saving.register_keras_serializable('my_package')"]
)
def test_the_layers_of_a_file(explain, tmp_path, decorator):
    name = "Registered" if decorator else "Unregistered"
    code = source(name, decorator=decorator)
    file = tmp_path / f"layers_{name.lower()}.py"
    file.write_text(code)
    model = tmp_path / "m.keras"
    save_model(model, code, name)
    code, out, err = explain(model, "--import", file)
    assert (code, err) == (0, "")
    assert "soup(" in out


def test_the_layers_of_a_module_in_the_working_directory(explain, tmp_path, monkeypatch):
    code = source("Packaged", function="packaged_activation")
    package = tmp_path / "package_of_layers"
    package.mkdir()
    # The package brings the layer on, and a second module the function.
    (package / "__init__.py").write_text("from package_of_layers.own import Packaged\n")
    (package / "own.py").write_text(code)
    model = tmp_path / "m.keras"
    save_model(model, code, "Packaged", "packaged_activation")
    monkeypatch.chdir(tmp_path)
    code, out, err = explain(
        model, "--import", "package_of_layers", "--import", "package_of_layers.own"
    )
    assert (code, err) == (0, "")
    assert "soup(" in out


def test_a_file_beside_the_imported_one(explain, tmp_path):
    code = source("Beside")
    (tmp_path / "beside_parts.py").write_text(code)
    (tmp_path / "beside_all.py").write_text("from beside_parts import Beside, own_activation\n")
    model = tmp_path / "m.keras"
    save_model(model, code, "Beside")
    # Functions are taken from the file that defines them, so both are named.
    files = ("--import", tmp_path / "beside_all.py", "--import", tmp_path / "beside_parts.py")
    assert explain(model, *files)[0] == 0


def test_a_layer_that_is_not_imported(explain, tmp_path):
    code = source("Missing")
    model = tmp_path / "m.keras"
    save_model(model, code, "Missing")
    code, out, err = explain(model)
    assert (code, out) == (2, "")
    assert "holds 'Missing', which neither Keras nor this command defines. Pass --import" in err
    assert err.count("\n") == 1
    assert len(err) < 600
    (tmp_path / "no_layers.py").write_text("")
    code, _, err = explain(model, "--import", tmp_path / "no_layers.py")
    assert code == 2
    assert re.search(r"'Missing', which neither Keras nor --import \S*no_layers\.py defines", err)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "with_a_name_error",
            "import os\n\nlayers = undefined\n",
            "line 3: NameError: .*undefined",
        ),
        ("with_a_syntax_error", "def f(:\n", "SyntaxError: .*line 1"),
        ("that_exits", "import sys\nsys.exit('bye')\n", "line 2: SystemExit: bye"),
        ("with_controls", "raise ValueError('\\x1b[31m')", r"line 1: ValueError"),
        ("json", "", "another module 'json'.*Rename"),
    ],
)
def test_a_file_that_cannot_be_imported(models, run, tmp_path, name, content, message):
    file = tmp_path / f"{name}.py"
    file.write_text(content)
    code, out, err = run("inspect", models / "ids.keras", "--import", file)
    assert (code, out) == (2, "")
    assert re.fullmatch(rf"tf-salience: error: --import \S*{name}\.py: .*{message}.*\n", err)
    assert err.rstrip("\n").isprintable()
