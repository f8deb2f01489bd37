"""Black Marble files in NASA's catalogue (CMR), through ``earthaccess`` where it is installed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

__all__ = ["catalogue", "rows_of"]

#: Collection 002, as the catalogue writes it.
VERSION = "2"


def catalogue() -> Any | None:
    """``earthaccess``, logged in with the person's own ``EARTHDATA_TOKEN``; None without it."""
    try:
        import earthaccess
    except ImportError:
        return None
    try:
        auth = earthaccess.login(strategy="environment")
    except Exception:  # noqa: BLE001 - its errors differ by version; the archive says what is wrong
        return None
    return earthaccess if auth is not None and auth.authenticated else None


def rows_of(
    earthaccess: Any, product: str, day: str, mark: str, tiles: Iterable[str]
) -> list[tuple[str, str, int]] | None:
    """Name, address and size in bytes of the files of one day.

    Parameters
    ----------
    earthaccess : module
        From :func:`catalogue`.
    product : str
    day : str
        ``YYYY-MM-DD``.
    mark : str
        The day as file names have it (``A2022032``): a search by time also finds the
        files of longer periods around it.
    tiles : iterable of str

    Returns
    -------
    list of tuple, or None
        None where the catalogue does not answer, or does not say how large a file is:
        the archive's own listing is taken then.
    """
    out = []
    for tile in tiles:
        try:
            granules = earthaccess.search_data(
                short_name=product, version=VERSION, temporal=(day, day), granule_name=f"*{tile}*"
            )
        except Exception:  # noqa: BLE001 - see `catalogue`
            return None
        for granule in granules:
            for link in granule.data_links(access="external"):
                name = Path(link).name
                if f".{mark}." not in name or f".{tile}." not in name or not _safe(link):
                    continue
                size = _size(granule, name)
                if size is None:
                    return None
                out.append((name, str(link), size))
    return out


def _safe(link: str) -> bool:
    """Whether the token may be sent there: NASA's own machines, or this one."""
    parts = urlsplit(link)
    host = parts.hostname or ""
    return (parts.scheme == "https" and host.endswith(".nasa.gov")) or host == "127.0.0.1"


def _size(granule: Any, name: str) -> int | None:
    about = granule["umm"].get("DataGranule", {}).get("ArchiveAndDistributionInformation", [])
    sizes = [a.get("SizeInBytes") for a in about if a.get("Name") == name or len(about) == 1]
    return int(sizes[0]) if sizes and sizes[0] else None
