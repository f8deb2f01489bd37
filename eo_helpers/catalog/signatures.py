"""What is in a file: found out by looking inside, never by its name.

:func:`recognise` gives a plain description (JSON values only) for each data set that
a file holds. It reads headers and, for rasters without a word of explanation, a
thumbnail of values; the strict readers of the themes check the rest when they open.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..errors import EoError, InvalidInput
from . import archive

__all__ = ["SUFFIXES", "WHOLE_WORLD", "recognise"]

Described = dict[str, Any]

WHOLE_WORLD = (-180.0, -90.0, 180.0, 90.0)

_VECTOR = {".shp", ".gpkg", ".geojson", ".json", ".fgb"}
_PARQUET = {".parquet", ".geoparquet"}
_RASTER = {".tif", ".tiff"}
_HDF = {".h5", ".hdf5", ".he5", ".hdf"}
_TABLE = {".csv", ".txt"}
SUFFIXES = _VECTOR | _PARQUET | _RASTER | _HDF | _TABLE | {".zip"}

_CEREMA_RATES = {"hre", "are", "bur", "ror", "bsr", "war", "ver", "vhr"}
#: What ``eo-helpers lcz produce`` writes: Cerema's indicators, but not Cerema's map.
_PRODUCED = {"unit_id", "unit_kind", "lcz_cerema", "lcz_so"}
#: What ``eo-helpers national lighting`` writes: communes, but not the table of communes.
_PRACTICES = {"insee", "practice", "radiance_recent", "months_valid", "headline"}
_CODE = {"insee", "code", "code_insee", "insee_com", "insee_commune", "codgeo"}
_NAME = {"name", "nom", "nom_com", "nom_commune", "libgeo", "nom_officiel"}
_CELL = {"idcar_200m", "idinspire"}
#: BD TOPO v3, full names of the GeoPackage and short ones of the shapefile.
_STOREYS, _DWELLINGS = {"nombre_d_etages", "nb_etages"}, {"nombre_de_logements", "nb_logts"}
_ABOVE_GROUND = {"position_par_rapport_au_sol", "pos_sol"}
_EMS = {"event_type", "obj_desc", "det_method", "notation"}
#: The national indicator of coastal erosion.
_INEC = {"taux", "duree", "tdc_ancien", "tdc_rec", "amenagemen"}
#: Dated shorelines: ours, or another tool's that names the satellite of each line.
_DATED, _FROM_IMAGES = {"date", "datetime_utc"}, {"hidden_share", "satellite", "satname"}
_INSEE = r"\d[\dAB]\d{3}"
#: Classes in Cerema's raster variant, and its pixel (SPOT's, 1.5 m): nobody else's LCZ has it.
_CEREMA_CODES = {float(n) for n in range(1, 18) if n != 10}
_SPOT_M = 1.5
#: Heights on Earth, metres.
_LOWEST, _HIGHEST = -450.0, 8900.0
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


def _found(
    dataset: str,
    bbox: Iterable[float] | None = None,
    datetime: str | None = None,
    features: int = 0,
    note: str = "",
) -> Described:
    box = None if bbox is None else [round(float(v), 7) for v in bbox]
    if box is not None and not all(math.isfinite(v) for v in box):
        box = None
    return {
        "dataset": dataset,
        "bbox": box,
        "datetime": datetime,
        "features": int(features),
        "note": note,
    }


def _unreadable(path: Path, error: Exception) -> InvalidInput:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    reason = reason.replace(str(path.parent), "").strip()
    return InvalidInput(
        f"« {path.name} » ne peut pas être lu ({reason}) : fichier tronqué ou d'un autre type ; "
        "téléchargez-le à nouveau.",
        f"'{path.name}' cannot be read ({reason}): cut short, or of another type; "
        "download it again.",
    )


# --- Tables of geometries ---------------------------------------------------------------------


def _by_columns(
    columns: Iterable[str], polygons: bool, box: Iterable[float] | None, rows: int
) -> list[Described]:
    names = {str(c).lower() for c in columns}
    if names >= _PRODUCED:
        return [_found("lcz-produced", box, None, rows, "produite avec eo-helpers")]
    if names >= _PRACTICES:
        return [_found("lighting-communes", box, None, rows, "produite avec eo-helpers")]
    if len(names & _CEREMA_RATES) >= 5 and ({"lcz", "lcz_int"} & names or "identifier" in names):
        return [_found("lcz-cerema", box, None, rows, "colonnes du Cerema")]
    if names & {"lcz_primary", "lcz_primar"}:  # a shapefile cuts names at ten characters
        return [_found("lcz-geoclimate", box, None, rows, "LCZ_PRIMARY")]
    if names & _CELL and names & {"ind", "ind_c"}:
        return [_found("filosofi-200m", box, None, rows, "carreaux de 200 m")]
    if polygons and "hauteur" in names and names & _STOREYS and names & _DWELLINGS:
        return [_found("bdtopo-buildings", box, None, rows, "bâtiments de la BD TOPO")]
    if not polygons and {"importance", "nature"} <= names and names & _ABOVE_GROUND:
        return [_found("bdtopo-roads", box, None, rows, "tronçons de route de la BD TOPO")]
    if polygons and "taux" in names and len(names & _INEC) >= 4:
        return [_found("inec", box, None, rows, "indicateur national de l'érosion côtière")]
    if not polygons and names & _DATED and names & _FROM_IMAGES:
        return [_found("shorelines", box, None, rows, "traits de côte datés")]
    if polygons and names & _CODE and names & _NAME:
        return [_found("communes", box, None, rows, "code et nom")]
    if polygons and len(names & _EMS) >= 2:
        return [_found("flood-extent", box, None, rows, "Copernicus EMS")]
    return []


def _vector(path: Path, address: str) -> list[Described]:
    import pyogrio

    out: list[Described] = []
    try:
        # A GeoPackage may hold several layers (and ours of styles, which have no geometry).
        for layer, kind in pyogrio.list_layers(address):
            if kind is None:
                continue
            info = pyogrio.read_info(address, layer=layer, force_total_bounds=True)
            fields = [str(f) for f in info["fields"]]
            found = _by_columns(fields, "Polygon" in str(kind), None, int(info["features"]))
            if found and found[0]["dataset"] == "communes":
                code = next(f for f in fields if f.lower() in _CODE)
                rows = pyogrio.read_dataframe(
                    address, layer=layer, columns=[code], read_geometry=False
                )
                found = found if _are_communes(rows[code]) else []
            for described in found:
                described["bbox"] = _degrees(info["total_bounds"], info["crs"])
            out += found
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        if path.suffix.lower() in {".json", ".geojson"} and not _is_geojson(path):
            return []  # JSON of something else
        raise _unreadable(path, error) from error
    return out


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
        raise _unreadable(path, error) from error
    with file:
        raw = (file.schema_arrow.metadata or {}).get(b"geo")
        names, rows = file.schema_arrow.names, file.metadata.num_rows
        code = next((n for n in names if n.lower() in _CODE), None)
        codes = file.read([code]).column(code).to_pandas() if raw and code else None
    if not raw:
        return []
    geo = json.loads(raw)
    about = geo.get("columns", {}).get(geo.get("primary_column", "geometry"), {})
    kinds = about.get("geometry_types") or ["Polygon"]
    box = about.get("bbox")
    degrees = _degrees(box, about.get("crs", "OGC:CRS84")) if box and len(box) == 4 else None
    found = _by_columns(names, any("Polygon" in k for k in kinds), degrees, rows)
    return [d for d in found if d["dataset"] != "communes" or _are_communes(codes)]


def _zip(path: Path) -> list[Described]:
    addresses = archive.shapefiles_in(path)
    out: list[Described] = []
    for address in addresses:
        found = _vector(path, address)
        # An EMS archive holds many layers: only the observed event is an extent.
        ems = [d for d in found if d["dataset"] == "flood-extent"]
        if ems and not re.search(r"observed_?event", address, re.IGNORECASE):
            found = [d for d in found if d["dataset"] != "flood-extent"]
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


def _degrees(bounds: Any, crs: Any) -> list[float] | None:
    """Bounds in degrees, or None where the file does not say where it is."""
    if bounds is None or crs is None or crs == "":
        return None
    from pyproj import CRS, Transformer
    from pyproj.exceptions import ProjError

    try:
        transformer = Transformer.from_crs(CRS.from_user_input(crs), "EPSG:4326", always_xy=True)
        west, south, east, north = transformer.transform_bounds(*bounds)
    except (ProjError, TypeError, ValueError):
        return None
    if west > east:  # across the antimeridian
        west, east = -180.0, 180.0
    return [west, south, east, north]


# --- Filosofi as CSV --------------------------------------------------------------------------


def _table(path: Path) -> list[Described]:
    with path.open("rb") as file:
        head = file.readline(65_536)
    names = {n.strip().strip('"').lower() for n in re.split(r"[,;\t]", head.decode("latin-1"))}
    if names & _CELL and "ind" in names:
        return [_found("filosofi-200m", None, None, 0, "carreaux de 200 m")]
    return []


# --- Rasters ----------------------------------------------------------------------------------


def _raster(path: Path, address: str | None = None) -> list[Described]:
    import rasterio

    try:
        with rasterio.open(address or path) as file:
            box = _degrees(file.bounds, file.crs.to_wkt() if file.crs else None)
            dataset, note = _kind_of(file)
            moment = _moment(file.tags())
            size = file.width * file.height
    except rasterio.errors.RasterioError as error:
        raise _unreadable(path, error) from error
    return [_found(dataset, box, moment, size, note)] if dataset else []


def _kind_of(file: Any) -> tuple[str, str]:
    """Data set of an open raster, by what its bands say of themselves, else by their values."""
    words = [str(d or "").strip().lower() for d in file.descriptions]
    tags = {k.lower(): str(v) for k, v in {**file.tags(), **file.tags(1)}.items()}
    floats = all(d.startswith("float") for d in file.dtypes)
    bands = {w for w in words if re.fullmatch(r"(sigma0_|gamma0_)?v[vh](_db)?", w)}
    if bands or "sentinel-1" in tags.get("platform", "").lower():
        return "sentinel-1", "bandes " + ", ".join(w.upper() for w in words if w)
    if words and words[0].startswith("lcz"):  # ours has a second band, of confidence
        return "lcz-wudapt", "classes 1 à 17"
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


def _moment(tags: dict[str, str]) -> str | None:
    """When the image was taken, from its own metadata (ISO, UTC)."""
    for key in ("ACQUISITION_DATETIME", "datetime", "TIFFTAG_DATETIME", "ACQUISITION_DATE"):
        match = _DAY.search(tags.get(key, ""))
        if match:
            year, month, day, hour, minute, second = match.groups(default="00")
            return f"{year}-{month}-{day}T{hour}:{minute}:{second}Z"
    return None


# --- Black Marble -----------------------------------------------------------------------------


def _hdf(path: Path) -> list[Described]:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            grids = file.get("HDFEOS/GRIDS")
            if grids is None or not len(grids):
                return []
            fields = grids[next(iter(grids))].get("Data Fields")
            names = set(fields) if fields is not None else set()
            attrs = {k: _text(v) for k, v in file.attrs.items()}
    except (OSError, RuntimeError, KeyError) as error:
        raise _unreadable(path, error) from error
    product = attrs.get("ShortName", "").upper()
    monthly = "AllAngle_Composite_Snow_Free" in names and not product.endswith("A4")
    if not monthly:
        return []
    return [_found("vnp46a3", _tile_box(attrs, path), _month(attrs, path), 0, product)]


def _text(value: Any) -> str:
    import numpy as np

    array = np.asarray(value).ravel()
    if array.size == 0:
        return ""
    first = array[0]
    return first.decode("latin-1") if isinstance(first, bytes) else str(first)


def _tile_box(attrs: dict[str, str], path: Path) -> list[float] | None:
    tile = re.search(r"\.h(\d{2})v(\d{2})\.", path.name)
    h = attrs.get("HorizontalTileNumber") or (tile.group(1) if tile else None)
    v = attrs.get("VerticalTileNumber") or (tile.group(2) if tile else None)
    if h is None or v is None:
        return None
    west, north = -180 + 10 * int(h), 90 - 10 * int(v)
    return [west, north - 10, west + 10, north]


def _month(attrs: dict[str, str], path: Path) -> str | None:
    match = re.match(r"(\d{4}-\d{2})", attrs.get("RangeBeginningDate", ""))
    if match:
        return f"{match.group(1)}-01T00:00:00Z"
    named = re.search(r"\.A(\d{4})(\d{3})\.", path.name)
    if named is None:
        return None
    import datetime as dt

    day = dt.date(int(named.group(1)), 1, 1) + dt.timedelta(int(named.group(2)) - 1)
    return f"{day:%Y-%m}-01T00:00:00Z"


def describe_error(path: Path, error: Exception) -> EoError:
    """An unexpected failure of a look into a file, as a sentence of ours."""
    return error if isinstance(error, EoError) else _unreadable(path, error)
