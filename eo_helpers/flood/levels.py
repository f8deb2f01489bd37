"""SWOT's levels in a commune's flood: held against the surface found, and used where they agree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from .. import catalog
from ..catalog.provenance import Provenance
from ..errors import InvalidInput, NoData
from ..findings import Indicator
from ..territory.commune import Commune
from ..text import Text, french, number
from . import swot

__all__ = ["DATASETS", "MOST_DATUM", "Levels", "check_offset", "hold", "indicators"]

DATASETS = ("swot-raster", "swot-river")
#: Largest difference that two vertical datums may make, m: EGM2008 and a national levelling lie
#: within some decimetres of each other.
MOST_DATUM = 1.0
#: Levels scatter about the surface found by no more than this many announced standard deviations.
AGREE = 2.0
#: Fewer levels say too little of a datum.
LEAST = 10


@dataclass(frozen=True)
class Levels:
    """SWOT beside one flood.

    Attributes
    ----------
    agreement : swot.Agreement
        The surface found without SWOT, against SWOT's.
    used : bool
        SWOT's levels hold the surface.
    offset : float
        What was added to SWOT's heights, m; 0 where they are not used.
    dataset : str
    provenance : Provenance
    note : Text
        What any reader should know of it.
    """

    agreement: swot.Agreement
    used: bool
    offset: float
    dataset: str
    provenance: Provenance
    note: Text


def check_offset(offset: object) -> float | None:
    """The offset of the datums as a number of metres, or None where it is not given.

    Raises
    ------
    InvalidInput
    """
    if offset is None:
        return None
    if isinstance(offset, int | float) and not isinstance(offset, bool) and abs(offset) <= 200:
        return float(offset)
    raise InvalidInput(
        f"Le décalage des zéros de hauteur « {offset} » n'est pas un nombre de mètres.",
        f"The offset of the vertical datums '{offset}' is no number of metres.",
    )


def hold(
    commune: Commune,
    source: Any,
    date: str,
    free: xr.Dataset,
    again: Callable[..., xr.Dataset],
    datum_offset: float | None = None,
) -> tuple[xr.Dataset, Levels | None]:
    """The water surface with SWOT's levels of the same day, where they can be used.

    Parameters
    ----------
    date : str
        ISO instant of the flood's image.
    free : xarray.Dataset
        From :func:`.depth.water_depth`, without SWOT.
    again : callable
        Works the surface out again with ``swot`` and ``datum_offset``.
    datum_offset : float, optional
        What brings SWOT's heights (EGM2008) to the terrain's datum, m. Without it the median
        difference to the surface found is taken: SWOT then holds the **shape** of the surface
        (its slope, its steps), not its absolute height, which stays the terrain's.

    Returns
    -------
    (xarray.Dataset, Levels or None)
        ``free`` itself where SWOT measured nothing that day, or disagrees by more than the
        uncertainties of both.
    """
    for dataset in DATASETS:
        try:
            holding = catalog.find(dataset, commune, source)
        except NoData:
            continue
        for path, item in zip(holding.paths, holding.items, strict=True):
            # A pass of another day saw another water.
            if item.datetime is not None and date and item.datetime.date().isoformat() != date[:10]:
                continue
            try:
                measured = swot.read_levels(path)
                agreement = swot.compare(free, measured, datum_offset or 0.0)
            except NoData:
                continue
            offset = agreement.median if datum_offset is None else datum_offset
            trouble = _trouble(agreement)
            found = free
            if trouble is None:
                found = again(swot=measured, datum_offset=offset)
            used = trouble is None
            note = _note(agreement, offset, datum_offset is not None, trouble, _moved(free, found))
            return found, Levels(
                agreement, used, offset if used else 0.0, dataset, holding.provenance, note
            )
    return free, None


def _trouble(agreement: swot.Agreement) -> Text | None:
    """Why SWOT's levels are not used, or None."""
    if agreement.points < LEAST:
        return {"fr": f"moins de {LEAST} points sur cette eau", "en": "too few points on it"}
    if abs(agreement.median) > MOST_DATUM + AGREE * agreement.expected:
        return {
            "fr": "l'écart dépasse ce que deux zéros de hauteur et les incertitudes expliquent",
            "en": "the difference is beyond what two datums and both uncertainties explain",
        }
    if agreement.spread > AGREE * max(agreement.expected, 0.05):
        return {
            "fr": "les écarts se dispersent plus que les incertitudes annoncées",
            "en": "differences scatter more than the uncertainties announced",
        }
    return None


def _moved(before: xr.Dataset, after: xr.Dataset) -> float:
    """Median move of the surface, m, whatever its sign."""
    apart = np.abs(after["surface"].values - before["surface"].values)
    apart = apart[np.isfinite(apart)]
    return float(np.median(apart)) if apart.size else 0.0


def _note(
    agreement: swot.Agreement, offset: float, given: bool, trouble: Text | None, moved: float
) -> Text:
    points = agreement.points
    if trouble is not None:
        return {
            "fr": french(
                f"SWOT a mesuré cette eau le même jour ({points} points), mais ses niveaux ne "
                f"servent pas à la hauteur : {trouble['fr']}."
            ),
            "en": f"SWOT measured this water on the same day ({points} points), but its levels "
            f"are not used for the depth: {trouble['en']}.",
        }
    cm = {lang: number(100 * moved, 0, lang) for lang in ("fr", "en")}
    how = {
        "fr": f"décalés de {number(offset, 2)} m pour les ramener au zéro du relief",
        "en": f"shifted by {number(offset, 2, 'en')} m to the terrain's datum",
    }
    if not given:
        how = {
            "fr": f"décalés de {number(offset, 2)} m, l'écart médian, faute de savoir raccorder "
            "les deux zéros de hauteur : ils tiennent la forme de la surface, pas sa cote",
            "en": f"shifted by {number(offset, 2, 'en')} m, the median difference, since nothing "
            "joins the two datums: they hold the shape of the surface, not its height",
        }
    return {
        "fr": french(
            f"Les niveaux mesurés par SWOT le même jour ({points} points) sont employés, "
            f"{how['fr']} ; la surface en bouge de {cm['fr']} cm en médiane."
        ),
        "en": f"Levels measured by SWOT on the same day ({points} points) are used, {how['en']}; "
        f"they move the surface by {cm['en']} cm in the median.",
    }


def indicators(levels: Levels | None, date: str | None) -> list[Indicator]:
    """The surface found without SWOT against SWOT's, and whether SWOT's was used."""
    if levels is None:
        return []
    one = levels.agreement
    spread = 1.645 * one.spread
    told: Text = {
        "fr": f"Niveau de l'eau trouvé sans SWOT moins niveau mesuré par SWOT ({one.points} "
        f"points, médiane et 90 % ; {'employés' if levels.used else 'non employés'} ensuite)",
        "en": f"Water level found without SWOT less SWOT's ({one.points} points, median and 90%; "
        f"{'used' if levels.used else 'not used'} then)",
    }
    return [
        Indicator("swot_difference", told, one.median, "m", one.median - spread,
                  one.median + spread, date, levels.dataset, 2, "measurement")
    ]  # fmt: skip
