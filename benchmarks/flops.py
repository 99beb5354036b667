"""The arithmetic that no method can do without: the matrix products of its rows, counted."""

import math
from collections.abc import Iterable
from typing import Any

from benchmarks.work import Shape


def of_row(shape: Shape, tokens: int) -> float:
    """Floating-point operations of one row's matrix products, forward and backward.

    Backward is with respect to activations alone: a dense layer then takes as much as forward, and
    attention, whose two operands both depend on the input, twice as much.

    Args:
        shape: of a transformer.
        tokens: the real tokens of the row.
    """
    dense = 2 * tokens * 12 * shape.dim**2  # query, key, value, out, and 4 times wide, twice
    attention = 2 * 2 * tokens**2 * shape.dim  # the scores, and their use
    head = 2 * shape.dim * shape.classes
    return float(shape.layers * (2 * dense + 3 * attention) + 2 * head)


def of_rows(shape: Shape, lengths: Iterable[int], steps: int | list[int]) -> float:
    """The same for examples of these lengths, at so many nodes each."""
    lengths = list(lengths)
    nodes = steps if isinstance(steps, list) else [steps] * len(lengths)
    return sum(n * of_row(shape, length) for length, n in zip(lengths, nodes, strict=True))


def counted(graph: Any) -> float:
    """Floating-point operations of the matrix products that a traced graph's outputs need.

    The graph is TensorFlow's, with static shapes. The gradient of an einsum makes both operands'
    products, and those of the weights, which nothing reads, are dropped before the graph is run.
    """
    needed, left = set(), [output.op for output in graph.outputs]
    while left:
        operation = left.pop()
        if operation not in needed:
            needed.add(operation)
            left += [given.op for given in operation.inputs]
    return sum(_of_operation(operation) for operation in needed)


def _of_operation(operation: Any) -> float:
    if operation.type == "MatMul":
        inner = operation.inputs[0].shape[0 if operation.get_attr("transpose_a") else 1]
        return 2.0 * math.prod(operation.outputs[0].shape) * inner
    if operation.type in ("BatchMatMul", "BatchMatMulV2"):
        inner = operation.inputs[0].shape[-2 if operation.get_attr("adj_x") else -1]
        return 2.0 * math.prod(operation.outputs[0].shape) * inner
    if operation.type == "Einsum":
        terms = operation.get_attr("equation").decode().partition("->")[0].split(",")
        sizes = {
            letter: size
            for term, given in zip(terms, operation.inputs, strict=True)
            for letter, size in zip(term, given.shape, strict=True)
        }
        # With one operand it is a sum or a transposition, no product.
        return 2.0 * math.prod(sizes.values()) if len(terms) > 1 else 0.0
    return 0.0
