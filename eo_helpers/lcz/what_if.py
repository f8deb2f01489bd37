"""« Et si »: change a block's ground or height, and see whether its class changes.

**What is exchanged.** The five rates sum to 100, so ground that becomes something was
something else before. A :class:`Change` says what grows (``cover``) by how many points of
the block's surface and what it takes the place of (``exchange``): by default vegetation
takes the place of impervious mineral ground, and mineral ground that of vegetation. A
negative change goes the other way. A block gives what it has and no more: what could be
moved is told beside what was asked. The share of trees in the vegetation stays as it was
unless ``vhr`` changes it (a block without vegetation gets vegetation without trees).

**Limits**, to be said beside every result (:data:`LIMITS`): this is what the *rule* would
answer, not the air temperature; inside a built block the rule looks at mineral ground as
a whole and only at 40 and 70 %, so many useful plantings change no class.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..errors import InvalidInput
from ..text import Text
from .rule import INDICATORS, RATES, blocks_of, class_index
from .schema import codes_from_index, sensitivity_of

__all__ = ["LIMITS", "Change", "indicators_of", "summary", "sweep", "what_if"]

#: What a cover takes the place of, unless told otherwise.
DEFAULT_EXCHANGE = {"ver": "ror", "ror": "ver", "bsr": "ror", "war": "ror", "bur": "ver"}

LIMITS: tuple[Text, ...] = (
    {
        "fr": "C'est la réponse de la règle de classement, pas celle du thermomètre : une classe "
        "qui change ne dit pas de combien l'air se rafraîchit, et planter rafraîchit même quand "
        "la classe ne change pas.",
        "en": "This is the rule's answer, not the thermometer's: a class that changes does not "
        "tell by how much the air cools, and planting cools even where no class changes.",
    },
    {
        "fr": "Dans un îlot bâti, la règle ne regarde le sol minéral (bâtiments compris) qu'à deux "
        "seuils, 40 et 70 % : entre les deux, rien ne bascule.",
        "en": "In a built block the rule looks at mineral ground (buildings included) at two "
        "thresholds only, 40 and 70 %: between them nothing tips.",
    },
    {
        "fr": "Un îlot garde ici ses autres indicateurs (hauteur, emprise, arbres) : un vrai "
        "projet les change ensemble.",
        "en": "A block keeps its other indicators (height, footprint, trees) here: a real project "
        "changes them together.",
    },
)


@dataclass(frozen=True)
class Change:
    """What is asked of each block.

    Parameters
    ----------
    cover : {"ver", "ror", "bsr", "war", "bur"}
        The cover that grows or shrinks.
    points : float
        By how many points of the block's surface (negative: shrinks).
    exchange : str, optional
        The cover that gives way (or takes over); :data:`DEFAULT_EXCHANGE` by default.
    hre : float
        Metres added to the mean building height (only where there are buildings).
    vhr : float
        Points added to the share of trees in the vegetation.
    """

    cover: str = "ver"
    points: float = 0.0
    exchange: str | None = None
    hre: float = 0.0
    vhr: float = 0.0

    def __post_init__(self) -> None:
        for name in (self.cover, self.other):
            if name not in RATES:
                raise InvalidInput(
                    f"« {name} » n'est pas une couverture du sol : {', '.join(RATES)}.",
                    f"'{name}' is not a ground cover: {', '.join(RATES)}.",
                )
        if self.cover == self.other:
            raise InvalidInput(
                f"« {self.cover} » ne peut pas prendre la place d'elle-même : dites ce qu'elle "
                "remplace (par exemple ror).",
                f"'{self.cover}' cannot take its own place: say what it replaces (such as ror).",
            )
        if not all(np.isfinite(v) for v in (self.points, self.hre, self.vhr)):
            raise InvalidInput(
                "Un changement « et si » est un nombre fini de points ou de mètres.",
                "A what-if change is a finite number of points or metres.",
            )
        if abs(self.points) > 100 or abs(self.vhr) > 100:
            raise InvalidInput(
                f"Un îlot n'a que 100 points de surface : {self.points:+g} (sol) et "
                f"{self.vhr:+g} (arbres) ne se peuvent pas.",
                f"A block has 100 points of surface only: {self.points:+g} (ground) and "
                f"{self.vhr:+g} (trees) cannot be.",
            )
        if self.points == 0 and self.hre == 0 and self.vhr == 0:
            raise InvalidInput(
                "Rien ne change : donnez des points de sol, d'arbres ou des mètres de hauteur.",
                "Nothing changes: give points of ground or trees, or metres of height.",
            )

    @property
    def other(self) -> str:
        """The cover on the other side of the exchange."""
        return self.exchange or DEFAULT_EXCHANGE.get(self.cover, "ror")


def what_if(blocks: pd.DataFrame, change: Change, where: Any = None) -> pd.DataFrame:
    """Apply a change to blocks and class them again.

    Parameters
    ----------
    blocks : pandas.DataFrame
        The eight indicators (any case), units of :func:`eo_helpers.lcz.rule.classify`.
    change : Change
    where : array_like of bool, shape (n,), optional
        The blocks that change; all by default.

    Returns
    -------
    pandas.DataFrame
        Same index: the eight indicators after the change (rates sum as before), ``moved``
        (points that could be exchanged, signed as asked), ``whole`` (all that was asked
        could be done), ``lcz_before``, ``lcz_after``, ``sensitivity_before``,
        ``sensitivity_after``, ``class_changed``, ``category_changed``.

    Raises
    ------
    InvalidInput
        If an indicator is missing, or ``where`` does not fit the blocks.

    Notes
    -----
    Both classes are the rule's own, so that a published class that the rule does not give
    back does not count as a change.

    Examples
    --------
    >>> row = dict(hre=12, are=300, bur=45, ror=30, bsr=0, war=0, ver=25, vhr=20)
    >>> out = what_if(pd.DataFrame([row]), Change("ver", 10))
    >>> out.lcz_before[0], out.lcz_after[0]
    ('2', '5')
    """
    b = blocks_of(blocks)
    n = b.bur.size
    rows = np.ones(n, dtype=bool) if where is None else np.asarray(where, dtype=bool)
    if rows.shape != (n,):
        raise InvalidInput(
            f"Le choix des îlots a {rows.size} valeurs pour {n} îlots.",
            f"The choice of blocks has {rows.size} values for {n} blocks.",
        )
    mine, other = getattr(b, change.cover), getattr(b, change.other)
    # What gives way gives what it has.
    room = other if change.points >= 0 else mine
    amount = np.minimum(abs(change.points), np.nan_to_num(room, nan=0.0))
    moved = np.where(rows, np.copysign(amount, change.points), 0.0) + 0.0
    height = np.maximum(b.hre + np.where(rows & (b.bur > 0), change.hre, 0.0), 0.0)
    # Vegetation that appears where there was none has no trees yet.
    trees = np.where(np.isnan(b.vhr) & (b.ver <= 0), 0.0, b.vhr)
    after = b._replace(
        **{change.cover: mine + moved, change.other: other - moved},
        hre=height,
        vhr=np.where(rows, np.clip(trees + change.vhr, 0, 100), b.vhr),
    )
    first, _ = class_index(b)
    second, _ = class_index(after)
    out = pd.DataFrame(after._asdict(), index=blocks.index)
    out["moved"] = moved
    out["whole"] = ~rows | np.isclose(amount, abs(change.points))
    out["lcz_before"], out["lcz_after"] = codes_from_index(first), codes_from_index(second)
    out["sensitivity_before"] = sensitivity_of(out["lcz_before"])
    out["sensitivity_after"] = sensitivity_of(out["lcz_after"])
    out["class_changed"] = first != second
    out["category_changed"] = out["sensitivity_before"].fillna("") != out[
        "sensitivity_after"
    ].fillna("")
    return out


def summary(result: pd.DataFrame, area: Any = None) -> dict[str, Any]:
    """What a change did, in figures.

    Parameters
    ----------
    result : pandas.DataFrame
        From :func:`what_if`.
    area : array_like, shape (n,), optional
        Area of each block, m²; without it blocks are only counted.

    Returns
    -------
    dict
        ``blocks``, ``class_changed``, ``category_changed``, ``short`` (blocks that could
        not give all that was asked); ``transitions`` a list of ``{before, after, blocks,
        area_ha}``, most blocks first; ``area_percent`` ``{category: [before, after]}``.
    """
    weight = np.full(len(result), np.nan) if area is None else np.asarray(area, dtype=float)
    table = result.assign(_area=weight / 1e4)
    changed = table[table["class_changed"]].fillna({"lcz_before": "", "lcz_after": ""})
    pairs = changed.groupby(["lcz_before", "lcz_after"], as_index=False).agg(
        size=("_area", "size"), ha=("_area", "sum")
    )
    pairs = pairs.sort_values("size", ascending=False, kind="stable")
    out: dict[str, Any] = {
        "blocks": len(result),
        "class_changed": int(result["class_changed"].sum()),
        "category_changed": int(result["category_changed"].sum()),
        "short": int((~result["whole"]).sum()),
        "transitions": [
            {
                "before": before or None,
                "after": after or None,
                "blocks": int(size),
                "area_ha": None if area is None else float(ha),
            }
            for before, after, size, ha in pairs.itertuples(index=False)
        ],
        "limits": [dict(text) for text in LIMITS],
    }
    if area is not None:
        total = float(weight.sum())
        out["area_percent"] = {
            name: [
                100 * float(weight[(result[column] == name).to_numpy()].sum()) / total
                for column in ("sensitivity_before", "sensitivity_after")
            ]
            for name in pd.unique(
                result[["sensitivity_before", "sensitivity_after"]].to_numpy().ravel()
            )
            if isinstance(name, str)
        }
    return out


def sweep(
    blocks: pd.DataFrame,
    area: Any,
    points: Any = tuple(range(0, 31, 5)),
    cover: str = "ver",
    exchange: str | None = None,
    where: Any = None,
) -> pd.DataFrame:
    """Shares of the area by sensitivity category as a cover grows step by step.

    Parameters
    ----------
    blocks, where
        As for :func:`what_if`.
    area : array_like, shape (n,)
        Area of each block, m².
    points : sequence of float
        Points of surface added at each step (0 = as it is).
    cover, exchange : str
        As for :class:`Change`.

    Returns
    -------
    pandas.DataFrame
        ``points``, ``class_changed`` (blocks), and one column per category, percent of
        the area.
    """
    weight = np.asarray(area, dtype=float)
    rows = []
    for step in points:
        if step == 0:
            codes = codes_from_index(class_index(blocks_of(blocks))[0])
            level, changed = sensitivity_of(codes), 0
        else:
            found = what_if(blocks, Change(cover, float(step), exchange), where)
            level = found["sensitivity_after"].to_numpy(dtype=object)
            changed = int(found["class_changed"].sum())
        shares = pd.Series(weight).groupby(pd.Series(level)).sum() / weight.sum() * 100
        rows.append({"points": float(step), "class_changed": changed, **shares.to_dict()})
    return pd.DataFrame(rows).fillna(0.0)


def indicators_of(result: pd.DataFrame) -> pd.DataFrame:
    """The eight indicators after the change, ready to be classed or changed again."""
    return result[list(INDICATORS)]
