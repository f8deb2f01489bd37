"""Map layers as a browser wants them: GeoJSON in degrees, pictures in Web Mercator."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InvalidInput
from ..findings import Layer, Legend
from ..territory.commune import WGS84
from ..text import french
from .legends import MISSING_COLOR, color_of
from .marking import raster_points
from .words import quantity, say, word

__all__ = [
    "MERCATOR",
    "Picture",
    "features",
    "label_points",
    "picture",
    "projected",
    "values_of",
    "warped",
]

MERCATOR = "EPSG:3857"

#: Largest side of a picture, in pixels; smaller rasters are drawn larger, cell by cell, so that
#: the browser does not blur them.
MAX_PIXELS, MIN_PIXELS = 1200, 480

#: First tolerance of the simplification, metres, and the number of vertices it must come under.
TOLERANCE, MAX_VERTICES = 2.0, 24_000

#: Decimals of a degree that are kept: 0.1 m.
DECIMALS = 6


def projected(layer: Layer, crs: str) -> Any:
    """The layer's geometries in ``crs``, without what is empty."""
    frame = layer.data
    if frame.crs is None:
        raise InvalidInput(
            f"La couche « {layer.name} » n'a pas de système de coordonnées : elle ne peut pas "
            "être placée sur la carte. Enregistrez-la avec son système de coordonnées.",
            f"Layer '{layer.name}' has no CRS and cannot be placed on the map. "
            "Save it with its CRS.",
        )
    frame = frame[~(frame.geometry.is_empty | frame.geometry.isna())]
    return frame.to_crs(crs)


def values_of(layer: Layer) -> tuple[frozenset[str] | None, bool]:
    """Category values that occur in a layer (None for a scale), and whether some have no value.

    A raster's empty cells are transparent and are not counted as missing.
    """
    known = {c.value for c in layer.legend.categories}
    if layer.kind == "vector":
        if not layer.column:
            return None, False
        column = layer.data[layer.column]
        if layer.legend.scale is not None:
            return None, bool(column.isna().any())
        found = {str(v) for v in column.dropna().unique()}
        return frozenset(found & known), bool(column.isna().any() or found - known)
    if layer.legend.scale is not None:
        return None, False
    cells = np.asarray(layer.data.values, dtype=float)
    cells = np.unique(cells[np.isfinite(cells)])
    return frozenset(v for v in known if float(v) in cells), False


def simplified(geometry: Any, tolerance: float = TOLERANCE, most: int = MAX_VERTICES) -> Any:
    """Geometries with fewer vertices; polygons that tile the ground keep tiling it.

    Parameters
    ----------
    geometry : array of shapely geometries
        In a projected CRS, metres.
    tolerance : float
        First tolerance, metres; raised, four times at most, until no more than ``most``
        vertices are left.
    """
    import shapely

    geometry = np.asarray(geometry)
    areas = np.isin(shapely.get_type_id(geometry), (3, 6)).all()
    tiles = bool(areas and len(geometry) and shapely.coverage_is_valid(geometry))
    result = geometry
    for _ in range(5):
        if tiles:
            # Its tolerance is the square root of an area (Visvalingam-Whyatt): applied to its own
            # result, it goes on from there.
            result = shapely.coverage_simplify(result, tolerance)
        else:
            result = shapely.simplify(geometry, tolerance)
        count = int(shapely.get_num_coordinates(result).sum())
        if count <= most:
            break
        tolerance *= max(1.5, count / most)
    return np.where(shapely.is_empty(result), geometry, result)


def features(layer: Layer, crs: str, lang: str) -> dict[str, Any]:
    """The layer as a GeoJSON FeatureCollection in EPSG:4326, with style and tooltip.

    Parameters
    ----------
    layer : Layer
        A vector layer.
    crs : str
        Projected CRS of the commune, in which metres are metres.
    lang : str
        Language of the tooltips.
    """
    import shapely
    from pyproj import Transformer

    frame = projected(layer, crs)
    drawn = simplified(frame.geometry.array)
    to_degrees = Transformer.from_crs(crs, WGS84, always_xy=True)

    def rounded(x: Any, y: Any) -> tuple[Any, Any]:
        lon, lat = to_degrees.transform(x, y)
        return np.round(lon, DECIMALS), np.round(lat, DECIMALS)

    drawn = shapely.transform(drawn, rounded, interleaved=False)
    shapes = json.loads("[" + ",".join(shapely.to_geojson(drawn)) + "]")
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "geometry": shape,
                "properties": {"style": style, "tooltip": tooltip},
            }
            for shape, style, tooltip in zip(
                shapes, _styles(layer, frame), _tooltips(layer, frame, lang), strict=True
            )
        ],
    }


def _styles(layer: Layer, frame: Any) -> list[dict[str, Any]]:
    if layer.column:
        values = frame[layer.column]
        known = {value: color_of(layer.legend, value) for value in values.unique()}
        colors = [known.get(value, MISSING_COLOR) for value in values]
    else:
        only = layer.legend.categories
        colors = [color_of(layer.legend, only[0].value) if only else MISSING_COLOR] * len(frame)
    kinds = frame.geom_type
    return [
        _style(color, kind, layer.opacity, layer.edge)
        for color, kind in zip(colors, kinds, strict=True)
    ]


def _style(color: str, kind: str, opacity: float, edge: float = 0.0) -> dict[str, Any]:
    if kind.endswith("Polygon") and edge:
        return {"fillColor": color, "color": color, "weight": edge, "fillOpacity": opacity}
    if kind.endswith("Polygon") and opacity > 0:
        return {"fillColor": color, "color": "#ffffff", "weight": 0.3, "fillOpacity": opacity}
    style: dict[str, Any] = {"fillColor": color, "color": color, "weight": 2.5, "fillOpacity": 0}
    if kind.endswith("Point"):
        style |= {"radius": 5, "color": "#ffffff", "weight": 1.5, "fillOpacity": opacity}
    return style


def _tooltips(layer: Layer, frame: Any, lang: str) -> list[str]:
    if layer.tooltip:
        column = f"{layer.tooltip}_{lang}"
        texts = frame[column if column in frame.columns else f"{layer.tooltip}_fr"]
        known = ["" if t is None or t != t else str(t) for t in texts]
        return [french(t) for t in known] if lang == "fr" else known
    if not layer.column:
        return [say(layer.title, lang)] * len(frame)
    if layer.legend.scale is not None:
        unit = layer.legend.unit
        missing = word("no_value", lang)
        return [missing if v != v else quantity(v, unit, 1, lang) for v in frame[layer.column]]
    names = {c.value: say(c.label, lang) for c in layer.legend.categories}
    return [names.get(str(v), word("no_value", lang)) for v in frame[layer.column]]


def label_points(layer: Layer, crs: str, most: int = 60) -> list[tuple[float, float, str]]:
    """Where to write the marks of a categorical layer: x, y in ``crs``, and the mark.

    The roomiest polygon (of a raster: the roomiest place) of each category first, then the
    next ones wherever no other mark is near. A colour is then never alone in saying what a
    block is.
    """
    import shapely

    marks = {c.value: c.mark for c in layer.legend.categories if c.mark}
    if layer.kind == "raster" and marks:
        return raster_points(warped(layer, crs), marks, most)
    if layer.kind != "vector" or not layer.column or not marks:
        return []
    frame = projected(layer, crs)
    frame = frame[frame[layer.column].astype(str).isin(marks)]
    frame = frame[frame.geom_type.isin(["Polygon", "MultiPolygon"])]
    if frame.empty:
        return []
    area = frame.geometry.area.to_numpy()
    order = np.argsort(-area, kind="stable")[: 4 * most]
    values = frame[layer.column].astype(str).to_numpy()
    # A category whose polygons are all small still gets one.
    first = [int(np.flatnonzero(values == v)[np.argmax(area[values == v])]) for v in marks
             if (values == v).any()]  # fmt: skip
    order = np.array(list(dict.fromkeys([*first, *order.tolist()])))
    west, south, east, north = frame.total_bounds
    tolerance = max(east - west, north - south) / 500
    # Where a mark has no room, the tooltip and the legend say the category.
    least = max(east - west, north - south) / 200
    circles = shapely.maximum_inscribed_circle(
        shapely.simplify(_largest_part(frame.geometry.array[order]), tolerance), tolerance
    )
    centres = shapely.get_coordinates(circles)[::2]
    room = shapely.length(circles)
    apart = max(east - west, north - south) / 14
    placed: list[int] = []
    rank = [*range(len(first)), *(len(first) + np.argsort(-room[len(first) :])).tolist()]
    for n in rank:
        if len(placed) >= most:
            break
        if room[n] < least:
            continue
        if n < len(first):
            # The roomiest of its kind that stands clear of the marks that are there.
            others = (m for m in rank[len(first) :] if values[order[m]] == values[order[n]])
            clear = (m for m in (n, *others) if room[m] >= least
                     and not _crowded(centres, placed, m, apart / 2))  # fmt: skip
            placed.append(next(clear, n))
        elif n not in placed and not _crowded(centres, placed, n, apart):
            placed.append(n)
    # The first last: where two are near, it is written over the other.
    return [(*centres[n].tolist(), marks[values[order[n]]]) for n in reversed(placed)]


def _crowded(centres: Any, placed: list[int], n: int, apart: float) -> bool:
    return bool(placed) and bool(np.hypot(*(centres[placed] - centres[n]).T).min() < apart)


def _largest_part(geometry: Any) -> Any:
    """Each multipolygon's largest polygon: the mark stands in one piece."""
    import shapely

    parts, owner = shapely.get_parts(geometry, return_index=True)
    size = shapely.area(parts)
    best = np.lexsort((-size, owner))
    _, where = np.unique(owner[best], return_index=True)
    return parts[best[where]]


@dataclass(frozen=True)
class Picture:
    """A raster drawn for the map: a PNG as data URI and ``[[s, w], [n, e]]`` in degrees."""

    png: str
    bounds: list[list[float]]


def warped(layer: Layer, crs: str) -> Any:
    """The raster in ``crs``, between :data:`MIN_PIXELS` and :data:`MAX_PIXELS` wide or high.

    Cells are kept as they are (nearest neighbour); only a quantity that has more cells than
    the picture has pixels is averaged. NaN where there is no value.
    """
    import rioxarray  # noqa: F401 - registers .rio
    from rasterio.enums import Resampling

    data = layer.data
    if data.rio.crs is None:
        raise InvalidInput(
            f"Le raster de la couche « {layer.name} » n'a pas de système de coordonnées : il ne "
            "peut pas être placé sur la carte. Enregistrez-le avec son système de coordonnées.",
            f"The raster of layer '{layer.name}' has no CRS and cannot be placed on the map. "
            "Save it with its CRS.",
        )
    data = data.astype("float32").rio.write_nodata(np.nan)
    left, bottom, right, top = data.rio.transform_bounds(crs)
    extent = max(right - left, top - bottom)
    native = extent / max(data.rio.width, data.rio.height)
    resolution = min(max(native, extent / MAX_PIXELS), extent / MIN_PIXELS)
    averaged = layer.legend.scale is not None and resolution > native * 1.01
    return data.rio.reproject(
        crs,
        resolution=resolution,
        resampling=Resampling.average if averaged else Resampling.nearest,
        nodata=np.nan,
    )


def picture(layer: Layer) -> Picture:
    """The raster in Web Mercator, coloured by its legend, transparent where it has no value."""
    drawn = warped(layer, MERCATOR)
    west, south, east, north = drawn.rio.transform_bounds(WGS84)
    return Picture(
        _png(drawn.values, layer.legend),
        [[round(south, 7), round(west, 7)], [round(north, 7), round(east, 7)]],
    )


def indexed(values: np.ndarray, legend: Legend) -> tuple[np.ndarray, list[tuple[int, int, int]]]:
    """Palette index (0 = transparent) of each cell, and the palette from index 1 on."""
    from matplotlib.colors import to_rgb

    index = np.zeros(values.shape, dtype=np.uint8)
    if legend.scale is None:
        palette = []
        for n, category in enumerate(legend.categories, start=1):
            index[values == float(category.value)] = n
            palette.append(category.color)
    else:
        scale = legend.scale
        finite = np.isfinite(values)
        width = (scale.vmax - scale.vmin) or 1.0
        share = np.clip((values[finite] - scale.vmin) / width, 0, 1)
        index[finite] = 1 + np.round(share * 254).astype(np.uint8)
        palette = [color_of(legend, scale.vmin + width * n / 254) for n in range(255)]
    rgb = [tuple(round(255 * c) for c in to_rgb(color)) for color in palette]
    return index, rgb  # type: ignore[return-value]


def _png(values: np.ndarray, legend: Legend) -> str:
    """A paletted PNG with transparency: a quarter of an RGBA one."""
    from PIL import Image

    index, palette = indexed(values, legend)
    image = Image.fromarray(index, mode="P")
    image.putpalette([c for color in [(0, 0, 0), *palette] for c in color])
    stream = io.BytesIO()
    image.save(stream, "PNG", transparency=0, optimize=True)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()
