"""The level that the believable part of a flood's edge agrees on.

An extent's edge is the flood's edge only in part: where the sensor missed water, the
edge runs over ground that lies below the water. Such an edge says « at least this high »,
a true one « this high », and both are mixed. So the level sought is a smooth surface
along each body of water on which the *upper* edges agree: a penalised regression that
starts as a high expectile, then follows the edges near it and lets go of those below
(graduated non-convexity with a redescending weight on one side).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu

from .edges import Sketch

__all__ = ["Waterline", "waterline"]

#: Side of a node of the regional surface, in cells of the sketch.
NODE = 4


@dataclass
class Waterline:
    """The regional water surface, and what became of each piece of edge.

    ``wet`` are flat indices of the sketch's cells with water; ``regional`` (m) is the
    surface there; ``trust`` (0-1) is the final weight of each edge entry of the sketch,
    ``residual`` (m) its level less the regional surface.
    """

    wet: NDArray[np.int64]
    regional: NDArray[np.float64]
    trust: NDArray[np.float64]
    residual: NDArray[np.float64]


def _interpolation(
    s: Sketch, wet: NDArray[np.int64]
) -> tuple[sparse.csr_matrix, NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Bilinear weights from nodes to wet cells, among nodes of the same body only."""
    rows, cols = np.divmod(wet, s.shape[1])
    body = s.body.ravel()[wet].astype(np.int64)
    height, width = -(-s.shape[0] // NODE) + 2, -(-s.shape[1] // NODE) + 2
    keys = np.unique((body * height + rows // NODE + 1) * width + cols // NODE + 1)
    y, x = (rows + 0.5) / NODE + 0.5, (cols + 0.5) / NODE + 0.5
    y0, x0 = np.floor(y).astype(np.int64), np.floor(x).astype(np.int64)
    parts = []
    for dy in (0, 1):
        for dx in (0, 1):
            key = (body * height + y0 + dy) * width + x0 + dx
            node = np.searchsorted(keys, key).clip(max=len(keys) - 1)
            weight = np.abs(1 - dy - (y - y0)) * np.abs(1 - dx - (x - x0))
            parts.append((node, np.where(keys[node] == key, weight, 0.0)))
    total = sum(weight for _, weight in parts)
    index = np.arange(len(wet))
    matrix = sparse.csr_matrix(
        (
            np.concatenate([weight / total for _, weight in parts]),
            (np.tile(index, 4), np.concatenate([node for node, _ in parts])),
        ),
        shape=(len(wet), len(keys)),
    )
    return matrix, keys, keys // width % height, keys % width


def _stiffness(keys: NDArray[np.int64], width: int, stiff: float) -> sparse.csc_matrix:
    """Penalty on curvature (a tilted plane costs nothing) and, slightly, on tilt."""
    n = len(keys)

    def at(offset: int) -> NDArray[np.int64]:
        node = np.searchsorted(keys, keys + offset).clip(max=n - 1)
        return np.where(keys[node] == keys + offset, node, -1)

    def rows(columns: list[NDArray], weights: list[float]) -> sparse.csr_matrix:
        whole = np.logical_and.reduce([c >= 0 for c in columns])
        m = int(whole.sum())
        return sparse.csr_matrix(
            (
                np.repeat(np.asarray(weights, float), m),
                (np.tile(np.arange(m), len(columns)), np.concatenate([c[whole] for c in columns])),
            ),
            shape=(m, n),
        )

    here = np.arange(n)
    bends = [rows([at(-step), here, at(step)], [1, -2, 1]) for step in (1, width)]
    twist = rows([here, at(1), at(width), at(width + 1)], [1, -1, -1, 1])
    tilts = [rows([here, at(step)], [1, -1]) for step in (1, width, width + 1, width - 1)]
    out = sum(stiff * (b.T @ b) for b in bends) + 2 * stiff * (twist.T @ twist)
    out = out + sum(1e-2 * (t.T @ t) for t in tilts)
    return sparse.csc_matrix(out)


def waterline(
    s: Sketch, robust: bool = True, stiff: float = 300.0, start: float = 0.95
) -> Waterline:
    """Fit the regional water surface to the edges of a sketch.

    Parameters
    ----------
    s : Sketch
    robust : bool
        False believes every edge (for comparison).
    stiff : float
        Weight of the curvature penalty.
    start : float
        Expectile of the first fit.
    """
    wet = np.flatnonzero(s.body)
    matrix, keys, _, _ = _interpolation(s, wet)
    edge = matrix[np.searchsorted(wet, s.at)]
    width = -(-s.shape[1] // NODE) + 2
    penalty = _stiffness(keys, width, stiff)
    prior = s.dem_noise**2 / (3 * s.noise**2)
    prior = prior * np.where(s.rise > 0, 1.0, 0.3)
    # A body without edge keeps a level (its neighbours' or none, decided later).
    ground = sparse.identity(len(keys), format="csc") * 1e-7
    middle = float(np.median(s.level)) if len(s.level) else 0.0
    z = s.level - middle

    def solve(weight: NDArray) -> NDArray:
        weighted = edge.T.multiply(weight).tocsr()
        system = sparse.csc_matrix(weighted @ edge) + penalty + ground
        factor = splu(system, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})
        return factor.solve(weighted @ z)

    trust = np.ones(len(z))
    level = solve(prior)
    if robust:
        for _ in range(4):
            trust = np.where(z - edge @ level > 0, start, 1 - start)
            level = solve(prior * trust)
        for scale in (1.0, 0.7, 0.5, 0.35, 0.25, 0.25):
            residual = z - edge @ level
            width_ = np.hypot(scale / 2.5, s.noise) * 2.5
            low = np.exp(-((residual / width_) ** 2) * 2)
            high = np.minimum(1.0, width_ / np.maximum(np.abs(residual), 1e-9))
            trust = np.where(residual < 0, low, high)
            level = solve(prior * trust)
    return Waterline(
        wet=wet,
        regional=matrix @ level + middle,
        trust=trust * prior / max(float(prior.max(initial=0)), 1e-12),
        residual=z - edge @ level,
    )
