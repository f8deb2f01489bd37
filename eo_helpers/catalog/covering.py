"""Rows of a large GeoParquet within a box, from the row groups whose boxes meet it alone.

The GeoParquet 1.1 « covering » (a box a row) has statistics a row group: they are read once a
process and file, which is what makes the next reading a matter of milliseconds.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["footer", "read_box"]

_SIDES = ("xmin", "ymin", "xmax", "ymax")


def read_box(path: Path, columns: Sequence[str], bounds: tuple[float, ...]) -> Any:
    """Rows whose box meets ``bounds`` (west, south, east, north in the file's CRS).

    Parameters
    ----------
    path : Path
        GeoParquet with a covering.
    columns : sequence of str
        Without the geometry, which always comes.

    Returns
    -------
    geopandas.GeoDataFrame

    Raises
    ------
    pyarrow.ArrowInvalid, OSError
        If the file cannot be read.
    """
    import geopandas as gpd
    import pyarrow as pa
    import pyarrow.parquet as pq
    import shapely

    stat = path.stat()
    metadata, _, geo = footer(path)
    boxes = _boxes(path, stat.st_mtime_ns, stat.st_size)
    name = geo["primary_column"]
    about = geo["columns"][name]
    covering = about["covering"]["bbox"]
    struct = covering["xmin"][0]
    groups = np.flatnonzero(_meets(boxes, bounds)).tolist()
    with pq.ParquetFile(path, metadata=metadata) as file:
        # One thread: the groups are few and small, starting threads takes longer than they do.
        table = file.read_row_groups(
            groups, columns=[*columns, name, struct], use_threads=False, use_pandas_metadata=False
        )
    box = table.column(struct).combine_chunks()
    if isinstance(box, pa.ChunkedArray):  # nothing was read
        box = pa.concat_arrays(box.chunks or [pa.array([], box.type)])
    sides = [box.field(covering[side][1]) for side in _SIDES]
    own = np.column_stack([side.to_numpy(zero_copy_only=False) for side in sides])
    table = table.filter(pa.array(_meets(own, bounds)))
    shapes = shapely.from_wkb(table.column(name).to_numpy())
    plain = table.select(list(columns)).to_pandas(ignore_metadata=True)
    return gpd.GeoDataFrame(plain, geometry=shapes, crs=about.get("crs", "OGC:CRS84"))


def _meets(boxes: Any, bounds: tuple[float, ...]) -> Any:
    west, south, east, north = bounds
    x = (boxes[:, 0] <= east) & (boxes[:, 2] >= west)
    return x & (boxes[:, 1] <= north) & (boxes[:, 3] >= south)


def footer(path: Path) -> tuple[Any, list[str], dict[str, Any]]:
    """Metadata of a Parquet file, its columns, and its GeoParquet description (empty: none).

    Read once a process and file: that of a national map takes longer than a commune's rows.
    """
    stat = path.stat()
    return _footer(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=16)
def _footer(path: Path, stamp: int, size: int) -> tuple[Any, list[str], dict[str, Any]]:
    import pyarrow.parquet as pq

    metadata = pq.read_metadata(path)
    geo = json.loads((metadata.metadata or {}).get(b"geo", b"{}"))
    return metadata, list(metadata.schema.to_arrow_schema().names), geo


@lru_cache(maxsize=16)
def _boxes(path: Path, stamp: int, size: int) -> Any:
    """Box of each row group, array (groups, 4); boundless where the file does not tell it."""
    metadata, _, geo = _footer(path, stamp, size)
    covering = geo["columns"][geo["primary_column"]]["covering"]["bbox"]
    wanted = {".".join(covering[side]): k for k, side in enumerate(_SIDES)}
    boxes = np.tile([-np.inf, -np.inf, np.inf, np.inf], (metadata.num_row_groups, 1))
    for group in range(metadata.num_row_groups):
        told = metadata.row_group(group)
        for position in range(told.num_columns):
            column = told.column(position)
            side = wanted.get(column.path_in_schema)
            if side is not None and column.statistics is not None:
                statistics = column.statistics
                boxes[group, side] = statistics.min if side < 2 else statistics.max
    return boxes
