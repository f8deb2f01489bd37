"""Cerema's climate zones: the archive of the urban area that a commune lies in (data.gouv.fr).

The data set is named by its lasting identifier. Archives say no commune: the head of
each shapefile (its box) and its ``.prj`` are read through HTTP ranges, a few kilobytes
an archive, once; then only the archive that meets the commune is fetched.
"""

from __future__ import annotations

import struct
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import InvalidInput, OutOfCoverage, Unreachable
from ...text import of_place
from .. import net
from ..cache import read_json, write_json
from ..download import download, is_dataset, is_zip, parsed
from ..ranged import RangeFile
from ..signatures import degrees
from ..store import Kept, now
from .provider import Progress, Provider, known_address

if TYPE_CHECKING:
    from ...territory.commune import Commune
    from ..store import Store

__all__ = ["DATASET", "PROVIDER", "areas", "resources"]

WHO = "data.gouv.fr"
DATASET = "6641c562e5acdb35c0e6051d"
#: Days after which the list of areas is asked again: editions come each summer.
FRESH_DAYS = 30.0
_PAGE = 50
_MOST_PAGES = 20
#: An archive is 20 to 230 MB.
_LIMIT = 1_000_000_000


def resources(policy: net.Policy | None = None) -> list[dict[str, str]]:
    """Zip archives of the data set: ``id, title, modified``, by title.

    Raises
    ------
    Offline, Unreachable
    """
    url = f"{known_address('DATAGOUV')}/api/2/datasets/{DATASET}/resources/"
    rows: list[dict[str, Any]] = []
    with net.session() as session:
        for page in range(1, _MOST_PAGES + 1):
            asked = {"q": "", "page": page, "page_size": _PAGE}
            raw = net.ask(url, WHO, session_=session, params=asked, policy=policy)
            answer = parsed(raw, WHO, "data", "total")
            rows += answer["data"]
            if not answer["data"] or len(rows) >= int(answer["total"]):
                break
    found = [
        {
            "id": str(r["id"]),
            "title": str(r.get("title") or r["id"]),
            "modified": str(r.get("last_modified") or ""),
        }
        for r in rows
        if isinstance(r, dict) and "id" in r and _is_archive(r)
    ]
    if not found:
        raise Unreachable(
            f"{WHO} ne montre plus d'archive dans le jeu de données LCZ du Cerema ({DATASET}).",
            f"{WHO} shows no archive in Cerema's LCZ data set any more ({DATASET}).",
        )
    return sorted(found, key=lambda r: (r["title"], r["id"]))


def _is_archive(row: dict[str, Any]) -> bool:
    kind = str(row.get("format") or "").lower()
    return kind == "zip" or str(row.get("url") or "").lower().endswith(".zip")


def areas(
    progress: Progress | None = None, policy: net.Policy | None = None
) -> list[dict[str, Any]]:
    """Every archive with the box of its zones: ``id, title, modified, box`` (degrees).

    ``box`` is None where the archive does not tell. What was read is kept: a call that
    is interrupted goes on where it was.
    """
    listed = resources(policy)
    known: dict[str, Any] = read_json("online", f"lcz-areas/{DATASET}") or {}
    out = []
    for k, row in enumerate(listed):
        stamp = f"{row['id']}/{row['modified']}"
        if stamp not in known:
            if progress:
                progress("Emprises des zones climatiques", k / len(listed))
            known[stamp] = _box(_address(row["id"]), policy)
            write_json("online", f"lcz-areas/{DATASET}", known)
        out.append({**row, "box": known[stamp]})
    return out


def _address(identifier: str) -> str:
    return f"{known_address('DATAGOUV')}/api/1/datasets/r/{identifier}"


def _box(url: str, policy: net.Policy | None) -> list[float] | None:
    """Box in degrees of the first shapefile of a remote archive."""
    try:
        with RangeFile(url, WHO, policy=policy) as remote, zipfile.ZipFile(remote) as archive:
            names = sorted(n for n in archive.namelist() if n.lower().endswith(".shp"))
            if not names:
                return None
            with archive.open(names[0]) as file:
                head = file.read(100)
            prj = names[0][:-4] + ".prj"
            crs = ""
            if prj in archive.namelist():
                with archive.open(prj) as file:
                    crs = file.read(20_000).decode("latin-1")
    except (zipfile.BadZipFile, InvalidInput):
        return None
    if len(head) < 100 or struct.unpack(">i", head[:4])[0] != 9994:
        return None  # ESRI's mark of a shapefile
    found = degrees(struct.unpack("<4d", head[36:68]), crs or "EPSG:2154")
    return None if found is None else [round(float(v), 5) for v in found]


def _fetch(commune: Commune, store: Store, progress: Progress | None) -> list[Kept]:
    # An archive that is here and covers the commune needs no question to the provider.
    here = [k for k in store.all() if k.dataset == "lcz-cerema" and _covers(k.box, commune)]
    if here and max(k.age_days for k in here) < FRESH_DAYS:
        return here
    try:
        found = areas(progress)
    except Unreachable:
        if not here:
            raise
        return here  # an older copy serves; it carries its date
    met = [a for a in found if a["box"] and _meets(a["box"], commune)]
    if not met:
        raise OutOfCoverage(
            f"Le Cerema n'a pas de zones climatiques autour {of_place(commune.name)} : elles "
            "ne couvrent "
            "que les aires urbaines.",
            f"Cerema has no climate zones around {commune.name}: they cover urban areas only.",
        )
    # Boxes of neighbouring areas overlap: the one that holds the commune best comes first.
    met.sort(key=lambda a: (-_share(a["box"], commune), a["title"]))
    return [
        store.bring(f"lcz-cerema/{a['id']}/{a['modified']}", _maker(a, progress)) for a in met[:2]
    ]


def _maker(area: dict[str, Any], progress: Progress | None) -> Callable[[Path], Kept]:
    def make(folder: Path) -> Kept:
        url = _address(area["id"])
        name = _file_name(area["title"])
        got = download(
            url, folder / name, WHO, checks=[is_zip, is_dataset("lcz-cerema")], limit=_LIMIT,
            progress=progress, label=f"Zones climatiques, {area['title']}",
        )  # fmt: skip
        edition = f"{area['title']} ({area['modified'][:10]})" if area["modified"] else name
        west, south, east, north = area["box"]
        return Kept(
            "", "lcz-cerema", name, "", 0, net.shown(url), edition, "Licence Ouverte 2.0", now(),
            got.etag, got.modified, (west, south, east, north),
        )  # fmt: skip

    return make


def _file_name(title: str) -> str:
    """A title as a file name that every system takes."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    stem = "".join(c if c.isalnum() or c in "-_." else "_" for c in plain).strip("._")
    return (stem.removesuffix(".zip") or "LCZ")[:80] + ".zip"


def _meets(box: Any, commune: Commune) -> bool:
    return _share(box, commune) > 0


def _covers(box: Any, commune: Commune) -> bool:
    return box is not None and _share(box, commune) > 0.5


def _share(box: Any, commune: Commune) -> float:
    """Part of the commune in a box."""
    import shapely

    return float(commune.boundary.intersection(shapely.box(*box)).area / commune.boundary.area)


PROVIDER = Provider("lcz_cerema", "lcz-cerema", ("lcz",), _fetch)
