"""Operations of a graph that change state whenever it runs: variables, tables, generators."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from tf_salience.models.embeddings.structure import all_layers
from tf_salience.utils.validation import format_value

#: Stateful operations on a handle that leave its state as it is. TensorArrays and stacks belong to
#: one run of the graph, a communicator to the replicas.
_READERS = frozenset(
    {
        "IsResourceHandleRefCounting",
        "LookupTableExportV2",
        "LookupTableFindV2",
        "LookupTableSizeV2",
        "ReadVariableOp",
        "ReadVariableXlaSplitND",
        "ResourceGather",
        "ResourceGatherNd",
        "SentencepieceDetokenizeOp",
        "SentencepieceIdToStringOp",
        "SentencepieceStringToIdOp",
        "SentencepieceTokenizeOp",
        "SentencepieceTokenizeWithOffsetsOp",
        "SentencepieceVocabSizeOp",
        "VarIsInitializedOp",
        "VariableShape",
        "WordpieceTokenizeWithOffsets",
        "_ReadVariablesOp",
    }
)
_READER_PREFIXES = ("Collective", "Stack", "TensorArray")

#: The first letters of an operation's kind, what it changes, and how to fix the model.
_CHANGES = (
    (
        ("LookupTable", "InitializeTable"),
        "a lookup table",
        "Fill the table outside of `call`, before the model is explained.",
    ),
    (
        ("Rng", "Stateful"),
        "the state of a random generator",
        "Draw by `keras.random` with a `keras.random.SeedGenerator`, whose updates are dropped.",
    ),
    (
        ("Assign", "Resource"),
        "a `tf.Variable`",
        "Make that state with `self.add_weight(...)` and change it by `weight.assign(...)`, not by "
        "`weight.value.assign(...)`: such updates are dropped.",
    ),
    ((), "state outside of its graph", "Leave that operation out of `call`."),
)


def refuse_side_effects(model: keras.Model, operations: Sequence[Any]) -> None:
    """Raises a ValueError if an operation changes state that outlives a run of its graph.

    Operations without a handle (random numbers, prints, Python functions) are not among them: as
    far as a graph shows they have no state of the model's.

    Args:
        model: the model, for the names of its variables and tables.
        operations: of one graph; the functions that they call are looked through.
    """
    captures = _captures(operations[0].graph) if operations else {}
    for operation, handle in _side_effects(operations, captures):
        _, change, fix = next(
            entry for entry in _CHANGES if not entry[0] or operation.type.startswith(entry[0])
        )
        name = _state_name(model, handle)
        raise ValueError(
            f"The model {format_value(model.name)} changes {change} whenever it runs, so "
            f"explaining it would change it. Received: a model with state of its own: {name}"
            f"operation {format_value(operation.name)} of kind {operation.type}. {fix}"
        )


def _side_effects(
    operations: Sequence[Any], handles: Mapping[str, Any]
) -> Iterator[tuple[Any, Any]]:
    """Returns the operations that change state, with the handle of that state, or None.

    Args:
        operations: of one graph.
        handles: the names of the graph's placeholders to the handles that they stand for.
    """
    for operation in operations:
        bodies = list(_bodies(operation))
        resources = [tensor for tensor in operation.inputs if tensor.dtype == tf.resource]
        if resources and not bodies and not _only_reads(operation):
            yield operation, handles.get(resources[0].name)
        for body in bodies:
            # A condition or an index stands before the arguments of the functions.
            arguments = list(operation.inputs)[-len(body.inputs) :] if body.inputs else []
            inner = {
                placeholder.name: handles.get(argument.name)
                for placeholder, argument in zip(body.inputs, arguments, strict=False)
            }
            yield from _side_effects(body.get_operations(), inner)


def _only_reads(operation: Any) -> bool:
    return (
        operation.type in _READERS
        or operation.type.startswith(_READER_PREFIXES)
        or not operation.graph.op_def_for_type(operation.type).is_stateful
    )


def _bodies(operation: Any) -> Iterator[Any]:
    """Returns the graphs of the functions that an operation calls."""
    for attribute in operation.graph.op_def_for_type(operation.type).attr:
        if attribute.type in ("func", "list(func)"):
            functions = operation.get_attr(attribute.name)
            for function in functions if isinstance(functions, list) else [functions]:
                yield operation.graph._get_function(function.name).graph


def _captures(graph: Any) -> dict[str, Any]:
    """Returns the names of a graph's placeholders to the tensors that they stand for."""
    captures = getattr(graph, "captures", ())
    outer = _captures(graph.outer_graph) if captures else {}
    return {
        placeholder.name: outer.get(tensor.name) if tf.is_symbolic_tensor(tensor) else tensor
        for tensor, placeholder in captures
    }


def _state_name(model: keras.Model, handle: Any) -> str:
    """Returns the name of the state that a handle stands for; "" if it is none of the model's."""
    if handle is None:
        return ""
    for layer in (model, *all_layers(model)):
        for variable in layer.variables:
            if _handle(variable) is handle:
                return f"weight {format_value(variable.path)}, "
        # Keras and TensorFlow hold the values of attributes a second time, by names of their own.
        for name, value in sorted(vars(layer).items(), key=lambda item: item[0].startswith("_")):
            values = tf.nest.flatten(value) if isinstance(value, list | tuple | dict) else [value]
            if any(_handle(leaf) is handle for leaf in values):
                return f"`{name}` of layer {format_value(layer.name)}, "
    return ""


def _handle(value: Any) -> Any:
    """Returns the handle of a variable, a table or a generator; None for anything else."""
    if isinstance(value, keras.Variable):
        return getattr(value.value, "handle", None)
    if isinstance(value, tf.Variable):
        return value.handle
    if isinstance(value, tf.random.Generator):
        return value.state.handle
    tables = tf.lookup.experimental
    if isinstance(value, tables.MutableHashTable | tables.DenseHashTable):
        return value.resource_handle
    return None
