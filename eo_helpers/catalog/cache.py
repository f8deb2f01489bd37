"""Where the package keeps what it can make again: the user's own cache folder."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
from pathlib import Path
from typing import Any

__all__ = ["cache_dir", "read_json", "write_json"]

log = logging.getLogger(__name__)


def cache_dir() -> Path:
    """The folder EO_HELPERS_CACHE, else the user's cache as the system names it."""
    named = os.environ.get("EO_HELPERS_CACHE")
    if named:
        return Path(named)
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("eo-helpers", appauthor=False))


def _file(room: str, key: str) -> Path:
    return cache_dir() / room / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"


def read_json(room: str, key: str) -> Any:
    """What was kept under ``key``, or None; a damaged file counts as absent."""
    try:
        return json.loads(_file(room, key).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def write_json(room: str, key: str, value: Any) -> None:
    """Keep ``value``: written beside, then moved. A read-only disk only costs speed."""
    path = _file(room, key)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, suffix=".part", delete=False
        ) as part:
            json.dump(value, part, ensure_ascii=False)
        Path(part.name).replace(path)
    except OSError as error:
        log.warning("the index cannot be kept in %s: %s", path.parent, error)
