"""Salience while a model trains and is evaluated."""

from tf_salience.callbacks.salience_logger import SalienceLogger

__all__ = ["SalienceLogger"]
