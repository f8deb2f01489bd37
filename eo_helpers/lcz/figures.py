"""The figures that a map of Local Climate Zones gives: shares of ground, and of people."""

from __future__ import annotations

from collections.abc import Iterable

from ..findings import Indicator
from ..text import Text
from .people import GROUPS, Weights
from .schema import CLASSES, CODES, SENSITIVITIES
from .shares import Share

__all__ = ["SENSITIVE", "classes_of", "indicators"]

#: Categories that the headline tells together.
SENSITIVE = ("very_high", "high")
AREA, POPULATION = "surface", "population"


def classes_of(categories: Iterable[str]) -> tuple[str, ...]:
    """Class codes of some sensitivity categories."""
    wanted = set(categories)
    return tuple(c.code for c in CLASSES.values() if c.sensitivity in wanted)


def indicators(
    weights: Weights,
    covered: float,
    classed: float,
    dataset: str,
    date: str | None,
    counted: str,
) -> tuple[Indicator, ...]:
    """All figures, ground first.

    Parameters
    ----------
    weights : Weights
    covered, classed : float
        Part of the commune's surface (0-1) that is on the map, and that has a class.
    dataset, date : str
        Of the map.
    counted : str
        Data set that people are from.
    """
    rows = _of_area(weights, covered, classed, dataset, date)
    if weights.peopled:
        rows += _of_people(weights, dataset, date, counted)
    return tuple(rows)


def _percent(
    name: str, label: Text, found: Share | float, group: str, source: str, date: str | None
) -> Indicator:
    found = found if isinstance(found, Share) else Share(found)
    low, high = (None if v is None else 100 * v for v in (found.low, found.high))
    return Indicator(name, label, 100 * found.value, "%", low, high, date, source, 1, group)


def _of_area(
    weights: Weights, covered: float, classed: float, dataset: str, date: str | None
) -> list[Indicator]:
    def one(name: str, label: Text, found: Share | float) -> Indicator:
        return _percent(name, label, found, AREA, dataset, date)

    present = [c for c in CODES if (weights.lcz == c).any()]
    return [
        one(
            "share_area_sensitive",
            {
                "fr": "Surface sensible ou très sensible à la chaleur (fourchette : si les blocs "
                "incertains basculent)",
                "en": "Area sensitive or very sensitive to heat (range: if unsure blocks tip)",
            },
            weights.of_area(classes_of(SENSITIVE)),
        ),
        *(
            one(
                f"share_area_sensitivity_{name}",
                _label("Surface de sensibilité {}", "Area of {} sensitivity", level.label),
                weights.of_area(classes_of((name,))),
            )
            for name, level in SENSITIVITIES.items()
        ),
        *(
            one(f"share_area_lcz_{c.lower()}", _class_label(c), weights.of_area((c,)))
            for c in present
        ),
        one(
            "share_area_classed",
            {"fr": "Surface de la commune qui a une classe", "en": "Area that has a class"},
            classed,
        ),
        one(
            "share_area_unclassed",
            {
                "fr": "Surface cartographiée mais laissée sans classe",
                "en": "Area mapped but left without a class",
            },
            max(covered - classed, 0.0),
        ),
        one(
            "share_area_uncovered",
            {"fr": "Surface hors de la carte", "en": "Area outside the map"},
            1 - covered,
        ),
    ]


def _of_people(weights: Weights, dataset: str, date: str | None, counted: str) -> list[Indicator]:
    def one(name: str, label: Text, found: Share | float | None) -> list[Indicator]:
        if found is None:
            return []
        return [_percent(name, label, found, POPULATION, dataset, date)]

    assert weights.people is not None
    everybody = weights.people.even["people"]
    rows = one(
        "share_population_sensitive",
        {
            "fr": "Habitants en zone sensible ou très sensible (fourchette : blocs incertains "
            "et répartition des habitants)",
            "en": "People in sensitive or very sensitive zones (range: unsure blocks and "
            "spread of people)",
        },
        weights.of_people(classes_of(SENSITIVE)),
    )
    rows += _counts(weights, counted)
    for level in SENSITIVITIES.values():
        members = classes_of((level.name,))
        rows += one(
            f"share_population_sensitivity_{level.name}",
            _label("Habitants en sensibilité {}", "People in {} sensitivity", level.label),
            weights.of_people(members),
        )
    for group in _told(weights):
        for level in SENSITIVITIES.values():
            label = GROUPS[group].label
            rows += one(
                f"share_{group}_sensitivity_{level.name}",
                _label(
                    f"{label['fr']} en sensibilité {{}}",
                    f"{label['en']} in {{}} sensitivity",
                    level.label,
                ),
                weights.of_people(classes_of((level.name,)), group),
            )
    for code in CODES:
        if (weights.lcz == code).any():
            rows += one(
                f"share_population_lcz_{code.lower()}",
                {
                    "fr": f"Habitants en {_class_label(code)['fr']}",
                    "en": f"People in {_class_label(code)['en']}",
                },
                weights.of_people((code,)),
            )
    rows += one(
        "share_population_outside",
        {"fr": "Habitants hors de toute zone", "en": "People outside every zone"},
        everybody.outside / everybody.total,
    )
    rows.append(
        Indicator(
            "population",
            {"fr": "Habitants comptés (carreaux de l'INSEE)", "en": "People counted (INSEE cells)"},
            everybody.total,
            "habitants",
            source=counted,
            digits=0,
            group=POPULATION,
        )
    )
    return rows


def _told(weights: Weights) -> list[str]:
    """Groups, beside everybody, whose heads (or households) are counted one by one."""
    assert weights.people is not None
    return [
        name
        for name in ("children", "over_65", "over_80", "poor_households")
        if name in weights.people.even and weights.people.even[name].total > 0
    ]


def _counts(weights: Weights, counted: str) -> list[Indicator]:
    """How many, of each group, in sensitive zones: what a mayor asks first."""
    out = []
    for name in ("people", *_told(weights)):
        assert weights.people is not None
        found = weights.of_people(classes_of(SENSITIVE), name)
        total = weights.people.even[name].total
        if found is None:
            continue
        low, high = (None if v is None else total * v for v in (found.low, found.high))
        label = GROUPS[name].label
        out.append(
            Indicator(
                f"{name}_sensitive",
                {
                    "fr": f"{label['fr']} en zone sensible ou très sensible",
                    "en": f"{label['en']} in sensitive or very sensitive zones",
                },
                total * found.value,
                GROUPS[name].unit,
                low,
                high,
                None,
                counted,
                0,
                POPULATION,
            )
        )
    return out


def _label(fr: str, en: str, level: Text) -> Text:
    return {"fr": fr.format(level["fr"].lower()), "en": en.format(level["en"].lower())}


def _class_label(code: str) -> Text:
    return {
        "fr": f"LCZ {code}\u00a0: {CLASSES[code].label['fr']}",
        "en": f"LCZ {code}: {CLASSES[code].label['en']}",
    }
