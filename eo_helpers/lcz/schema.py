"""The one ``Lcz`` schema: class codes, names, colours and heat sensitivity.

Whatever a provider writes (Cerema ``1``-``9``, ``A``-``G`` or 11-17, GeoClimate
101-107, WUDAPT 11-17), the package knows a Local Climate Zone by one text code:
``"1"`` … ``"10"`` for the built classes, ``"A"`` … ``"G"`` for the natural ones,
None where there is no class.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from ..errors import InvalidInput
from ..findings import Category, Legend
from ..text import Text

__all__ = [
    "BUILT",
    "CLASSES",
    "CODES",
    "NATURAL",
    "SENSITIVITIES",
    "LczClass",
    "Scheme",
    "Sensitivity",
    "codes_from_index",
    "index_from_codes",
    "lcz_legend",
    "normalise_codes",
    "sensitivity_legend",
    "sensitivity_of",
]

Scheme = Literal["any", "cerema", "geoclimate", "wudapt"]


@dataclass(frozen=True)
class LczClass:
    """One Local Climate Zone: its code, its names, its official colour, its sensitivity."""

    code: str
    label: Text
    color: str
    sensitivity: str

    @property
    def built(self) -> bool:
        """True for the built classes (1-10)."""
        return self.code.isdigit()


@dataclass(frozen=True)
class Sensitivity:
    """One of Cerema's six categories of sensitivity to heat waves.

    ``rank`` is the step of the scale (0 lowest … 4 highest), None for « Variable »,
    which is not a step: it is never averaged nor coloured as one.
    """

    name: str
    label: Text
    color: str
    mark: str
    rank: int | None


def _lcz(code: str, fr: str, en: str, color: str, sensitivity: str) -> LczClass:
    return LczClass(code, {"fr": fr, "en": en}, color, sensitivity)


#: French labels and colours as the State's services show them; English names of Stewart
#: and Oke (2012). Class 10, which Cerema never gives, has the WUDAPT colour.
CLASSES: dict[str, LczClass] = {
    lcz.code: lcz
    for lcz in (
        _lcz("1", "Ensemble compact de tours", "Compact high-rise", "#8C0000", "very_high"),
        _lcz("2", "Ensemble compact d'immeubles", "Compact mid-rise", "#D10000", "very_high"),
        _lcz("3", "Ensemble compact de maisons", "Compact low-rise", "#FF0000", "high"),
        _lcz("4", "Ensemble de tours espacées", "Open high-rise", "#BF4D00", "medium"),
        _lcz("5", "Ensemble d'immeubles espacés", "Open mid-rise", "#FA6600", "medium"),
        _lcz("6", "Ensemble de maisons espacées", "Open low-rise", "#FF9955", "low"),
        _lcz(
            "7",
            "Ensemble dense de constructions légères",
            "Lightweight low-rise",
            "#FAEE05",
            "variable",
        ),
        _lcz("8", "Bâtiments de grande emprise", "Large low-rise", "#BCBCBC", "variable"),
        _lcz("9", "Implantation diffuse de maisons", "Sparsely built", "#FFCCAA", "low"),
        _lcz("10", "Industrie lourde", "Heavy industry", "#555555", "variable"),
        _lcz("A", "Espace densément arboré", "Dense trees", "#006A00", "very_low"),
        _lcz("B", "Espace arboré clairsemé", "Scattered trees", "#00AA00", "very_low"),
        _lcz("C", "Espace végétalisé hétérogène", "Bush, scrub", "#648525", "very_low"),
        _lcz("D", "Végétation basse", "Low plants", "#B9DB79", "very_low"),
        _lcz("E", "Sol imperméable", "Bare rock or paved", "#000000", "variable"),
        _lcz("F", "Sol nu perméable", "Bare soil or sand", "#FBF7AE", "very_low"),
        _lcz("G", "Surface en eau", "Water", "#6A6AFF", "very_low"),
    )
}

CODES: tuple[str, ...] = tuple(CLASSES)
BUILT: tuple[str, ...] = tuple(c for c in CODES if CLASSES[c].built)
NATURAL: tuple[str, ...] = tuple(c for c in CODES if not CLASSES[c].built)

#: Ordered from the most to the least sensitive, then Variable. Colours: ColorBrewer
#: YlOrRd with five classes (safe for colour-blind eyes); Variable is a grey off the scale.
SENSITIVITIES: dict[str, Sensitivity] = {
    s.name: s
    for s in (
        Sensitivity("very_high", {"fr": "Très forte", "en": "Very high"}, "#BD0026", "++", 4),
        Sensitivity("high", {"fr": "Forte", "en": "High"}, "#F03B20", "+", 3),
        Sensitivity("medium", {"fr": "Moyenne", "en": "Medium"}, "#FD8D3C", "=", 2),
        Sensitivity("low", {"fr": "Faible", "en": "Low"}, "#FECC5C", "−", 1),
        Sensitivity("very_low", {"fr": "Faible à nulle", "en": "Low to none"}, "#FFFFB2", "○", 0),
        Sensitivity("variable", {"fr": "Variable", "en": "Variable"}, "#8C8C8C", "~", None),
    )
}

# Codes of every provider. They do not contradict one another: one table reads them all,
# and a scheme only narrows what is accepted.
_NUMBERS: dict[Scheme, dict[int, str]] = {
    "cerema": {n: str(n) for n in range(1, 10)} | dict(zip(range(11, 18), "ABCDEFG", strict=True)),
    "geoclimate": {n: str(n) for n in range(1, 11)}
    | dict(zip(range(101, 108), "ABCDEFG", strict=True)),
    "wudapt": {n: str(n) for n in range(1, 11)} | dict(zip(range(11, 18), "ABCDEFG", strict=True)),
}
_NUMBERS["any"] = _NUMBERS["wudapt"] | _NUMBERS["geoclimate"]
_EXPECTED: dict[Scheme, str] = {
    "any": "1-10, A-G, 11-17, 101-107",
    "cerema": "1-9, A-G, 11-17",
    "geoclimate": "1-10, 101-107",
    "wudapt": "1-17",
}


def _one_code(value: Any, scheme: Scheme) -> str | None:
    """Code of one provider's value; None for no class; KeyError if it is unknown."""
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return None
    if isinstance(value, (int, float, np.integer, np.floating)):
        if float(value) == 0.0:
            return None
        if float(value) != int(value):
            raise KeyError(value)
        return _NUMBERS[scheme][int(value)]
    text = str(value).strip().upper().removeprefix("LCZ").strip(" _-")
    if not text:
        return None
    if text in NATURAL:
        return text
    if text.replace(".", "", 1).isdigit():
        return _one_code(float(text), scheme)
    raise KeyError(value)


def normalise_codes(values: Any, scheme: Scheme = "any", where: str = "") -> np.ndarray:
    """Bring any provider's class codes to the one schema.

    Parameters
    ----------
    values : array_like
        Numbers (1-10, 11-17, 101-107) or texts (``"6"``, ``"A"``, ``"LCZ 6"``), any shape
        (n,). None, NaN, 0 and empty text mean « no class ».
    scheme : {"any", "cerema", "geoclimate", "wudapt"}
        Whose codes they are; ``"any"`` takes them all (they do not contradict).
    where : str
        File name, for the message.

    Returns
    -------
    numpy.ndarray of object, shape (n,)
        ``"1"`` … ``"10"``, ``"A"`` … ``"G"`` or None.

    Raises
    ------
    InvalidInput
        If a code is not one of the scheme's.

    Examples
    --------
    >>> list(normalise_codes([6, 104, 17, 0]))
    ['6', 'D', 'G', None]
    """
    factor, uniques = pd.factorize(np.asarray(values, dtype=object), use_na_sentinel=True)
    table: list[str | None] = []
    for position, unique in enumerate(uniques):
        try:
            table.append(_one_code(unique, scheme))
        except KeyError:
            count = int((factor == position).sum())
            place = f"{where} : " if where else ""
            place_en = f"{where}: " if where else ""
            raise InvalidInput(
                f"{place}le code LCZ « {unique} » est inconnu ({count} fois) ; "
                f"codes attendus : {_EXPECTED[scheme]}.",
                f"{place_en}LCZ code '{unique}' is unknown ({count} times); "
                f"expected codes: {_EXPECTED[scheme]}.",
            ) from None
    # The sentinel -1 of a missing value takes the last entry: None.
    return np.array([*table, None], dtype=object)[factor]


_CODE_TABLE = np.array([*CODES, None], dtype=object)


def codes_from_index(index: np.ndarray) -> np.ndarray:
    """Text codes of positions in :data:`CODES` (-1 = no class → None)."""
    return _CODE_TABLE[index]


def index_from_codes(codes: Any) -> np.ndarray:
    """Positions in :data:`CODES` of text codes, int8 (None → -1)."""
    return pd.Index(CODES).get_indexer(pd.Index(np.asarray(codes, dtype=object))).astype(np.int8)


def sensitivity_of(codes: Any) -> np.ndarray:
    """Heat-sensitivity category of each class code (a look-up, not a model).

    Source: the six categories that Cerema publishes with LCZ_SPOT_2022.

    Parameters
    ----------
    codes : array_like of str or None, shape (n,)

    Returns
    -------
    numpy.ndarray of object, shape (n,)
        A key of :data:`SENSITIVITIES`, None where there is no class.
    """
    table = np.array([CLASSES[c].sensitivity for c in CODES] + [None], dtype=object)
    return table[index_from_codes(codes)]


#: What a Local Climate Zone is, said where a person first meets one.
WHAT_IT_IS: Text = {
    "fr": "Une « zone climatique locale » (LCZ) est un morceau de ville ou de campagne d'un même "
    "genre (centre dense, pavillons, bois, eau …), décrit par ses bâtiments et son sol. Le genre "
    "dit si l'air y reste chaud en été ; ce n'est pas une température mesurée.",
    "en": "A 'Local Climate Zone' (LCZ) is a piece of town or country of one kind (dense centre, "
    "houses, wood, water …), described by its buildings and ground. The kind says how heat builds "
    "up there; it is not a measured temperature.",
}


def lcz_legend(present: Any = CODES, colors: Mapping[str, str] | None = None) -> Legend:
    """Legend of the classes of ``present``, the code as the mark.

    Colours are the official ones, but those that the map's own style gives (``colors``).
    """
    wanted, own = set(present), colors or {}
    return Legend(
        title={"fr": "Zone climatique locale (LCZ)", "en": "Local Climate Zone (LCZ)"},
        note=WHAT_IT_IS,
        categories=tuple(
            Category(c.code, c.label, own.get(c.code, c.color), c.code)
            for c in CLASSES.values()
            if c.code in wanted
        ),
    )


def sensitivity_legend(present: Any = tuple(SENSITIVITIES)) -> Legend:
    """Legend of the sensitivity categories of ``present``, « Variable » last."""
    wanted = set(present)
    return Legend(
        title={"fr": "Sensibilité à la chaleur", "en": "Sensitivity to heat"},
        categories=tuple(
            Category(s.name, s.label, s.color, s.mark)
            for s in SENSITIVITIES.values()
            if s.name in wanted
        ),
    )
