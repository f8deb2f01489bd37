"""One's own radiance series, from a table (CSV or Parquet)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import InvalidInput
from .changes import Assessment, Step, assess, regular_axis

__all__ = ["assess_table", "read_table"]

#: Columns that are read where they are there.
OPTIONAL = ("std", "nights", "std_error", "outer")
#: Radiance outside of this is a fill value that was left in, not a light.
LEAST, MOST = -10.0, 20_000.0


def read_table(path: Path) -> pd.DataFrame:
    """Read and check a table of radiance series.

    Parameters
    ----------
    path : Path
        CSV (a comma or a semicolon between columns) or Parquet, as ``lighting series``
        writes either. Columns ``id``, ``date`` (ISO), ``radiance`` (nW·cm⁻²·sr⁻¹, empty for
        a gap); optionally ``std`` (of the nights) and ``nights``, or ``std_error`` (of the
        value), and ``outer`` (the part of ``radiance`` that comes from without), all in the
        unit of ``radiance``.

    Returns
    -------
    pandas.DataFrame
        ``id`` as text, ``date`` as datetime64, the others as numbers. A value with
        no night is a gap.

    Raises
    ------
    InvalidInput
        If the file is missing or empty, a column is missing, a date or a number
        cannot be read, a date is given twice, or a fill value was left in.
    """
    try:
        table = _open(path)
    except FileNotFoundError:
        raise InvalidInput(
            f"Le fichier « {path} » n'existe pas.", f"There is no file '{path}'."
        ) from None
    except (OSError, ValueError) as error:  # unreadable, not UTF-8, no table, not Parquet
        raise InvalidInput(
            f"« {path.name} » n'est pas un CSV lisible (UTF-8, colonnes id, date, radiance), ni "
            "un fichier Parquet.",
            f"'{path.name}' is no readable CSV (UTF-8, columns id, date, radiance), nor Parquet.",
        ) from error
    table.columns = [str(c).strip().lower() for c in table.columns]
    lacking = [c for c in ("id", "date", "radiance") if c not in table.columns]
    if lacking:
        raise InvalidInput(
            f"« {path.name} » : colonne {', '.join(lacking)} absente. "
            "Attendu : id, date, radiance (et, si vous les avez, std et nights, ou std_error).",
            f"'{path.name}': column {', '.join(lacking)} is missing. "
            "Expected: id, date, radiance (and std, nights or std_error if you have them).",
        )
    if table.empty:
        raise InvalidInput(
            f"« {path.name} » ne contient aucune ligne.", f"'{path.name}' holds no row."
        )
    return _check(table, path.name)


def _open(path: Path) -> pd.DataFrame:
    if path.suffix.lower() in (".parquet", ".geoparquet"):
        import pyarrow.parquet as parquet

        schema = [name for name in parquet.read_schema(path).names if name != "geometry"]
        table = pd.read_parquet(path, columns=schema)
        for column in table.columns.intersection(["id"]):
            table[column] = table[column].astype("string").astype(object)
        return table
    with path.open(encoding="utf-8-sig") as file:
        first = file.readline()
    separator = ";" if first.count(";") > first.count(",") else ","
    decimal = "," if separator == ";" else "."
    return pd.read_csv(
        path, sep=separator, decimal=decimal, dtype={"id": str}, encoding="utf-8-sig"
    )


def _check(table: pd.DataFrame, name: str) -> pd.DataFrame:
    dates = pd.to_datetime(table["date"].astype(str), format="ISO8601", errors="coerce")
    if dates.isna().any() or table["id"].isna().any():
        line = int(np.argmax((dates.isna() | table["id"].isna()).to_numpy())) + 2
        raise InvalidInput(
            f"« {name} », ligne {line} : id vide ou date illisible ; écrivez par exemple "
            "2022-11 ou 2022-11-01.",
            f"'{name}', line {line}: empty id or unreadable date; write 2022-11 or 2022-11-01.",
        )
    out = pd.DataFrame({"id": table["id"].str.strip(), "date": dates.dt.tz_localize(None)})
    for column in ("radiance", *OPTIONAL):
        if column not in table:
            continue
        number = pd.to_numeric(table[column], errors="coerce")
        wrong = number.isna() & table[column].notna()
        if column == "radiance":
            wrong |= (number < LEAST) | (number > MOST)
        if wrong.any():
            line = int(np.argmax(wrong.to_numpy()))
            raise InvalidInput(
                f"« {name} », ligne {line + 2} : {column} = « {table[column].iloc[line]} » n'est "
                "pas une mesure ; laissez la case vide pour un mois sans mesure.",
                f"'{name}', line {line + 2}: {column} = '{table[column].iloc[line]}' is no "
                "measurement; leave the field empty for a month without one.",
            )
        out[column] = number.replace([np.inf, -np.inf], np.nan)
    if out.duplicated(["id", "date"]).any():
        row = out[out.duplicated(["id", "date"])].iloc[0]
        raise InvalidInput(
            f"« {name} » : la série {row['id']} a deux valeurs pour le {row['date']:%Y-%m-%d}.",
            f"'{name}': series {row['id']} has two values for {row['date']:%Y-%m-%d}.",
        )
    if "nights" in out:
        out.loc[out["nights"] <= 0, "radiance"] = np.nan
    return out


def assess_table(table: pd.DataFrame) -> dict[str, Assessment]:
    """Assess every series of a table as :func:`read_table` gives it, in its order."""
    axes = {
        str(name): regular_axis(pd.DatetimeIndex(part["date"]))
        for name, part in table.groupby("id", sort=False)
    }
    monthly = [name for name, (_, step) in axes.items() if step == "month"]
    batches = ([monthly] if monthly else []) + [
        [name] for name, (_, step) in axes.items() if step == "day"
    ]
    found: dict[str, Assessment] = {}
    for batch in batches:
        step: Step = axes[batch[0]][1]
        part = table[table["id"].isin(set(batch))]
        first = min(axes[name][0][0] for name in batch)
        last = max(axes[name][0][-1] for name in batch)
        # One axis for all: a series that begins later begins with a gap.
        axis = pd.date_range(first, last, freq="MS" if step == "month" else "D")
        dates = part["date"].dt.to_period("M" if step == "month" else "D").dt.to_timestamp()
        row = pd.Index(batch).get_indexer(pd.Index(part["id"]))
        col = axis.get_indexer(pd.DatetimeIndex(dates))
        values = np.full((len(batch), len(axis)), np.nan)
        values[row, col] = part["radiance"].to_numpy(float)
        error = None
        if "std_error" in part or {"std", "nights"} <= set(part.columns):
            error = np.zeros_like(values)
            error[row, col] = _standard_error(part).fillna(0).to_numpy(float)
        outer = None
        if "outer" in part:
            outer = np.full_like(values, np.nan)
            outer[row, col] = part["outer"].to_numpy(float)
        found.update(zip(batch, assess(axis, step, values, error, outer=outer), strict=True))
    return {name: found[name] for name in axes}


def _standard_error(part: pd.DataFrame) -> pd.Series:
    if "std_error" in part:
        return part["std_error"]
    return part["std"] / np.sqrt(part["nights"].clip(lower=1))
