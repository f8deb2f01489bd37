"""Natural-disaster decrees of a commune (« arrêtés CatNat »), from Géorisques.

An answer of ``https://www.georisques.gouv.fr/api/v1/gaspar/catnat?code_insee=…`` kept as JSON
(one page, or a list of pages), or the national table GASPAR as CSV.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pandas as pd

from ..errors import InvalidInput, OutOfCoverage, reading
from ..territory.commune import Commune

__all__ = ["DATASET", "floods", "read", "rows_of"]

DATASET = "catnat"
#: Our column → names that the service and the national table give it.
_COLUMNS = {
    "decree": ("code_national_catnat", "cod_nat_catnat"),
    "insee": ("code_insee", "cod_commune"),
    "start": ("date_debut_evt", "dat_deb"),
    "end": ("date_fin_evt", "dat_fin"),
    "published": ("date_publication_arrete", "dat_pub_arrete"),
    "hazard": ("libelle_risque_jo", "lib_risque_jo"),
}
_DATES = ("start", "end", "published")


def read(holding: Any, commune: Commune) -> pd.DataFrame:
    """Decrees that name a commune, oldest event first.

    Parameters
    ----------
    holding : catalog.Holding
        Files of data set ``catnat``.
    commune : Commune

    Returns
    -------
    pandas.DataFrame
        ``decree``, ``hazard`` (text of the Journal officiel), ``start``, ``end``,
        ``published`` (datetime64, days; ``published`` may be missing).

    Raises
    ------
    InvalidInput
        If a column is missing or a date cannot be read.
    OutOfCoverage
        If no decree at hand names the commune.
    """
    parts = []
    for path in holding.paths:
        with reading(path):
            parts.append(_checked(path, rows_of(path)))
    table = pd.concat(parts, ignore_index=True)
    table = table[table["insee"] == commune.insee].drop_duplicates(["decree", "start", "hazard"])
    if table.empty:
        raise OutOfCoverage(
            f"Les arrêtés de catastrophe naturelle présents ne nomment pas {commune.name}.",
            f"The natural-disaster decrees at hand do not name {commune.name}.",
        )
    return table.drop(columns="insee").sort_values(["start", "decree"]).reset_index(drop=True)


def floods(decrees: pd.DataFrame) -> pd.DataFrame:
    """Only decrees for a flood, whatever the wording (nappe, coulées de boue, vagues)."""
    return decrees[decrees["hazard"].str.contains("inondation", case=False)]


def rows_of(path: Path) -> list[dict[str, Any]]:
    """Rows of an answer of a service (JSON, its pages put together; GeoJSON), or of a CSV."""
    if path.suffix.lower() in {".csv", ".txt"}:
        text = path.read_bytes().decode("utf-8-sig", "replace")
        mark = ";" if text.partition("\n")[0].count(";") else ","
        return list(csv.DictReader(text.splitlines(), delimiter=mark))
    try:
        pages = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidInput(
            f"« {path.name} » n'est pas une réponse JSON entière ({error}) : téléchargez-la à "
            "nouveau.",
            f"'{path.name}' is no whole JSON answer ({error}): download it again.",
        ) from error
    pages = pages if isinstance(pages, list) else [pages]
    rows: list[dict[str, Any]] = []
    for page in pages:
        if not isinstance(page, dict):
            continue
        data = page.get("data", page.get("features", [page]))
        # A row that is no record (fuzzed, or another service's) is left out.
        rows += [_flat(r) for r in data if isinstance(r, dict)] if isinstance(data, list) else []
    return rows


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """A row; of a GeoJSON feature, its properties with the place of its point."""
    if "properties" not in row:
        return row
    place = row.get("geometry") or {}
    told = place.get("coordinates") if isinstance(place, dict) else None
    coordinates: list[Any] = list(told) if isinstance(told, list) else []
    x, y = [*coordinates, None, None][:2]
    words = row["properties"] if isinstance(row["properties"], dict) else {}
    return {**words, "longitude_station": x, "latitude_station": y}


def _checked(path: Path, rows: list[dict[str, Any]]) -> pd.DataFrame:
    names = {str(k).lower(): k for k in (rows[0] if rows else {})}
    out = {}
    for column, known in _COLUMNS.items():
        own = next((names[n] for n in known if n in names), None)
        if own is None and rows:
            raise InvalidInput(
                f"« {path.name} » : colonne « {known[0]} » absente ; attendu une réponse "
                "« catnat » de Géorisques ou la table GASPAR.",
                f"'{path.name}': no column '{known[0]}'; a 'catnat' answer of Géorisques or the "
                "GASPAR table is expected.",
            )
        out[column] = [str(r.get(own or "") or "").strip() for r in rows]
    table = pd.DataFrame(out, dtype=object)
    for column in _DATES:
        text = table[column].astype(str)
        # 15/01/2024 from the service, 2024-01-15 in some editions of the table.
        day = pd.to_datetime(text.str[:10], format="%d/%m/%Y", errors="coerce")
        day = day.fillna(pd.to_datetime(text.str[:10], format="%Y-%m-%d", errors="coerce"))
        odd = day.isna() & ((text != "") | (column == "start"))
        if odd.any():
            raise InvalidInput(
                f"« {path.name} » : date « {text[odd].iloc[0]} » illisible (attendu jj/mm/aaaa).",
                f"'{path.name}': date '{text[odd].iloc[0]}' cannot be read (dd/mm/yyyy expected).",
            )
        table[column] = day
    table["end"] = table["end"].fillna(table["start"])
    return table
