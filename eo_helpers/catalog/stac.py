"""The data sets as STAC collections, one JSON file each in ``collections/``."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..errors import InvalidInput
from ..text import Text

__all__ = [
    "FILE_EXTENSION",
    "MULTIHASH",
    "about",
    "asset",
    "collection",
    "datasets",
    "remedy",
    "title",
]

#: STAC's extension for sizes and checksums of files.
FILE_EXTENSION = "https://stac-extensions.github.io/file/v2.1.0/schema.json"
#: Multihash of SHA-256, as that extension wants checksums.
MULTIHASH = "1220"

_FOLDER = Path(__file__).resolve().parent / "collections"


@lru_cache(maxsize=1)
def _descriptions() -> dict[str, dict[str, Any]]:
    files = sorted(_FOLDER.glob("*.json"))
    return {f.stem: json.loads(f.read_text(encoding="utf-8")) for f in files}


def datasets() -> list[str]:
    """Identifiers of the data sets that the catalog knows."""
    return list(_descriptions())


def about(dataset: str) -> dict[str, Any]:
    """The collection as plain JSON; its ``eo_helpers:*`` fields are ours.

    Raises
    ------
    InvalidInput
        If the catalog does not know the data set.
    """
    try:
        return _descriptions()[dataset]
    except KeyError:
        known = ", ".join(_descriptions())
        raise InvalidInput(
            f"Le jeu de données « {dataset} » n'est pas au catalogue ; connus : {known}.",
            f"Data set '{dataset}' is not in the catalog; known: {known}.",
        ) from None


def collection(dataset: str) -> Any:
    """The data set as a ``pystac.Collection``: licence, providers, extent, links."""
    import pystac

    return pystac.Collection.from_dict(about(dataset))


def title(dataset: str) -> Text:
    """Name of the data set, in French and English."""
    return dict(about(dataset)["eo_helpers:title"])


def remedy(dataset: str) -> Text:
    """What a person does to bring the data set."""
    return dict(about(dataset)["eo_helpers:remedy"])


def asset(file: Path, href: str, role: str, media: str | None = None) -> Any:
    """A file as a ``pystac.Asset`` with its size and checksum (extension ``file``).

    Parameters
    ----------
    file : Path
        Where it is now.
    href : str
        Where the item says that it is.
    role : str
        ``data``, ``metadata`` …
    media : str, optional
        Media type.
    """
    import pystac

    from .download import sha256_of

    made = pystac.Asset(href=href, roles=[role], media_type=media)
    made.extra_fields["file:checksum"] = MULTIHASH + sha256_of(file)
    made.extra_fields["file:size"] = file.stat().st_size
    return made
