"""National indicator of coastal erosion (Cerema, Géolittoral): WFS or zipped shapefile.

``EO_HELPERS_URL_INEC`` names the WFS (typename ``ms:n_evolution_trait_cote_s``, EPSG:3857) or
one zone's zip. ``taux`` in metres a year, -9999 where there is none, as the provider has it.
"""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ...errors import MissingTool, OutOfCoverage, Unreachable
from ...text import Text
from .. import net
from ..download import download, is_dataset, is_zip, parsed
from ..store import Kept, now
from .provider import Progress, Provider, address, around, need

if TYPE_CHECKING:
    from ...territory.commune import Commune
    from ..store import Store

__all__ = ["PROVIDER", "features"]

WHO = "Géolittoral (INEC)"
PAGE = "https://www.geolittoral.developpement-durable.gouv.fr"
TYPENAME = "ms:n_evolution_trait_cote_s"
MARGIN = 500.0
_LICENCE = "Licence Ouverte 2.0"
_PAGE = 1_000
_MOST_PAGES = 40


def _missing() -> Text | None:
    return None if address("INEC") else need("INEC", PAGE)


def features(
    base: str, box: tuple[float, float, float, float], policy: net.Policy | None = None
) -> list[dict[str, Any]]:
    """Polygons of a box, page after page, EPSG:3857.

    Parameters
    ----------
    base : str
        Address of the WFS.
    box : tuple of float
        West, south, east, north in degrees.
    policy : net.Policy, optional

    Raises
    ------
    Offline, Unreachable
    """
    from rasterio.warp import transform_bounds

    west, south, east, north = transform_bounds("EPSG:4326", "EPSG:3857", *box)
    out: dict[str, dict[str, Any]] = {}
    with net.session() as session:
        for page in range(_MOST_PAGES):
            asked = {
                "SERVICE": "WFS", "VERSION": "2.0.0", "REQUEST": "GetFeature",
                "TYPENAMES": TYPENAME, "SRSNAME": "EPSG:3857",
                "BBOX": f"{west:.1f},{south:.1f},{east:.1f},{north:.1f},EPSG:3857",
                "OUTPUTFORMAT": "application/json; subtype=geojson",
                "COUNT": _PAGE, "STARTINDEX": page * _PAGE,
            }  # fmt: skip
            raw = net.ask(base, WHO, session_=session, params=asked, policy=policy)
            rows = parsed(raw, WHO, "features")["features"]
            for row in rows:
                missing = {"taux", "duree"} - {str(k).lower() for k in row.get("properties") or ()}
                if missing:
                    raise Unreachable(
                        f"{WHO} a changé sa réponse : « {min(missing)} » manque.",
                        f"{WHO} changed its answer: '{min(missing)}' is missing.",
                    )
                out.setdefault(json.dumps(row, sort_keys=True), row)
            if len(rows) < _PAGE:
                return list(out.values())
    raise Unreachable(
        f"{WHO} donne plus de {_MOST_PAGES} pages : téléchargez la zone entière ({PAGE}).",
        f"{WHO} gives more than {_MOST_PAGES} pages: download the whole zone ({PAGE}).",
    )


def _fetch(commune: Commune, store: Store, progress: Progress | None) -> list[Kept]:
    base = address("INEC")
    if base is None:
        text = need("INEC", PAGE)
        raise MissingTool(f"{WHO} : {text['fr']}.", f"{WHO}: {text['en']}.")
    box = around(commune, MARGIN)

    def make_zip(folder: Path) -> Kept:
        name = PurePosixPath(urlsplit(base).path).name
        got = download(
            base, folder / name, WHO, checks=[is_zip, is_dataset("inec")], progress=progress,
            label=WHO,
        )  # fmt: skip
        return Kept("", "inec", name, "", 0, net.shown(base), PurePosixPath(name).stem, _LICENCE,
                    now(), got.etag, got.modified)  # fmt: skip

    def make(folder: Path) -> Kept:
        rows = features(base, box)
        if not rows:
            raise OutOfCoverage(
                f"{WHO} : {commune.name} n'est pas sur le littoral étudié.",
                f"{WHO}: {commune.name} is not on the coast that was studied.",
            )
        crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3857"}}
        name = f"inec_{commune.insee}.geojson"
        found = {"type": "FeatureCollection", "crs": crs, "features": rows}
        (folder / name).write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")
        return Kept("", "inec", name, "", 0, net.shown(base), "service WFS", _LICENCE, now(),
                    box=box)  # fmt: skip

    if base.lower().endswith(".zip"):
        return [store.bring(f"inec/{net.shown(base)}", make_zip)]
    return [store.bring(f"inec/{commune.insee}", make, fresh_days=365.0)]


PROVIDER = Provider("inec", "inec", ("coastline",), _fetch, _missing)
