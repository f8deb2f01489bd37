"""What there is of a commune, theme by theme: here already, fetched now, or needing a person."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import EoError, NoData, Unreachable
from ..text import Text
from . import stac
from .online import providers
from .standing import STATES, outcome, underway
from .store import Store

if TYPE_CHECKING:
    from ..territory.commune import Commune
    from .online.provider import Provider

__all__ = ["STATES", "Fetched", "commune_of", "fetch"]

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Fetched:
    """How one data set stands.

    Parameters
    ----------
    dataset : str
    themes : tuple of str
        Themes that it feeds; empty for what all use.
    state : str
        A key of :data:`STATES`.
    files : tuple of str
        Names of the files that are here now.
    size : int
        Their bytes.
    read_at : str
        When the oldest of them was read, or empty.
    edition : str
    told : Text
        What a person needs to know; empty where all is well.
    """

    dataset: str
    themes: tuple[str, ...]
    state: str
    files: tuple[str, ...] = ()
    size: int = 0
    read_at: str = ""
    edition: str = ""
    told: Text | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain dictionary, ready for JSON."""
        return {
            "dataset": self.dataset,
            "title": stac.title(self.dataset),
            "themes": list(self.themes),
            "state": self.state,
            "files": list(self.files),
            "size": self.size,
            "read_at": self.read_at,
            "edition": self.edition,
            "licence": stac.about(self.dataset)["eo_helpers:licence"],
            "told": self.told,
        }


def commune_of(query: str, progress: Progress | None = None) -> Commune:
    """A real commune by name or code: from the service that gives one, else from the copy.

    Raises
    ------
    UnknownCommune, NoData, InvalidInput
    """
    from .holdings import communes
    from .online import geo_api
    from .online_source import OnlineSource

    try:
        return geo_api.find(query)
    except Unreachable as error:
        try:
            return communes(OnlineSource(progress)).find(query)
        except NoData:
            raise error from None


def fetch(
    commune: Commune,
    store: Store | None = None,
    *,
    datasets: Sequence[str] = (),
    progress: Progress | None = None,
    told: Callable[[Fetched], None] | None = None,
    asked: Sequence[Provider] | None = None,
) -> list[Fetched]:
    """Ask every provider for what it has of a commune; the failure of one stops no other.

    Parameters
    ----------
    commune : Commune
    store : Store, optional
    datasets : sequence of str
        Only these; all by default.
    progress : callable (step, fraction), optional
    told : callable (Fetched), optional
        Called as soon as the state of a data set is known.
    asked : sequence of Provider, optional
        By default those of :mod:`online`.
    """
    store = store or Store()
    for name in datasets:
        stac.about(name)
    out = []
    for provider in providers() if asked is None else asked:
        if datasets and provider.dataset not in datasets:
            continue
        found = _one(provider, commune, store, progress)
        out.append(found)
        if told:
            told(found)
    return out


def _one(provider: Provider, commune: Commune, store: Store, progress: Progress | None) -> Fetched:
    about = provider.dataset, provider.themes
    needed = provider.missing()
    if needed is not None:
        return Fetched(*about, "needs", told=needed)
    before = {k.key: k for k in store.all()}
    try:
        with underway(provider.dataset, commune.insee, progress) as tell:
            kept = provider.fetch(commune, store, tell)
    except EoError as error:
        state, told = outcome(error)
        return Fetched(*about, state, told=told)
    finally:
        if progress:  # whatever came of it, this provider's bar ends
            progress(stac.title(provider.dataset)["fr"], 1.0)
    same = all(before.get(k.key) == k for k in kept)
    return Fetched(
        *about,
        "here" if same else "fetched",
        tuple(k.name for k in kept),
        sum(k.size for k in kept),
        min((k.read_at for k in kept), default=""),
        ", ".join(sorted({k.edition for k in kept})),
    )
