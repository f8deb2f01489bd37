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
from scipy import ndimage, sparse
from scipy.sparse.linalg import LinearOperator, SuperLU, cg, splu

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
) -> tuple[sparse.csr_matrix, NDArray[np.int64], NDArray[np.int64]]:
    """Bilinear weights from nodes to wet cells (nodes of the same body only), the nodes'
    keys, and the node that each wet cell lies in.
    """
    rows, cols = np.divmod(wet, s.shape[1])
    body = s.body.ravel()[wet].astype(np.int64)
    height, width = -(-s.shape[0] // NODE) + 2, -(-s.shape[1] // NODE) + 2
    own = (body * height + rows // NODE + 1) * width + cols // NODE + 1
    keys, home = np.unique(own, return_inverse=True)
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
    return matrix, keys, home


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


class _Solver:
    """Solves a row of systems that differ little: one factorisation serves several.

    An earlier factorisation preconditions conjugate gradients; where those take more than
    a few steps, the system is factorised anew.
    """

    def __init__(self) -> None:
        self.factor: SuperLU | None = None
        self.last: NDArray | None = None

    def __call__(self, system: sparse.csc_matrix, right: NDArray) -> NDArray:
        if self.factor is not None:
            inverse = LinearOperator(system.shape, self.factor.solve)
            found, failed = cg(system, right, x0=self.last, rtol=1e-6, maxiter=8, M=inverse)
            if not failed:
                self.last = found
                return found
        self.factor = splu(system, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})
        self.last = self.factor.solve(right)
        return self.last


def waterline(
    s: Sketch, robust: bool = True, stiff: float = 300.0, start: float = 0.95, floor: float = 0.3
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
    floor : float
        Weight of the flooded ground, which no water surface lies below.
    """
    wet = np.flatnonzero(s.body)
    matrix, keys, home = _interpolation(s, wet)
    edge = matrix[np.searchsorted(wet, s.at)]
    width = -(-s.shape[1] // NODE) + 2
    penalty = _stiffness(keys, width, stiff)
    prior = 1 / (s.noise**2 + 0.05**2)
    prior = (prior / np.quantile(prior, 0.75)).clip(0.003, 3)
    doubt = 1 - _rising(s, 8, 0.83, 0.95)
    if robust:
        prior *= _rising(s, 2.5, 0.6, 0.9).clip(min=0.03)
    ground = sparse.identity(len(keys), format="csc") * 1e-7
    middle = float(np.median(s.level)) if len(s.level) else 0.0
    z = s.level - middle
    base, bound = _floor(s, wet, home, matrix, middle)

    solver = _Solver()

    def solve(weight: NDArray, lift: NDArray) -> NDArray:
        weighted = edge.T.multiply(weight).tocsr()
        lifted = base.T.multiply(lift).tocsr()
        system = sparse.csc_matrix(weighted @ edge + lifted @ base) + penalty + ground
        return solver(system, weighted @ z + lifted @ bound)

    trust, lift = np.ones(len(z)), np.zeros(len(bound))
    level = solve(prior, lift)
    if robust:
        tau = 0.5 + (start - 0.5) * doubt
        for _ in range(4):
            trust = np.where(z - edge @ level > 0, tau, 1 - tau)
            lift = floor * (bound > base @ level)
            level = solve(prior * trust, lift)
        for scale in (1.0, 0.7, 0.5, 0.35, 0.25, 0.25):
            residual = z - edge @ level
            reach = np.hypot(scale, 2.5 * s.noise)
            even = np.minimum(1.0, reach / np.maximum(np.abs(residual), 1e-9))
            low = doubt * np.exp(-2 * (residual / reach) ** 2) + (1 - doubt) * even
            trust = np.where(residual < 0, low, even)
            under = bound - base @ level
            lift = floor * np.where(under > 0, np.minimum(1, scale / under.clip(1e-9)), 0)
            level = solve(prior * trust, lift)
    return Waterline(
        wet=wet,
        regional=matrix @ level + middle,
        trust=trust * prior.clip(max=1),
        residual=z - edge @ level,
    )


def _rising(s: Sketch, reach: float, none: float, full: float) -> NDArray[np.float64]:
    """How far the ground rises beyond the edges within ``reach`` sketch cells (0-1).

    Beyond a true shore the ground rises. Beyond the edge of a patch that the sensor
    missed it rises as often as it falls. Where nearly all edges rise, an edge that is
    lower than its neighbours is a fact about the water, not a miss.
    """
    grids = np.zeros((2, s.body.size))
    grids[0, s.at] = s.count
    grids[1, s.at] = s.count * s.rising
    total, rising = (
        ndimage.gaussian_filter(g.reshape(s.shape), reach, mode="constant", truncate=3).ravel()[
            s.at
        ]
        for g in grids
    )
    return ((rising / total - none) / (full - none)).clip(0, 1)


def _floor(
    s: Sketch,
    wet: NDArray[np.int64],
    node: NDArray[np.int64],
    matrix: sparse.csr_matrix,
    middle: float,
) -> tuple[sparse.csr_matrix, NDArray[np.float64]]:
    """The highest flooded ground of each node: rows of ``matrix`` and heights (m)."""
    height = s.ground.ravel()[wet] - middle
    height = np.where(np.isfinite(height), height, -np.inf)
    order = np.lexsort((height, node))
    last = np.flatnonzero(np.diff(node[order], append=-1))
    # The second highest: one cell may be a hedge, a bridge or a mistake.
    second = np.where(np.diff(last, prepend=-1) > 1, last - 1, last)
    pick = order[second]
    pick = pick[np.isfinite(height[pick])]
    return matrix[pick], height[pick]
