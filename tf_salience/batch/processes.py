"""Shards spread over processes on one machine, each with its own model."""

import contextlib
import multiprocessing
import os
import pickle
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tf_salience.batch.shard_job import Outcome, ShardJob
from tf_salience.batch.tasks import Task
from tf_salience.utils.cores import usable_cores
from tf_salience.utils.validation import format_error

#: Shards that each worker has waiting, the one it works on among them.
_AHEAD = 2
#: Makes the job of this process; set once, when a worker starts.
_job: ShardJob | None = None


def run(
    make_job: Callable[..., ShardJob],
    arguments: dict[str, Any],
    tasks: Iterator[Task],
    workers: int,
    is_stopped: Callable[[], bool],
) -> Iterator[Outcome]:
    """Runs tasks in processes; yields the outcomes as they come.

    Args:
        make_job: a function of a module, called in each process.
        arguments: its arguments, which are pickled: Keras saves a model to `.keras` for that.
        tasks: the shards.
        workers: the number of processes.
        is_stopped: whether to hand out no more of them; those that have begun are finished.

    Raises:
        TypeError: if the arguments cannot be pickled.
        RuntimeError: if a worker ends.
    """
    with tempfile.TemporaryDirectory(prefix="tf_salience-") as directory:
        path = Path(directory, "job.pickle")
        try:
            path.write_bytes(pickle.dumps((make_job, arguments)))
        # Whatever the user's own objects raise.
        except Exception as error:
            raise TypeError(
                "With `workers` above 1 the model and all arguments are sent to other processes, "
                "so pickle must be able to store them: registered layers and functions of a "
                "module, not lambdas. Or pass `model` as the path of a `.keras` file."
                f" Received: {format_error(error)}"
            ) from error
        threads = max(1, usable_cores() // workers)
        context = multiprocessing.get_context("spawn")
        reader, writer = context.Pipe(duplex=False)
        executor = ProcessPoolExecutor(
            workers,
            mp_context=context,
            initializer=_start,
            initargs=(str(path), threads, reader),
        )
        with reader, writer, executor:
            try:
                yield from _outcomes(executor, tasks, workers, is_stopped)
            except BrokenProcessPool as error:
                raise RuntimeError(
                    "A worker ended before its shard was finished: it was killed, ran out of "
                    "memory, or could not load its model. Read what it printed. Finished shards "
                    "are kept; start the job again, with fewer `workers` if memory was short."
                ) from error
            except KeyboardInterrupt:
                writer.close()  # the workers end at once
                raise
            finally:
                executor.shutdown(cancel_futures=True)


def _outcomes(
    executor: ProcessPoolExecutor,
    tasks: Iterator[Task],
    workers: int,
    is_stopped: Callable[[], bool],
) -> Iterator[Outcome]:
    waiting: set[Future[Outcome]] = set()
    for task in tasks:
        waiting.add(executor.submit(_run, task))
        if len(waiting) >= _AHEAD * workers:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)
        if is_stopped():
            break
    if is_stopped():
        waiting = {future for future in waiting if not future.cancel()}
    while waiting:
        done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
        yield from (future.result() for future in done)


def _start(path: str, threads: int, open_while_wanted: Connection) -> None:
    """Makes the job of a worker."""
    global _job
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that started this one decides
    threading.Thread(target=_end, args=(open_while_wanted,), daemon=True).start()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    # Python imports the user's main module here, too: it may have started TensorFlow already.
    with contextlib.suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    make_job, arguments = pickle.loads(Path(path).read_bytes())
    _job = make_job(**arguments)


def _end(open_while_wanted: Connection) -> None:
    """Ends this process once the one that started it is gone, or waits for no shard any more."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel, open_while_wanted])
        os.kill(os.getpid(), signal.SIGTERM)


def _run(task: Task) -> Outcome:
    if _job is None:
        raise RuntimeError("The worker has no job.")
    return _job.run(task)
