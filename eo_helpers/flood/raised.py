"""« Et si l'eau montait »: the flood of a Finding with its surface higher or lower."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..errors import InvalidInput
from ..findings import Control, Finding, Indicator
from ..territory.commune import Commune
from ..text import Text, at_place, day, french, number, percent
from .extent import DRY, FLOODED, UNKNOWN
from .reached import Assessment
from .sentences import area
from .water import Water

__all__ = ["LOWEST", "HIGHEST", "check_rise", "control", "raised", "told"]

#: Rises that the page offers, metres; beyond, the surface found says little.
LOWEST, HIGHEST, STEP = -1.0, 2.0, 0.25
#: 90 % of a normal law, on both sides.
Z90 = 1.645
#: Probabilities that the assessment takes for sure, and for possible.
_SURE, _POSSIBLE = 0.9, 0.5

#: Figures of the image, which say nothing of water that was not there.
_OF_THE_IMAGE = ("hidden_area", "low_ground_area", "permanent_area")


def check_rise(rise: object) -> float:
    """The rise as a number of metres within the limits.

    Raises
    ------
    InvalidInput
    """
    number_ = isinstance(rise, int | float) and not isinstance(rise, bool)
    if not number_ or not LOWEST <= float(rise) <= HIGHEST:  # type: ignore[arg-type]
        raise InvalidInput(
            f"La montée de l'eau « {rise} » n'est pas un nombre de mètres entre -1 et 2.",
            f"The rise of the water '{rise}' is no number of metres between -1 and 2.",
        )
    # To the centimetre: less is no other surface, and could not be written.
    return round(float(rise), 2)  # type: ignore[arg-type]


def control(rise: float) -> Control:
    """The slider of the page."""
    return Control(
        "rise",
        {"fr": "Et si l'eau montait, ou baissait ?", "en": "What if the water rose, or fell?"},
        rise,
        LOWEST,
        HIGHEST,
        STEP,
        "m",
        2,
        help={
            "fr": "0 : l'eau comme l'image la montre. Dès qu'elle monte, l'eau remplit aussi le "
            "terrain bas où l'image ne la voyait pas (rues denses, arbres). Ni prévision, ni "
            "modèle d'écoulement.",
            "en": "0: the water as the image shows it. Any rise also fills low ground where the "
            "image did not see it (dense streets, trees). Neither a forecast nor a model of the "
            "flow.",
        },
    )


def raised(water: Water, rise: float) -> Water:
    """The same flood, its surface ``rise`` metres higher: on the same grid, with bounds.

    Parameters
    ----------
    water : Water
        With ``surface`` and ``terrain``.
    rise : float
        Metres, not 0.

    Returns
    -------
    Water
        ``probability`` is no measurement here: 0.9 where the ground would be wet with a surface
        lower by 1.645 times the median uncertainty of the surface, 0.5 where with one higher by
        as much, so that areas and people have a low and a high bound.
    """
    if water.rising is None or water.surface is None or water.terrain is None:
        raise InvalidInput(
            "Sans modèle de terrain, on ne peut pas dire où l'eau irait si elle montait : "
            "ajoutez-en un (RGE ALTI).",
            "Without a terrain model nobody can tell where the water would go if it rose: add "
            "one (RGE ALTI).",
        )
    always = water.grid["permanent"]
    sigma = water.surface["uncertainty"].values
    sigma = sigma[np.isfinite(sigma)]
    spread = Z90 * float(np.median(sigma)) if sigma.size else 0.0  # no water: nothing to spread
    land = always.values != 1
    new = water.rising.to(rise)
    wet = {"mid": (new["depth"].values > 0) & land}
    for name, height in (("low", rise - spread), ("high", rise + spread)):
        wet[name] = water.rising.wet(height) & land
    known = np.isfinite(water.terrain.values.reshape(wet["mid"].shape))
    codes = np.where(known, np.where(wet["mid"], FLOODED, DRY), UNKNOWN).astype(np.uint8)
    chance = np.where(wet["high"] | wet["mid"], _POSSIBLE, 0.0)
    chance = np.where(wet["low"] & wet["mid"], _SURE, chance)
    grid = water.grid.copy()
    flood = water.grid["flood"]
    grid["flood"] = flood.copy(data=codes)
    grid["probability"] = flood.copy(data=np.where(known, chance, np.nan).astype(np.float32))
    grid["depth"], grid["uncertainty"] = new["depth"], new["uncertainty"]
    grid["low_ground"] = flood.copy(data=np.zeros(codes.shape, bool))
    transform = water.grid.rio.transform()
    # In place: else each of the two copies every raster.
    grid.rio.write_crs(water.grid.rio.crs, inplace=True)
    grid.rio.write_transform(transform, inplace=True)
    return replace(water, grid=grid, radar=False, images=[])


def told(
    finding: Finding, commune: Commune, found: Assessment, water: Water, rise: float
) -> Finding:
    """The Finding with every word saying that it is a supposition."""
    suffix = _if(rise)

    def marked(text: Text) -> Text:
        return {lang: f"{text[lang]}, {suffix[lang]}" for lang in text}

    def figure(one: Indicator) -> Indicator:
        return one if one.group == "measurement" else replace(one, label=marked(one.label))

    caveat: Text = {
        "fr": "Une supposition : la surface de l'eau trouvée sur l'image, montée ou baissée "
        "d'autant partout, sur tout le terrain relié à elle : y compris celui, plus bas qu'elle, "
        "où l'image ne voyait pas d'eau. Digues, ponts et durée de la crue n'y sont pas.",
        "en": "A supposition: the surface of the water found on the image, raised or lowered alike "
        "everywhere, over all ground joined to it: also that below it where the image saw no "
        "water. Dykes, bridges and the flood's duration are not in it.",
    }
    return replace(
        finding,
        headline=_headline(commune, found, water.date, rise),
        indicators=tuple(
            figure(one) for one in finding.indicators if one.name not in _OF_THE_IMAGE
        ),
        layers=tuple(
            layer if layer.name == "commune" else replace(layer, title=marked(layer.title))
            for layer in finding.layers
        ),
        charts=tuple(replace(chart, title=marked(chart.title)) for chart in finding.charts),
        caveats=(caveat, *finding.caveats),
    )


def _amount(rise: float, lang: str) -> str:
    """« 50 cm », « 1,25 m »."""
    size = abs(rise)
    if size < 1:
        return f"{number(100 * size, 0, lang)}\u00a0cm"
    cents = round(100 * size)
    digits = 0 if cents % 100 == 0 else 1 if cents % 10 == 0 else 2
    return f"{number(size, digits, lang)}\u00a0m"


def _if(rise: float) -> Text:
    return {
        "fr": f"si l'eau {'montait' if rise > 0 else 'baissait'} de {_amount(rise, 'fr')}",
        "en": f"if the water {'rose' if rise > 0 else 'fell'} by {_amount(rise, 'en')}",
    }


def _headline(commune: Commune, found: Assessment, date: str, rise: float) -> Text:
    when = {
        "fr": f" par rapport au {day(date, 'fr')}" if date else "",
        "en": f" from its level of {day(date, 'en')}" if date else "",
    }
    out = {}
    for lang in ("fr", "en"):
        start = _if(rise)[lang]
        said = start[:1].upper() + start[1:] + when[lang]
        flooded = found.flooded
        low, high = number(flooded.low, 0, lang), number(flooded.high, 0, lang)
        share = percent(100 * found.share.value, 0, lang)
        if flooded.value < 0.05:
            dry = {"fr": f"{commune.name} resterait au sec", "en": f"{commune.name} would stay dry"}
            out[lang] = f"{said}, {dry[lang]}."
            continue
        if lang == "fr":
            said += (
                f", elle couvrirait {area(flooded.value, lang)} {at_place(commune.name)} "
                f"(entre {low} et "
                f"{high}), soit {share} de la commune"
            )
            depth = "hauteur médiane"
        else:
            said += (
                f", it would cover {area(flooded.value, lang)} in {commune.name} (between {low} "
                f"and {high}), {share} of the commune"
            )
            depth = "median depth"
        if found.median is not None:
            said += f" ; {depth} {number(found.median.value, 1, lang)} m"
        out[lang] = said + "."
    return {"fr": french(out["fr"]), "en": out["en"].replace(" ;", ";")}
