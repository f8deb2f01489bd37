"""Build the environment in .venv from the lock file, hashes checked.

Only Python 3.11+ is assumed. uv does the work in seconds where it can be had;
pip does it otherwise. Nothing here names a package registry: both tools use
what the machine is set up for (uv is told what pip knows).
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
STAMP = VENV / ".lock-sha256"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")


def stop(sentence: str) -> None:
    sys.exit(f"bootstrap: {sentence}")


def run(*command: str | Path, **kwargs: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(c) for c in command], text=True, **kwargs)  # type: ignore[call-overload]


def make_venv() -> None:
    if PYTHON.exists():
        return
    done = run(sys.executable, "-m", "venv", VENV, capture_output=True)
    if done.returncode == 0:
        return
    # Some Linux distributions ship Python without ensurepip: virtualenv needs none.
    done = run(sys.executable, "-m", "virtualenv", VENV, capture_output=True)
    if done.returncode:
        stop(
            f"{sys.executable} cannot make a virtual environment; "
            "install the venv module of your system (Debian: apt install python3-venv) and retry."
        )


def pip_setting(name: str) -> str | None:
    """What pip is set to on this machine, so that uv asks the same place."""
    done = run(PYTHON, "-m", "pip", "config", "get", name, capture_output=True)
    return done.stdout.strip() or None if done.returncode == 0 else None


def uv_environment() -> dict[str, str]:
    env = dict(os.environ)
    index = os.environ.get("PIP_INDEX_URL") or pip_setting("global.index-url")
    certificate = os.environ.get("PIP_CERT") or pip_setting("global.cert")
    if index:
        env.setdefault("UV_DEFAULT_INDEX", index)
    if certificate:
        env.setdefault("SSL_CERT_FILE", certificate)
    env.setdefault("UV_LINK_MODE", "copy" if os.name == "nt" else "hardlink")
    return env


def install_uv() -> None:
    """Take uv itself from the lock file, its hashes checked like all others."""
    entry = re.search(r"^uv==.*?(?=^[^\s#])", LOCK.read_text(), re.MULTILINE | re.DOTALL)
    if entry is None:
        return
    with tempfile.TemporaryDirectory() as folder:
        only_uv = Path(folder) / "uv.txt"
        only_uv.write_text(entry.group())
        run(PYTHON, "-m", "pip", "install", "-q", "--no-deps", "--require-hashes", "-r", only_uv)


def install() -> str:
    uv = BIN / ("uv.exe" if os.name == "nt" else "uv")
    if not uv.exists():
        install_uv()
    if uv.exists():
        done = run(
            uv,
            "pip",
            "install",
            "-q",
            # Once, by all processors: where Python may not write bytecode, each process
            # would compile the libraries again (seconds each).
            "--compile-bytecode",
            "--python",
            PYTHON,
            "--require-hashes",
            "-r",
            LOCK,
            env=uv_environment(),
        )
        if done.returncode == 0:
            return "uv"
        print("bootstrap: uv did not manage; pip goes on.", file=sys.stderr)
    done = run(PYTHON, "-m", "pip", "install", "-q", "--require-hashes", "-r", LOCK)
    if done.returncode:
        stop("the libraries of requirements.lock could not be installed; see pip's message above.")
    return "pip"


def main() -> None:
    if sys.version_info < (3, 11):  # noqa: UP036 - an older Python may well start this file
        stop(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}.")
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if STAMP.exists() and STAMP.read_text() == digest:
        return
    start = time.monotonic()
    make_venv()
    tool = install()
    done = run(
        PYTHON, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "-e", ROOT
    )
    if done.returncode:
        stop("eo_helpers itself could not be installed; see pip's message above.")
    STAMP.write_text(digest)
    print(f"bootstrap: environment ready in {time.monotonic() - start:.0f} s ({tool}).")


if __name__ == "__main__":
    main()
