"""Results: `Explanation`, of a batch, its `TokenSalience`s, and `SalienceMatrix`.

They can be loaded and shown without TensorFlow and Keras.
"""

from tf_salience.explanation.explanation import Explanation
from tf_salience.explanation.salience_matrix import SalienceMatrix
from tf_salience.explanation.token_salience import TokenSalience

__all__ = ["Explanation", "SalienceMatrix", "TokenSalience"]
