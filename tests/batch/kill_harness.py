"""Runs a job again and again and kills it at random moments: SIGKILL, so nothing can be tidied up.

`python kill_harness.py MODEL.keras SOURCE.tsv FOLDER KILLS` prints one JSON line a run: the shards
that were there when it ended, with their inodes. TensorFlow is imported once, and each run forked.
"""

import json
import os
import pathlib
import random
import signal
import sys
import time

import tensorflow  # noqa: F401

import tf_salience as tfs
from tf_salience.batch.explain_dataset import explain_dataset

SHARD_ROWS = 20


def run(model, source, folder):
    """Does what is left of the job."""
    explain_dataset(
        model,
        source,
        folder,
        method=tfs.GradientDotInput(),
        keep=["id"],
        shard_rows=SHARD_ROWS,
        progress=False,
    )


def forked(model, source, folder):
    """Starts a run in a process of its own."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        run(model, source, folder)
        status = 0
    finally:
        os._exit(status)


def shards(folder):
    """The inode and the time of each shard that is there."""
    stats = {path.name: path.stat() for path in folder.glob("shard-*.parquet")}
    return {name: [stat.st_ino, stat.st_mtime_ns] for name, stat in sorted(stats.items())}


def main():
    """Kills as many runs as were asked for, and lets the last one end."""
    model, source, folder, kills = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]), sys.argv[4]
    generator, longest = random.Random(0), 1.0
    killed, before = 0, 0
    while True:
        child = forked(model, source, folder)
        if killed < int(kills):
            time.sleep(generator.uniform(0.0, longest))
            os.kill(child, signal.SIGKILL)
            killed += 1
        _, status = os.waitpid(child, 0)
        there = shards(folder) if folder.exists() else {}
        left = [path.name for path in folder.glob(".*")] if folder.exists() else []
        print(json.dumps({"signal": status, "shards": there, "left": left}), flush=True)
        if not os.WIFSIGNALED(status):
            sys.exit(status)
        # So that the moments fall into start-up, reading, computing and writing on any machine.
        longest *= 0.8 if len(there) > before else 1.25
        before = len(there)


if __name__ == "__main__":
    main()
