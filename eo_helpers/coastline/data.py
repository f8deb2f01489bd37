"""Opens and validates the national indicator of coastal erosion (INEC) for one commune.

After :func:`read`, rates are metres a year, NaN where the indicator gives none (it writes -9999),
with the years of the two lines, and geometries are in the commune's official CRS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from ..catalog import archive
from ..errors import InvalidInput, reading
from ..territory.commune import Commune, from_degrees

__all__ = ["NO_RATE", "SPACING", "Files", "covers_territory", "read", "read_all", "read_many",
           "read_paths"]  # fmt: skip

Box = tuple[float, float, float, float]

#: What the indicator writes where it gives no rate.
NO_RATE = -9999.0
#: Metres of coast from one profile to the next: what each stands for.
SPACING = 200.0
#: No shore moved faster for decades: more is another unit, or an error, metres a year.
FASTEST = 60.0
#: Share of a polygon that lies in the commune, at least: it straddles the shore.
_LEAST_INSIDE = 0.15
_NEEDED = ("taux", "duree", "amenagemen")
_YEARS = ("tdc_ancien", "tdc_rec")


class Files(Protocol):
    """What :func:`read` needs of a ``catalog.Holding``."""

    @property
    def paths(self) -> list[Path]: ...


def covers_territory(items: Iterable[Any], commune: Commune) -> bool:
    """Whether files of the indicator are of the commune's part of the country.

    Then a commune without a profile has no coast; else nothing is known of it.
    """
    area = CRS.from_user_input(commune.crs).area_of_use
    for item in items:
        if item.bbox is None:
            continue
        west, south, east, north = item.bbox
        x, y = (west + east) / 2, (south + north) / 2
        if area and area.west <= x <= area.east and area.south <= y <= area.north:
            return True
    return False


def read(holding: Files, commune: Commune) -> gpd.GeoDataFrame:
    """Profiles of the indicator on a commune's coast.

    Parameters
    ----------
    holding : catalog.Holding
        Archives or layers of the indicator.
    commune : Commune

    Returns
    -------
    GeoDataFrame
        In the commune's CRS: ``rate`` (m a year, negative in retreat, NaN: none), ``years``
        (between the two lines), ``old``, ``recent`` (their years, NaN: not told),
        ``structure`` (bool), ``length_m`` (of coast that the profile stands for: 200 m, the
        indicator's spacing; a polygon's own outline is longer on a ragged shore), polygons.
        Empty for an inland commune.

    Raises
    ------
    InvalidInput
        If a file cannot be read, lacks a column, or its numbers cannot be rates.
    """
    return read_paths(holding.paths, commune)


def read_paths(paths: Iterable[Path], commune: Commune) -> gpd.GeoDataFrame:
    """:func:`read`, from a list of files."""
    parts = []
    for path in map(Path, paths):
        for address in _layers(path):
            with reading(path):
                table = _table(path, address, lambda crs: commune.boundary_in(crs).buffer(0).bounds)
                part = _of(table, path, commune)
            if len(part):
                parts.append(part)
    return _together(parts, commune)


def _layers(path: Path) -> list[str]:
    return archive.shapefiles_in(path) if path.suffix.lower() == ".zip" else [str(path)]


def read_many(paths: Iterable[Path], communes: Sequence[Commune]) -> list[gpd.GeoDataFrame]:
    """:func:`read_paths` of many communes that lie together: each layer is read once.

    Only the ground of their common box is held.
    """
    boxes = np.array([c.bounds for c in communes])
    common = (*boxes[:, :2].min(0).tolist(), *boxes[:, 2:].max(0).tolist())
    parts: list[list[gpd.GeoDataFrame]] = [[] for _ in communes]
    for path in map(Path, paths):
        for address in _layers(path):
            with reading(path):
                table = _table(path, address, lambda crs: _box_in(common, crs))
                tree = shapely.STRtree(table.geometry.to_numpy())
                for k, commune in enumerate(communes if len(table) else ()):
                    box = _box_in(commune.bounds, table.crs)
                    if box is None:  # the CRS is of another part of the world
                        continue
                    near = np.sort(tree.query(shapely.box(*box)))
                    part = _of(table.iloc[near], path, commune) if near.size else ()
                    if len(part):
                        parts[k].append(part)
    return [_together(found, c) for found, c in zip(parts, communes, strict=True)]


def read_all(paths: Iterable[Path]) -> gpd.GeoDataFrame:
    """Every profile of the files, each once, with the columns of :func:`read`; in degrees."""
    parts = []
    for path in map(Path, paths):
        for address in _layers(path):
            with reading(path):
                parts.append(_checked(_table(path, address, None).to_crs("EPSG:4326"), path))
    frame = pd.concat(parts, ignore_index=True)
    return gpd.GeoDataFrame(frame, geometry="geometry", crs="EPSG:4326")


def _together(parts: list[gpd.GeoDataFrame], commune: Commune) -> gpd.GeoDataFrame:
    if not parts:
        columns = ("rate", "years", "old", "recent", "structure", "length_m")
        return gpd.GeoDataFrame({c: [] for c in columns}, geometry=[], crs=commune.crs)
    frame = pd.concat(parts, ignore_index=True)
    return gpd.GeoDataFrame(frame, geometry="geometry", crs=commune.crs)


def _box_in(box: Box, crs: Any) -> Box | None:
    """A box in degrees, in another CRS; None where that CRS cannot tell it."""
    there = from_degrees(crs).transform_bounds(*box, densify_pts=11)
    return there if np.isfinite(there).all() else None


def _table(path: Path, address: str, box: Callable[[Any], Box | None] | None) -> gpd.GeoDataFrame:
    """A layer within a box of its own CRS, with the columns' proper names."""
    try:
        if path.suffix.lower() in (".parquet", ".geoparquet"):
            table = gpd.read_parquet(path)
        else:
            info = pyogrio.read_info(address)
            if not info["crs"]:
                raise _no_crs(path)
            bounds = box(info["crs"]) if box else None
            table = pyogrio.read_dataframe(address, bbox=bounds, encoding=_encoding(path))
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, OSError) as error:
        raise InvalidInput(
            f"« {path.name} » ne peut pas être lu : fichier tronqué ou d'un autre type ; "
            "téléchargez-le à nouveau.",
            f"'{path.name}' cannot be read: cut short, or of another type; download it again.",
        ) from error
    if table.crs is None:
        raise _no_crs(path)
    names = {str(c).lower(): str(c) for c in table.columns}
    missing = [c for c in _NEEDED if c not in names]
    if missing:
        raise InvalidInput(
            f"« {path.name} » n'a pas la colonne {missing[0]} de l'indicateur national de "
            "l'érosion côtière : prenez l'archive « n_evolution_trait_cote_s » du Cerema.",
            f"'{path.name}' lacks column {missing[0]} of the national indicator of coastal "
            "erosion: take Cerema's archive 'n_evolution_trait_cote_s'.",
        )
    table = table.rename(columns={names[c]: c for c in (*_NEEDED, *_YEARS) if c in names})
    return table[table.geometry.notna() & ~table.geometry.is_empty]


def _of(table: gpd.GeoDataFrame, path: Path, commune: Commune) -> gpd.GeoDataFrame:
    """Profiles of a layer that are the commune's."""
    table = table.to_crs(commune.crs)
    return _checked(table.loc[_inside(table, commune)], path)


def _encoding(path: Path) -> str | None:
    """Cerema's shapefiles are ISO-8859-1; other formats tell their own."""
    return "ISO-8859-1" if path.suffix.lower() in (".zip", ".shp") else None


def _no_crs(path: Path) -> InvalidInput:
    return InvalidInput(
        f"« {path.name} » n'a pas de système de coordonnées (un .prj manque) : téléchargez "
        "l'archive entière.",
        f"'{path.name}' has no CRS (a .prj is missing): download the whole archive.",
    )


def _inside(table: gpd.GeoDataFrame, commune: Commune) -> NDArray[np.bool_]:
    """Profiles of the commune: of neighbours', only a sliver lies within its boundary."""
    shapes = shapely.make_valid(np.asarray(table.geometry.values))
    boundary = commune.projected_boundary
    shapely.prepare(boundary)
    near = shapely.intersects(shapes, boundary)
    share = np.zeros(len(shapes))
    size = shapely.area(shapes[near])
    common = shapely.area(shapely.intersection(shapes[near], boundary))
    share[near] = np.divide(common, size, out=np.zeros(len(size)), where=size > 0)
    return share >= _LEAST_INSIDE


def _checked(table: gpd.GeoDataFrame, path: Path) -> gpd.GeoDataFrame:
    """Columns of :func:`read`, with numbers that can be what they say."""
    rate = pd.to_numeric(table["taux"], errors="coerce").to_numpy(float)
    rate = np.where(rate <= NO_RATE, np.nan, rate)
    if (np.abs(rate[np.isfinite(rate)]) > FASTEST).any():
        worst = float(rate[np.nanargmax(np.abs(rate))])
        raise InvalidInput(
            f"« {path.name} » : un taux de {worst:g} m/an n'est pas possible ; la colonne taux "
            "n'est pas en mètres par an.",
            f"'{path.name}': a rate of {worst:g} m/yr is not possible; column taux is not in "
            "metres a year.",
        )
    old, recent = (_year(table[c]) if c in table else np.full(len(table), np.nan) for c in _YEARS)
    years = pd.to_numeric(table["duree"], errors="coerce").to_numpy(float)
    years = np.where(years > 0, years, recent - old)
    out = gpd.GeoDataFrame(
        {
            "rate": rate,
            "years": np.where(years > 0, years, np.nan),
            "old": old,
            "recent": recent,
            "structure": pd.to_numeric(table["amenagemen"], errors="coerce").to_numpy() == 1,
            "length_m": np.full(len(table), SPACING),
        },
        geometry=table.geometry.values,
        crs=table.crs,
    )
    return out


def _year(column: pd.Series) -> NDArray[np.float64]:
    """Year of a line, written as a number, a text or a date; NaN where it is not."""
    text = column.astype(str).str.extract(r"((?:18|19|20)\d\d)", expand=False)
    return pd.to_numeric(text, errors="coerce").to_numpy(float)
