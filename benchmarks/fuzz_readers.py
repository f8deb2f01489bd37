"""Fuzz every reader of a stranger's file for as long as one likes.

``python -m benchmarks.fuzz_readers --seconds 60`` breaks small sound files in random ways
and prints, by reader: how many were read, refused with a sentence of ours, ended in a foreign
error, ended the process, or took more than ``--hang`` seconds. Each reader runs in a process of
its own, so that a crash of a native library is seen as one.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

from .strange_files import broken, outcome, readers, write_seeds


def child(name: str, seconds: float, seed: int, folder: Path) -> None:
    """Fuzz one reader; one JSON line a file, written before and after it is read."""
    os.environ["EO_HELPERS_CACHE"] = str(folder / "cache")
    warnings.simplefilter("ignore")
    seeds = write_seeds(folder)
    reader, files = readers(seeds)[name]
    chance = random.Random(seed)
    until = time.monotonic() + seconds
    number = 0
    while time.monotonic() < until:
        whole = seeds[chance.choice(files)]
        place = folder / f"case{number % 2}"
        place.mkdir(exist_ok=True)
        path = place / whole.name
        path.write_bytes(broken(whole.read_bytes(), chance))
        began = time.monotonic()
        came = outcome(reader, path)
        took = time.monotonic() - began
        print(json.dumps([number, came, round(took, 3)]), flush=True)
        path.unlink()
        number += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="for all readers together")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hang", type=float, default=20.0)
    parser.add_argument("--only", nargs="+", help="these readers")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child[0], options.seconds, options.seed, Path(options.child[1]))
        return
    with tempfile.TemporaryDirectory() as folder:
        names = [
            n for n in readers(write_seeds(Path(folder))) if not options.only or n in options.only
        ]
    each = options.seconds / len(names)
    print("| reader | files | read | refused | foreign errors | crash | slowest (s) |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    odd: dict[str, collections.Counter[str]] = {}
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "benchmarks.fuzz_readers", "--child", name, folder]
            command += ["--seconds", str(each), "--seed", str(options.seed)]
            crash = ""
            try:
                done = subprocess.run(
                    command, capture_output=True, text=True, timeout=each + 60 + options.hang
                )
                text = done.stdout
                crash = "" if done.returncode == 0 else f"exit {done.returncode}"
            except subprocess.TimeoutExpired as error:
                told = error.stdout or b""
                text, crash = (told.decode() if isinstance(told, bytes) else told), "hang"
        lines = [json.loads(line) for line in text.splitlines() if line.startswith("[")]
        kinds = collections.Counter(line[1] for line in lines)
        foreign = {k: n for k, n in kinds.items() if k not in ("read", "refused")}
        odd[name] = collections.Counter(foreign)
        slowest = max((line[2] for line in lines), default=0.0)
        print(
            f"| {name} | {len(lines)} | {kinds['read']} | {kinds['refused']} | "
            f"{sum(foreign.values())} | {crash or 0} | {slowest:.2f} |",
            flush=True,
        )
    for name, errors in odd.items():
        for error, count in errors.most_common(8):
            print(f"\n{name} ({count}): {error}")


if __name__ == "__main__":
    main()
