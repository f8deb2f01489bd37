"""Commune boundaries from Etalab's « contours administratifs » (IGN, INSEE).

Source: https://www.data.gouv.fr/datasets/contours-administratifs: one GeoJSON a year,
properties ``code, nom, departement, region, epci``, EPSG:4326, Licence Ouverte 2.0.
"""

from __future__ import annotations

import datetime as dt
import gzip
import tempfile
from collections.abc import Callable
from pathlib import Path

from ...errors import InvalidInput, NoData
from ..cache import cache_dir
from ..download import download
from ..net import Policy
from .provider import known_address

__all__ = ["contours", "copy_here"]

#: How simplified the boundaries are: 50 m is finer than any map of ours shows.
DETAIL = "50m"
WHO = "Le service Etalab"
#: Three years are tried: each may be absent, so none is waited for long.
POLICY = Policy(attempts=2)
#: A country has some 35,000 communes: a much shorter file is not it.
LEAST = 30_000
#: Days after which a copy is asked for again (communes merge on 1 January).
FRESH_DAYS = 180


def contours(progress: Callable[[str, float], None] | None = None) -> Path:
    """The boundaries of all communes as GeoParquet, in the cache.

    Returns
    -------
    Path
        A file that :class:`eo_helpers.territory.index.CommuneIndex` reads. An older copy
        is used when the provider cannot be reached.

    Raises
    ------
    NoData
        If there is no copy and the provider cannot be reached.
    InvalidInput
        If what was sent is not the communes of France.
    """
    from filelock import FileLock

    folder = cache_dir() / "online" / "communes"
    fresh, _ = _kept(folder)
    if fresh is not None:
        return fresh
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):  # another process may be fetching them
        fresh, old = _kept(folder)
        if fresh is not None:
            return fresh
        if progress:
            progress("Téléchargement des communes", 0.1)
        this_year = dt.datetime.now(tz=dt.UTC).year
        base = known_address("ETALAB")
        for year in (this_year, this_year - 1, this_year - 2):
            raw = _download(f"{base}/{year}/geojson/communes-{DETAIL}.geojson.gz")
            if raw is not None:
                path = _store(raw, folder / f"communes_{year}.parquet")
                if progress:
                    progress("Téléchargement des communes", 1.0)
                return path
        if old is not None:
            return old
    raise NoData(
        "Les limites des communes n'ont pas pu être téléchargées (service Etalab injoignable) : "
        "vérifiez le réseau, ou donnez un fichier de communes avec --data.",
        "Commune boundaries could not be downloaded (Etalab's service cannot be reached): "
        "check the network, or give a file of communes with --data.",
    )


def copy_here() -> Path | None:
    """The copy that is in the cache, whatever its age."""
    return _kept(cache_dir() / "online" / "communes")[1]


def _kept(folder: Path) -> tuple[Path | None, Path | None]:
    """The copy that is here if it is young enough, and whatever its age."""
    kept = sorted(folder.glob("communes_*.parquet"))
    if not kept:
        return None, None
    changed = dt.datetime.fromtimestamp(kept[-1].stat().st_mtime, tz=dt.UTC)
    young = (dt.datetime.now(tz=dt.UTC) - changed).days < FRESH_DAYS
    return (kept[-1] if young else None), kept[-1]


def _download(url: str) -> Path | None:
    """A file with what is at ``url``, or None where nothing answers there."""
    path = cache_dir() / "online" / "communes" / Path(url).name
    try:
        return download(
            url, path, WHO, limit=500_000_000, policy=POLICY, progress=None, label="Communes"
        ).path
    except NoData:
        return None
    except InvalidInput as error:
        raise _odd_answer() from error


def _store(raw: Path, path: Path) -> Path:
    """Check the answer, then keep it as GeoParquet with a box for each row."""
    try:
        return _converted(raw.read_bytes(), path)
    finally:
        raw.unlink(missing_ok=True)


def _converted(raw: bytes, path: Path) -> Path:
    import geopandas
    import pyogrio

    try:
        text = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
        with tempfile.TemporaryDirectory() as folder:
            plain = Path(folder) / "communes.geojson"
            plain.write_bytes(text)
            table = pyogrio.read_dataframe(plain)
    except (OSError, EOFError, pyogrio.errors.DataSourceError) as error:
        raise _odd_answer() from error
    if not isinstance(table, geopandas.GeoDataFrame) or not {"code", "nom"} <= set(table.columns):
        raise _odd_answer()
    if len(table) < LEAST:
        raise _odd_answer()
    table = table.rename(columns={"code": "insee", "nom": "name"}).sort_values("insee")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    table.to_parquet(
        part, index=False, compression="zstd", schema_version="1.1.0", write_covering_bbox=True,
        row_group_size=512,
    )  # fmt: skip
    part.replace(path)
    return path


def _odd_answer() -> InvalidInput:
    return InvalidInput(
        "Le service Etalab a répondu autre chose que les limites des communes : réessayez plus "
        "tard, ou donnez un fichier de communes avec --data.",
        "Etalab's service answered something else than commune boundaries: try again later, or "
        "give a file of communes with --data.",
    )
