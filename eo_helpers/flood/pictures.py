"""Maps and chart of the flood's Finding."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr

from ..findings import Bars, Chart, Layer, Legend, outline
from ..territory.commune import Commune
from ..text import Text
from . import labels, sentences
from .extent import DRY, FLOODED, UNKNOWN
from .reached import CLASSES, Assessment
from .water import Water

__all__ = ["charts", "layers"]


def layers(commune: Commune, water: Water, found: Assessment) -> tuple[Layer, ...]:
    """Outline, radar before and during, extent, probability, depth: what there is of them."""
    grid = water.grid
    codes = _extent_codes(grid)
    drawn = [outline(commune)]
    for which, date, image in water.images:
        title, alt = labels.radar_title(which, date, commune)
        drawn.append(
            Layer(f"radar_{which}", title, alt, _around(image, commune), sentences.radar_legend(),
                  opacity=1.0, shown=False)
        )  # fmt: skip
    deep = "depth" in grid
    drawn.append(
        _map("extent", labels.EXTENT_TITLE, labels.extent_alt(commune, found), codes,
             sentences.extent_legend(water.told, water.radar, deep), shown=not deep)
    )  # fmt: skip
    if water.radar:
        probability = (100 * grid["probability"]).where(grid["probability"] >= 0.05)
        drawn.append(
            _map("probability", labels.PROBABILITY_TITLE, labels.PROBABILITY_ALT,
                 probability, sentences.probability_legend(), shown=False)
        )  # fmt: skip
    if deep:
        wet = (grid["flood"] == FLOODED) & np.isfinite(grid["depth"])
        rank = np.digitize(grid["depth"].values, [c.low for c in CLASSES[1:]]) + 1
        classes = xr.DataArray(rank.astype(np.float32), grid["flood"].coords, grid["flood"].dims)
        alt = labels.depth_alt(commune, found)
        metres = grid["depth"].where(wet).rio.write_crs(grid.rio.crs, inplace=True)
        metres.attrs["units"] = "m"
        shown = _map("depth", labels.DEPTH_TITLE, alt, classes.where(wet),
                     sentences.depth_legend(), shown=True)  # fmt: skip
        drawn.append(replace(shown, quantity=metres))
    return tuple(drawn)


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


def charts(commune: Commune, found: Assessment, water: Water) -> tuple[Chart, ...]:
    """Hectares by class of height; nothing where nothing is flooded or no depth is known."""
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
