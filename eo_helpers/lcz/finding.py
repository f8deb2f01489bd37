"""What the map of Local Climate Zones says of a commune in a heat wave."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd

from .. import catalog
from ..catalog.provenance import Provenance
from ..errors import InvalidInput, NoData, OutOfCoverage
from ..findings import Bars, Finding, Indicator, Layer, remembered
from ..territory import population
from ..territory.commune import Commune
from ..text import Text, of_place
from . import from_communes, peers, pictures, priorities, second, sentences
from .attention import districts
from .caveats import caveats
from .data import DATASETS, read
from .figures import SENSITIVE, classes_of, indicators
from .people import People, Weights, people_of_blocks
from .rule import INDICATORS
from .schema import CODES
from .shares import certainty
from .supposed import CONTROLS, check, controls, possible, supposed
from .thresholds import SCALES, Scales, threshold_distance

__all__ = ["CONTROLS", "analyse", "finding_of", "ground_date"]

POPULATION = "filosofi-200m"
#: Part of the commune's surface that must have a class for a complete finding.
ENOUGH = 0.95


def analyse(commune: Commune, source: Any, **parameters: Any) -> Finding:
    """Local Climate Zones of a commune, and who lives in those sensitive to heat.

    Parameters
    ----------
    commune : Commune
    source : catalog.Source
    dataset : {"lcz-cerema", "lcz-produced", "lcz-geoclimate", "lcz-wudapt"}, optional
        Which map; by default the first of them that the source has over the commune. The
        others are held against it (:mod:`.second`).
    cover, hre, are, vhr : float, optional
        Scales of the indicators (points, m, m², points): a block nearer to a threshold
        than one scale counts as not sure. See :class:`eo_helpers.lcz.thresholds.Scales`.
    green : float, optional
        « Et si »: points of each chosen block's surface that go from mineral to planted, 0 to
        40 (:mod:`.supposed`); needs a map with the eight indicators.
    where : {"sensitive", "built"}, optional
        The blocks that are planted.

    Returns
    -------
    Finding

    Raises
    ------
    InvalidInput
        If a file is not what its data set promises, or a parameter is not known.
    """
    first = {"dataset": None, **vars(SCALES), "green": 0.0, "where": "sensitive"}
    options = {**first, **parameters}
    unknown = set(options) - set(first)
    if unknown or options["dataset"] not in (None, *DATASETS):
        what = ", ".join(sorted(unknown)) or f"dataset={options['dataset']}"
        raise InvalidInput(
            f"Paramètre inconnu du thème lcz : {what} ; connus : dataset "
            f"({', '.join(DATASETS)}), {', '.join([*vars(SCALES), *CONTROLS])}.",
            f"Unknown parameter of theme lcz: {what}; known: dataset "
            f"({', '.join(DATASETS)}), {', '.join([*vars(SCALES), *CONTROLS])}.",
        )
    options["green"], options["where"] = check(options["green"], options["where"])
    known = {name: float(options[name]) for name in vars(SCALES)}
    finding, blocks, people = _as_it_is(commune, source, dataset=options["dataset"], **known)
    options["dataset"] = finding.parameters["dataset"]
    finding = replace(finding, parameters=options)
    if blocks is None or not possible(blocks):
        if options["green"]:
            raise InvalidInput(
                f"La carte de climat local {of_place(commune.name)} ne contient pas les "
                "indicateurs de "
                "chaque îlot : on ne peut pas dire ce que changerait une plantation.",
                f"The local climate map of {commune.name} does not hold the indicators of each "
                "block: nobody can tell what planting would change.",
            )
        return finding
    if options["green"]:
        finding = supposed(
            finding, commune, blocks, people, options["green"], options["where"], Scales(**known)
        )
    return replace(finding, controls=controls(options["green"], options["where"]))


@remembered(size=2)
def _as_it_is(
    commune: Commune, source: Any, *, dataset: str | None, **known: float
) -> tuple[Finding, gpd.GeoDataFrame | None, People | None]:
    """What no control moves: the Finding of the map, its blocks and their people."""
    options: dict[str, Any] = {"dataset": dataset, **known}
    scales = Scales(**known)
    wanted = DATASETS if dataset is None else (dataset,)
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
        known_of = from_communes.finding(commune, source, options) if len(wanted) > 1 else None
        if known_of is not None:
            return known_of, None, None
        nothing = Finding(
            "lcz",
            commune,
            "out_of_coverage" if away else "no_data",
            sentences.nothing(commune, away),
            parameters=options,
            remedy=sentences.REMEDY,
        )
        return nothing, None, None
    provenance = [holding.provenance]
    counted, cells = _cells(commune, source)
    if counted is not None:
        provenance.append(counted.provenance)
    maps, notes = second.others(commune, blocks, holding, source)
    told = {p.dataset for p in provenance}
    for other in maps:
        if other.dataset not in told:
            told.add(other.dataset)
            provenance.append(catalog.find(other.dataset, commune, source).provenance)
    people = None
    if cells is not None:
        people = people_of_blocks(blocks, cells, commune.boundary_in(cells.crs))
    finding = finding_of(
        commune,
        blocks,
        cells,
        dataset=dataset,
        date=ground_date(holding, dataset),
        scales=scales,
        provenance=tuple(provenance),
        parameters=options,
        maps=maps,
        like=peers.of(commune, holding, source, counted),
        notes=tuple(notes),
    )
    return finding, blocks, people


def _cells(commune: Commune, source: Any) -> tuple[Any, gpd.GeoDataFrame | None]:
    """Population cells of the commune; nothing where the source has none (a caveat says it)."""
    try:
        holding = catalog.find(POPULATION, commune, source)
        return holding, population.read(holding, commune)
    except NoData:
        return None, None


def ground_date(holding: Any, dataset: str) -> str | None:
    """When the ground was seen: the image of 2022 for Cerema, else what the item says."""
    if dataset == "lcz-cerema":
        return "2022"
    dates = [item.datetime for item in holding.items if item.datetime is not None]
    return min(dates).date().isoformat() if dates else None


@dataclass(frozen=True)
class _Said:
    """A part of the finding: figures, layers, charts and caveats that go together."""

    figures: tuple[Indicator, ...] = ()
    layers: tuple[Layer, ...] = ()
    charts: tuple[Bars, ...] = ()
    caveats: tuple[Text, ...] = ()


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
    maps: list[second.SecondMap] | None = None,
    like: list[peers.Peers] | None = None,
    notes: tuple[Text, ...] = (),
) -> Finding:
    """The Finding of a commune from its blocks (:func:`data.read`) and population cells.

    Parameters
    ----------
    maps : list of SecondMap, optional
        Other maps of the commune, from :func:`.second.others`.
    like : list of Peers, optional
        Communes to compare it with, from :func:`.peers.of`.
    notes : tuple of Text
        More sentences for the reader.
    """
    people = None
    if cells is not None:
        people = people_of_blocks(blocks, cells, commune.boundary_in(cells.crs))
    sure = certainty(blocks, scales)
    weights = Weights(
        blocks["lcz"].to_numpy(dtype=object),
        sure,
        blocks["area_m2"].to_numpy(),
        float(commune.projected_boundary.area),
        people,
    )
    covered = min(float(weights.area.sum()) / weights.commune_area, 1.0)
    classed = min(weights.of_area(CODES).value, 1.0)
    sensitive = weights.of_area(classes_of(SENSITIVE))
    near = threshold_distance(blocks, scales) if set(INDICATORS) <= set(blocks.columns) else None
    complete = classed >= ENOUGH
    first = _first(blocks, weights)
    others = _Said(*second.told(maps or [], sensitive))
    among = _Said(*peers.told(commune, like or []))
    shown = people.even["people"] if people is not None and weights.peopled else None
    return Finding(
        theme="lcz",
        commune=commune,
        status="complete" if complete else "partial",
        headline=sentences.headline(
            commune,
            sensitive,
            weights.of_people(classes_of(SENSITIVE)),
            1 - classed,
            weights.of_area(classes_of(("variable",))).value,
        ),
        indicators=(
            *indicators(weights, covered, classed, dataset, date, POPULATION),
            *first.figures,
            # The communes that it is compared with were read from the same map.
            *(replace(figure, source=dataset, date=date) for figure in among.figures),
            *others.figures,
        ),
        layers=(
            *pictures.layers(commune, blocks, near, weights),
            *first.layers,
            *others.layers,
        ),
        charts=(
            *pictures.charts(commune, weights),
            *first.charts,
            *among.charts,
            *others.charts,
        ),
        caveats=(
            *others.caveats,
            *caveats(dataset, blocks, sure, shown, blocks.attrs.get("notes", [])),
            *first.caveats,
            *among.caveats,
            *notes,
        ),
        provenance=provenance,
        parameters=parameters or {"dataset": dataset, **vars(scales)},
        remedy=None if complete else sentences.REMEDY_PARTIAL,
    )


def _first(blocks: gpd.GeoDataFrame, weights: Weights) -> _Said:
    """Districts to look at first, where it is known who lives where."""
    if weights.people is None or not weights.peopled:
        return _Said()
    found = districts(blocks, weights.people, weights.sure)
    caveats: tuple[Text, ...] = (priorities.CAVEAT,) if found else ()
    if any(d.relieved is not None for d in found):
        caveats += (priorities.PLANTING_CAVEAT,)
    return _Said(*priorities.priorities(found, blocks.crs, POPULATION), caveats)
