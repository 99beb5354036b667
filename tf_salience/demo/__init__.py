"""The embedded example: its data set, its model, its run.

`run.run_demo` is the whole of it. What is re-exported here needs no TensorFlow, so that options can
be checked before TensorFlow is waited for.
"""

from tf_salience.demo.grammar import Sentence, make_sentences
from tf_salience.demo.options import DemoOptions

__all__ = ["DemoOptions", "Sentence", "make_sentences"]
