"""The two last radar images of a commune in one orbit: Planetary Computer, ``sentinel-1-rtc``.

Assets ``vv`` and ``vh``, gamma0 in linear power, UTM, 10 m. Addresses must be signed by the
``planetary-computer`` library, which is not among ours: a person adds it.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import MissingTool, NoData
from ...text import Text
from .. import net
from ..store import Kept, now
from .provider import Progress, Provider, around, known_address
from .stac_api import search
from .windows import write_window

if TYPE_CHECKING:
    from ...territory.commune import Commune
    from ..store import Store

__all__ = ["PROVIDER", "fetch_pair", "pair"]

WHO = "Planetary Computer (Sentinel-1)"
MARGIN = 1_000.0
#: Sentinel-1 comes back after 6 or 12 days in one orbit.
_DAYS = 40
BANDS = ("vv", "vh")


def _missing() -> Text | None:
    if importlib.util.find_spec("planetary_computer") is not None:
        return None
    return {
        "fr": "il faut la bibliothèque planetary-computer (pip install planetary-computer)",
        "en": "the planetary-computer library is needed (pip install planetary-computer)",
    }


def _signed(url: str) -> str:
    text = _missing()
    if text is not None:
        raise MissingTool(f"{WHO} : {text['fr']}.", f"{WHO}: {text['en']}.")
    net.allow(known_address("STAC_PLANETARY"))  # the library asks the network by itself
    import planetary_computer

    return str(planetary_computer.sign(url))


def pair(items: list[Any]) -> list[Any]:
    """The last image and the one before it in the same orbit, oldest first.

    Two orbits look from two sides: a difference between them is no flood.
    """
    usable = [i for i in items if set(BANDS) <= set(i.assets) and i.datetime is not None]
    if not usable:
        return []
    usable.sort(key=lambda i: (i.datetime, i.id))
    last = usable[-1]
    orbit = last.properties.get("sat:relative_orbit")
    # Two frames of one pass are minutes apart: they are one day.
    before = [
        i
        for i in usable
        if i.properties.get("sat:relative_orbit") == orbit
        and (last.datetime - i.datetime).days >= 1
    ]
    return [*before[-1:], last]


def fetch_pair(
    commune: Commune,
    store: Store,
    between: str,
    sign: Callable[[str], str] = _signed,
) -> list[Kept]:
    """Windows of the two last images of a time (ISO interval).

    Raises
    ------
    NoData, Offline, Unreachable, MissingTool
    """
    box = around(commune, MARGIN)
    base = known_address("STAC_PLANETARY")
    chosen = pair(search(base, WHO, "sentinel-1-rtc", box, between=between))
    if not chosen:
        raise NoData(f"{WHO} : aucune image dans cette période.", f"{WHO}: no image in that time.")
    out = []
    for item in chosen:

        def make(folder: Path, item: Any = item) -> Kept:
            name = f"{item.id}_{commune.insee}.tif"
            moment = f"{item.datetime:%Y-%m-%dT%H:%M:%SZ}"
            plain = {b: str(item.assets[b].href) for b in BANDS}
            write_window(
                [(b.upper(), sign(plain[b])) for b in BANDS], box, folder / name, WHO,
                tags={"ACQUISITION_DATETIME": moment, "SOURCE_ITEM": item.id},
                resign=lambda url: sign(url.split("?")[0]),
            )  # fmt: skip
            return Kept(
                "", "sentinel-1", name, "", 0, net.shown(f"{base}/collections/sentinel-1-rtc"),
                item.id, "Copernicus Sentinel (libre)", now(), box=box,
            )  # fmt: skip

        key = f"sentinel-1/{item.id}/" + ",".join(str(v) for v in box)
        out.append(store.bring(key, make))
    return out


def _fetch(commune: Commune, store: Store, progress: Progress | None) -> list[Kept]:
    import datetime as dt

    end = dt.datetime.now(tz=dt.UTC).replace(microsecond=0)
    begin = end - dt.timedelta(days=_DAYS)
    return fetch_pair(commune, store, f"{begin:%Y-%m-%dT%H:%M:%SZ}/{end:%Y-%m-%dT%H:%M:%SZ}")


PROVIDER = Provider("sentinel1", "sentinel-1", ("flood",), _fetch, _missing, by_itself=False)
