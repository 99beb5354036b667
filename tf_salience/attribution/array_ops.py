"""The array operations that methods need, for numpy arrays and for tensors of a graph.

A method is written once: `array_ops.of(array)` gives the operations for the kind of array that its
path works with, numpy while an explainer runs, TensorFlow while a SavedModel is traced.
"""

from typing import Any

import numpy as np

Array = Any


class _NumpyOps:
    abs, sqrt, sin, log, log1p = np.abs, np.sqrt, np.sin, np.log, np.log1p
    maximum, minimum = np.maximum, np.minimum
    sum, max, any, prod, cumsum = np.sum, np.max, np.any, np.prod, np.cumsum
    take, arange, full, zeros, where = np.take, np.arange, np.full, np.zeros, np.where
    shape, concat, reshape = np.shape, np.concatenate, np.reshape
    nonzero, places = np.flatnonzero, np.nonzero

    @staticmethod
    def cast(array: Array, like: Array) -> Array:
        return array.astype(like.dtype)

    @staticmethod
    def argmax(array: Array) -> Array:
        return np.argmax(array, axis=1)

    @staticmethod
    def argsort(array: Array) -> Array:
        return np.argsort(array, axis=1, kind="stable")

    @staticmethod
    def largest(array: Array, count: Array) -> Array:
        return np.argsort(-array, axis=1, kind="stable")[:, :count]

    @staticmethod
    def take_along(array: Array, index: Array) -> Array:
        return array[np.arange(len(array))[:, None], index]

    @staticmethod
    def while_loop(condition: Any, body: Any, state: Any) -> Any:
        while condition(*state):
            state = body(*state)
        return state

    @staticmethod
    def take_level(sums: Array, level: Array) -> Array:
        return sums[np.arange(len(sums)), level]

    @staticmethod
    def set_at(array: Array, examples: Array, values: Array) -> Array:
        array[examples] = values
        return array

    @staticmethod
    def max_by_group(values: Array, groups: Array) -> Array:
        largest = np.full(groups.max() + 1, -np.inf, values.dtype)
        np.maximum.at(largest, groups, values)
        return largest[groups]

    @staticmethod
    def sum_by_group(values: Array, groups: Array, size: Array) -> Array:
        sums = np.zeros((size, *values.shape[1:]), values.dtype)
        starts = np.flatnonzero(np.diff(groups, prepend=-1))
        if len(starts):
            sums[groups[starts]] = np.add.reduceat(values, starts)
        return sums

    @staticmethod
    def count_by_group(groups: Array, size: Array) -> Array:
        return np.bincount(groups, minlength=size)

    @staticmethod
    def divide(amount: Array, total: Array) -> Array:
        with np.errstate(divide="ignore"):
            return np.divide(amount, total, out=np.zeros_like(total), where=amount > 0)


class _TensorFlowOps:
    """See the functions of `numpy` and `_NumpyOps`, whose names these are.

    `take_level(sums, level)` takes one level of each example, (batch, levels, ...) and (batch,)
    to (batch, ...); `take_along(array, index)` takes several, of (batch, count). `argmax`,
    `argsort` and `largest(array, count)` give indices along axis 1; of equal values the first comes
    first. `set_at` changes some examples. `max_by_group` gives each value the largest of its group,
    of a number from 0. `sum_by_group(values, groups, size)` adds up the rows of each group, whose
    numbers ascend; `count_by_group` counts them. `places` gives the rows and the columns of what is
    true. `divide(amount, total)`, both at least 0, is 0 where the amount is, and infinite where
    `total` alone is. `while_loop(condition, body, state)` goes on with the state that the body
    returns, arrays whose sizes may change.
    """

    def __init__(self) -> None:
        import tensorflow as tf

        self.abs, self.sqrt, self.sin = tf.abs, tf.sqrt, tf.sin
        self.log, self.log1p = tf.math.log, tf.math.log1p
        self.maximum, self.minimum = tf.maximum, tf.minimum
        self.where, self.arange = tf.where, tf.range
        self.sum, self.max, self.prod = tf.reduce_sum, tf.reduce_max, tf.reduce_prod
        self.cumsum, self.take, self.any = tf.cumsum, tf.gather, tf.reduce_any
        self.shape, self.concat, self.reshape = tf.shape, tf.concat, tf.reshape
        self.zeros, self.sum_by_group = tf.zeros, tf.math.unsorted_segment_sum
        self._tf = tf

    def cast(self, array: Array, like: Array) -> Array:
        return self._tf.cast(array, like.dtype)

    def argmax(self, array: Array) -> Array:
        return self._tf.argmax(array, axis=1, output_type=self._tf.int32)

    def argsort(self, array: Array) -> Array:
        return self._tf.argsort(array, axis=1, stable=True)

    def largest(self, array: Array, count: Array) -> Array:
        return self._tf.math.top_k(array, count).indices

    def take_along(self, array: Array, index: Array) -> Array:
        return self._tf.gather(array, index, batch_dims=1)

    def while_loop(self, condition: Any, body: Any, state: Any) -> Any:
        shapes = [self._tf.TensorShape([None] * len(array.shape)) for array in state]
        return self._tf.while_loop(
            condition, body, state, shape_invariants=tuple(shapes), parallel_iterations=1
        )

    def full(self, size: Array, value: Any) -> Array:
        return self._tf.fill([size], value)

    def nonzero(self, condition: Array) -> Array:
        return self._tf.cast(self._tf.where(condition)[:, 0], self._tf.int32)

    def places(self, condition: Array) -> tuple[Array, Array]:
        rows, columns = self._tf.unstack(self._tf.where(condition), axis=1)
        return self._tf.cast(rows, self._tf.int32), self._tf.cast(columns, self._tf.int32)

    def count_by_group(self, groups: Array, size: Array) -> Array:
        return self._tf.math.bincount(groups, minlength=size, dtype=self._tf.int32)

    def take_level(self, sums: Array, level: Array) -> Array:
        return self._tf.gather(sums, level, axis=1, batch_dims=1)

    def set_at(self, array: Array, examples: Array, values: Array) -> Array:
        return self._tf.tensor_scatter_nd_update(array, examples[:, None], values)

    def max_by_group(self, values: Array, groups: Array) -> Array:
        size = self._tf.reduce_max(groups) + 1
        return self._tf.gather(self._tf.math.unsorted_segment_max(values, groups, size), groups)

    def divide(self, amount: Array, total: Array) -> Array:
        return self._tf.where(amount > 0, amount / total, self._tf.constant(0, total.dtype))


def of(array: Array) -> Any:
    """Returns the operations for this kind of array."""
    return _NumpyOps if isinstance(array, np.ndarray) else _TensorFlowOps()
