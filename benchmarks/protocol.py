"""How the driver speaks with a worker: one JSON object a line, over the worker's stdin and stdout.

A worker is a process in an environment of its own that waits for a request, does it, and answers.
While it waits it reads a pipe, so it takes no time from the worker that is being timed. Nothing is
imported here but the standard library: every environment can use it.
"""

import contextlib
import json
import os
import pathlib
import select
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

#: Where the package `benchmarks` lies, for workers to import it.
ROOT = pathlib.Path(__file__).resolve().parents[1]

_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "ignore"}


class WorkerError(RuntimeError):
    """A worker could not do what it was asked for; the message says why."""


class Worker:
    """A worker process, as the driver sees it.

    Args:
        python: the interpreter of its environment.
        module: what `python -m` runs; it must call `serve`.
        arguments: of that module.
        log: the file that takes what it writes to stderr.
        patience: seconds that one answer may take.
        variables: environment variables beside the driver's own.
    """

    def __init__(
        self,
        python: pathlib.Path,
        module: str,
        arguments: list[str],
        *,
        log: pathlib.Path,
        patience: float,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self._log = log
        self._patience = patience
        self._pending = b""
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                [str(python), "-m", module, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=ROOT,
                env={**environment(), **(variables or {})},
            )

    def ask(self, do: str, **fields: Any) -> dict[str, Any]:
        """Sends a request and waits for its answer.

        Raises:
            WorkerError: if the worker failed, ended, or took too long.
        """
        try:
            self._stdin.write(json.dumps({"do": do, **fields}).encode() + b"\n")
            self._stdin.flush()
        except OSError as error:
            raise WorkerError(self._last_words()) from error
        answer = json.loads(self._line())
        if "error" in answer:
            raise WorkerError(answer["error"])
        return dict(answer)

    def cpu_seconds(self) -> float:
        """The processor time that the worker has used; 0 where the system does not tell."""
        try:
            stat = pathlib.Path(f"/proc/{self._process.pid}/stat").read_text()
        except OSError:
            return 0.0
        # The name of the process, in parentheses, may hold spaces.
        user, system = stat.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.wait()
        with contextlib.suppress(OSError):
            self._stdin.close()

    @property
    def _stdin(self) -> Any:
        return self._process.stdin

    def _line(self) -> bytes:
        stdout: Any = self._process.stdout
        until = time.monotonic() + self._patience
        while b"\n" not in self._pending:
            ready, _, _ = select.select([stdout], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                self._process.kill()
                raise WorkerError(f"gave no answer within {self._patience:.0f} s")
            found = os.read(stdout.fileno(), 65536)
            if not found:
                raise WorkerError(self._last_words())
            self._pending += found
        line, _, self._pending = self._pending.partition(b"\n")
        return line

    def _last_words(self) -> str:
        code = self._process.wait()
        lines = [line for line in self._log.read_text(errors="replace").splitlines() if line]
        return f"ended with code {code}: {lines[-1] if lines else 'without a word'}"


def environment() -> dict[str, str]:
    """The environment variables of a worker."""
    return {**os.environ, **_QUIET, "PYTHONPATH": str(ROOT)}


def serve(handlers: dict[str, Callable[..., dict[str, Any]]]) -> None:
    """Answers requests until stdin ends; to be called by a worker.

    Whatever libraries print goes to stderr: stdout belongs to the answers.

    Args:
        handlers: what does each request, called with its fields.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = handlers[request.pop("do")](**request)
        except Exception as error:  # whatever a peer raises is its row's reason
            traceback.print_exc()
            words = str(error).strip().splitlines() or [""]
            answer = {"error": f"{type(error).__name__}: {words[0][:300]}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def once(
    module: str,
    argument: dict[str, Any],
    *,
    patience: float,
    python: pathlib.Path = pathlib.Path(sys.executable),
    variables: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Runs a module of this package in a fresh process and returns the JSON it printed last.

    Args:
        module: what `python -m` runs.
        argument: its argument, as JSON.
        patience: seconds that it may take.
        python: the interpreter of its environment.
        variables: environment variables beside the driver's own.

    Raises:
        WorkerError: if it failed.
    """
    try:
        ran = subprocess.run(
            [str(python), "-m", module, json.dumps(argument)],
            check=False,
            cwd=ROOT,
            env={**environment(), **(variables or {})},
            capture_output=True,
            text=True,
            timeout=patience,
        )
    except subprocess.TimeoutExpired:
        raise WorkerError(f"gave no answer within {patience:.0f} s") from None
    if ran.returncode:
        raise WorkerError((ran.stderr.strip().splitlines() or ["ended without a word"])[-1])
    return dict(json.loads(ran.stdout.strip().splitlines()[-1]))
