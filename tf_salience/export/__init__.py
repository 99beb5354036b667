"""A SavedModel that explains itself, for servers that have neither this library nor Python.

Import from the modules: `metadata` is read where TensorFlow is not installed.
"""
