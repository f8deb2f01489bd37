"""A person's own shorelines, transects and positions: read strictly, written whole."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..errors import InvalidInput, reading
from .dates import parse_dates

__all__ = [
    "check_output",
    "numbers",
    "read_csv",
    "read_layer",
    "read_positions",
    "read_shorelines",
    "read_transects",
    "write_layer",
    "write_table",
]

DATE_COLUMNS = ("date", "datetime", "datetime_utc", "date_utc", "dates", "acq_date", "date_acq")
NAME_COLUMNS = ("transect", "name", "transect_id", "nom", "id", "fid_transect")
_DRIVERS = {
    ".gpkg": "GPKG", ".geojson": "GeoJSON", ".json": "GeoJSON", ".shp": "ESRI Shapefile",
    ".parquet": None,
}  # fmt: skip
_TABLES = (".csv", ".parquet")


def read_layer(path: Path) -> Any:
    """A vector file of one layer: GeoPackage, shapefile (zipped or not), GeoJSON, GeoParquet.

    Raises
    ------
    InvalidInput
        If it is missing or cannot be read, or has no geometry.
    """
    import geopandas
    import pyarrow
    import pyogrio

    if not path.exists():
        raise InvalidInput(f"Le fichier {path} n'existe pas.", f"File {path} does not exist.")
    try:
        if path.suffix.lower() in (".parquet", ".geoparquet"):
            table = geopandas.read_parquet(path)
        elif path.suffix.lower() == ".zip":
            from ..catalog import archive

            table = pyogrio.read_dataframe(archive.shapefile_in(path))
        else:
            table = pyogrio.read_dataframe(path)
    except (
        pyogrio.errors.DataSourceError,
        pyogrio.errors.DataLayerError,
        pyogrio.errors.FeatureError,
        pyarrow.ArrowException,
        OSError,
        ValueError,
    ) as error:
        raise InvalidInput(
            f"{path.name} ne se lit pas comme une couche de lignes : {error}.",
            f"{path.name} cannot be read as a layer of lines: {error}.",
        ) from error
    if not isinstance(table, geopandas.GeoDataFrame):
        raise InvalidInput(
            f"{path.name} n'a pas de géométrie : il faut une couche de lignes.",
            f"{path.name} has no geometry: a layer of lines is needed.",
        )
    return table


def _column(table: Any, wanted: str | None, known: Sequence[str]) -> str | None:
    """The column of that name, whatever its case; else the first known one."""
    lower = {str(c).lower(): str(c) for c in table.columns}
    for name in (wanted,) if wanted else known:
        if name.lower() in lower:
            return lower[name.lower()]
    return None


def _lacks(path: Path, what: str, what_en: str, table: Any) -> InvalidInput:
    have = ", ".join(str(c) for c in table.columns if c != "geometry") or "aucune"
    return InvalidInput(
        f"{path.name} n'a pas de colonne {what} ; colonnes trouvées : {have}.",
        f"{path.name} has no {what_en} column; columns found: {have}.",
    )


def read_shorelines(path: Path, date: str | None = None) -> Any:
    """Dated shorelines.

    Parameters
    ----------
    path : Path
        Lines with a date column (``date``, ``datetime_utc`` …).
    date : str, optional
        Name of that column.

    Returns
    -------
    GeoDataFrame
        ``date`` (UTC), what else the file says, lines.

    Raises
    ------
    InvalidInput
        If there is no date column, a line is undated, or dates are mixed or unreadable.
    """
    with reading(path):
        return _shorelines(path, date)


def _shorelines(path: Path, date: str | None) -> Any:
    table = read_layer(path)
    column = _column(table, date, DATE_COLUMNS)
    if column is None:
        raise _lacks(path, date or "date (trait de côte non daté)", date or "date", table)
    table = table[table.geometry.notna() & ~table.geometry.is_empty].reset_index(drop=True)
    dates = parse_dates(table[column], path.name)
    return table.drop(columns=column).assign(date=dates)


def read_transects(path: Path, name: str | None = None) -> Any:
    """Transects, from land to sea, with unique names.

    Returns
    -------
    GeoDataFrame
        ``transect`` (text; numbered from 1 where the file names none) and lines.

    Raises
    ------
    InvalidInput
        If two share a name.
    """
    with reading(path):
        return _transects(path, name)


def _transects(path: Path, name: str | None) -> Any:
    table = read_layer(path)
    column = _column(table, name, NAME_COLUMNS)
    if column is None and name:
        raise _lacks(path, name, name, table)
    out = table[[table.geometry.name]]
    if out.geometry.name != "geometry":
        out = out.rename_geometry("geometry")
    number = pd.Series(np.arange(1, len(table) + 1), index=table.index)
    names = _as_text(table[column] if column else number)
    twice = names[names.duplicated()]
    if len(twice):
        raise InvalidInput(
            f"{path.name} : plusieurs transects s'appellent « {twice.iloc[0]} » ; donnez à chacun "
            "un nom.",
            f"{path.name}: several transects are called '{twice.iloc[0]}'; give each its name.",
        )
    return out.assign(transect=names)


def _as_text(values: pd.Series) -> pd.Series:
    """Names as text; whole numbers without a decimal point."""
    if pd.api.types.is_float_dtype(values) and (values.dropna() % 1 == 0).all():
        values = values.astype("Int64")
    return values.astype(str)


def read_positions(path: Path) -> pd.DataFrame:
    """A table of positions: ``transect, date, distance_m``, and ``series``, ``sigma_m`` if any.

    Raises
    ------
    InvalidInput
        If it is no CSV or Parquet, lacks a column, or a date or a distance cannot be read.
    """
    with reading(path):
        return _positions(path)


def _positions(path: Path) -> pd.DataFrame:
    if not path.exists():
        raise InvalidInput(f"Le fichier {path} n'existe pas.", f"File {path} does not exist.")
    suffix = path.suffix.lower()
    if suffix not in _TABLES:
        raise InvalidInput(
            f"« {path.name} » : donnez un tableau .csv ou .parquet.",
            f"'{path.name}': give a .csv or .parquet table.",
        )
    try:
        table = pd.read_parquet(path) if suffix == ".parquet" else read_csv(path)
    except (OSError, ValueError, pd.errors.ParserError) as error:
        raise InvalidInput(
            f"{path.name} ne se lit pas comme un tableau : {error}.",
            f"{path.name} cannot be read as a table: {error}.",
        ) from error
    table.columns = [str(c).strip().lower() for c in table.columns]
    for name in ("transect", "date", "distance_m"):
        if name not in table.columns:
            raise _lacks(path, name, name, table)
    if not len(table):
        raise InvalidInput(f"{path.name} est vide.", f"{path.name} is empty.")
    out = pd.DataFrame(
        {"transect": _as_text(table["transect"]), "date": parse_dates(table["date"], path.name)}
    )
    for name in ("distance_m", "sigma_m"):
        if name in table.columns:
            out[name] = numbers(table[name], name, path.name)
    if "series" in table.columns:
        out["series"] = table["series"].astype(str).to_numpy()
    return out


def read_csv(path: Path) -> pd.DataFrame:
    """A CSV as text, whatever its separator: spreadsheets in French write semicolons."""
    with path.open(encoding="utf-8-sig") as file:
        head = file.readline()
    separator = max(",;\t", key=head.count)
    return pd.read_csv(path, sep=separator, dtype=str, encoding="utf-8-sig")


def numbers(column: pd.Series, name: str, where: str) -> Any:
    """Figures; empty is none, and a decimal comma is one."""
    text = column
    if not pd.api.types.is_numeric_dtype(column):
        text = column.astype("string").str.strip().str.replace(",", ".", regex=False)
        text = text.mask(text == "")
    figures = pd.to_numeric(text, errors="coerce")
    bad = figures.isna() & text.notna()
    if bad.any():
        raise InvalidInput(
            f"{where} : « {column[bad].iloc[0]} » n'est pas un nombre (colonne {name}, ligne "
            f"{int(np.flatnonzero(bad)[0]) + 2}).",
            f"{where}: '{column[bad].iloc[0]}' is no number (column {name}, line "
            f"{int(np.flatnonzero(bad)[0]) + 2}).",
        )
    return figures.to_numpy(float, na_value=np.nan)


def check_output(path: Path, layer: bool) -> None:
    """Say what is wrong with the output before any work is done."""
    allowed = tuple(_DRIVERS) if layer else _TABLES
    if path.suffix.lower() not in allowed:
        raise InvalidInput(
            f"« {path.name} » : écrivez un fichier {', '.join(allowed)}.",
            f"'{path.name}': write one of {', '.join(allowed)}.",
        )
    if not path.parent.is_dir():
        raise InvalidInput(
            f"Le dossier {path.parent} n'existe pas.", f"Folder {path.parent} does not exist."
        )


def _beside(path: Path, write: Callable[[Path], Any]) -> None:
    """Write in a folder beside, then move: a stopped run leaves nothing half written."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".eo-") as folder:
        write(Path(folder) / path.name)
        # A shapefile is several files: the one that is named comes last.
        for part in sorted(Path(folder).iterdir(), key=lambda p: p.name == path.name):
            part.replace(path.with_name(part.name))


def write_table(table: pd.DataFrame, path: Path) -> None:
    """A table as its suffix says; dates in ISO, days where no time is known."""
    plain = table.copy()
    for name in plain.columns:
        if pd.api.types.is_datetime64_any_dtype(plain[name]):
            known = plain[name].dropna()
            days = bool((known == known.dt.normalize()).all()) or name in ("first", "last")
            plain[name] = plain[name].dt.strftime("%Y-%m-%d" if days else "%Y-%m-%dT%H:%M:%SZ")
    if path.suffix.lower() == ".csv":
        _beside(path, lambda part: plain.to_csv(part, index=False))
    else:
        _beside(path, lambda part: table.to_parquet(part, index=False))


def write_layer(frame: Any, path: Path) -> None:
    """A layer as its suffix says; GeoJSON in degrees, as its standard (RFC 7946) wants."""
    driver = _DRIVERS[path.suffix.lower()]
    if driver is None:
        _beside(path, lambda part: frame.to_parquet(part))
    elif driver == "GeoJSON":
        _beside(path, lambda part: frame.to_crs("EPSG:4326").to_file(part, driver=driver))
    else:
        _beside(path, lambda part: frame.to_file(part, driver=driver))
