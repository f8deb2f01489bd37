"""Black Marble files from NASA's LAADS archive: resumed, verified, moved when whole."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from ..catalog import net
from ..catalog.download import download as fetched
from ..errors import InvalidInput, Unreachable
from ..territory.commune import Commune
from ._hdfeos import PERIODS, open_tile
from ._search_online import catalogue, rows_of
from .weights import TILE_DEGREES

__all__ = ["ARCHIVE", "TOKEN", "download", "tiles_of"]

#: Collection 002 is archive set 5200.
ARCHIVE = "https://ladsweb.modaps.eosdis.nasa.gov/archive/allData/5200"
#: Environment variable of the person's own Earthdata token; never written anywhere.
TOKEN = "EARTHDATA_TOKEN"
TIMEOUT = 60.0
#: The archive is slow to wake.
POLICY = net.Policy(read=TIMEOUT)


def tiles_of(commune: Commune) -> list[str]:
    """Names of the tiles that a commune lies in: ``h18v04``."""
    west, south, east, north = commune.bounds
    size = TILE_DEGREES
    columns = range(int((west + 180) // size), int((east + 180) // size) + 1)
    rows = range(int((90 - north) // size), int((90 - south) // size) + 1)
    return [f"h{h:02d}v{v:02d}" for v in rows for h in columns]


def download(
    dates: Iterable[str],
    tiles: Iterable[str],
    folder: Path,
    *,
    product: str = "VNP46A3",
    archive: str = ARCHIVE,
    progress: Callable[[str, float], None] | None = None,
) -> list[Path]:
    """Fetch tiles that are not in the folder yet.

    Parameters
    ----------
    dates : iterable of str
        First days (``2022-11`` or ``2022-11-01``).
    tiles : iterable of str
        As :func:`tiles_of` gives them.
    folder : Path
        Where the files go. A file that was cut is gone on with (HTTP Range).
    product : str
        One of the Black Marble products that :mod:`data` reads.
    archive : str
        Root of the archive. NASA's own is searched through its catalogue where
        ``earthaccess`` is installed, and by its listings otherwise.

    Returns
    -------
    list of Path
        The files of these dates and tiles that are in the folder now. A date that the
        archive does not hold has none.

    Raises
    ------
    InvalidInput
        If there is no token, it is refused, or a file is not what was announced.
    NoData
        If the archive cannot be reached.
    """
    if product not in PERIODS:
        raise InvalidInput(
            f"Le produit « {product} » n'est pas connu ; connus : {', '.join(PERIODS)}.",
            f"Product '{product}' is not known; known: {', '.join(PERIODS)}.",
        )
    token = os.environ.get(TOKEN, "").strip()
    if not token:
        raise InvalidInput(
            f"Le téléchargement demande votre jeton Earthdata : mettez-le dans {TOKEN} "
            "(urs.earthdata.nasa.gov, gratuit).",
            f"A download needs your Earthdata token: put it in {TOKEN} "
            "(urs.earthdata.nasa.gov, free).",
        )
    folder.mkdir(parents=True, exist_ok=True)
    net.allow(archive)  # earthaccess asks the network by itself
    search = catalogue() if archive == ARCHIVE else None
    wanted, days = list(tiles), [np.datetime64(d, "D") for d in dates]
    found: list[Path] = []
    with net.session() as session:
        session.headers["Authorization"] = f"Bearer {token}"
        for k, day in enumerate(days):
            if progress:
                progress(f"Téléchargement {day}", k / len(days))
            year = int(str(day)[:4])
            number = int((day - np.datetime64(str(year), "D")).astype(int)) + 1
            mark = f"A{year}{number:03d}"
            rows = rows_of(search, product, str(day), mark, wanted) if search else None
            if not rows:
                place = f"{archive}/{product}/{year}/{number:03d}"
                rows = [
                    (name, f"{place}/{name}", size)
                    for name, size in _listing(session, f"{place}.json")
                    if any(f".{tile}." in name for tile in wanted)
                ]
            found += [_fetch(token, url, folder / name, size) for name, url, size in rows]
    return found


def _get(session: Any, url: str, **options: Any) -> Any:
    import requests

    try:
        answer = session.get(url, timeout=TIMEOUT, **options)
    except requests.RequestException as error:
        raise Unreachable(
            "L'archive de la NASA (LAADS) est injoignable : réessayez plus tard, ce qui est déjà "
            "téléchargé reste.",
            "NASA's archive (LAADS) cannot be reached: try again later, what was downloaded stays.",
        ) from error
    if answer.status_code in (401, 403):
        raise InvalidInput(
            f"La NASA refuse le jeton de {TOKEN} : il est faux ou périmé.",
            f"NASA refuses the token of {TOKEN}: it is wrong or out of date.",
        )
    return answer


def _listing(session: Any, url: str) -> list[tuple[str, int]]:
    """Names and sizes of the files of a day; none if the archive has no such day."""
    answer = _get(session, url)
    if answer.status_code == 404:
        return []
    try:
        answer.raise_for_status()
        content = answer.json()
        rows = content.get("content", []) if isinstance(content, dict) else content
        return [(Path(str(r["name"])).name, int(r["size"])) for r in rows]
    except Exception as error:
        raise Unreachable(
            f"L'archive de la NASA n'a pas répondu comme attendu ({answer.status_code}).",
            f"NASA's archive did not answer as expected ({answer.status_code}).",
        ) from error


def _fetch(token: str, url: str, path: Path, size: int) -> Path:
    """One file, gone on with where it was cut, checked, then moved into place."""
    if path.exists() and path.stat().st_size == size:
        return path

    def is_tile(part: Path) -> None:
        with open_tile(part):
            return

    # A name holds the day on which the file was made: its content never changes.
    got = fetched(
        url, path, "L'archive de la NASA (LAADS)", checks=[is_tile], size=size, immutable=True,
        headers={"Authorization": f"Bearer {token}"}, policy=POLICY,
    )  # fmt: skip
    return got.path
