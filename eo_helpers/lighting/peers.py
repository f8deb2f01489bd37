"""How a commune's light stands among others: its intercommunality, its département, its size.

Read from the table of ``eo-helpers national lighting`` where the source has it; nothing is
said where there is none, or where too few others were measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from .. import catalog
from ..errors import InvalidInput, NoData
from ..findings import Indicator
from ..territory.commune import Commune
from ..territory.read import read_table
from ..text import Text, number

__all__ = ["DATASET", "Peers", "compare", "of", "told"]

DATASET = "lighting-communes"
UNIT = "nW·cm⁻²·sr⁻¹"
#: Fewest other communes of each kind that a comparison is made with.
FEWEST = {"epci": 2, "departement": 5, "size": 10}
#: Bounds of the classes of size, inhabitants.
SIZES = (0, 500, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 300_000, 10**9)
#: Fewest months measured for a commune to count.
MONTHS = 24
#: The practice of communes that put their lights out.
_OUT = "extinction_totale"
_COLUMNS = ["insee", "departement", "population", "practice", "radiance_recent", "months_valid"]
_GROUP = "comparison"


@dataclass(frozen=True)
class Peers:
    """Other communes of one kind, and where the commune stands among them.

    ``median``: their median radiance of late, nW·cm⁻²·sr⁻¹; ``below``: how many of the
    ``n`` others have less than the commune; ``out``: how many put their lights out.
    """

    kind: str
    label: Text
    n: int
    median: float
    below: int
    out: int


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
    found = compare(commune.insee, table, _epci(source))
    return found, holding if found else None


def _table(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path, columns=_COLUMNS)
    except Exception as error:
        raise InvalidInput(
            f"« {path.name} » n'est pas une table de « eo-helpers national lighting » : "
            "calculez-la à nouveau.",
            f"'{path.name}' is no table of 'eo-helpers national lighting': make it again.",
        ) from error


def _epci(source: Any) -> dict[str, str]:
    """Intercommunality of each commune, where the source tells."""
    out: dict[str, str] = {}
    for item in source.items("communes"):
        path = Path(item.assets["data"].href)
        out.update(_epci_of(path, path.stat().st_mtime_ns))
    return out


@lru_cache(maxsize=4)
def _epci_of(path: Path, stamp: int) -> dict[str, str]:
    table = read_table(path)
    pairs = zip(table.insee, table.epci, strict=True)
    return {code: str(epci) for code, epci in pairs if epci}


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
    mine = table["insee"] == insee
    if int(mine.sum()) != 1:
        return []
    groups = table["insee"].map(epci)
    size = pd.cut(table["population"].astype(float), SIZES, right=False, labels=False)
    own = int(mine.to_numpy().argmax())
    out = []
    for kind, values, label in (
        ("epci", groups, _EPCI),
        ("departement", table["departement"], _DEPARTEMENT),
        ("size", size, _of_size(size.iloc[own])),
    ):
        others = table[(values == values.iloc[own]) & values.notna() & ~mine]
        if len(others) >= FEWEST[kind]:
            radiance = others["radiance_recent"]
            below = int((radiance < table["radiance_recent"].iloc[own]).sum())
            dark = int((others["practice"] == _OUT).sum())
            out.append(Peers(kind, label, len(others), float(radiance.median()), below, dark))
    return out


_EPCI: Text = {"fr": "de l'intercommunalité", "en": "of the intercommunality"}
_DEPARTEMENT: Text = {"fr": "du département", "en": "of the département"}


def _of_size(size: Any) -> Text:
    if pd.isna(size):
        return {"fr": "", "en": ""}
    low, high = SIZES[int(size)], SIZES[int(size) + 1]
    if high == SIZES[-1]:
        return {
            "fr": f"de plus de {number(low)} habitants",
            "en": f"of more than {number(low, 0, 'en')} people",
        }
    return {
        "fr": f"de {number(low)} à {number(high)} habitants",
        "en": f"of {number(low, 0, 'en')} to {number(high, 0, 'en')} people",
    }


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
        many = "s" if p.n > 1 else ""
        fr = f"{p.n} autre{many} commune{many} {p.label['fr']}"
        en = f"{p.n} other commune{many} {p.label['en']}"
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
