"""What every provider is: a name, its data sets, what it needs, and one function."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...errors import MissingTool, Refused
from ...text import Text

if TYPE_CHECKING:
    from ...territory.commune import Commune
    from ..store import Kept, Store

__all__ = ["Provider", "address", "around", "need"]

Progress = Callable[[str, float], None]

#: Addresses of the services. None: the provider changes it with each edition.
_ADDRESSES: dict[str, str | None] = {
    "GEO": "https://geo.api.gouv.fr",
    "ETALAB": "https://etalab-datasets.geo.data.gouv.fr/contours-administratifs",
    "DATAGOUV": "https://www.data.gouv.fr",
    "GEORISQUES": "https://www.georisques.gouv.fr/api/v1",
    "HUBEAU": "https://hubeau.eaufrance.fr/api/v2/hydrometrie",
    "IGN": "https://data.geopf.fr",
    "EMS": "https://rapidmapping.emergency.copernicus.eu/backend/dashboard-api",
    "STAC_EARTHSEARCH": "https://earth-search.aws.element84.com/v1",
    "STAC_PLANETARY": "https://planetarycomputer.microsoft.com/api/stac/v1",
    "FILOSOFI": None,
    "INEC": None,
}
#: Environment variables that name another address (a mirror): ``EO_HELPERS_URL_IGN``.
_VARIABLE = "EO_HELPERS_URL_"


@dataclass(frozen=True)
class Provider:
    """One service that data sets come from.

    Parameters
    ----------
    name : str
        Its module in this room.
    dataset : str
        Data set of the catalog that it brings.
    themes : tuple of str
        Themes that it feeds; empty for what all of them use.
    fetch : callable (commune, store, progress) -> list of Kept
        Brings what covers the commune into the store; what is there is not asked again.
    missing : callable () -> Text or None
        What a person must do before it can be asked (an account, an address), or None.
    by_itself : bool
        Asked as soon as a theme needs it; else only when a person fetches (images of a
        chosen time, pictures).
    """

    name: str
    dataset: str
    themes: tuple[str, ...]
    fetch: Callable[[Commune, Store, Progress | None], list[Kept]]
    missing: Callable[[], Text | None] = lambda: None
    by_itself: bool = True


def address(service: str) -> str | None:
    """Base address of a service, without a final slash: ours, or that of a mirror."""
    found = os.environ.get(_VARIABLE + service, "").strip() or _ADDRESSES[service]
    return found.rstrip("/") if found else None


def known_address(service: str) -> str:
    """The address of a service that has one."""
    found = address(service)
    if found is None:
        raise MissingTool(*need(service, "").values())
    return found


def need(service: str, page: str) -> Text:
    """What to do where a provider gives no lasting address."""
    name = _VARIABLE + service
    return {
        "fr": f"à télécharger à la main ({page}), ou donnez l'adresse du fichier dans {name}",
        "en": f"download it by hand ({page}), or give the file's address in {name}",
    }


def secret(variable: str, page: str) -> str:
    """A credential from the environment; it is never written nor said.

    Raises
    ------
    Refused
        If there is none.
    """
    value = os.environ.get(variable, "").strip()
    if not value:
        raise Refused(
            f"Il faut un compte (gratuit, {page}) : mettez votre jeton dans {variable}.",
            f"An account is needed (free, {page}): put your token in {variable}.",
        )
    return value


def around(commune: Commune, metres: float) -> tuple[float, float, float, float]:
    """The commune's box in degrees (west, south, east, north), wider by some metres.

    Rounded to four decimals (11 m), so that two runs ask for the same window.
    """
    import math

    west, south, east, north = commune.bounds
    dy = metres / 111_320
    dx = dy / max(math.cos(math.radians((south + north) / 2)), 0.05)
    wide = west - dx, south - dy, east + dx, north + dy
    return (round(wide[0], 4), round(wide[1], 4), round(wide[2], 4), round(wide[3], 4))
