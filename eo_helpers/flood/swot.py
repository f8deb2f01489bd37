"""SWOT (CNES, NASA): water surface elevation measured from space, read with its flags.

``L2_HR_Raster`` (NetCDF, 100 or 250 m, UTM) and ``L2_HR_RiverSP`` (shapefiles of nodes and
reaches). What is degraded or bad is not taken unless asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import h5py
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from ..errors import InvalidInput, OutOfCoverage
from ..text import Text
from .edges import FLOODED

__all__ = [
    "Agreement",
    "compare",
    "levels_on",
    "points_of",
    "read_levels",
    "read_raster",
    "read_river",
]

#: Quality up to which a measurement is taken: 0 good, 1 suspect, 2 degraded, 3 bad.
WORST = 1
#: Fill values of RiverSP's shapefiles are below this.
_FILL = -9.9e5
#: Standard deviation of a level that does not tell its own, m.
UNTOLD = 0.3
_NOWHERE = (
    "SWOT n'a mesuré aucun point de cette étendue d'eau.",
    "SWOT has measured no point of this water.",
)
_NEEDED = ("wse", "wse_qual", "wse_uncert")


def read_raster(path: Path, worst: int = WORST) -> xr.Dataset:
    """Water surface elevation of an ``L2_HR_Raster`` file.

    Parameters
    ----------
    path : Path
    worst : int
        Largest ``wse_qual`` that is taken: 0 good, 1 suspect, 2 degraded, 3 bad.

    Returns
    -------
    xarray.Dataset (y, x), float32, in the file's own CRS
        ``wse`` (m above the geoid EGM2008), ``uncertainty`` (m, one standard deviation),
        ``water_fraction`` (0-1, where the file has it); NaN where the quality is worse.
        ``attrs``: ``time`` (ISO, empty if untold), ``kept`` and ``flagged`` (cells).

    Raises
    ------
    InvalidInput
        If the file is cut short, of another product, or does not tell its CRS.
    OutOfCoverage
        If no cell is as good as asked for.
    """
    import rioxarray  # noqa: F401  (registers .rio)

    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise InvalidInput(
            f"« {path.name} » ne peut pas être lu : fichier NetCDF tronqué ou d'un autre type ; "
            "téléchargez-le à nouveau.",
            f"'{path.name}' cannot be read: NetCDF file cut short or of another type; download "
            "it again.",
        ) from error
    with file:
        missing = [n for n in (*_NEEDED, "x", "y") if n not in file]
        if missing:
            raise InvalidInput(
                f"« {path.name} » n'est pas un L2_HR_Raster de SWOT : variable(s) "
                f"{', '.join(missing)} absente(s).",
                f"'{path.name}' is no SWOT L2_HR_Raster: variable(s) {', '.join(missing)} missing.",
            )
        crs = _crs(file, path)
        values = {n: _values(file[n]) for n in (*_NEEDED, "water_frac") if n in file}
        x, y = file["x"][:].astype(float), file["y"][:].astype(float)
        time = _text(file.attrs.get("time_granule_start", file.attrs.get("time_coverage_start")))
    quality = values["wse_qual"]
    known = np.isfinite(values["wse"])
    good = known & (quality <= worst)
    if not good.any():
        raise OutOfCoverage(
            f"« {path.name} » : aucune cote d'eau de qualité {worst} ou mieux "
            f"({int(known.sum())} mesures écartées).",
            f"'{path.name}': no water elevation of quality {worst} or better "
            f"({int(known.sum())} measurements left out).",
        )
    kept = {"wse": "wse", "uncertainty": "wse_uncert", "water_fraction": "water_frac"}
    layers = {
        name: (("y", "x"), np.where(good, values[own], np.nan).astype(np.float32))
        for name, own in kept.items()
        if own in values
    }
    out = xr.Dataset(
        layers,
        {"y": y, "x": x},
        attrs={"time": time, "kept": int(good.sum()), "flagged": int((known & ~good).sum())},
    )
    if y[0] < y[-1]:
        out = out.isel(y=slice(None, None, -1))
    return out.rio.write_crs(crs)


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        value = value.decode()
    return "" if value is None else str(value).strip()


def _values(variable: h5py.Dataset) -> NDArray[np.float64]:
    """Scaled values, NaN for fill."""
    raw = variable[:]
    fill = variable.attrs.get("_FillValue")
    out = raw.astype(float)
    if fill is not None:
        out[raw == np.ravel(fill)[0]] = np.nan
    scale = float(np.ravel(variable.attrs.get("scale_factor", 1.0))[0])
    return out * scale + float(np.ravel(variable.attrs.get("add_offset", 0.0))[0])


def _crs(file: h5py.File, path: Path) -> Any:
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    told = file["crs"].attrs if "crs" in file else {}
    for key in ("crs_wkt", "spatial_ref", "projected_crs_name"):
        text = _text(told.get(key))
        if not text:
            continue
        try:
            return CRS.from_user_input(text)
        except CRSError:
            continue
    raise InvalidInput(
        f"« {path.name} » ne dit pas son système de coordonnées (variable crs).",
        f"'{path.name}' does not tell its CRS (variable crs).",
    )


def read_river(path: Path, worst: int = WORST) -> gpd.GeoDataFrame:
    """Nodes or reaches of an ``L2_HR_RiverSP`` file (shapefile, or its zip).

    Parameters
    ----------
    path : Path
    worst : int
        Largest ``node_q`` or ``reach_q`` that is taken.

    Returns
    -------
    geopandas.GeoDataFrame
        ``wse`` (m above the geoid), ``uncertainty`` (m, one standard deviation, NaN where
        the file does not tell), ``width`` (m), ``time`` (ISO text), ``quality``, geometry.

    Raises
    ------
    InvalidInput
        If the file cannot be read, has no CRS, or lacks ``wse`` or its quality.
    OutOfCoverage
        If nothing is as good as asked for.
    """
    import pyogrio

    from ..catalog.archive import shapefile_in

    try:
        address = shapefile_in(path) if path.suffix.lower() == ".zip" else str(path)
        frame = pyogrio.read_dataframe(address)
    except pyogrio.errors.DataSourceError as error:
        raise InvalidInput(
            f"« {path.name} » ne peut pas être lu : {error}.",
            f"'{path.name}' cannot be read: {error}.",
        ) from error
    frame = frame.rename(columns={c: str(c).lower() for c in frame.columns})
    flag = next((f for f in ("node_q", "reach_q") if f in frame), None)
    if "wse" not in frame or flag is None:
        missing = ", ".join(
            n for n, there in (("wse", "wse" in frame), ("node_q", flag)) if not there
        )
        raise InvalidInput(
            f"« {path.name} » n'est pas un L2_HR_RiverSP de SWOT : colonne(s) {missing} "
            "absente(s).",
            f"'{path.name}' is no SWOT L2_HR_RiverSP: column(s) {missing} missing.",
        )
    if frame.crs is None:
        raise InvalidInput(
            f"« {path.name} » n'a pas de système de coordonnées (.prj absent) : ajoutez-le.",
            f"'{path.name}' has no CRS (.prj missing): add it.",
        )

    def number(name: str) -> pd.Series:
        if name not in frame:
            return pd.Series(np.nan, frame.index)
        values = pd.to_numeric(frame[name], errors="coerce").astype(float)
        return values.where(values > _FILL)

    out = gpd.GeoDataFrame(
        {
            "wse": number("wse"),
            "uncertainty": number("wse_u"),
            "width": number("width"),
            "time": frame["time_str"].astype(str) if "time_str" in frame else "",
            "quality": number(flag),
        },
        geometry=frame.geometry,
        crs=frame.crs,
    )
    good = out["wse"].notna() & (out["quality"] <= worst)
    if not good.any():
        raise OutOfCoverage(
            f"« {path.name} » : aucune cote d'eau de qualité {worst} ou mieux.",
            f"'{path.name}': no water elevation of quality {worst} or better.",
        )
    return out[good].reset_index(drop=True)


@dataclass(frozen=True)
class Agreement:
    """Levels found here, less SWOT's, where both are known.

    Attributes
    ----------
    points : int
    median, spread : float
        Median difference (m) and its robust standard deviation (1.4826 × median absolute
        deviation, m). The median also holds the difference of the two vertical datums.
    expected : float
        Median standard deviation (m) that both uncertainties together announce.
    note : Text
    """

    points: int
    median: float
    spread: float
    expected: float
    note: Text


Columns = tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]


def points_of(swot: xr.Dataset | gpd.GeoDataFrame, crs: Any) -> Columns:
    """Places (x, y in ``crs``), levels and standard deviations (m) of what SWOT measured."""
    if isinstance(swot, gpd.GeoDataFrame):
        places = swot.to_crs(crs).geometry.representative_point()
        level, sigma = swot["wse"].to_numpy(float), swot["uncertainty"].to_numpy(float)
    else:
        rows, cols = np.nonzero(np.isfinite(swot["wse"].values))
        own = gpd.points_from_xy(swot.x.values[cols], swot.y.values[rows])
        places = gpd.GeoSeries(own, crs=swot.rio.crs).to_crs(crs)
        level, sigma = (swot[n].values[rows, cols].astype(float) for n in ("wse", "uncertainty"))
    return places.x.to_numpy(), places.y.to_numpy(), level, sigma


def _cells(
    x: NDArray[Any], y: NDArray[Any], transform: Any, shape: tuple[int, ...]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Rows and columns of places, and which lie on the raster."""
    col, row = ~transform * np.vstack([x, y])
    col, row = np.floor(col).astype(np.int64), np.floor(row).astype(np.int64)
    inside = (row >= 0) & (row < shape[0]) & (col >= 0) & (col < shape[1])
    return row, col, inside


def levels_on(
    swot: xr.Dataset | gpd.GeoDataFrame,
    codes: NDArray[np.uint8],
    crs: Any,
    transform: Any,
    offset: float = 0.0,
) -> Columns:
    """What SWOT measured on flooded cells, as :func:`.surface.fit` takes it.

    Parameters
    ----------
    swot : from :func:`read_raster` or :func:`read_river`
    codes : numpy.ndarray of uint8
        Of an extent (:mod:`.edges`) on a grid of ``crs`` and ``transform``.
    offset : float
        Added to SWOT's heights to bring them to the terrain's datum, m.

    Returns
    -------
    (rows, columns, level, sigma)
        Where a standard deviation is not told, :data:`UNTOLD`.

    Raises
    ------
    OutOfCoverage
        If SWOT has measured nowhere on this water.
    """
    x, y, level, sigma = points_of(swot, crs)
    row, col, inside = _cells(x, y, transform, codes.shape)
    inside &= np.isfinite(level)
    inside[inside] = codes[row[inside], col[inside]] == FLOODED
    if not inside.any():
        raise OutOfCoverage(*_NOWHERE)
    told = np.where(np.isfinite(sigma), sigma, UNTOLD)
    return row[inside], col[inside], level[inside] + offset, told[inside]


def compare(
    water: xr.Dataset, swot: xr.Dataset | gpd.GeoDataFrame, offset: float = 0.0
) -> Agreement:
    """Hold the water surface found here against SWOT's.

    Parameters
    ----------
    water : xarray.Dataset
        ``surface`` and ``uncertainty`` from :func:`.depth.water_depth`, m.
    swot : from :func:`read_raster` or :func:`read_river`
    offset : float
        What is added to SWOT's heights to bring them to the terrain's datum, m (geoid
        EGM2008 to NGF-IGN69: some decimetres, by place).

    Raises
    ------
    OutOfCoverage
        If SWOT has measured nowhere on this water.
    """
    x, y, level, sigma = points_of(swot, water.rio.crs)
    surface = water["surface"]
    row, col, inside = _cells(x, y, surface.rio.transform(), surface.shape)
    ours = np.full(len(x), np.nan)
    own = ours.copy()
    ours[inside] = surface.values[row[inside], col[inside]]
    own[inside] = water["uncertainty"].values[row[inside], col[inside]]
    both = np.isfinite(ours) & np.isfinite(level)
    if not both.any():
        raise OutOfCoverage(*_NOWHERE)
    apart = ours[both] - (level[both] + offset)
    median = float(np.median(apart))
    announced = np.hypot(np.nan_to_num(own[both]), np.nan_to_num(sigma[both]))
    fr = f"{median:+.2f}".replace(".", ",").replace("-", "−")
    datum = "" if offset else " (les deux zéros de hauteur n'ont pas été raccordés)"
    datum_en = "" if offset else " (the two vertical datums were not joined)"
    return Agreement(
        points=int(both.sum()),
        median=median,
        spread=float(1.4826 * np.median(np.abs(apart - median))),
        expected=float(np.median(announced)),
        note={
            "fr": f"Cote trouvée ici moins cote de SWOT : {fr} m en médiane{datum}.",
            "en": f"Level found here less SWOT's: {median:+.2f} m, median{datum_en}.",
        },
    )


def read_levels(path: Path) -> xr.Dataset | gpd.GeoDataFrame:
    """A SWOT file of either product, by its suffix (.nc, else shapefile or zip)."""
    return read_raster(path) if path.suffix.lower() == ".nc" else read_river(path)
