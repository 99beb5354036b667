"""The metadata of an exported model, read without TensorFlow."""

import json
import subprocess
import sys

import pytest

import tf_salience as tfs
from tf_salience.export import metadata


@pytest.fixture
def folder(tmp_path):
    """A directory that passes for an exported model."""
    path = tmp_path / "model"
    path.mkdir()
    (path / "saved_model.pb").touch()
    metadata.write(path, {"model": "größe"})
    return path


def test_it_says_how_the_numbers_are_made(exported):
    content = tfs.read_signature(exported("two_segments"))
    assert content["method"]["class_name"] == "integrated_gradients"
    assert content["method"]["config"]["steps"] == "auto"
    assert content["method"]["config"]["baseline"] == "zeros"
    assert content["method"]["config"]["tolerance"] == 0.02
    assert content["target"] == {"class_name": "Unit", "which": "predicted"}
    assert content["segments"] == ["premise", "hypothesis"]
    assert (content["max_rows"], content["jit_compile"]) == ("auto", False)
    attributions = content["signatures"]["attributions"]
    assert attributions["inputs"]["premise"] == {"dtype": "int32", "shape": [None, None]}
    assert attributions["outputs"]["scores"]["dtype"] == "float32"
    assert set(content["signatures"]) == {
        "serve",
        "serving_default",
        "attributions",
        "attributions_with_target",
    }


def test_reading_needs_no_tensorflow(exported):
    code = (
        "import sys; sys.modules['tensorflow'] = sys.modules['keras'] = None\n"
        "import tf_salience as tfs\n"
        f"print(tfs.read_signature({str(exported('convolution'))!r})['model'])"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr
    assert process.stdout.strip()


def test_of_versions_the_highest_is_read(models, tmp_path):
    for version in (2, 10):
        method = tfs.IntegratedGradients(steps=version)
        folder = tfs.export_saved_model(
            models("convolution"), tmp_path, method=method, version=version
        )
        assert folder == tmp_path / str(version)
    assert tfs.read_signature(tmp_path)["method"]["config"]["steps"] == 10
    assert sorted(path.name for path in tmp_path.iterdir()) == ["10", "2"]


def test_a_version_without_a_model_is_passed_over(folder):
    version = folder.rename(folder.parent / "3")
    (folder.parent / "4").mkdir()
    (folder.parent / "name").mkdir()
    assert metadata.newest(folder.parent) == metadata.newest(version) == version
    assert tfs.read_signature(folder.parent)["model"] == "größe"


def test_other_folders(models, tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no SavedModel in"):
        tfs.read_signature(tmp_path)
    with pytest.raises(FileNotFoundError):
        tfs.read_signature(tmp_path / "missing")
    models("convolution").export(tmp_path / "plain", verbose=False)
    with pytest.raises(ValueError, match="does not say how to explain itself.*Received"):
        tfs.read_signature(tmp_path / "plain")


@pytest.mark.parametrize("text", ["{", "[]", '{"model": "m"}'])
def test_a_damaged_file(folder, text):
    (file,) = (folder / "assets.extra").iterdir()
    file.write_text(text)
    with pytest.raises(ValueError, match="is damaged. Export the model again"):
        tfs.read_signature(folder)


def test_a_file_of_a_later_version(folder):
    (file,) = (folder / "assets.extra").iterdir()
    file.write_text(json.dumps({**json.loads(file.read_text()), "format": 99}))
    with pytest.raises(ValueError, match="has format 99.*Install the version that wrote it"):
        tfs.read_signature(folder)
