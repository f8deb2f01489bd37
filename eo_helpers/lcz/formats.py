"""Providers' LCZ files → one table: the strict half of the readers.

Each reader takes the rows that meet a box, checks them once and returns them with the
columns of the schema (``block_id``, ``lcz`` and what else the format knows) in the
file's own CRS. After it, nobody needs to know who made the map.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
from pyproj import CRS

from ..catalog.covering import footer, read_box
from ..errors import InvalidInput
from .rasters import Box, no_crs, raster_address, read_error, read_raster
from .rule import INDICATORS, RATES
from .schema import normalise_codes
from .styles import style_colors

__all__ = [
    "CEREMA_COLUMNS",
    "MAX_HEIGHT_M",
    "RATES_TOLERANCE",
    "check_indicators",
    "read_cerema",
    "read_geoclimate",
    "read_produced",
    "vector_table",
]

CEREMA_COLUMNS = ("identifier", *INDICATORS, "lcz", "lcz_int")
#: The five rates of a block sum to 100 % within this (each is written rounded), points.
RATES_TOLERANCE = 1.0
#: No building of France is higher (Eiffel tower, 330 m): beyond, it is a fill value.
MAX_HEIGHT_M = 350.0
#: A mean footprint beyond this (100 ha) is a fill value too, m².
MAX_FOOTPRINT_M2 = 1_000_000.0


def vector_table(
    path: Path,
    box: Box | None,
    wanted: tuple[str, ...],
    required: tuple[str, ...],
    encoding: str | None = None,
) -> gpd.GeoDataFrame:
    """Rows of a vector file that meet a box, columns renamed to the names of ``wanted``.

    Parameters
    ----------
    path : pathlib.Path
        Shapefile, zipped shapefile, GeoPackage, GeoJSON or GeoParquet.
    box : callable or None
        Gives the bounding box in the file's CRS; None reads everything.
    wanted, required : tuple of str
        Columns to keep where they exist, and those that must exist (any case).

    Raises
    ------
    InvalidInput
        If the file cannot be read, has no CRS, or lacks a required column.
    """
    if path.suffix.lower() in (".parquet", ".geoparquet"):
        return _parquet_table(path, box, wanted, required)
    if path.suffix.lower() == ".zip":
        from ..catalog import archive

        address = archive.shapefile_in(path)
    else:
        address = str(path)
    if path.suffix.lower() not in (".zip", ".shp"):
        # Only shapefiles leave their encoding open.
        encoding = None
    try:
        info = pyogrio.read_info(address, encoding=encoding)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise read_error(path, error) from error
    if not info["crs"]:
        raise no_crs(path)
    names = _match(path, [str(f) for f in info["fields"]], wanted, required)
    bounds = box(CRS.from_user_input(info["crs"])) if box else None
    try:
        frame = pyogrio.read_dataframe(
            address, columns=list(names), bbox=bounds, encoding=encoding, use_arrow=False
        )
    except (
        pyogrio.errors.DataSourceError,
        pyogrio.errors.FeatureError,
        pyogrio.errors.GeometryError,
    ) as error:
        raise read_error(path, error) from error
    return _as_geo(path, frame).rename(columns=names)


def _parquet_table(
    path: Path, box: Box | None, wanted: tuple[str, ...], required: tuple[str, ...]
) -> gpd.GeoDataFrame:
    import pyarrow

    try:
        _, fields, geo = footer(path)
    except pyarrow.ArrowInvalid as error:
        raise read_error(path, error) from error
    if not geo:
        raise InvalidInput(
            f"{path.name} est un Parquet sans géométrie : il faut un GeoParquet.",
            f"{path.name} is a Parquet file without geometry: a GeoParquet is needed.",
        )
    names = _match(path, fields, wanted, required)
    column = geo["primary_column"]
    # GeoParquet: a missing crs means longitude and latitude, null means unknown.
    told = geo["columns"][column].get("crs", "OGC:CRS84")
    if told is None:
        raise no_crs(path)
    columns = [*names, column]
    if box is None:
        frame = gpd.read_parquet(path, columns=columns)
    else:
        bounds = box(CRS.from_user_input(told))
        if "covering" in geo["columns"][column]:
            try:
                frame = read_box(path, list(names), bounds)
            except pyarrow.ArrowInvalid as error:
                raise read_error(path, error) from error
        else:
            frame = gpd.read_parquet(path, columns=columns)
            frame = frame.cx[bounds[0] : bounds[2], bounds[1] : bounds[3]].reset_index(drop=True)
    return _as_geo(path, frame).rename(columns=names)


def _match(
    path: Path, fields: list[str], wanted: tuple[str, ...], required: tuple[str, ...]
) -> dict[str, str]:
    """Names in the file → names of ours, whatever the case."""
    by_name = {field.lower(): field for field in fields}
    for name in wanted:
        # A shapefile cuts names at ten characters: LCZ_PRIMARY becomes LCZ_PRIMAR.
        cut = by_name.get(name.lower()[:10])
        if cut is not None and len(cut) == 10:
            by_name.setdefault(name.lower(), cut)
    missing = [name for name in required if name.lower() not in by_name]
    if missing:
        plural = "s" if len(missing) > 1 else ""
        raise InvalidInput(
            f"{path.name} : colonne{plural} {', '.join(missing)} absente{plural} ; "
            f"colonnes trouvées : {', '.join(fields) or 'aucune'}.",
            f"{path.name}: column{plural} {', '.join(missing)} missing; "
            f"columns found: {', '.join(fields) or 'none'}.",
        )
    return {by_name[name.lower()]: name for name in wanted if name.lower() in by_name}


def _as_geo(path: Path, frame: Any) -> gpd.GeoDataFrame:
    if not isinstance(frame, gpd.GeoDataFrame):
        raise InvalidInput(
            f"{path.name} n'a pas de géométrie : il faut des polygones.",
            f"{path.name} has no geometry: polygons are needed.",
        )
    kinds = set(frame.geom_type.dropna()) - {"Polygon", "MultiPolygon"}
    if kinds:
        raise InvalidInput(
            f"{path.name} contient des géométries « {', '.join(sorted(kinds))} » : "
            "une carte LCZ est faite de polygones.",
            f"{path.name} holds {', '.join(sorted(kinds))} geometries: an LCZ map is made of "
            "polygons.",
        )
    return frame


def check_indicators(table: pd.DataFrame, where: str, identifier: str = "identifier") -> None:
    """Refuse indicators that cannot be: one sentence with how many blocks and the first.

    Parameters
    ----------
    table : pandas.DataFrame
        The eight indicators (lower-case names), units of
        :func:`eo_helpers.lcz.rule.classify`.
    where : str
        File name, for the message.
    identifier : str
        Column that names a block, where there is one.

    Raises
    ------
    InvalidInput
        If the five rates do not sum to 100 ± :data:`RATES_TOLERANCE`, or a rate, a
        height or a footprint is out of its range (9,999 is a fill value, not a height).
    """

    def refuse(bad: np.ndarray, fr: str, en: str) -> None:
        if not bad.any():
            return
        row = int(np.flatnonzero(bad)[0])
        first = table[identifier].iloc[row] if identifier in table else row
        n = int(bad.sum())
        raise InvalidInput(
            f"{where} : dans {n} bloc{'s' if n > 1 else ''} sur {len(table)} (le premier : "
            f"{first}), {fr}. Corrigez ces lignes ou retirez-les.",
            f"{where}: in {n} of {len(table)} blocks (first: {first}), {en}. "
            "Mend these rows or remove them.",
        )

    for name in INDICATORS:
        if not pd.api.types.is_numeric_dtype(table[name]):
            raise InvalidInput(
                f"{where} : la colonne « {name} » contient autre chose que des nombres.",
                f"{where}: column '{name}' holds something else than numbers.",
            )
    height = table["hre"].to_numpy(dtype=float)
    refuse(
        (height < 0) | (height > MAX_HEIGHT_M),
        f"la hauteur moyenne « hre » n'est pas entre 0 et {MAX_HEIGHT_M:.0f} m "
        "(9999 est une valeur de remplissage, pas une hauteur)",
        f"mean height 'hre' is not within 0-{MAX_HEIGHT_M:.0f} m (9999 is a fill value)",
    )
    footprint = table["are"].to_numpy(dtype=float)
    refuse(
        (footprint < 0) | (footprint > MAX_FOOTPRINT_M2),
        "l'emprise moyenne « are » n'est pas une surface de bâtiment en m²",
        "mean footprint 'are' is not the area of a building in m²",
    )
    for name in (*RATES, "vhr"):
        rate = table[name].to_numpy(dtype=float)
        refuse(
            (rate < -RATES_TOLERANCE) | (rate > 100 + RATES_TOLERANCE),
            f"le taux « {name} » n'est pas entre 0 et 100 %",
            f"rate '{name}' is not within 0-100 %",
        )
    total = table[list(RATES)].to_numpy(dtype=float).sum(axis=1)
    refuse(
        ~(np.abs(total - 100) <= RATES_TOLERANCE),
        f"les cinq taux {', '.join(RATES)} ne font pas 100 % (à {RATES_TOLERANCE:.0f} point près)",
        f"the five rates {', '.join(RATES)} do not sum to 100 % "
        f"(within {RATES_TOLERANCE:.0f} point)",
    )


def read_cerema(path: Path, box: Box | None = None) -> gpd.GeoDataFrame:
    """Cerema's LCZ_SPOT_2022: eleven columns, ISO-8859-1, a zip per urban area.

    Its variant ``raster_1m5`` (a GeoTIFF of 1.5 m, zipped or not) is read too: classes
    only, without the indicators that tell how sure they are.

    Returns
    -------
    geopandas.GeoDataFrame
        ``block_id``, ``lcz``, the eight indicators; file's CRS. ``attrs["notes"]`` tells
        what was found on the way, ``attrs["colors"]`` the class colours of the QGIS style
        (``.qml``) beside the map, where there is one.

    Raises
    ------
    InvalidInput
        See :func:`vector_table` and :func:`check_indicators`; also for an unknown class.

    Notes
    -----
    Source: Cerema, LCZ_SPOT_2022 metadata (Licence Ouverte 2.0).
    """
    raster = raster_address(path)
    if raster is not None:
        out = read_raster(path, box, raster, "cerema")
        out.attrs["colors"] = style_colors(path)
        return out
    frame = vector_table(path, box, CEREMA_COLUMNS, CEREMA_COLUMNS, encoding="ISO-8859-1")
    check_indicators(frame, path.name)
    lcz = normalise_codes(frame["lcz"], "cerema", path.name)
    numbers = normalise_codes(frame["lcz_int"], "cerema", path.name)
    frame["block_id"] = frame["identifier"].astype(str)
    frame["lcz"] = lcz
    notes = []
    contradicting = int(sum(a != b for a, b in zip(lcz, numbers, strict=True) if a and b))
    if contradicting:
        notes.append(
            {
                "fr": f"Dans {path.name}, les colonnes lcz et lcz_int se contredisent pour "
                f"{contradicting} bloc(s) : la colonne lcz fait foi ici.",
                "en": f"In {path.name}, columns lcz and lcz_int contradict each other for "
                f"{contradicting} block(s): lcz is believed here.",
            }
        )
    out = frame[["block_id", "lcz", *INDICATORS, "geometry"]]
    out.attrs["notes"] = notes
    out.attrs["colors"] = style_colors(path)
    return out


def read_geoclimate(path: Path, box: Box | None = None) -> gpd.GeoDataFrame:
    """GeoClimate's ``rsu_lcz``: codes 1-10 and 101-107, second class and uniqueness.

    Returns
    -------
    geopandas.GeoDataFrame
        ``block_id``, ``lcz``, ``lcz_alternative`` (LCZ_SECONDARY), ``uniqueness`` (0-1,
        ``|d2 - d1| / (d2 + d1)`` of the distances to the two nearest classes; NaN where the
        class was not chosen by distance), ``min_distance``; file's CRS.

    Notes
    -----
    Source: Bocher, E. et al. (2021), GeoClimate, JOSS 6(65), 3541; its documentation.
    """
    optional = ("ID_RSU", "ID_GRID", "LCZ_SECONDARY", "LCZ_UNIQUENESS_VALUE", "MIN_DISTANCE")
    frame = vector_table(path, box, ("LCZ_PRIMARY", *optional), ("LCZ_PRIMARY",))
    ids = next((c for c in ("ID_RSU", "ID_GRID") if c in frame), None)
    n = len(frame)
    out = gpd.GeoDataFrame(
        {
            "block_id": frame[ids].astype(str) if ids else pd.RangeIndex(n).astype(str),
            "lcz": normalise_codes(frame["LCZ_PRIMARY"], "geoclimate", path.name),
            "lcz_alternative": normalise_codes(
                frame.get("LCZ_SECONDARY", pd.Series([None] * n)), "geoclimate", path.name
            ),
            "uniqueness": pd.to_numeric(frame.get("LCZ_UNIQUENESS_VALUE", pd.Series([np.nan] * n))),
            "min_distance": pd.to_numeric(frame.get("MIN_DISTANCE", pd.Series([np.nan] * n))),
        },
        geometry=frame.geometry.to_numpy(),
        crs=frame.crs,
    )
    out.attrs["notes"] = []
    return out


def read_produced(path: Path, box: Box | None = None) -> gpd.GeoDataFrame:
    """A map that ``eo-helpers lcz produce`` made from buildings and land cover.

    Returns
    -------
    geopandas.GeoDataFrame
        ``block_id``, ``lcz`` (Cerema's rule), the eight indicators, ``lcz_so`` (Stewart &
        Oke's ranges), ``lcz_low`` and ``lcz_high`` (the class at both bounds of the
        estimated sealed ground), ``estimated`` (% of the ground that no layer describes).

    Raises
    ------
    InvalidInput
        See :func:`vector_table` and :func:`check_indicators`; also for an unknown class.
    """
    classes = {
        "lcz_cerema": "lcz",
        "lcz_so": "lcz_so",
        "lcz_cerema_low": "lcz_low",
        "lcz_cerema_high": "lcz_high",
    }
    needed = ("unit_id", *INDICATORS, *classes, "estimated")
    frame = vector_table(path, box, needed, needed)
    # A unit without a building has no height and no footprint.
    known = frame.assign(hre=frame["hre"].fillna(0.0), are=frame["are"].fillna(0.0))
    check_indicators(known, path.name, "unit_id")
    out = frame[[*INDICATORS, "estimated", "geometry"]].copy()
    out["block_id"] = frame["unit_id"].astype(str)
    for column, name in classes.items():
        out[name] = normalise_codes(frame[column], "any", path.name)
    out.attrs["notes"] = []
    return out
