"""The part of a large file that a territory needs, in the file's own format.

Tables keep their layers, columns and CRS; rasters their grid, bands and tags (as COG). What
cannot be cut without changing what it says (archives, HDF-EOS tiles, national comparisons)
goes whole.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import EoError
from .columns import CODE

if TYPE_CHECKING:
    from ..territory.commune import Commune

__all__ = ["LEAST_BYTES", "MARGIN_M", "cut"]

#: Smaller files go whole: there is nothing to gain.
LEAST_BYTES = 5_000_000
#: Metres around the territory: more than any theme looks beyond a commune.
MARGIN_M = 10_000.0
#: A cut that is not this much smaller is not worth another file than the provider's.
_WORTH = 0.7
#: More pixels than this are not held in memory: the file goes whole.
_MOST_PIXELS = 400_000_000
#: Compared across the whole country: cut, the comparison would be another one.
_WHOLE = {"communes", "lighting-communes"}
_CELL = re.compile(r"N(\d{5,8})E(\d{5,8})")
#: Columns of a commune's code in tables without geometry.
_CODES = CODE | {"cod_commune"}
#: A fixed moment in what GeoPackages and shapefiles write of themselves: same bytes each time.
_MOMENT = "2000-01-01T00:00:00Z"

Box = tuple[float, float, float, float]


def cut(path: Path, datasets: set[str], communes: Sequence[Commune], folder: Path) -> Path | None:
    """Write what a territory needs of a file into ``folder``, under the same name.

    Parameters
    ----------
    path : Path
    datasets : set of str
        What the file holds.
    communes : sequence of Commune
    folder : Path
        Empty, of this file alone.

    Returns
    -------
    Path or None
        None where the file goes whole: it is small, all of it is needed, its format is not
        cut, or the part would not be recognised as what the whole is.
    """
    write = _WRITERS.get(path.suffix.lower())
    if write is None or datasets & _WHOLE or path.stat().st_size < LEAST_BYTES:
        return None
    goal = folder / path.name
    try:
        if not write(path, goal, communes) or not _same(goal, datasets):
            return None
    except EoError:
        return None  # what this file is, its reader says when it is opened
    size = sum(f.stat().st_size for f in folder.iterdir())
    return goal if size < _WORTH * path.stat().st_size else None


def _same(goal: Path, datasets: set[str]) -> bool:
    from .signatures import recognise

    return {d["dataset"] for d in recognise(goal)} >= datasets


def _box(communes: Sequence[Commune], crs: Any) -> Box:
    """Box of the territory and what is around it, in a CRS."""
    from pyproj import CRS, Transformer

    west, south, east, north = communes[0].projected_boundary.bounds
    metric = communes[0].crs
    for commune in communes[1:]:
        bounds = commune.boundary_in(metric).bounds
        west, south = min(west, bounds[0]), min(south, bounds[1])
        east, north = max(east, bounds[2]), max(north, bounds[3])
    wide = west - MARGIN_M, south - MARGIN_M, east + MARGIN_M, north + MARGIN_M
    there = CRS.from_user_input(crs)
    turn = Transformer.from_crs(CRS.from_user_input(metric), there, always_xy=True)
    left, low, right, high = (float(v) for v in turn.transform_bounds(*wide, densify_pts=21))
    return left, low, right, high


def _layers(path: Path, goal: Path, communes: Sequence[Commune]) -> bool:
    """Every layer of a file that GDAL writes; tables without geometry stay whole."""
    import pyogrio

    driver = {".gpkg": "GPKG", ".geojson": "GeoJSON", ".json": "GeoJSON", ".fgb": "FlatGeobuf",
              ".shp": "ESRI Shapefile"}[path.suffix.lower()]  # fmt: skip
    options = {"DBF_DATE_LAST_UPDATE": _MOMENT[:10]} if driver == "ESRI Shapefile" else {}
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": _MOMENT})
    try:
        for layer, kind in pyogrio.list_layers(path):
            info = pyogrio.read_info(path, layer=layer)
            if kind is not None and not info["crs"]:
                return False  # nowhere: its reader says so
            box = None if kind is None else _box(communes, info["crs"])
            rows = pyogrio.read_dataframe(path, layer=layer, bbox=box)
            pyogrio.write_dataframe(
                rows, goal, layer=layer, driver=driver, append=goal.exists(),
                geometry_type=None if kind is None or len(rows) else kind, **options,
            )  # fmt: skip
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})
    return goal.exists()


def _parquet(path: Path, goal: Path, communes: Sequence[Commune]) -> bool:
    import geopandas
    import pyarrow.parquet as pq

    if b"geo" not in (pq.read_schema(path).metadata or {}):
        return False
    crs = geopandas.read_parquet(path, bbox=(0, 0, 0, 0)).crs if _covered(path) else None
    if crs is not None:
        rows = geopandas.read_parquet(path, bbox=_box(communes, crs))
    else:
        rows = geopandas.read_parquet(path)
        if rows.crs is None:
            return False
        west, south, east, north = _box(communes, rows.crs)
        rows = rows.cx[west:east, south:north]
    rows = rows.drop(columns="bbox", errors="ignore")
    rows.to_parquet(
        goal, index=False, compression="zstd", schema_version="1.1.0", write_covering_bbox=True
    )
    return True


def _covered(path: Path) -> bool:
    """True if rows have boxes of their own, so that a part can be read alone."""
    import json

    import pyarrow.parquet as pq

    geo = json.loads((pq.read_schema(path).metadata or {}).get(b"geo", b"{}"))
    column = geo.get("columns", {}).get(geo.get("primary_column"), {})
    return "covering" in column


def _raster(path: Path, goal: Path, communes: Sequence[Commune]) -> bool:
    """The window, on whole pixels of the file's own grid."""
    import rasterio
    from rasterio.windows import from_bounds

    from .online.windows import whole_pixels

    with rasterio.open(path) as file:
        if file.crs is None:
            return False
        box = _box(communes, file.crs)
        window = whole_pixels(from_bounds(*box, transform=file.transform), file)
        pixels = window.width * window.height * file.count
        most = min(_MOST_PIXELS, _WORTH * file.width * file.height * file.count)
        if not 0 < pixels <= most:
            return False
        with rasterio.open(
            goal, "w", driver="COG", width=int(window.width), height=int(window.height),
            count=file.count, dtype=file.dtypes[0], crs=file.crs, nodata=file.nodata,
            transform=file.window_transform(window), compress="deflate",
        ) as out:  # fmt: skip
            out.write(file.read(window=window))
            out.update_tags(**file.tags())
            out.scales, out.offsets, out.units = file.scales, file.offsets, file.units
            out.colorinterp = file.colorinterp
            for band in range(1, file.count + 1):
                out.set_band_description(band, file.descriptions[band - 1] or "")
                out.update_tags(band, **file.tags(band))
    return True


def _table(path: Path, goal: Path, communes: Sequence[Commune]) -> bool:
    """Rows of a CSV by the cell or the commune that they name."""
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as source:
        head = source.readline()
        sign = max(",;\t", key=head.count)
        names = [n.strip().strip('"').lower() for n in head.rstrip("\r\n").split(sign)]
        keep = _row_filter(names, communes)
        if keep is None:
            return False
        with goal.open("w", encoding="utf-8", errors="surrogateescape", newline="") as out:
            out.write(head)
            for line in source:
                if keep(next(csv.reader([line], delimiter=sign), [])):
                    out.write(line)
    return True


def _row_filter(
    names: list[str], communes: Sequence[Commune]
) -> Callable[[list[str]], bool] | None:
    cell = next((k for k, n in enumerate(names) if n in ("idcar_200m", "idinspire")), None)
    if cell is not None:
        west, south, east, north = _box(communes, "EPSG:3035")

        def inside(row: list[str]) -> bool:
            found = _CELL.search(row[cell]) if len(row) > cell else None
            if found is None:
                return True  # not a cell of this grid: the reader says what it thinks of it
            y, x = float(found[1]), float(found[2])
            return west <= x <= east and south <= y <= north

        return inside
    code = next((k for k, n in enumerate(names) if n in _CODES), None)
    if code is None:
        return None
    wanted = {c.insee for c in communes}
    return lambda row: len(row) > code and row[code].strip().zfill(5) in wanted


_WRITERS: dict[str, Callable[[Path, Path, Sequence[Commune]], bool]] = {
    ".gpkg": _layers, ".geojson": _layers, ".fgb": _layers, ".shp": _layers,
    ".parquet": _parquet, ".geoparquet": _parquet,
    ".tif": _raster, ".tiff": _raster, ".csv": _table,
}  # fmt: skip
