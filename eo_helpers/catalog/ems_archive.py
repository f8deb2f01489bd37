"""What a Copernicus EMS Rapid Mapping archive says of itself besides its shapes.

``EMSR<nnn>_AOI<nn>_{DEL|GRA|FEP}_{PRODUCT|MONIT<nn>}_…``; a table ``source`` beside the shapes
lists the images with ``src_date`` (dd/mm/yyyy), ``source_tm`` (hh:mm) and ``eventphase``. The
columns are matched by meaning: producers and years differ.
"""

from __future__ import annotations

import re
from pathlib import Path

from . import archive

__all__ = ["activation", "image_date", "named_date"]

_TABLE = re.compile(r"source[a-z]?(_v\d+)?\.dbf$", re.IGNORECASE)
_DAY = re.compile(r"\b(?:(\d{2})[/.-](\d{2})[/.-](\d{4})|(\d{4})-?(\d{2})-?(\d{2}))\b")
_HOUR = re.compile(r"\b(\d{1,2})[:h](\d{2})")


def activation(path: Path) -> str:
    """Code of the activation in a file's name (``EMSR711``), empty where there is none."""
    found = re.search(r"EMSR\d+", path.name, re.IGNORECASE)
    return found[0].upper() if found else ""


def named_date(path: Path) -> str:
    """A day written in a file's name (ISO), empty where there is none."""
    found = re.search(r"(20\d{2})-?(\d{2})-?(\d{2})", path.stem)
    return "-".join(found.groups()) if found else ""


def image_date(path: Path) -> str | None:
    """When the image of the event was taken, from the archive's table of sources.

    Returns
    -------
    str or None
        ISO instant (UTC); of several images after the event the last. Else the day in the
        file's name, at midnight. None where nothing tells it.
    """
    tables = [n for n in archive.members(path) if _TABLE.search(n)]
    found = max((d for name in tables for d in _dates(path, name)), default=None)
    if found is None and named_date(path):
        found = f"{named_date(path)}T00:00:00Z"
    return found


def _dates(path: Path, name: str) -> list[str]:
    import pyogrio

    try:
        rows = pyogrio.read_dataframe(archive.vsizip(path, name), read_geometry=False)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError):
        return []  # the shapes are what is wanted; they say their own faults
    columns = {str(c).lower(): c for c in rows.columns}
    phase = next((c for low, c in columns.items() if "phase" in low), None)
    if phase is not None:
        after = rows[phase].astype(str).str.contains("post", case=False)
        rows = rows[after] if after.any() else rows
    day = next((c for low, c in columns.items() if "date" in low), None)
    hour = next((c for low, c in columns.items() if low in ("source_tm", "src_time", "time")), None)
    if day is None:
        return []
    out = []
    for _, row in rows.iterrows():
        written = _DAY.search(str(row[day]))
        if not written:
            continue
        dd, mm, yyyy, year, month, date = written.groups()
        at = _HOUR.search(str(row[hour])) if hour is not None else None
        clock = f"{int(at[1]):02d}:{at[2]}:00" if at else "00:00:00"
        out.append(f"{yyyy or year}-{mm or month}-{dd or date}T{clock}Z")
    return [d for d in out if _is_instant(d)]


def _is_instant(text: str) -> bool:
    import datetime as dt

    try:
        dt.datetime.fromisoformat(text)
    except ValueError:
        return False  # 31/02, or a month first: no date is better than a wrong one
    return True
