"""Copies of what providers published: content-addressed, verified, shared by processes.

::

    <cache>/store/objects/<aa>/<sha256>/<name>   the bytes, never changed
    <cache>/store/refs/<sha256 of the key>.json  what they are: data set, address, licence, when
    <cache>/store/parts/<…>/                     downloads on their way

A reference is written after its object and removed before it, each by one rename: a kill
at any moment leaves the old copy or the new one, and at worst an object that nobody
names, which :meth:`Store.check` and :meth:`Store.prune` clear away.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import InvalidInput, Unreachable
from .cache import cache_dir
from .download import sha256_of

__all__ = ["Kept", "Removed", "Store", "limit_bytes"]

#: Environment variable: gigabytes that the copies may take.
LIMIT = "EO_HELPERS_CACHE_GB"
_DEFAULT_GB = 20.0
#: Seconds that one process waits for another which fetches the same thing.
_PATIENCE = 3600.0
#: Days after which a download that nobody goes on with is cleared away.
_STALE_DAYS = 7.0


@dataclass(frozen=True)
class Kept:
    """One copy.

    Parameters
    ----------
    key : str
        What it is a copy of: data set, place, edition. Never a secret.
    dataset, name, sha256, size
        Data set of the catalog, file name, checksum and bytes.
    url : str
        Address it came from, without its query.
    edition, licence : str
    read_at : str
        ISO 8601 instant (UTC) at which the provider sent it.
    etag, modified : str
        The provider's marks, to ask whether it changed.
    box : tuple of float or None
        West, south, east, north of what was asked for, where a window was.
    """

    key: str
    dataset: str
    name: str
    sha256: str
    size: int
    url: str
    edition: str
    licence: str
    read_at: str
    etag: str = ""
    modified: str = ""
    box: tuple[float, float, float, float] | None = None

    @property
    def age_days(self) -> float:
        """Days since the provider sent it."""
        then = dt.datetime.fromisoformat(self.read_at)
        return (dt.datetime.now(tz=dt.UTC) - then).total_seconds() / 86_400


@dataclass(frozen=True)
class Removed:
    """One thing that was cleared away, and why."""

    name: str
    size: int
    fr: str
    en: str


def limit_bytes() -> int:
    """Bytes that the copies may take (``EO_HELPERS_CACHE_GB``, 20 by default).

    Raises
    ------
    InvalidInput
        If the variable is not a positive number.
    """
    text = os.environ.get(LIMIT, "").strip()
    try:
        value = float(text.replace(",", ".")) if text else _DEFAULT_GB
        if not 0 <= value < 1e6:
            raise ValueError
    except ValueError:
        raise InvalidInput(
            f"{LIMIT} vaut « {text} » : donnez un nombre de gigaoctets, par exemple 20.",
            f"{LIMIT} is '{text}': give a number of gigabytes, such as 20.",
        ) from None
    return int(value * 1e9)


def now() -> str:
    """The present instant, ISO 8601 in UTC."""
    text = dt.datetime.now(tz=dt.UTC).isoformat(timespec="seconds")
    return text.replace("+00:00", "Z")


class Store:
    """The copies of one cache folder.

    Parameters
    ----------
    folder : Path, optional
        By default ``store`` in the user's cache.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or cache_dir() / "store"
        self._swept = False  # what kills left is looked for once, not at every copy

    # Reading ------------------------------------------------------------------------------

    def path(self, kept: Kept) -> Path:
        """Where the bytes of a copy are."""
        return self.folder / "objects" / kept.sha256[:2] / kept.sha256 / kept.name

    def all(self) -> list[Kept]:
        """Every copy that is whole, by data set then name."""
        found = [k for f in self._refs() if (k := _read(f)) and self._whole(k)]
        return sorted(found, key=lambda k: (k.dataset, k.name, k.key))

    def get(self, key: str) -> Kept | None:
        """The copy of ``key``, or None. Being asked for keeps it from eviction longest."""
        ref = self._ref(key)
        kept = _read(ref)
        if kept is None or kept.key != key or not self._whole(kept):
            return None
        with suppress(OSError):  # a read-only cache serves all the same
            os.utime(ref)  # last use: what eviction goes by
        return kept

    def _whole(self, kept: Kept) -> bool:
        try:
            return self.path(kept).stat().st_size == kept.size
        except OSError:
            return False

    # Writing ------------------------------------------------------------------------------

    def bring(
        self,
        key: str,
        make: Callable[[Path], Kept | None],
        fresh_days: float | None = None,
        changed: Callable[[Kept], bool] | None = None,
    ) -> Kept:
        """The copy of ``key``, made now if there is none: by one process, the others wait.

        Parameters
        ----------
        key : str
        make : callable (folder) -> Kept
            Leaves the file ``Kept.name`` in ``folder`` (the same folder each time, so that
            a download goes on) and says what it is; ``sha256`` and ``size`` are filled in.
        fresh_days : float, optional
            Age at which it is made anew; never, by default. Where that fails because the
            provider cannot be reached, the old copy serves.
        changed : callable (Kept) -> bool, optional
            Asks the provider whether an old copy is out of date.
        """
        kept = self.get(key)
        if kept is not None and _fresh(kept, fresh_days):
            return kept
        parts = self.folder / "parts" / _digest(key)
        with self._lock(_digest(key)):
            kept = self.get(key)  # perhaps made while this process waited
            if kept is not None and _fresh(kept, fresh_days):
                return kept
            try:
                if kept is not None and changed is not None and not changed(kept):
                    return self._commit_ref(replace(kept, read_at=now()))
                parts.mkdir(parents=True, exist_ok=True)
                made = make(parts)
            except Unreachable:
                if kept is None:
                    raise
                return kept
            if made is None:
                raise InvalidInput(
                    "Le fournisseur n'a rien donné à garder.", "The provider gave nothing to keep."
                )
            return self._commit(parts / made.name, replace(made, key=key))

    def keep(self, path: Path, kept: Kept) -> Kept:
        """Take a file that is already here; it is moved into the store."""
        with self._lock(_digest(kept.key)):
            return self._commit(path, kept)

    def _commit(self, path: Path, kept: Kept) -> Kept:
        with path.open("rb+") as file:
            os.fsync(file.fileno())
        kept = replace(kept, sha256=sha256_of(path), size=path.stat().st_size)
        goal = self.path(kept)
        # The stamp is the instant of reading: figures made of the copy carry it.
        moment = dt.datetime.fromisoformat(kept.read_at).timestamp()
        with self._lock("commit"):
            before = _read(self._ref(kept.key))
            goal.parent.mkdir(parents=True, exist_ok=True)
            os.utime(path, (moment, moment))
            path.replace(goal)
            self._write_ref(kept)
        shutil.rmtree(self.folder / "parts" / _digest(kept.key), ignore_errors=True)
        self._fit(limit_bytes(), kept.key, before, sweep=not self._swept)
        self._swept = True
        return kept

    def _commit_ref(self, kept: Kept) -> Kept:
        with self._lock("commit"):
            moment = dt.datetime.fromisoformat(kept.read_at).timestamp()
            os.utime(self.path(kept), (moment, moment))
            self._write_ref(kept)
        return kept

    def _write_ref(self, kept: Kept) -> None:
        ref = self._ref(kept.key)
        ref.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=ref.parent, suffix=".part", delete=False
        ) as part:
            json.dump(asdict(kept), part, ensure_ascii=False)
            part.flush()
            os.fsync(part.fileno())
        Path(part.name).replace(ref)

    # Keeping it whole and small --------------------------------------------------------------

    def check(self) -> list[Removed]:
        """Hash every copy again; clear away what is damaged and what nobody names."""
        out: list[Removed] = []
        with self._lock("commit"):
            for ref in self._refs():
                kept = _read(ref)
                if kept is None:
                    out.append(_removed(ref, "référence illisible", "unreadable reference"))
                    ref.unlink(missing_ok=True)
                elif not self._whole(kept) or sha256_of(self.path(kept)) != kept.sha256:
                    # Its reference first: nobody may find it while it goes.
                    ref.unlink(missing_ok=True)
                    self._drop(kept)
                    out.append(
                        Removed(
                            kept.name, kept.size,
                            "abîmé : son empreinte n'est plus celle du téléchargement",
                            "damaged: its checksum is no longer that of the download",
                        )
                    )  # fmt: skip
            out += self._orphans()
        return out

    def prune(self, limit: int | None = None, spare: str | None = None) -> list[Removed]:
        """Remove the copies least recently used until the rest fits.

        Parameters
        ----------
        limit : int, optional
            Bytes; by default :func:`limit_bytes`.
        spare : str, optional
            Key of a copy that stays whatever its size: the one just asked for.
        """
        limit = limit_bytes() if limit is None else limit
        return self._fit(limit, spare, None, sweep=True)

    def _fit(
        self, limit: int, spare: str | None, replaced: Kept | None, sweep: bool
    ) -> list[Removed]:
        out: list[Removed] = []
        with self._lock("commit"):
            known = [(ref, kept) for ref in self._refs() if (kept := _read(ref))]
            rows = [(ref.stat().st_mtime, ref, kept) for ref, kept in known]
            sizes = {kept.sha256: kept.size for *_, kept in rows}
            if replaced is not None and replaced.sha256 not in sizes:
                self._drop(replaced)  # an earlier edition that nothing names any more
            total = sum(sizes.values())
            for used, ref, kept in sorted(rows, key=lambda r: (r[0], r[2].key)):
                if total <= limit:
                    break
                if kept.key == spare:
                    continue
                ref.unlink(missing_ok=True)
                # The same bytes may have another name.
                if not any(k.sha256 == kept.sha256 and r.exists() for _, r, k in rows):
                    self._drop(kept)
                    total -= kept.size
                day = dt.datetime.fromtimestamp(used, tz=dt.UTC).strftime("%Y-%m-%d")
                out.append(
                    Removed(
                        kept.name, kept.size,
                        f"le moins récemment utilisé (le {day}), au-delà de "
                        f"{limit / 1e9:.1f} Go ({LIMIT})",
                        f"least recently used ({day}), beyond {limit / 1e9:.1f} GB ({LIMIT})",
                    )
                )  # fmt: skip
            if sweep:
                out += self._orphans()
        return out

    def _orphans(self) -> list[Removed]:
        """Clear away objects without a reference and downloads left long ago."""
        out: list[Removed] = []
        named = {kept.sha256 for f in self._refs() if (kept := _read(f))}
        for folder in (self.folder / "objects").glob("*/*"):
            if folder.name not in named:
                size = sum(f.stat().st_size for f in folder.iterdir() if f.is_file())
                out.append(Removed(folder.name[:12], size, "copie sans nom", "copy without a name"))
                shutil.rmtree(folder, ignore_errors=True)
        old = time.time() - _STALE_DAYS * 86_400
        for folder in (self.folder / "parts").glob("*"):
            newest = max((f.stat().st_mtime for f in folder.glob("*")), default=0.0)
            if newest < old and folder.stat().st_mtime < old:
                out.append(_removed(folder, "téléchargement abandonné", "download left long ago"))
                shutil.rmtree(folder, ignore_errors=True)
        for part in (self.folder / "refs").glob("*.part"):
            part.unlink(missing_ok=True)  # a kill while it was written
        return out

    def _drop(self, kept: Kept) -> None:
        shutil.rmtree(self.path(kept).parent, ignore_errors=True)

    # Places -------------------------------------------------------------------------------

    def _refs(self) -> Iterator[Path]:
        return iter(sorted((self.folder / "refs").glob("*.json")))

    def _ref(self, key: str) -> Path:
        return self.folder / "refs" / f"{_digest(key)}.json"

    @contextmanager
    def _lock(self, name: str) -> Iterator[None]:
        from filelock import FileLock, Timeout

        folder = self.folder / "locks"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(folder / f"{name}.lock", timeout=_PATIENCE)
            with lock:
                yield
        except Timeout as error:
            raise Unreachable(
                "Un autre programme télécharge déjà ce jeu de données depuis plus d'une heure : "
                "arrêtez-le, puis relancez.",
                "Another program has been fetching this data set for more than an hour: stop it, "
                "then run again.",
            ) from error
        except PermissionError as error:
            raise InvalidInput(
                f"Le cache {self.folder} n'est pas accessible en écriture : donnez un autre "
                "dossier avec EO_HELPERS_CACHE.",
                f"Cache {self.folder} cannot be written: give another with EO_HELPERS_CACHE.",
            ) from error


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def _fresh(kept: Kept, days: float | None) -> bool:
    return days is None or kept.age_days < days


def _read(ref: Path) -> Kept | None:
    try:
        value: dict[str, Any] = json.loads(ref.read_text(encoding="utf-8"))
        box = value.pop("box", None)
        return Kept(**value, box=tuple(box) if box else None)
    except (OSError, ValueError, TypeError, AttributeError):
        return None


def _removed(path: Path, fr: str, en: str) -> Removed:
    return Removed(path.name[:12], 0, fr, en)
