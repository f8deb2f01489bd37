"""What speaks for taking the asphalt away in a sector, and what forbids it.

Three things that never mix: **need** (how much the place would gain), **feasibility** (how
easily it can be done there) and **vetoes** (what no score buys back). Value functions are
fixed, not stretched to the best and worst sector of a commune: two communes compare.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidInput
from ..text import Text

__all__ = ["CRITERIA", "FEASIBILITY", "NEED", "VETOES", "Criterion", "Veto", "values_of"]

Array = NDArray[np.float64]
Axis = Literal["need", "feasibility"]


@dataclass(frozen=True)
class Criterion:
    """One reason: a quantity with its unit, and how much of it counts for how much.

    Attributes
    ----------
    name : str
    axis : {"need", "feasibility"}
    label : Text
    unit : str
    none, full : float
        Quantity that is worth 0 and 1; ``none > full`` where less of it counts for more.
    why : Text
        Where the two ends come from.
    dataset : str
        Data set that it is worked out from.
    log : bool
        The value goes with the logarithm of the quantity.
    """

    name: str
    axis: Axis
    label: Text
    unit: str
    none: float
    full: float
    why: Text
    dataset: str
    log: bool = False

    def value(self, quantity: Array) -> Array:
        """Value from 0 to 1, linear between the two ends; NaN where the quantity is."""
        q, none, full = np.asarray(quantity, float), self.none, self.full
        if self.log:
            with np.errstate(divide="ignore"):
                q, none, full = np.log(np.maximum(q, 0)), np.log(none), np.log(full)
        return np.asarray(np.clip((q - none) / (full - none), 0.0, 1.0))


def values_of(criterion: Criterion, low: Array, high: Array) -> tuple[Array, Array]:
    """Value between its bounds, from the bounds of the quantity.

    A quantity that is missing (NaN) may be anything: its value goes from 0 to 1, it is not 0.

    Raises
    ------
    InvalidInput
        If a low bound is over its high one.
    """
    low, high = np.asarray(low, float), np.asarray(high, float)
    known = np.isfinite(low) & np.isfinite(high)
    if (low[known] > high[known]).any():
        raise InvalidInput(
            f"Critère « {criterion.name} » : une borne basse dépasse sa borne haute.",
            f"Criterion '{criterion.name}': a low bound is over its high one.",
        )
    one, two = criterion.value(low), criterion.value(high)
    return (
        np.where(known, np.minimum(one, two), 0.0),
        np.where(known, np.maximum(one, two), 1.0),
    )


NEED: tuple[Criterion, ...] = (
    Criterion(
        "impervious", "need",
        {"fr": "Sol minéral à désimperméabiliser", "en": "Mineral ground to deseal"},
        "%", 10.0, 60.0,
        {"fr": "Part de l'îlot en sol minéral hors bâtiments ; 60 % : parkings et places.",
         "en": "Share of the block in mineral ground without buildings; 60%: car parks, squares."},
        "lcz-cerema",
    ),
    Criterion(
        "heat", "need",
        {"fr": "Sensibilité à la chaleur", "en": "Sensitivity to heat"},
        "rang", 0.0, 4.0,
        {"fr": "Catégories du Cerema ; « variable » n'est pas un degré : valeur inconnue.",
         "en": "Cerema's categories; 'variable' is no step of the scale: value unknown."},
        "lcz-cerema",
    ),
    Criterion(
        "people", "need",
        {"fr": "Habitants exposés", "en": "People exposed"},
        "hab/ha", 0.0, 100.0,
        {"fr": "100 habitants par hectare : immeubles de centre-ville.",
         "en": "100 people a hectare: blocks of flats in a town centre."},
        "filosofi-200m",
    ),
    Criterion(
        "canopy", "need",
        {"fr": "Manque d'arbres", "en": "Lack of trees"},
        "%", 30.0, 0.0,
        {"fr": "30 % d'arbres par quartier : règle 3-30-300 (Konijnendijk 2023).",
         "en": "30% of trees by district: the 3-30-300 rule (Konijnendijk 2023)."},
        "lcz-cerema",
    ),
    Criterion(
        "runoff", "need",
        {"fr": "Ruissellement reçu de l'amont", "en": "Run-off received from upslope"},
        "ha", 0.1, 10.0,
        {"fr": "Surface minérale et bâtie dont l'eau descend vers l'îlot, échelle logarithmique.",
         "en": "Mineral and built ground whose water flows to the block, logarithmic."},
        "dem", log=True,
    ),
)  # fmt: skip
FEASIBILITY: tuple[Criterion, ...] = (
    Criterion(
        "public_place", "feasibility",
        {"fr": "Cour d'école, parking, équipement public", "en": "Yard, car park, public place"},
        "%", 0.0, 30.0,
        {"fr": "Part de l'îlot dans une cour, un parking ou un équipement de la BD TOPO.",
         "en": "Share of the block in a yard, car park or public place of BD TOPO."},
        "bdtopo-places",
    ),
    Criterion(
        "public_owner", "feasibility",
        {"fr": "Terrain de personnes publiques", "en": "Publicly owned ground"},
        "%", 0.0, 80.0,
        {"fr": "Part de l'îlot en parcelles de personnes morales publiques (DGFiP).",
         "en": "Share of the block in parcels of public bodies (DGFiP)."},
        "public-parcels",
    ),
    Criterion(
        "permeability", "feasibility",
        {"fr": "Sol qui laisse passer l'eau", "en": "Ground that lets water through"},
        "mm/h", 1.45, 36.0,
        {"fr": "Conductivité à saturation, des groupes hydrologiques D à A (NRCS 2009).",
         "en": "Saturated conductivity, from hydrologic groups D to A (NRCS 2009)."},
        "soil-permeability", log=True,
    ),
    Criterion(
        "slope", "feasibility",
        {"fr": "Pente faible", "en": "Gentle slope"},
        "%", 10.0, 2.0,
        {"fr": "Au-delà de 10 %, l'eau file avant de s'infiltrer.",
         "en": "Over 10%, water runs away before it sinks in."},
        "dem",
    ),
)  # fmt: skip
CRITERIA = (*NEED, *FEASIBILITY)


@dataclass(frozen=True)
class Veto:
    """What forbids letting water sink in there, whatever the score."""

    name: str
    label: Text
    dataset: str


VETOES: tuple[Veto, ...] = (
    Veto("steep", {"fr": "pente de plus de 10 %", "en": "slope over 10%"}, "dem"),
    Veto("polluted", {"fr": "sol pollué (SIS)", "en": "polluted ground (SIS)"}, "ground-hazards"),
    Veto(
        "clay",
        {"fr": "argiles gonflantes, aléa fort", "en": "swelling clay, strong hazard"},
        "ground-hazards",
    ),
    Veto("cavity", {"fr": "cavité ou gypse", "en": "cavity or gypsum"}, "ground-hazards"),
    Veto(
        "water_table",
        {"fr": "nappe à moins d'un mètre", "en": "water table within a metre"},
        "ground-hazards",
    ),
)
