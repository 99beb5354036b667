"""Functions run on the replicas of a `tf.distribute` strategy."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def local_replicas(strategy: tf.distribute.Strategy) -> int:
    """Returns the number of replicas of a strategy, the default one included, in this process.

    The workers of a `MultiWorkerMirroredStrategy` explain what they are called with, each by its
    own replicas: how many gradients a path takes is known only as it is run, so to wait for the
    other workers would never end where they were given other texts.
    """
    if strategy.num_replicas_in_sync == 1:
        return 1
    return len(strategy.extended.worker_devices)


def on_replicas(
    function: Callable[..., Any], strategy: tf.distribute.Strategy
) -> Callable[..., list[Any]]:
    """Runs a function on every replica of this process, each with arguments of its own.

    `function` is traced in the replica's own thread, so a hook that is kept for each thread must be
    opened inside it.

    Args:
        function: from nests of tensors to a nest of tensors.
        strategy: the strategy, the default one included.

    Returns:
        A function from one tuple of arguments for each replica to the list of their results.
    """

    def run(*arguments: Any) -> list[Any]:
        if len(arguments) == 1:
            return [function(*arguments[0])]

        def replica() -> Any:
            number = tf.distribute.get_replica_context().replica_id_in_sync_group
            # Counted through all workers, each of which has as many.
            return function(*arguments[int(tf.get_static_value(number)) % len(arguments)])

        return _local_results(strategy, strategy.run(replica))

    return run


def _local_results(strategy: tf.distribute.Strategy, results: Any) -> list[Any]:
    """Splits a nest of per-replica values into one nest for each replica."""
    leaves = [strategy.experimental_local_results(leaf) for leaf in tf.nest.flatten(results)]
    return [
        tf.nest.pack_sequence_as(results, list(replica_leaves))
        for replica_leaves in zip(*leaves, strict=True)
    ]
