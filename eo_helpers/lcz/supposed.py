"""« Et si l'on plantait »: the rule's answer for a commune, as a person moves a slider.

Science and limits are those of :mod:`.what_if`. The bounds given here answer: what if the
cover of every block were known wrongly by one scale (:class:`.thresholds.Scales`), all in
the same direction? They are no statistical interval.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import pandas as pd

from ..errors import InvalidInput
from ..findings import Bars, Category, Control, Finding, Indicator, Layer, Legend
from ..territory.commune import Commune
from ..text import Text, at_place, number, of_place, percent
from .figures import SENSITIVE
from .people import People
from .rule import INDICATORS
from .schema import BUILT
from .sentences import sentence
from .thresholds import Scales
from .what_if import LIMITS, Change, what_if

__all__ = ["CONTROLS", "check", "controls", "possible", "supposed"]

#: Parameters of ``analyse`` that the page moves.
CONTROLS = ("green", "where")

#: Most points of ground that the page offers to plant, and its steps.
MOST, STEP = 40.0, 5.0

_WHERE: dict[str, Text] = {
    "sensitive": {"fr": "Les îlots sensibles à la chaleur", "en": "Blocks sensitive to heat"},
    "built": {"fr": "Tous les îlots bâtis", "en": "All built blocks"},
}
_IN: dict[str, Text] = {
    "sensitive": {"fr": "des îlots sensibles", "en": "of the sensitive blocks"},
    "built": {"fr": "des îlots bâtis", "en": "of the built blocks"},
}

_FREED, _MOVED, _SAME = (
    Category(
        "freed",
        {"fr": "Ne serait plus sensible à la chaleur", "en": "Would no longer be sensitive"},
        "#00695C",
        "↓",
    ),
    Category(
        "moved",
        {"fr": "Changerait de classe, pas de sensibilité", "en": "Other class, as sensitive"},
        "#8FC7A9",
        "≈",
    ),
    Category(
        "same",
        {"fr": "Planté, sans changer de classe", "en": "Planted, same class"},
        "#BDBDBD",
        "=",
    ),
)

_CAVEAT: Text = {
    "fr": "Une supposition : du sol minéral cède la place à du sol planté dans chaque îlot "
    "concerné, tant qu'il en a. La fourchette dit ce que deviendrait le résultat si "
    "l'occupation du sol de tous les îlots était mal connue de {} points, dans le même sens.",
    "en": "A supposition: mineral ground gives way to planted ground in each block concerned, as "
    "long as it has any. The range tells what would come of it if the cover of all blocks were "
    "known wrongly by {} points, in the same direction.",
}


def check(green: object, where: object) -> tuple[float, str]:
    """The two settings, within their limits.

    Raises
    ------
    InvalidInput
    """
    plain = isinstance(green, int | float) and not isinstance(green, bool)
    if not plain or not 0 <= float(green) <= MOST:  # type: ignore[arg-type]
        raise InvalidInput(
            f"La part de sol à planter « {green} » n'est pas un nombre de points entre 0 et 40.",
            f"The ground to plant '{green}' is no number of points between 0 and 40.",
        )
    if where not in _WHERE:
        raise InvalidInput(
            f"« {where} » n'est pas un choix d'îlots ; choix possibles : {', '.join(_WHERE)}.",
            f"'{where}' is no choice of blocks; possible choices: {', '.join(_WHERE)}.",
        )
    return round(float(green), 1), str(where)  # type: ignore[arg-type]


def possible(blocks: pd.DataFrame) -> bool:
    """True if the map holds what the rule needs to answer."""
    return set(INDICATORS) <= set(blocks.columns)


def controls(green: float, where: str) -> tuple[Control, ...]:
    """The slider and the choice of the page."""
    return (
        Control(
            "green",
            {"fr": "Et si l'on plantait ?", "en": "What if trees were planted?"},
            green,
            0.0,
            MOST,
            STEP,
            "%",
            0,
            help={
                "fr": "Part du sol de chaque îlot qui passerait du minéral (asphalte, béton) au "
                "planté. C'est la règle de classement qui répond, pas le thermomètre.",
                "en": "Share of the ground of each block that would go from mineral (asphalt, "
                "concrete) to planted. The rule of classes answers, not the thermometer.",
            },
        ),
        Control(
            "where",
            {"fr": "Où planter", "en": "Where to plant"},
            where,
            choices=tuple(_WHERE.items()),
        ),
    )


@dataclass(frozen=True)
class _Answer:
    """What one amount of planting does: masks over the blocks."""

    result: pd.DataFrame
    freed: np.ndarray


def _answer(blocks: pd.DataFrame, points: float, chosen: np.ndarray) -> _Answer:
    result = what_if(blocks[list(INDICATORS)], Change("ver", points), chosen)
    before = result["sensitivity_before"].isin(SENSITIVE)
    freed = before & ~result["sensitivity_after"].isin(SENSITIVE)
    return _Answer(result, freed.to_numpy())


def supposed(
    finding: Finding,
    commune: Commune,
    blocks: gpd.GeoDataFrame,
    people: People | None,
    green: float,
    where: str,
    scales: Scales,
) -> Finding:
    """The Finding with what planting would change, said first and marked as a supposition.

    Parameters
    ----------
    finding : Finding
        Of the commune as it is.
    blocks : geopandas.GeoDataFrame
        With the eight indicators (:func:`possible`).
    people : People or None
        Of each block.
    green : float
        Points of each block's surface that go from mineral to planted, above 0.
    where : {"sensitive", "built"}
    scales : Scales
        ``scales.cover`` sets the bounds.
    """
    dense = blocks["lcz"].isin(BUILT).to_numpy()
    hot = blocks["sensitivity"].isin(SENSITIVE).to_numpy()
    chosen = dense & hot if where == "sensitive" else dense
    area = blocks["area_m2"].to_numpy() / 1e4
    found = _answer(blocks, green, chosen)
    least, most = (
        _answer(blocks, green + side, chosen).freed
        if green + side > 0
        else np.zeros(len(blocks), dtype=bool)  # all of it within the error: nothing is sure
        for side in (-scales.cover, scales.cover)
    )
    freed = float(area[found.freed].sum())
    low, high = float(area[least].sum()), float(area[most].sum())
    of = float(area[chosen & hot].sum())
    source, date = _of_the_map(finding)

    def figure(
        name: str,
        fr: str,
        en: str,
        value: float,
        unit: str,
        low: float | None = None,
        high: float | None = None,
        digits: int = 0,
    ) -> Indicator:
        return Indicator(
            f"what_if_{name}", sentence(fr, en), value, unit, low, high, date, source, digits,
            "what_if",
        )  # fmt: skip

    figures = [
        figure("freed_area", "Ne serait plus sensible à la chaleur",
               "Would no longer be sensitive to heat", freed, "ha", low, high, 1),
        figure("sensitive_area", "Sur une surface sensible et bâtie de",
               "Out of a sensitive and built area of", of, "ha", digits=1),
    ]  # fmt: skip
    living = _people(people, [least, found.freed, most])
    if living is not None:
        figures.append(
            figure("freed_people", "Habitants de ces îlots", "People of these blocks",
                   living[1], "habitants", living[0], living[2])
        )  # fmt: skip
    figures += [
        figure("planted_area", "Sol qui passerait du minéral au planté",
               "Ground that would go from mineral to planted",
               float((found.result["moved"].to_numpy() / 100 * area).sum()), "ha", digits=1),
        figure("short_blocks", "Îlots qui n'ont pas assez de sol minéral",
               "Blocks without enough mineral ground",
               float((~found.result["whole"]).sum()), "îlots"),
    ]  # fmt: skip
    caveat = {lang: text.format(number(scales.cover, 0, lang)) for lang, text in _CAVEAT.items()}
    return replace(
        finding,
        headline=_headline(commune, green, where, freed, (low, high), of, living),
        indicators=(*figures, *finding.indicators),
        layers=(
            _layer(commune, blocks, chosen, found, green, where),
            *(replace(layer, shown=False) for layer in finding.layers),
        ),
        charts=(_chart(commune, blocks, chosen, area, green, where), *finding.charts),
        caveats=(sentence(caveat["fr"], caveat["en"]), *LIMITS, *finding.caveats),
    )


def _of_the_map(finding: Finding) -> tuple[str, str | None]:
    """Data set and date of the figures that come from the map."""
    first = finding.indicators[0]
    return first.source, first.date


def _people(people: People | None, freed: list[np.ndarray]) -> tuple[float, float, float] | None:
    """People of the blocks that are freed: least, as spread evenly, most."""
    if people is None or people.even["people"].total <= 0:
        return None
    ways = [people.even["people"].people, people.built["people"].people]
    counts = [[float(way[rows].sum()) for way in ways] for rows in freed]
    flat = [count for one in counts for count in one]
    return min(flat), counts[1][0], max(flat)


def _if(green: float, where: str, lang: str) -> str:
    share = percent(green, 0, lang)
    if lang == "fr":
        return f"si {share} du sol {_IN[where]['fr']} passait du minéral au planté"
    return f"if {share} of the ground {_IN[where]['en']} went from mineral to planted"


def _headline(
    commune: Commune,
    green: float,
    where: str,
    freed: float,
    bounds: tuple[float, float],
    of: float,
    living: tuple[float, float, float] | None,
) -> Text:
    out = {}
    for lang in ("fr", "en"):
        start = _if(green, where, lang)
        start = start[:1].upper() + start[1:]
        low, high = (number(value, 0, lang) for value in bounds)
        french = lang == "fr"
        if of <= 0:
            tail = (
                f"rien ne changerait {at_place(commune.name)} : aucun îlot bâti n'y est sensible"
                if french
                else f"nothing would change in {commune.name}: no built block is sensitive there"
            )
        elif freed <= 0:
            most = (
                (f" (au plus {high} ha)" if french else f" (at most {high} ha)")
                if bounds[1] >= 0.5
                else ""
            )
            tail = (
                f"aucun îlot {of_place(commune.name)} ne quitterait les catégories "
                f"sensibles{most} ; "
                "planter y rafraîchit quand même"
                if french
                else f"no block of {commune.name} would leave the sensitive categories{most}; "
                "planting cools there all the same"
            )
        else:
            part, whole = number(freed, 0, lang), number(of, 0, lang)
            between = ""
            if low != high:
                between = f" (entre {low} et {high})" if french else f" (between {low} and {high})"
            tail = (
                f"{part} ha{between} sur {whole} ne seraient plus classés sensibles "
                f"à la chaleur {at_place(commune.name)}"
                if french
                else f"{part} ha{between} out of {whole} would no longer be "
                f"classed as sensitive to heat in {commune.name}"
            )
            if living is not None and living[1] >= 1:
                # People are counted by cells of 200 m: two figures are what is known.
                rounded = float(f"{living[1]:.2g}")
                count = number(rounded, 0, lang)
                tail += (
                    f", où vivent environ {count} habitants"
                    if french
                    else f", home to some {count} people"
                )
        out[lang] = f"{start}, {tail}."
    return sentence(out["fr"], out["en"])


def _layer(
    commune: Commune,
    blocks: gpd.GeoDataFrame,
    chosen: np.ndarray,
    found: _Answer,
    green: float,
    where: str,
) -> Layer:
    what = np.where(
        found.freed, "freed", np.where(found.result["class_changed"].to_numpy(), "moved", "same")
    )
    drawn = blocks.loc[chosen, ["geometry"]].copy()
    drawn["what"] = what[chosen]
    classes = found.result.loc[chosen, ["lcz_before", "lcz_after"]].fillna("?")
    for lang, (one, two) in {"fr": ("aujourd'hui", "ensuite"), "en": ("today", "then")}.items():
        drawn[f"tooltip_{lang}"] = [
            f"LCZ {before} {one}, {after} {two}" if before != after else f"LCZ {before}"
            for before, after in classes.itertuples(index=False)
        ]
    drawn.attrs = {}
    count = int(found.freed.sum())
    title = {
        lang: f"{name}, {_if(green, where, lang)}"
        for lang, name in {"fr": "Ce qui changerait", "en": "What would change"}.items()
    }
    present = set(drawn["what"])
    return Layer(
        "what_if",
        sentence(title["fr"], title["en"]),
        sentence(
            f"Carte {of_place(commune.name)} : {count} îlots ne seraient plus sensibles à la "
            "chaleur.",
            f"Map of {commune.name}: {count} blocks would no longer be sensitive to heat.",
        ),
        drawn.reset_index(drop=True),
        Legend(
            {"fr": "Si l'on plantait", "en": "If trees were planted"},
            categories=tuple(c for c in (_FREED, _MOVED, _SAME) if c.value in present),
        ),
        column="what",
        tooltip="tooltip",
        opacity=0.8,
    )


def _chart(
    commune: Commune,
    blocks: gpd.GeoDataFrame,
    chosen: np.ndarray,
    area: np.ndarray,
    green: float,
    where: str,
) -> Bars:
    """What each amount of planting would do: where the thresholds are."""
    rows: list[dict[str, object]] = []
    values: list[float] = []
    for points in np.arange(STEP, MOST + STEP, STEP):
        values.append(float(area[_answer(blocks, float(points), chosen).freed].sum()))
        here = abs(points - green) < STEP / 2
        rows.append(
            {
                "label_fr": f"{percent(float(points), 0)} du sol",
                "label_en": f"{percent(float(points), 0, 'en')} of the ground",
                "value": values[-1],
                "color": _FREED.color if here else "#8FC7A9",
            }
        )
    most = max(values)
    title: Text = {
        "fr": "Surface qui ne serait plus sensible, selon ce que l'on plante",
        "en": "Area no longer sensitive, by how much is planted",
    }
    place = _WHERE[where]
    return Bars(
        "what_if",
        title,
        sentence(
            f"Barres de 5 à 40 % de sol planté ({place['fr'].lower()}) "
            f"{at_place(commune.name)} ; au plus "
            f"{number(most, 0)} ha ne seraient plus sensibles.",
            f"Bars from 5 to 40% of ground planted ({place['en'].lower()}) in {commune.name}; at "
            f"most {number(most, 0, 'en')} ha would no longer be sensitive.",
        ),
        pd.DataFrame(rows),
        "ha",
    )
