"""From events to a practice of public lighting, in Cerema's classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from ..text import Text
from ..timeseries.breaks import KNEE, Break, Changes

__all__ = [
    "BACKGROUND",
    "COLORS",
    "LABELS",
    "LIMIT_DOUBT",
    "MARKS",
    "TOTAL_FALL",
    "Classification",
    "Practice",
    "classify",
    "smallest_detectable_fall",
]

Practice = Literal[
    "extinction_totale",
    "extinction_partielle_ou_renovation",
    "pas_de_changement",
    "rallumage",
    "indetermine",
]

#: A fall of this much (%) or more is taken for a total switch-off: private light,
#: roads of others and the background remain, so a total switch-off never reaches 100 %.
#: No survey of communes gives this limit. Switch-offs are held to be falls of 40 to 75 %,
#: partial ones and renovations falls of 20 to 35 %: it is the middle (of the logarithm)
#: of 35 and 40, and it is doubtful itself, see ``LIMIT_DOUBT``.
TOTAL_FALL = 38.0
#: Standard deviation of that limit (of the logarithm of what is left): some 6 % of the
#: light. A fall near the limit gets a confidence near one half.
LIMIT_DOUBT = 0.1
#: A sudden change under this size (%) is not a change of practice. (18 would spare one false
#: alarm in 11,000 series of white noise, and lose one retrofit in four.)
LEAST_CHANGE = 15.0
#: A rise that undoes this share of the fall before it means lit again.
RELIT_SHARE = 0.5
#: Radiance (nW·cm⁻²·sr⁻¹) of unlit land: below, there is no lighting to switch off.
BACKGROUND = 0.3
#: Where only a fall greater than this (%) could be seen, "no change" says nothing.
BLIND = 60.0

LABELS: dict[str, Text] = {
    "extinction_totale": {
        "fr": "extinction totale en cœur de nuit",
        "en": "total switch-off in the middle of the night",
    },
    "extinction_partielle_ou_renovation": {
        "fr": "extinction partielle ou rénovation d'ampleur",
        "en": "partial switch-off or large renovation",
    },
    "pas_de_changement": {"fr": "pas de changement", "en": "no change"},
    "rallumage": {"fr": "rallumage", "en": "lit again"},
    "indetermine": {"fr": "indéterminé", "en": "undetermined"},
}

#: Colours of the classes on maps and bars, told apart by colour-blind people too (dark where
#: lights are out), and the mark that stands beside each.
COLORS = {
    "extinction_totale": "#22226b",
    "extinction_partielle_ou_renovation": "#7a86c8",
    "pas_de_changement": "#f4c542",
    "rallumage": "#c2410c",
    "indetermine": "#b8b8b8",
}
MARKS = {
    "extinction_totale": "E",
    "extinction_partielle_ou_renovation": "P",
    "pas_de_changement": "=",
    "rallumage": "R",
    "indetermine": "?",
}


@dataclass(frozen=True)
class Classification:
    """A practice, how sure (0-1), and the events that carry it, in order of time."""

    practice: Practice
    confidence: float
    events: tuple[Break, ...]
    reason: Literal["", "few_values", "dark", "noisy", "neighbours"] = ""
    #: Probability that the size lies on this side of the limit between classes.
    size_sure: float = 1.0
    #: Share (0-1) of the fall that the light of the surroundings explains; None: not known.
    neighbours: float | None = None


def smallest_detectable_fall(change: Changes, level: float) -> float:
    """Fall (%) in the middle of the series that would be seen four times out of five.

    Parameters
    ----------
    change : Changes
        Its noise (transformed units), AR(1) coefficient and number of valid values.
    level : float
        Radiance, nW·cm⁻²·sr⁻¹.

    Returns
    -------
    float
        Percent, 0-100. The effective sample size of AR(1) noise is
        ``n (1 - phi) / (1 + phi)``; a trend fitted beside a step doubles its error.
    """
    effective = max(change.valid * (1 - change.phi) / (1 + change.phi), 2.0)
    error = 2 * 2 * change.noise / np.sqrt(effective)
    least = np.arcsinh(level / KNEE) - (2.5 + 0.84) * error
    return float(100 * (1 - np.clip(KNEE * np.sinh(least) / max(level, 1e-6), 0, 1)))


def classify(change: Changes | None) -> Classification:
    """Cerema's class of one series, by documented rules.

    Parameters
    ----------
    change : Changes or None
        Result of :func:`eo_helpers.timeseries.breaks.detect_breaks`.

    Returns
    -------
    Classification
        ``confidence`` is the product of the probability of the events and the
        probability that their size lies on this side of the class limit, which is
        itself doubtful.

    Notes
    -----
    Rules, in this order:

    1. fewer values than the detector needs: *indéterminé*;
    2. a fall that starts below the background level is no switch-off: dropped;
    3. a fall of ``LEAST_CHANGE`` or more, followed by a rise that undoes
       ``RELIT_SHARE`` of it (of the logarithm) and no later fall: *rallumage*;
    4. a fall of ``TOTAL_FALL`` or more, by itself or with the falls before it:
       *extinction totale*; smaller: *extinction partielle ou rénovation d'ampleur*
       (the band is blind below 500 nm, so a change to white LED looks like a fall);
    5. no event: *pas de changement*, unless the place is dark or so noisy that even
       a fall of ``BLIND`` % would not be seen: *indéterminé*.

    Class names from Cerema, Cartographie nationale des pratiques d'éclairage
    nocturne 2014-2024; the limits are ours and are parameters of this module.
    """
    if change is None:
        return Classification("indetermine", 0.0, (), "few_values")
    events = tuple(
        b
        for b in change.breaks
        if abs(b.change_percent) >= LEAST_CHANGE and max(b.before, b.after) >= BACKGROUND
    )
    falls = [b for b in events if b.change_percent < 0]
    if not falls:
        return _unchanged(change, events)
    last_rise = next((b for b in reversed(events) if b.change_percent > 0), None)
    fall = max(falls, key=lambda b: -_log(b))
    if last_rise and last_rise.index > fall.index and events[-1] is last_rise:
        earlier = [b for b in falls if b.index < last_rise.index]
        if _log(last_rise) >= -RELIT_SHARE * min(_log(b) for b in earlier):
            sure = min(fall.probability, last_rise.probability)
            return Classification("rallumage", sure, events)
    # What counts is what is left after the last event.
    net = sum(_log(b) for b in events if b.index >= falls[0].index)
    limit = np.log(1 - TOTAL_FALL / 100)
    spread = np.sqrt(LIMIT_DOUBT**2 + sum(_spread(b) ** 2 for b in falls))
    side = float(norm.cdf(abs(limit - net) / spread))
    sure = min(b.probability for b in falls)
    practice: Practice = (
        "extinction_totale" if net <= limit else "extinction_partielle_ou_renovation"
    )
    return Classification(practice, sure * side, events, size_sure=side)


def _unchanged(change: Changes, events: Sequence[Break]) -> Classification:
    level = float(np.nanmedian(change.adjusted)) if change.valid else np.nan
    if not level >= BACKGROUND:
        return Classification("indetermine", change.p_none, tuple(events), "dark")
    if smallest_detectable_fall(change, level) > BLIND:
        return Classification("indetermine", change.p_none, tuple(events), "noisy")
    # A slow fade is no switch-off: what was told apart is a sudden change or none.
    # (A rise alone is not one of Cerema's classes either.)
    sure = change.p_none + change.p_fade
    if events:
        sure = min(b.probability for b in events)
    return Classification("pas_de_changement", sure, tuple(events))


def _log(b: Break) -> float:
    return float(np.log1p(b.change_percent / 100))


def _spread(b: Break) -> float:
    low, high = (np.log1p(max(v, -99.9) / 100) for v in (b.change_low, b.change_high))
    return float((high - low) / (2 * 1.96))


def segments_of(change: Changes, length: int) -> NDArray[np.int_]:
    """Number of the stretch between sudden changes that each time step lies in."""
    out = np.zeros(length, int)
    for b in change.breaks:
        out[b.index :] += 1
    return out
