"""The tap: the only place that knows how Keras runs layers.

The model is never cut or rebuilt. A hook stands in front of the embedding layer's `call` while the
model is traced, so that masks, positions and other inputs stay those of the real call; it is gone
when the trace ends, whatever ends it.
"""

from tf_salience.models.embeddings.candidates import Candidate, candidates, named_otherwise
from tf_salience.models.embeddings.find import find
from tf_salience.models.embeddings.hooked_model import EmbeddingCall, HookedModel, Recording
from tf_salience.models.embeddings.provenance import source_of, unread
from tf_salience.models.embeddings.structure import (
    all_layers,
    ends_in_probabilities,
    input_specs,
    takes_text,
)

__all__ = [
    "Call",
    "Candidate",
    "Reading",
    "Tap",
    "all_layers",
    "candidates",
    "ends_in_probabilities",
    "find",
    "input_specs",
    "named_otherwise",
    "source_of",
    "takes_text",
    "unread",
]
