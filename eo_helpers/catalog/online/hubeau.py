"""River gauges near a commune and their daily flow: Hub'Eau, API Hydrométrie v2.

``referentiel/stations`` and ``obs_elab``/``observations_tr``; pages follow ``next``, and an answer
of several pages is 206 rather than 200. Heights in mm, flows in l/s as the provider
gives them; kept in metres and m³/s. Licence Ouverte 2.0.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import NoData, Unreachable
from .. import net
from ..download import parsed
from ..store import Kept, now
from .georisques import write_rows
from .provider import Progress, Provider, around, known_address

if TYPE_CHECKING:
    from ...territory.commune import Commune
    from ..store import Store

__all__ = ["PROVIDER", "highest", "observations", "stations"]

WHO = "Hub'Eau"
#: Gauges within so many metres of the commune's box: rivers do not end at its border.
NEAR = 5_000.0
#: Stations change a few times a year, heights every few minutes.
STATIONS_DAYS, OBSERVATIONS_DAYS = 30.0, 0.04
_PAGE = 5_000
_MOST_PAGES = 40
#: Units of the provider in ours: mm → m, l/s → m³/s.
_THOUSANDTH = 1e-3
_COLUMNS = ("code_station", "date_obs", "grandeur_hydro", "resultat_obs", "unit")


def _pages(url: str, asked: dict[str, Any], policy: net.Policy | None) -> list[dict[str, Any]]:
    """Rows of every page. ``next`` is only followed on the same service."""
    rows: list[dict[str, Any]] = []
    params: dict[str, Any] | None = {**asked, "format": "json", "size": _PAGE}
    with net.session() as session:
        for _ in range(_MOST_PAGES):
            raw = net.ask(url, WHO, session_=session, params=params, policy=policy)
            answer = parsed(raw, WHO, "data")
            rows += answer["data"]
            if not answer.get("next"):
                return rows
            following = str(answer["next"])
            # The service writes its own address, at times in http: the path is what counts.
            url, params = url.split("?")[0] + "?" + following.partition("?")[2], None
    raise Unreachable(
        f"{WHO} donne plus de {_MOST_PAGES} pages : réduisez la période demandée.",
        f"{WHO} gives more than {_MOST_PAGES} pages: ask for a shorter period.",
    )


def stations(
    box: tuple[float, float, float, float], policy: net.Policy | None = None
) -> list[dict[str, Any]]:
    """Stations of a box (degrees), as GeoJSON features, by code.

    Raises
    ------
    Offline, Unreachable
    """
    url = f"{known_address('HUBEAU')}/referentiel/stations"
    out = []
    for row in _pages(url, {"bbox": ",".join(f"{v:.4f}" for v in box)}, policy):
        if not {"code_station", "longitude_station", "latitude_station"} <= set(row):
            raise Unreachable(
                f"{WHO} a changé sa réponse : une station n'a plus de code ou de position.",
                f"{WHO} changed its answer: a station has no code or position any more.",
            )
        if row["longitude_station"] is None or row["latitude_station"] is None:
            continue  # a station without a place cannot be near the commune
        point = [float(row["longitude_station"]), float(row["latitude_station"])]
        kept = ("code_station", "libelle_station", "libelle_cours_eau", "en_service",
                "date_ouverture_station", "date_fermeture_station")  # fmt: skip
        out.append(
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": point},
                "properties": {name: row.get(name) for name in kept},
            }
        )
    return sorted(out, key=lambda f: str(f["properties"]["code_station"]))


def observations(codes: list[str], policy: net.Policy | None = None) -> list[dict[str, Any]]:
    """Heights (m) and flows (m³/s) of the last month at some stations, by station and time.

    Raises
    ------
    Offline, Unreachable
    """
    url = f"{known_address('HUBEAU')}/observations_tr"
    out = []
    for code in codes:
        for row in _pages(url, {"code_entite": code, "timestep": 60}, policy):
            kind, value = row.get("grandeur_hydro"), row.get("resultat_obs")
            if kind not in ("H", "Q") or value is None or not row.get("date_obs"):
                continue  # other quantities, or a gap of the sensor
            out.append(
                {
                    "code_station": code,
                    "date_obs": row["date_obs"],
                    "grandeur_hydro": kind,
                    "resultat_obs": round(float(value) * _THOUSANDTH, 4),
                    "unit": "m" if kind == "H" else "m3/s",
                }
            )
    keys = ("code_station", "grandeur_hydro", "date_obs")
    return sorted(out, key=lambda r: tuple(str(r[k]) for k in keys))


def highest(codes: list[str], policy: net.Policy | None = None) -> list[dict[str, Any]]:
    """Highest instantaneous level of each month (``HIXM``), as the provider gives it, mm.

    Raises
    ------
    Offline, Unreachable
    """
    url = f"{known_address('HUBEAU')}/obs_elab"
    kept = ("code_station", "date_obs_elab", "resultat_obs_elab", "grandeur_hydro_elab",
            "code_qualification", "libelle_qualification")  # fmt: skip
    out = []
    for code in codes:
        rows = _pages(url, {"code_entite": code, "grandeur_hydro_elab": "HIXM"}, policy)
        out += [{name: row.get(name) for name in kept} for row in rows]
    return sorted(out, key=lambda r: (str(r["code_station"]), str(r["date_obs_elab"])))


def _fetch(commune: Commune, store: Store, progress: Progress | None) -> list[Kept]:
    base = known_address("HUBEAU")
    box = around(commune, NEAR)

    def kept(name: str, path: str) -> Kept:
        return Kept("", "hydrometry", name, "", 0, net.shown(f"{base}/{path}"),
                    "au jour de la lecture", "Licence Ouverte 2.0", now(), box=box)  # fmt: skip

    def make_stations(folder: Path) -> Kept:
        name = f"stations_{commune.insee}.geojson"
        found = {"type": "FeatureCollection", "features": stations(box)}
        if not found["features"]:
            raise NoData(
                f"{WHO} n'a pas de station hydrométrique à moins de {NEAR / 1000:.0f} km de "
                f"{commune.name}.",
                f"{WHO} has no gauge within {NEAR / 1000:.0f} km of {commune.name}.",
            )
        (folder / name).write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")
        return kept(name, "referentiel/stations")

    first = store.bring(f"hydrometry/stations/{commune.insee}", make_stations, STATIONS_DAYS)
    features = json.loads(store.path(first).read_text(encoding="utf-8"))["features"]
    live = [f["properties"] for f in features if f["properties"].get("en_service") is not False]

    def make_observations(folder: Path) -> Kept:
        name = f"observations_{commune.insee}.csv"
        rows = observations([str(s["code_station"]) for s in live])
        write_rows(folder / name, _COLUMNS, rows)
        return kept(name, "observations_tr")

    def make_highest(folder: Path) -> Kept:
        name = f"hixm_{commune.insee}.json"
        rows = highest([str(f["properties"]["code_station"]) for f in features])
        text = json.dumps({"count": len(rows), "data": rows}, ensure_ascii=False)
        (folder / name).write_text(text, encoding="utf-8")
        return kept(name, "obs_elab")

    key = f"hydrometry/{{}}/{commune.insee}"
    return [
        first,
        store.bring(key.format("observations"), make_observations, OBSERVATIONS_DAYS),
        store.bring(key.format("highest"), make_highest, STATIONS_DAYS),
    ]


PROVIDER = Provider("hubeau", "hydrometry", ("flood",), _fetch)
