"""One commune at a time, or those of an EPCI: API Découpage administratif (geo.api.gouv.fr).

``/communes?nom=``, ``/communes/{code}``, ``/epcis/{code}/communes``; contours in
EPSG:4326, Licence Ouverte 2.0. Much quicker than the whole country's file when a person
wants one commune.
"""

from __future__ import annotations

import json
import re
from typing import Any

from ...errors import InvalidInput, NoData, UnknownCommune, Unreachable
from ...territory.commune import Commune, departement_of
from .. import net
from .provider import known_address

__all__ = ["WHO", "communes_of_epci", "find"]

WHO = "L'API Découpage administratif (geo.api.gouv.fr)"
_FIELDS = "nom,code,codesPostaux,population,codeEpci,codeDepartement,contour"
_CODE = re.compile(r"\d{5}|2[AB]\d{3}")
#: Arrondissements of Paris, Lyon and Marseille are another type of unit.
_ARRONDISSEMENT = re.compile(r"751\d\d|6938\d|132\d\d")


def find(query: str, policy: net.Policy | None = None) -> Commune:
    """The commune that a name or an INSEE code means.

    Raises
    ------
    UnknownCommune
        If none or several can be meant; ``suggestions`` holds the nearest.
    Unreachable
        If the service does not answer.
    """
    text = query.strip()
    policy = policy or net.Policy(attempts=3)  # a person waits
    base = known_address("GEO")
    if _CODE.fullmatch(text.upper()):
        return _by_code(base, text.upper(), policy)
    asked = {"nom": text, "fields": "nom,code,population", "boost": "population", "limit": 5}
    rows = _rows(net.ask(f"{base}/communes", WHO, params=asked, policy=policy))
    folded = _folded(text)
    same = [r for r in rows if _folded(str(r.get("nom", ""))) == folded]
    if len(same) == 1 or (same and _first_is_larger(same)) or (rows and len(rows) == 1):
        return _by_code(base, str((same or rows)[0]["code"]), policy)
    labels = tuple(f"{r.get('nom')} ({r.get('code')})" for r in rows)
    known = ", ".join(labels) or "aucune"
    raise UnknownCommune(
        f"« {query} » : aucune commune de ce nom exactement ; les plus proches : {known}. "
        "Donnez le code INSEE.",
        f"'{query}': no commune of exactly that name; the nearest: {known}. Give its INSEE code.",
        labels,
    )


def communes_of_epci(code: str, policy: net.Policy | None = None) -> list[Commune]:
    """Communes of an intercommunality (SIREN of nine figures), by code.

    Raises
    ------
    InvalidInput
        If the code is not one of an EPCI.
    NoData, Unreachable
    """
    if not re.fullmatch(r"\d{9}", code):
        raise InvalidInput(
            f"« {code} » n'est pas un code d'EPCI : neuf chiffres, par exemple 243500741.",
            f"'{code}' is not a code of an EPCI: nine figures, such as 243500741.",
        )
    url = f"{known_address('GEO')}/epcis/{code}/communes"
    asked = {"fields": _FIELDS, "geometry": "contour"}
    rows = _rows(net.ask(url, WHO, params=asked, policy=policy))
    return sorted((_commune(row) for row in rows), key=lambda c: c.insee)


def _by_code(base: str, code: str, policy: net.Policy | None) -> Commune:
    asked = {"fields": _FIELDS, "geometry": "contour"}
    if _ARRONDISSEMENT.fullmatch(code) and code not in ("75100", "13200"):
        asked["type"] = "arrondissement-municipal"
    try:
        raw = net.ask(f"{base}/communes/{code}", WHO, params=asked, policy=policy)
    except Unreachable:
        raise
    except NoData as error:
        raise UnknownCommune(
            f"Le code {code} n'est plus celui d'une commune : fusionnée dans une commune nouvelle, "
            "peut-être ; cherchez-la par son nom.",
            f"Code {code} is no commune's any more: perhaps merged into another; search its name.",
        ) from error
    return _commune(_rows(b"[" + raw + b"]")[0])


def _rows(raw: bytes) -> list[dict[str, Any]]:
    try:
        rows = json.loads(raw)
    except ValueError:
        rows = None
    if not isinstance(rows, list) or not all(isinstance(r, dict) and "code" in r for r in rows):
        raise Unreachable(
            f"{WHO} a répondu autre chose que des communes : réessayez plus tard.",
            f"{WHO} answered something else than communes: try again later.",
        )
    return rows


def _commune(row: dict[str, Any]) -> Commune:
    import shapely

    code = str(row["code"])
    try:
        boundary = shapely.make_valid(shapely.from_geojson(json.dumps(row["contour"])))
        if boundary.is_empty or not boundary.area:
            raise ValueError("empty")
    except (KeyError, ValueError, shapely.GEOSException) as error:
        raise Unreachable(
            f"{WHO} n'a pas donné le contour de la commune {code} : réessayez plus tard.",
            f"{WHO} gave no boundary of commune {code}: try again later.",
        ) from error
    people = row.get("population")
    return Commune(
        insee=code,
        name=str(row.get("nom") or code),
        departement=str(row.get("codeDepartement") or departement_of(code)),
        boundary=boundary,
        population=int(people) if isinstance(people, int | float) else None,
        postcodes=tuple(str(p) for p in row.get("codesPostaux") or ()),
        epci=str(row["codeEpci"]) if row.get("codeEpci") else None,
        source="online",
    )


def _folded(text: str) -> str:
    from ...territory.names import normalise

    return normalise(text)


def _first_is_larger(rows: list[dict[str, Any]]) -> bool:
    """Of communes of one name, the first is meant where all populations are known."""
    people = [r.get("population") for r in rows]
    return all(isinstance(p, int) for p in people) and people[0] == max(people)  # type: ignore[type-var]
