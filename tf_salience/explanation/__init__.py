"""The results: `Explanation`, a batch, and `TokenSalience`, one example of it.

Numpy and nothing of TensorFlow: a saved explanation can be read and shown without either.
"""

from tf_salience.explanation.batch import Explanation
from tf_salience.explanation.matrix import SalienceMatrix
from tf_salience.explanation.salience import TokenSalience

__all__ = ["Explanation", "SalienceMatrix", "TokenSalience"]
