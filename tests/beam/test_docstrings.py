"""Every public name has an example in its docstring, which runs and prints what it shows."""

import shutil

import docstring_checks
import pytest

beam = pytest.importorskip("apache_beam", reason="Apache Beam, the extra `beam`, is not installed")

import tf_salience.beam as tfs_beam  # noqa: E402


@pytest.fixture
def namespace(paths, tmp_path, monkeypatch):
    """What the examples may use; they read a model from the working folder."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(paths["text", "keras"], "model.keras")
    return {"beam": beam, **{name: getattr(tfs_beam, name) for name in tfs_beam.__all__}}


@pytest.mark.parametrize("name", tfs_beam.__all__)
def test_examples_run(name, namespace):
    docstring_checks.check_examples(getattr(tfs_beam, name), namespace)


def test_the_example_for_tfma_runs(namespace):
    tfma = pytest.importorskip(
        "tensorflow_model_analysis", reason="TFMA is not installed; `tox -e tfma`"
    )
    from tensorflow_model_analysis.proto.config_pb2 import EvalConfig

    from tf_salience.beam.tfma import AttributionsExtractor

    namespace |= {
        "tfma": tfma,
        "eval_config": EvalConfig(),
        "AttributionsExtractor": AttributionsExtractor,
    }
    docstring_checks.check_examples(AttributionsExtractor, namespace)


def test_the_reference_has_every_public_name():
    assert {*tfs_beam.__all__} <= docstring_checks.documented_names("lit_and_beam.md")
