"""What is missing on this machine, in plain words."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .text import Text, number

__all__ = ["Examined", "browser_executable", "examine"]


@dataclass(frozen=True)
class Examined:
    """One thing that was looked at; ``needed`` if nothing works without it."""

    ok: bool
    needed: bool
    text: Text


def browser_executable() -> str | None:
    """Path of a Chromium on this machine (the system's, else Playwright's own), or None."""
    named = os.environ.get("EO_HELPERS_BROWSER")
    if named:
        return named if Path(named).exists() else None
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        found = shutil.which(name)
        if found:
            return found
    root = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or _playwright_home())
    patterns: tuple[str, ...] = (
        "chromium-*/chrome-linux*/chrome",
        "chromium-*/chrome-win*/chrome.exe",
    )
    patterns += ("chromium-*/chrome-mac*/Chromium.app/Contents/MacOS/Chromium",)
    for pattern in patterns:
        found_here = sorted(root.glob(pattern))
        if found_here:
            return str(found_here[-1])
    return None


def _playwright_home() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", str(Path.home()))) / "ms-playwright"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "ms-playwright"
    return Path(os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache"))) / "ms-playwright"


def examine() -> list[Examined]:
    """Look at Python, the libraries, the cache folder, the disk, the demonstration, a browser."""
    return [
        _python(),
        _libraries(),
        *_cache(),
        _demonstration(),
        _notebooks(),
        _browser(),
    ]


def _python() -> Examined:
    version = ".".join(map(str, sys.version_info[:3]))
    ok = sys.version_info >= (3, 11)
    advice = "" if ok else " Il faut Python 3.11 ou plus récent."
    advice_en = "" if ok else " Python 3.11 or newer is needed."
    return Examined(
        ok, True, {"fr": f"Python {version}.{advice}", "en": f"Python {version}.{advice_en}"}
    )


def _missing(extra: str | None) -> list[str]:
    """Distributions that the package's metadata asks for and that are not installed."""
    from packaging.requirements import Requirement

    missing = []
    for text in importlib.metadata.requires("eo-helpers") or []:
        requirement = Requirement(text)
        wanted = re.search(r"extra == ['\"](\w+)['\"]", text)
        if (wanted.group(1) if wanted else None) != extra:
            continue
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            missing.append(requirement.name)
            continue
        if version not in requirement.specifier:
            missing.append(f"{requirement.name}{requirement.specifier} ({version})")
    return missing


def _libraries() -> Examined:
    missing = _missing(None)
    if not missing:
        return Examined(
            True,
            True,
            {"fr": "Bibliothèques : toutes présentes.", "en": "Libraries: all present."},
        )
    names = ", ".join(missing)
    return Examined(
        False,
        True,
        {
            "fr": f"Bibliothèques absentes ou trop anciennes : {names}. "
            "Lancez « make » à la racine.",
            "en": f"Libraries missing or too old: {names}. Run 'make' at the root.",
        },
    )


def _cache() -> list[Examined]:
    from .catalog.cache import cache_dir

    folder = cache_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            writable = True
    except OSError:
        writable = False
    if not writable:
        return [
            Examined(
                False,
                True,
                {
                    "fr": f"Le dossier de cache {folder} n'est pas accessible en écriture : "
                    "choisissez-en un autre avec la variable EO_HELPERS_CACHE.",
                    "en": f"The cache folder {folder} cannot be written: "
                    "choose another one with the variable EO_HELPERS_CACHE.",
                },
            )
        ]
    free = shutil.disk_usage(folder).free / 1e9
    ok = free > 1.0
    fr = f"Cache : {folder}, {number(free, 1)} Go libres."
    en = f"Cache: {folder}, {number(free, 1, 'en')} GB free."
    if not ok:
        fr += " Il en faut au moins 1."
        en += " At least 1 is needed."
    return [Examined(ok, True, {"fr": fr, "en": en})]


def _demonstration() -> Examined:
    from . import demo

    where = demo.built()
    if where:
        return Examined(
            True,
            False,
            {
                "fr": "Territoire de démonstration : prêt.",
                "en": "Demonstration territory: ready.",
            },
        )
    return Examined(
        False,
        False,
        {
            "fr": "Territoire de démonstration : sera écrit au premier usage (moins d'une minute).",
            "en": "Demonstration territory: written on first use (under a minute).",
        },
    )


def _notebooks() -> Examined:
    missing = _missing("notebooks")
    if missing:
        names = ", ".join(missing)
        return Examined(
            False,
            False,
            {
                "fr": f"Carnets : il manque {names} (pip install 'eo-helpers[notebooks]').",
                "en": f"Notebooks: {names} missing (pip install 'eo-helpers[notebooks]').",
            },
        )
    return Examined(
        True, False, {"fr": "Carnets : JupyterLab est là.", "en": "Notebooks: JupyterLab is there."}
    )


def _browser() -> Examined:
    found = browser_executable()
    if found:
        return Examined(
            True,
            False,
            {
                "fr": f"Navigateur pour les tests : {found}.",
                "en": f"Browser for the tests: {found}.",
            },
        )
    return Examined(
        False,
        False,
        {
            "fr": "Navigateur pour les tests : aucun Chromium ; « make browser » en installe un.",
            "en": "Browser for the tests: no Chromium; 'make browser' installs one.",
        },
    )
