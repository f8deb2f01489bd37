"""What the map of Local Climate Zones says of a commune in a heat wave."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from .. import catalog
from ..catalog.provenance import Provenance
from ..errors import InvalidInput, NoData, OutOfCoverage
from ..findings import Bars, Chart, Finding, Indicator, Layer
from ..territory import population
from ..territory.commune import Commune
from ..territory.population import Shared
from ..text import Text, percent
from . import priorities, sentences
from .data import DATASETS, read
from .rule import INDICATORS
from .schema import BUILT, CLASSES, CODES, SENSITIVITIES, lcz_legend, sensitivity_legend
from .shares import Certainty, Share, certainty, share
from .thresholds import SCALES, Scales, threshold_distance

__all__ = ["analyse", "finding_of"]

POPULATION = "filosofi-200m"
#: Part of the commune's surface that must have a class for a complete finding.
ENOUGH = 0.95
#: Categories that the headline tells together.
SENSITIVE = ("very_high", "high")


def analyse(commune: Commune, source: Any, **parameters: Any) -> Finding:
    """Local Climate Zones of a commune, and who lives in those sensitive to heat.

    Parameters
    ----------
    commune : Commune
    source : catalog.Source
    dataset : {"lcz-cerema", "lcz-geoclimate", "lcz-wudapt"}, optional
        Which map; by default the first of them that the source has over the commune.
    cover, hre, are, vhr : float, optional
        Scales of the indicators (points, m, m², points): a block nearer to a threshold
        than one scale counts as not sure. See :class:`eo_helpers.lcz.thresholds.Scales`.

    Returns
    -------
    Finding

    Raises
    ------
    InvalidInput
        If a file is not what its data set promises, or a parameter is not known.
    """
    options = {"dataset": None, **vars(SCALES), **parameters}
    unknown = set(options) - {"dataset", *vars(SCALES)}
    if unknown or options["dataset"] not in (None, *DATASETS):
        what = ", ".join(sorted(unknown)) or f"dataset={options['dataset']}"
        raise InvalidInput(
            f"Paramètre inconnu du thème lcz : {what} ; connus : dataset "
            f"({', '.join(DATASETS)}), {', '.join(vars(SCALES))}.",
            f"Unknown parameter of theme lcz: {what}; known: dataset "
            f"({', '.join(DATASETS)}), {', '.join(vars(SCALES))}.",
        )
    scales = Scales(**{name: float(options[name]) for name in vars(SCALES)})
    wanted = DATASETS if options["dataset"] is None else (options["dataset"],)
    away = False
    for dataset in wanted:
        try:
            holding = catalog.find(dataset, commune, source)
            blocks = read(holding, commune)
        except NoData as error:
            away |= isinstance(error, OutOfCoverage)
            continue
        options["dataset"] = dataset
        break
    else:
        return Finding(
            "lcz",
            commune,
            "out_of_coverage" if away else "no_data",
            sentences.nothing(commune, away),
            parameters=options,
            remedy=sentences.REMEDY,
        )
    provenance = [holding.provenance]
    try:
        people_holding = catalog.find(POPULATION, commune, source)
        cells = population.read(people_holding, commune)
        provenance.append(people_holding.provenance)
    except NoData:
        cells = None
    return finding_of(
        commune,
        blocks,
        cells,
        dataset=dataset,
        date=_date(holding, dataset),
        scales=scales,
        provenance=tuple(provenance),
        parameters=options,
    )


def _date(holding: Any, dataset: str) -> str | None:
    """When the ground was seen: the image of 2022 for Cerema, else what the item says."""
    if dataset == "lcz-cerema":
        return "2022"
    dates = [item.datetime for item in holding.items if item.datetime is not None]
    return min(dates).date().isoformat() if dates else None


@dataclass(frozen=True)
class _Weights:
    """What shares are counted in: ground, or people under two ways to spread them."""

    lcz: np.ndarray
    sure: Certainty
    area: np.ndarray
    commune_area: float
    people: tuple[Shared, Shared] | None

    def of_area(self, classes: Collection[str]) -> Share:
        return share(self.area, self.commune_area, self.lcz, self.sure, classes)

    def of_people(self, classes: Collection[str]) -> Share | None:
        """Value: people spread evenly; bounds: both ways to spread them, and the classes'."""
        if self.people is None or self.people[0].total <= 0:
            return None
        both = [share(p.people, p.total, self.lcz, self.sure, classes) for p in self.people]
        if any(s.low is None or s.high is None for s in both):
            return Share(both[0].value)
        return Share(
            both[0].value,
            min(s.low for s in both if s.low is not None),
            max(s.high for s in both if s.high is not None),
        )


def finding_of(
    commune: Commune,
    blocks: gpd.GeoDataFrame,
    cells: gpd.GeoDataFrame | None = None,
    *,
    dataset: str = "lcz-cerema",
    date: str | None = None,
    scales: Scales = SCALES,
    provenance: tuple[Provenance, ...] = (),
    parameters: dict[str, Any] | None = None,
) -> Finding:
    """The Finding of a commune from its blocks (:func:`data.read`) and population cells."""
    shared: tuple[Shared, Shared] | None = None
    if cells is not None:
        boundary = commune.boundary_in(cells.crs)
        built = blocks["lcz"].isin(BUILT).to_numpy(dtype=float)
        shared = (
            population.share_out(cells, blocks, boundary),
            population.share_out(cells, blocks, boundary, weights=built),
        )
    sure = certainty(blocks, scales)
    weights = _Weights(
        blocks["lcz"].to_numpy(dtype=object),
        sure,
        blocks["area_m2"].to_numpy(),
        float(commune.projected_boundary.area),
        shared,
    )
    covered = min(float(weights.area.sum()) / weights.commune_area, 1.0)
    classed = min(weights.of_area(CODES).value, 1.0)
    sensitive = _classes_of(SENSITIVE)
    near = threshold_distance(blocks, scales) if set(INDICATORS) <= set(blocks.columns) else None
    complete = classed >= ENOUGH
    people = shared[0] if shared and shared[0].total > 0 else None
    first: tuple[Any, Any, Any] = ((), (), ())
    if cells is not None and people is not None:
        first = priorities.priorities(blocks, cells, commune.boundary_in(cells.crs), POPULATION)
    caveats = sentences.caveats(dataset, sure, people, blocks.attrs.get("notes", []))
    return Finding(
        theme="lcz",
        commune=commune,
        status="complete" if complete else "partial",
        headline=sentences.headline(
            commune,
            weights.of_area(sensitive),
            weights.of_people(sensitive),
            1 - classed,
            weights.of_area(_classes_of(("variable",))).value,
        ),
        indicators=(*_indicators(weights, covered, classed, dataset, date), *first[0]),
        layers=(*_layers(commune, blocks, near, weights), *first[1]),
        charts=(*_charts(commune, weights), *first[2]),
        caveats=(*caveats, priorities.CAVEAT) if first[0] else caveats,
        provenance=provenance,
        parameters=parameters or {"dataset": dataset, **vars(scales)},
        remedy=None if complete else sentences.REMEDY_PARTIAL,
    )


def _classes_of(categories: Iterable[str]) -> tuple[str, ...]:
    wanted = set(categories)
    return tuple(c.code for c in CLASSES.values() if c.sensitivity in wanted)


def _indicators(
    weights: _Weights, covered: float, classed: float, dataset: str, date: str | None
) -> tuple[Indicator, ...]:
    def one(
        name: str, label: Text, found: Share | float, group: str, source: str = dataset
    ) -> Indicator:
        if not isinstance(found, Share):
            found = Share(found)
        low, high = (None if v is None else 100 * v for v in (found.low, found.high))
        return Indicator(name, label, 100 * found.value, "%", low, high, date, source, 1, group)

    area, people = "surface", "population"
    rows = [
        one(
            "share_area_sensitive",
            {
                "fr": "Surface sensible ou très sensible à la chaleur (fourchette : si les blocs "
                "incertains basculent)",
                "en": "Area sensitive or very sensitive to heat (range: if unsure blocks tip)",
            },
            weights.of_area(_classes_of(SENSITIVE)),
            area,
        )
    ]
    rows += [
        one(
            f"share_area_sensitivity_{name}",
            _label("Surface de sensibilité", "Area of sensitivity", level.label),
            weights.of_area(_classes_of((name,))),
            area,
        )
        for name, level in SENSITIVITIES.items()
    ]
    present = [c for c in CODES if (weights.lcz == c).any()]
    rows += [
        one(f"share_area_lcz_{c.lower()}", _class_label(c), weights.of_area((c,)), area)
        for c in present
    ]
    rows += [
        one(
            "share_area_classed",
            {"fr": "Surface de la commune qui a une classe", "en": "Area that has a class"},
            classed,
            area,
        ),
        one(
            "share_area_unclassed",
            {
                "fr": "Surface cartographiée mais laissée sans classe",
                "en": "Area mapped but left without a class",
            },
            max(covered - classed, 0.0),
            area,
        ),
        one(
            "share_area_uncovered",
            {"fr": "Surface hors de la carte", "en": "Area outside the map"},
            1 - covered,
            area,
        ),
    ]
    if weights.people is None or weights.people[0].total <= 0:
        return tuple(rows)
    for name, label, classes in (
        (
            "share_population_sensitive",
            {
                "fr": "Habitants en zone sensible ou très sensible (fourchette : blocs incertains "
                "et répartition des habitants)",
                "en": "People in sensitive or very sensitive zones (range: unsure blocks and "
                "spread of people)",
            },
            _classes_of(SENSITIVE),
        ),
        *(
            (
                f"share_population_sensitivity_{level.name}",
                _label("Habitants en sensibilité", "People in sensitivity", level.label),
                _classes_of((level.name,)),
            )
            for level in SENSITIVITIES.values()
        ),
        *((f"share_population_lcz_{c.lower()}", _class_label(c), (c,)) for c in present),
    ):
        found = weights.of_people(classes)
        if found is not None:
            rows.append(one(name, label, found, people))
    first = weights.people[0]
    rows.append(
        one(
            "share_population_outside",
            {"fr": "Habitants hors de toute zone", "en": "People outside every zone"},
            first.outside / first.total,
            people,
        )
    )
    rows.append(
        Indicator(
            "population",
            {"fr": "Habitants comptés (carreaux de l'INSEE)", "en": "People counted (INSEE cells)"},
            first.total,
            "habitants",
            source=POPULATION,
            digits=0,
            group=people,
        )
    )
    return tuple(rows)


def _label(fr: str, en: str, level: Text) -> Text:
    return {"fr": f"{fr} {level['fr'].lower()}", "en": f"{en} {level['en'].lower()}"}


def _class_label(code: str) -> Text:
    return {
        "fr": f"LCZ {code}\u00a0: {CLASSES[code].label['fr']}",
        "en": f"LCZ {code}: {CLASSES[code].label['en']}",
    }


def _layers(
    commune: Commune,
    blocks: gpd.GeoDataFrame,
    near: pd.DataFrame | None,
    weights: _Weights,
) -> tuple[Layer, ...]:
    drawn = blocks[["block_id", "lcz", "sensitivity", "area_m2", "geometry"]].copy()
    drawn = drawn.join(sentences.tooltips(blocks, near))
    # Large blocks first: small ones stay on top, under the pointer.
    drawn = drawn.sort_values("area_m2", ascending=False, kind="stable").reset_index(drop=True)
    drawn.attrs = {}
    present = set(drawn["lcz"].dropna())
    levels = set(drawn["sensitivity"].dropna())
    top = sorted(present, key=lambda c: -weights.of_area((c,)).value)[:3]
    told = {
        lang: ", ".join(
            f"{CLASSES[c].label[lang].lower() if lang == 'fr' else CLASSES[c].label[lang]} "
            f"{percent(100 * weights.of_area((c,)).value, 0, lang)}"
            for c in top
        )
        for lang in ("fr", "en")
    }
    high = {
        lang: sentences.part(weights.of_area(_classes_of(SENSITIVE)).value, lang)
        for lang in ("fr", "en")
    }
    return (
        Layer(
            "lcz",
            {"fr": "Zones climatiques locales", "en": "Local Climate Zones"},
            {
                "fr": f"Carte de {commune.name} en {len(drawn)} blocs colorés selon leur classe ; "
                f"les plus étendues : {told['fr']}.",
                "en": f"Map of {commune.name} in {len(drawn)} blocks coloured by class; the most "
                f"extensive: {told['en']}.",
            },
            drawn,
            lcz_legend(present),
            column="lcz",
            tooltip="tooltip",
            opacity=0.75,
        ),
        Layer(
            "sensitivity",
            {"fr": "Sensibilité à la chaleur", "en": "Sensitivity to heat"},
            {
                "fr": f"Carte de la sensibilité à la chaleur de {commune.name} ; sensible ou très "
                f"sensible : {high['fr']} de la surface.",
                "en": f"Map of sensitivity to heat of {commune.name}; sensitive or very "
                f"sensitive: {high['en']} of the area.",
            },
            _zones(drawn, weights),
            sensitivity_legend(levels),
            column="sensitivity",
            tooltip="tooltip",
            opacity=0.75,
            shown=False,
        ),
    )


def _zones(drawn: gpd.GeoDataFrame, weights: _Weights) -> gpd.GeoDataFrame:
    """One shape per sensitivity category: a map of a large town stays light."""
    zones = drawn[["sensitivity", "geometry"]].dissolve("sensitivity", as_index=False)
    texts: dict[str, list[str]] = {"fr": [], "en": []}
    for name in zones["sensitivity"]:
        level = SENSITIVITIES[name].label
        value = weights.of_area(_classes_of((name,))).value
        texts["fr"].append(
            f"Sensibilité {level['fr'].lower()} · {sentences.part(value, 'fr')} de la commune"
        )
        texts["en"].append(
            f"{level['en']} sensitivity · {sentences.part(value, 'en')} of the commune"
        )
    return zones.assign(tooltip_fr=texts["fr"], tooltip_en=texts["en"])


def _bar(
    fr: str, en: str, found: Share, color: str, mark: str, ranged: bool = True
) -> dict[str, Any]:
    low, high = (np.nan if v is None or not ranged else 100 * v for v in (found.low, found.high))
    return {
        "label_fr": fr,
        "label_en": en,
        "value": 100 * found.value,
        "color": color,
        "mark": mark,
        "low": low,
        "high": high,
    }


def _charts(commune: Commune, weights: _Weights) -> tuple[Chart, ...]:
    classes = []
    for code in CODES:
        found = weights.of_area((code,))
        if (weights.lcz == code).any():
            label = CLASSES[code].label
            classes.append(_bar(label["fr"], label["en"], found, CLASSES[code].color, code))
    levels = []
    for level in SENSITIVITIES.values():
        members = _classes_of((level.name,))
        people = weights.of_people(members)
        of_area = weights.of_area(members)
        fr, en = level.label["fr"], level.label["en"]
        if people is None:
            levels.append(_bar(fr, en, of_area, level.color, level.mark))
            continue
        levels.append(_bar(f"{fr}, surface", f"{en}, area", of_area, level.color, level.mark))
        levels.append(_bar(f"{fr}, habitants", f"{en}, people", people, level.color, level.mark))
    largest = max(classes, key=lambda row: row["value"]) if classes else None
    with_people = weights.of_people(CODES) is not None
    area: Text = {
        "fr": "Part de la surface de la commune par classe",
        "en": "Share of the commune's area by class",
    }
    heat: Text = {
        "fr": "Sensibilité à la chaleur : part de la surface et des habitants"
        if with_people
        else "Sensibilité à la chaleur : part de la surface",
        "en": "Sensitivity to heat: share of the area and of the people"
        if with_people
        else "Sensitivity to heat: share of the area",
    }
    first = ""
    first_en = ""
    if largest is not None:
        first = f" La plus étendue : {largest['label_fr']}, {percent(largest['value'])}."
        first_en = f" Largest: {largest['label_en']}, {percent(largest['value'], 0, 'en')}."
    summary = {
        lang: "; ".join(
            f"{row[f'label_{lang}']} {percent(row['value'], 0, lang)}" for row in levels
        )
        for lang in ("fr", "en")
    }
    return (
        Bars(
            "sensitivity",
            heat,
            {
                "fr": f"Barres par catégorie de sensibilité pour {commune.name} : "
                f"{summary['fr'].replace('; ', ' ; ')}.",
                "en": f"Bars by sensitivity category for {commune.name}: {summary['en']}.",
            },
            pd.DataFrame(levels),
            "%",
        ),
        Bars(
            "area_by_class",
            area,
            {
                "fr": f"Barres des classes présentes à {commune.name}.{first}",
                "en": f"Bars of the classes found in {commune.name}.{first_en}",
            },
            pd.DataFrame(classes),
            "%",
        ),
    )
