"""What the ground is and who uses it: readers of the maps that desealing crosses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio

from ..errors import InvalidInput, OutOfCoverage
from ..territory.commune import Commune

__all__ = ["hazards", "layers_of", "permeability"]

_KSAT = ("ksat_mm_h", "ksat")
#: Saturated conductivity of natural ground, mm/h: clay to gravel. Other units lie outside.
_LEAST, _MOST = 0.01, 3_000.0
#: Radius around a cavity where nothing is made to sink in, m.
_CAVITY = 25.0


def layers_of(path: Path, commune: Commune) -> list[gpd.GeoDataFrame]:
    """Every layer with geometry, around a commune: columns in lower case, in ``commune.crs``.

    Raises
    ------
    InvalidInput
        If the file cannot be read or a layer has no CRS.
    """
    from pyproj import Transformer

    out = []
    try:
        for layer, kind in pyogrio.list_layers(path):
            if kind is None:
                continue
            info = pyogrio.read_info(path, layer=layer)
            if not info["crs"]:
                raise InvalidInput(
                    f"« {path.name} » n'a pas de système de coordonnées (.prj absent) : "
                    "ajoutez-le.",
                    f"'{path.name}' has no CRS (.prj missing): add it.",
                )
            around = Transformer.from_crs(commune.crs, info["crs"], always_xy=True)
            box = around.transform_bounds(*commune.projected_boundary.bounds)
            if not np.isfinite(box).all():
                continue
            frame = pyogrio.read_dataframe(path, layer=layer, bbox=box).to_crs(commune.crs)
            frame = frame.rename(columns={c: str(c).lower() for c in frame.columns})
            near = frame.intersects(commune.projected_boundary.buffer(_CAVITY))
            out.append(frame[near].reset_index(drop=True))
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise InvalidInput(
            f"« {path.name} » ne peut pas être lu : {error}.",
            f"'{path.name}' cannot be read: {error}.",
        ) from error
    return out


def permeability(holding: Any, commune: Commune) -> gpd.GeoDataFrame:
    """Saturated conductivity of the ground.

    Returns
    -------
    geopandas.GeoDataFrame
        ``ksat`` (mm/h), geometry in ``commune.crs``.

    Raises
    ------
    InvalidInput
        If a conductivity is out of what ground can have: another unit (m/s).
    OutOfCoverage
        If nothing meets the commune.
    """
    parts = []
    for path in holding.paths:
        for frame in layers_of(path, commune):
            own = next((c for c in _KSAT if c in frame), None)
            if own is None or frame.empty:
                continue
            values = pd.to_numeric(frame[own], errors="coerce")
            odd = values[(values < _LEAST) | (values > _MOST)]
            if len(odd):
                raise InvalidInput(
                    f"« {path.name} » : une perméabilité de {odd.iloc[0]:g} n'est pas en mm/h "
                    f"(entre {_LEAST:g} et {_MOST:g}) ; 1 m/s vaut 3 600 000 mm/h.",
                    f"'{path.name}': a permeability of {odd.iloc[0]:g} is not in mm/h (between "
                    f"{_LEAST:g} and {_MOST:g}); 1 m/s is 3,600,000 mm/h.",
                )
            parts.append(gpd.GeoDataFrame({"ksat": values}, geometry=frame.geometry))
    return _together(parts, commune, ("perméabilité", "permeability"))


def hazards(holding: Any, commune: Commune) -> gpd.GeoDataFrame:
    """Where the ground must not be made to take water.

    Returns
    -------
    geopandas.GeoDataFrame
        ``veto`` (``polluted``, ``clay``, ``cavity``, ``water_table``), geometry in
        ``commune.crs``: polygons, and circles of 25 m around cavities known by a point.
        ``attrs["checked"]``: names of the vetoes that the files can tell.

    Raises
    ------
    OutOfCoverage
        If no file is of this commune's surroundings.
    """
    parts, checked = [], set()
    for path in holding.paths:
        for frame in layers_of(path, commune):
            for veto, rows in _hazard(frame).items():
                checked.add(veto)
                shapes = frame.geometry[rows]
                if veto == "cavity":
                    shapes = shapes.buffer(_CAVITY)
                parts.append(gpd.GeoDataFrame({"veto": veto}, index=shapes.index, geometry=shapes))
    if not checked:
        raise OutOfCoverage(
            f"Aucune carte de risques du sous-sol présente ne touche {commune.name}.",
            f"No map of ground hazards at hand meets {commune.name}.",
        )
    out = _together(parts, commune, ("risque", "hazard"), empty=True)
    out.attrs["checked"] = sorted(checked)
    return out


def _hazard(frame: gpd.GeoDataFrame) -> dict[str, Any]:
    """What a layer of Géorisques tells: veto → rows where it holds."""
    names = set(frame.columns)
    out: dict[str, Any] = {}
    if names & {"id_sis", "code_sis"}:
        out["polluted"] = np.ones(len(frame), bool)
    clay = next((c for c in ("alea_rga", "alea_argile") if c in names), None)
    if clay:
        text = frame[clay].astype(str).str.lower()
        out["clay"] = (text.str.contains("fort") | text.isin(["3", "3.0"])).to_numpy()
    if names & {"num_cavite", "id_cavite"}:
        out["cavity"] = np.ones(len(frame), bool)
    if "nappe_m" in names:
        out["water_table"] = (pd.to_numeric(frame["nappe_m"], errors="coerce") < 1.0).to_numpy()
    return out


def _together(
    parts: list[gpd.GeoDataFrame], commune: Commune, what: tuple[str, str], empty: bool = False
) -> gpd.GeoDataFrame:
    kept = [p for p in parts if len(p)]
    if kept:
        return gpd.GeoDataFrame(pd.concat(kept, ignore_index=True), crs=commune.crs)
    if empty:
        return gpd.GeoDataFrame({"veto": []}, geometry=[], crs=commune.crs)
    raise OutOfCoverage(
        f"La carte de {what[0]} présente ne touche pas {commune.name}.",
        f"The map of {what[1]} at hand does not meet {commune.name}.",
    )
