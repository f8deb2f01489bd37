"""How a commune stands among others: its intercommunality, its département, its size.

Only communes that the map covers (:data:`MAPPED`) are counted, and nothing is said where
there are too few of them: a comparison with two communes of four hundred would mislead.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from .. import catalog
from ..catalog import tables
from ..catalog.cache import read_json, write_json
from ..errors import InvalidInput, NoData
from ..findings import Bars, Indicator
from ..territory.commune import Commune
from ..territory.groups import groups
from ..text import Text
from . import commune_table
from .figures import SENSITIVE
from .schema import SENSITIVITIES
from .sentences import part

__all__ = ["DATASET", "MAPPED", "Peers", "all_communes", "compare", "not_a_table", "of", "told"]

#: Part of a commune's ground that must be on the map for it to count.
MAPPED = 0.95
#: A map with more blocks, or over more communes, has its table made beforehand or not at all.
_MOST_BLOCKS, _MOST_COMMUNES = 20_000, 100
_VERSION = "1"
_GROUP = "comparison"
#: What ``eo-helpers national lcz`` writes.
DATASET = "lcz-communes"
_READ = ["insee", "name", "departement", "population", "mapped_percent", "area_km2", "unclassed",
         *(f"sensitivity_{s}" for s in SENSITIVITIES)]  # fmt: skip
_COLORS = {"own": "#3A3A3A", "epci": "#7A9CC6", "departement": "#7A9CC6", "size": "#7A9CC6"}


@dataclass(frozen=True)
class Peers:
    """Other communes of one kind, and where the commune stands among them.

    ``own``, ``theirs``: share (0-1) of the ground in high or very high sensitivity, of the
    commune and of all others together; ``below``: how many of the ``n`` others have a
    smaller share. ``own_people``, ``their_people``, ``below_people`` are the same of people,
    None where it is not known where they live.
    """

    kind: str
    label: Text
    n: int
    own: float
    theirs: float
    below: int
    own_people: float | None = None
    their_people: float | None = None
    below_people: int | None = None


def of(commune: Commune, holding: Any, source: Any, cells: Any = None) -> list[Peers]:
    """Comparisons that can be made with what a source has; empty where none can.

    Parameters
    ----------
    commune : Commune
    holding : eo_helpers.catalog.Holding
        The map.
    source : eo_helpers.catalog.Source
        Where the communes are, too.
    cells : eo_helpers.catalog.Holding, optional
        Population cells.
    """
    table = _table(holding, source, cells)
    if table is None:
        table = all_communes(source, commune)
    return [] if table is None else compare(commune.insee, table)


def _table(holding: Any, source: Any, cells: Any) -> pd.DataFrame | None:
    paths = [Path(p) for p in holding.paths]
    if len(paths) == 1 and paths[0].suffix.lower() in (".parquet", ".geoparquet"):
        made = commune_table.load(paths[0])
        if made is not None:
            return made
    blocks = sum(item.properties["eo_helpers:features"] for item in holding.items)
    towns = source.items("communes")
    count = sum(item.properties["eo_helpers:features"] for item in towns)
    if not towns or blocks > _MOST_BLOCKS or not 1 < count <= _MOST_COMMUNES:
        return None
    with_people = cells is not None
    key = json.dumps([_VERSION, source.fingerprint(), [str(p) for p in paths], with_people])
    kept = read_json("lcz-communes", key)
    if kept is None:
        communes = commune_table.read_communes([Path(i.assets["data"].href) for i in towns])
        made = commune_table.commune_table(paths, holding.dataset, communes, cells)
        kept = made.astype(object).where(made.notna(), None).to_dict(orient="list")
        write_json("lcz-communes", key, kept)
    return pd.DataFrame(kept)


def not_a_table(path: Path) -> InvalidInput:
    """The error where a file is not what ``eo-helpers national lcz`` writes."""
    return InvalidInput(
        f"« {path.name} » n'est pas une table de « eo-helpers national lcz » : calculez-la à "
        "nouveau.",
        f"'{path.name}' is no table of 'eo-helpers national lcz': make it again.",
    )


def all_communes(source: Any, commune: Commune) -> pd.DataFrame | None:
    """What :func:`.peers.compare` compares, from the national table; None without one.

    Raises
    ------
    InvalidInput
        If it cannot be read.
    """
    try:
        holding = catalog.find(DATASET, commune, source)
    except NoData:
        return None
    table = pd.DataFrame(tables.read(holding.paths[0], columns=_READ, error=not_a_table))
    area = table["area_km2"] * 1e6
    mapped = area * table["mapped_percent"] / 100
    names = {f"area_{s}": f"sensitivity_{s}" for s in SENSITIVITIES} | {
        "area_unclassed": "unclassed"
    }
    assert set(names) == {f"area_{c}" for c in commune_table.CATEGORIES}
    return pd.DataFrame(
        {
            **{k: table[k] for k in ("insee", "name", "departement", "population")},
            "epci": table["insee"].map(tables.epci_of(source)),
            "commune_m2": area,
            **{name: mapped * table[column] / 100 for name, column in names.items()},
        }
    )


def compare(insee: str, table: pd.DataFrame) -> list[Peers]:
    """The commune among its intercommunality, its département and communes of its size.

    Parameters
    ----------
    insee : str
    table : pandas.DataFrame
        From :func:`.commune_table.commune_table`.
    """
    mapped = table[[f"area_{c}" for c in commune_table.CATEGORIES]].astype(float).sum(axis=1)
    table = table[mapped >= MAPPED * table["commune_m2"].astype(float)].reset_index(drop=True)
    mine = table["insee"] == insee
    if int(mine.sum()) != 1:
        return []
    own = table[mine].iloc[0]
    return [_peers(kind, label, own, table[others]) for kind, label, others in groups(insee, table)]


def _peers(kind: str, label: Text, own: pd.Series, others: pd.DataFrame) -> Peers:
    def sensitive(rows: Any, what: str) -> Any:
        return sum(rows[f"{what}_{c}"] for c in SENSITIVE)

    shares = sensitive(others, "area") / others["commune_m2"]
    mine = float(sensitive(own, "area") / own["commune_m2"])
    found = Peers(
        kind,
        label,
        len(others),
        mine,
        float(sensitive(others, "area").sum() / others["commune_m2"].sum()),
        int((shares.astype(float) < mine).sum()),
    )
    if "people_very_high" not in others:
        return found
    everybody = [f"people_{c}" for c in commune_table.CATEGORIES]
    total, theirs = float(own[everybody].sum()), others[everybody].astype(float).sum(axis=1)
    if total <= 0 or theirs.sum() <= 0:
        return found
    people = float(sensitive(own, "people")) / total
    peopled = theirs > 0
    shares = sensitive(others[peopled], "people").astype(float) / theirs[peopled]
    return Peers(
        **{
            **vars(found),
            "own_people": people,
            "their_people": float(sensitive(others, "people").sum() / theirs.sum()),
            "below_people": int((shares < people).sum()),
        }
    )


def told(
    commune: Commune, found: list[Peers]
) -> tuple[tuple[Indicator, ...], tuple[()], tuple[Bars, ...], tuple[Text, ...]]:
    """Figures, no layer, a chart and a sentence on the comparisons."""
    if not found:
        return (), (), (), ()
    figures: list[Indicator] = []
    for peers in found:
        figures += _figures(peers)
    caveat: Text = {
        "fr": "Les comparaisons ne comptent que les communes que la carte couvre sur au moins "
        f"{100 * MAPPED:.0f}\u00a0% de leur surface. Une commune étendue, avec des champs ou des "
        "bois, a une petite part de surface sensible sans que ses quartiers le soient moins.",
        "en": "Comparisons count only the communes that the map covers on at least "
        f"{100 * MAPPED:.0f}% of their area. A wide commune, with fields or woods, has a small "
        "share of sensitive ground without its districts being less so.",
    }
    return tuple(figures), (), (_chart(commune, found),), (caveat,)


def _figures(peers: Peers) -> list[Indicator]:
    many = peers.n > 1
    rows = [("area", peers.theirs, peers.below, "surface sensible", "sensitive area")]
    if peers.their_people is not None and peers.below_people is not None:
        rows.insert(
            0,
            (
                "population",
                peers.their_people,
                peers.below_people,
                "habitants en zone sensible",
                "people in sensitive zones",
            ),
        )
    return [
        Indicator(
            f"{peers.kind}_share_{what}_sensitive",
            {
                "fr": f"{peers.n} autre{'s' * many} commune{'s' * many} {peers.label['fr']}, "
                f"{fr}\u00a0: la commune en a plus que {below} d'entre elles",
                "en": f"{peers.n} other commune{'s' * many} {peers.label['en']}, {en}: the "
                f"commune has more than {below} of them",
            },
            100 * value,
            "%",
            digits=1,
            group=_GROUP,
        )
        for what, value, below, fr, en in rows
    ]


def _chart(commune: Commune, found: list[Peers]) -> Bars:
    people = all(p.their_people is not None for p in found)
    own = found[0].own_people if people else found[0].own
    rows: list[tuple[str, str, Any, str]] = [(commune.name, commune.name, own, "own")]
    rows += [
        (
            f"{p.n} communes {p.label['fr']}",
            f"{p.n} communes {p.label['en']}",
            p.their_people if people else p.theirs,
            p.kind,
        )
        for p in found
    ]
    data = pd.DataFrame(
        {
            "label_fr": [r[0] for r in rows],
            "label_en": [r[1] for r in rows],
            "value": [100 * r[2] for r in rows],
            "color": [_COLORS[r[3]] for r in rows],
        }
    )
    what: Text = {
        "fr": "habitants en zone sensible" if people else "surface sensible",
        "en": "people in sensitive zones" if people else "sensitive area",
    }
    alt = {
        lang: ", ".join(f"{r[n]} {part(r[2], lang)}" for r in rows)
        for n, lang in enumerate(("fr", "en"))
    }
    return Bars(
        "comparison",
        {
            "fr": f"Par rapport à d'autres communes\u00a0: {what['fr']}",
            "en": f"Against other communes: {what['en']}",
        },
        {
            "fr": f"Barres de la part des {what['fr']}\u00a0: {alt['fr']}."
            if people
            else f"Barres de la part de {what['fr']}\u00a0: {alt['fr']}.",
            "en": f"Bars of the share of {what['en']}: {alt['en']}.",
        },
        data,
        "%",
    )
