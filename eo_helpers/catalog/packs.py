"""Packs: what a territory needs in one file, for a room without network.

An ``.eopack`` is a zip::

    catalog.json                   STAC catalog, one child a data set
    <dataset>/collection.json      STAC collection: licence, provider, extent
    <dataset>/items/<id>.json      STAC items with checksum, date of reading, edition
    data/<dataset>/…               the files, as the source had them or their part of the territory
    data/territory.json            only where they are of a demonstration territory

A pack is data only: nothing in it is run. Every file is checked against its checksum when
the pack is opened, and files that no item names are refused.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import lzma
import os
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..errors import InvalidInput
from . import archive
from .cache import cache_dir
from .download import sha256_of
from .stac import MULTIHASH

__all__ = ["SUFFIX", "VERSION", "Opened", "last_opened", "open_pack"]

SUFFIX = ".eopack"
VERSION = 1
#: Endings of files that may be in a pack: data that a reader parses, nothing that runs.
_ALLOWED = {
    ".shp", ".gpkg", ".geojson", ".json", ".fgb", ".parquet", ".geoparquet", ".tif", ".tiff",
    ".h5", ".hdf5", ".he5", ".hdf", ".csv", ".txt", ".zip", ".nc",
    ".dbf", ".shx", ".prj", ".cpg", ".qml", ".qix", ".tfw", ".xml",
}  # fmt: skip
#: What ``zipfile`` raises over a damaged entry (RuntimeError: it wants a password;
#: NotImplementedError, of the same family: a compression that nobody uses).
_DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError)
#: How a pickle begins (protocols 2 to 5), whatever its name says.
_PICKLE = tuple(b"\x80" + bytes([n]) for n in (2, 3, 4, 5))


@dataclass(frozen=True)
class Opened:
    """A pack as a folder of the ``files`` source."""

    folder: Path
    title: str
    datasets: tuple[str, ...]


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
    try:
        digest = sha256_of(path)[:32]
    except OSError as error:
        raise _refused(path, "il ne se lit pas", "it cannot be read") from error
    place = cache_dir() / "packs"
    goal = place / digest
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
                digest = str(asset["file:checksum"]).removeprefix(MULTIHASH)
                out[PurePosixPath(place).as_posix()] = digest, int(asset["file:size"]), read
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, *_DAMAGED) as error:
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
    except _DAMAGED as error:
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
