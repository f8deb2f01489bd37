"""INSEE's 200 m cells. INSEE moves the file with each edition: a person gives its address.

``EO_HELPERS_URL_FILOSOFI`` names a GeoPackage, a CSV, or a zip that holds one of them
(of INSEE, or of one's own organisation's mirror). The file is fetched once for all communes.
"""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ...errors import InvalidInput, MissingTool
from ...text import Text
from .. import archive, net
from ..download import download, is_dataset, is_zip
from ..store import Kept, now
from .provider import Progress, Provider, address, need

if TYPE_CHECKING:
    from ...territory.commune import Commune
    from ..store import Store

__all__ = ["PROVIDER"]

WHO = "INSEE (Filosofi)"
PAGE = "https://www.insee.fr/fr/statistiques/7655475"
_INSIDE = (".gpkg", ".csv")


def _missing() -> Text | None:
    return None if address("FILOSOFI") else need("FILOSOFI", PAGE)


def _fetch(commune: Commune, store: Store, progress: Progress | None) -> list[Kept]:
    url = address("FILOSOFI")
    if url is None:
        text = need("FILOSOFI", PAGE)
        raise MissingTool(f"{WHO} : {text['fr']}.", f"{WHO}: {text['en']}.")

    def make(folder: Path) -> Kept:
        name = PurePosixPath(urlsplit(url).path).name or "filosofi.zip"
        packed = name.lower().endswith(".zip")
        checks = [is_zip] if packed else [is_dataset("filosofi-200m")]
        got = download(url, folder / name, WHO, checks=checks, progress=progress, label=WHO)
        if packed:
            name = _unpacked(folder / name, folder)
            is_dataset("filosofi-200m")(folder / name)
        return Kept(
            "", "filosofi-200m", name, "", 0, net.shown(url), PurePosixPath(name).stem,
            "Licence Ouverte 2.0", now(), got.etag, got.modified,
        )  # fmt: skip

    return [store.bring(f"filosofi-200m/{net.shown(url)}", make)]


def _unpacked(path: Path, folder: Path) -> str:
    """Name of the one table of an archive, written beside it."""
    found = [n for n in archive.members(path) if n.lower().endswith(_INSIDE)]
    if len(found) != 1:
        raise InvalidInput(
            f"« {path.name} » contient {len(found)} tables (.gpkg, .csv) : il en faut exactement "
            "une, celle de votre territoire.",
            f"'{path.name}' holds {len(found)} tables (.gpkg, .csv): exactly one is needed.",
        )
    name = PurePosixPath(found[0]).name
    with (
        zipfile.ZipFile(path) as packed,
        packed.open(found[0]) as source,
        (folder / name).open("wb") as out,
    ):
        shutil.copyfileobj(source, out, 1 << 20)
    path.unlink()
    return name


PROVIDER = Provider("filosofi", "filosofi-200m", ("lcz", "flood"), _fetch, _missing)
