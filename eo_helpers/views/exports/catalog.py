"""A STAC catalog of the files of an archive: what each is, where it lies, its checksum."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...catalog import stac
from ...findings import Finding
from ..words import word

__all__ = ["Described", "write_catalog"]

_MEDIA = {
    ".tif": "image/tiff; application=geotiff; profile=cloud-optimized",
    ".parquet": "application/vnd.apache.parquet",
}


@dataclass(frozen=True)
class Described:
    """A file of a layer: ``name``, ``title``, ``bounds`` (degrees) and the Finding it is of."""

    name: str
    title: str
    bounds: tuple[float, float, float, float]
    finding: Finding


def write_catalog(files: Sequence[Described], folder: Path, lang: str) -> list[str]:
    """Write ``catalog.json`` and ``items/<name>.json`` for the files of a folder.

    Returns
    -------
    list of str
        Names of what was written, from the folder.
    """
    import pystac

    commune = files[0].finding.commune
    catalog = pystac.Catalog(
        id=f"eo-helpers-{commune.insee}",
        title=f"{commune.name} ({commune.insee})",
        description=word("export_catalog", lang),
    )
    items = {file.name: _item(file, folder, lang) for file in files}
    catalog.add_items(items.values())
    # Links are written by hand: everything is relative, whatever the folder becomes.
    about = catalog.to_dict(include_self_link=False)
    about["links"] = [{"rel": "root", "href": "./catalog.json", "type": "application/json"}]
    told = {}
    for name, item in items.items():
        made = item.to_dict(include_self_link=False)
        up = {"href": "../catalog.json", "type": "application/json"}
        made["links"] = [{"rel": rel, **up} for rel in ("root", "parent")]
        path = f"items/{name}.json"
        told[path] = made
        about["links"].append({"rel": "item", "href": f"./{path}", "type": "application/geo+json"})
    told["catalog.json"] = about
    (folder / "items").mkdir()
    for path, value in told.items():
        text = json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True)
        (folder / path).write_text(text, encoding="utf-8")
    return sorted(told)


def _item(file: Described, folder: Path, lang: str) -> Any:
    import pystac
    import shapely

    path, finding = folder / file.name, file.finding
    begin, end = _time(finding)
    sources = [p.to_dict() for p in finding.provenance]
    item = pystac.Item(
        id=path.stem,
        geometry=shapely.geometry.mapping(shapely.box(*file.bounds)),
        bbox=list(file.bounds),
        datetime=None,
        start_datetime=begin,
        end_datetime=end,
        properties={
            "title": file.title,
            "eo_helpers:theme": finding.theme,
            "eo_helpers:demonstration": finding.demonstration,
            "eo_helpers:provenance": sources,
            "license": "other",
        },
        stac_extensions=[stac.FILE_EXTENSION],
    )
    item.add_asset("data", stac.asset(path, f"../{path.name}", "data", _MEDIA[path.suffix]))
    style = path.with_suffix(".qml")
    if style.exists():
        item.add_asset("style", stac.asset(style, f"../{style.name}", "metadata", "text/xml"))
    return item


def _time(finding: Finding) -> tuple[dt.datetime, dt.datetime]:
    """First and last day that the figures speak of; else when the data were read."""
    told: list[str] = []
    for indicator in finding.indicators:
        told += str(indicator.to_dict()["date"] or "").split("/")
    days = [day for text in told for day in _day(text)]
    days = days or [day for p in finding.provenance for day in _day(p.read_at)]
    days = days or [dt.datetime(1970, 1, 1, tzinfo=dt.UTC)]
    return min(days), max(days)


def _day(text: str) -> list[dt.datetime]:
    for form in ("%Y-%m-%d", "%Y-%m", "%Y"):
        try:
            return [dt.datetime.strptime(text[:10].strip(), form).replace(tzinfo=dt.UTC)]
        except ValueError:
            continue
    return []
