"""Known faults of the locked libraries, as far as this machine can ask.

``python tools/audit.py`` runs pip-audit on ``requirements.lock`` where it is installed; else it
asks the advisory database OSV for the same versions, in one request. What could not be reached
is said, with exit code 3: silence is not a clean bill. Exit code 1: something was found.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

LOCK = Path(__file__).resolve().parent.parent / "requirements.lock"
OSV = "https://api.osv.dev/v1/querybatch"
FOUND, UNKNOWN = 1, 3


def locked(text: str) -> list[tuple[str, str]]:
    """Name and version of each library of a lock file."""
    return re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", text, re.MULTILINE)


def faults(libraries: list[tuple[str, str]], answer: dict) -> list[tuple[str, str, list[str]]]:
    """Libraries with advisories, from an answer of OSV in the order of the question."""
    results = answer["results"]
    if len(results) != len(libraries):
        raise ValueError(f"{len(results)} answers to {len(libraries)} questions")
    return [
        (name, version, [v["id"] for v in told["vulns"]])
        for (name, version), told in zip(libraries, results, strict=True)
        if told.get("vulns")
    ]


def ask(libraries: list[tuple[str, str]]) -> dict:
    question = {
        "queries": [
            {"package": {"name": name, "ecosystem": "PyPI"}, "version": version}
            for name, version in libraries
        ]
    }
    request = urllib.request.Request(
        OSV, json.dumps(question).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as reply:
        told: dict = json.loads(reply.read(50_000_000))
    return told


def main() -> int:
    libraries = locked(LOCK.read_text(encoding="utf-8"))
    tool = shutil.which("pip-audit")
    if tool:
        command = [tool, "--requirement", str(LOCK), "--require-hashes", "--disable-pip"]
        return FOUND if subprocess.run(command).returncode else 0
    try:
        found = faults(libraries, ask(libraries))
    except (urllib.error.URLError, OSError, ValueError, KeyError) as error:
        reason = getattr(error, "reason", error)
        print(
            f"Not audited: {len(libraries)} locked libraries. pip-audit is not installed and "
            f"{OSV} cannot be asked ({reason}). Run this where one of them is at hand."
        )
        return UNKNOWN
    for name, version, advisories in found:
        print(f"{name} {version}: {', '.join(advisories)}")
    print(f"{len(libraries)} locked libraries, {len(found)} with a known fault.")
    return FOUND if found else 0


if __name__ == "__main__":
    sys.exit(main())
