"""The version, in one place that setup.cfg can read without importing TensorFlow."""

__version__ = "0.2.0"
