"""The command: `python -m benchmarks`, or `tox -e bench`."""

import argparse
import json
import pathlib
import signal
import sys
import time
from typing import Any

from benchmarks import bench, goals, growth, machine, protocol, report, work
from benchmarks.peers.catalogue import TOOLS

_TITLES = {
    "a": "(a) 4 layers, d=256, 64 tokens, batch 8, 32 nodes, all tokens real",
    "b": "(b) review sentences of their natural lengths, to 1 % (worst example)",
    "c": "(c) growth: 2 layers, d=64; 32 steps, 64 tokens, batch 8 unless it is said otherwise",
    "d": "(d) a SalienceLogger while the demo's model trains",
}
#: Where environments, trained models, scores and logs are kept.
_KEEP = protocol.ROOT / ".bench"
#: What the reference is made and checked with.
_NEEDED = ("fixed", "bare")


def _options(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="This project beside others, and beside the hardware's limit.",
    )
    parser.add_argument(
        "--data",
        type=pathlib.Path,
        metavar="FILE",
        help="labelled texts (.tsv, .csv, .jsonl) for work b; without it b is left out",
    )
    parser.add_argument("--work", default="a,b,c,d", help="which works (default: %(default)s)")
    parser.add_argument(
        "--rows", metavar="NAME,...", help=f"which tools, of: {', '.join(TOOLS)} (default: all)"
    )
    parser.add_argument("--repeats", type=int, help="rounds (default: 7, and 5 for b; 2 if quick)")
    parser.add_argument(
        "--output",
        type=pathlib.Path,
        default=_KEEP / "bench.json",
        metavar="FILE",
        help="where the figures go as JSON (default: .bench/bench.json)",
    )
    parser.add_argument(
        "--environments",
        type=pathlib.Path,
        default=_KEEP / "environments",
        metavar="DIR",
        help="where the peers' environments are kept (default: .bench/environments)",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="keep the works that --output has already, and do the others",
    )
    parser.add_argument(
        "--quick", action="store_true", help="a trial: 24 sentences, 2 rounds, fewer sizes"
    )
    options = parser.parse_args(words)
    options.work = options.work.split(",")
    options.rows = options.rows.split(",") if options.rows else list(TOOLS)
    for given, known in ((options.work, _TITLES), (options.rows, TOOLS)):
        unknown = set(given) - set(known)
        if unknown:
            parser.error(f"expected some of {', '.join(known)}. Received: {', '.join(unknown)}")
    if options.data is not None:
        options.data = options.data.resolve()
        if not options.data.is_file():
            parser.error(f"--data must be a file. Received: {options.data}")
    return options


class _Run:
    """One run of the command.

    Attributes:
        found: all that goes into the JSON.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self.found: dict[str, Any] = {"machine": machine.describe(), "works": {}}
        if options.resume and options.output.is_file():
            self.found["works"] = json.loads(options.output.read_text())["works"]

        self._works = {
            "a": self._equal,
            "b": self._to_tolerance,
            "c": self._growth,
            "d": self._watching,
        }

    def do(self, name: str) -> None:
        """Does one work, prints its tables, and writes the figures so far."""
        if name in self.found["works"]:
            _say(f"{name}: kept from {self._options.output}")
            return
        if name == "b" and self._options.data is None:
            _say("b: left out, since there is no --data")
            return
        done = self._works[name]()
        tables = [f"\n## {_TITLES[name]}\n", *done["tables"]]
        print("\n".join(tables), flush=True)
        self.found["works"][name] = {"title": _TITLES[name], **done}
        report.write(self._options.output, self.found)

    def _equal(self) -> dict[str, Any]:
        given = work.real_tokens(_KEEP / "works")
        rows, idle = self._bench(given, "a").equal(self._repeats(7))
        reached = goals.of_equal(rows)
        tables = [report.of_rows(rows, "fixed", len(given.ids), idle), "", report.of_goals(reached)]
        return {"tables": tables, "rows": rows, "idle": idle, "goals": reached}

    def _to_tolerance(self) -> dict[str, Any]:
        quick = self._options.quick
        _say("b: the model is trained, unless it was before")
        given = work.reviews(
            _KEEP / "works",
            self._options.data,
            sentences=24 if quick else 256,
            epochs=1 if quick else 3,
        )
        _say(f"b: the model's held-out accuracy is {given.facts['accuracy']:.1%}")
        rows, idle = self._bench(given, "b").to_tolerance(self._repeats(5))
        _say("b: one sentence")
        argument = {"folder": str(given.folder), "sentences": 4 if quick else 16}
        overhead = protocol.once("benchmarks.overhead", argument, patience=900)
        reached = goals.of_tolerance(rows) + goals.of_overhead(overhead)
        tables = [
            f"{len(given.ids)} sentences of {given.mask.sum(axis=1).mean():.1f} tokens; held-out "
            f"accuracy {given.facts['accuracy']:.1%}",
            "",
            report.of_rows(rows, "auto", len(given.ids), idle),
            "",
            report.of_overhead(overhead),
            "",
            report.of_goals(reached),
        ]
        return {
            "tables": tables,
            "facts": given.facts,
            "rows": rows,
            "idle": idle,
            "overhead": overhead,
            "goals": reached,
        }

    def _growth(self) -> dict[str, Any]:
        axes = growth.QUICK_AXES if self._options.quick else growth.AXES
        grown = growth.measure(axes, _say)
        return {"tables": [report.of_growth(grown)], "growth": grown}

    def _watching(self) -> dict[str, Any]:
        _say("d: the demo's model trains")
        quick = self._options.quick
        argument = {"steps": 50 if quick else 1000, "epochs": 2 if quick else 4, "probes": 64}
        watched = protocol.once("benchmarks.watching", argument, patience=1800)
        reached = goals.of_watching(watched)
        tables = [report.of_watching(watched), "", report.of_goals(reached)]
        return {"tables": tables, "watching": watched, "goals": reached}

    def _bench(self, given: work.Work, name: str) -> bench.Bench:
        names = [*self._options.rows]
        if not given.reference_file.is_file():
            names += [needed for needed in _NEEDED if needed not in names]
        return bench.Bench(
            work=given,
            names=names,
            environments=self._options.environments.resolve(),
            scratch=_KEEP / "scratch" / name,
            patience=1800,
            say=_say,
        )

    def _repeats(self, usual: int) -> int:
        return int(self._options.repeats or (2 if self._options.quick else usual))


def _say(words: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {words}", file=sys.stderr, flush=True)


def main(words: list[str] | None = None) -> None:
    """Does the works that were asked for."""
    options = _options(words)
    # Whoever ends the driver ends its workers too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    run = _Run(options)
    print(f"# Benchmark\n\n{report.of_machine(run.found['machine'])}", flush=True)
    for name in options.work:
        run.do(name)
    print(f"\nWritten to {options.output}", flush=True)


if __name__ == "__main__":
    main()
