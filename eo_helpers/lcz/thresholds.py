"""How sure is a class? The distance from a block to the nearest threshold of the rule.

**Definition.** The indicators form four groups: the mean height ``hre``, the mean
footprint ``are``, the share of trees in the vegetation ``vhr``, and the *ground cover*
(the five rates, which sum to 100 and so can only change together). A change concerns ONE
group. Its size is the absolute change for ``hre`` (m), ``are`` (m²) and ``vhr`` (points),
and, for the ground cover, the part of the block's surface (points) that goes from some
covers to others, that is half the sum of the absolute changes of the rates. Each size is
divided by the scale of its group (:class:`Scales`). The distance is the smallest such
size beyond which the rule gives another class; the alternative is that class.

**Search.** The rule only holds linear thresholds, so the smallest change ends on one of
them. For each threshold the smallest change that reaches it has a closed form; the rule
itself is run just beyond it, and the smallest one that changes the class is kept. The
search is exact, which the tests hold against an exhaustive search.

Where a change could draw on several covers at the same price, buildings come out of the
other covers in proportion, mineral ground becomes vegetation, and vegetation goes first
when mineral ground grows; a natural block that gets buildings gets them as low as those
it has (0 m where it has none).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..errors import InvalidInput
from .rule import Blocks, blocks_of, class_index
from .schema import CODES, codes_from_index

__all__ = ["SCALES", "Scales", "possible_classes", "threshold_distance"]


@dataclass(frozen=True)
class Scales:
    """What counts as one unit of change in each group of indicators.

    The defaults are the house's working assumption about how well the indicators are
    known (a few points of cover, one storey less a metre, a seventh of the 700 m²
    threshold): Cerema publishes no accuracy per block. With them, a distance under 1
    reads « the class could be the other one ».
    """

    cover: float = 5.0
    hre: float = 2.0
    are: float = 100.0
    vhr: float = 10.0

    def __post_init__(self) -> None:
        if not all(np.isfinite(v) and v > 0 for v in vars(self).values()):
            raise InvalidInput(
                "Les échelles des indicateurs LCZ doivent être des nombres positifs.",
                "The scales of the LCZ indicators must be positive numbers.",
            )


SCALES = Scales()

# A step past an open threshold, far above rounding noise and far below any indicator.
_PAST = 1e-6
_CHUNK = 1 << 15

#: A candidate: which rows it concerns, the size of the change in the group's own unit
#: (signed where a direction means something), and the indicators just past the threshold.
_Candidate = tuple[np.ndarray, np.ndarray, Blocks]
_Move = Callable[[Blocks], _Candidate]


def _drain(amount: np.ndarray, *pools: np.ndarray) -> tuple[np.ndarray, ...]:
    """Take ``amount`` out of the pools, in their order."""
    left = amount
    out = []
    for pool in pools:
        taken = np.minimum(pool, left)
        out.append(pool - taken)
        left = left - taken
    return tuple(out)


def _rescale(b: Blocks, new_bur: np.ndarray) -> Blocks:
    """Set the built rate; the other covers give or take in proportion."""
    others = b.ror + b.bsr + b.war + b.ver
    freed = b.bur - new_bur
    factor = np.divide(others + freed, others, out=np.zeros_like(others), where=others > 0)
    # Where buildings cover everything, what is taken down leaves mineral ground.
    ror = np.where(others > 0, b.ror * factor, b.ror + freed)
    return b._replace(
        bur=new_bur, ror=ror, bsr=b.bsr * factor, war=b.war * factor, ver=b.ver * factor
    )


def _to_natural(b: Blocks) -> _Candidate:
    return b.bur > 10, b.bur - 10, _rescale(b, np.full_like(b.bur, 10.0))


def _to_built(b: Blocks) -> _Candidate:
    moved = _rescale(b, np.full_like(b.bur, 10.0 + _PAST))
    moved = moved._replace(
        hre=np.nan_to_num(b.hre, nan=0.0),
        are=np.nan_to_num(b.are, nan=0.0),
    )
    return b.bur <= 10, 10 - b.bur, moved


def _next_cover(b: Blocks) -> _Candidate:
    """Natural: the second largest cover overtakes the largest."""
    covers = np.stack((b.ver, b.ror, b.bsr, b.war))
    order = np.argsort(-covers, axis=0, kind="stable")
    columns = np.arange(covers.shape[1])
    first, second = order[0], order[1]
    half = (covers[first, columns] - covers[second, columns]) / 2
    covers[first, columns] -= half + _PAST
    covers[second, columns] += half + _PAST
    moved = b._replace(
        ver=covers[0],
        ror=covers[1],
        bsr=covers[2],
        war=covers[3],
        vhr=np.nan_to_num(b.vhr, nan=0.0),
    )
    return b.bur <= 10, half, moved


def _built_to_20(b: Blocks) -> _Candidate:
    down = b.bur > 20
    lower = _rescale(b, np.full_like(b.bur, 20.0))
    amount = 20.0 + _PAST - b.bur
    ror, ver, bsr, war = _drain(np.maximum(amount, 0), b.ror, b.ver, b.bsr, b.war)
    moved = b._replace(
        bur=np.where(down, 20.0, 20.0 + _PAST),
        ror=np.where(down, lower.ror, ror),
        bsr=np.where(down, lower.bsr, bsr),
        war=np.where(down, lower.war, war),
        ver=np.where(down, lower.ver, ver),
    )
    return b.bur > 10, np.abs(b.bur - 20), moved


def _mineral_down(b: Blocks, limit: float) -> _Candidate:
    """Mineral ground, then buildings, become vegetation until bur + ror = limit."""
    excess = b.bur + b.ror - limit
    ror, bur = _drain(np.maximum(excess, 0), b.ror, b.bur)
    moved = b._replace(bur=bur, ror=ror, ver=b.ver + np.maximum(excess, 0))
    return (b.bur > 10) & (excess > 0), excess, moved


def _mineral_up_40(b: Blocks) -> _Candidate:
    lack = 40 - b.bur - b.ror
    ver, bsr, war = _drain(np.maximum(lack + _PAST, 0), b.ver, b.bsr, b.war)
    moved = b._replace(ror=b.ror + np.maximum(lack + _PAST, 0), ver=ver, bsr=bsr, war=war)
    return (b.bur > 10) & (lack >= 0), lack, moved


def _compact_up(b: Blocks) -> _Candidate:
    """Reach bur > 40 and bur + ror > 70 at once."""
    built = np.maximum(40 - b.bur, 0)
    mineral = np.maximum(70 - b.bur - b.ror, 0)
    size = np.maximum(built, mineral)
    need_built = np.where(b.bur <= 40, built + _PAST, 0.0)
    need_mineral = np.where(b.bur + b.ror <= 70, mineral + _PAST, 0.0)
    # Buildings rise first on pervious ground, which serves both conditions.
    amount = np.maximum(need_built, need_mineral)
    from_pervious = np.minimum(need_mineral, b.ver + b.bsr + b.war)
    ver, bsr, war = _drain(from_pervious, b.ver, b.bsr, b.war)
    (ror,) = _drain(np.maximum(amount - from_pervious, 0), b.ror)
    moved = b._replace(
        bur=b.bur + need_built,
        ror=ror + np.maximum(need_mineral - need_built, 0),
        ver=ver,
        bsr=bsr,
        war=war,
    )
    return (b.bur > 10) & (size > 0), size, moved


def _built_down(b: Blocks, limit: float) -> _Candidate:
    excess = np.maximum(b.bur - limit, 0)
    return b.bur > limit, excess, b._replace(bur=b.bur - excess, ver=b.ver + excess)


def _light_up(b: Blocks) -> _Candidate:
    """Reach class 7: bur > 60 and bsr > ror + war + ver."""
    rest = b.ror + b.war + b.ver
    built = np.maximum(60 - b.bur, 0)
    bare = np.maximum((rest - built - b.bsr) / 2, 0)
    need_built = np.where(b.bur <= 60, built + _PAST, 0.0)
    need_bare = np.where(rest - built - b.bsr >= 0, bare + _PAST, 0.0)
    ver, ror, war, bsr = _drain(need_built + need_bare, b.ver, b.ror, b.war, b.bsr)
    moved = b._replace(bur=b.bur + need_built, ror=ror, war=war, ver=ver, bsr=bsr + need_bare)
    return (b.bur > 10) & (built + bare > 0), built + bare, moved


def _bare_down(b: Blocks) -> _Candidate:
    """Leave class 7 by its bare soil."""
    half = np.maximum((b.bsr - b.ror - b.war - b.ver) / 2, 0)
    return (b.bur > 60) & (half > 0), half, b._replace(bsr=b.bsr - half, ver=b.ver + half)


def _single(name: str, limit: float, built: bool) -> _Move:
    """Move one indicator to a threshold « ≤ limit », from either side."""

    def move(b: Blocks) -> _Candidate:
        value = getattr(b, name)
        change = limit - value
        past = np.where(value <= limit, limit + _PAST, limit)
        rows = np.isfinite(value) & ((b.bur > 10) == built)
        return rows, change, b._replace(**{name: past})

    return move


#: Every threshold of the rule: (its name, its group of indicators, the move that reaches it).
_MOVES: tuple[tuple[str, str, _Move], ...] = (
    ("bur=10", "cover", _to_natural),
    ("bur=10", "cover", _to_built),
    ("largest cover", "cover", _next_cover),
    ("bur=20", "cover", _built_to_20),
    ("bur+ror=40", "cover", lambda b: _mineral_down(b, 40)),
    ("bur+ror=40", "cover", _mineral_up_40),
    ("bur=40 & bur+ror=70", "cover", _compact_up),
    ("bur=40", "cover", lambda b: _built_down(b, 40)),
    ("bur+ror=70", "cover", lambda b: _mineral_down(b, 70)),
    ("bur=60 & bsr=ror+war+ver", "cover", _light_up),
    ("bur=60", "cover", lambda b: _built_down(b, 60)),
    ("bsr=ror+war+ver", "cover", _bare_down),
    ("hre=9", "hre", _single("hre", 9, built=True)),
    ("hre=21", "hre", _single("hre", 21, built=True)),
    ("hre=30", "hre", _single("hre", 30, built=True)),
    ("are=700", "are", _single("are", 700, built=True)),
    ("vhr=10", "vhr", _single("vhr", 10, built=False)),
    ("vhr=25", "vhr", _single("vhr", 25, built=False)),
    ("vhr=50", "vhr", _single("vhr", 50, built=False)),
)


def _reached(
    b: Blocks, index: np.ndarray, limit: np.ndarray, scales: Scales
) -> Iterator[tuple[int, np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """For each threshold: rows where crossing it costs less than ``limit`` and changes class.

    Yields (position in _MOVES, rows, normalised distance, signed change, class index).
    ``limit`` may be lowered by the caller between two steps.
    """
    for position, (_, group, move) in enumerate(_MOVES):
        applies, change, moved = move(b)
        distance = np.abs(change) / getattr(scales, group)
        rows = np.flatnonzero(applies & (index >= 0) & (distance < limit))
        if not rows.size:
            continue
        other, _ = class_index(moved.take(rows))
        differs = (other != index[rows]) & (other >= 0)
        rows = rows[differs]
        yield position, rows, distance[rows], change[rows], other[differs]


def _chunks(b: Blocks) -> Iterator[tuple[slice, Blocks]]:
    """Pieces that stay in the processor's cache."""
    for start in range(0, b.bur.size, _CHUNK):
        piece = slice(start, start + _CHUNK)
        yield piece, b.take(piece)


def threshold_distance(blocks: pd.DataFrame, scales: Scales = SCALES) -> pd.DataFrame:
    """Class of each block, with the distance to the nearest threshold and the class beyond.

    Parameters
    ----------
    blocks : pandas.DataFrame
        The eight indicators, as for :func:`eo_helpers.lcz.rule.classify`.
    scales : Scales
        Size of one unit of change in each group of indicators.

    Returns
    -------
    pandas.DataFrame
        Same index: ``lcz``; ``lcz_alternative`` the class on the other side of the
        nearest threshold; ``threshold_distance`` (without unit, in scales; 0 = on the
        threshold; NaN for an unclassed block); ``threshold`` its name in the rule;
        ``threshold_change`` the change that reaches it (m, m² or points; signed for
        heights, footprints and trees, the moved share of surface for ground cover).

    Raises
    ------
    InvalidInput
        If an indicator is missing from the table or is not a number.
    """
    b = blocks_of(blocks)
    n = b.bur.size
    index = np.empty(n, dtype=np.int8)
    best = np.full(n, np.inf)
    change = np.full(n, np.nan)
    alternative = np.full(n, -1, dtype=np.int8)
    threshold = np.full(n, -1, dtype=np.int8)
    for piece, part in _chunks(b):
        index[piece], _ = class_index(part)
        nearest = best[piece]
        for position, rows, distance, size, other in _reached(part, index[piece], nearest, scales):
            nearest[rows] = distance
            change[piece][rows] = size
            alternative[piece][rows] = other
            threshold[piece][rows] = position
    names = np.array([name for name, _, _ in _MOVES] + [None], dtype=object)
    return pd.DataFrame(
        {
            "lcz": codes_from_index(index),
            "lcz_alternative": codes_from_index(alternative),
            "threshold_distance": np.where(np.isfinite(best), best, np.nan),
            "threshold": names[threshold],
            "threshold_change": change,
        },
        index=blocks.index,
    )


def possible_classes(
    blocks: pd.DataFrame, scales: Scales = SCALES, within: float = 1.0
) -> np.ndarray:
    """Which classes each block could have, were one group of indicators a little off.

    Returns
    -------
    numpy.ndarray of bool, shape (n, 17)
        Columns as ``schema.CODES``: the block's own class, and every class that crossing
        one threshold less than ``within`` scales away gives.
    """
    b = blocks_of(blocks)
    out = np.zeros((b.bur.size, len(CODES)), dtype=bool)
    for piece, part in _chunks(b):
        index, _ = class_index(part)
        flags = out[piece]
        classed = np.flatnonzero(index >= 0)
        flags[classed, index[classed]] = True
        limit = np.full(index.size, within)
        for _, rows, _, _, other in _reached(part, index, limit, scales):
            flags[rows, other] = True
    return out
