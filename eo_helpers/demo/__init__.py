"""The demonstration territory: a fictional « Pays d'Ervelle », in the providers' own formats.

Importing this package is cheap; drawing the territory loads what it needs.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

__all__ = ["DEMO_VERSION", "SEED", "build", "built", "ensure", "location"]

#: Changes whenever the files change: an older copy in the cache is not used.
DEMO_VERSION = "8"
SEED = 20140101

Progress = Callable[[str, float], None]


def location() -> Path:
    """Where the territory is kept: the folder EO_HELPERS_CACHE, else the user's cache."""
    from platformdirs import user_cache_dir

    cache = os.environ.get("EO_HELPERS_CACHE") or user_cache_dir("eo-helpers", appauthor=False)
    return Path(cache) / f"demonstration-v{DEMO_VERSION}-{SEED}"


def built() -> Path | None:
    """The folder of the territory when it is there already, else None."""
    folder = location()
    return folder if (folder / "territory.json").is_file() else None


def ensure(progress: Progress | None = None) -> Path:
    """Return the folder of the demonstration territory, drawn once and kept.

    Parameters
    ----------
    progress : callable (step, fraction), optional
        Told, in French, what is being drawn and how far it is (0 to 1).

    Returns
    -------
    Path
        The folder; nobody but this function writes in it.

    Notes
    -----
    Two processes that ask at once draw it once: the second waits for the first.
    It is drawn in a folder beside and renamed, so that what is there is whole.
    """
    from filelock import FileLock

    ready = built()
    if ready:
        return ready
    folder = location()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        ready = built()
        return ready or build(folder, progress=progress)


def build(folder: Path | str, seed: int = SEED, progress: Progress | None = None) -> Path:
    """Draw the territory from one seed and write its files into ``folder``.

    Parameters
    ----------
    folder : Path
        Must not exist, or be empty, or hold an earlier demonstration (replaced).
    seed : int
        Everything is drawn from it: same seed, same territory.
    progress : callable (step, fraction), optional

    Returns
    -------
    Path
        ``folder``.

    Raises
    ------
    InvalidInput
        If ``folder`` holds something else than a demonstration territory.
    """
    from ..errors import InvalidInput
    from .writing import write_territory

    folder = Path(folder)
    occupied = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
    if occupied and not (folder / "territory.json").is_file():
        raise InvalidInput(
            f"{folder} contient autre chose que le territoire de démonstration : "
            "choisissez un dossier vide ou qui n'existe pas.",
            f"{folder} holds something else than the demonstration territory: "
            "choose an empty folder or one that does not exist.",
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}")
    work.mkdir()
    try:
        write_territory(work, seed, DEMO_VERSION, progress)
        if folder.exists():
            old = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}.old")
            folder.rename(old)
            work.rename(folder)
            shutil.rmtree(old)
        else:
            work.rename(folder)
    finally:
        if work.exists():
            shutil.rmtree(work)
    return folder
