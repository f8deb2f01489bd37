"""A file from an address: gone on with where it was cut, checked, moved when whole."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import EoError, InvalidInput, Unreachable
from . import net

__all__ = ["Check", "Downloaded", "download", "is_dataset", "is_json", "is_zip", "sha256_of"]

#: Looks at a downloaded file; raises :class:`InvalidInput` if it is not what was wanted.
Check = Callable[[Path], None]
Progress = Callable[[str, float], None]

#: Larger than the largest archive of the catalog; a caller gives its own.
LIMIT = 4_000_000_000
#: Attempts in all, whatever they bring: a server that cuts after each block is left.
_MOST = 200


@dataclass(frozen=True)
class Downloaded:
    """What came.

    Parameters
    ----------
    path : Path
    sha256 : str
    size : int
        Bytes.
    etag : str
        As the provider gave it, or empty.
    modified : str
        ``Last-Modified`` as the provider gave it, or empty.
    resumed : int
        Bytes that an earlier attempt had already brought.
    """

    path: Path
    sha256: str
    size: int
    etag: str
    modified: str
    resumed: int


def download(
    url: str,
    path: Path,
    who: str,
    *,
    checks: Sequence[Check] = (),
    headers: Mapping[str, str] | None = None,
    limit: int = LIMIT,
    sha256: str | None = None,
    size: int | None = None,
    immutable: bool = False,
    resign: Callable[[], str] | None = None,
    policy: net.Policy | None = None,
    progress: Progress | None = None,
    label: str = "",
) -> Downloaded:
    """Fetch one file.

    Parameters
    ----------
    url : str
    path : Path
        Where the file goes once it is whole and checked. Until then a hidden
        ``.<name>.part.<ending>`` grows beside; a later call goes on with it.
    who : str
        The provider's name, for the sentences.
    checks : sequence of callable
        Besides the two that are always made: it is not empty and no web page.
    headers : mapping, optional
        Credentials among them; never written.
    limit : int
        Bytes; an answer that announces or brings more is refused.
    sha256, size : optional
        What the provider publishes of the file.
    immutable : bool
        The address never changes its content: gone on with although the provider gives
        no mark (ETag, Last-Modified) to tell one edition from the next.
    resign : callable, optional
        Gives the address anew when a signed one has expired (401, 403).
    policy : net.Policy, optional
    progress : callable (step, fraction), optional
    label : str
        Step told to ``progress``.

    Raises
    ------
    Offline, Refused, NoData, Unreachable
        If it cannot be had now.
    InvalidInput
        If what came is not what was wanted: nothing of it stays.
    """
    import requests

    policy = policy or net.Policy()
    net.allow(url)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = _Part(path, url, trusted=immutable or sha256 is not None)
    failures = attempts = 0
    signed_again = False
    with net.session(headers) as session:
        while True:
            before, answer = part.size, None
            try:
                with session.get(
                    url, headers=part.headers(), timeout=(policy.connect, policy.read), stream=True
                ) as answer:
                    status = answer.status_code
                    if status in (401, 403) and resign is not None and not signed_again:
                        url, signed_again = resign(), True
                        continue
                    if status in (200, 206) and part.take(answer, policy, limit, progress, label):
                        break
                    if status == 416 and part.size:
                        # Whole already, or of another edition: the next answer says which.
                        part.restart()
                    elif status not in (200, 206) and not net.passing(status):
                        raise net.failure(who, url, status)
            except requests.RequestException as error:
                if failures + 1 >= policy.attempts or attempts >= _MOST:
                    raise net.unreachable(who) from error
            except OSError as error:
                raise _no_room(path, error) from error
            except _TooLarge as error:
                part.discard()
                raise _too_large(who, limit) from error
            attempts += 1
            brought = part.size > before
            # An expiry may come again in a long download that went on meanwhile.
            signed_again = signed_again and not brought
            failures = 1 if brought else failures + 1
            if failures >= policy.attempts or attempts >= _MOST:
                status = answer.status_code if answer is not None else 0
                raise (
                    net.unreachable(who)
                    if status in (0, 200, 206)
                    else net.failure(who, url, status)
                )
            net.pause(policy, failures, answer, who)
    try:
        found = _checked(part.path, who, checks, sha256, size)
    except EoError:
        part.discard()
        raise
    part.path.replace(path)
    kept = Downloaded(path, found, path.stat().st_size, part.etag, part.modified, part.earlier)
    part.note.unlink(missing_ok=True)
    if progress:
        progress(label or path.name, 1.0)
    return kept


class _TooLarge(Exception):
    """More than the limit was announced or sent."""


class _Part:
    """A file on its way, with the mark of the edition that it is a part of."""

    def __init__(self, path: Path, url: str, trusted: bool) -> None:
        # Hidden, so that no folder of data shows it; with its ending, so that it can be checked.
        self.path = path.with_name(f".{path.stem}.part{path.suffix}")
        self.note = path.with_name(f".{path.stem}.part{path.suffix}.json")
        self.etag = self.modified = ""
        self.trusted = trusted
        self.earlier = 0  # bytes that an earlier call had brought
        # Without its query: what signs an address is secret, and changes.
        self.source = net.shown(url)
        try:
            known = json.loads(self.note.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            known = {}
        if isinstance(known, dict) and known.get("source") == self.source:
            self.etag, self.modified = str(known.get("etag", "")), str(known.get("modified", ""))
        elif self.size:
            self.restart()
        if not self._mark and not trusted and self.size:
            self.restart()
        self.earlier = self.size

    @property
    def size(self) -> int:
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    @property
    def _mark(self) -> str:
        """A validator that is strong enough for If-Range (RFC 9110, 13.1.5)."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.modified

    def headers(self) -> dict[str, str]:
        asked = {"Accept-Encoding": "identity"}
        if self.size and (self._mark or self.trusted):
            asked["Range"] = f"bytes={self.size}-"
            if self._mark:
                asked["If-Range"] = self._mark
        return asked

    def restart(self) -> None:
        self.path.unlink(missing_ok=True)
        self.etag = self.modified = ""
        self.earlier = 0

    def discard(self) -> None:
        self.restart()
        self.note.unlink(missing_ok=True)

    def take(
        self, answer: Any, policy: net.Policy, limit: int, progress: Progress | None, label: str
    ) -> bool:
        """Write what an answer brings; True if the file is whole."""
        total: int | None
        if answer.status_code == 206:
            found = re.match(r"bytes (\d+)-\d+/(\d+|\*)", answer.headers.get("Content-Range", ""))
            if not found or int(found[1]) != self.size:
                self.restart()  # another part than the one asked for
                return False
            total = int(found[2]) if found[2] != "*" else None
        else:
            self.restart()
            self.etag = answer.headers.get("ETag", "")
            self.modified = answer.headers.get("Last-Modified", "")
            announced = answer.headers.get("Content-Length", "")
            encoded = answer.headers.get("Content-Encoding", "identity") != "identity"
            total = int(announced) if announced.isdigit() and not encoded else None
            # The mark first: a part without it would never be gone on with.
            note = {"source": self.source, "etag": self.etag, "modified": self.modified}
            self.note.write_text(json.dumps(note), encoding="utf-8")
        if total is not None and total > limit:
            raise _TooLarge
        size = self.size
        with self.path.open("ab") as file:
            for block in net.blocks(answer, policy):
                size += len(block)
                if size > limit:
                    raise _TooLarge
                file.write(block)
                if progress and total:
                    progress(label or self.path.stem, min(size / total, 0.99))
            file.flush()
            os.fsync(file.fileno())
        if total is not None and size > total:
            self.restart()
            return False
        return total is None or size == total


def _checked(
    path: Path, who: str, checks: Sequence[Check], sha256: str | None, size: int | None
) -> str:
    """The file's SHA-256, once all that is known of it was found true."""
    have = path.stat().st_size if path.exists() else 0
    if not have:
        raise InvalidInput(
            f"{who} a répondu par un fichier vide : réessayez plus tard.",
            f"{who} answered with an empty file: try again later.",
        )
    with path.open("rb") as file:
        head = file.read(1024).lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<!doctype html", b"<html")):
        raise InvalidInput(
            f"{who} a répondu par une page web au lieu d'un fichier : service en maintenance, ou "
            "réseau qui demande de s'identifier ; réessayez plus tard.",
            f"{who} answered with a web page instead of a file: under maintenance, or a network "
            "that wants a login; try again later.",
        )
    found = sha256_of(path)
    if (size is not None and size != have) or (sha256 is not None and sha256 != found):
        raise InvalidInput(
            f"Le fichier de {who} n'a pas la taille ou l'empreinte annoncée : relancez le "
            "téléchargement.",
            f"The file of {who} has not the size or checksum announced: run the download again.",
        )
    for check in checks:
        check(path)
    return found


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _no_room(path: Path, error: OSError) -> InvalidInput:
    return InvalidInput(
        f"« {path.name} » ne peut pas être écrit dans {path.parent} ({error.strerror}) : libérez "
        "de la place (eo-helpers data prune) ou changez EO_HELPERS_CACHE.",
        f"'{path.name}' cannot be written in {path.parent} ({error.strerror}): make room "
        "(eo-helpers data prune) or change EO_HELPERS_CACHE.",
    )


def _too_large(who: str, limit: int) -> InvalidInput:
    return InvalidInput(
        f"Le fichier de {who} dépasse {limit / 1e6:.0f} Mo : refusé.",
        f"The file of {who} is larger than {limit / 1e6:.0f} MB: refused.",
    )


# --- Checks -----------------------------------------------------------------------------------


def is_zip(path: Path) -> None:
    """Check that a file is a whole zip archive without traps (``archive.members``)."""
    from . import archive

    archive.members(path)


def is_json(who: str, *keys: str) -> Check:
    """Check that a file is a JSON object with these keys."""

    def check(path: Path) -> None:
        parsed(path.read_bytes(), who, *keys)

    return check


def parsed(raw: bytes, who: str, *keys: str) -> dict[str, Any]:
    """A JSON object with these keys, or the sentence that says what is missing.

    Raises
    ------
    Unreachable
    """
    try:
        value = json.loads(raw)
    except ValueError:
        value = None
    missing = [k for k in keys if not isinstance(value, dict) or k not in value]
    if not isinstance(value, dict) or missing:
        what = f" (sans « {missing[0]} »)" if isinstance(value, dict) else ""
        what_en = f" (without '{missing[0]}')" if isinstance(value, dict) else ""
        raise Unreachable(
            f"{who} a répondu autre chose que le JSON attendu{what} : réessayez plus tard.",
            f"{who} answered something else than the JSON expected{what_en}: try again later.",
        )
    return value


def is_dataset(dataset: str) -> Check:
    """Check that a file holds a data set, as the ``files`` source recognises it."""

    def check(path: Path) -> None:
        from . import signatures, stac

        if dataset not in {d["dataset"] for d in signatures.recognise(path)}:
            title = stac.title(dataset)
            raise InvalidInput(
                f"Ce qui a été téléchargé n'est pas « {title['fr']} » : fichier refusé.",
                f"What was downloaded is not '{title['en']}': refused.",
            )

    return check
