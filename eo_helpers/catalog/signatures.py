"""What is in a file: found out by looking inside, never by its name.

:func:`recognise` gives a plain description (JSON values only) for each data set that
a file holds. It reads headers and, for rasters without a word of explanation, a
thumbnail of values; the strict readers of the themes check the rest when they open.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from ..errors import EoError, InvalidInput, reading
from . import archive, ems_archive, tables
from .columns import CODE, Described, by_columns, by_header, described

__all__ = ["SUFFIXES", "WHOLE_WORLD", "degrees", "moment_of", "recognise", "unreadable"]

WHOLE_WORLD = (-180.0, -90.0, 180.0, 90.0)

_VECTOR = {".shp", ".gpkg", ".geojson", ".json", ".fgb"}
_PARQUET = {".parquet", ".geoparquet"}
_RASTER = {".tif", ".tiff"}
_HDF = {".h5", ".hdf5", ".he5", ".hdf", ".nc"}
_TABLE = {".csv", ".txt"}
SUFFIXES = _VECTOR | _PARQUET | _RASTER | _HDF | _TABLE | {".zip"}

#: Heights above ground, not altitudes: nothing is higher, and much is nought.
_TALLEST_M, _GROUND_M = 150.0, 0.3
_INSEE = r"\d[\dAB]\d{3}"
#: Classes in Cerema's raster variant, and its pixel (SPOT's, 1.5 m): nobody else's LCZ has it.
_CEREMA_CODES = {float(n) for n in range(1, 18) if n != 10}
_SPOT_M = 1.5
#: Heights on Earth, metres.
_LOWEST, _HIGHEST = -450.0, 8900.0
#: Degrees beyond its area of use up to which a CRS is taken at its word: neighbouring UTM zones
#: and national grids are used at sea and across borders, not a continent away.
FAR = 15.0
_DAY = re.compile(r"(\d{4})[-:]?(\d{2})[-:]?(\d{2})(?:[T ](\d{2}):?(\d{2}):?(\d{2}))?")


def recognise(path: Path) -> list[Described]:
    """Data sets found in one file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of dict
        ``dataset``, ``bbox`` (degrees, or None where the file does not tell),
        ``datetime`` (ISO or None), ``features`` (rows or pixels), ``note`` (what was
        seen). Empty for a file that is none of ours.

    Raises
    ------
    InvalidInput
        If the file has a known format but cannot be opened.
    """
    with reading(path):
        return _look_into(path)


def _look_into(path: Path) -> list[Described]:
    suffix = path.suffix.lower()
    if suffix == ".zip":
        return _zip(path)
    if suffix in _PARQUET:
        return _parquet(path)
    if suffix in _VECTOR:
        return _vector(path, str(path))
    if suffix in _RASTER:
        return _raster(path)
    if suffix in _HDF:
        return _hdf(path)
    if suffix in _TABLE:
        return _table(path)
    return []


def unreadable(path: Path, error: Exception) -> InvalidInput:
    """The sentence for a file of a known format that cannot be opened."""
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    reason = reason.replace(str(path.parent), "").strip()
    return InvalidInput(
        f"« {path.name} » ne peut pas être lu ({reason}) : fichier tronqué ou d'un autre type ; "
        "téléchargez-le à nouveau.",
        f"'{path.name}' cannot be read ({reason}): cut short, or of another type; "
        "download it again.",
    )


# --- Tables of geometries ---------------------------------------------------------------------


def _vector(path: Path, address: str) -> list[Described]:
    import pyogrio

    national = tables.collection_of(path)
    if national is not None:
        box = national["extent"]["spatial"]["bbox"][0]
        rows = national["eo_helpers:rows"]
        return [described(national[tables.ROLE], box, None, rows, "produite avec eo-helpers")]
    if path.suffix.lower() == ".json" and not _is_geojson(path):
        return _answer(path)
    out: list[Described] = []
    try:
        # A GeoPackage may hold several layers (and ours of styles, which have no geometry).
        for layer, kind in pyogrio.list_layers(address):
            if kind is None:
                continue
            info = pyogrio.read_info(address, layer=layer, force_total_bounds=True)
            fields = [str(f) for f in info["fields"]]
            found = by_columns(fields, "Polygon" in str(kind), None, int(info["features"]))
            if found and found[0]["dataset"] == "communes":
                code = next(f for f in fields if f.lower() in CODE)
                rows = pyogrio.read_dataframe(
                    address, layer=layer, columns=[code], read_geometry=False
                )
                found = found if _are_communes(rows[code]) else []
            for row in found:
                row["bbox"] = degrees(info["total_bounds"], info["crs"])
            out += found
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        if path.suffix.lower() == ".geojson" and not _is_geojson(path):
            return []  # JSON of something else
        raise unreadable(path, error) from error
    return out


def _answer(path: Path) -> list[Described]:
    """An answer of a public service kept as JSON: known by the words of its first rows."""
    with path.open("rb") as file:
        head = file.read(4096)
    if b'"code_national_catnat"' in head:
        return [described("catnat", note="réponse de Géorisques")]
    if b'"grandeur_hydro_elab"' in head or b'"code_station"' in head:
        return [described("hydrometry", note="réponse de Hub'Eau")]
    return []


def _are_communes(codes: Any) -> bool:
    """One row a commune: buildings and woods also carry the code of theirs."""
    text = codes.dropna().astype(str).str.zfill(5)
    return bool(len(text) and text.is_unique and text.str.fullmatch(_INSEE).mean() > 0.9)


def _is_geojson(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(4096)
    return b'"FeatureCollection"' in head or b'"Feature"' in head


def _parquet(path: Path) -> list[Described]:
    import pyarrow
    import pyarrow.parquet

    try:
        file = pyarrow.parquet.ParquetFile(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise unreadable(path, error) from error
    with file:
        raw = (file.schema_arrow.metadata or {}).get(b"geo")
        names, rows = file.schema_arrow.names, file.metadata.num_rows
        code = next((n for n in names if n.lower() in CODE), None)
        codes = file.read([code]).column(code).to_pandas() if raw and code else None
    if not raw:
        return []
    geo = json.loads(raw)
    about = geo.get("columns", {}).get(geo.get("primary_column", "geometry"), {})
    kinds = about.get("geometry_types") or ["Polygon"]
    box = about.get("bbox")
    place = degrees(box, about.get("crs", "OGC:CRS84")) if box and len(box) == 4 else None
    found = by_columns(names, any("Polygon" in k for k in kinds), place, rows)
    return [d for d in found if d["dataset"] != "communes" or _are_communes(codes)]


def _zip(path: Path) -> list[Described]:
    addresses = archive.shapefiles_in(path)
    out: list[Described] = []
    taken: str | None = None
    for address in addresses:
        found = _vector(path, address)
        # An EMS archive holds many layers: only the observed event is an extent.
        ems = [d for d in found if d["dataset"] == "flood-extent"]
        if ems and not re.search(r"observed_?event", address, re.IGNORECASE):
            found = [d for d in found if d["dataset"] != "flood-extent"]
        elif ems:
            taken = taken or ems_archive.image_date(path)
            found = [{**d, "datetime": taken} if d in ems else d for d in found]
        out += found
    if not addresses:
        # Cerema's raster variant comes in an archive of its own.
        rasters = [d for a in archive.rasters_in(path) for d in _raster(path, a)]
        out += [d for d in rasters if d["dataset"] == "lcz-cerema"]
    names = " ".join(addresses).lower()
    if not out and re.search(r"emsr\d+_aoi", names):
        raise InvalidInput(
            f"« {path.name} » est une archive Copernicus EMS sans événement observé "
            "(observedEvent) : téléchargez le produit de délimitation (DEL) de cette zone.",
            f"'{path.name}' is a Copernicus EMS archive without an observed event: "
            "download the delineation product (DEL) of this area.",
        )
    return out


def degrees(bounds: Any, crs: Any) -> list[float] | None:
    """Bounds in degrees, or None where the file does not say where it is.

    Coordinates that lie far from where their CRS is used (a local origin, axes the wrong way
    round) say nothing of a place: better none than one on the other side of the Earth.
    """
    if bounds is None or crs is None or crs == "":
        return None
    from pyproj import CRS, Transformer
    from pyproj.exceptions import ProjError

    try:
        known = CRS.from_user_input(crs)
        transformer = Transformer.from_crs(known, "EPSG:4326", always_xy=True)
        west, south, east, north = transformer.transform_bounds(*bounds)
    except (ProjError, TypeError, ValueError):
        return None
    if west > east:  # across the antimeridian
        west, east = -180.0, 180.0
    return [west, south, east, north] if _near_use(known, west, south, east, north) else None


def _near_use(crs: Any, west: float, south: float, east: float, north: float) -> bool:
    """False if a box in degrees lies far from the area of use of its CRS, where it has one."""
    from pyproj import CRS

    # GDAL's text of a CRS leaves the area out: the registry knows it.
    code = crs.to_epsg() if crs.area_of_use is None else None
    use = crs.area_of_use if code is None else CRS.from_epsg(code).area_of_use
    if use is None or use.west > use.east:
        return True
    apart = (use.south - north, south - use.north, use.west - east, west - use.east)
    return max(apart) <= FAR


# --- Tables without geometry ------------------------------------------------------------------


def _table(path: Path) -> list[Described]:
    with path.open("rb") as file:
        head = file.readline(65_536)
    names = {n.strip().strip('"').lower() for n in re.split(r"[,;\t]", head.decode("latin-1"))}
    return by_header(names)


# --- Rasters ----------------------------------------------------------------------------------


def _raster(path: Path, address: str | None = None) -> list[Described]:
    import rasterio

    try:
        with rasterio.open(address or path) as file:
            box = degrees(file.bounds, file.crs.to_wkt() if file.crs else None)
            dataset, note = _kind_of(file)
            moment = moment_of(file.tags())
            size = file.width * file.height
    except rasterio.errors.RasterioError as error:
        raise unreadable(path, error) from error
    return [described(dataset, box, moment, size, note)] if dataset else []


def _kind_of(file: Any) -> tuple[str, str]:
    """Data set of an open raster, by what its bands say of themselves, else by their values."""
    words = [str(d or "").strip().lower() for d in file.descriptions]
    tags = {k.lower(): str(v) for k, v in {**file.tags(), **file.tags(1)}.items()}
    if tags.get("eo_helpers_dataset") == "ign-basemap":
        return "ign-basemap", tags.get("layer", "")
    floats = all(d.startswith("float") for d in file.dtypes)
    bands = {w for w in words if re.fullmatch(r"(sigma0_|gamma0_)?v[vh](_db)?", w)}
    if bands or "sentinel-1" in tags.get("platform", "").lower():
        return "sentinel-1", "bandes " + ", ".join(w.upper() for w in words if w)
    if words and words[0].startswith("lcz"):  # ours has a second band, of confidence
        return "lcz-wudapt", "classes 1 à 17"
    if file.count == 3 and set(file.dtypes) == {"uint8"}:
        infrared = bool(words[0]) and re.fullmatch(r"pir|nir|infrared|proche infrarouge", words[0])
        fine = file.crs is not None and file.crs.is_projected and file.res[0] <= 2.0
        return (
            ("ortho-irc", "infrarouge sur 8 bits")
            if infrared or (fine and not any(words) and _infrared(file))
            else ("", "")
        )
    if file.count >= 4:
        optical = {w for w in words if re.fullmatch(r"b0?\d{1,2}a?|red|green|nir|swir\d*", w)}
        return ("sentinel-2", f"{file.count} bandes") if optical or file.count >= 10 else ("", "")
    sample = _sample(file)
    if sample.size == 0:
        return "", ""
    if file.count == 2 and floats:
        low, high = sample.min(), sample.max()
        decibels = low < 0 and low > -80 and high < 30
        power = low >= 0 and high < 100
        return ("sentinel-1", "deux bandes, valeurs radar") if decibels or power else ("", "")
    if file.count != 1:
        return "", ""
    import numpy as np

    values = np.unique(sample)
    whole = bool(np.all(values == np.round(values)))
    text = " ".join([*words, tags.get("vertical_datum", ""), tags.get("area_or_point", "")])
    if set(file.dtypes) == {"uint8"} and re.search(r"tree.?cover|\btcd\b|couvert arbor", text):
        return "tree-cover-density", "0 à 100 %"
    if set(file.dtypes) == {"uint8"} and whole and values.size > 30 and _is_density(file, values):
        return "tree-cover-density", "0 à 100 %, grille européenne"
    above = float(np.mean(np.abs(sample) < _GROUND_M))
    says = re.search(r"\bmnh\b|\bchm\b|au-dessus du sol|above ground|hauteur", text)
    low = floats and sample.min() > -5 and sample.max() < _TALLEST_M and above > 0.02
    # A terrain by the sea has noughts too, but is smooth; roofs and crowns are not.
    if low and (says or (0.1 < above < 0.98 and _rough(file))):
        return "mnh", "hauteurs au-dessus du sol"
    if whole and set(values.tolist()) <= {-1.0, 0.0, 1.0, 255.0} and 1.0 in values:
        return "flood-extent", "masque 0, 1"
    classes = values[values > 0]
    spot = all(abs(side - _SPOT_M) < 0.1 for side in file.res)
    if spot and whole and classes.size >= 3 and set(classes.tolist()) <= _CEREMA_CODES:
        return "lcz-cerema", "classes 1 à 9 et 11 à 17, pixel de 1,5 m"
    if whole and classes.size >= 3 and classes.max() <= 17 and "lcz" in text:
        return "lcz-wudapt", "classes 1 à 17"
    if whole and 3 <= classes.size <= 17 and classes.max() <= 17 and values.min() >= 0:
        return "lcz-wudapt", "classes 1 à 17"
    if values.min() >= _LOWEST and values.max() <= _HIGHEST and values.size > 20:
        surface = re.search(r"surface|\bdsm\b|\bmns\b|canopy|toit", text)
        return ("dsm" if surface else "dem"), "altitudes"
    return "", ""


def _sample(file: Any) -> Any:
    """A thumbnail of the first band: its valid values."""
    import numpy as np

    side = 256
    shape = (min(file.height, side), min(file.width, side))
    values = file.read(1, out_shape=shape, masked=True).compressed().astype(float)
    return values[np.isfinite(values)]


def _is_density(file: Any, values: Any) -> bool:
    """Copernicus' grid (EPSG:3035, 10 or 20 m) and percents, 254 and 255 aside."""
    code = file.crs.to_epsg() if file.crs else None
    return bool(code == 3035 and file.res[0] <= 100 and (values[values < 254] <= 100).all())


def _infrared(file: Any) -> bool:
    """True if the first band outshines the second as leaves do in near infrared."""
    import numpy as np

    shape = (2, min(file.height, 256), min(file.width, 256))
    nir, red = file.read([1, 2], out_shape=shape).astype(float)
    index = (nir - red) / np.maximum(nir + red, 1)
    return bool(np.percentile(index, 95) > 0.25)


def _rough(file: Any) -> bool:
    """True if neighbouring cells differ as roofs and crowns do, at the file's own cells."""
    import numpy as np
    from rasterio.windows import Window

    side = min(512, file.height, file.width)
    middle = Window((file.width - side) // 2, (file.height - side) // 2, side, side)
    values = file.read(1, window=middle, masked=True).astype(float).filled(np.nan)
    step = np.abs(np.diff(values, axis=1))
    known = np.isfinite(step)
    # Walls and edges of crowns: 2 m and more in one cell.
    return bool(known.any() and float((step[known] > 2.0).mean()) > 0.005)


def moment_of(tags: dict[str, str]) -> str | None:
    """When the image was taken, from its own metadata (ISO, UTC)."""
    for key in ("ACQUISITION_DATETIME", "datetime", "TIFFTAG_DATETIME", "ACQUISITION_DATE"):
        match = _DAY.search(tags.get(key, ""))
        if match:
            year, month, day, hour, minute, second = match.groups(default="00")
            return f"{year}-{month}-{day}T{hour}:{minute}:{second}Z"
    return None


def _hdf(path: Path) -> list[Described]:
    """From a process of its own: a damaged file can send the library round in circles."""
    from . import guarded

    found: list[Described] = guarded.look(path)
    return found


def describe_error(path: Path, error: Exception) -> EoError:
    """An unexpected failure of a look into a file, as a sentence of ours."""
    return error if isinstance(error, EoError) else unreadable(path, error)
