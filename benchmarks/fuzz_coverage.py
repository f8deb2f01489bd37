"""Fuzz one reader guided by coverage: a broken file that reaches new code is broken further.

``pip install atheris`` (Linux; not a dependency of the project), then
``python -m benchmarks.fuzz_coverage flood.catnat --seconds 60``. Ends with the first file that
is neither read nor refused in a sentence of ours, and keeps it; without one, after
``--seconds``. ``python -m benchmarks.fuzz_readers`` needs nothing and takes all readers in turn.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import warnings
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reader")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--hang", type=int, default=20)
    parser.add_argument("--memory", type=int, default=2048, help="megabytes")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    try:
        import atheris
    except ImportError:
        sys.exit(
            "atheris is not installed: pip install atheris, or use python -m "
            "benchmarks.fuzz_readers, which needs nothing more."
        )
    with atheris.instrument_imports(include=["eo_helpers"]):
        from .strange_files import outcome, readers, write_seeds

        folder = Path(tempfile.mkdtemp(prefix="eo-fuzz-"))
        os.environ["EO_HELPERS_CACHE"] = str(folder / "cache")
        warnings.simplefilter("ignore")
        seeds = write_seeds(folder)
        known = readers(seeds)
    if options.reader not in known:
        sys.exit(f"Readers: {', '.join(known)}.")
    reader, names = known[options.reader]
    sound = seeds[names[0]]
    corpus = folder / "corpus"
    corpus.mkdir()
    for name in names:
        if seeds[name].suffix == sound.suffix:
            shutil.copy(seeds[name], corpus)
    path = folder / "case" / sound.name
    path.parent.mkdir()

    def one(data: bytes) -> None:
        path.write_bytes(data)
        came = outcome(reader, path)
        if came not in ("read", "refused"):
            raise RuntimeError(f"{options.reader}: {came}")

    print(f"Cases of {sound.name}; what is found is kept in {folder}", file=sys.stderr)
    limits = [f"-max_total_time={options.seconds}", f"-timeout={options.hang}"]
    limits += [f"-rss_limit_mb={options.memory}", f"-seed={options.seed}"]
    limits += [f"-max_len={8 * sound.stat().st_size}", f"-artifact_prefix={folder}/found-"]
    atheris.Setup([sys.argv[0], *limits, str(corpus)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
