"""One national GeoParquet from Cerema's archives, so that any commune is read at once.

Each archive becomes a part, checked as the ordinary reader checks it, in a folder beside
the result; a run that was stopped finds its parts again. At the end the parts are put
together block by block along a Hilbert curve: neighbours on the ground are neighbours in
the file, and the box of each block (GeoParquet 1.1 « covering ») lets a reader skip the
rest of the country.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from pyproj import CRS, Transformer

from ..errors import InvalidInput
from .files import write_beside
from .formats import read_cerema
from .rule import INDICATORS
from .schema import index_from_codes

__all__ = ["Built", "build", "parts_folder"]

Progress = Callable[[str, float], None]

#: Blocks of one row group of the result: what a reader takes or skips at once. Small
#: enough that a commune needs few, large enough that a million makes a short index.
GROUP_ROWS = 1_000
#: Blocks put together at a time: what bounds the memory, whatever the country's size.
_BATCH_ROWS = 60_000
#: France with its overseas, degrees: the frame of the Hilbert curve (cells of 100-200 m).
_FRAME = (-64.0, -22.0, 56.0, 52.0)
#: Changes when parts made before can no longer be used.
_PART_VERSION = "1"
#: Parts of the result's progress that reading takes.
_READING = 0.8
_SCHEMA = pa.schema(
    [
        ("identifier", pa.string()),
        *((name, pa.float64()) for name in INDICATORS),
        ("lcz", pa.string()),
        ("lcz_int", pa.int16()),
        ("area_name", pa.string()),
        ("geometry", pa.binary()),
        ("bbox", pa.struct([(side, pa.float64()) for side in ("xmin", "ymin", "xmax", "ymax")])),
    ]
)
_KEY = pa.field("hilbert", pa.uint32())


@dataclass(frozen=True)
class Built:
    """What was written: ``path``, ``blocks``, ``duplicates`` left out (blocks that two
    archives share), ``archives``, ``resumed`` (parts of an earlier run that were kept),
    ``crs``, and the readers' ``notes``.
    """

    path: Path
    blocks: int
    duplicates: int
    archives: int
    resumed: int
    crs: str
    notes: tuple[dict[str, str], ...] = ()


def parts_folder(output: Path) -> Path:
    """Where the parts wait until the result is whole (hidden: no source looks into it)."""
    return output.with_name(f".{output.name}.parts")


def build(
    archives: Sequence[Path],
    output: Path,
    *,
    progress: Progress | None = None,
    skip_bad: bool = False,
) -> Built:
    """Put Cerema's archives together in one GeoParquet.

    Parameters
    ----------
    archives : sequence of pathlib.Path
        Zipped shapefiles as Cerema delivers them (or what :func:`.formats.read_cerema`
        reads).
    output : pathlib.Path
        ``.parquet`` to write. Stopped at any moment, it is either absent (or as it was)
        or whole; called again with the same archives, work goes on where it stopped.
    progress : callable (step, fraction), optional
    skip_bad : bool
        Leave archives out that cannot be read, and tell in ``notes``, instead of refusing.

    Returns
    -------
    Built

    Raises
    ------
    InvalidInput
        If there is no archive, the output is no ``.parquet``, or an archive is not what it
        should be: one sentence that names each of them. The others are kept as parts.

    Notes
    -----
    CRS: that of the archives where they all have the same (EPSG:2154), else longitude and
    latitude (EPSG:4326), into which the overseas territories are brought.

    Source of the format: GeoParquet 1.1.0 (OGC). Source of the order: Kamel, I. &
    Faloutsos, C. (1994), Hilbert R-tree, VLDB 20, 500-509.
    """
    archives = _checked(archives, output)
    folder = parts_folder(output)
    folder.mkdir(exist_ok=True)
    for left in folder.glob(".eo-*"):  # what a killed run was writing
        shutil.rmtree(left, ignore_errors=True)
    crs, bad = _common_crs(archives)
    sizes = {path: path.stat().st_size for path in archives}
    parts, notes, resumed, done = [], [], 0, 0
    for path in archives:
        if progress:
            progress(f"Lecture de {path.name}", _READING * done / sum(sizes.values()))
        done += sizes[path]
        if path in bad:
            continue
        part = folder / f"{_key(path, crs)}.parquet"
        if part.exists():
            resumed += 1
        else:
            try:
                _write_part(path, part, crs)
            except InvalidInput as error:
                bad[path] = error
                continue
        parts.append(part)
    if bad and (not skip_bad or not parts):
        raise _refused(bad, len(parts))
    for told_bad in bad.values():
        notes.append({"fr": f"Archive écartée : {told_bad.fr}", "en": f"Left out: {told_bad.en}"})
    for part in parts:
        told = (pq.read_schema(part).metadata or {}).get(b"notes", b"[]")
        notes += json.loads(told)
    blocks, duplicates = _merge(parts, output, crs, progress)
    shutil.rmtree(folder, ignore_errors=True)
    if progress:
        progress("Carte nationale écrite", 1.0)
    return Built(output, blocks, duplicates, len(parts), resumed, crs.to_string(), tuple(notes))


def _checked(archives: Sequence[Path], output: Path) -> list[Path]:
    if output.suffix.lower() not in (".parquet", ".geoparquet") or not output.parent.is_dir():
        raise InvalidInput(
            f"« {output.name} » : écrivez un fichier .parquet, dans un dossier qui existe.",
            f"'{output.name}': write a .parquet file, in a folder that exists.",
        )
    if not archives:
        raise InvalidInput(
            "Aucune archive LCZ : donnez les fichiers .zip du Cerema.",
            "No LCZ archive: give Cerema's .zip files.",
        )
    # Twice the same file would be one part; the order on the command line means nothing.
    unique = sorted({path.resolve() for path in archives})
    for path in unique:
        if not path.is_file():
            raise InvalidInput(f"Le fichier {path} n'existe pas.", f"File {path} does not exist.")
    return unique


def _common_crs(archives: list[Path]) -> tuple[CRS, dict[Path, InvalidInput]]:
    """The one CRS of all archives, else EPSG:4326; and those that do not tell theirs."""
    found, bad = [], {}
    for path in archives:
        try:
            # A box with nothing in it: header and columns only are read.
            found.append(CRS.from_user_input(read_cerema(path, lambda crs: (0, 0, 0, 0)).crs))
        except InvalidInput as error:
            bad[path] = error
    if found and all(crs.equals(found[0], ignore_axis_order=True) for crs in found):
        return found[0], bad
    return CRS.from_epsg(4326), bad


def _key(path: Path, crs: CRS) -> str:
    """Names a part by all that it depends on."""
    stat = path.stat()
    told = [_PART_VERSION, path.name, stat.st_size, stat.st_mtime_ns, crs.to_string()]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:24]


def _refused(bad: dict[Path, InvalidInput], kept: int) -> InvalidInput:
    fr = " ; ".join(error.fr.rstrip(".") for error in bad.values())
    en = "; ".join(error.en.rstrip(".") for error in bad.values())
    return InvalidInput(
        f"{len(bad)} archive(s) à corriger ({kept} prête(s), gardée(s) pour la prochaine fois) : "
        f"{fr}. Recommencez ensuite, ou ajoutez --skip-bad pour les laisser de côté.",
        f"{len(bad)} archive(s) to mend ({kept} ready, kept for the next run): {en}. Then run "
        "again, or add --skip-bad to leave them out.",
    )


def _write_part(path: Path, part: Path, crs: CRS) -> None:
    frame = read_cerema(path)
    notes = frame.attrs["notes"]
    frame = frame.to_crs(crs)
    geometry = shapely.force_2d(frame.geometry.to_numpy())
    known = ~(shapely.is_missing(geometry) | shapely.is_empty(geometry))
    frame, geometry = frame[known], geometry[known]
    key = _hilbert(geometry, crs)
    order = np.argsort(key, kind="stable")
    frame, geometry, key = frame.iloc[order], geometry[order], key[order]
    index = index_from_codes(frame["lcz"]).astype(int)
    # Cerema's numbers: 1-9, then 11-17 for A-G (10 is a place in our own list).
    number = np.where(index >= 0, index + 1, 0)
    columns = {
        "identifier": frame["block_id"].astype(str).to_numpy(dtype=object),
        **{name: frame[name].to_numpy(dtype=float) for name in INDICATORS},
        "lcz": frame["lcz"].to_numpy(dtype=object),
        "lcz_int": number.astype(np.int16),
        "area_name": np.full(len(frame), _area_name(path), dtype=object),
        "geometry": shapely.to_wkb(geometry, flavor="iso"),
    }
    arrays = [pa.array(values, _SCHEMA.field(name).type) for name, values in columns.items()]
    table = pa.table(
        [*arrays, _boxes(geometry), pa.array(key, pa.uint32())],
        schema=_SCHEMA.append(_KEY).with_metadata(
            {"notes": json.dumps(notes, ensure_ascii=False), "rows": str(len(frame))}
        ),
    )
    write_beside(
        part, lambda to: pq.write_table(table, to, row_group_size=GROUP_ROWS, compression="zstd")
    )


def _area_name(path: Path) -> str:
    """« Pays d'Ervelle » of ``LCZ_SPOT_2022_Pays d'Ervelle.zip``."""
    stem = path.stem
    return stem.removeprefix("LCZ_SPOT_2022_").replace("_", " ")


def _boxes(geometry: np.ndarray) -> pa.StructArray:
    bounds = shapely.bounds(geometry)
    return pa.StructArray.from_arrays(
        [pa.array(side, pa.float64()) for side in bounds.T], names=["xmin", "ymin", "xmax", "ymax"]
    )


def _hilbert(geometry: np.ndarray, crs: CRS) -> np.ndarray:
    """Place of each block's box along the curve, uint32."""
    west, south, east, north = shapely.bounds(geometry).T
    middle = gpd.GeoSeries(shapely.points((west + east) / 2, (south + north) / 2), crs=crs)
    transformer = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    x, y = transformer.transform(middle.x.to_numpy(), middle.y.to_numpy())
    x, y = np.clip(x, _FRAME[0], _FRAME[2]), np.clip(y, _FRAME[1], _FRAME[3])
    spots = gpd.GeoSeries(shapely.points(x, y))
    return spots.hilbert_distance(total_bounds=_FRAME, level=16).to_numpy()


def _merge(parts: list[Path], output: Path, crs: CRS, progress: Progress | None) -> tuple[int, int]:
    """Write the parts along the curve, a stretch of it at a time; blocks, duplicates."""
    keys = np.sort(np.concatenate([_keys(part) for part in parts]))
    # A stretch ends where a key ends: blocks that two archives share stay together.
    ends = np.unique(keys[np.arange(_BATCH_ROWS, keys.size, _BATCH_ROWS)])
    edges = [0, *(int(e) for e in ends), 1 << 32]
    state = _State()

    def write(to: Path) -> None:
        schema = _SCHEMA.with_metadata({"geo": _geo(parts, crs)})
        with pq.ParquetWriter(to, schema, compression="zstd") as writer:
            for n, (low, high) in enumerate(itertools.pairwise(edges)):
                if progress:
                    share = n / (len(edges) - 1)
                    progress("Assemblage de la carte nationale", _READING + 0.2 * share)
                table = _stretch(parts, low, high, state)
                writer.write_table(table.cast(schema), row_group_size=GROUP_ROWS)

    # Among the parts: what a kill leaves there, the next run clears away.
    whole = parts_folder(output) / "whole.parquet.part"
    write_beside(whole, write)
    whole.replace(output)
    return state.blocks, state.duplicates


@dataclass
class _State:
    blocks: int = 0
    duplicates: int = 0


def _keys(part: Path) -> np.ndarray:
    return pq.read_table(part, columns=["hilbert"]).column("hilbert").to_numpy()


def _stretch(parts: list[Path], low: int, high: int, state: _State) -> pa.Table:
    """Blocks whose key is in [low, high), in order, each once."""
    limits = [("hilbert", ">=", low), ("hilbert", "<", high)]
    tables = [pq.read_table(part, filters=limits) for part in parts]
    tables = [t.replace_schema_metadata(None) for t in tables if t.num_rows]
    if not tables:
        return pa.table({name: [] for name in _SCHEMA.names}, schema=_SCHEMA)
    table = pa.concat_tables(tables)
    # Identifiers break ties, so that the order of the archives leaves no trace.
    table = table.sort_by([("hilbert", "ascending"), ("identifier", "ascending")])
    wkb = pd.Series(table.column("geometry").to_pylist())
    twice = wkb.duplicated().to_numpy()
    state.blocks += int((~twice).sum())
    state.duplicates += int(twice.sum())
    return table.filter(pa.array(~twice)).select(_SCHEMA.names)


def _geo(parts: list[Path], crs: CRS) -> str:
    """GeoParquet's own metadata: CRS, types, box of everything, where each block's box is."""
    sides = {}
    for side, least in (("xmin", True), ("ymin", True), ("xmax", False), ("ymax", False)):
        values = [_extreme(part, side, least) for part in parts]
        sides[side] = min(values) if least else max(values)
    column = {
        "encoding": "WKB",
        "geometry_types": ["Polygon", "MultiPolygon"],
        "crs": crs.to_json_dict(),
        "bbox": list(sides.values()),
        "covering": {"bbox": {side: ["bbox", side] for side in sides}},
    }
    return json.dumps(
        {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
    )


def _extreme(part: Path, side: str, least: bool) -> float:
    """Least or largest value of one side of the boxes, from the part's own statistics."""
    with pq.ParquetFile(part) as file:
        about: Any = file.metadata
        position = file.schema.names.index(side)
        groups = [about.row_group(i).column(position) for i in range(about.num_row_groups)]
    values = [g.statistics.min if least else g.statistics.max for g in groups]
    return float(min(values) if least else max(values))
