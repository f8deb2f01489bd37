"""Zip archives of providers, opened without trusting them."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from ..errors import InvalidInput

__all__ = ["members", "rasters_in", "shapefile_in", "shapefiles_in", "vsizip"]

#: Beyond this, an archive is refused: the largest urban area unpacks to less than 2 GB.
MAX_BYTES = 20_000_000_000
#: More files than any provider's archive has.
MAX_ENTRIES = 20_000
#: Deflate cannot do much better than 1,000 to one; rasters of one value reach 500.
_MAX_RATIO = 600
#: A small bomb does no harm.
_HARMLESS = 50_000_000


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError) as error:
        raise InvalidInput(
            f"« {path.name} » n'est pas une archive zip lisible (fichier tronqué ou d'un autre "
            "type) : téléchargez-la à nouveau.",
            f"'{path.name}' is not a readable zip archive (cut short, or of another type): "
            "download it again.",
        ) from error
    except FileNotFoundError:
        raise InvalidInput(
            f"Le fichier {path} n'existe pas.", f"File {path} does not exist."
        ) from None


def members(path: Path) -> list[str]:
    """Names of the files in an archive, checked.

    Raises
    ------
    InvalidInput
        If it is no zip, a name climbs out of the archive's folder, is a link or is there
        twice, it has a password, more than ``MAX_ENTRIES`` files, or unpacks to more than
        ``MAX_BYTES`` or out of all proportion.
    """
    with _opened(path) as archive:
        entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        raise InvalidInput(
            f"« {path.name} » contient {len(entries)} fichiers (au plus {MAX_ENTRIES}) : archive "
            "refusée.",
            f"'{path.name}' holds {len(entries)} files (at most {MAX_ENTRIES}): refused.",
        )
    if len({e.filename for e in entries}) != len(entries) or any(e.flag_bits & 1 for e in entries):
        raise InvalidInput(
            f"« {path.name} » contient deux fichiers du même nom, ou un mot de passe : archive "
            "refusée, demandez-en une autre à son producteur.",
            f"'{path.name}' holds two files of one name, or a password: refused, ask its producer "
            "for another.",
        )
    total = 0
    for entry in entries:
        name = PurePosixPath(entry.filename.replace("\\", "/"))
        drive = len(entry.filename) > 1 and entry.filename[1] == ":"
        link = stat.S_ISLNK(entry.external_attr >> 16)
        if name.is_absolute() or ".." in name.parts or drive or link:
            raise InvalidInput(
                f"« {path.name} » contient un chemin qui sort de son dossier "
                f"({entry.filename}) : archive refusée, demandez-la à son producteur.",
                f"'{path.name}' holds a path that climbs out of its folder "
                f"({entry.filename}): refused, ask its producer for another.",
            )
        total += entry.file_size
    packed = sum(e.compress_size for e in entries)
    if total > MAX_BYTES or (total > _HARMLESS and total > _MAX_RATIO * packed):
        raise InvalidInput(
            f"« {path.name} » se décompresserait en {total / 1e9:.1f} Go : archive refusée.",
            f"'{path.name}' would unpack to {total / 1e9:.1f} GB: refused.",
        )
    return [e.filename for e in entries if not e.is_dir()]


def vsizip(path: Path, member: str) -> str:
    """GDAL's address of a file in an archive."""
    # Braces keep GDAL from guessing where the archive's name ends (spaces, apostrophes).
    return f"/vsizip/{{{path.resolve()}}}/{member}"


def shapefiles_in(path: Path) -> list[str]:
    """GDAL addresses of every shapefile of an archive, in name order (checked)."""
    names = sorted(n for n in members(path) if n.lower().endswith(".shp"))
    return [vsizip(path, name) for name in names if not name.startswith("__MACOSX/")]


def rasters_in(path: Path) -> list[str]:
    """GDAL addresses of every GeoTIFF of an archive, in name order (checked)."""
    names = sorted(n for n in members(path) if n.lower().endswith((".tif", ".tiff")))
    return [vsizip(path, name) for name in names if not name.startswith("__MACOSX/")]


def shapefile_in(path: Path) -> str:
    """GDAL address of the one shapefile of an archive.

    Raises
    ------
    InvalidInput
        If the archive is not fit to be read, or holds no shapefile or several.
    """
    found = shapefiles_in(path)
    if len(found) != 1:
        what = "aucun fichier .shp" if not found else f"{len(found)} fichiers .shp"
        what_en = "no .shp file" if not found else f"{len(found)} .shp files"
        raise InvalidInput(
            f"« {path.name} » contient {what} : il en faut exactement un.",
            f"'{path.name}' holds {what_en}: exactly one is needed.",
        )
    return found[0]
