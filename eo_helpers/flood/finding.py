"""What satellites and terrain say of a flood in a commune: where, how deep, whom it reaches."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from .. import catalog
from ..catalog.provenance import Provenance
from ..errors import InvalidInput, NoData, OutOfCoverage
from ..findings import Chart, Finding, Indicator, Layer, Status, remembered
from ..territory.commune import Commune
from ..text import Text
from . import labels, levels, memory, named, pictures, sentences
from . import stakes_told as told
from .around import POPULATION, Around, read_around
from .data import inside_of, read_extent, read_radar, read_terrain
from .depth import check_method, water_depth
from .extent import UNKNOWN, water_extent
from .levels import hold
from .raised import check_rise, raised
from .raised import control as rise_control
from .raised import told as told_raised
from .reached import Assessment, Count, assess
from .rise import low_ground
from .stakes_told import stakes
from .water import Water, decibels, on_grid, plain_grid

__all__ = ["CONTROLS", "Water", "analyse", "finding_of"]

#: Parameters that a visitor may move.
CONTROLS = ("rise",)

RADAR, OPTICAL, EXTENT = "sentinel-1", "sentinel-2", "flood-extent"
TERRAIN = "dem"


def analyse(commune: Commune, source: Any, **parameters: Any) -> Finding:
    """The flood of a commune: extent, height of water, people reached.

    Parameters
    ----------
    commune : Commune
    source : catalog.Source
    method : {"fwdet", "flexth"}, optional
        How the height of water is found (default ``"fwdet"``).
    after, before : str, optional
        Dates (``YYYY-MM-DD``) of the radar scenes; by default the last that covers the
        commune, and the one of its orbit before it.
    datum_offset : float, optional
        What brings SWOT's heights (EGM2008) to the terrain's datum, metres. Without it, SWOT's
        levels of the image's day hold the shape of the surface only (:mod:`.levels`).
    rise : float, optional
        « Et si l'eau montait »: metres that the surface is raised by (-1 to 2, default 0).

    Returns
    -------
    Finding
        From two Sentinel-1 scenes where the source has them, else from a ready-made
        extent. ``partial`` without terrain or without a scene before the flood.

    Raises
    ------
    InvalidInput
        If a file is not what its data set promises, or a parameter is not known.
    """
    options = {
        "method": "fwdet", "after": None, "before": None, "rise": 0.0, "datum_offset": None,
        **parameters,
    }  # fmt: skip
    known = {"method", "after", "before", "rise", "datum_offset"}
    unknown = ", ".join(sorted(set(options) - known))
    if unknown:
        raise InvalidInput(
            f"Paramètre inconnu du thème flood : {unknown} ; connus : method, after, before, "
            "rise, datum_offset.",
            f"Unknown parameter of theme flood: {unknown}; known: method, after, before, rise, "
            "datum_offset.",
        )
    check_method(options["method"])
    options["datum_offset"] = levels.check_offset(options["datum_offset"])
    options["rise"] = rise = check_rise(options["rise"])
    # Everything that the slider does not move.
    water, away, around, provenance = _read(
        commune, source,
        **{name: options[name] for name in ("method", "after", "before", "datum_offset")},
    )  # fmt: skip
    past = memory.remember(commune, source)
    if water is None:
        return _without_image(commune, past, away, options)
    shown = raised(water, rise) if rise else water
    finding = finding_of(
        commune, shown, around, past,
        provenance=(*provenance, *past.provenance), parameters=options, rise=rise,
    )  # fmt: skip
    if water.surface is not None:
        finding = replace(finding, controls=(rise_control(rise),))
    return finding


def _without_image(
    commune: Commune, past: memory.Memory, away: bool, options: dict[str, Any]
) -> Finding:
    """What is known of past floods where no image is at hand."""
    known = bool(past)
    headline = sentences.nothing(commune, away)
    told_past = {lang: memory.sentence(past, lang) for lang in ("fr", "en")}
    if told_past["fr"]:
        name = commune.name
        headline = {
            "fr": f"{name} compte {told_past['fr']} ; pas encore d'image de crue ici.",
            "en": f"{name} has {told_past['en']}; no flood image here yet.",
        }
    status: Status = "out_of_coverage" if away else "no_data"
    frieze = memory.chart(past, commune, "")
    return Finding(
        "flood",
        commune,
        "partial" if known else status,
        headline,
        indicators=tuple(memory.indicators(past, "")),
        charts=(frieze,) if frieze is not None else (),
        caveats=tuple(memory.caveats(past)),
        provenance=past.provenance,
        parameters=options,
        remedy=sentences.REMEDY,
    )


@remembered(size=3)
def _read(
    commune: Commune, source: Any, **options: Any
) -> tuple[Water | None, bool, Around, tuple[Provenance, ...]]:
    """Water, whether images lie elsewhere, what is around, and where it all is from."""
    provenance: list[Provenance] = []
    water, away = None, False
    for read in (_from_radar, _from_extent):
        try:
            water = read(commune, source, options, provenance)
            break
        except NoData as error:
            away |= isinstance(error, OutOfCoverage)
    if water is None:
        return None, away, Around(), ()
    around = read_around(commune, source, water)
    return water, away, around, (*provenance, *around.provenance)


def _from_radar(
    commune: Commune, source: Any, options: dict[str, Any], provenance: list[Provenance]
) -> Water:
    holding = catalog.find(RADAR, commune, source)
    try:
        optical = catalog.find(OPTICAL, commune, source)
    except NoData:
        optical = None
    radar = read_radar(
        holding,
        commune,
        optical=optical,
        after=options["after"],
        before=options["before"],
    )
    found = water_extent(radar.after, radar.before, radar.optical, learn_from=radar.learn_from)
    provenance.append(holding.provenance)
    if optical is not None and radar.optical is not None:
        provenance.append(optical.provenance)
    images = [("after", radar.after_date, decibels(radar.after))]
    if radar.before is not None:
        images.insert(0, ("before", radar.before_date, decibels(radar.before)))
    grid = found[["flood", "probability", "permanent"]]
    return _with_depth(
        commune, source, options, provenance,
        Water(grid, radar.after_date, images, True, radar.before is not None, radar.notes, RADAR,
              found.attrs["notes"]),
    )  # fmt: skip


def _from_extent(
    commune: Commune, source: Any, options: dict[str, Any], provenance: list[Provenance]
) -> Water:
    holding = catalog.find(EXTENT, commune, source)
    codes, date = read_extent(holding, commune)
    provenance.append(holding.provenance)
    known = codes != UNKNOWN
    grid = xr.Dataset(
        {
            "flood": codes,
            "probability": codes.astype(np.float32).where(known),
            "permanent": xr.zeros_like(codes),
        }
    ).rio.write_crs(codes.rio.crs)
    water = Water(grid, date, [], False, True, [], EXTENT)
    return _with_depth(commune, source, options, provenance, water)


def _with_depth(
    commune: Commune,
    source: Any,
    options: dict[str, Any],
    provenance: list[Provenance],
    water: Water,
) -> Water:
    """The same on the terrain's grid with its heights, or on a plain grid without terrain."""
    try:
        holding = catalog.find(TERRAIN, commune, source)
        dem = read_terrain(holding, commune)
    except NoData:
        water.grid = on_grid(water.grid, plain_grid(commune), water.radar)
        return water
    provenance.append(holding.provenance)
    water.grid = on_grid(water.grid, dem, water.radar)

    def surface(**with_levels: Any) -> xr.Dataset:
        return water_depth(
            water.grid["flood"], dem, options["method"],
            permanent_water=water.grid["permanent"], **with_levels,
        )  # fmt: skip

    found, water.levels = hold(
        commune, source, water.date, surface(), surface, options["datum_offset"]
    )
    if water.levels is not None:
        provenance.append(water.levels.provenance)
    water.surface, water.terrain = found, dem
    water.grid["depth"] = found["depth"]
    water.grid["uncertainty"] = found["uncertainty"]
    water.grid["low_ground"] = low_ground(found, dem, permanent_water=water.grid["permanent"])
    pairs = zip(
        found.attrs["notes_fr"].splitlines(), found.attrs["notes_en"].splitlines(), strict=True
    )
    water.processing += [{"fr": fr, "en": en} for fr, en in pairs]
    return water


def finding_of(
    commune: Commune,
    water: Water,
    around: Around | None = None,
    past: memory.Memory | None = None,
    *,
    provenance: tuple[Provenance, ...] = (),
    parameters: dict[str, Any] | None = None,
    rise: float = 0.0,
) -> Finding:
    """The Finding of a commune from its :class:`Water`, what is around it and its past floods.

    ``rise`` is what the water was raised by (:func:`.raised.raised`), metres.
    """
    around, past = around or Around(), past or memory.Memory()
    inside = inside_of(water.grid["flood"], commune)
    found = assess(water.grid, commune, inside, around.cells)
    terrain = "depth" in water.grid
    figures = _indicators(found, water)
    date = water.date[:10] or None
    more, drawn, charts = _stakes(commune, water, around, date)
    figures[-1:] = [*more, *memory.indicators(past, water.date if water.told else ""),
                    *levels.indicators(water.levels, date), figures[-1]]  # fmt: skip
    frieze = memory.chart(past, commune, water.date)
    whole = terrain and water.told and found.observed > 0.95
    caveats = sentences.caveats(
        found,
        radar=water.radar,
        before=water.told,
        terrain=terrain,
        people=found.people is not None,
        notes=[*water.notes, *([water.levels.note] if water.levels else [])],
    )
    remedy = None if water.told else sentences.REMEDY_BEFORE
    if not terrain:
        remedy = sentences.REMEDY_TERRAIN
    finding = Finding(
        theme="flood",
        commune=commune,
        status="complete" if whole else "partial",
        headline=sentences.headline(commune, found, water.date, water.told),
        # How good the measurement is comes last.
        indicators=tuple(figures),
        layers=(*pictures.layers(commune, water, found), *drawn),
        charts=(
            *pictures.charts(commune, found, water),
            *charts,
            *((frieze,) if frieze is not None else ()),
        ),
        caveats=(*caveats, *memory.caveats(past)),
        provenance=provenance,
        parameters=parameters or {},
        processing=tuple(water.processing),
        remedy=remedy,
    )
    return told_raised(finding, commune, found, water, rise) if rise else finding


def _stakes(
    commune: Commune, water: Water, around: Around, date: str | None
) -> tuple[list[Indicator], list[Layer], list[Chart]]:
    """Buildings, roads, public places and districts: figures, maps and charts."""
    figures: list[Indicator] = []
    layers: list[Layer | None] = []
    charts: list[Chart | None] = []
    if around.buildings is not None or around.roads is not None:
        found = stakes(water.grid, around.buildings, around.roads)
        figures += told.indicators(found, date)
        layers.append(told.layer(commune, found))
    if around.places is not None:
        reached = named.places_reached(around.places, water.grid)
        figures += named.place_indicators(reached, date)
        layers.append(named.places_layer(commune, reached))
    if around.zones is not None:
        table = named.districts(around.zones, water.grid, around.cells)
        charts.append(named.district_chart(commune, table))
    return (
        figures,
        [layer for layer in layers if layer is not None],
        [chart for chart in charts if chart is not None],
    )


def _indicators(found: Assessment, water: Water) -> list[Indicator]:
    date = water.date[:10] or None
    out: list[Indicator] = []

    def add(
        name: str, label: Text, value: Count | float, unit: str, group: str, source: str,
        digits: int = 0,
    ) -> None:  # fmt: skip
        one = value if isinstance(value, Count) else Count(value, np.nan, np.nan)
        # Bounds that say nothing more than the value are left out.
        told = np.isfinite(one.low) and (one.low, one.high) != (one.value, one.value)
        low, high = (one.low, one.high) if told else (None, None)
        out.append(Indicator(name, label, one.value, unit, low, high, date, source, digits, group))

    wet = labels.WET[water.told]
    add("flooded_area", wet, found.flooded, "ha", "surface", water.dataset)
    add("flooded_share", labels.SHARE, _percent(found.share), "%", "surface", water.dataset, 1)
    if water.radar and water.told:
        add("permanent_area", labels.USUAL, found.permanent, "ha", "surface", water.dataset)
    if water.radar:
        add("hidden_area", labels.HIDDEN, found.hidden, "ha", "surface", water.dataset)
    if "low_ground" in water.grid:
        add("low_ground_area", labels.LOW, found.low, "ha", "surface", TERRAIN)
    if found.median is not None and found.deep is not None:
        add("depth_median", labels.MEDIAN, found.median, "m", "depth", TERRAIN, 2)
        add("depth_p95", labels.DEEP, found.deep, "m", "depth", TERRAIN, 2)
    wet_at_all = found.flooded.value > 0
    for name, area in (found.classes or {}).items() if wet_at_all else ():
        label = labels.class_label("Surface", "Area", name)
        add(f"flooded_area_{name}", label, area, "ha", "depth", TERRAIN)
    if found.classes is not None and found.unknown_depth > 0:
        add("unknown_depth_area", labels.UNKNOWN_DEPTH, found.unknown_depth, "ha", "depth",
            TERRAIN)  # fmt: skip
    if found.people is not None:
        add("people_reached", labels.PEOPLE, found.people, "habitants", "population",
            POPULATION)  # fmt: skip
        for name, people in (found.people_classes or {}).items() if wet_at_all else ():
            label = labels.class_label("Habitants", "People", name)
            add(f"people_reached_{name}", label, people, "habitants", "population", POPULATION)
    add("observed_share", labels.OBSERVED, 100 * found.observed, "%", "measurement",
        water.dataset)  # fmt: skip
    return out


def _percent(c: Count) -> Count:
    return Count(100 * c.value, 100 * c.low, 100 * c.high)
