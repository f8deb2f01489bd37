"""The ground of maps without network: IGN's WMTS tiles of a commune as one GeoTIFF.

``GEOGRAPHICALGRIDSYSTEMS.PLANIGNV2`` (PNG) and ``ORTHOIMAGERY.ORTHOPHOTOS`` (JPEG), matrix set
``PM`` (Web Mercator, tiles of 256 pixels), Licence Ouverte 2.0, « © IGN ».
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import InvalidInput, Unreachable
from .. import net
from ..store import Kept, now
from .provider import Progress, Provider, around, known_address

if TYPE_CHECKING:
    from ...territory.commune import Commune
    from ..store import Store

__all__ = ["LAYERS", "PROVIDER", "mosaic", "tiles"]

WHO = "La Géoplateforme de l'IGN"
#: Layer and format, by the name that files carry.
LAYERS = {
    "plan": ("GEOGRAPHICALGRIDSYSTEMS.PLANIGNV2", "image/png"),
    "photo": ("ORTHOIMAGERY.ORTHOPHOTOS", "image/jpeg"),
}
MARGIN = 500.0
#: Tiles of one picture at most: 2,048 pixels a side, and no burden to the service.
_MOST = 64
_DEEPEST = 18
_SIDE = 256
#: Half the width of the world in Web Mercator, metres.
_HALF = 20_037_508.342789244


def tiles(box: tuple[float, float, float, float]) -> tuple[int, range, range]:
    """Zoom, columns and rows that cover a box: the deepest zoom with at most 64 tiles."""
    west, south, east, north = box
    for zoom in range(_DEEPEST, 0, -1):
        (left, top), (right, bottom) = _place(west, north, zoom), _place(east, south, zoom)
        columns = range(math.floor(left), math.floor(right) + 1)
        rows = range(math.floor(top), math.floor(bottom) + 1)
        if len(columns) * len(rows) <= _MOST:
            return zoom, columns, rows
    raise InvalidInput("Zone trop grande pour un fond de plan.", "Area too large for a basemap.")


def _place(lon: float, lat: float, zoom: int) -> tuple[float, float]:
    scale = 2**zoom
    y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2
    return (lon + 180) / 360 * scale, y * scale


def mosaic(
    layer: str,
    box: tuple[float, float, float, float],
    path: Path,
    progress: Progress | None = None,
    policy: net.Policy | None = None,
) -> None:
    """Fetch the tiles of a box and write them as a GeoTIFF in EPSG:3857.

    Raises
    ------
    Offline, Unreachable
        Unreachable also where a tile is no picture.
    """
    import numpy as np
    import rasterio
    from rasterio.transform import from_origin

    name, kind = LAYERS[layer]
    zoom, columns, rows = tiles(box)
    out = np.zeros((3, len(rows) * _SIDE, len(columns) * _SIDE), dtype=np.uint8)
    url = f"{known_address('IGN')}/wmts"
    total = len(rows) * len(columns)
    with net.session() as session:
        for j, row in enumerate(rows):
            for i, column in enumerate(columns):
                asked = {
                    "SERVICE": "WMTS", "REQUEST": "GetTile", "VERSION": "1.0.0",
                    "STYLE": "normal", "TILEMATRIXSET": "PM", "TILEMATRIX": zoom,
                    "TILEROW": row, "TILECOL": column, "LAYER": name, "FORMAT": kind,
                }  # fmt: skip
                raw = net.ask(url, WHO, session_=session, params=asked, policy=policy)
                out[:, j * _SIDE : (j + 1) * _SIDE, i * _SIDE : (i + 1) * _SIDE] = _picture(raw)
                if progress:
                    progress("Fond de plan de l'IGN", (j * len(columns) + i + 1) / total)
    size = 2 * _HALF / 2**zoom
    corner = -_HALF + columns[0] * size, _HALF - rows[0] * size
    with rasterio.open(
        path, "w", driver="GTiff", count=3, dtype="uint8", crs="EPSG:3857",
        width=out.shape[2], height=out.shape[1], photometric="RGB", compress="deflate",
        transform=from_origin(*corner, size / _SIDE, size / _SIDE), tiled=True,
    ) as file:  # fmt: skip
        file.write(out)
        file.update_tags(EO_HELPERS_DATASET="ign-basemap", LAYER=name, ATTRIBUTION="© IGN")


def _picture(raw: bytes) -> Any:
    import warnings

    import rasterio
    from rasterio.errors import NotGeoreferencedWarning

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.MemoryFile(raw) as memory, memory.open() as file:
                values = file.read()
                colours = file.colormap(1) if file.count == 1 and _paletted(file) else None
    except rasterio.errors.RasterioError as error:
        raise Unreachable(
            f"{WHO} a répondu par autre chose qu'une image : réessayez plus tard.",
            f"{WHO} answered with something else than a picture: try again later.",
        ) from error
    if values.shape[1:] != (_SIDE, _SIDE):
        raise Unreachable(
            f"{WHO} a répondu par une image d'une autre taille que {_SIDE} pixels.",
            f"{WHO} answered with a picture of another size than {_SIDE} pixels.",
        )
    if colours is not None:
        import numpy as np

        table = np.array([colours.get(n, (0, 0, 0, 0))[:3] for n in range(256)], dtype=np.uint8)
        return np.moveaxis(table[values[0]], -1, 0)
    return values[:3] if len(values) >= 3 else values[:1].repeat(3, axis=0)


def _paletted(file: Any) -> bool:
    from rasterio.enums import ColorInterp

    return bool(file.colorinterp[0] == ColorInterp.palette)


def _fetch(commune: Commune, store: Store, progress: Progress | None) -> list[Kept]:
    box = around(commune, MARGIN)
    out = []
    for layer in LAYERS:

        def make(folder: Path, layer: str = layer) -> Kept:
            name = f"ign_{layer}_{commune.insee}.tif"
            mosaic(layer, box, folder / name, progress)
            return Kept(
                "", "ign-basemap", name, "", 0, net.shown(f"{known_address('IGN')}/wmts"),
                LAYERS[layer][0], "Licence Ouverte 2.0", now(), box=box,
            )  # fmt: skip

        out.append(store.bring(f"ign-basemap/{layer}/{commune.insee}", make, fresh_days=365.0))
    return out


PROVIDER = Provider("ign", "ign-basemap", (), _fetch, by_itself=False)
