"""Publicly owned parcels: DGFiP's file of legal persons joined to the cadastre."""

from __future__ import annotations

import csv
import re
import unicodedata
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from ..errors import InvalidInput, NoData, OutOfCoverage, reading
from ..territory.commune import Commune
from ..text import at_place
from .data import layers_of

__all__ = ["DATASET", "PUBLIC", "read"]

DATASET = "public-parcels"
#: « Groupe personne » of public bodies: State, region, département, commune, public body.
PUBLIC = {"1", "2", "3", "4", "9"}
_KEYS = {
    "departement": "departement (champ",
    "commune": "code commune (champ",
    "prefixe": "prefixe",
    "section": "section",
    "numero": "n plan",
    "group": "groupe personne",
}


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"\s+", " ", re.sub(r"[^a-z(]+", " ", plain.lower())).strip()


def _owned(path: Path, insee: str) -> set[str]:
    """Identifiers of the commune's parcels whose owner is a public body."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        text = path.read_text(encoding="latin-1")
    rows = csv.reader(text.splitlines(), delimiter=";")
    head = [_folded(name) for name in next(rows, [])]
    place = {}
    for key, start in _KEYS.items():
        found = [k for k, name in enumerate(head) if name.startswith(_folded(start))]
        if not found:
            raise InvalidInput(
                f"« {path.name} » : colonne « {start}… » absente ; attendu le fichier des "
                "parcelles des personnes morales (DGFiP).",
                f"'{path.name}': no column '{start}…'; DGFiP's file of parcels of legal persons "
                "is expected.",
            )
        place[key] = found[0]
    out = set()
    for row in rows:
        if len(row) <= max(place.values()):
            continue
        cell = {key: row[k].strip() for key, k in place.items()}
        code = cell["departement"][:2].zfill(2) + cell["commune"].zfill(3)[-3:]
        if code == insee and cell["group"][:1] in PUBLIC:
            out.add(_identifier(code, cell["prefixe"], cell["section"], cell["numero"]))
    return out


def _identifier(insee: str, prefix: str, section: str, number: str) -> str:
    """Fourteen characters, as the cadastre writes them."""
    return f"{insee}{(prefix or '0').zfill(3)}{section.zfill(2)}{number.zfill(4)}"


def read(holding: Any, commune: Commune) -> gpd.GeoDataFrame:
    """Parcels of public bodies in a commune.

    Parameters
    ----------
    holding : catalog.Holding
        Files of data set ``public-parcels``: the file of legal persons (CSV) and the
        cadastre's parcels (``commune``, ``prefixe``, ``section``, ``numero``).

    Returns
    -------
    geopandas.GeoDataFrame
        ``id`` and geometry, in ``commune.crs``; empty where the file has none here.

    Raises
    ------
    InvalidInput
        If a column is missing.
    NoData
        If one of the two files is missing.
    OutOfCoverage
        If the cadastre at hand has no parcel of the commune.
    """
    tables = [p for p in holding.paths if p.suffix.lower() in {".csv", ".txt"}]
    shapes = [p for p in holding.paths if p not in tables]
    if not tables or not shapes:
        raise NoData(
            "Il faut les deux : le fichier des personnes morales (CSV) et les parcelles du "
            "cadastre.",
            "Both are needed: the file of legal persons (CSV) and the cadastre's parcels.",
        )
    wanted = {"section", "numero", "prefixe"}
    parts = []
    for path in shapes:
        with reading(path):
            parts += [f for f in layers_of(path, commune) if wanted <= set(f.columns)]
    if not parts or not sum(map(len, parts)):
        raise OutOfCoverage(
            f"Le cadastre présent n'a aucune parcelle {at_place(commune.name)}.",
            f"The cadastre at hand has no parcel in {commune.name}.",
        )
    parcels = pd.concat(parts, ignore_index=True)
    owned: set[str] = set()
    for path in tables:
        with reading(path):
            owned |= _owned(path, commune.insee)
    ids = [
        _identifier(commune.insee, str(r.prefixe), str(r.section), str(r.numero))
        for r in parcels.itertuples()
    ]
    parcels = gpd.GeoDataFrame({"id": ids}, geometry=parcels.geometry, crs=commune.crs)
    return parcels[parcels["id"].isin(owned)].drop_duplicates("id").reset_index(drop=True)
