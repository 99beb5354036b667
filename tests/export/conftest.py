"""Models of `helpers` and their exports, made once for all tests of a process."""

import functools

import helpers
import keras
import pytest
import serving

import tf_salience as tfs

AUTO = tfs.IntegratedGradients(tolerance=0.02)


@pytest.fixture(scope="session")
def models():
    @functools.cache
    def build(name):
        keras.utils.set_random_seed(1)
        return helpers.weights_alive(getattr(helpers, name)())

    return build


@pytest.fixture(scope="session")
def exported(models, tmp_path_factory):
    """Exports a model with automatic steps, or by other arguments; returns the folder."""

    @functools.cache
    def export(name, **arguments):
        folder = tmp_path_factory.mktemp("export") / name
        return tfs.export_saved_model(models(name), folder, **{"method": AUTO, **arguments})

    return export


@pytest.fixture(scope="session")
def loaded(exported):
    """Loads an exported model; TensorFlow frees its variables with the object."""

    @functools.cache
    def load(name, **arguments):
        return serving.load(exported(name, **arguments))

    return load


@pytest.fixture(scope="session")
def auto():
    """The method of `exported`."""
    return AUTO
