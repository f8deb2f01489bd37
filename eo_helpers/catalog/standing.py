"""How the data of a commune stand: here, on their way, still to be asked for. No network."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import EoError, MissingTool, NoData, Refused, Unreachable
from ..text import Text
from .cache import cache_dir, read_json, write_json

if TYPE_CHECKING:
    from ..territory.commune import Commune
    from .online.provider import Provider

__all__ = ["STATES", "Standing", "outcome", "standing", "underway"]

Progress = Callable[[str, float], None]

#: How it stands with a data set, and how that is said.
STATES: dict[str, Text] = {
    "here": {"fr": "là", "en": "here"},
    "fetched": {"fr": "téléchargé", "en": "fetched"},
    "fetching": {"fr": "en cours de téléchargement", "en": "being fetched"},
    "coming": {"fr": "téléchargé dès qu'un thème en a besoin", "en": "fetched when a theme asks"},
    "ask": {"fr": "sur demande", "en": "on request"},
    "needs": {"fr": "demande une action", "en": "needs you"},
    "nothing": {"fr": "n'existe pas ici", "en": "not here"},
    "unreachable": {"fr": "injoignable", "en": "unreachable"},
}
#: Seconds between two notes of how far a download is.
_PAUSE = 0.5


@dataclass(frozen=True)
class Standing:
    """One data set of a commune: ``state`` is a key of :data:`STATES`.

    ``part`` is how much of a download is there (0 to 1), ``read_at`` when the oldest copy was
    read, ``told`` what a person needs to know.
    """

    dataset: str
    themes: tuple[str, ...]
    state: str
    part: float = 0.0
    read_at: str = ""
    told: Text | None = None


def outcome(error: EoError) -> tuple[str, Text]:
    """State and sentence of a provider's failure."""
    told: Text = {"fr": error.fr, "en": error.en}
    if isinstance(error, Refused | MissingTool):
        return "needs", told
    if isinstance(error, NoData) and not isinstance(error, Unreachable):
        return "nothing", told
    return "unreachable", told  # what came was not what was wanted, too


def _place(dataset: str, insee: str) -> Path:
    return cache_dir() / "underway" / f"{dataset}-{insee}"


@contextmanager
def underway(dataset: str, insee: str, progress: Progress | None = None) -> Iterator[Progress]:
    """Mark a data set of a commune as being fetched, and note what came of it.

    Yields
    ------
    callable (step, fraction)
        To be told how far it is.
    """
    from filelock import FileLock, Timeout

    place, key = _place(dataset, insee), f"{dataset}/{insee}"
    # A lock, because it ends with its process whatever happens to that.
    lock = FileLock(place.with_suffix(".lock"), timeout=0)
    noted = [0.0]

    def tell(step: str, fraction: float) -> None:
        if progress:
            progress(step, fraction)
        if lock.is_locked and time.monotonic() - noted[0] > _PAUSE:
            noted[0] = time.monotonic()
            write_json("underway", key, round(fraction, 3))

    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
        write_json("underway", key, 0.0)
    except (Timeout, OSError):
        pass  # another process fetches it and says so; a read-only cache says nothing
    try:
        yield tell
    except EoError as error:
        write_json("standing", key, outcome(error))
        raise
    else:
        write_json("standing", key, None)
    finally:
        if lock.is_locked:
            lock.release()


def _part(dataset: str, insee: str) -> float | None:
    """How much of a download is there, None where nobody fetches it."""
    from filelock import FileLock, Timeout

    path = _place(dataset, insee).with_suffix(".lock")
    if not path.exists():
        return None
    try:
        with FileLock(path, timeout=0):
            return None
    except Timeout:
        part = read_json("underway", f"{dataset}/{insee}")
        return float(part) if isinstance(part, int | float) else 0.0
    except OSError:
        return None


def standing(commune: Commune, asked: Sequence[Provider]) -> list[Standing]:
    """How every provider's data set stands over a commune, without asking any of them.

    Parameters
    ----------
    commune : Commune
    asked : sequence of Provider
    """
    import shapely

    from .store import Store

    here = shapely.box(*commune.bounds)
    kept = [
        k for k in Store().all() if k.box is None or shapely.box(*k.box).intersects(here)
    ]  # fmt: skip
    return [_one(provider, commune, kept) for provider in asked]


def _one(provider: Provider, commune: Commune, kept: Sequence[Any]) -> Standing:
    about = provider.dataset, provider.themes
    part = _part(provider.dataset, commune.insee)
    if part is not None:
        return Standing(*about, "fetching", part)
    copies = [k.read_at for k in kept if k.dataset == provider.dataset]
    if copies:
        return Standing(*about, "here", read_at=min(copies))
    needed = provider.missing()
    if needed is not None:
        return Standing(*about, "needs", told=needed)
    last = read_json("standing", f"{provider.dataset}/{commune.insee}")
    if isinstance(last, list) and len(last) == 2 and last[0] in STATES:
        return Standing(*about, last[0], told=last[1])
    if provider.by_itself:
        return Standing(*about, "coming")
    command = f"eo-helpers data fetch {commune.insee} --dataset {provider.dataset}"
    return Standing(
        *about, "ask",
        told={"fr": f"la personne qui a ouvert cette page la demande avec « {command} »",
              "en": f"whoever opened this page asks for it with '{command}'"},
    )  # fmt: skip
