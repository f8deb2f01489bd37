"""What every national run writes: GeoParquet by département, STAC, dictionary, checksums."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import __version__, catalog
from ..catalog.tables import COLLECTION, ROLE, collection_of
from ..errors import InvalidInput
from .work import whole

__all__ = ["COMMON", "GROUP_ROWS", "Told", "check_output", "publish"]

#: Communes of one row group: what a reader of one commune or of a small box takes at once.
GROUP_ROWS = 100
#: Columns that every national table has.
COMMON = {
    "insee": "INSEE code",
    "name": "name of the commune",
    "departement": "département code",
    "population": "inhabitants",
    "demonstration": "true for fictional data",
    "geometry": "boundary, EPSG:4326",
}
_MEDIA = "application/vnd.apache.parquet"


@dataclass(frozen=True)
class Told:
    """What the STAC says of a result besides its rows.

    ``dataset``: of the catalog; ``reads``: data set it was made of; ``title``; ``columns``: name
    → meaning with unit; ``start``, ``end``: what was measured (None: not told); ``parameters``;
    ``more``: fields of our own, ``eo_helpers:`` before each.
    """

    dataset: str
    reads: str
    title: str
    columns: dict[str, str]
    start: dt.datetime | None
    end: dt.datetime | None
    parameters: dict[str, Any]
    demonstration: bool
    more: dict[str, Any] = field(default_factory=dict)


def check_output(output: Path) -> None:
    """Refuse an output that would overwrite what is not ours, before any work is done."""
    if output.is_dir() and any(output.iterdir()) and collection_of(output) is None:
        raise InvalidInput(
            f"Le dossier « {output} » contient autre chose qu'une table nationale : donnez un "
            "dossier vide ou nouveau.",
            f"Folder '{output}' holds something else than a national table: give an empty or "
            "new one.",
        )


def publish(output: Path, table: Any, told: Told) -> None:
    """Write a table; the same rows give the same bytes, and a stopped run leaves the old result.

    Parameters
    ----------
    output : Path
        ``.parquet``: one file, with its STAC item beside it (``.json``). Else a folder:
        ``data/<département>.parquet``, ``items/<département>.json``, ``collection.json``,
        ``dictionary.csv`` (column, type, meaning), ``checksums.sha256`` (``sha256sum -c``).
    table : geopandas.GeoDataFrame
        EPSG:4326, the columns of ``told.columns``.
    """
    table = table.sort_values("insee").assign(demonstration=told.demonstration)
    table = table[list(told.columns)].reset_index(drop=True)
    if output.suffix.lower() in (".parquet", ".geoparquet"):
        item = _item(output.stem, f"./{output.name}", table, told)
        whole(output.with_suffix(".json"), lambda part: _json(part, item.to_dict()))
        whole(output, lambda part: _parquet(part, table))
        return
    part = output.with_name(f".{output.name}.{os.getpid()}")
    shutil.rmtree(part, ignore_errors=True)
    for room in ("data", "items"):
        (part / room).mkdir(parents=True)
    _folder(part, output.name, table, told)
    if output.exists():
        old = output.with_name(f".{output.name}.old.{os.getpid()}")
        output.replace(old)
        part.replace(output)
        shutil.rmtree(old)
    else:
        part.replace(output)


def _folder(folder: Path, name: str, table: Any, told: Told) -> None:
    import pystac

    parts, files = [], []
    links: list[Any] = []
    for departement, some in table.groupby("departement", sort=True):
        href = f"data/{departement}.parquet"
        _parquet(folder / href, some.reset_index(drop=True))
        item = _item(f"{name}-{departement}", f"../{href}", some, told)
        item.collection_id = name
        item.add_link(pystac.Link("collection", "../collection.json", "application/json"))
        item.add_link(pystac.Link("parent", "../collection.json", "application/json"))
        item.assets["data"].extra_fields["file:size"] = (folder / href).stat().st_size
        _json(folder / "items" / f"{departement}.json", item.to_dict())
        links.append(
            pystac.Link("item", f"./items/{departement}.json", "application/geo+json").to_dict()
        )
        files += [href, f"items/{departement}.json"]
        parts.append(
            {"departement": departement, "href": href, "rows": len(some), "bbox": item.bbox,
             "sha256": _sha256(folder / href)}
        )  # fmt: skip
    _dictionary(folder / "dictionary.csv", table, told)
    about = catalog.stac.about(told.dataset)
    collection = pystac.Collection(
        id=name,
        title=told.title,
        description=about["eo_helpers:description"]["fr"],
        license=about["license"],
        extent=pystac.Extent(
            pystac.SpatialExtent([_box(table)]), pystac.TemporalExtent([[told.start, told.end]])
        ),
        providers=[pystac.Provider("eo-helpers", roles=[pystac.ProviderRole.PROCESSOR])],
        extra_fields={
            ROLE: told.dataset,
            "eo_helpers:version": __version__,
            "eo_helpers:rows": len(table),
            "eo_helpers:parts": parts,
            **_properties(told),
        },
    )
    collection.add_asset(
        "dictionary", pystac.Asset("./dictionary.csv", media_type="text/csv", roles=["metadata"])
    )
    collection.add_asset(
        "checksums", pystac.Asset("./checksums.sha256", media_type="text/plain", roles=["metadata"])
    )
    plain = collection.to_dict(include_self_link=False)
    plain["links"] = [link for link in plain["links"] if link["rel"] != "root"] + links
    _json(folder / COLLECTION, plain)
    lines = [f"{_sha256(folder / f)}  {f}\n" for f in (*files, "dictionary.csv", COLLECTION)]
    (folder / "checksums.sha256").write_text("".join(lines), encoding="utf-8")


def _parquet(path: Path, table: Any) -> None:
    table.to_parquet(
        path, index=False, write_covering_bbox=True, compression="zstd", row_group_size=GROUP_ROWS
    )


def _json(path: Path, what: Any) -> None:
    path.write_text(json.dumps(what, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _dictionary(path: Path, table: Any, told: Told) -> None:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["column", "type", "meaning"])
    writer.writerows((c, str(table[c].dtype), text) for c, text in told.columns.items())
    path.write_text(out.getvalue(), encoding="utf-8")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _box(table: Any) -> list[float]:
    return [round(float(v), 6) for v in table.total_bounds]


def _properties(told: Told) -> dict[str, Any]:
    about = catalog.stac.about(told.reads)
    return {
        "eo_helpers:attribution": about["eo_helpers:attribution"],
        "eo_helpers:source_licence": about["eo_helpers:licence"],
        "eo_helpers:dataset": told.reads,
        "eo_helpers:demonstration": told.demonstration,
        "eo_helpers:parameters": told.parameters,
        "eo_helpers:columns": told.columns,
        **{f"eo_helpers:{key}": value for key, value in told.more.items()},
    }


def _item(name: str, href: str, table: Any, told: Told) -> Any:
    import pystac
    import shapely

    box = _box(table)
    # STAC wants an instant or an interval: without either, the run's own edition stands.
    start = told.start or dt.datetime(1900, 1, 1, tzinfo=dt.UTC)
    item = pystac.Item(
        id=name,
        geometry=json.loads(shapely.to_geojson(shapely.box(*box))),
        bbox=box,
        datetime=None,
        start_datetime=start,
        end_datetime=told.end or start,
        properties={
            "title": told.title,
            "license": catalog.stac.about(told.dataset)["license"],
            **_properties(told),
        },
    )
    item.add_asset("data", pystac.Asset(href=href, media_type=_MEDIA, roles=["data"]))
    return item
