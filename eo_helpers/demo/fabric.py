"""Parcels, blocks and buildings: how people have cut up the land.

Land is cut as surveyors do it: a face between roads is split across its long
side, again and again, until the pieces have the size that the place asks for.
Everything is vectorised over the pieces (shapely 2).
"""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

__all__ = ["boxes", "clean_coverage", "frame", "split"]


def frame(polygons: NDArray) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Centre, long axis (unit vector), length and width of each oriented envelope."""
    corners = shapely.get_coordinates(shapely.oriented_envelope(polygons)).reshape(-1, 5, 2)
    first = corners[:, 1] - corners[:, 0]
    second = corners[:, 2] - corners[:, 1]
    a, b = np.hypot(*first.T), np.hypot(*second.T)
    turned = (b > a)[:, None]
    axis = np.where(turned, second, first)
    length, width = np.maximum(a, b), np.minimum(a, b)
    axis = axis / np.maximum(length, 1e-9)[:, None]
    # One sign for a direction, so that nothing hangs on the order of the corners.
    flip = (axis[:, 0] < 0) | ((axis[:, 0] == 0) & (axis[:, 1] < 0))
    axis = np.where(flip[:, None], -axis, axis)
    return corners[:, :4].mean(axis=1), axis, length, width


def boxes(centre: NDArray, axis: NDArray, length: NDArray, width: NDArray) -> NDArray:
    """Rectangles of given centre, direction, length and width."""
    across = np.column_stack([-axis[:, 1], axis[:, 0]])
    along = axis * (np.asarray(length) / 2)[:, None]
    aside = across * (np.asarray(width) / 2)[:, None]
    corners = np.stack(
        [
            centre - along - aside,
            centre + along - aside,
            centre + along + aside,
            centre - along + aside,
            centre - along - aside,
        ],
        axis=1,
    )
    return shapely.polygons(corners)


def split(
    polygons: NDArray,
    target: NDArray | float,
    rng: np.random.Generator,
    skew: float = 0.05,
    uneven: float = 0.12,
    stretch: float = 2.6,
    levels: int = 16,
) -> tuple[NDArray, NDArray[np.intp]]:
    """Cut polygons across their long side until they are of the target size.

    Parameters
    ----------
    polygons : array of Polygon
    target : float or array
        Wanted area of the pieces of each polygon, m².
    rng : numpy.random.Generator
    skew : float
        Standard deviation of the cut's angle, rad.
    uneven : float
        How far from the middle a cut may fall (0 = always in the middle).
    stretch : float
        A piece longer than this times its width is cut even when it is small
        enough, down to half the target.

    Returns
    -------
    pieces : array of Polygon
    origin : intp array
        Which polygon each piece comes from.
    """
    done: list[NDArray] = []
    done_from: list[NDArray] = []
    pieces = np.asarray(polygons, dtype=object)
    origin = np.arange(len(pieces))
    goal = np.broadcast_to(np.asarray(target, float), pieces.shape).copy()
    for _ in range(levels):
        if not len(pieces):
            break
        area = shapely.area(pieces)
        centre, axis, length, width = frame(pieces)
        lucky = rng.uniform(0.8, 1.7, len(pieces))
        cut = (area > goal * lucky) | (
            (length > stretch * np.maximum(width, 1)) & (area > 0.5 * goal * lucky)
        )
        done.append(pieces[~cut])
        done_from.append(origin[~cut])
        pieces, origin, goal = pieces[cut], origin[cut], goal[cut]
        if not len(pieces):
            break
        centre, axis, length = centre[cut], axis[cut], length[cut]
        n = len(pieces)
        at = centre + axis * (length * rng.uniform(-uneven, uneven, n))[:, None]
        turn = rng.normal(0, skew, n)
        turned = np.column_stack(
            [
                axis[:, 0] * np.cos(turn) - axis[:, 1] * np.sin(turn),
                axis[:, 0] * np.sin(turn) + axis[:, 1] * np.cos(turn),
            ]
        )
        big = length * 4 + 100
        left = boxes(at - turned * (big / 2)[:, None], turned, big, big)
        first = shapely.intersection(pieces, left)
        second = shapely.difference(pieces, left)
        parts, which = shapely.get_parts(np.concatenate([first, second]), return_index=True)
        which = which % n
        keep = (shapely.get_type_id(parts) == 3) & (shapely.area(parts) > 1)
        pieces, origin, goal = parts[keep], origin[which[keep]], goal[which[keep]]
    done.append(pieces)
    done_from.append(origin)
    return np.concatenate(done), np.concatenate(done_from).astype(np.intp)


def clean_coverage(
    polygons: NDArray, grid_size: float = 0.05, smallest: float = 60.0
) -> tuple[NDArray, NDArray[np.intp]]:
    """Make polygons that nearly tile into a true coverage (shared vertices, no gap).

    Faces under ``smallest`` (m²) and holes join the neighbour with the longest common edge.

    Returns
    -------
    faces : array of Polygon
    origin : intp array
        Index of the polygon that each face belongs to, -1 for what was a hole.
    """
    lines = shapely.union_all(shapely.boundary(polygons), grid_size=grid_size)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(lines)))
    inner = shapely.point_on_surface(faces)
    tree = shapely.STRtree(polygons)
    face, poly = tree.query(inner, predicate="within")
    origin = np.full(len(faces), -1, np.intp)
    origin[face] = poly
    return _absorb(faces, origin, smallest)


def _absorb(
    faces: NDArray, origin: NDArray[np.intp], smallest: float
) -> tuple[NDArray, NDArray[np.intp]]:
    """Give slivers and holes to the neighbour that they share the longest edge with."""
    tiny = (shapely.area(faces) < smallest) | (origin < 0)
    tree = shapely.STRtree(faces)
    gone = np.zeros(len(faces), bool)
    for index in np.flatnonzero(tiny)[np.argsort(shapely.area(faces[tiny]), kind="stable")]:
        near = tree.query(faces[index], predicate="intersects")
        near = near[(near != index) & ~tiny[near]]
        shared = shapely.length(shapely.intersection(faces[near], faces[index]))
        if not len(near) or shared.max() <= 0:
            continue
        host = near[np.argmax(shared)]
        joined = shapely.coverage_union(faces[host], faces[index])
        if joined.geom_type == "Polygon":
            faces[host], gone[index] = joined, True
    return faces[~gone], origin[~gone]
