"""Cerema's decision rule: from eight indicators of a block to its Local Climate Zone.

The rule, as Cerema's published code applies it to LCZ_SPOT_2022, in this order:

* built if ``bur > 10``, else natural; natural with a total cover ≤ 50 stays unclassed;
* built: **7** if ``bur > 60`` and ``bsr > ror + war + ver``; **8** if ``hre ≤ 21``,
  ``bur + ror > 40`` and ``are > 700``; **9** if ``bur ≤ 20`` and ``hre ≤ 9``; else by
  height **6** (≤ 9 m), **5** (9-30 m), **4** (> 30 m), which become **3**, **2**, **1**
  where ``bur > 40`` and ``bur + ror > 70``;
* natural: the largest of ``ver, ror, bsr, war`` (ties in that order): ver → **A**
  ``vhr > 50``, **B** 25-50, **C** 10-25, **D** ≤ 10; ror → **E**; bsr → **F**; war → **G**.

Its limits: hard thresholds, a mean height and a mean footprint without weights. The
9 and 30 m of this rule are not the 10 and 25 m of Stewart and Oke (2012): the two
are never mixed in one map.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from ..errors import InvalidInput
from ..text import Text
from .schema import CODES, codes_from_index

__all__ = ["INDICATORS", "RATES", "UNCLASSED", "Blocks", "blocks_of", "class_index", "classify"]

#: The five rates sum to 100; ``vhr`` is the share of trees in the vegetation.
RATES = ("bur", "ror", "bsr", "war", "ver")
INDICATORS = ("hre", "are", *RATES, "vhr")

#: Why a block has no class.
UNCLASSED: dict[str, Text] = {
    "missing_indicator": {
        "fr": "un indicateur dont la règle a besoin manque",
        "en": "an indicator that the rule needs is missing",
    },
    "low_cover": {
        "fr": "espace naturel dont moins de la moitié du sol est décrite",
        "en": "natural, with less than half of its ground described",
    },
}

# Sums of rates written with one or two decimals carry rounding noise near 1e-14.
_NOISE = 1e-9
_AT = {code: position for position, code in enumerate(CODES)}
_MISSING, _LOW_COVER = np.int8(1), np.int8(2)
_REASON_TABLE = np.array([None, "missing_indicator", "low_cover"], dtype=object)


class Blocks(NamedTuple):
    """The eight indicators as float64 arrays of shape (n,); units in :func:`classify`."""

    hre: np.ndarray
    are: np.ndarray
    bur: np.ndarray
    ror: np.ndarray
    bsr: np.ndarray
    war: np.ndarray
    ver: np.ndarray
    vhr: np.ndarray

    def take(self, rows: np.ndarray | slice) -> Blocks:
        """The same indicators for some rows."""
        return Blocks(*(column[rows] for column in self))


def blocks_of(frame: pd.DataFrame, where: str = "") -> Blocks:
    """The eight indicators of a table, whatever the case of its column names.

    ``where`` is the file's name, for the message.

    Raises
    ------
    InvalidInput
        If a column is missing (the message names it) or is not a number.
    """
    by_name = {str(column).lower(): column for column in frame.columns}
    missing = [name for name in INDICATORS if name not in by_name]
    if missing:
        raise InvalidInput(
            f"{where or 'Tableau'} : il manque {', '.join(missing)} pour la règle LCZ ; "
            f"il faut {', '.join(INDICATORS)}.",
            f"{where or 'Table'}: the LCZ rule lacks {', '.join(missing)}; "
            f"it needs {', '.join(INDICATORS)}.",
        )
    columns = []
    for name in INDICATORS:
        try:
            columns.append(frame[by_name[name]].to_numpy(dtype=np.float64, na_value=np.nan))
        except (TypeError, ValueError):
            raise InvalidInput(
                f"La colonne « {name} » contient autre chose que des nombres.",
                f"Column '{name}' holds something else than numbers.",
            ) from None
    return Blocks(*columns)


def class_index(b: Blocks) -> tuple[np.ndarray, np.ndarray]:
    """Apply the rule: positions in ``schema.CODES`` (int8, -1 = none) and reasons (int8).

    The array form of :func:`classify`, for loops where a table would cost too much.
    """
    mineral = b.bur + b.ror
    pervious_rest = b.war + b.ver
    total = mineral + b.bsr + pervious_rest
    built = b.bur > 10

    light = (b.bur > 60) & (b.bsr - b.ror - pervious_rest > _NOISE)
    wide = (b.hre <= 21) & (mineral > 40 + _NOISE)
    large = wide & (b.are > 700)
    low = b.hre <= 9
    sparse = (b.bur <= 20) & low
    compact = (b.bur > 40) & (mineral > 70 + _NOISE)
    # Positions: "1" … "9" are 0 … 8.
    height = np.where(low, np.int8(5), np.where(b.hre <= 30, np.int8(4), np.int8(3)))
    index = height - np.where(compact, np.int8(3), np.int8(0))
    index = np.where(sparse, np.int8(_AT["9"]), index)
    index = np.where(large, np.int8(_AT["8"]), index)
    index = np.where(light, np.int8(_AT["7"]), index)

    trees = np.where(
        b.vhr > 50,
        np.int8(_AT["A"]),
        np.where(b.vhr > 25, np.int8(_AT["B"]), np.where(b.vhr > 10, np.int8(_AT["C"]), _AT["D"])),
    ).astype(np.int8)
    bare_or_water = np.where(b.bsr >= b.war, np.int8(_AT["F"]), np.int8(_AT["G"]))
    best_ground = np.maximum(b.bsr, b.war)
    mineral_or = np.where(b.ror >= best_ground, np.int8(_AT["E"]), bare_or_water)
    green = b.ver >= np.maximum(b.ror, best_ground)
    natural = np.where(green, trees, mineral_or)

    index = np.where(built, index, natural)
    missing = ~np.isfinite(total)
    missing |= built & ~light & ~np.isfinite(b.hre)
    missing |= built & ~light & wide & ~np.isfinite(b.are)
    missing |= ~built & green & ~np.isfinite(b.vhr)
    low_cover = ~missing & ~built & (total <= 50)
    reason = np.where(missing, _MISSING, np.where(low_cover, _LOW_COVER, np.int8(0)))
    return np.where(reason > 0, np.int8(-1), index).astype(np.int8), reason


def classify(blocks: pd.DataFrame) -> pd.DataFrame:
    """Give each block its Local Climate Zone by Cerema's rule.

    Parameters
    ----------
    blocks : pandas.DataFrame
        One row a block, columns (any case): ``hre`` mean building height (m), ``are``
        mean building footprint (m²), ``bur`` built, ``ror`` impervious mineral, ``bsr``
        bare pervious soil, ``war`` water, ``ver`` vegetation (each % of the block's
        surface, summing to 100), ``vhr`` trees in the vegetation (%).

    Returns
    -------
    pandas.DataFrame
        Same index; ``lcz`` (text code, missing where there is none) and
        ``unclassed`` (a key of :data:`UNCLASSED`, missing where there is a class).

    Raises
    ------
    InvalidInput
        If an indicator is missing from the table or is not a number.

    Notes
    -----
    An indicator may be missing (NaN) where the rule does not look at it: a meadow
    without buildings has no height. Class 10 is never given.

    Source: Cerema, « Cartographie des zones climatiques locales (LCZ) », LCZ_SPOT_2022,
    published processing code. Classes: Stewart, I. D. & Oke, T. R. (2012), Local Climate
    Zones for urban temperature studies, BAMS 93, 1879-1900.

    Examples
    --------
    >>> row = dict(hre=10.9, are=6534, bur=30, ror=40, bsr=0, war=0, ver=30, vhr=20)
    >>> classify(pd.DataFrame([row])).lcz.iloc[0]
    '8'
    """
    index, reason = class_index(blocks_of(blocks))
    return pd.DataFrame(
        {"lcz": codes_from_index(index), "unclassed": _REASON_TABLE[reason]}, index=blocks.index
    )
