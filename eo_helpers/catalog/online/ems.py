"""Flood extents of Copernicus EMS Rapid Mapping over a commune.

The public portal's own interface (no account): ``public-activations-info/?limit=&offset=`` →
``{count, next, results: [{code, name, category, centroid "POINT (lon lat)", lastUpdate …}]}``;
``public-activations/?code=EMSR711`` → ``{results: [{aois: [{extent WKT, products: [{type,
monitoringNumber, extent, downloadPath, images: [{acquisitionTime}], version: {number,
statusCode, deliveryTime}}]}]}]}``. Not documented by a contract: what is read of it is checked.
The portal lists the activations of the last years; older archives are had by hand.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ...errors import InvalidInput, NoData, Unreachable
from ...text import at_place
from .. import net
from ..cache import read_json, write_json
from ..download import download, is_dataset, is_zip, parsed
from ..store import Kept, now
from .provider import Progress, Provider, around, known_address

if TYPE_CHECKING:
    from ...territory.commune import Commune
    from ..store import Store

__all__ = ["PROVIDER", "activations", "products"]

WHO = "Copernicus EMS"
#: Days after which the list of activations is asked again: a flood may be mapped any day.
FRESH_DAYS = 1.0
#: An activation's areas lie this far from its middle at most, km.
_FAR = 400.0
_PAGE = 100
_MOST_PAGES = 40
#: Kinds of product that hold an observed event, the first that an area has.
_KINDS = ("DEL", "GRA", "FEP")
_LIMIT = 500_000_000
_KEY = "ems-products"


def activations(policy: net.Policy | None = None) -> list[dict[str, Any]]:
    """Flood activations of the whole world: ``code, name, updated, place`` (lon, lat or None).

    Raises
    ------
    Offline, Unreachable
    """
    url = f"{known_address('EMS')}/public-activations-info/"
    rows: dict[str, dict[str, Any]] = {}
    with net.session() as session:
        for page in range(_MOST_PAGES):
            asked = {"limit": _PAGE, "offset": page * _PAGE}
            raw = net.ask(url, WHO, session_=session, params=asked, policy=policy)
            answer = parsed(raw, WHO, "results")
            for row in answer["results"]:
                code = str(row.get("code")) if isinstance(row, dict) else ""
                if not re.fullmatch(r"[A-Z]+\d+", code):
                    raise _odd("code")
                told = f"{row.get('category')} {row.get('name')}".lower()
                if "flood" in told:
                    rows[code] = {
                        "code": code,
                        "name": str(row.get("name") or code),
                        "updated": str(row.get("lastUpdate") or ""),
                        "place": _point(row.get("centroid")),
                    }
            # ``next`` holds the portal's own address: only that there is one counts.
            if not answer.get("next") or not answer["results"]:
                return sorted(rows.values(), key=lambda r: str(r["code"]))
    raise Unreachable(
        f"{WHO} donne plus de {_MOST_PAGES} pages d'activations : réessayez plus tard.",
        f"{WHO} gives more than {_MOST_PAGES} pages of activations: try again later.",
    )


def products(code: str, policy: net.Policy | None = None) -> list[dict[str, Any]]:
    """Delivered products of an activation that hold an observed event.

    Returns
    -------
    list of dict
        ``url, area, kind, version, taken`` (ISO day or empty), ``box`` (degrees). Of each
        area the delineations (DEL) with their monitorings, else gradings, else first
        estimates.

    Raises
    ------
    Offline, NoData, Unreachable
    """
    url = f"{known_address('EMS')}/public-activations/"
    raw = net.ask(url, WHO, params={"code": code}, policy=policy)
    found = parsed(raw, WHO, "results")["results"]
    if not found or not isinstance(found[0], dict) or "aois" not in found[0]:
        raise _odd("aois")
    out: list[dict[str, Any]] = []
    for area in found[0]["aois"]:
        made = [p for p in area.get("products") or () if _delivered(p)]
        kind = next((k for k in _KINDS if any(p["type"] == k for p in made)), None)
        for product in made:
            box = _box(product.get("extent") or area.get("extent"))
            if product["type"] != kind or box is None:
                continue
            taken = [str(i.get("acquisitionTime") or "")[:10] for i in product.get("images") or ()]
            out.append(
                {
                    "url": str(product["downloadPath"]),
                    "area": str(area.get("name") or ""),
                    "kind": kind,
                    "version": str((product.get("version") or {}).get("number") or ""),
                    "taken": max(taken, default=""),
                    "box": box,
                }
            )
    return out


def _delivered(product: Any) -> bool:
    """True for a product that is finished and has an archive."""
    if not isinstance(product, dict) or product.get("type") not in _KINDS:
        return False
    status = (product.get("version") or {}).get("statusCode")
    return bool(product.get("downloadPath")) and status in (None, "F")


def _numbers(text: Any) -> list[float]:
    return [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?", str(text or "").split(";")[-1])]


def _point(text: Any) -> list[float] | None:
    """Longitude and latitude of ``POINT (lon lat)``, None where it is something else."""
    numbers = _numbers(text) if "POINT" in str(text).upper() else []
    return numbers[:2] if len(numbers) >= 2 else None


def _box(text: Any) -> list[float] | None:
    """Box in degrees of a WKT, None where it is none."""
    import shapely

    try:
        shape = shapely.from_wkt(str(text or "").split(";")[-1])
    except shapely.errors.ShapelyError:
        return None
    if shape is None or shape.is_empty:
        return None
    west, south, east, north = shape.bounds
    inside = -180 <= west <= east <= 180 and -90 <= south <= north <= 90
    return [west, south, east, north] if inside else None


def _near(place: list[float] | None, commune: Commune) -> bool:
    if place is None:
        return True  # its areas will say
    west, south, east, north = commune.bounds
    x, y = (west + east) / 2, (south + north) / 2
    dy = (place[1] - y) * 111.32
    dx = (place[0] - x) * 111.32 * math.cos(math.radians(y))
    return math.hypot(dx, dy) <= _FAR


def _odd(what: str) -> Unreachable:
    return Unreachable(
        f"{WHO} a changé sa réponse : « {what} » manque ou n'est plus ce qu'il était ; "
        "signalez-le.",
        f"{WHO} changed its answer: '{what}' is missing or is not what it was; please report it.",
    )


def _fresh(moment: str | None) -> bool:
    """True for an instant (ISO) of the last day."""
    if not moment:
        return False
    age = dt.datetime.now(tz=dt.UTC) - dt.datetime.fromisoformat(moment)
    return age.total_seconds() < FRESH_DAYS * 86_400


def _known(
    commune: Commune, progress: Progress | None
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Activations near the commune, each product of theirs, from the notes or the portal."""
    notes: dict[str, Any] = read_json("online", _KEY) or {}
    listed = notes.get("read_at")
    if not _fresh(listed):
        try:
            notes = {**notes, "activations": activations(), "read_at": now()}
        except Unreachable:
            if not listed:
                raise  # else what is known of an earlier day serves
    near = [a for a in notes["activations"] if _near(a["place"], commune)]
    details = notes.setdefault("products", {})
    for k, row in enumerate(near):
        stamp = f"{row['code']}/{row['updated']}"
        if stamp not in details:
            if progress:
                progress("Crues cartographiées par Copernicus", k / len(near))
            try:
                details[stamp] = products(row["code"])
            except Unreachable:
                raise
            except NoData:  # listed, but kept from the public (403) or gone
                details[stamp] = []
            write_json("online", _KEY, notes)  # an interrupted call goes on here
    current = {f"{a['code']}/{a['updated']}" for a in notes["activations"]}
    notes["products"] = {stamp: rows for stamp, rows in details.items() if stamp in current}
    write_json("online", _KEY, notes)
    return [(a, p) for a in near for p in details[f"{a['code']}/{a['updated']}"]]


def _fetch(commune: Commune, store: Store, progress: Progress | None) -> list[Kept]:
    import shapely

    here = shapely.box(*around(commune, 0.0))
    met = [
        (activation, product)
        for activation, product in _known(commune, progress)
        if shapely.box(*product["box"]).intersects(here)
    ]
    if not met:
        raise NoData(
            f"{WHO} n'a pas cartographié de crue {at_place(commune.name)} ces dernières années.",
            f"{WHO} has mapped no flood in {commune.name} in recent years.",
        )
    out: list[Kept] = []
    trouble: InvalidInput | None = None
    refused: dict[str, list[str]] = read_json("online", f"{_KEY}/refused") or {}
    refused = {key: told for key, told in refused.items() if _fresh(told[0])}
    for activation, product in met:
        key = f"flood-extent/{net.shown(product['url'])}/{product['version']}"
        if key in refused:  # not fetched again at each question: a day later, it may be mended
            trouble = trouble or InvalidInput(*refused[key][1:])
            continue
        try:
            out.append(store.bring(key, _maker(activation, product, progress)))
        except InvalidInput as error:
            trouble = trouble or error
            refused[key] = [now(), error.fr, error.en]
            write_json("online", f"{_KEY}/refused", refused)
    if not out and trouble is not None:
        raise trouble
    return out


def _maker(activation: dict[str, Any], product: dict[str, Any], progress: Progress | None) -> Any:
    def make(folder: Path) -> Kept:
        url = product["url"]
        # The day in its name: where the archive itself does not tell it.
        name = "_".join(filter(None, (product["taken"], PurePosixPath(urlsplit(url).path).name)))
        got = download(
            url, folder / name, WHO, checks=[is_zip, is_dataset("flood-extent")],
            limit=_LIMIT, progress=progress, label=f"{WHO} {activation['code']}",
        )  # fmt: skip
        edition = f"{activation['code']} {activation['name']}"
        return Kept(
            "", "flood-extent", name, "", 0, net.shown(url), edition, "Copernicus EMS", now(),
            got.etag, got.modified, tuple(product["box"]),
        )  # fmt: skip

    return make


PROVIDER = Provider("ems", "flood-extent", ("flood",), _fetch)
