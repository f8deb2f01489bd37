"""A Finding as files that others can use: GeoPackage, COG, CSV, a printed sheet, a notebook."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ...errors import InvalidInput
from ...findings import Finding

__all__ = ["FORMATS", "export"]


def _gpkg(findings: Sequence[Finding], path: Path, lang: str, **_: Any) -> None:
    from .geopackage import write_geopackage

    write_geopackage(findings, path, lang)


def _csv(findings: Sequence[Finding], path: Path, lang: str, **_: Any) -> None:
    from .tables import write_csv

    write_csv(findings, path, lang)


def _zip(findings: Sequence[Finding], path: Path, lang: str, **_: Any) -> None:
    from .folder import write_zip

    write_zip(findings, path, lang)


def _pdf(
    findings: Sequence[Finding], path: Path, lang: str, link: str | None = None, **_: Any
) -> None:
    from .sheet import write_sheet

    write_sheet(findings, path, lang, link)


def _ipynb(
    findings: Sequence[Finding], path: Path, lang: str, data: Sequence[str] = (), **_: Any
) -> None:
    from .notebook import write_notebook

    write_notebook(findings, path, lang, data)


#: How each format is written, by the ending of the file.
FORMATS: dict[str, Callable[..., None]] = {
    "pdf": _pdf,
    "gpkg": _gpkg,
    "csv": _csv,
    "zip": _zip,
    "ipynb": _ipynb,
}


def export(
    findings: Sequence[Finding],
    path: Path | str,
    lang: str = "fr",
    link: str | None = None,
    data: Sequence[str] = (),
) -> Path:
    """Write Findings of one commune; the format is that of the file's ending.

    ``.pdf`` a sheet to print; ``.gpkg`` the vector layers with their QGIS styles, the figures
    and the sources; ``.csv`` the figures, each with its unit;
    ``.zip`` everything: besides those, layers as GeoParquet and COG, a data dictionary and a
    STAC catalog; ``.ipynb`` a notebook that finds the same again.

    Parameters
    ----------
    findings : sequence of Finding
        Of one commune, one or several themes.
    path : path
        Replaced only when the new file is whole.
    lang : {"fr", "en"}
    link : str, optional
        Address of the page that shows the same: written on the sheet, also as a QR code.
    data : sequence of str, optional
        Folders that the notebook is to read; only where the source is ``files``.

    Returns
    -------
    Path

    Raises
    ------
    InvalidInput
        Unknown format, no folder there, nothing to write, or several communes.
    """
    path = Path(path)
    write = FORMATS.get(path.suffix.lower().lstrip("."))
    if write is None:
        known = ", ".join(f".{name}" for name in FORMATS)
        raise InvalidInput(
            f"Le format « {path.suffix or path.name} » n'est pas connu ; au choix : {known}.",
            f"Format '{path.suffix or path.name}' is not known; choose one of {known}.",
        )
    if not path.parent.is_dir():
        raise InvalidInput(
            f"Le dossier {path.parent} n'existe pas : créez-le, ou choisissez-en un autre.",
            f"Folder {path.parent} does not exist: create it, or choose another one.",
        )
    if not findings or len({finding.commune.insee for finding in findings}) != 1:
        raise InvalidInput(
            "Un export porte sur une commune et au moins un thème.",
            "An export is about one commune and at least one theme.",
        )
    # Beside the target, so that the last step is a rename; a driver may add files of its own.
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".eo-export-") as folder:
        part = Path(folder) / path.name
        write(findings, part, lang, link=link, data=data)
        shutil.move(part, path)
    return path
