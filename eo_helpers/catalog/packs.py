"""Packs: what a territory needs in one file, for a room without network.

An ``.eopack`` is a zip::

    catalog.json                   STAC catalog, one child a data set
    <dataset>/collection.json      STAC collection: licence, provider, extent
    <dataset>/items/<id>.json      STAC items with checksum, date of reading, edition
    data/<dataset>/…               the files, as the source had them
    territory.json                 only where they are of a demonstration territory

A pack is data only: nothing in it is run. Every file is checked against its checksum when
the pack is opened, and files that no item names are refused. The same source and communes
give the same bytes.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from ..errors import EoError, InvalidInput, NoData, OutOfCoverage
from . import archive, stac
from .cache import cache_dir
from .download import sha256_of

if TYPE_CHECKING:
    from ..territory.commune import Commune
    from .sources import Source

__all__ = ["SUFFIX", "Opened", "Packed", "last_opened", "open_pack", "write_pack"]

SUFFIX = ".eopack"
VERSION = 1
#: What lies beside a file of the same stem and belongs to it.
_BESIDE = (".dbf", ".shx", ".prj", ".cpg", ".qml", ".qix", ".tfw", ".tif.aux.xml", ".shp.xml")
#: Endings of files that may be in a pack: data that a reader parses, nothing that runs.
_ALLOWED = {
    ".shp", ".gpkg", ".geojson", ".json", ".fgb", ".parquet", ".geoparquet", ".tif", ".tiff",
    ".h5", ".hdf5", ".he5", ".hdf", ".csv", ".txt", ".zip", ".nc",
    ".dbf", ".shx", ".prj", ".cpg", ".qml", ".qix", ".tfw", ".xml",
}  # fmt: skip
#: How a pickle begins (protocols 2 to 5), whatever its name says.
_PICKLE = tuple(b"\x80" + bytes([n]) for n in (2, 3, 4, 5))
#: Already compressed: to deflate them again only takes time.
_STORED = {".zip", ".tif", ".tiff", ".h5", ".hdf5", ".he5", ".parquet", ".geoparquet"}
#: Multihash of SHA-256, as STAC's file extension wants checksums.
_MULTIHASH = "1220"
_FILE = "https://stac-extensions.github.io/file/v2.1.0/schema.json"
_EPOCH = dt.datetime(1980, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Packed:
    """What was written: data sets with their number of files, and those left out, each why."""

    path: Path
    size: int
    datasets: dict[str, int]
    left_out: dict[str, EoError]


@dataclass(frozen=True)
class Opened:
    """A pack as a folder of the ``files`` source."""

    folder: Path
    title: str
    datasets: tuple[str, ...]


# --- Writing ----------------------------------------------------------------------------------


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
            with zipfile.ZipFile(made, "w", allowZip64=True) as out:
                _write(out, communes, chosen, fictional, progress)
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
    total = max(sum(len(items) for items in chosen.values()), 1)
    taken: dict[str, str] = {}  # a file that holds two data sets is written once
    done = 0
    for dataset, items in chosen.items():
        collection = stac.collection(dataset)
        for k, item in enumerate(items):
            if progress:
                progress("Paquet", done / total)
            done += 1
            collection.add_item(_packed_item(out, dataset, k, item, taken))
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


def _packed_item(
    out: zipfile.ZipFile, dataset: str, number: int, item: Any, taken: dict[str, str]
) -> Any:
    import pystac

    path = Path(item.assets["data"].href)
    read_at = item.properties["eo_helpers:read_at"]
    copy = pystac.Item(
        # Not the source's identifier: it is made of a path of that machine.
        id=f"{number:04d}-{path.stem}",
        geometry=item.geometry,
        bbox=item.bbox,
        datetime=item.datetime,
        properties={k: v for k, v in item.properties.items() if k != "title"},
        stac_extensions=[_FILE],
    )
    copy.properties["title"] = path.name
    for role, file in _with_siblings(path):
        name = taken.get(str(file))
        if name is None:
            # Its folder's number keeps two files of one name apart.
            name = f"data/{dataset}/{number:04d}/{file.name}"
            _copied(out, file, name, read_at)
            taken[str(file)] = name
        asset = pystac.Asset(href=f"../../{name}", roles=["data" if role == "data" else "metadata"])
        asset.extra_fields["file:checksum"] = _MULTIHASH + sha256_of(file)
        asset.extra_fields["file:size"] = file.stat().st_size
        copy.add_asset(role, asset)
    return copy


def _with_siblings(path: Path) -> Iterator[tuple[str, Path]]:
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


# --- Opening ----------------------------------------------------------------------------------


def open_pack(path: Path) -> Opened:
    """Check a pack and unpack it into the cache, once.

    Returns
    -------
    Opened
        Its folder is a folder for the ``files`` source.

    Raises
    ------
    InvalidInput
        If it is not a pack, was changed or cut, or holds anything but data.
    """
    from filelock import FileLock

    names = archive.members(path)
    place = cache_dir() / "packs"
    goal = place / sha256_of(path)[:32]
    try:
        place.mkdir(parents=True, exist_ok=True)
        with FileLock(place / f"{goal.name}.lock"):
            if not goal.is_dir():
                with tempfile.TemporaryDirectory(dir=place, prefix=".opening-") as part:
                    _unpack(path, names, Path(part) / "pack")
                    (Path(part) / "pack").replace(goal)
        opened = _opened(path, goal)
        part_file = place / f".last-{os.getpid()}"
        part_file.write_text(json.dumps({"folder": goal.name}), encoding="utf-8")
        part_file.replace(place / "last.json")
    except OSError as error:
        raise InvalidInput(
            f"« {path.name} » ne peut pas être ouvert dans {place} ({error.strerror}) : libérez de "
            "la place, ou donnez un autre dossier avec EO_HELPERS_CACHE.",
            f"'{path.name}' cannot be opened in {place} ({error.strerror}): make room, or give "
            "another folder with EO_HELPERS_CACHE.",
        ) from error
    return opened


def last_opened() -> Opened | None:
    """The pack that was opened last on this machine, if it is still there."""
    place = cache_dir() / "packs"
    try:
        name = json.loads((place / "last.json").read_text(encoding="utf-8"))["folder"]
        folder = place / str(name)
        return _opened(folder, folder) if PurePosixPath(str(name)).name == name else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _opened(path: Path, folder: Path) -> Opened:
    about = json.loads((folder / "catalog.json").read_text(encoding="utf-8"))
    datasets = sorted(f.parent.name for f in folder.glob("*/collection.json"))
    return Opened(folder / "data", str(about.get("title") or path.stem), tuple(datasets))


def _unpack(path: Path, names: list[str], folder: Path) -> None:
    odd = [n for n in names if PurePosixPath(n).suffix.lower() not in _ALLOWED]
    if odd:
        raise _refused(path, f"« {odd[0]} » n'est pas une donnée", f"'{odd[0]}' is no data")
    with zipfile.ZipFile(path) as pack:
        promised = _promised(path, pack, names)
        for name in names:
            entry = pack.getinfo(name)
            goal = folder / PurePosixPath(name)
            goal.parent.mkdir(parents=True, exist_ok=True)
            expected = promised.get(name)
            if expected is None and not name.endswith(".json"):
                raise _refused(path, f"« {name} » n'est pas au catalogue du paquet",
                               f"'{name}' is not in the pack's catalog")  # fmt: skip
            if expected is not None and entry.file_size != expected[1]:
                raise _changed(path, name)
            _extract(path, pack, name, goal, expected)
            if expected is not None:
                # The instant of reading, which every figure made of the file carries.
                os.utime(goal, (expected[2], expected[2]))
    missing = set(promised) - set(names)
    if missing:
        raise _changed(path, min(missing))


def _promised(
    path: Path, pack: zipfile.ZipFile, names: list[str]
) -> dict[str, tuple[str, int, float]]:
    """Checksum, size and instant of reading of each data file, from the items."""
    out: dict[str, tuple[str, int, float]] = {}
    try:
        about = json.loads(pack.read("catalog.json"))
        if about["eo_helpers:pack"] != VERSION:
            raise _refused(path, "il vient d'une autre version d'eo-helpers",
                           "it comes from another version of eo-helpers")  # fmt: skip
        for name in names:
            if PurePosixPath(name).parent.name != "items":
                continue
            item = json.loads(pack.read(name))
            read = dt.datetime.fromisoformat(item["properties"]["eo_helpers:read_at"]).timestamp()
            for asset in item["assets"].values():
                place = os.path.normpath(f"{PurePosixPath(name).parent}/{asset['href']}")
                digest = str(asset["file:checksum"]).removeprefix(_MULTIHASH)
                out[PurePosixPath(place).as_posix()] = digest, int(asset["file:size"]), read
    except (KeyError, TypeError, ValueError, AttributeError, zipfile.BadZipFile) as error:
        raise _refused(path, "son catalogue manque ou est illisible",
                       "its catalog is missing or unreadable") from error  # fmt: skip
    return out


def _extract(
    path: Path,
    pack: zipfile.ZipFile,
    name: str,
    goal: Path,
    expected: tuple[str, int, float] | None,
) -> None:
    digest, first = hashlib.sha256(), True
    try:
        with pack.open(name) as source, goal.open("xb") as out:
            while block := source.read(1 << 20):
                if first and block.startswith(_PICKLE):
                    raise _refused(path, f"« {name} » est un programme déguisé (pickle)",
                                   f"'{name}' is a program in disguise (pickle)")  # fmt: skip
                first = False
                digest.update(block)
                out.write(block)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise _changed(path, name) from error
    if expected is not None and digest.hexdigest() != expected[0]:
        raise _changed(path, name)


def _refused(path: Path, why: str, why_en: str) -> InvalidInput:
    return InvalidInput(
        f"« {path.name} » n'est pas un paquet sûr : {why} ; il n'a pas été ouvert.",
        f"'{path.name}' is no safe pack: {why_en}; it was not opened.",
    )


def _changed(path: Path, name: str) -> InvalidInput:
    return InvalidInput(
        f"« {path.name} » a été abîmé ou modifié ({name} n'a pas l'empreinte écrite au "
        "catalogue) : copiez-le à nouveau.",
        f"'{path.name}' was damaged or changed ({name} has not the checksum of its catalog): copy "
        "it again.",
    )
