"""One function on all devices of a `tf.distribute` strategy."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def spread(
    function: Callable[..., Any], strategy: tf.distribute.Strategy
) -> Callable[..., list[Any]]:
    """A function of one piece a replica, each the arguments of `function` there.

    `function` is traced inside each replica, in the replica's own thread: what it holds back for
    its thread, a hook for instance, must be opened in it.

    Args:
        function: from nests of tensors to a nest of tensors.
        strategy: the strategy, the default one included.

    Returns:
        A function from pieces, as many as there are replicas, to the list of what each gave.
    """

    def run(*pieces: Any) -> list[Any]:
        if len(pieces) == 1:
            return [function(*pieces[0])]

        def mine() -> Any:
            number = tf.distribute.get_replica_context().replica_id_in_sync_group
            return function(*pieces[int(tf.get_static_value(number))])

        return list(_per_replica(strategy, strategy.run(mine)))

    return run


def _per_replica(strategy: tf.distribute.Strategy, found: Any) -> list[Any]:
    """The nest that each replica gave, from a nest of values that hold one for each."""
    leaves = [strategy.experimental_local_results(leaf) for leaf in tf.nest.flatten(found)]
    return [tf.nest.pack_sequence_as(found, list(of_one)) for of_one in zip(*leaves, strict=True)]
