"""Night lighting of every commune, resumable.

Communes are taken in blocks, so that a worker holds the cells of one block whatever the
country's size. Each month of a block, then each few hundred communes, is a task that leaves
one whole file in the run's work folder; a run that was killed does only what is not there yet.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .. import catalog
from ..errors import NoData
from ..lighting.changes import assess
from ..lighting.finding import DATASET
from ..lighting.neighbours import with_outer
from ..lighting.series import SUFFIXES, TileFile, date_values, index_tiles
from ..lighting.weights import TILE_DEGREES, Weights, weights_of
from .output import commune_row, write_result
from .pool import PATIENCE, Outcome, Pool
from .publish import check_output
from .work import Progress, communes_of, refuse_failures, whole, work_folder

__all__ = ["run"]

#: Communes that one task assesses.
CHUNK = 500
#: Communes whose cells a worker holds at once: those of France (some 3.6 million of 15″) are
#: measured in five blocks. Each reads its own window of a tile.
BLOCK = 8_000
_KEPT = ("radiance", "std_error", "filled_share", "valid_share", "nights", "outer")


@dataclass(frozen=True)
class Options:
    """What changes the figures; two runs with the same ones share their work."""

    view: str = "AllAngle"
    least_share: float = 0.5


def run(
    source: Any,
    output: Path,
    *,
    view: str = "AllAngle",
    least_share: float = 0.5,
    scheduler: str | None = None,
    workers: int | None = None,
    memory: str | None = None,
    patience: float = PATIENCE,
    keep_going: bool = False,
    block: int = BLOCK,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Analyse the lighting of all communes of a source.

    Parameters
    ----------
    source : catalog.Source
        With communes and VNP46A3 files.
    output : Path
        See :func:`.publish.publish`; the work in progress lies beside it (``.work``) and is
        removed at the end.
    view, least_share
        As for one commune (:func:`eo_helpers.lighting.finding.analyse`).
    scheduler, workers, memory, patience
        See :class:`.pool.Pool`.
    keep_going : bool
        Write the result without what failed (a month is then a gap), and tell it.
    block : int
        Communes whose cells a worker holds at once.
    progress : callable (step, fraction), optional

    Returns
    -------
    dict
        ``communes``, ``without_data``, ``months``, ``left_out`` (sentences), ``failed`` (list
        of ``what``, ``why``), ``practices`` (how many communes have each).

    Raises
    ------
    NoData
        If the source has no communes or no tile.
    InvalidInput
        If tasks failed and ``keep_going`` is not set; what is done stays.
    """
    tell = progress or (lambda label, fraction: None)
    options = Options(view, least_share)
    check_output(output)
    index = catalog.communes(source)
    items = source.items(DATASET)
    if not items:
        remedy = catalog.stac.remedy(DATASET)
        raise NoData(
            f"Aucune tuile d'éclairage nocturne dans cette source. {remedy['fr']}",
            f"No night-lighting tile in this source. {remedy['en']}",
        )
    tell("Lecture des tuiles", 0.0)
    dates, left_out = index_tiles([Path(i.assets["data"].href) for i in items], broken="gap")
    key = {"theme": "lighting", "block": block, **vars(options)}
    work = work_folder(output, source, key, ["months", "chunks"])
    communes = communes_of(index, work, tell, block)
    cell = next(iter(dates.values()))[0].cell
    left_out += [f"{p.name} : {e.fr}" for p, e in source.rejected if p.suffix.lower() in SUFFIXES]
    blocks = [slice(k, k + block) for k in range(0, len(communes), block)]
    failed: list[tuple[str, Outcome]] = []
    with Pool(scheduler, workers, memory, patience) as pool:
        for b, some in enumerate(blocks):
            _weights(work, b, communes.iloc[some], cell, tell)
        left_out += _months(work, len(blocks), dates, options, pool, failed, tell)
        # Before anything is drawn from the months: a month that failed is a gap only if asked.
        refuse_failures(work, failed, keep_going)
        chunks = [
            path
            for b, some in enumerate(blocks)
            for path in _assessments(
                work, b, len(blocks), communes.iloc[some], dates, cell, pool, failed, tell
            )
        ]
    told_failed = refuse_failures(work, failed, keep_going)
    there = [path for path in chunks if path.exists()]
    if not there:
        raise NoData(
            "Aucune tuile ne couvre de commune de cette source.",
            "No tile covers a commune of this source.",
        )
    table = pd.concat([pd.read_parquet(p) for p in there], ignore_index=True)
    demonstration = any(i.properties["eo_helpers:demonstration"] for i in items)
    summary = write_result(
        output, communes, table, options, demonstration, sorted(dates), left_out, told_failed
    )
    shutil.rmtree(work)
    tell("Terminé", 1.0)
    return summary


def _weights(work: Path, block: int, communes: Any, cell: float, tell: Progress) -> None:
    path = work / f"weights-{block:04d}.npz"
    if path.exists():
        return
    tell("Poids des mailles par commune", 0.0)
    w = with_outer(weights_of(list(communes.geometry), cell))
    arrays = {
        "data": w.matrix.data, "indices": w.matrix.indices, "indptr": w.matrix.indptr,
        "shape": np.array(w.matrix.shape), "row": w.row, "col": w.col, "cell": np.array(w.cell),
        "outer_data": w.outer.data.astype(np.float32), "outer_indices": w.outer.indices,
        "outer_indptr": w.outer.indptr,
    }  # fmt: skip

    def write(part: Path) -> None:
        with part.open("wb") as file:
            np.savez(file, **arrays)

    whole(path, write)


@lru_cache(maxsize=1)
def _load_weights(path: Path, stamp: int) -> Weights:
    from scipy.sparse import csr_array

    with np.load(path) as a:
        shape = tuple(a["shape"])
        matrix, outer = (
            csr_array((a[f"{n}data"], a[f"{n}indices"], a[f"{n}indptr"]), shape=shape)
            for n in ("", "outer_")
        )
        return Weights(matrix, a["row"], a["col"], float(a["cell"]), outer)


def _month_file(work: Path, block: int, date: str, suffix: str = ".parquet") -> Path:
    return work / "months" / f"{date}{f'.{block:04d}' if block else ''}{suffix}"


def _months(
    work: Path,
    blocks: int,
    dates: dict[str, list[TileFile]],
    options: Options,
    pool: Pool,
    failed: list[tuple[str, Outcome]],
    tell: Progress,
) -> list[str]:
    """Measure every month of every block that is not there yet; sentences about files left out."""
    every = [(b, d) for b in range(blocks) for d in dates]
    todo = [(b, d) for b, d in every if not _month_file(work, b, d).exists()]
    tasks = [(str(work), b, d, dates[d], options) for b, d in todo]
    done = len(every) - len(todo)
    for outcome in pool.outcomes(_month, tasks):
        done += 1
        if outcome.error is not None:
            failed.append((f"mois {outcome.task[2]}", outcome))
        tell("Mesure des mois", done / len(every))
    told = [_month_file(work, b, d, ".txt") for b, d in every]
    lines = (line for p in told if p.exists() for line in p.read_text("utf-8").splitlines())
    return list(dict.fromkeys(lines))


def _month(folder: str, block: int, date: str, tiles: list[TileFile], options: Options) -> str:
    """One task: the figures of a block's communes in one month."""
    work = Path(folder)
    path = work / f"weights-{block:04d}.npz"
    weights = _load_weights(path, path.stat().st_mtime_ns)
    found, failed = date_values(
        tiles, weights, view=options.view, least_share=options.least_share, broken="gap"
    )
    if failed:
        told = "\n".join(failed)
        whole(_month_file(work, block, date, ".txt"), lambda part: part.write_text(told, "utf-8"))
    frame = pd.DataFrame({name: found[name] for name in _KEPT})
    whole(_month_file(work, block, date), frame.to_parquet)
    return date


def _assessments(
    work: Path,
    block: int,
    blocks: int,
    communes: Any,
    dates: dict[str, list[TileFile]],
    cell: float,
    pool: Pool,
    failed: list[tuple[str, Outcome]],
    tell: Progress,
) -> list[Path]:
    """Assess the communes of a block; files of its chunks, those that failed among them."""
    axis = np.arange(np.datetime64(min(dates), "M"), np.datetime64(max(dates), "M") + 1)
    position = {str(d): k for k, d in enumerate(axis)}
    cube = {name: np.full((len(communes), axis.size), np.nan) for name in _KEPT}
    for date in dates:
        path = _month_file(work, block, date)
        if path.exists():
            month = pd.read_parquet(path)
            for name in _KEPT:
                cube[name][:, position[date]] = month[name].to_numpy()
    spans = _spans(communes, dates, cell, position)
    chunks: list[Path] = []
    tasks: list[tuple[Any, ...]] = []
    for span in sorted({tuple(s) for s in spans.tolist()}):
        rows = np.nonzero((spans == span).all(1))[0]
        if span[0] < 0:
            continue
        for start in range(0, rows.size, CHUNK):
            some = rows[start : start + CHUNK]
            path = work / "chunks" / f"{block:04d}-{span[0]:04d}-{span[1]:04d}-{start:06d}.parquet"
            chunks.append(path)
            if not path.exists():
                part = {n: cube[n][some, span[0] : span[1] + 1] for n in _KEPT}
                files = _has_file(communes.iloc[some], dates, cell, axis[span[0] : span[1] + 1])
                names = list(communes["insee"].iloc[some]), list(communes["name"].iloc[some])
                tasks.append((str(path), *names, axis[span[0] : span[1] + 1], part, files))
    done = len(chunks) - len(tasks)
    for outcome in pool.outcomes(_assess, tasks):
        done += 1
        if outcome.error is not None:
            codes = outcome.task[1]
            failed.append((f"communes {codes[0]} – {codes[-1]}", outcome))
        tell("Analyse des communes", (block + done / len(chunks)) / blocks)
    return chunks


def _assess(
    path: str,
    insee: list[str],
    names: list[str],
    axis: NDArray[Any],
    part: dict[str, NDArray[np.float64]],
    files: NDArray[np.bool_],
) -> str:
    """One task: events and practice of some communes that share their months."""
    dates = pd.DatetimeIndex(axis.astype("datetime64[ns]"))
    found = assess(dates, "month", part["radiance"], part["std_error"], outer=part["outer"])
    rows = [
        commune_row(insee[k], names[k], found[k], {n: v[k] for n, v in part.items()}, files[k])
        for k in range(len(insee))
    ]
    frame = pd.DataFrame(rows)
    whole(Path(path), lambda p: frame.to_parquet(p, index=False))
    return path


def _tiles_about(bounds: NDArray[np.float64], cell: float) -> list[set[tuple[int, int]]]:
    """Tiles (first row and column) that the box of each commune meets.

    They are those that a commune's own analysis asks the source for.
    """
    size = round(TILE_DEGREES / cell)
    out = []
    for west, south, east, north in bounds:
        top = int(np.floor((90 - north) / cell + 1e-9))
        left = int(np.floor((west + 180) / cell + 1e-9))
        bottom = int(np.ceil((90 - south) / cell - 1e-9)) - 1
        right = int(np.ceil((east + 180) / cell - 1e-9)) - 1
        out.append(
            {
                (v * size, h * size)
                for v in range(top // size, bottom // size + 1)
                for h in range(left // size, right // size + 1)
            }
        )
    return out


def _spans(
    communes: Any, dates: dict[str, list[TileFile]], cell: float, position: dict[str, int]
) -> NDArray[np.int64]:
    """First and last month (positions) of the tiles about each commune; -1 without any."""
    first: dict[tuple[int, int], int] = {}
    last: dict[tuple[int, int], int] = {}
    for date, tiles in dates.items():
        for t in tiles:
            key, k = (t.row, t.col), position[date]
            first[key] = min(first.get(key, k), k)
            last[key] = max(last.get(key, k), k)
    out = np.full((len(communes), 2), -1, np.int64)
    for i, about in enumerate(_tiles_about(communes.geometry.bounds.to_numpy(), cell)):
        known = about & set(first)
        if known:
            out[i] = min(first[t] for t in known), max(last[t] for t in known)
    return out


def _has_file(
    communes: Any, dates: dict[str, list[TileFile]], cell: float, axis: NDArray[Any]
) -> NDArray[np.bool_]:
    """Whether any tile about the commune has a file of the month (communes, months)."""
    there = [{(t.row, t.col) for t in dates.get(str(d), ())} for d in axis]
    about = _tiles_about(communes.geometry.bounds.to_numpy(), cell)
    return np.array([[bool(tiles & month) for month in there] for tiles in about])
