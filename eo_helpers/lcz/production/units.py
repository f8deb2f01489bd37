"""Cut a commune into the spatial units that LCZ are given to.

Three ways, from the best described commune to the worst:

- :func:`blocks`: the areas enclosed by roads, water and large vegetation;
- :func:`fabric`: without roads, one cell around each building (morphological
  tessellation), cells that are alike and touch joined into pieces of urban fabric, and
  the open land beyond cut along water and vegetation;
- :func:`grid`: regular squares.

All return polygons that cover the zone once. Every function works in the layers' own
projected CRS, in metres.
"""

from __future__ import annotations

from typing import Literal

import geopandas as gpd
import momepy
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.cluster import AgglomerativeClustering

from ...errors import InvalidInput

__all__ = ["UnitKind", "blocks", "built_envelope", "fabric", "grid", "spatial_units"]

UnitKind = Literal["auto", "blocks", "fabric", "grid"]

#: Smaller water and vegetation does not cut a unit, m² (GeoClimate's own bounds, Bocher et
#: al. 2021, J. Open Source Software 6, 3541).
MIN_WATER_M2, MIN_VEGETATION_M2 = 2_500.0, 10_000.0


def spatial_units(
    zone: shapely.Geometry,
    buildings: gpd.GeoDataFrame,
    vegetation: gpd.GeoDataFrame,
    water: gpd.GeoDataFrame,
    roads: gpd.GeoDataFrame | None = None,
    kind: UnitKind = "auto",
    *,
    cell_m: float = 100.0,
    min_area_m2: float = 2_500.0,
    max_area_m2: float = 250_000.0,
) -> gpd.GeoDataFrame:
    """Cut ``zone`` into units.

    Parameters
    ----------
    zone : shapely.Polygon or shapely.MultiPolygon
        What to cut, in the layers' CRS.
    buildings, vegetation, water, roads : geopandas.GeoDataFrame
        Normalised layers (:mod:`.layers`).
    kind : {"auto", "blocks", "fabric", "grid"}
        ``auto`` takes ``blocks`` where there are roads, else ``fabric``.
    cell_m : float
        Side of the squares of ``grid``, m.
    min_area_m2, max_area_m2 : float
        Smaller units are joined to the neighbour with the longest common border, larger
        ones are cut into squares of about ``max_area_m2``. For ``grid`` only the first holds.

    Returns
    -------
    geopandas.GeoDataFrame
        ``unit_kind``, ``geometry``; the units cover the zone once.

    Raises
    ------
    InvalidInput
        An unknown kind, ``blocks`` without roads, or bounds that exclude each other.
    """
    if not 0 <= min_area_m2 < max_area_m2:
        raise InvalidInput(
            "La surface minimale d'une unité doit être positive et inférieure à la maximale.",
            "The smallest area of a unit must be positive and below the largest.",
        )
    if kind == "auto":
        kind = "blocks" if roads is not None and len(roads) else "fabric"
    if kind == "grid":
        units = grid(zone, cell_m, buildings.crs)
        limit = np.inf
    elif kind == "blocks":
        if roads is None or roads.empty:
            raise InvalidInput(
                "Des îlots demandent une couche de routes : donnez-la, ou choisissez « fabric » "
                "ou « grid ».",
                "Blocks need a road layer: give it, or choose 'fabric' or 'grid'.",
            )
        units, limit = blocks(zone, roads, vegetation, water), max_area_m2
    elif kind == "fabric":
        units, limit = fabric(zone, buildings, vegetation, water), max_area_m2
    else:
        raise InvalidInput(
            f"« {kind} » n'est pas une façon de découper : auto, blocks, fabric ou grid.",
            f"'{kind}' is not a way to cut: auto, blocks, fabric or grid.",
        )
    units = _merge_slivers(_split_large(units, limit), min_area_m2)
    units["unit_kind"] = kind
    return units[["unit_kind", "geometry"]]


def grid(zone: shapely.Geometry, cell_m: float, crs: object) -> gpd.GeoDataFrame:
    """Squares of ``cell_m`` metres from the zone's south-west corner, cut at its edge."""
    if not cell_m > 0:
        raise InvalidInput(
            "Le côté d'une maille doit être un nombre de mètres positif.",
            "The side of a cell must be a positive number of metres.",
        )
    return gpd.GeoDataFrame(geometry=_squares(zone, cell_m), crs=crs)


def blocks(
    zone: shapely.Geometry,
    roads: gpd.GeoDataFrame,
    vegetation: gpd.GeoDataFrame,
    water: gpd.GeoDataFrame,
) -> gpd.GeoDataFrame:
    """Areas enclosed by roads, large water and large vegetation (momepy's enclosures).

    Notes
    -----
    Fleischmann et al. (2020), momepy; the choice of barriers is that of GeoClimate's
    reference spatial units (Bocher et al. 2021).
    """
    return _enclosures(zone, _barriers(vegetation, water, roads), roads.crs)


def fabric(
    zone: shapely.Geometry,
    buildings: gpd.GeoDataFrame,
    vegetation: gpd.GeoDataFrame,
    water: gpd.GeoDataFrame,
    target_area_m2: float = 20_000.0,
) -> gpd.GeoDataFrame:
    """Pieces of like urban fabric, and the open land between them, without roads.

    Parameters
    ----------
    zone : shapely.Polygon or shapely.MultiPolygon
        What to cut, in the layers' CRS.
    buildings, vegetation, water : geopandas.GeoDataFrame
        Normalised layers; ``height_m`` filled.
    target_area_m2 : float
        Mean area that pieces of fabric are grouped to, m² (an urban block, 2 ha).

    Notes
    -----
    Morphological tessellation (Fleischmann et al. 2020, Computers, Environment and Urban
    Systems 80, 101441) inside the built envelope; touching cells are joined by Ward's
    method on position, height, footprint and built share.
    """
    envelope = shapely.intersection(built_envelope(buildings), zone)
    cells = _tessellation(buildings, envelope)
    pieces = _group_cells(cells, target_area_m2)
    inside = shapely.union_all(pieces)
    rest = shapely.difference(zone, inside)
    barriers = _barriers(vegetation, water, None)
    parts = [gpd.GeoDataFrame(geometry=_polygons(pieces), crs=buildings.crs)]
    if not rest.is_empty:
        parts.append(_enclosures(rest, barriers, buildings.crs))
    return pd.concat(parts, ignore_index=True)


def built_envelope(
    buildings: gpd.GeoDataFrame, grow_m: float = 50.0, shrink_m: float = 25.0
) -> shapely.Geometry:
    """Outline of the built-up land: buildings grown by 50 m, then shrunk by 25 m.

    The « tache urbaine » by dilation and erosion of French urban studies (Certu 2003);
    holes smaller than 5,000 m² are filled.
    """
    # Few segments a quarter circle: the outline is a convention, not a measurement.
    grown = shapely.union_all(shapely.buffer(buildings.geometry.to_numpy(), grow_m, quad_segs=2))
    shrunk = shapely.buffer(grown, -shrink_m, quad_segs=2)
    filled = []
    for part in shapely.get_parts(shrunk):
        holes = [ring for ring in part.interiors if shapely.Polygon(ring).area >= 5_000]
        filled.append(shapely.Polygon(part.exterior, holes))
    return shapely.union_all(filled) if filled else shapely.Polygon()


def _barriers(
    vegetation: gpd.GeoDataFrame, water: gpd.GeoDataFrame, roads: gpd.GeoDataFrame | None
) -> NDArray[np.object_]:
    """Lines that units stop at."""
    wooded = vegetation.geometry[vegetation["kind"] == "tree"]
    lines = [np.asarray(roads.geometry)] if roads is not None else []
    for areas, least in ((wooded, MIN_VEGETATION_M2), (water.geometry, MIN_WATER_M2)):
        joined = shapely.get_parts(shapely.union_all(areas.to_numpy()))
        lines.append(shapely.boundary(joined[shapely.area(joined) >= least]))
    return np.concatenate([*lines, np.array([], dtype=object)])


def _enclosures(
    zone: shapely.Geometry, barriers: NDArray[np.object_], crs: object
) -> gpd.GeoDataFrame:
    limit = gpd.GeoSeries(shapely.get_parts(zone), crs=crs)
    limit = limit[limit.geom_type == "Polygon"]
    lines = gpd.GeoSeries(shapely.get_parts(shapely.intersection(barriers, zone)), crs=crs)
    lines = lines[lines.geom_type.isin(["LineString", "MultiLineString"])]
    enclosed = momepy.enclosures(lines, limit=limit, clip=True)
    return gpd.GeoDataFrame(geometry=_polygons(enclosed.geometry.to_numpy()), crs=crs)


def _tessellation(buildings: gpd.GeoDataFrame, envelope: shapely.Geometry) -> gpd.GeoDataFrame:
    """One cell for each body of touching buildings, with what it is alike by."""
    # Joining what overlaps or touches first is what makes any input fit for a tessellation.
    bodies = shapely.get_parts(shapely.union_all(buildings.geometry.to_numpy()))
    bodies = bodies[(shapely.area(bodies) > 4.0) & shapely.intersects(bodies, envelope)]
    frame = gpd.GeoDataFrame(geometry=bodies, crs=buildings.crs)
    first, second = buildings.sindex.query(frame.geometry, predicate="intersects")
    height = pd.Series(buildings["height_m"].to_numpy()[second]).groupby(first).mean()
    frame["height_m"] = height.reindex(frame.index).fillna(0.0)
    if len(frame) < 4:
        # A Voronoi diagram needs a few seeds; two farms share their envelope as it is.
        cells = gpd.GeoDataFrame(geometry=shapely.get_parts(envelope), crs=buildings.crs)
        return cells.assign(height_m=0.0, footprint_m2=0.0, built=0.0)
    cells = momepy.morphological_tessellation(
        frame.geometry, clip=envelope, shrink=0.4, segment=2.0, simplify=False
    )
    body = cells.index.to_numpy()
    cells = cells.assign(
        height_m=frame["height_m"].to_numpy()[body],
        footprint_m2=frame.area.to_numpy()[body],
    )
    cells["built"] = (cells["footprint_m2"] / cells.area).clip(0, 1)
    return cells.explode(ignore_index=True)


def _group_cells(cells: gpd.GeoDataFrame, target_area_m2: float) -> NDArray[np.object_]:
    """Join touching cells that are alike until pieces are about ``target_area_m2``."""
    centroids = cells.centroid
    scale = np.sqrt(target_area_m2)
    features = np.column_stack(
        [
            (centroids.x - centroids.x.mean()) / scale,
            (centroids.y - centroids.y.mean()) / scale,
            cells["height_m"] / 6.0,
            np.log1p(cells["footprint_m2"]) / 1.5,
            cells["built"] / 0.2,
        ]
    )
    tree = shapely.STRtree(cells.geometry.to_numpy())
    first, second = tree.query(cells.geometry.to_numpy(), predicate="dwithin", distance=0.05)
    links = coo_array((np.ones(len(first)), (first, second)), shape=(len(cells),) * 2).tocsr()

    count, component = connected_components(links, directed=False)
    areas = cells.area.to_numpy()
    groups = np.zeros(len(cells), dtype=int)
    offset = 0
    for one in range(count):
        members = np.flatnonzero(component == one)
        wanted = int(np.clip(round(areas[members].sum() / target_area_m2), 1, len(members)))
        if wanted == 1:
            groups[members] = offset
        else:
            ward = AgglomerativeClustering(
                n_clusters=wanted, connectivity=links[members][:, members], linkage="ward"
            )
            groups[members] = offset + ward.fit_predict(features[members])
        offset += wanted
    return cells.geometry.groupby(groups).apply(lambda g: shapely.union_all(g.values)).to_numpy()


def _squares(zone: shapely.Geometry, cell_m: float) -> NDArray[np.object_]:
    west, south, east, north = shapely.bounds(zone)
    x = west + cell_m * np.arange(max(1, np.ceil((east - west) / cell_m - 1e-9)))
    y = south + cell_m * np.arange(max(1, np.ceil((north - south) / cell_m - 1e-9)))
    left, low = (a.ravel() for a in np.meshgrid(x, y))
    cells = shapely.box(left, low, left + cell_m, low + cell_m)
    shapely.prepare(zone)
    whole = shapely.covers(zone, cells)
    crossed = cells[~whole & shapely.intersects(zone, cells)]
    return _polygons(np.concatenate([cells[whole], shapely.intersection(crossed, zone)]))


def _split_large(units: gpd.GeoDataFrame, max_area_m2: float) -> gpd.GeoDataFrame:
    large = (units.area > max_area_m2).to_numpy()
    if not large.any():
        return units
    pieces = [units.geometry.to_numpy()[~large]]
    for polygon in units.geometry.to_numpy()[large]:
        pieces.append(_squares(polygon, float(np.sqrt(max_area_m2))))
    return gpd.GeoDataFrame(geometry=np.concatenate(pieces), crs=units.crs)


def _merge_slivers(units: gpd.GeoDataFrame, min_area_m2: float) -> gpd.GeoDataFrame:
    """Join units below ``min_area_m2`` to the neighbour with the longest common border."""
    polygons = units.geometry.to_numpy()
    for _ in range(8):
        small = np.flatnonzero(shapely.area(polygons) < min_area_m2)
        if not len(small) or len(polygons) < 2:
            break
        tree = shapely.STRtree(polygons)
        first, second = tree.query(polygons[small], predicate="dwithin", distance=0.05)
        first = small[first]
        apart = first != second
        first, second = first[apart], second[apart]
        # Cells of a tessellation meet to within rounding: borders within 5 cm are common.
        common = shapely.length(
            shapely.intersection(
                shapely.boundary(polygons[first]), shapely.buffer(polygons[second], 0.05)
            )
        )
        best = (
            pd.DataFrame({"first": first, "second": second, "common": common})
            .sort_values(["first", "common", "second"], ascending=[True, False, True])
            .drop_duplicates("first")
        )
        if best.empty:
            break
        links = coo_array(
            (np.ones(len(best)), (best["first"], best["second"])), shape=(len(polygons),) * 2
        )

        _, label = connected_components(links, directed=False)
        polygons = _dissolve(polygons, label)
    return gpd.GeoDataFrame(geometry=polygons, crs=units.crs)


def _dissolve(polygons: NDArray[np.object_], label: NDArray[np.int32]) -> NDArray[np.object_]:
    order = np.argsort(label, kind="stable")
    starts = np.flatnonzero(np.diff(label[order], prepend=-1))
    joined = []
    for group in np.split(polygons[order], starts[1:]):
        union = group[0] if len(group) == 1 else shapely.union_all(group)
        if union.geom_type != "Polygon":
            # A hair of rounding keeps neighbours apart: close it, no more than 5 cm.
            union = shapely.buffer(
                shapely.buffer(union, 0.05, join_style="mitre"), -0.05, join_style="mitre"
            )
        joined.append(union)
    return np.array(joined, dtype=object)


def _polygons(geometries: NDArray[np.object_]) -> NDArray[np.object_]:
    parts = shapely.get_parts(shapely.get_parts(geometries))
    return parts[(shapely.get_type_id(parts) == 3) & (shapely.area(parts) > 0.01)]
