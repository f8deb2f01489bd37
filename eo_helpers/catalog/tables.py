"""Tables with a row a commune, written by ``eo-helpers national …`` and read in place.

A table is one GeoParquet, or a folder with one a département (``data/35.parquet``) that its
``collection.json`` describes: where the folder is a source's, that file stands for it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..errors import EoError, InvalidInput, NoData

__all__ = [
    "COLLECTION",
    "ROLE",
    "collection_of",
    "end_of",
    "epci_of",
    "parts",
    "read",
    "row",
    "row_of",
]

COLLECTION = "collection.json"
#: Key of ``collection.json`` that names what the table holds; told apart from others' STAC by it.
ROLE = "eo_helpers:table"

Box = tuple[float, float, float, float]


def collection_of(path: Path) -> dict[str, Any] | None:
    """The STAC collection of a table in a folder; None for anything else.

    Parameters
    ----------
    path : Path
        ``collection.json`` or the folder that holds it.
    """
    path = path / COLLECTION if path.is_dir() else path
    if path.name != COLLECTION or not path.is_file():
        return None
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return None
    return told if isinstance(told, dict) and ROLE in told else None


def parts(path: Path, bbox: Box | None = None, departement: str | None = None) -> list[Path]:
    """The GeoParquet files of a table, in order; only those that may hold what is looked for."""
    told = collection_of(path)
    if told is None:
        return [path]
    folder = path if path.is_dir() else path.parent
    out = []
    for part in told["eo_helpers:parts"]:
        west, south, east, north = part["bbox"]
        if departement is not None and part["departement"] != departement:
            continue
        if bbox and (west > bbox[2] or bbox[0] > east or south > bbox[3] or bbox[1] > north):
            continue
        out.append(folder / part["href"])
    return out


def read(
    path: Path,
    *,
    columns: Sequence[str] | None = None,
    bbox: Box | None = None,
    error: Callable[[Path], EoError] | None = None,
) -> Any:
    """Rows of a table: all, or those whose boxes meet ``bbox`` (degrees).

    Parameters
    ----------
    path : Path
        GeoParquet, ``collection.json``, or its folder.
    columns : sequence of str, optional
        Without ``geometry`` among them a plain DataFrame comes back.
    error : callable, optional
        What to raise where it cannot be read.

    Raises
    ------
    InvalidInput
        If it cannot be read, or lacks a column.
    """
    import geopandas as gpd
    import pandas as pd

    frames = []
    for part in parts(path, bbox):
        try:
            if columns is not None and "geometry" not in columns:
                frames.append(pd.read_parquet(part, columns=list(columns)))
            else:
                chosen = None if columns is None else list(columns)
                frames.append(gpd.read_parquet(part, columns=chosen, bbox=bbox))
        except Exception as problem:
            raise (error or _unreadable)(part) from problem
    if not frames:  # nothing there: the columns of the first file, without a row
        first = parts(path)[0]
        return read(first, columns=columns, error=error).iloc[:0]
    return frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)


def row(
    path: Path,
    insee: str,
    departement: str,
    error: Callable[[Path], EoError] | None = None,
) -> dict[str, Any] | None:
    """One commune's row, geometry aside; None without one.

    Of one département's file only the row group that can hold the code is read: rows are in
    order of it, and each group's statistics tell its first and last.
    """
    import pyarrow.parquet as pq

    for part in parts(path, departement=departement):
        try:
            with pq.ParquetFile(part) as file:
                names = [n for n in file.schema_arrow.names if n not in ("geometry", "bbox")]
                position = file.schema_arrow.names.index("insee")
                for k in range(file.metadata.num_row_groups):
                    told = file.metadata.row_group(k).column(position).statistics
                    if told is not None and told.has_min_max and not told.min <= insee <= told.max:
                        continue
                    group = file.read_row_group(k, columns=names)
                    for found in group.to_pylist():
                        if found["insee"] == insee:
                            return dict(found)
        except Exception as problem:
            raise (error or _unreadable)(part) from problem
    return None


def row_of(
    dataset: str, commune: Any, source: Any, error: Callable[[Path], EoError] | None = None
) -> tuple[dict[str, Any], Any] | None:
    """A commune's row of a source's table, and the holding that it comes from; None without one.

    Raises
    ------
    InvalidInput
        If the table cannot be read.
    """
    from . import find

    try:
        holding = find(dataset, commune, source)
    except NoData:
        return None
    found = row(Path(holding.paths[0]), commune.insee, commune.departement, error)
    return None if found is None else (found, holding)


def epci_of(source: Any) -> dict[str, str]:
    """Intercommunality of each commune (INSEE code to SIREN), where the source tells.

    National tables do not have it: it changes from year to year.
    """
    out: dict[str, str] = {}
    for item in source.items("communes"):
        path = Path(item.assets["data"].href)
        out.update(_epci_of(path, path.stat().st_mtime_ns))
    return out


@lru_cache(maxsize=4)
def _epci_of(path: Path, stamp: int) -> dict[str, str]:
    from ..territory.read import read_table

    table = read_table(path)
    pairs = zip(table.insee, table.epci, strict=True)
    return {code: str(epci) for code, epci in pairs if epci}


def end_of(path: Path) -> str | None:
    """When what the table was made of ends (ISO), from the STAC beside it."""
    told = collection_of(path)
    if told is not None:
        end = told["extent"]["temporal"]["interval"][0][1]
        return str(end) if end else None
    item = path.with_suffix(".json")
    if not item.is_file():
        return None
    end = json.loads(item.read_text(encoding="utf-8")).get("properties", {}).get("end_datetime")
    return str(end) if end else None


def _unreadable(path: Path) -> InvalidInput:
    return InvalidInput(
        f"« {path.name} » n'est pas une table de « eo-helpers national » : calculez-la à nouveau.",
        f"'{path.name}' is no table of 'eo-helpers national': make it again.",
    )
