"""Paths through a formula, for tests of methods and of quadrature: no model, exact gradients."""

import numpy as np
import tensorflow as tf

from tf_salience.attribution import methods


class FormulaPath:
    """The path of a formula of tokens of one dimension, in numpy and float64.

    Attributes:
        end: (batch, tokens), the inputs.
        start: (batch, tokens), the baselines.
        calls: the examples of each call of `integrate`, and the nodes of each of them.
    """

    def __init__(self, formula, gradient, points, baseline=0.0, reduction=methods.dot):
        self.formula, self.gradient, self.reduction = formula, gradient, reduction
        self.end = np.atleast_2d(np.asarray(points, np.float64))
        self.start = np.broadcast_to(np.asarray(baseline, np.float64), self.end.shape)
        self.outputs = formula(self.end)
        self.examples = np.arange(len(self.end))
        self.calls = []

    def integrate(self, examples, nodes, weights):
        start = self.start[examples]
        difference = self.end[examples] - start
        nodes = np.broadcast_to(nodes, (len(examples), nodes.shape[-1]))
        self.calls.append((examples.tolist(), nodes.tolist()))
        weights = np.broadcast_to(weights, (len(examples), *weights.shape[-2:]))
        points = start[:, None] + nodes[:, :, None] * difference[:, None]
        rows = points.reshape(-1, points.shape[-1])
        differences = np.repeat(difference, nodes.shape[1], axis=0)
        scores = self.reduction(self.gradient(rows)[..., None], differences[..., None])
        outputs = self.formula(rows).reshape(points.shape[:2])
        return np.einsum("eln,ent->elt", weights, scores.reshape(points.shape)), outputs

    def target_at(self, node):
        return self.formula(self.start + node * (self.end - self.start))


class TensorPath:
    """A `FormulaPath` whose arrays are tensors of a graph, as while a SavedModel is traced."""

    def __init__(self, path):
        self._path = path
        self.outputs = tf.constant(path.outputs)
        self.examples = tf.range(tf.shape(self.outputs)[0])

    def integrate(self, examples, nodes, weights):
        sums, outputs = tf.numpy_function(
            self._path.integrate, [examples, nodes, weights], [tf.float64, tf.float64]
        )
        return (
            tf.ensure_shape(sums, (None, weights.shape[-2], None)),
            tf.ensure_shape(outputs, (None, nodes.shape[-1])),
        )

    def target_at(self, node):
        return tf.numpy_function(lambda: self._path.target_at(node), [], tf.float64)


def sigmoid(values):
    return (1 + np.tanh(values / 2)) / 2


def varied_path(changes, scale):
    """Returns a path of two tokens from 0 to 1, whose scores vary along it: sums of changes.

    F = scale · (x + y + Σ h(x) - k(y)); the scale is a token that does not move along the path.

    Args:
        changes: pairs of functions, h or k and its derivative: first those of x, then of y.
        scale: (batch,).
    """
    (h, slope_h), (k, slope_k) = changes

    def formula(rows):
        return rows[:, 0] * (rows[:, 1] + rows[:, 2] + h(rows[:, 1]) - k(rows[:, 2]))

    def gradient(rows):
        slopes = [1 + slope_h(rows[:, 1]), 1 - slope_k(rows[:, 2])]
        return np.stack([np.zeros(len(rows)), *(rows[:, 0] * slope for slope in slopes)], axis=1)

    zeros = np.zeros_like(scale)
    points = np.stack([scale, 1 + zeros, 1 + zeros], axis=1)
    return FormulaPath(formula, gradient, points, np.stack([scale, zeros, zeros], axis=1))


def steep_path(steepness):
    """Returns a path of sigmoids, σ(steepness · (x - 0.4)), for x from 0 to 1.

    Args:
        steepness: (batch,); it is a token that does not move along the path.
    """
    steepness = np.asarray(steepness, np.float64)

    def formula(rows):
        return sigmoid(rows[:, 0] * (rows[:, 1] - 0.4))

    def gradient(rows):
        value = formula(rows)
        slope = value * (1 - value)
        return np.stack([slope * (rows[:, 1] - 0.4), slope * rows[:, 0]], axis=1)

    points = np.stack([steepness, np.ones_like(steepness)], axis=1)
    start = np.stack([steepness, np.zeros_like(steepness)], axis=1)
    return FormulaPath(formula, gradient, points, start)


def token_path(curves, scale=1.0):
    """Returns a path from 0 to 1 whose tokens do not meet, and its exact scores.

    Args:
        curves: for each token a function and its derivative, which is the token's score.
        scale: (batch,), which multiplies the first of them.
    """
    scale = np.atleast_1d(np.asarray(scale, np.float64))

    def formula(rows):
        return sum(function(row) for (function, _), row in zip(curves, rows[:, 1:].T, strict=True))

    def gradient(rows):
        slopes = [slope(row) for (_, slope), row in zip(curves, rows[:, 1:].T, strict=True)]
        return np.stack([np.zeros(len(rows)), *slopes], axis=1)

    def scaled(function):
        def scaled_function(rows):
            values = function(rows)
            return rows[:, 0].reshape(-1, *[1] * (values.ndim - 1)) * values

        return scaled_function

    ones = np.ones((len(scale), len(curves)))
    path = FormulaPath(
        scaled(formula),
        scaled(gradient),
        np.concatenate([scale[:, None], ones], axis=1),
        np.concatenate([scale[:, None], 0 * ones], axis=1),
    )
    changes = [function(np.ones(1))[0] - function(np.zeros(1))[0] for function, _ in curves]
    return path, np.outer(scale, [0.0, *changes])
