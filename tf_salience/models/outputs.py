"""The outputs of a model: the one that is explained, and the tokens that they predict."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np

from tf_salience.models import nests
from tf_salience.models.embeddings.forward_pass import Segment
from tf_salience.utils import validation
from tf_salience.utils.arrays import Nest


def select(outputs: Any, output: str | int | None, names: Sequence[str]) -> Any:
    """Selects one of the outputs, or returns all of them as they are.

    Args:
        outputs: of the model, a tensor or a nest of them.
        output: the path of an output in the nest, `tags` or `heads/tags`; its number in a list or
            tuple; one of `names`; None for the outputs as they are.
        names: of the outputs in order, as the model has them; () where it has none.

    Raises:
        ValueError: for an output that the model does not have.
    """
    if output is None:
        return outputs
    paths = nests.paths(outputs)
    if validation.is_integer(output) and not isinstance(outputs, dict):
        count = len(outputs) if isinstance(outputs, list | tuple) else 1
        if not 0 <= int(output) < count:
            raise ValueError(
                f"`output` must be a number from 0 to {count - 1}. Received: output={output}"
            )
    if isinstance(outputs, dict) and output in outputs:
        return outputs[output]
    by_name = dict(paths)
    by_name |= {"0": outputs} if by_name.keys() == {""} else {}
    if isinstance(outputs, list | tuple) and len(names) == len(paths):
        by_name |= {name: leaf for name, (_, leaf) in zip(names, paths, strict=True)}
    if str(output) not in by_name:
        validation.check_one_of("output", output, [name for name in by_name if name])
    return by_name[str(output)]


def predicted_tokens(model: keras.Model, nest: Nest, segments: Sequence[Segment]) -> Segment | None:
    """Returns the segment to whose tokens outputs with a tokens axis belong.

    Of several segments that is the decoder's; else the tokens on which all segments agree, whose
    ids are not known then. The ids of one segment are not known either if the model reads others.

    Args:
        model: the model.
        nest: the inputs of the examples.
        segments: of the examples, identified.
    """
    decoders = [segment for segment in segments if "decoder" in segment.name]
    if len(decoders) == 1:
        return decoders[0]
    first = segments[0]
    if not all(np.array_equal(first.mask, segment.mask) for segment in segments[1:]):
        return None
    other_ids = [
        name
        for number, (name, leaf) in enumerate(nests.named(model, nest))
        if number != first.source and nests.may_be_ids(name, leaf)
    ]
    is_alone = len(segments) == 1 and (first.source < 0 or not other_ids)
    return first if is_alone else replace(first, ids=None)
