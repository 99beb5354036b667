"""`SalienceLogger`, a Keras callback, and the log that it writes.

Import from the modules: `log` is read where TensorFlow is not installed.
"""
