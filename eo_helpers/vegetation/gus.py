"""Layers that others made, read strictly: Green Urban Sat, OCS GE, CoSIA, tree cover, RPG."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import rasterio
import xarray as xr
from pyproj import Transformer

from ..errors import InvalidInput, OutOfCoverage
from ..territory.commune import Commune
from .forms import FORMS
from .landscape import PAYSAGES

__all__ = ["COSIA_GREEN", "OCSGE_GREEN", "read_cosia", "read_gus", "read_layers", "read_ocsge",
           "read_parcels", "read_tree_cover"]  # fmt: skip

#: Columns without which a layer is not Green Urban Sat's.
_GUS = ("strate", "fv", "paysage", "surface")
_CONFIDENCE = ("idc_surface", "idc_h", "idc_prescadu", "idc_coniffeuil", "idc_typesol")
_STRATUM_OF = {"AI": "A", "AA": "A", "BOA": "A", "AuI": "Au", "AAu": "Au", "BOAu": "Au",
               "PR": "H", "C": "H", "PE": "H"}  # fmt: skip
#: Cover codes of OCS GE that are vegetation, and their stratum.
OCSGE_GREEN = {
    "CS2.1.1.1": "A", "CS2.1.1.2": "A", "CS2.1.1.3": "A", "CS2.1.2": "Au", "CS2.1.3": "Au",
    "CS2.2.1": "H", "CS2.2.2": "H",
}  # fmt: skip
#: Names of CoSIA's classes that are vegetation, and their stratum.
COSIA_GREEN = {
    "feuillu": "A", "conifère": "A", "conifere": "A", "broussaille": "Au",
    "vigne": "Au", "pelouse": "H", "culture": "H",
}  # fmt: skip


def read_layers(
    paths: Iterable[Path], commune: Commune | None, needed: tuple[str, ...], what: str
) -> gpd.GeoDataFrame:
    """Objects of the layers that hold the columns, around a commune, names in lower case."""
    parts = []
    for path in map(Path, paths):
        try:
            layers = [str(n) for n, kind in pyogrio.list_layers(path) if kind is not None]
        except pyogrio.errors.DataSourceError as error:
            raise InvalidInput(
                f"« {path.name} » ne peut pas être lu : tronqué, ou d'un autre type ; "
                "téléchargez-le à nouveau.",
                f"'{path.name}' cannot be read: cut short, or of another type; download it again.",
            ) from error
        held = False
        for layer in layers:
            info = pyogrio.read_info(path, layer=layer)
            names = {str(f).lower() for f in info["fields"]}
            missing = [c for c in needed if c not in names]
            if missing:
                continue
            held = True
            if info["crs"] is None:
                raise InvalidInput(
                    f"« {path.name} » n'a pas de système de coordonnées : ajoutez le .prj.",
                    f"'{path.name}' has no CRS: add its .prj.",
                )
            box = None
            if commune is not None:
                to = Transformer.from_crs("EPSG:4326", info["crs"], always_xy=True)
                box = to.transform_bounds(*commune.bounds)
            table = pyogrio.read_dataframe(path, layer=layer, bbox=box)
            geometry = table.geometry.name
            table = table.rename(columns={c: c.lower() for c in table.columns if c != geometry})
            parts.append(table.to_crs(commune.crs) if commune is not None else table)
        if not held:
            raise InvalidInput(
                f"« {path.name} » n'est pas {what} : il manque {', '.join(needed)}.",
                f"'{path.name}' lacks the columns of its data set: {', '.join(needed)}.",
            )
    parts = [p for p in parts if len(p)]
    if not parts:
        where = commune.name if commune is not None else "la zone"
        raise OutOfCoverage(
            f"Aucun objet ({what}) sur {where}.", f"No object over {where} in these files."
        )
    table = gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), crs=parts[0].crs)
    return table[~(table.geometry.is_empty | table.geometry.isna())].reset_index(drop=True)


def read_gus(paths: Iterable[Path], commune: Commune | None = None) -> gpd.GeoDataFrame:
    """Forms of Green Urban Sat, or those that ``eo-helpers vegetation forms`` wrote.

    Parameters
    ----------
    paths : iterable of Path
    commune : Commune, optional
        Only what meets it, in its CRS.

    Returns
    -------
    GeoDataFrame
        Its columns in lower case, ``fv`` one of :data:`.forms.FORMS`; confidences 0-1 or NaN.

    Raises
    ------
    InvalidInput
        If a column is missing, a form, stratum or landscape is not known, a form belongs to
        another stratum, or an area is not positive.
    """
    table = read_layers(paths, commune, _GUS, "une couche Green Urban Sat")
    unknown = sorted(set(table["fv"].dropna().astype(str)) - set(FORMS))
    if unknown or table["fv"].isna().any():
        raise InvalidInput(
            f"Forme(s) végétale(s) inconnue(s) : {', '.join(unknown) or 'vide'} ; connues : "
            f"{', '.join(FORMS)}.",
            f"Unknown form(s): {', '.join(unknown) or 'empty'}; known: {', '.join(FORMS)}.",
        )
    wrong = table["strate"].astype(str) != table["fv"].map(_STRATUM_OF)
    if wrong.any():
        row = table[wrong].iloc[0]
        raise InvalidInput(
            f"{int(wrong.sum())} objet(s) dont la forme n'est pas de la strate, par exemple "
            f"{row['fv']} dans {row['strate']} : vérifiez la couche.",
            f"{int(wrong.sum())} object(s) whose form is not of its stratum, such as "
            f"{row['fv']} in {row['strate']}: check the layer.",
        )
    place = pd.to_numeric(table["paysage"], errors="coerce")
    area = pd.to_numeric(table["surface"], errors="coerce")
    if not place.dropna().isin(list(PAYSAGES)).all() or not (area.dropna() > 0).all():
        raise InvalidInput(
            "La colonne paysage va de 1 à 5 et la colonne surface est positive (m²) : vérifiez "
            "la couche.",
            "Column paysage goes from 1 to 5 and surface is positive (m²): check the layer.",
        )
    table["paysage"], table["surface"] = place, area
    for name in _CONFIDENCE:
        # Their authors leave them empty.
        table[name] = pd.to_numeric(table.get(name), errors="coerce") if name in table else np.nan
    return table


def read_ocsge(paths: Iterable[Path], commune: Commune | None = None) -> gpd.GeoDataFrame:
    """OCS GE with the stratum of its cover codes: column ``strate`` (A, Au, H, empty for none)."""
    table = read_layers(paths, commune, ("code_cs", "code_us"), "l'OCS GE")
    code = table["code_cs"].astype(str).str.strip()
    if not code.str.match(r"CS[12](\.\d)*$").all():
        bad = code[~code.str.match(r"CS[12](\.\d)*$")].iloc[0]
        raise InvalidInput(
            f"Code de couverture inconnu dans l'OCS GE : « {bad} ».",
            f"Unknown cover code in OCS GE: '{bad}'.",
        )
    table["strate"] = code.map(OCSGE_GREEN).fillna("")
    return table


def read_cosia(paths: Iterable[Path], commune: Commune | None = None) -> gpd.GeoDataFrame:
    """CoSIA with the stratum of its classes: column ``strate`` (A, Au, H, empty for none)."""
    table = read_layers(paths, commune, ("numero", "classe"), "CoSIA")
    name = table["classe"].astype(str).str.strip().str.lower()
    table["strate"] = ""
    for word, stratum in COSIA_GREEN.items():
        table.loc[name.str.contains(word, regex=False), "strate"] = stratum
    return table


def read_parcels(paths: Iterable[Path], commune: Commune | None = None) -> gpd.GeoDataFrame:
    """Farm parcels of the RPG."""
    return read_layers(paths, commune, ("code_cultu", "code_group"), "le RPG")


def read_tree_cover(path: Path, commune: Commune) -> xr.DataArray:
    """Tree cover density (%) around a commune, NaN where it was not classed (254, 255).

    Raises
    ------
    InvalidInput
        If values are no percents.
    OutOfCoverage
        If the file lies elsewhere.
    """
    from .produce import cut

    with rasterio.open(path) as file:
        raster = cut(file, commune)
    if raster is None:
        raise OutOfCoverage(
            f"« {path.name} » ne couvre pas {commune.name}.",
            f"'{path.name}' does not cover {commune.name}.",
        )
    values = raster.values.astype(np.float32)
    values[values >= 254] = np.nan
    if np.nanmax(values, initial=0) > 100:
        raise InvalidInput(
            f"« {path.name} » : la densité de couvert arboré va de 0 à 100 %.",
            f"'{path.name}': tree cover density goes from 0 to 100%.",
        )
    return raster.copy(data=values)
