"""Districts of a commune: the IRIS of INSEE and IGN."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import pandas as pd
import pyogrio

from ..errors import InvalidInput, OutOfCoverage
from ..text import at_place
from .commune import Commune

__all__ = ["DATASET", "read"]

DATASET = "iris"
_COLUMNS = {
    "insee": ("code_insee", "insee_com", "depcom"),
    "code": ("code_iris", "dcomiris"),
    "name": ("nom_iris", "nom_iris_"),
}


def read(holding: Any, commune: Commune) -> gpd.GeoDataFrame:
    """Districts of a commune.

    Parameters
    ----------
    holding : catalog.Holding
        Files of data set ``iris`` (« Contours… IRIS » or « IRIS… GE »).
    commune : Commune

    Returns
    -------
    geopandas.GeoDataFrame
        ``code`` (nine characters), ``name``, geometry in ``commune.crs``, by code. One row
        where the commune is not divided.

    Raises
    ------
    InvalidInput
        If a column or the CRS is missing.
    OutOfCoverage
        If no district is of this commune.
    """
    parts = []
    for path in holding.paths:
        for layer, kind in pyogrio.list_layers(path):
            if kind is None:
                continue
            info = pyogrio.read_info(path, layer=layer)
            names = {str(f).lower(): str(f) for f in info["fields"]}
            own = {c: next((names[n] for n in k if n in names), None) for c, k in _COLUMNS.items()}
            missing = [_COLUMNS[c][0] for c, name in own.items() if name is None]
            if missing or not info["crs"]:
                what = ", ".join(missing) or "CRS"
                raise InvalidInput(
                    f"« {path.name} » : {what} absent ; attendu les « Contours… IRIS » de l'IGN.",
                    f"'{path.name}': no {what}; IGN's 'Contours… IRIS' are expected.",
                )
            wanted = f"\"{own['insee']}\" = '{commune.insee}'"
            found = pyogrio.read_dataframe(path, layer=layer, where=wanted)
            found = found.rename(columns={str(name): c for c, name in own.items()})
            parts.append(found[["code", "name", "geometry"]].to_crs(commune.crs))
    parts = [p for p in parts if len(p)]
    if not parts:
        raise OutOfCoverage(
            f"Les IRIS présents n'ont rien {at_place(commune.name)}.",
            f"The IRIS at hand have nothing in {commune.name}.",
        )
    table = pd.concat(parts, ignore_index=True).drop_duplicates("code")
    return gpd.GeoDataFrame(table.sort_values("code").reset_index(drop=True))
