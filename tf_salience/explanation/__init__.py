"""The results: `Explanation`, a batch, and `TokenSalience`, one example of it.

Numpy and nothing of TensorFlow: a saved explanation can be read and shown without either.
"""

from tf_salience.explanation.explanation import Explanation
from tf_salience.explanation.salience_matrix import SalienceMatrix
from tf_salience.explanation.token_salience import TokenSalience

__all__ = ["Explanation", "SalienceMatrix", "TokenSalience"]
