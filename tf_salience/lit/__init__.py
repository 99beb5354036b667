"""Models and interpreters for LIT, the Language Interpretability Tool.

LIT is no dependency of tf_salience, not even an extra: 1.3.1 asks for numpy<2, TensorFlow's newest
for numpy 2. The error that comes without it says how to install it.
"""

from tf_salience.lit.installation import needs_lit

# First: its error says how to install LIT.
with needs_lit():
    import lit_nlp.components.gradient_maps  # noqa: F401

from tf_salience.lit.gradient_at_input import GradientDotInput, GradientNorm
from tf_salience.lit.interpreters import Convergence, IntegratedGradients, Occlusion
from tf_salience.lit.model import LitModel
from tf_salience.lit.sequence import prompts, sequence_models
from tf_salience.lit.server import interpreters, server, server_of

__all__ = [
    "Convergence",
    "GradientDotInput",
    "GradientNorm",
    "IntegratedGradients",
    "LitModel",
    "Occlusion",
    "interpreters",
    "prompts",
    "sequence_models",
    "server",
    "server_of",
]
