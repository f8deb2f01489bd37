"""Open what the theme needs for one commune: the LCZ map, whoever made it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from ..errors import InvalidInput, OutOfCoverage, reading
from ..territory.commune import Commune
from ..text import number, of_place
from .formats import read_cerema, read_geoclimate, read_produced
from .rasters import RASTERS, Box, raster_address, read_raster
from .schema import sensitivity_of

__all__ = ["DATASETS", "MAX_OVERLAP", "blocks_in", "clip", "open_map", "read", "whole_map"]

_READERS: dict[str, Callable[[Path, Box | None], gpd.GeoDataFrame]] = {
    "lcz-cerema": read_cerema,
    "lcz-produced": read_produced,
    "lcz-geoclimate": read_geoclimate,
    "lcz-wudapt": read_raster,
}
#: Data sets that this theme reads, best first.
DATASETS: tuple[str, ...] = tuple(_READERS)

#: Blocks may lie over one another on this share of their area at most: beyond, the same
#: ground would be counted twice in every figure.
MAX_OVERLAP = 0.01
#: Slivers thinner than this are an effect of drawing, not ground, m².
_SLIVER_M2 = 1.0


def read(holding: Any, commune: Commune) -> gpd.GeoDataFrame:
    """The LCZ map of a commune, from any provider, in the one schema.

    Parameters
    ----------
    holding : eo_helpers.catalog.Holding
        Files of one of :data:`DATASETS` whose box meets the commune.
    commune : Commune

    Returns
    -------
    geopandas.GeoDataFrame
        One row a block, clipped to the commune, in ``commune.crs``: ``block_id`` (text),
        ``lcz`` (text code or missing), ``sensitivity`` (category or missing), ``area_m2``
        (inside the commune), ``origin`` (file name), and what the format knows: Cerema's
        eight indicators; GeoClimate's ``lcz_alternative``, ``uniqueness`` and
        ``min_distance``; of a map of our own the class by the other rule (``lcz_so``) and at
        both bounds of the estimated ground (``lcz_low``, ``lcz_high``). ``attrs["notes"]``
        holds what the reader mended or noticed, as sentences ``{"fr": …, "en": …}``, and
        ``attrs["colors"]`` the class colours of the map's own style, where it has one.

    Raises
    ------
    InvalidInput
        If a file is not what its data set promises (one sentence).
    OutOfCoverage
        If no polygon meets the commune.
    """
    reader = _READERS[holding.dataset]
    parts: list[gpd.GeoDataFrame] = []
    for path in _vectors_first(holding.paths):
        if parts and holding.dataset == "lcz-cerema" and raster_address(path):
            continue  # the same map again, without its indicators
        with reading(path):
            part = reader(path, lambda crs: commune.boundary_in(crs).bounds)
        if not part.empty:
            attrs = part.attrs
            part = part.to_crs(commune.crs).assign(origin=path.name)
            part.attrs = attrs
            parts.append(part)
    colors = {k: v for part in parts for k, v in part.attrs.get("colors", {}).items()}
    notes = [note for part in parts for note in part.attrs["notes"]]
    if parts:
        for part in parts:
            part.attrs = {}
        frame = pd.concat(parts, ignore_index=True)
        if len(parts) > 1:
            frame = frame[~_twice(frame)].reset_index(drop=True)
        with reading(holding.paths):
            frame = clip(frame, commune, notes)
    if not parts or frame.empty:
        names = ", ".join(Path(p).name for p in holding.paths)
        raise OutOfCoverage(
            f"{names} : aucun polygone LCZ sur la commune {of_place(commune.name)}.",
            f"{names}: no LCZ polygon over the commune of {commune.name}.",
        )
    _check_overlap(frame, notes)
    frame["area_m2"] = frame.geometry.area
    frame["sensitivity"] = sensitivity_of(frame["lcz"])
    frame.attrs.update(notes=notes, colors=colors)
    return frame


def whole_map(paths: Iterable[Any], dataset: str) -> gpd.GeoDataFrame:
    """Every block of the files of a map, each once: ``lcz`` and geometry, CRS of the first."""
    parts: list[gpd.GeoDataFrame] = []
    for path in _vectors_first(paths):
        if not (parts and dataset == "lcz-cerema" and raster_address(path)):
            parts.append(_READERS[dataset](path, None))
    for part in parts:
        part.attrs = {}
    crs = parts[0].crs
    frame = pd.concat([p[["lcz", "geometry"]].to_crs(crs) for p in parts], ignore_index=True)
    return frame[~_twice(frame)].reset_index(drop=True) if len(parts) > 1 else frame


def blocks_in(paths: Iterable[Any], dataset: str, ground: gpd.GeoSeries) -> gpd.GeoDataFrame | None:
    """Blocks of a map that meet the box of a place, each once: ``lcz`` and geometry.

    Parameters
    ----------
    ground : geopandas.GeoSeries
        The place, in any CRS; only its box in the map's CRS counts.

    Returns
    -------
    geopandas.GeoDataFrame or None
        CRS of the first file that has any; None without one.
    """
    parts: list[gpd.GeoDataFrame] = []
    for path in _vectors_first(paths):
        if parts and dataset == "lcz-cerema" and raster_address(path):
            continue
        part = _READERS[dataset](path, lambda crs: _box_of(ground, crs))
        if len(part):
            part.attrs = {}
            parts.append(part[["lcz", "geometry"]])
    if not parts:
        return None
    frame = pd.concat([p.to_crs(parts[0].crs) for p in parts], ignore_index=True)
    return frame[~_twice(frame)].reset_index(drop=True) if len(parts) > 1 else frame


def _box_of(ground: gpd.GeoSeries, crs: Any) -> tuple[float, float, float, float]:
    """Box in another CRS; one that holds nothing where that CRS cannot tell it."""
    box = ground.to_crs(crs).total_bounds
    return tuple(box.tolist()) if np.isfinite(box).all() else (0.0, 0.0, 0.0, 0.0)


def _vectors_first(paths: Iterable[Any]) -> list[Path]:
    """Rasters last, zipped or not; else as they come."""
    found = [Path(p) for p in paths]
    if len(found) == 1:
        return found
    return sorted(found, key=lambda path: raster_address(path) is not None)


def _twice(frame: gpd.GeoDataFrame) -> Any:
    """True for blocks that were there before: neighbouring areas share those of their border.

    To the millimetre: a map that went through another CRS comes back with other last digits.
    """
    shapes = shapely.transform(frame.geometry.to_numpy(), lambda p: np.round(p, 3))
    return pd.Series(shapely.to_wkb(shapes)).duplicated().to_numpy()


def clip(
    frame: gpd.GeoDataFrame, commune: Commune, notes: list[dict[str, str]] | None = None
) -> gpd.GeoDataFrame:
    """Polygons inside the commune, made valid; what was mended is told in ``notes``.

    Parameters
    ----------
    frame : geopandas.GeoDataFrame
        Polygons in ``commune.crs``.
    """
    geometry = shapely.force_2d(frame.geometry.to_numpy())
    empty = shapely.is_missing(geometry) | shapely.is_empty(geometry)
    frame, geometry = frame[~empty], geometry[~empty]
    invalid = ~shapely.is_valid(geometry)
    if invalid.any():
        geometry[invalid] = _polygons(shapely.make_valid(geometry[invalid]))
        if notes is not None:
            n = int(invalid.sum())
            notes.append(
                {
                    "fr": f"{n} polygone(s) mal formé(s) (contour qui se recoupe) ont été réparés "
                    "à la lecture.",
                    "en": f"{n} malformed polygon(s) (outline that crosses itself) were mended.",
                }
            )
    boundary = commune.projected_boundary
    if not shapely.is_valid(boundary):
        boundary = shapely.make_valid(boundary)
    shapely.prepare(boundary)
    inside = shapely.contains(boundary, geometry)
    cut = np.flatnonzero(~inside)
    geometry[cut] = _polygons(shapely.intersection(geometry[cut], boundary))
    keep = shapely.area(geometry) > _SLIVER_M2
    frame = frame[keep].reset_index(drop=True)
    return frame.set_geometry(gpd.GeoSeries(geometry[keep], crs=frame.crs))


def _polygons(geometry: np.ndarray) -> np.ndarray:
    """Only the surfaces of mixed geometries (an intersection may leave lines and points)."""
    out = geometry.copy()
    for i in np.flatnonzero(
        shapely.get_type_id(geometry) == shapely.GeometryType.GEOMETRYCOLLECTION
    ):
        parts = shapely.get_parts(geometry[i])
        surfaces = parts[shapely.get_dimensions(parts) == 2]
        out[i] = shapely.union_all(surfaces)
    return out


def _check_overlap(frame: gpd.GeoDataFrame, notes: list[dict[str, str]]) -> None:
    """Refuse a map whose polygons lie over one another; a little of it is told in ``notes``."""
    geometry = frame.geometry.to_numpy()
    total = float(shapely.area(geometry).sum())
    if total <= 0:
        return
    left, right, shared = _overlaps(geometry)
    surplus = float(shared.sum())
    # Where more than two lie over one another, pairs count more than once.
    share = min(surplus / total, 1.0)
    if share > MAX_OVERLAP:
        worst = int(np.argmax(shared))
        first, second = int(left[worst]), int(right[worst])
        a, b = frame["block_id"].iloc[first], frame["block_id"].iloc[second]
        names = ", ".join(sorted(set(frame["origin"])))
        raise InvalidInput(
            f"{names} : des polygones se recouvrent sur {number(100 * share, 1)} % de leur "
            f"surface (par exemple {a} et {b}) : le même sol compterait deux fois. "
            "Corrigez la couche ou choisissez une seule des deux cartes.",
            f"{names}: polygons lie over one another on {100 * share:.1f} % of their area "
            f"(such as {a} and {b}): the same ground would count twice. Mend the layer or "
            "keep one of the two maps.",
        )
    if surplus > 1000 and share > 0.0005:
        hectares = surplus / 1e4
        notes.append(
            {
                "fr": f"Des polygones se recouvrent sur {number(hectares, 1)} ha, comptés deux "
                "fois dans les parts.",
                "en": f"Polygons overlap on {number(hectares, 1, 'en')} ha, counted twice in the "
                "shares.",
            }
        )


def _overlaps(geometry: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of polygons that share ground, and how much of it, m² (of the CRS)."""
    left, right = shapely.STRtree(geometry).query(geometry, predicate="intersects")
    once = left < right
    left, right = left[once], right[once]
    # Neighbours only touch: telling so is far quicker than cutting one with the other, or
    # than the union of all, which takes seconds for a large town.
    over = ~shapely.touches(geometry[left], geometry[right])
    left, right = left[over], right[over]
    return left, right, shapely.area(shapely.intersection(geometry[left], geometry[right]))


def open_map(path: Path) -> gpd.GeoDataFrame | Any:
    """Any LCZ map in a file, whole, for comparison: polygons or a raster of classes.

    Parameters
    ----------
    path : pathlib.Path
        A vector file with a column ``lcz`` (Cerema's or ours), ``LCZ_PRIMARY``
        (GeoClimate) or ``lcz_int``; or a GeoTIFF with codes 1-17.

    Returns
    -------
    geopandas.GeoDataFrame or xarray.DataArray
        Polygons with ``lcz``, made valid, in the file's CRS; or the raster (y, x) of
        positions in ``schema.CODES`` (float, NaN = no class) with ``rio.crs``.

    Raises
    ------
    InvalidInput
        If the file is missing, cannot be read, holds no LCZ, or its polygons lie over one
        another (the same ground would count twice).
    """
    with reading(path):
        return _open_map(path)


def _open_map(path: Path) -> gpd.GeoDataFrame | Any:
    from .formats import vector_table
    from .schema import normalise_codes

    if not path.exists():
        raise InvalidInput(
            f"Le fichier {path} n'existe pas.",
            f"File {path} does not exist.",
        )
    if path.suffix.lower() in RASTERS:
        return _open_raster(path)
    frame = vector_table(path, None, ("lcz", "LCZ_PRIMARY", "lcz_int"), ())
    column = next((c for c in ("lcz", "LCZ_PRIMARY", "lcz_int") if c in frame), None)
    if column is None:
        raise InvalidInput(
            f"{path.name} n'a pas de colonne de classe LCZ : lcz, LCZ_PRIMARY ou lcz_int.",
            f"{path.name} has no LCZ class column: lcz, LCZ_PRIMARY or lcz_int.",
        )
    codes = normalise_codes(frame[column], "any", path.name)
    geometry = shapely.force_2d(frame.geometry.to_numpy())
    invalid = ~shapely.is_valid(geometry) & ~shapely.is_missing(geometry)
    geometry[invalid] = _polygons(shapely.make_valid(geometry[invalid]))
    out = gpd.GeoDataFrame({"lcz": codes}, geometry=geometry, crs=frame.crs)
    names = [f"n° {n + 1}" for n in range(len(out))]
    _check_overlap(out.assign(block_id=names, origin=path.name), [])
    return out


def _open_raster(path: Path) -> Any:
    import rasterio
    import rioxarray
    import xarray as xr

    from .schema import index_from_codes, normalise_codes

    try:
        raster = rioxarray.open_rasterio(path, masked=True)
    except rasterio.errors.RasterioIOError as error:
        raise InvalidInput(
            f"{path.name} ne se lit pas comme un raster : {error}.",
            f"{path.name} cannot be read as a raster: {error}.",
        ) from error
    # One file, one variable: the other return types are for containers with subdatasets.
    if not isinstance(raster, xr.DataArray):
        raise InvalidInput(
            f"{path.name} contient plusieurs jeux de données : il faut un raster simple.",
            f"{path.name} holds several data sets: a plain raster is needed.",
        )
    band = raster.isel(band=0, drop=True).load()
    raster.close()
    if band.rio.crs is None:
        raise InvalidInput(
            f"{path.name} ne dit pas son système de coordonnées.",
            f"{path.name} does not tell its coordinate system.",
        )
    values = band.to_numpy()
    uniques, inverse = np.unique(np.nan_to_num(values), return_inverse=True)
    index = index_from_codes(normalise_codes(uniques, "wudapt", path.name)).astype(np.float32)
    index[index < 0] = np.nan
    crs = CRS.from_user_input(band.rio.crs.to_wkt())
    return band.copy(data=index[inverse].reshape(values.shape)).rio.write_crs(crs)
