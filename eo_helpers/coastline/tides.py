"""Water levels at the instants of images, from a table of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import InvalidInput
from .dates import parse_dates

__all__ = ["FARTHEST", "levels_at", "read_levels"]

#: Time to the nearest known level beyond which a level is not told: half a tide hides more.
FARTHEST = pd.Timedelta(minutes=60)


def read_levels(path: Path) -> pd.DataFrame:
    """A CSV of water levels: ``date`` (UTC) and ``level_m``, in any order.

    Raises
    ------
    InvalidInput
        If the file or one of its columns is missing, or a value cannot be read.
    """
    from .files import numbers, read_csv

    if not path.exists():
        raise InvalidInput(f"Le fichier {path} n'existe pas.", f"File {path} does not exist.")
    table = read_csv(path)
    table.columns = [c.strip().lower() for c in table.columns]
    missing = {"date", "level_m"} - set(table.columns)
    if missing:
        raise InvalidInput(
            f"{path.name} n'a pas de colonne {', '.join(sorted(missing))} (hauteurs d'eau : date, "
            "level_m).",
            f"{path.name} has no column {', '.join(sorted(missing))} (water levels: date, "
            "level_m).",
        )
    out = pd.DataFrame(
        {
            "date": parse_dates(table["date"], path.name),
            "level_m": numbers(table["level_m"], "level_m", path.name),
        }
    )
    return out.dropna().sort_values("date", ignore_index=True)


def levels_at(dates: Any, levels: pd.DataFrame) -> NDArray[np.float64]:
    """Level at each date, between the two nearest known ones.

    Parameters
    ----------
    dates : Series of datetime (UTC)
    levels : DataFrame
        ``date`` sorted, ``level_m``.

    Returns
    -------
    float array
        Metres, in the datum of ``levels``.

    Raises
    ------
    InvalidInput
        If a date is farther than :data:`FARTHEST` from every known level.
    """
    when = pd.DatetimeIndex(dates).as_unit("ns").asi8.astype(float)
    known = pd.DatetimeIndex(levels["date"]).as_unit("ns").asi8.astype(float)
    if not len(known):
        raise InvalidInput("Le tableau de hauteurs d'eau est vide.", "No water level is given.")
    after = np.clip(np.searchsorted(known, when), 0, len(known) - 1)
    before = np.clip(after - 1, 0, None)
    gap = np.minimum(np.abs(known[after] - when), np.abs(known[before] - when))
    far = gap > FARTHEST.value
    if far.any():
        first = pd.Timestamp(int(when[far][0])).strftime("%Y-%m-%d %H:%M")
        raise InvalidInput(
            f"Aucune hauteur d'eau à moins d'une heure de {first} (UTC), ni de "
            f"{int(far.sum()) - 1} autres positions : complétez le tableau.",
            f"No water level within an hour of {first} (UTC), nor of {int(far.sum()) - 1} other "
            "positions: complete the table.",
        )
    return np.interp(when, known, levels["level_m"].to_numpy(float))
