"""Writing a pack: what a source has of a territory, in one file (see :mod:`packs`).

The same source and communes give the same bytes.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import EoError, InvalidInput, NoData, OutOfCoverage
from . import stac
from .cutting import cut
from .packs import VERSION

if TYPE_CHECKING:
    from ..territory.commune import Commune
    from .sources import Source

__all__ = ["Packed", "write_pack"]

#: What lies beside a file of the same stem and belongs to it.
_BESIDE = (".dbf", ".shx", ".prj", ".cpg", ".qml", ".qix", ".tfw", ".tif.aux.xml", ".shp.xml")
#: Already compressed: to deflate them again only takes time.
_STORED = {".zip", ".tif", ".tiff", ".h5", ".hdf5", ".he5", ".parquet", ".geoparquet"}
_EPOCH = dt.datetime(1980, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Packed:
    """What was written: data sets with their number of files, and those left out, each why."""

    path: Path
    size: int
    datasets: dict[str, int]
    left_out: dict[str, EoError]


def write_pack(
    communes: Sequence[Commune], source: Source, output: Path, progress: Any = None
) -> Packed:
    """Gather what a source has of some communes into one file.

    Parameters
    ----------
    communes : sequence of Commune
    source : Source
    output : Path
        Written beside, then renamed.
    progress : callable (step, fraction), optional

    Raises
    ------
    NoData
        If the source has nothing of these communes.
    InvalidInput
        If ``output`` cannot be written.
    """
    chosen, left_out = _chosen(communes, source)
    if not set(chosen) - {"communes"}:
        names = ", ".join(c.name for c in communes[:3])
        raise NoData(
            f"La source n'a aucun jeu de données sur {names} : rien à mettre dans le paquet.",
            f"The source has no data set over {names}: nothing to put in the pack.",
        )
    fictional = any(
        i.properties["eo_helpers:demonstration"] for items in chosen.values() for i in items
    )
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            dir=output.parent, prefix=f".{output.stem}.", suffix=".part", delete=False
        ) as part:
            made = Path(part.name)
        try:
            with (
                tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.stem}.") as cuts,
                zipfile.ZipFile(made, "w", allowZip64=True) as out,
            ):
                _write(out, communes, chosen, fictional, progress, Path(cuts))
            with made.open("rb+") as file:
                os.fsync(file.fileno())
            made.chmod(0o644)
            made.replace(output)
        finally:
            made.unlink(missing_ok=True)
    except OSError as error:
        raise InvalidInput(
            f"{output} ne peut pas être écrit ({error.strerror}) : choisissez un autre endroit.",
            f"{output} cannot be written ({error.strerror}): choose another place.",
        ) from error
    counts = {name: len(items) for name, items in chosen.items()}
    return Packed(output, output.stat().st_size, counts, left_out)


def _chosen(
    communes: Sequence[Commune], source: Source
) -> tuple[dict[str, list[Any]], dict[str, EoError]]:
    """Items of each data set that meet one of the communes; what is not there, and why."""
    from .holdings import find

    chosen: dict[str, list[Any]] = {}
    left_out: dict[str, EoError] = {}
    for dataset in stac.datasets():
        found: dict[str, Any] = {}
        for commune in communes:
            try:
                holding = find(dataset, commune, source)
            except EoError as error:
                # One commune that is covered makes the data set part of the pack.
                if isinstance(left_out.get(dataset), OutOfCoverage | None):
                    left_out[dataset] = error
                continue
            found |= {i.assets["data"].href: i for i in (*holding.items, *holding.left_out)}
        if found:
            chosen[dataset] = [found[href] for href in sorted(found)]
            left_out.pop(dataset, None)
    return chosen, left_out


def _write(
    out: zipfile.ZipFile,
    communes: Sequence[Commune],
    chosen: dict[str, list[Any]],
    fictional: bool,
    progress: Any,
    place: Path,
) -> None:
    import pystac

    catalog = pystac.Catalog(
        id="eopack-" + "-".join(c.insee for c in communes[:5]),
        title=", ".join(c.name for c in communes[:5]) + (" …" if len(communes) > 5 else ""),
        description="Données d'un territoire, à ouvrir avec « eo-helpers data open ».",
        extra_fields={
            "eo_helpers:pack": VERSION,
            "eo_helpers:communes": [c.to_dict() for c in communes],
            "eo_helpers:demonstration": fictional,
        },
    )
    contents: dict[Path, set[str]] = {}
    for dataset, items in chosen.items():
        for item in items:
            contents.setdefault(Path(item.assets["data"].href), set()).add(dataset)
    parts = _Parts(communes, contents, place)
    total = max(sum(len(items) for items in chosen.values()), 1)
    taken: dict[str, str] = {}  # a file that holds two data sets is written once
    done = 0
    for dataset, items in chosen.items():
        collection = stac.collection(dataset)
        for k, item in enumerate(items):
            if progress:
                progress("Paquet", done / total)
            done += 1
            collection.add_item(_packed_item(out, dataset, k, item, taken, parts))
        catalog.add_child(collection)
    catalog.normalize_hrefs("/", strategy=pystac.layout.TemplateLayoutStrategy(
        item_template="items", collection_template="${id}"
    ))  # fmt: skip
    catalog.catalog_type = pystac.CatalogType.SELF_CONTAINED
    for path, value in _documents(catalog):
        text = json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True)
        _entry(out, path, text.encode("utf-8"))
    if fictional:
        about = {"demonstration": True, "title": catalog.title}
        _entry(out, "data/territory.json", json.dumps(about, ensure_ascii=False).encode("utf-8"))
    if progress:
        progress("Paquet", 1.0)


def _documents(catalog: Any) -> Iterator[tuple[str, Any]]:
    yield "catalog.json", catalog.to_dict()
    for collection in catalog.get_children():
        yield f"{collection.id}/collection.json", collection.to_dict()
        for item in collection.get_items():
            yield f"{collection.id}/items/{item.id}.json", item.to_dict()


class _Parts:
    """What is packed of each file: a part of the territory, or the file itself."""

    def __init__(
        self, communes: Sequence[Commune], contents: dict[Path, set[str]], place: Path
    ) -> None:
        self.communes, self.contents, self.place = communes, contents, place
        self._made: dict[Path, Path | None] = {}

    def of(self, path: Path) -> Path | None:
        """The part that was cut out of a file, None where it goes whole."""
        if path not in self._made:
            folder = self.place / str(len(self._made))
            folder.mkdir()
            self._made[path] = cut(path, self.contents[path], self.communes, folder)
        return self._made[path]


def _packed_item(
    out: zipfile.ZipFile,
    dataset: str,
    number: int,
    item: Any,
    taken: dict[str, str],
    parts: _Parts,
) -> Any:
    import pystac

    path = Path(item.assets["data"].href)
    part = parts.of(path)
    described = None if part is None else _described(part, dataset)
    read_at = item.properties["eo_helpers:read_at"]
    copy = pystac.Item(
        # Not the source's identifier: it is made of a path of that machine.
        id=f"{number:04d}-{path.stem}",
        geometry=item.geometry if described is None else described.geometry,
        bbox=item.bbox if described is None else described.bbox,
        datetime=item.datetime,
        properties={k: v for k, v in item.properties.items() if k != "title"},
        stac_extensions=[stac.FILE_EXTENSION],
    )
    copy.properties["title"] = path.name
    if described is not None:
        copy.properties["eo_helpers:cut"] = True
        copy.properties["eo_helpers:features"] = described.properties["eo_helpers:features"]
    for role, file in _with_siblings(path, part):
        name = taken.get(str(file))
        if name is None:
            # Its folder's number keeps two files of one name apart.
            name = f"data/{dataset}/{number:04d}/{file.name}"
            _copied(out, file, name, read_at)
            taken[str(file)] = name
        kind = "data" if role == "data" else "metadata"
        copy.add_asset(role, stac.asset(file, f"../../{name}", kind))
    return copy


def _described(part: Path, dataset: str) -> Any:
    """The item of a part: its own box and number of features."""
    from .signatures import recognise
    from .sources import item_of

    found = next(d for d in recognise(part) if d["dataset"] == dataset)
    return item_of(part, found, 0, False)


def _with_siblings(path: Path, part: Path | None) -> Iterator[tuple[str, Path]]:
    """A file, or the part cut out of it, with what belongs to it."""
    if part is not None:
        yield from _with_siblings(part, None)
        style = path.with_suffix(".qml")
        if style.is_file():
            yield "qml", style
        return
    yield "data", path
    for suffix in _BESIDE:
        for ending in dict.fromkeys((suffix, suffix.upper())):
            beside = path.with_name(path.stem + ending)
            if beside != path and beside.is_file() and beside.stem != path.name:
                yield suffix.lstrip("."), beside
                break


def _stamp(read_at: str) -> tuple[int, int, int, int, int, int]:
    moment = max(dt.datetime.fromisoformat(read_at), _EPOCH)
    return (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second)


def _copied(out: zipfile.ZipFile, file: Path, name: str, read_at: str) -> None:
    entry = zipfile.ZipInfo(name, _stamp(read_at))
    entry.external_attr = 0o644 << 16
    stored = file.suffix.lower() in _STORED
    entry.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    entry.file_size = file.stat().st_size
    with file.open("rb") as source, out.open(entry, "w") as target:
        shutil.copyfileobj(source, target, 1 << 20)


def _entry(out: zipfile.ZipFile, name: str, raw: bytes) -> None:
    entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    entry.external_attr = 0o644 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    out.writestr(entry, raw)
