"""Clear Sentinel-2 images of a commune: Earth Search (Element 84), only its window.

Collection ``sentinel-2-l2a``, open, no account. The offset of -1000 of baseline 04.00 and
later is applied where the item says that it was not.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import NoData
from .. import net
from ..store import Kept, now
from .provider import Progress, Provider, around, known_address
from .stac_api import http_address, search
from .windows import write_window

if TYPE_CHECKING:
    from ...territory.commune import Commune
    from ..store import Store

__all__ = ["BANDS", "PROVIDER", "clearest", "is_offset"]

WHO = "Earth Search (Sentinel-2)"
BANDS = ("blue", "green", "red", "nir", "swir16", "scl")
#: Metres around the commune: edges and neighbours help to learn.
MARGIN = 1_000.0
#: Share of the scene under cloud, percent.
_CLOUD = 20
_DAYS = 365


def is_offset(item: Any) -> bool:
    """True if 1000 must still be taken from the item's numbers.

    Processing baseline 04.00 (January 2022) added 1000; Earth Search took it away from
    items that say ``earthsearch:boa_offset_applied``.
    """
    if item.properties.get("earthsearch:boa_offset_applied") is True:
        return False
    baseline = item.properties.get("s2:processing_baseline", "0")
    try:
        return float(str(baseline)) >= 4.0
    except ValueError:
        return False


def clearest(
    box: tuple[float, float, float, float], between: str, policy: net.Policy | None = None
) -> Any:
    """The item of least cloud whose scene holds the whole box, else as much as it can.

    Raises
    ------
    NoData
        If there is none in that time.
    """
    import shapely

    query = {"eo:cloud_cover": {"lt": _CLOUD}}
    items = search(
        known_address("STAC_EARTHSEARCH"), WHO, "sentinel-2-l2a", box,
        between=between, query=query, policy=policy,
    )  # fmt: skip
    here = shapely.box(*box)

    def share(item: Any) -> float:
        if not item.geometry:
            return 0.0
        shape = shapely.geometry.shape(item.geometry)
        return round(float(shape.intersection(here).area / here.area), 2)

    usable = [i for i in items if set(BANDS) <= set(i.assets) and share(i) > 0]
    if not usable:
        raise NoData(
            f"{WHO} : aucune image avec moins de {_CLOUD} % de nuages dans cette période.",
            f"{WHO}: no image with less than {_CLOUD} % of cloud in that time.",
        )
    return min(usable, key=lambda i: (-share(i), i.properties.get("eo:cloud_cover", 100.0), i.id))


def _fetch(commune: Commune, store: Store, progress: Progress | None) -> list[Kept]:
    import datetime as dt

    box = around(commune, MARGIN)

    def make(folder: Path) -> Kept:
        end = dt.datetime.now(tz=dt.UTC).replace(microsecond=0)
        begin = end - dt.timedelta(days=_DAYS)
        item = clearest(box, f"{begin:%Y-%m-%dT%H:%M:%SZ}/{end:%Y-%m-%dT%H:%M:%SZ}")
        if progress:
            progress("Image Sentinel-2", 0.2)
        offset = is_offset(item)

        def change(band: str, values: Any) -> Any:
            import numpy as np

            if band == "scl" or not offset:
                return values.astype(np.int16)
            # 0 is no data and stays so.
            return np.where(values == 0, 0, np.maximum(values.astype(np.int32) - 1000, 1)).astype(
                np.int16
            )

        name = f"{item.id}_{commune.insee}.tif"
        moment = f"{item.datetime:%Y-%m-%dT%H:%M:%SZ}"
        write_window(
            [(b, http_address(item.assets[b].href)) for b in BANDS], box, folder / name, WHO,
            tags={"ACQUISITION_DATETIME": moment, "SOURCE_ITEM": item.id}, change=change,
        )  # fmt: skip
        base = known_address("STAC_EARTHSEARCH")
        return Kept(
            "", "sentinel-2", name, "", 0, net.shown(f"{base}/collections/sentinel-2-l2a"),
            item.id, "Copernicus Sentinel (libre)", now(), box=box,
        )  # fmt: skip

    key = f"sentinel-2/{commune.insee}/" + ",".join(str(v) for v in box)
    return [store.bring(key, make, fresh_days=90.0)]


PROVIDER = Provider("sentinel2", "sentinel-2", ("flood", "vegetation"), _fetch, by_itself=False)
