"""The three places that data sets are read from, behind one face.

``demo`` is the embedded territory, ``files`` a folder that the user has, ``online``
the providers' own services. The first two are folders: what they hold is found by
looking inside the files, once, and remembered until a file changes.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from ..errors import EoError, InvalidInput
from . import columns, signatures, stac, tables
from .cache import read_json, write_json
from .provenance import Provenance

__all__ = ["FolderSource", "Holding", "Source", "item_of", "open_source"]

Progress = Callable[[str, float], None]

#: Notes made by another version of :mod:`signatures` are not used.
_SCAN_VERSION = hashlib.sha256(
    Path(signatures.__file__).read_bytes()
    + Path(columns.__file__).read_bytes()
    + Path(signatures.__file__).with_name("hdf.py").read_bytes()
    + Path(signatures.__file__).with_name("ems_archive.py").read_bytes()
).hexdigest()[:16]

#: Folders that hold no data: hidden ones, and the truth beside the demonstration.
_SKIPPED = {"truth", "__MACOSX", "__pycache__", "node_modules"}

#: A folder with more files than this is somebody's whole disk.
MAX_FILES = 200_000


class Source(Protocol):
    """A place to read data sets from."""

    @property
    def name(self) -> str: ...

    @property
    def demonstration(self) -> bool: ...

    @property
    def rejected(self) -> list[tuple[Path, EoError]]: ...

    def items(self, dataset: str) -> list[Any]: ...

    def fingerprint(self) -> str: ...


@dataclass(frozen=True)
class Holding:
    """What a source has of one data set over one commune.

    Parameters
    ----------
    dataset : str
        Identifier of the STAC collection.
    items : tuple of pystac.Item
        One a file, in order of their dates.
    source : Source
    left_out : tuple of pystac.Item
        Other maps of the same ground, not used: see ``eo_helpers:alternatives``.
    """

    dataset: str
    items: tuple[Any, ...]
    source: Source
    left_out: tuple[Any, ...] = ()

    @property
    def paths(self) -> list[Path]:
        """Files to read."""
        return [Path(item.assets["data"].href) for item in self.items]

    @property
    def demonstration(self) -> bool:
        """True if any of it is fictional."""
        return any(item.properties["eo_helpers:demonstration"] for item in self.items)

    @cached_property
    def provenance(self) -> Provenance:
        """Where it comes from, for every figure made of it."""
        about = stac.about(self.dataset)
        read = max((i.properties["eo_helpers:read_at"] for i in self.items), default="")
        fictional = self.demonstration
        told = sorted({i.properties.get("eo_helpers:edition", "") for i in self.items} - {""})
        edition = ", ".join(told) or about["eo_helpers:edition"]
        attribution = about["eo_helpers:attribution"]
        # Of « Contient des données X modifiées » the provider's format is X's.
        made_like = attribution.lstrip("© ").removeprefix("Contient des données ")
        made_like = made_like.removesuffix(" modifiées")
        return Provenance(
            dataset=self.dataset,
            title=dict(about["eo_helpers:title"]),
            edition=f"{edition} (démonstration)" if fictional else edition,
            licence=about["eo_helpers:licence"],
            attribution=f"Données de démonstration, au format de\u00a0: {made_like}"
            if fictional
            else attribution,
            source=self.source.name,
            read_at=read,
            demonstration=fictional,
        )


@dataclass
class FolderSource:
    """Data sets in one or more folders (or files).

    Parameters
    ----------
    name : str
        ``"files"`` or ``"demo"``.
    folders : sequence of Path
    progress : callable (step, fraction), optional
        Told while files are looked into for the first time.
    editions : mapping of Path to str, optional
        Edition of a file, where its provider said it.
    """

    name: str
    folders: Sequence[Path]
    progress: Progress | None = field(default=None, repr=False)
    editions: Mapping[Path, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        for folder in self.folders:
            if not Path(folder).exists():
                raise InvalidInput(
                    f"Le dossier {folder} n'existe pas : donnez un dossier de données avec --data.",
                    f"Folder {folder} does not exist: give a data folder with --data.",
                )

    @cached_property
    def demonstration(self) -> bool:
        """True if every file is of a demonstration territory."""
        found = [fictional for *_, fictional in self._files]
        return self.name == "demo" or (bool(found) and all(found))

    @cached_property
    def rejected(self) -> list[tuple[Path, EoError]]:
        """Files of a known format that could not be read, each with its sentence."""
        return [
            (path, InvalidInput(*seen["error"]))
            for path, seen, _ in self._looked
            if "error" in seen
        ]

    def items(self, dataset: str) -> list[Any]:
        """STAC items of a data set, one a file, in order of date then path."""
        stac.about(dataset)
        return self._items.get(dataset, [])

    def fingerprint(self) -> str:
        """Changes when a file is added, removed or changed."""
        seen = [(str(p), stamp, size) for p, stamp, size, _ in self._files]
        return hashlib.sha256(json.dumps([self.name, seen]).encode()).hexdigest()

    @cached_property
    def _files(self) -> list[tuple[Path, int, int, bool]]:
        """Every file that may hold a data set: path, time of change, size, fictional."""
        out: list[tuple[Path, int, int, bool]] = []
        for folder in self.folders:
            for path, fictional in _walk(Path(folder).resolve()):
                try:
                    stat = path.stat()
                except OSError:  # a broken link, or gone since
                    continue
                out.append((path, stat.st_mtime_ns, stat.st_size, fictional))
                if len(out) > MAX_FILES:
                    raise InvalidInput(
                        f"{folder} contient plus de {MAX_FILES} fichiers : donnez un dossier "
                        "plus petit, qui ne contient que vos données.",
                        f"{folder} holds more than {MAX_FILES} files: give a smaller folder.",
                    )
        return sorted(set(out))

    @cached_property
    def _looked(self) -> list[tuple[Path, dict[str, Any], bool]]:
        """What was found in each file; looked into anew only where it changed."""
        key = json.dumps([_SCAN_VERSION, *(str(Path(f).resolve()) for f in self.folders)])
        known: dict[str, Any] = read_json("index", key) or {}
        fresh: dict[str, Any] = {}
        out = []
        new = [f for f in self._files if known.get(str(f[0]), [None])[:2] != [f[1], f[2]]]
        done = 0
        for path, stamp, size, fictional in self._files:
            entry = known.get(str(path))
            if entry is None or entry[:2] != [stamp, size]:
                entry = [stamp, size, _look(path)]
                done += 1
                if self.progress and done % 20 == 0:
                    self.progress("Lecture du dossier de données", done / len(new))
            fresh[str(path)] = entry
            out.append((path, entry[2], fictional))
        if done and self.progress:
            self.progress("Lecture du dossier de données", 1.0)
        if fresh != known:
            write_json("index", key, fresh)
        return out

    @cached_property
    def _items(self) -> dict[str, list[Any]]:
        out: dict[str, list[Any]] = {}
        times = {path: stamp for path, stamp, *_ in self._files}
        for path, seen, fictional in self._looked:
            for described in seen.get("found", []):
                item = item_of(path, described, times[path], fictional)
                item.properties["eo_helpers:edition"] = self.editions.get(path, "")
                out.setdefault(described["dataset"], []).append(item)
        for items in out.values():
            items.sort(key=lambda i: (i.properties["eo_helpers:moment"], i.id))
        return out


def _walk(top: Path) -> Iterable[tuple[Path, bool]]:
    """Files below ``top`` with a known ending, and whether they are fictional."""
    if top.is_file():
        yield top, _fictional(top.parent)
        return
    fictional = {str(top): _fictional(top)}
    for here, folders, files in os.walk(top):
        # What ends in .work is a national run in progress, which must not read itself.
        folders[:] = sorted(
            f for f in folders if f not in _SKIPPED and not f.startswith(".") and f[-5:] != ".work"
        )
        national = tables.collection_of(Path(here)) if tables.COLLECTION in files else None
        if national is not None:
            # A table by département: its description stands for all of it.
            folders[:], files = [], [tables.COLLECTION]
            fictional[here] |= bool(national["eo_helpers:demonstration"])
        mark = fictional[here] or ("territory.json" in files and _fictional(Path(here)))
        for folder in folders:
            fictional[str(Path(here) / folder)] = mark
        for name in sorted(files):
            path = Path(here) / name
            if path.suffix.lower() in signatures.SUFFIXES and not name.startswith("."):
                yield path, mark


def _fictional(folder: Path) -> bool:
    """True if the folder, or the one above it, is a demonstration territory."""
    for place in (folder, folder.parent):
        try:
            about = json.loads((place / "territory.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(about, dict) and about.get("demonstration") is True:
            return True
    return False


def _look(path: Path) -> dict[str, Any]:
    try:
        return {"found": signatures.recognise(path)}
    except EoError as error:
        return {"error": [error.fr, error.en]}
    except Exception as error:  # noqa: BLE001 - one odd file must not hide all the others
        told = signatures.describe_error(path, error)
        return {"error": [told.fr, told.en]}


def _iso(stamp: int) -> str:
    moment = dt.datetime.fromtimestamp(stamp // 1_000_000_000, tz=dt.UTC)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def item_of(path: Path, described: dict[str, Any], stamp: int, fictional: bool) -> Any:
    """STAC item of what was seen in a file; ``stamp`` is when it was read (ns)."""
    import pystac
    import shapely

    dataset = described["dataset"]
    moment = described["datetime"]
    box = described["bbox"]
    interval = stac.about(dataset)["extent"]["temporal"]["interval"][0]
    properties: dict[str, Any] = {
        "title": path.name,
        "eo_helpers:features": described["features"],
        "eo_helpers:note": described["note"],
        "eo_helpers:read_at": _iso(stamp),
        "eo_helpers:demonstration": fictional,
        "eo_helpers:moment": moment or "",
    }
    if moment is None:
        properties["start_datetime"] = interval[0]
        properties["end_datetime"] = interval[1] or _iso(stamp)
    item = pystac.Item(
        id=hashlib.sha256(str(path).encode()).hexdigest()[:16] + "-" + path.name,
        geometry=shapely.geometry.mapping(shapely.box(*box)) if box else None,
        bbox=list(box) if box else None,
        datetime=dt.datetime.fromisoformat(moment) if moment else None,
        properties=properties,
        collection=dataset,
    )
    item.add_asset("data", pystac.Asset(href=str(path), roles=["data"]))
    return item


def open_source(
    name: str, data: Sequence[Path] | None = None, progress: Progress | None = None
) -> Source:
    """Open one of the three sources.

    Parameters
    ----------
    name : {"demo", "files", "online"}
    data : sequence of Path, optional
        Folders of the user, or packs, for ``"files"``.
    progress : callable (step, fraction), optional

    Raises
    ------
    InvalidInput
        If the source is not known, a folder is missing or does not exist.
    """
    if name == "demo":
        from .. import demo

        return FolderSource("demo", [demo.ensure(progress)], progress)
    if name == "online":
        from .online_source import OnlineSource

        return OnlineSource(progress)
    if name != "files":
        raise InvalidInput(
            f"La source « {name} » n'existe pas ; sources connues : demo, files, online.",
            f"There is no source '{name}'; known sources: demo, files, online.",
        )
    if not data:
        raise InvalidInput(
            "La source « files » a besoin d'un dossier de données : ajoutez --data DOSSIER.",
            "Source 'files' needs a data folder: add --data FOLDER.",
        )
    from .packs import SUFFIX, open_pack

    # A pack is opened once, into the cache; then it is a folder like another.
    places = [Path(d) for d in data]
    folders = [open_pack(p).folder if p.suffix.lower() == SUFFIX else p for p in places]
    return FolderSource("files", folders, progress)
