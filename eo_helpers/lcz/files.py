"""Layers from a person's own files, and results written so that nothing is left half done."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..errors import InvalidInput

__all__ = ["check_output", "official_crs_at", "read_layer", "write_beside", "write_layer"]

_DRIVERS = {".gpkg": "GPKG", ".geojson": "GeoJSON", ".json": "GeoJSON", ".parquet": None}


def read_layer(path: Path, names: Sequence[str] = (), what: str = "une couche") -> Any:
    """A layer of a vector file, whatever its format.

    Parameters
    ----------
    path : pathlib.Path
        Shapefile (zipped or not), GeoPackage, GeoJSON, FlatGeobuf or GeoParquet.
    names : sequence of str
        Where the file has several layers, what the wanted one's name begins with (any
        case), best first.
    what : str
        What is looked for, for the message (French, « une couche de bâtiments »).

    Returns
    -------
    geopandas.GeoDataFrame

    Raises
    ------
    InvalidInput
        If the file is missing, cannot be read, has no geometry or no CRS, or has several
        layers none of which is the wanted one.
    """
    import geopandas
    import pyarrow
    import pyogrio

    if not path.exists():
        raise InvalidInput(f"Le fichier {path} n'existe pas.", f"File {path} does not exist.")
    suffix = path.suffix.lower()
    try:
        if suffix in (".parquet", ".geoparquet"):
            table = geopandas.read_parquet(path)
        elif suffix == ".zip":
            from ..catalog import archive

            table = pyogrio.read_dataframe(archive.shapefile_in(path), encoding="ISO-8859-1")
        else:
            # BD TOPO's shapefiles are UTF-8 without a .cpg that says so.
            utf8 = suffix == ".shp" and not path.with_suffix(".cpg").exists()
            table = pyogrio.read_dataframe(
                path, layer=_layer(path, names), encoding="UTF-8" if utf8 else None
            )
    except (
        pyogrio.errors.DataSourceError,
        pyogrio.errors.DataLayerError,
        pyogrio.errors.FeatureError,
        pyarrow.ArrowException,
        ValueError,
    ) as error:
        raise InvalidInput(
            f"{path.name} ne se lit pas comme {what} : {error}.",
            f"{path.name} cannot be read as a layer: {error}.",
        ) from error
    if not isinstance(table, geopandas.GeoDataFrame) or table.crs is None:
        raise InvalidInput(
            f"{path.name} n'a pas de géométrie avec un système de coordonnées : il faut {what} "
            "(un .prj manque peut-être).",
            f"{path.name} has no geometry with a CRS: a layer is needed (a .prj may be missing).",
        )
    return table


def _layer(path: Path, names: Sequence[str]) -> str | int:
    import pyogrio

    found = [str(name) for name, kind in pyogrio.list_layers(path) if kind is not None]
    if len(found) == 1 or not found:
        return found[0] if found else 0
    for wanted in names:
        for name in found:
            if name.lower().startswith(wanted.lower()):
                return name
    if not names:
        return found[0]
    raise InvalidInput(
        f"{path.name} contient plusieurs couches ({', '.join(found)}) et aucune ne s'appelle "
        f"{' ou '.join(names)} : enregistrez la bonne dans un fichier à part.",
        f"{path.name} holds several layers ({', '.join(found)}) and none is called "
        f"{' or '.join(names)}: save the right one to a file of its own.",
    )


def check_output(path: Path, suffixes: Sequence[str] = tuple(_DRIVERS)) -> None:
    """Say what is wrong with the output before any work is done."""
    if path.suffix.lower() not in suffixes:
        raise InvalidInput(
            f"« {path.name} » : écrivez un fichier {', '.join(suffixes)}.",
            f"'{path.name}': write one of {', '.join(suffixes)}.",
        )
    if not path.parent.is_dir():
        raise InvalidInput(
            f"Le dossier {path.parent} n'existe pas.", f"Folder {path.parent} does not exist."
        )


def write_beside(path: Path, write: Callable[[Path], Any]) -> None:
    """Call ``write`` with a path beside, then move: a stopped run leaves nothing half written."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".eo-") as folder:
        part = Path(folder) / path.name
        write(part)
        part.replace(path)


def write_layer(frame: Any, path: Path) -> None:
    """Write a layer as its suffix says (:func:`check_output`)."""
    driver = _DRIVERS[path.suffix.lower()]
    plain = frame.copy()
    # GeoPackage and GeoJSON do not know what else a table carries.
    plain.attrs = {}

    def write(part: Path) -> None:
        if driver is None:
            plain.to_parquet(part)
        else:
            plain.to_file(part, driver=driver)

    write_beside(path, write)


def official_crs_at(frame: Any) -> Any:
    """Official French CRS of the place where a layer lies, else its UTM zone.

    A layer that is in an official CRS already keeps it.
    """
    from .compare import OFFICIAL

    for crs in OFFICIAL:
        if frame.crs.equals(crs, ignore_axis_order=True):
            return crs
    west, south, east, north = frame.to_crs("EPSG:4326").total_bounds
    x, y = (west + east) / 2, (south + north) / 2
    for crs in OFFICIAL:
        area = crs.area_of_use
        if area and area.west <= x <= area.east and area.south <= y <= area.north:
            return crs
    return frame.estimate_utm_crs()
