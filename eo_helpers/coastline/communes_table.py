"""The table of ``eo-helpers national coastline``: a commune's row, and the coasts beside it.

Read in place. Where the indicator itself is not at hand, the row gives the Finding; in any case
the other coastal communes give the comparison.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from .. import catalog
from ..catalog import tables
from ..errors import InvalidInput, NoData
from ..findings import Bars, Finding, Indicator, outline
from ..territory.commune import Commune
from ..territory.groups import groups
from ..text import Text, french, percent
from . import sentences
from .figures import indicators
from .summary import Summary

__all__ = ["DATASET", "Peers", "among", "compare", "finding_from"]

DATASET = "coastline-communes"
#: Kilometres with a rate that a commune must have to be compared.
MEASURED = 1.0
_READ = ["insee", "name", "departement", "population", "measured_km", "retreat_km"]
_KM = {
    "measured": "measured_km",
    "retreat": "retreat_km",
    "advance": "advance_km",
    "not_perceptible": "stable_km",
    "structure": "structure_km",
    "no_data": "not_measured_km",
    "total": "coast_km",
}


def _not_a_table(path: Path) -> InvalidInput:
    return InvalidInput(
        f"« {path.name} » n'est pas une table de « eo-helpers national coastline » : calculez-la "
        "à nouveau.",
        f"'{path.name}' is no table of 'eo-helpers national coastline': make it again.",
    )


@dataclass(frozen=True)
class Peers:
    """Other coastal communes of one kind.

    ``own``, ``theirs``: part (0-1) of the coast measured that is perceptibly in retreat, of the
    commune and of the ``n`` others together; ``below``: how many of them have a smaller part.
    """

    kind: str
    label: Text
    n: int
    own: float
    theirs: float
    below: int


def compare(insee: str, table: pd.DataFrame) -> list[Peers]:
    """The commune among coastal communes of its intercommunality, département and size.

    Parameters
    ----------
    insee : str
    table : pandas.DataFrame
        ``insee, departement, population, epci, measured_km, retreat_km``. Communes with less
        than ``MEASURED`` km of coast with a rate are left out.
    """
    table = table[table["measured_km"] >= MEASURED].reset_index(drop=True)
    share = table["retreat_km"] / table["measured_km"]
    mine = table["insee"] == insee
    out = []
    for kind, label, chosen in groups(insee, table):
        theirs, own = table[chosen], float(share[mine].iloc[0])
        out.append(
            Peers(
                kind,
                label,
                len(theirs),
                own,
                float(theirs["retreat_km"].sum() / theirs["measured_km"].sum()),
                int((share[chosen] < own).sum()),
            )
        )
    return out


def among(finding: Finding, source: Any) -> Finding:
    """The Finding with its comparisons, where the source has the national table.

    Raises
    ------
    InvalidInput
        If the table cannot be read.
    """
    commune = finding.commune
    try:
        holding = catalog.find(DATASET, commune, source)
    except NoData:
        return finding
    table = pd.DataFrame(tables.read(holding.paths[0], columns=_READ, error=_not_a_table))
    found = compare(commune.insee, table.assign(epci=table["insee"].map(tables.epci_of(source))))
    if not found:
        return finding
    known = {p.dataset for p in finding.provenance}
    return replace(
        finding,
        indicators=finding.indicators + tuple(_figure(p) for p in found),
        charts=(*finding.charts, _chart(commune, found)),
        caveats=(*finding.caveats, _ALIKE),
        provenance=finding.provenance + (() if DATASET in known else (holding.provenance,)),
    )


_ALIKE: Text = {
    "fr": french(
        "Les comparaisons ne comptent que les communes littorales dont au moins 1 km de côte a "
        "une vitesse ; leurs périodes de mesure diffèrent."
    ),
    "en": "Comparisons count only coastal communes with a rate on at least 1 km of coast; their "
    "periods differ.",
}


def _words(p: Peers) -> tuple[str, str]:
    many = "s" if p.n > 1 else ""
    return (
        f"{p.n} autre{many} commune{many} littorale{many} {p.label['fr']}",
        f"{p.n} other coastal commune{many} {p.label['en']}",
    )


def _figure(p: Peers) -> Indicator:
    fr, en = _words(p)
    return Indicator(
        f"{p.kind}_retreat_share_measured",
        {
            "fr": f"{fr}, part en recul de la côte mesurée\u00a0: la commune en a plus que "
            f"{p.below} d'entre elles",
            "en": f"{en}, share in retreat of the coast measured: the commune has more than "
            f"{p.below} of them",
        },
        100 * p.theirs,
        "%",
        source=DATASET,
        digits=0,
        group="comparison",
    )


def _chart(commune: Commune, found: list[Peers]) -> Bars:
    rows = [(commune.name, commune.name, 100 * found[0].own, "#3A3A3A")]
    rows += [(*_words(p), 100 * p.theirs, "#7A9CC6") for p in found]
    alt = {
        lang: ", ".join(f"{row[n]} {percent(row[2], 0, lang)}" for row in rows)
        for n, lang in enumerate(("fr", "en"))
    }
    return Bars(
        "comparison",
        {
            "fr": "Part de la côte mesurée en recul, à côté d'autres communes littorales",
            "en": "Share of the coast measured in retreat, beside other coastal communes",
        },
        {"fr": f"Part en recul perceptible\u00a0: {alt['fr']}.",
         "en": f"Share perceptibly in retreat: {alt['en']}."},
        pd.DataFrame(rows, columns=["label_fr", "label_en", "value", "color"]),
        "%",
        digits=0,
    )  # fmt: skip


def finding_from(commune: Commune, source: Any, options: dict[str, Any]) -> Finding | None:
    """The commune's Finding from its row alone; None without the row.

    Lengths and mean rate are those of the national run, made with the error of lines that it
    was given; profiles, map and extrapolation need the indicator itself.

    Raises
    ------
    InvalidInput
        If the table cannot be read.
    """
    found = tables.row_of(DATASET, commune, source, _not_a_table)
    if found is None:
        return None
    row, holding = found
    metres = {name: 1000 * float(row[column]) for name, column in _KM.items()}
    # Two lines with the extreme years stand for all of them.
    lines = pd.DataFrame(
        {
            "rate": row["mean_rate"],
            "old": [row["year_old"], row.get("year_old_last", row["year_old"])],
            "recent": [row.get("year_recent_first", row["year_recent"]), row["year_recent"]],
        }
    )
    lines["years"] = lines["recent"] - lines["old"]
    measured = metres["measured"] > 0
    possible = 1000 * row["retreat_km_high"]
    summary = Summary(
        metres, metres["retreat"], possible,
        row["mean_rate"], row["mean_rate_low"], row["mean_rate_high"], row["fastest_retreat"],
    )  # fmt: skip
    return Finding(
        "coastline",
        commune,
        "partial",
        sentences.headline(commune, lines, metres, possible)
        if measured
        else sentences.structures_only(commune, metres),
        indicators=indicators(lines, summary, DATASET),
        layers=(outline(commune),),
        caveats=(_FROM_TABLE, sentences.NATIONAL),
        provenance=(holding.provenance,),
        parameters=options,
        remedy=sentences.REMEDY,
    )


_FROM_TABLE: Text = {
    "fr": french(
        "Ce résultat vient du calcul national ; la carte des profils, les vitesses endroit par "
        "endroit et l'extrapolation demandent l'indicateur lui-même."
    ),
    "en": "This comes from the national run; the map of profiles, the rates place by place and the "
    "extrapolation need the indicator itself.",
}
