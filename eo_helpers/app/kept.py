"""What is kept of the answers: on disk, shared by all sessions, cut back when it grows."""

from __future__ import annotations

import hashlib
import json
import logging
import tempfile
from pathlib import Path

__all__ = ["cache_folder", "cached", "code_stamp", "cut_back", "exports_folder", "keep"]

log = logging.getLogger(__name__)

#: The disk cache of answers is cut back to this size, oldest first.
CACHE_BYTES = 500_000_000


def cache_folder() -> Path:
    """Folder of the cached answers, in the user's own cache."""
    from ..catalog.cache import cache_dir

    return cache_dir() / "answers"


def exports_folder() -> Path:
    """Folder of the exported files, each in a folder of its own."""
    return cache_folder().with_name("exports")


_stamp: str | None = None


def code_stamp() -> str:
    """A hash of the package's own files: an answer never outlives the code that gave it."""
    global _stamp
    if _stamp is None:
        root = Path(__file__).resolve().parent.parent
        files = sorted(p for p in root.rglob("*") if p.suffix in {".py", ".css", ".json", ".j2"})
        seen = [(str(p.relative_to(root)), p.stat().st_mtime_ns, p.stat().st_size) for p in files]
        _stamp = hashlib.sha256(json.dumps(seen).encode()).hexdigest()
    return _stamp


def cached(key: str) -> bytes | None:
    """The kept answer of that key."""
    try:
        answer = (cache_folder() / f"{key}.json").read_bytes()
    except OSError:  # not there, or not for us to read: it is computed again
        return None
    # A power cut may leave an empty file under the right name.
    return answer if answer[:1] == b"{" and answer[-1:] == b"}" else None


def keep(key: str, answer: bytes) -> None:
    """Keep an answer: written beside, then moved; a full or read-only disk only costs speed."""
    folder = cache_folder()
    part: Path | None = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, suffix=".part", delete=False) as file:
            part = Path(file.name)
            file.write(answer)
        part.replace(folder / f"{key}.json")
        cut_back(folder)
    except OSError as error:
        log.warning("answers cannot be kept: %s", error.strerror)
        if part is not None:
            part.unlink(missing_ok=True)


def cut_back(folder: Path, pattern: str = "*.json") -> None:
    """Take away the oldest files until the rest is small enough."""
    kept = [(p.stat().st_mtime, p.stat().st_size, p) for p in folder.glob(pattern) if p.is_file()]
    total = sum(size for _, size, _ in kept)
    for _, size, path in sorted(kept):
        if total <= CACHE_BYTES:
            return
        path.unlink(missing_ok=True)
        total -= size
