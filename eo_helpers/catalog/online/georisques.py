"""Decrees of natural disaster of a commune: Géorisques, API GASPAR CatNat.

``gaspar/catnat?code_insee=&page=&page_size=`` → ``{results, page, total_pages, data}``,
dates dd/mm/yyyy, Licence Ouverte 2.0. Kept as a CSV with ISO dates.
"""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import Unreachable
from .. import net
from ..download import parsed
from ..store import Kept, now
from .provider import Progress, Provider, known_address

if TYPE_CHECKING:
    from ...territory.commune import Commune
    from ..store import Store

__all__ = ["COLUMNS", "PROVIDER", "decrees"]

WHO = "Géorisques"
#: Columns of the file that is kept; all are the provider's.
COLUMNS = (
    "code_national_catnat", "date_debut_evt", "date_fin_evt", "date_publication_arrete",
    "libelle_risque_jo", "code_insee", "libelle_commune",
)  # fmt: skip
_PAGE = 100
#: No commune has so many decrees: a service that never ends is left.
_MOST_PAGES = 50
#: A decree may come any day.
FRESH_DAYS = 7.0


def decrees(insee: str, policy: net.Policy | None = None) -> list[dict[str, str]]:
    """Every decree of a commune, oldest first, dates in ISO.

    Raises
    ------
    Offline, Unreachable
    """
    url = f"{known_address('GEORISQUES')}/gaspar/catnat"
    rows: dict[tuple[str, ...], dict[str, str]] = {}
    page = total = 1
    with net.session() as session:
        while page <= min(total, _MOST_PAGES):
            asked = {"code_insee": insee, "page": page, "page_size": _PAGE}
            raw = net.ask(url, WHO, session_=session, params=asked, policy=policy)
            answer = parsed(raw, WHO, "data", "total_pages")
            total = int(answer["total_pages"] or 0)
            for row in answer["data"]:
                read = _row(row)
                rows[tuple(read.values())] = read  # a page that shifts repeats rows
            page += 1
    if total > _MOST_PAGES:
        raise _odd("total_pages")
    return sorted(rows.values(), key=lambda r: (r["date_debut_evt"], r["code_national_catnat"]))


def _row(row: Any) -> dict[str, str]:
    missing = [c for c in COLUMNS if not isinstance(row, dict) or c not in row]
    if missing:
        raise _odd(missing[0])
    out = {c: str(row[c] or "").strip() for c in COLUMNS}
    for column in ("date_debut_evt", "date_fin_evt", "date_publication_arrete"):
        if out[column]:
            try:
                day = dt.datetime.strptime(out[column], "%d/%m/%Y").date()
            except ValueError:
                raise _odd(column) from None
            out[column] = day.isoformat()
    return out


def _odd(column: str) -> Unreachable:
    return Unreachable(
        f"{WHO} a changé sa réponse : « {column} » n'est plus ce qu'il était ; signalez-le.",
        f"{WHO} changed its answer: '{column}' is not what it was; please report it.",
    )


def write_rows(path: Path, columns: tuple[str, ...], rows: list[dict[str, Any]]) -> None:
    """A CSV in UTF-8, one row a record."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def _fetch(commune: Commune, store: Store, progress: Progress | None) -> list[Kept]:
    def make(folder: Path) -> Kept:
        name = f"catnat_{commune.insee}.csv"
        write_rows(folder / name, COLUMNS, list(decrees(commune.insee)))
        return Kept(
            "", "catnat", name, "", 0, net.shown(f"{known_address('GEORISQUES')}/gaspar/catnat"),
            "au jour de la lecture", "Licence Ouverte 2.0", now(), box=commune.bounds,
        )  # fmt: skip

    return [store.bring(f"catnat/{commune.insee}", make, FRESH_DAYS)]


PROVIDER = Provider("georisques", "catnat", ("flood",), _fetch)
