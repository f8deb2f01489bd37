"""Communes that a commune is compared with: its intercommunality, its département, its size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from ..text import Text, number

__all__ = ["FEWEST", "SIZES", "groups", "size_words"]

#: Fewest other communes of each kind that a comparison is made with.
FEWEST = {"epci": 2, "departement": 5, "size": 10}

#: Bounds of the classes of size, inhabitants.
SIZES = (0, 500, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 300_000, 10**9)

_LABELS: dict[str, Text] = {
    "epci": {"fr": "de l'intercommunalité", "en": "of the same inter-municipal body (EPCI)"},
    "departement": {"fr": "du département", "en": "of the département"},
}


def groups(insee: str, table: pd.DataFrame) -> Iterator[tuple[str, Text, pd.Series]]:
    """The other communes of each kind, where there are enough of them.

    Parameters
    ----------
    insee : str
    table : pandas.DataFrame
        A row a commune, range index: ``insee, departement, population, epci`` (missing where
        unknown). Only communes that may be compared.

    Yields
    ------
    kind : {"epci", "departement", "size"}
    label : Text
        « du département », « de 2 000 à 5 000 habitants ».
    others : pandas.Series of bool
        Which rows they are, the commune itself left out.
    """
    mine = table["insee"] == insee
    if int(mine.sum()) != 1:
        return
    own = table[mine].iloc[0]
    sizes = _size(table["population"])
    for kind, values, value in (
        ("epci", table["epci"], own["epci"]),
        ("departement", table["departement"], own["departement"]),
        ("size", sizes, sizes[mine].iloc[0]),
    ):
        others = (values == value) & values.notna() & ~mine
        if int(others.sum()) >= FEWEST[kind]:
            yield kind, _LABELS.get(kind) or size_words(own["population"]), others


def _size(population: pd.Series) -> pd.Series:
    """Class of size, as a position in :data:`SIZES` (missing where unknown)."""
    return pd.cut(population.astype(float), SIZES, right=False, labels=False)


def size_words(population: Any) -> Text:
    """« de 2 000 à 5 000 habitants »: the class of size of a population."""
    size = int(_size(pd.Series([population])).iloc[0])
    low, high = SIZES[size], SIZES[size + 1]
    if high == SIZES[-1]:
        return {
            "fr": f"de plus de {number(low)} habitants",
            "en": f"of more than {number(low, 0, 'en')} people",
        }
    return {
        "fr": f"de {number(low)} à {number(high)} habitants",
        "en": f"of {number(low, 0, 'en')} to {number(high, 0, 'en')} people",
    }
