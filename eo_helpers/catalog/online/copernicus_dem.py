"""The ground's height around a commune: Copernicus DEM 30 m, through Earth Search.

Collection ``cop-dem-glo-30``, asset ``data``, open, no account. A surface model: roofs and
trees are in it, which the file's edition says.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import OutOfCoverage
from ...text import of_place
from .. import net
from ..store import Kept, now
from .provider import Progress, Provider, around, known_address
from .stac_api import http_address, search
from .windows import write_window

if TYPE_CHECKING:
    from ...territory.commune import Commune
    from ..store import Store

__all__ = ["PROVIDER"]

WHO = "Earth Search (Copernicus DEM)"
MARGIN = 1_000.0


def _fetch(commune: Commune, store: Store, progress: Progress | None) -> list[Kept]:
    box = around(commune, MARGIN)
    base = known_address("STAC_EARTHSEARCH")
    window = ",".join(str(v) for v in box)
    here = [k for k in store.all() if k.key.startswith(f"dem/copernicus/{window}/")]
    if here:
        return here
    items = sorted(search(base, WHO, "cop-dem-glo-30", box), key=lambda i: i.id)
    out = []
    for item in items:  # tiles of one degree: a commune may lie on two
        if "data" not in item.assets:
            continue

        def make(folder: Path, item=item) -> Kept:  # type: ignore[no-untyped-def]
            name = f"{item.id}_{commune.insee}.tif"
            write_window(
                [("altitude_m", http_address(item.assets["data"].href))], box, folder / name, WHO,
                tags={"SOURCE_ITEM": item.id, "VERTICAL_DATUM": "EGM2008"},
            )  # fmt: skip
            return Kept(
                "", "dem", name, "", 0, net.shown(f"{base}/collections/cop-dem-glo-30"),
                "Copernicus DEM GLO-30 (modèle de surface)", "Copernicus DEM (libre)", now(),
                box=box,
            )  # fmt: skip

        try:
            out.append(store.bring(f"dem/copernicus/{window}/{item.id}", make))
        except OutOfCoverage:
            continue  # a tile that only touches the box
    if not out:
        raise OutOfCoverage(
            f"{WHO} n'a pas d'altitudes autour {of_place(commune.name)}.",
            f"{WHO} has no heights around {commune.name}.",
        )
    return out


PROVIDER = Provider("copernicus_dem", "dem", ("flood",), _fetch)
