"""Buildings, roads and public places of BD TOPO around a commune."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
from pyproj import Transformer

from ..errors import InvalidInput, OutOfCoverage
from .commune import Commune

__all__ = ["read"]

#: Names of the shapefile's short columns in the GeoPackage.
_LONG = {
    "id": "cleabs",
    "usage1": "usage_1",
    "etat": "etat_de_l_objet",
    "nb_logts": "nombre_de_logements",
    "nb_etages": "nombre_d_etages",
    "pos_sol": "position_par_rapport_au_sol",
    "nat_detail": "nature_detaillee",
}
#: Columns by which a layer of the file is the wanted one.
_KNOWN = {
    "bdtopo-buildings": {"hauteur", "nombre_de_logements"},
    "bdtopo-roads": {"importance", "position_par_rapport_au_sol"},
    "bdtopo-places": {"categorie", "nature", "toponyme"},
    "bdtopo-transport": {"nature", "nature_detaillee", "toponyme"},
}
_KEPT = (
    *("cleabs", "nature", "usage_1", "etat_de_l_objet", "nombre_de_logements"),
    *("importance", "position_par_rapport_au_sol"),
    *("categorie", "nature_detaillee", "toponyme"),
)


def read(holding: Any, commune: Commune) -> gpd.GeoDataFrame:
    """Objects of BD TOPO that meet a commune.

    Parameters
    ----------
    holding : catalog.Holding
        Files of data set ``bdtopo-buildings``, ``bdtopo-roads`` or ``bdtopo-places``
        (GeoPackage, shapefile).
    commune : Commune

    Returns
    -------
    geopandas.GeoDataFrame
        In ``commune.crs``, with the names of the GeoPackage in lower case: ``cleabs``,
        ``nature``, ``etat_de_l_objet`` and, where the file has them, ``usage_1``,
        ``nombre_de_logements``, ``importance``, ``position_par_rapport_au_sol``.

    Raises
    ------
    InvalidInput
        If a file cannot be read or has no CRS.
    OutOfCoverage
        If no object meets the commune.
    """
    wanted = _KNOWN[holding.dataset]
    parts = []
    for path in holding.paths:
        try:
            for layer, _ in pyogrio.list_layers(path):
                info = pyogrio.read_info(path, layer=layer)
                names = {str(f): _LONG.get(str(f).lower(), str(f).lower()) for f in info["fields"]}
                present = set(names.values())
                if holding.dataset == "bdtopo-transport" and present & {"categorie", "hauteur"}:
                    continue  # facilities have neither
                if wanted <= present:
                    parts.append(_part(path, layer, info, names, commune))
        except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
            raise InvalidInput(
                f"« {path.name} » ne peut pas être lu : {error}.",
                f"'{path.name}' cannot be read: {error}.",
            ) from error
    found = [p for p in parts if len(p)]
    if not found:
        raise OutOfCoverage(
            f"La BD TOPO présente n'a rien dans {commune.name}.",
            f"The BD TOPO at hand has nothing in {commune.name}.",
        )
    out = pd.concat(found, ignore_index=True)
    return out.drop_duplicates("cleabs") if "cleabs" in out else out


def _part(
    path: Any, layer: str, info: dict[str, Any], names: dict[str, str], commune: Commune
) -> gpd.GeoDataFrame:
    """Objects of one layer in the commune, under their long names."""
    if not info["crs"]:
        raise InvalidInput(
            f"« {path.name} » n'a pas de système de coordonnées (.prj absent) : ajoutez-le.",
            f"'{path.name}' has no CRS (.prj missing): add it.",
        )
    around = Transformer.from_crs(commune.crs, info["crs"], always_xy=True)
    box = around.transform_bounds(*commune.projected_boundary.bounds)
    if not np.isfinite(box).all():
        return gpd.GeoDataFrame(geometry=[], crs=commune.crs)
    columns = [f for f, name in names.items() if name in _KEPT]
    frame = pyogrio.read_dataframe(path, layer=layer, columns=columns, bbox=box)
    frame = frame.rename(columns={f: names[f] for f in columns}).to_crs(commune.crs)
    return frame[frame.intersects(commune.projected_boundary)].reset_index(drop=True)
