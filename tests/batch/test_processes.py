import pathlib
import threading

import pytest

from tf_salience.batch import processes


class HangingJob:
    """A job whose first shard is done at once, and whose others would take half a minute."""

    def __init__(self, folder):
        self.folder = folder

    def run(self, task):
        if task:
            threading.Event().wait(30)
            (self.folder / "finished").touch()
        return task


@pytest.mark.slow
def test_an_interrupt_waits_for_no_shard(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(pathlib.Path(__file__).parents[2])  # the workers import this module
    arguments = {"folder": tmp_path}
    outcomes = processes.run(HangingJob, arguments, iter(range(4)), 2, lambda: False)
    assert next(outcomes) == 0
    with pytest.raises(KeyboardInterrupt):
        outcomes.throw(KeyboardInterrupt())
    assert not (tmp_path / "finished").exists()
