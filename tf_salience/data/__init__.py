"""Labelled texts from files and TensorFlow Datasets, and arrays from `tf.data`."""
