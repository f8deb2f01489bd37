"""Shares of ground and of people per class, with bounds that say how sure they are.

The bounds are not a statistical interval. They answer: if every block whose class is
not sure went the other way, how far could the share move? A block is not sure where

* Cerema's rule gives it another class once one indicator moves by less than one scale
  (:class:`eo_helpers.lcz.thresholds.Scales`), or does not give it the published class;
* GeoClimate's second class is less than twice as far as its first, that is a
  uniqueness ``|d2 - d1| / (d2 + d1)`` below 1/3.

All such blocks moving together is the worst case: errors of neighbouring blocks come
from the same image and the same year, so they may well go together.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import geopandas as gpd
import numpy as np

from .rule import INDICATORS, classify
from .schema import BUILT, CODES, index_from_codes
from .thresholds import SCALES, Scales, possible_classes

__all__ = ["MIN_UNIQUENESS", "Certainty", "Share", "certainty", "share"]

#: Below it, the second nearest class is less than twice as far as the first.
MIN_UNIQUENESS = 1 / 3


@dataclass(frozen=True)
class Certainty:
    """What is known of the class of each block.

    Attributes
    ----------
    possible : numpy.ndarray of bool, shape (n, 17)
        Classes that the block could have (columns as ``schema.CODES``), its own included.
    told : numpy.ndarray of bool, shape (17,)
        Classes for whose blocks the source says how sure it is: bounds are given for
        these only.
    rule_agreement : float or None
        Share of the classed blocks to which Cerema's rule gives the published class.
    """

    possible: np.ndarray
    told: np.ndarray
    rule_agreement: float | None = None


@dataclass(frozen=True)
class Share:
    """A share (0-1) and its bounds, None where none can honestly be given."""

    value: float
    low: float | None = None
    high: float | None = None


def certainty(blocks: gpd.GeoDataFrame, scales: Scales = SCALES) -> Certainty:
    """Which classes each block could have, from what its source tells.

    Parameters
    ----------
    blocks : geopandas.GeoDataFrame
        As :func:`eo_helpers.lcz.data.read` returns it.
    """
    own = index_from_codes(blocks["lcz"])
    rows = np.arange(len(blocks))
    classed = own >= 0
    published = np.zeros((len(blocks), len(CODES)), dtype=bool)
    published[rows[classed], own[classed]] = True
    if set(INDICATORS) <= set(blocks.columns):
        possible = possible_classes(blocks, scales) | published
        # A map of our own also knows the class at both bounds of the ground it estimated.
        for column in ("lcz_low", "lcz_high"):
            if column in blocks:
                bound = index_from_codes(blocks[column])
                possible[rows[bound >= 0], bound[bound >= 0]] = True
        possible[~classed] = False
        ruled = index_from_codes(classify(blocks)["lcz"])
        agreement = float((ruled == own)[classed].mean()) if classed.any() else None
        return Certainty(possible, np.ones(len(CODES), dtype=bool), agreement)
    if "uniqueness" in blocks:
        uniqueness = blocks["uniqueness"].to_numpy(dtype=float)
        second = index_from_codes(blocks["lcz_alternative"])
        unsure = classed & (uniqueness < MIN_UNIQUENESS) & (second >= 0)
        published[rows[unsure], second[unsure]] = True
        silent = classed & ~np.isfinite(uniqueness)
        # GeoClimate sets natural ground (and large low buildings) by other rules, without
        # a uniqueness: it does not say how sure those are.
        told = np.isin(CODES, BUILT)
        told[np.unique(own[silent])] = False
        return Certainty(published, told)
    return Certainty(published, np.zeros(len(CODES), dtype=bool))


def share(
    weight: np.ndarray,
    total: float,
    lcz: np.ndarray,
    sure: Certainty,
    classes: Collection[str],
) -> Share:
    """Share of ``total`` that lies in some classes, with its bounds.

    Parameters
    ----------
    weight : numpy.ndarray, shape (n,)
        Area or people of each block.
    total : float
        What the share is of (the commune, classed or not).
    lcz : numpy.ndarray of str or None, shape (n,)
    sure : Certainty
    classes : collection of str
        The classes that count together (one class, or those of a category).
    """
    if total <= 0:
        return Share(float("nan"))
    wanted = np.isin(CODES, list(classes))
    index = index_from_codes(lcz)
    member = np.isin(index, np.flatnonzero(wanted))
    value = float(weight[member].sum() / total)
    # Class 10 and others that cannot occur here must not forbid a bound: only those that do.
    present = wanted & (sure.possible.any(axis=0))
    if not sure.told[present].all() or not sure.told.any():
        return Share(value)
    could_be = sure.possible[:, wanted].any(axis=1)
    could_leave = sure.possible[:, ~wanted].any(axis=1)
    low = float(weight[member & ~could_leave].sum() / total)
    high = float(weight[could_be].sum() / total)
    return Share(value, low, high)
