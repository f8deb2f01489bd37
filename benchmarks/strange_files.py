"""Small sound files of every format that a stranger may bring, and the readers that open them.

Used by ``tests/test_fuzz.py`` (a few seconds) and ``benchmarks/fuzz_readers.py`` (as long as
one likes).
"""

from __future__ import annotations

import hashlib
import json
import random
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas
import h5py
import numpy as np
import pandas
import shapely

from eo_helpers.errors import EoError
from eo_helpers.territory.commune import Commune

SQUARE = shapely.box(2.30, 48.90, 2.34, 48.93)
TOWN = Commune("93066", "Saint-Denis", "93", SQUARE)


@dataclass
class Held:
    """What a reader needs of a ``catalog.Holding``."""

    paths: list[Path]
    dataset: str = ""


def _catnat() -> bytes:
    row = {
        "code_national_catnat": "INTE1", "code_insee": "93066", "date_debut_evt": "15/01/2018",
        "date_fin_evt": "16/01/2018", "date_publication_arrete": "15/02/2018",
        "libelle_risque_jo": "Inondations et/ou Coulées de Boue",
    }  # fmt: skip
    return json.dumps({"results": 1, "data": [row]}).encode()


def _gauges() -> bytes:
    station = {
        "code_station": "F700", "libelle_station": "La Seine", "libelle_cours_eau": "Seine",
        "longitude_station": 2.32, "latitude_station": 48.91,
    }  # fmt: skip
    level = {
        "code_station": "F700", "grandeur_hydro_elab": "HIXM", "resultat_obs_elab": 3120.0,
        "date_obs_elab": "2018-01-01", "code_qualification": 20,
    }  # fmt: skip
    return json.dumps([{"data": [station]}, {"data": [level]}]).encode()


CATNAT_CSV = (
    b"cod_nat_catnat;cod_commune;dat_deb;dat_fin;dat_pub_arrete;lib_risque_jo\n"
    b"INTE1;93066;2018-01-15;2018-01-16;2018-02-15;Inondations\n"
)
OWNERS = (
    "Département (Champ géographique);Code Commune (Champ géographique);Préfixe (Références "
    "cadastrales);Section (Références cadastrales);N° plan (Références cadastrales);Groupe "
    "personne (Propriétaire(s) parcelle)\n93;066;;AB;0001;4 - Commune\n"
).encode("latin-1")
POSITIONS = b"transect,date,distance_m,sigma_m\nA,2018-01-15,12.5,3\nA,2019-01-15,11.5,3\n"


def _lcz_frame() -> geopandas.GeoDataFrame:
    return geopandas.GeoDataFrame(
        {
            "identifier": ["a"], "hre": [9.0], "are": [120.0], "bur": [30.0], "ror": [30.0],
            "bsr": [10.0], "war": [0.0], "ver": [30.0], "vhr": [10.0], "lcz": ["3"],
            "lcz_int": [3],
        },
        geometry=[SQUARE], crs="EPSG:4326",
    )  # fmt: skip


def _raster(path: Path) -> None:
    import rasterio
    from rasterio.transform import from_bounds

    values = np.random.default_rng(1).integers(1, 9, (24, 24)).astype("u1")
    profile = {"driver": "GTiff", "width": 24, "height": 24, "count": 1, "dtype": "uint8"}
    where = from_bounds(*SQUARE.bounds, 24, 24)
    with rasterio.open(path, "w", crs="EPSG:4326", transform=where, **profile) as file:
        file.write(values, 1)
        file.set_band_description(1, "lcz")


def _tile(path: Path) -> None:
    with h5py.File(path, "w") as file:
        grid = file.create_group("HDFEOS/GRIDS/VIIRS_Grid_DNB_2d")
        fields = grid.create_group("Data Fields")
        for name in ("", "_Num", "_Quality", "_Std"):
            fields.create_dataset(f"AllAngle_Composite_Snow_Free{name}", data=np.ones((8, 8), "u2"))
        file.attrs.update(
            ShortName="VNP46A3", RangeBeginningDate="2022-11-01", HorizontalTileNumber="18",
            VerticalTileNumber="04",
        )  # fmt: skip


def _pack(path: Path) -> None:
    item = {
        "properties": {"eo_helpers:read_at": "2024-01-01T00:00:00Z"},
        "assets": {
            "data": {
                "href": "../../data/catnat/a.json", "file:size": len(_catnat()),
                "file:checksum": "1220" + hashlib.sha256(_catnat()).hexdigest(),
            }
        },
    }  # fmt: skip
    with zipfile.ZipFile(path, "w") as pack:
        pack.writestr("catalog.json", json.dumps({"eo_helpers:pack": 1, "title": "Essai"}))
        pack.writestr("catnat/collection.json", "{}")
        pack.writestr("catnat/items/a.json", json.dumps(item))
        pack.writestr("data/catnat/a.json", _catnat())


def _zipped_shapefile(path: Path) -> None:
    part = path.with_suffix("")
    part.mkdir(exist_ok=True)
    _lcz_frame().to_file(part / "lcz.shp")
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(part.iterdir()):
            archive.write(file, file.name)


def write_seeds(folder: Path) -> dict[str, Path]:
    """One sound file a format, by name."""
    dated = geopandas.GeoDataFrame(
        {"date": ["2018-01-15"], "transect": ["A"]},
        geometry=[shapely.LineString([(2.3, 48.9), (2.34, 48.93)])], crs="EPSG:4326",
    )  # fmt: skip
    inec = geopandas.GeoDataFrame(
        {"taux": [-0.5], "duree": [60.0], "amenagemen": ["non"], "tdc_ancien": [1950],
         "tdc_rec": [2010]}, geometry=[SQUARE], crs="EPSG:4326",
    )  # fmt: skip
    parcels = geopandas.GeoDataFrame(
        {"commune": ["93066"], "prefixe": ["000"], "section": ["AB"], "numero": ["1"]},
        geometry=[SQUARE], crs="EPSG:4326",
    )  # fmt: skip
    names = {
        "catnat.json": lambda p: p.write_bytes(_catnat()),
        "catnat.csv": lambda p: p.write_bytes(CATNAT_CSV),
        "gauges.json": lambda p: p.write_bytes(_gauges()),
        "owners.csv": lambda p: p.write_bytes(OWNERS),
        "positions.csv": lambda p: p.write_bytes(POSITIONS),
        "lcz.geojson": lambda p: _lcz_frame().to_file(p, driver="GeoJSON"),
        "lcz.gpkg": lambda p: _lcz_frame().to_file(p, driver="GPKG"),
        "lcz.parquet": lambda p: _lcz_frame().to_parquet(p),
        "lcz.zip": _zipped_shapefile,
        "lcz.tif": _raster,
        "shore.geojson": lambda p: dated.to_file(p, driver="GeoJSON"),
        "shore.gpkg": lambda p: dated.to_file(p, driver="GPKG"),
        "shore.parquet": lambda p: dated.to_parquet(p),
        "positions.parquet": lambda p: pandas.read_csv(p.with_suffix(".csv")).to_parquet(p),
        "inec.geojson": lambda p: inec.to_file(p, driver="GeoJSON"),
        "parcels.geojson": lambda p: parcels.to_file(p, driver="GeoJSON"),
        "VNP46A3.A2022305.h18v04.002.2024001000000.h5": _tile,
        "pack.eopack": _pack,
    }
    for name, write in names.items():
        write(folder / name)
    return {name: folder / name for name in names}


def _open_tile(path: Path) -> Any:
    from eo_helpers.lighting._hdfeos import open_tile

    with open_tile(path) as tile:
        return tile.cells(np.s_[:4, :4])


def _owned(path: Path, parcels: Path) -> Any:
    from eo_helpers.desealing import ownership

    return ownership.read(Held([path, parcels]), TOWN)


def readers(seeds: dict[str, Path]) -> dict[str, tuple[Callable[[Path], Any], list[str]]]:
    """Name of a reader → how it is called, and the sound files that it takes."""
    from eo_helpers.catalog.packs import open_pack
    from eo_helpers.catalog.signatures import recognise
    from eo_helpers.coastline import data as coast
    from eo_helpers.coastline import files
    from eo_helpers.flood import catnat, gauges
    from eo_helpers.lcz.data import open_map, read

    tile = next(name for name in seeds if name.endswith(".h5"))
    maps = ["lcz.geojson", "lcz.gpkg", "lcz.parquet", "lcz.zip"]
    parcels = seeds["parcels.geojson"]
    return {
        "signatures.recognise": (recognise, [n for n in seeds if n != "pack.eopack"]),
        "lighting._hdfeos": (_open_tile, [tile]),
        "flood.catnat": (lambda p: catnat.read(Held([p]), TOWN), ["catnat.json", "catnat.csv"]),
        "flood.gauges": (lambda p: gauges.read(Held([p]), TOWN), ["gauges.json"]),
        "lcz.data.read": (lambda p: read(Held([p], "lcz-cerema"), TOWN), maps),
        "lcz.data.open_map": (open_map, [*maps, "lcz.tif"]),
        "coastline.read_shorelines": (
            files.read_shorelines, ["shore.geojson", "shore.gpkg", "shore.parquet"],
        ),
        "coastline.read_transects": (files.read_transects, ["shore.geojson", "shore.parquet"]),
        "coastline.read_positions": (
            files.read_positions, ["positions.csv", "positions.parquet"],
        ),
        "coastline.data": (lambda p: coast.read_paths([p], TOWN), ["inec.geojson"]),
        "desealing.ownership": (lambda p: _owned(p, parcels), ["owners.csv"]),
        "desealing.parcels": (lambda p: _owned(seeds["owners.csv"], p), ["parcels.geojson"]),
        "packs.open_pack": (open_pack, ["pack.eopack"]),
    }  # fmt: skip


def broken(whole: bytes, random_: random.Random) -> bytes:
    """The same file, cut, flipped, swapped or with foreign words in it."""
    data = bytearray(whole)
    for _ in range(random_.choice((1, 1, 2, 4, 16))):
        if not data:
            break
        at = random_.randrange(len(data))
        what = random_.randrange(7)
        if what == 0:
            del data[at:]
        elif what == 1:
            data[at] ^= 1 << random_.randrange(8)
        elif what == 2:
            data[at] = random_.choice((0, 255, 127, 34, 44, 59, 10))
        elif what == 3:
            del data[at : at + random_.randrange(1, 40)]
        elif what == 4:
            other = random_.randrange(len(data))
            data[at:at] = data[other : other + random_.randrange(1, 60)]
        elif what == 5:
            words = (b"null", b"[]", b"{}", b"NaN", b"1e999", b'"', b"-1", b"\xff\xfe", b"\x00")
            data[at:at] = random_.choice((*words, "é".encode(), b"99999999999999999999"))
        else:
            # A value of a structured text becomes another kind of value.
            word = random_.choice((b"null", b"[]", b"{}", b"7", b'"x"', b"true", b"[1, 2]"))
            end = min((p for p in (data.find(c, at) for c in (b",", b"}", b"]")) if p > 0),
                      default=len(data))  # fmt: skip
            start = max(data.rfind(b":", 0, at), data.rfind(b"[", 0, at)) + 1
            if 0 < start < end:
                data[start:end] = word
    return bytes(data)


def outcome(reader: Callable[[Path], Any], path: Path) -> str:
    """``read``, ``refused`` (one of our errors), or the foreign error."""
    try:
        reader(path)
    except EoError as error:
        return "refused" if error.fr and error.en else "an error without its sentence"
    except Exception as error:  # noqa: BLE001 - what is looked for
        return f"{type(error).__name__}: {str(error)[:200]}"
    return "read"
