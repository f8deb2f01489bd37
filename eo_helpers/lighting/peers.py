"""How a commune's light stands among others: its intercommunality, its département, its size.

Read from the table of ``eo-helpers national lighting`` where the source has it; nothing is
said where there is none, or where too few others were measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from .. import catalog
from ..catalog import tables
from ..errors import NoData
from ..findings import Bars, Indicator
from ..territory.commune import Commune
from ..territory.groups import groups
from ..text import Text
from .communes_table import DATASET, not_a_table
from .practice import COLORS, LABELS, MARKS

__all__ = ["DATASET", "Peers", "charts", "compare", "of", "told"]

UNIT = "nW·cm⁻²·sr⁻¹"
#: Fewest months measured for a commune to count.
MONTHS = 24
#: The practice of communes that put their lights out.
_OUT = "extinction_totale"
_COLUMNS = ["insee", "departement", "population", "practice", "radiance_recent", "months_valid"]
_GROUP = "comparison"


@dataclass(frozen=True)
class Peers:
    """Other communes of one kind, and where the commune stands among them.

    ``median``, ``low``, ``high``: median and quartiles of their radiance of late,
    nW·cm⁻²·sr⁻¹; ``own`` the commune's; ``below``: how many of the ``n`` others have less than
    the commune; ``practices``: how many of them have each practice, ``practice`` its own.
    """

    kind: str
    label: Text
    n: int
    median: float
    low: float
    high: float
    own: float
    below: int
    practice: str
    practices: dict[str, int] = field(default_factory=dict)

    @property
    def out(self) -> int:
        """How many put their lights out."""
        return self.practices.get(_OUT, 0)


def of(commune: Commune, source: Any) -> tuple[list[Peers], Any]:
    """Comparisons that can be made with what a source has, and the holding they come from.

    Parameters
    ----------
    commune : Commune
    source : eo_helpers.catalog.Source

    Returns
    -------
    list of Peers
        Empty where none can be made.
    eo_helpers.catalog.Holding or None

    Raises
    ------
    InvalidInput
        If the table cannot be read.
    """
    try:
        holding = catalog.find(DATASET, commune, source)
    except NoData:
        return [], None
    table = _table(holding.paths[0])
    return compare(commune.insee, table, tables.epci_of(source)), holding


def _table(path: Path) -> pd.DataFrame:
    return pd.DataFrame(tables.read(path, columns=_COLUMNS, error=not_a_table))


def compare(insee: str, table: pd.DataFrame, epci: dict[str, str]) -> list[Peers]:
    """The commune among its intercommunality, its département and communes of its size.

    Parameters
    ----------
    insee : str
    table : pandas.DataFrame
        ``insee, departement, population, practice, radiance_recent, months_valid``.
    epci : dict
        Intercommunality by INSEE code.
    """
    known = (table["months_valid"] >= MONTHS) & table["radiance_recent"].notna()
    table = table[known].reset_index(drop=True)
    table = table.assign(epci=table["insee"].map(epci))
    mine = table["insee"] == insee
    out = []
    for kind, label, chosen in groups(insee, table):
        own, others = table[mine].iloc[0], table[chosen]
        radiance = others["radiance_recent"]
        low, median, high = radiance.quantile([0.25, 0.5, 0.75])
        out.append(
            Peers(
                kind,
                label,
                len(others),
                float(median),
                float(low),
                float(high),
                float(own["radiance_recent"]),
                int((radiance < own["radiance_recent"]).sum()),
                str(own["practice"]),
                {str(k): int(v) for k, v in others["practice"].value_counts().items()},
            )
        )
    return out


def _words(p: Peers) -> tuple[str, str]:
    many = "s" if p.n > 1 else ""
    return (
        f"{p.n} autre{many} commune{many} {p.label['fr']}",
        f"{p.n} other commune{many} {p.label['en']}",
    )


def told(found: Sequence[Peers], date: str | None = None) -> tuple[Indicator, ...]:
    """Figures of the comparisons.

    Parameters
    ----------
    found : sequence of Peers
    date : str, optional
        Last month of the table.
    """
    out: list[Indicator] = []
    for p in found:
        fr, en = _words(p)
        light: Text = {
            "fr": f"{fr}, radiance récente (médiane)\u00a0: la commune en a plus que "
            f"{p.below} d'entre elles",
            "en": f"{en}, recent radiance (median): the commune has more than {p.below} of them",
        }
        out += [
            Indicator(
                f"{p.kind}_radiance_recent", light, p.median, UNIT,
                date=date, source=DATASET, digits=2, group=_GROUP,
            ),
            Indicator(
                f"{p.kind}_share_switched_off",
                {
                    "fr": f"{fr}, part en extinction totale en cœur de nuit",
                    "en": f"{en}, share with all lights out at the heart of the night",
                },
                100 * p.out / p.n, "%",
                date=date, source=DATASET, digits=0, group=_GROUP,
            ),
        ]  # fmt: skip
    return tuple(out)


def charts(commune: Commune, found: Sequence[Peers]) -> tuple[Bars, ...]:
    """The commune's light beside others', and what communes of its size practise.

    Intervals of the first are quartiles: half of the communes lie within.
    """
    if not found:
        return ()
    # Communes of its size say most; else the widest group that there is.
    alike = found[-1]
    return _radiances(commune, found), _practices(commune, alike)


def _radiances(commune: Commune, found: Sequence[Peers]) -> Bars:
    rows = [(commune.name, commune.name, found[0].own, float("nan"), float("nan"), "#3A3A3A")]
    rows += [(*_words(p), p.median, p.low, p.high, "#7A9CC6") for p in found]
    data = pd.DataFrame(rows, columns=["label_fr", "label_en", "value", "low", "high", "color"])
    alt = {
        lang: ", ".join(f"{row[n]} {row[2]:.2f}" for row in rows)
        for n, lang in enumerate(("fr", "en"))
    }
    return Bars(
        "comparison",
        {
            "fr": "Lumière récente, à côté d'autres communes (médiane, et la moitié d'entre elles)",
            "en": "Recent light beside other communes (median, and half of them)",
        },
        {
            "fr": f"Radiance moyenne des derniers mois\u00a0: {alt['fr']} {UNIT}.",
            "en": f"Mean radiance of the last months: {alt['en']} {UNIT}.",
        },
        data,
        UNIT,
        digits=2,
    )


def _practices(commune: Commune, p: Peers) -> Bars:
    rows = []
    for practice, label in LABELS.items():
        own = practice == p.practice
        mine = {"fr": f"{label['fr']} (dont {commune.name})", "en": f"{label['en']} (its own)"}
        said = mine if own else label
        # The commune counts among those of its size here: the shares are of all of them.
        count = p.practices.get(practice, 0) + own
        rows.append(
            (
                said["fr"][:1].upper() + said["fr"][1:],
                said["en"][:1].upper() + said["en"][1:],
                100 * count / (p.n + 1),
                COLORS[practice],
                MARKS[practice],
            )
        )
    data = pd.DataFrame(rows, columns=["label_fr", "label_en", "value", "color", "mark"])
    alt = {
        lang: ", ".join(f"{row[n]} {row[2]:.0f} %" for row in rows)
        for n, lang in enumerate(("fr", "en"))
    }
    return Bars(
        "practices",
        {
            "fr": f"Ce que font les {p.n + 1} communes {p.label['fr']}",
            "en": f"What the {p.n + 1} communes {p.label['en']} do",
        },
        {"fr": f"{alt['fr']}.", "en": f"{alt['en']}."},
        data,
        "%",
        digits=0,
    )
