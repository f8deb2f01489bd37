"""Get a Chromium for the browser tests, or fail with one sentence.

In this order: the system's Chromium, Playwright's own (downloaded by Playwright),
the system's package manager where this user may use it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from eo_helpers.doctor import browser_executable


def attempt(*command: str, timeout: int = 600) -> bool:
    print("browser:", " ".join(command), file=sys.stderr)
    try:
        done = subprocess.run(command, timeout=timeout, capture_output=True, text=True, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        print("browser:", error, file=sys.stderr)
        return False
    if done.returncode != 0:
        why = [line for line in done.stderr.splitlines() if "rror" in line]
        print("browser: that did not do:", (why or ["no reason given"])[0], file=sys.stderr)
    return done.returncode == 0


def system_packages() -> bool:
    """Debian's and Ubuntu's package manager, as root or with a sudo that asks nothing."""
    if not shutil.which("apt-get"):
        return False
    prefix: tuple[str, ...] = ()
    if hasattr(os, "geteuid") and os.geteuid() != 0:
        if not (shutil.which("sudo") and attempt("sudo", "-n", "true")):
            return False
        prefix = ("sudo", "-n")
    attempt(*prefix, "apt-get", "update", "-qq")
    return attempt(
        *prefix, "apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"
    )


def main() -> None:
    if browser_executable():
        return
    if attempt(sys.executable, "-m", "playwright", "install", "chromium") and browser_executable():
        return
    if system_packages() and browser_executable():
        return
    sys.exit(
        "Les tests de navigateur ont besoin de Chromium et il n'a pas pu être installé : "
        "installez-le avec le gestionnaire de paquets du système, "
        "ou donnez son chemin dans EO_HELPERS_BROWSER. "
        "(Browser tests need Chromium: install it, or set EO_HELPERS_BROWSER.)"
    )


if __name__ == "__main__":
    main()
