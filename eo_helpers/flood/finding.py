"""What satellites and terrain say of a flood in a commune: where, how deep, whom it reaches."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio.transform
import xarray as xr
from rasterio.enums import Resampling

from .. import catalog
from ..catalog.provenance import Provenance
from ..errors import InvalidInput, NoData, OutOfCoverage
from ..findings import Bars, Chart, Finding, Indicator, Layer, Legend, outline
from ..territory import population
from ..territory.commune import Commune
from ..text import Text
from . import labels, sentences, topo
from . import stakes_told as told
from .data import MARGIN, inside_of, read_extent, read_radar, read_terrain
from .depth import check_method, water_depth
from .extent import DRY, FLOODED, UNKNOWN, water_extent
from .reached import CLASSES, Assessment, Count, assess
from .rise import low_ground
from .scenes import open_radar, radar_bands
from .stakes_told import BUILDINGS, ROADS, Stakes, stakes

__all__ = ["Water", "analyse", "finding_of"]

RADAR, OPTICAL, EXTENT = "sentinel-1", "sentinel-2", "flood-extent"
TERRAIN, POPULATION = "dem", "filosofi-200m"
#: Cell of the map where there is no terrain, metres.
STEP = 10.0


@dataclass
class Water:
    """Water of one flood around a commune, on one grid in the commune's CRS.

    Attributes
    ----------
    grid : xarray.Dataset (y, x)
        ``flood`` uint8 (1, 0, 255), ``probability`` float32 (NaN: no measurement),
        ``permanent`` uint8; with terrain ``depth`` and ``uncertainty`` float32 (metres) and
        ``low_ground`` bool.
    date : str
        ISO instant of the image, empty where nothing tells it.
    images : list of ("before" or "after", date, xarray.DataArray)
        VV in decibels, before and during the flood, on the radar's own grid.
    radar, told : bool
        From radar; permanent water is known.
    notes : list of Text
        What any reader should know.
    dataset : str
        Data set of the extent.
    processing : list of Text
        What an engineer wants to know: units found, thresholds, voids.
    """

    grid: xr.Dataset
    date: str
    images: list[tuple[str, str, xr.DataArray]]
    radar: bool
    told: bool
    notes: list[Text]
    dataset: str
    processing: list[Text] = field(default_factory=list)


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
    options = {"method": "fwdet", "after": None, "before": None, **parameters}
    unknown = ", ".join(sorted(set(options) - {"method", "after", "before"}))
    if unknown:
        raise InvalidInput(
            f"Paramètre inconnu du thème flood : {unknown} ; connus : method, after, before.",
            f"Unknown parameter of theme flood: {unknown}; known: method, after, before.",
        )
    check_method(options["method"])
    provenance: list[Provenance] = []
    water, away = None, False
    for read in (_from_radar, _from_extent):
        try:
            water = read(commune, source, options, provenance)
            break
        except NoData as error:
            away |= isinstance(error, OutOfCoverage)
    if water is None:
        return Finding(
            "flood",
            commune,
            "out_of_coverage" if away else "no_data",
            sentences.nothing(commune, away),
            parameters=options,
            remedy=sentences.REMEDY,
        )
    found = _stakes(commune, source, water, provenance)
    cells = None
    try:
        holding = catalog.find(POPULATION, commune, source)
        cells = population.read(holding, commune)
        provenance.append(holding.provenance)
    except NoData:
        cells = None
    return finding_of(
        commune, water, cells, found, provenance=tuple(provenance), parameters=options
    )


def _stakes(
    commune: Commune, source: Any, water: Water, provenance: list[Provenance]
) -> Stakes | None:
    """Buildings and roads reached, where the depth is known and the source has BD TOPO."""
    if "depth" not in water.grid:
        return None
    read: dict[str, Any] = {}
    for dataset in (BUILDINGS, ROADS):
        try:
            holding = catalog.find(dataset, commune, source)
            read[dataset] = topo.read(holding, commune)
            provenance.append(holding.provenance)
        except NoData:
            read[dataset] = None
    if all(v is None for v in read.values()):
        return None
    return stakes(water.grid, read[BUILDINGS], read[ROADS])


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
    images = [("after", radar.after_date, _decibels(radar.after))]
    if radar.before is not None:
        images.insert(0, ("before", radar.before_date, _decibels(radar.before)))
    grid = found[["flood", "probability", "permanent"]]
    return _with_depth(
        commune, source, options, provenance,
        Water(grid, radar.after_date, images, True, radar.before is not None, radar.notes, RADAR,
              found.attrs["notes"]),
    )  # fmt: skip


def _decibels(scene: xr.DataArray) -> xr.DataArray:
    """VV (or the only band) in decibels, whatever it is written in."""
    first = next(iter(radar_bands(scene).values()))
    if open_radar(scene, "radar").unit == "decibels":
        return first
    with np.errstate(divide="ignore", invalid="ignore"):
        power = first.where(first > 0)
        return first.copy(data=(10 * np.log10(power.values)).astype(np.float32))


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
        water.grid = _on(water.grid, _plain_grid(commune), water.radar)
        return water
    provenance.append(holding.provenance)
    water.grid = _on(water.grid, dem, water.radar)
    found = water_depth(
        water.grid["flood"],
        dem,
        options["method"],
        permanent_water=water.grid["permanent"],
    )
    water.grid["depth"] = found["depth"]
    water.grid["uncertainty"] = found["uncertainty"]
    water.grid["low_ground"] = low_ground(found, dem, permanent_water=water.grid["permanent"])
    pairs = zip(
        found.attrs["notes_fr"].splitlines(), found.attrs["notes_en"].splitlines(), strict=True
    )
    water.processing += [{"fr": fr, "en": en} for fr, en in pairs]
    return water


def _plain_grid(commune: Commune) -> xr.DataArray:
    """An empty grid of :data:`STEP` around the commune, in its CRS."""
    west, south, east, north = commune.projected_boundary.bounds
    x = np.arange(west - MARGIN + STEP / 2, east + MARGIN, STEP)
    y = np.arange(north + MARGIN - STEP / 2, south - MARGIN, -STEP)
    out = xr.DataArray(np.zeros((y.size, x.size), np.uint8), {"y": y, "x": x}, ("y", "x"))
    transform = rasterio.transform.from_origin(x[0] - STEP / 2, y[0] + STEP / 2, STEP, STEP)
    return out.rio.write_crs(commune.crs).rio.write_transform(transform)


def _on(grid: xr.Dataset, like: xr.DataArray, smooth: bool) -> xr.Dataset:
    """Codes by nearest neighbour, probability between neighbours if smooth, on another grid."""
    between = Resampling.bilinear if smooth else Resampling.nearest
    out = {}
    for name, how, fill in (
        ("flood", Resampling.nearest, UNKNOWN),
        ("permanent", Resampling.nearest, UNKNOWN),
        ("probability", between, np.nan),
    ):
        layer = grid[name].rio.write_crs(grid.rio.crs).rio.write_nodata(None)
        out[name] = layer.rio.reproject_match(like, resampling=how, nodata=fill)
        out[name].attrs.clear()
    return xr.Dataset(out).rio.write_crs(like.rio.crs).rio.write_transform(like.rio.transform())


def finding_of(
    commune: Commune,
    water: Water,
    cells: gpd.GeoDataFrame | None = None,
    things: Stakes | None = None,
    *,
    provenance: tuple[Provenance, ...] = (),
    parameters: dict[str, Any] | None = None,
) -> Finding:
    """The Finding of a commune from its :class:`Water`, population cells and :class:`Stakes`."""
    inside = inside_of(water.grid["flood"], commune)
    found = assess(water.grid, commune, inside, cells)
    terrain = "depth" in water.grid
    figures = _indicators(found, water)
    drawn = told.layer(commune, things) if things is not None else None
    whole = terrain and water.told and found.observed > 0.95
    caveats = sentences.caveats(
        found,
        radar=water.radar,
        before=water.told,
        terrain=terrain,
        people=found.people is not None,
        notes=water.notes,
    )
    remedy = None if water.told else sentences.REMEDY_BEFORE
    if not terrain:
        remedy = sentences.REMEDY_TERRAIN
    return Finding(
        theme="flood",
        commune=commune,
        status="complete" if whole else "partial",
        headline=sentences.headline(commune, found, water.date, water.told),
        indicators=(
            *figures[:-1],
            *(told.indicators(things, water.date[:10] or None) if things is not None else ()),
            # How good the measurement is comes last.
            figures[-1],
        ),
        layers=(*_layers(commune, water, found), *((drawn,) if drawn is not None else ())),
        charts=_charts(commune, found, water),
        caveats=caveats,
        provenance=provenance,
        parameters={**(parameters or {}), "processing": [dict(n) for n in water.processing]},
        remedy=remedy,
    )


def _indicators(found: Assessment, water: Water) -> tuple[Indicator, ...]:
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
    return tuple(out)


def _percent(c: Count) -> Count:
    return Count(100 * c.value, 100 * c.low, 100 * c.high)


def _layers(commune: Commune, water: Water, found: Assessment) -> tuple[Layer, ...]:
    grid = water.grid
    codes = _extent_codes(grid)
    layers = [outline(commune)]
    for which, date, image in water.images:
        title, alt = labels.radar_title(which, date, commune)
        layers.append(
            Layer(f"radar_{which}", title, alt, _around(image, commune), sentences.radar_legend(),
                  opacity=1.0, shown=False)
        )  # fmt: skip
    deep = "depth" in grid
    layers.append(
        _map("extent", labels.EXTENT_TITLE, labels.extent_alt(commune, found), codes,
             sentences.extent_legend(water.told, water.radar, deep), shown=not deep)
    )  # fmt: skip
    if water.radar:
        probability = (100 * grid["probability"]).where(grid["probability"] >= 0.05)
        layers.append(
            _map("probability", labels.PROBABILITY_TITLE, labels.PROBABILITY_ALT,
                 probability, sentences.probability_legend(), shown=False)
        )  # fmt: skip
    if deep:
        wet = (grid["flood"] == FLOODED) & np.isfinite(grid["depth"])
        rank = np.digitize(grid["depth"].values, [c.low for c in CLASSES[1:]]) + 1
        classes = xr.DataArray(rank.astype(np.float32), grid["flood"].coords, grid["flood"].dims)
        alt = labels.depth_alt(commune, found)
        layers.append(
            _map("depth", labels.DEPTH_TITLE, alt, classes.where(wet), sentences.depth_legend(),
                 shown=True)
        )  # fmt: skip
    return tuple(layers)


def _map(
    name: str, title: Text, alt: Text, data: xr.DataArray, legend: Legend, *, shown: bool
) -> Layer:
    return Layer(name, title, alt, data, legend, opacity=0.85, shown=shown)


def _extent_codes(grid: xr.Dataset) -> xr.DataArray:
    """1 flooded, 2 usual water, 3 not observable, 4 low ground, NaN elsewhere."""
    flood, permanent = grid["flood"].values, grid["permanent"].values
    out = np.full(flood.shape, np.nan, np.float32)
    out[(flood == UNKNOWN) & np.isfinite(grid["probability"].values)] = 3
    if "low_ground" in grid:
        out[grid["low_ground"].values] = 4
    out[(permanent == 1) & (flood == DRY)] = 2
    out[flood == FLOODED] = 1
    data = xr.DataArray(out, grid["flood"].coords, grid["flood"].dims)
    return data.rio.write_crs(grid.rio.crs)


def _around(image: xr.DataArray, commune: Commune) -> xr.DataArray:
    """The commune and its surroundings, not all that was read to learn from."""
    west, south, east, north = commune.boundary_in(image.rio.crs).bounds
    pad = 0.15 * max(east - west, north - south)
    return image.rio.clip_box(west - pad, south - pad, east + pad, north + pad)


def _charts(commune: Commune, found: Assessment, water: Water) -> tuple[Chart, ...]:
    values = {c.name: found.classes[c.name].value for c in CLASSES} if found.classes else {}
    if found.classes is None or sum(values.values()) <= 0:
        return ()
    frame = pd.DataFrame(
        [
            {
                "label_fr": sentences.CLASS_LABELS[c.name]["fr"],
                "label_en": sentences.CLASS_LABELS[c.name]["en"],
                "value": values[c.name],
                "low": found.classes[c.name].low,
                "high": found.classes[c.name].high,
                "color": c.color,
            }
            for c in CLASSES
        ]
    )
    title, alt = labels.depth_chart(commune, values, water.date)
    return (Bars("depth_classes", title, alt, frame, "ha", 0),)
