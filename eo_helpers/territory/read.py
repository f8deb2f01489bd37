"""Strict reader of commune tables: GeoParquet, GeoJSON, GeoPackage and their like.

Only the words are read when a table is opened (code, name, département, population,
postcodes, intercommunality). A boundary is read when it is asked for, one at a time.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import InvalidInput
from .commune import WGS84, departement_of

__all__ = ["CommuneTable", "clean_code", "read_table"]

#: The column names by which each field is known, in order of preference, once folded.
SYNONYMS = {
    "insee": "insee codeinsee inseecom codgeo inseecommune codecommune comcode code com",
    "name": "name nom nomcom nomcommune nomofficiel libgeo libelle nomgeo",
    "departement": "departement codedepartement codedept inseedep codedep dep",
    "population": "population populationmunicipale pop popul pmun ptot",
    "postcodes": "postcodes codespostaux codepostal postcode codepost cp",
    "epci": "epci codeepci sirenepci codessirendesepci",
}

_CODE = re.compile(r"\d{5}|2[AB]\d{3}")


@dataclass(frozen=True, eq=False)
class CommuneTable:
    """A commune table that was checked; the boundaries stay in the file.

    Parameters
    ----------
    path : Path
        The file.
    crs : str
        CRS of its geometries, as text that pyproj understands.
    insee, name, departement : list of str
        One entry a commune, in the file's order.
    population : list of (int or None)
    postcodes : list of tuple of str
    epci : list of (str or None)
    """

    path: Path
    crs: str
    insee: list[str]
    name: list[str]
    departement: list[str]
    population: list[int | None]
    postcodes: list[tuple[str, ...]]
    epci: list[str | None]
    _store: _Parquet | _Vector = field(repr=False)

    def boundary(self, position: int) -> Any:
        """Boundary of the commune at ``position``, valid, in EPSG:4326.

        Raises
        ------
        InvalidInput
            If it has no polygon in the file, or the file cannot be read any more.
        """
        geometry = self._mended(self._store.geometry(position), self._to_wgs84())
        if geometry is None:
            raise InvalidInput(
                f"La commune {self.name[position]} ({self.insee[position]}) n'a pas de contour "
                f"dans « {self.path.name} » : complétez le fichier.",
                f"{self.name[position]} ({self.insee[position]}) has no boundary in "
                f"'{self.path.name}': complete the file.",
            )
        return geometry

    def boundaries(self) -> Iterator[Any]:
        """:meth:`boundary` of every commune, in the file's order; None where there is none.

        The file is read once: for all communes, that is minutes less than one at a time.
        """
        transformer = self._to_wgs84()
        for geometry in self._store.geometries():
            yield self._mended(geometry, transformer)

    def _mended(self, geometry: Any, transformer: Any) -> Any:
        """Valid polygons in EPSG:4326; None without any."""
        import shapely

        if geometry is not None:
            geometry = _polygons(shapely.make_valid(shapely.force_2d(geometry)))
        if geometry is None or geometry.is_empty:
            return None
        if transformer is None:
            return geometry
        there = shapely.transform(geometry, transformer.transform, interleaved=False)
        return _polygons(shapely.make_valid(there))

    def bounds(self) -> Any:
        """Bounding boxes, array (n, 4): west, south, east, north in EPSG:4326, NaN if none."""
        import numpy as np

        boxes = np.asarray(self._store.bounds(), dtype=float)
        transformer = self._to_wgs84()
        if transformer is not None and len(boxes):
            known = np.isfinite(boxes).all(axis=1)
            # Densified edges: a straight side in one CRS is bent in the other.
            boxes[known] = [
                transformer.transform_bounds(*box, densify_pts=5) for box in boxes[known].tolist()
            ]
        return boxes

    def _to_wgs84(self) -> Any:
        from pyproj import CRS, Transformer

        crs = CRS.from_user_input(self.crs)
        if crs.equals(WGS84, ignore_axis_order=True):
            return None
        return Transformer.from_crs(crs, WGS84, always_xy=True)


def clean_code(value: Any) -> str | None:
    """INSEE code as text of five characters, or None if ``value`` cannot be one.

    A number that lost its leading zero is mended (``1004`` → ``"01004"``: no code of
    four digits exists); anything shorter is not, since it could be many things.
    """
    if value is None or value != value:
        return None
    text = str(value).strip().upper().removesuffix(".0")
    if len(text) == 4 and text.isdigit():
        text = "0" + text
    return text if _CODE.fullmatch(text) else None


def read_table(path: str | Path) -> CommuneTable:
    """Open a commune table and check it.

    Parameters
    ----------
    path : path
        GeoParquet (``.parquet``), or anything that GDAL opens as vectors: GeoJSON
        (also gzipped), GeoPackage, Shapefile. Columns are matched without regard to
        case, accents and underscores (:data:`SYNONYMS`).

    Returns
    -------
    CommuneTable

    Raises
    ------
    InvalidInput
        In one sentence: file missing or cut short, no geometry, no CRS, no code or name
        column, codes that are not INSEE codes or that come twice, empty table.
    """
    path = Path(path)
    if not path.is_file():
        raise InvalidInput(
            f"Le fichier des communes « {path.name} » n'existe pas dans « {path.parent} ».",
            f"The commune file '{path.name}' does not exist in '{path.parent}'.",
        )
    if path.suffix.lower() in (".parquet", ".geoparquet", ".pq"):
        store: _Parquet | _Vector = _Parquet(path)
    else:
        store = _Vector(path)
    matched = _match(store.columns)
    for needed, fr, en in (
        ("insee", "de code INSEE", "INSEE code"),
        ("name", "de nom de commune", "commune name"),
    ):
        if needed not in matched:
            found = ", ".join(store.columns) or "—"
            raise InvalidInput(
                f"« {path.name} » n'a pas de colonne {fr} (« {needed} ») ; "
                f"colonnes trouvées : {found}.",
                f"'{path.name}' has no {en} column ('{needed}'); columns found: {found}.",
            )
    values = store.read(matched)
    insee = _codes(path, matched["insee"], values["insee"])
    n = len(insee)
    nothing: list[Any] = [None] * n
    departement = [_departement(v) for v in values.get("departement", nothing)]
    return CommuneTable(
        path=path,
        crs=store.crs,
        insee=insee,
        name=[_text(v) or code for v, code in zip(values["name"], insee, strict=True)],
        departement=[d or departement_of(c) for d, c in zip(departement, insee, strict=True)],
        population=[_count(v) for v in values.get("population", nothing)],
        postcodes=[_postcodes(v) for v in values.get("postcodes", nothing)],
        epci=[_inner_code(v) for v in values.get("epci", nothing)],
        _store=store,
    )


def _codes(path: Path, column: str, values: Sequence[Any]) -> list[str]:
    if not len(values):
        raise InvalidInput(
            f"« {path.name} » ne contient aucune commune : la table est vide.",
            f"'{path.name}' holds no commune: the table is empty.",
        )
    codes: list[str] = []
    seen: dict[str, int] = {}
    for line, value in enumerate(values, 1):
        code = clean_code(value)
        if code is None:
            raise InvalidInput(
                f"« {path.name} », ligne {line}, colonne « {column} » : « {value} » n'est pas un "
                "code INSEE de commune (cinq caractères, par exemple 35236, 2A004 ou 97411).",
                f"'{path.name}', row {line}, column '{column}': '{value}' is not an INSEE commune "
                "code (five characters, such as 35236, 2A004 or 97411).",
            )
        if code in seen:
            raise InvalidInput(
                f"« {path.name} » contient deux fois la commune {code} (lignes {seen[code]} et "
                f"{line}) : gardez une ligne par commune.",
                f"'{path.name}' holds commune {code} twice (rows {seen[code]} and {line}): keep "
                "one row a commune.",
            )
        seen[code] = line
        codes.append(code)
    return codes


def _fold(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name)
    return re.sub(r"[^a-z0-9]", "", plain.lower())


def _match(columns: Iterable[str]) -> dict[str, str]:
    """Map each field to its column's own name."""
    folded: dict[str, str] = {}
    for column in columns:
        folded.setdefault(_fold(column), column)
    matched = {}
    for name, synonyms in SYNONYMS.items():
        known = next((folded[s] for s in synonyms.split() if s in folded), None)
        if known is not None:
            matched[name] = known
    return matched


def _text(value: Any) -> str:
    return "" if value is None or value != value else str(value).strip()


def _inner_code(value: Any) -> str | None:
    """A code, alone or in geo.api.gouv.fr's ``{"code": …, "nom": …}``."""
    if isinstance(value, str) and value.startswith("{"):
        try:
            value = json.loads(value)
        except json.JSONDecodeError:
            return value
    if isinstance(value, dict):
        value = value.get("code")
    return _text(value).removesuffix(".0") or None


def _departement(value: Any) -> str | None:
    code = (_inner_code(value) or "").upper()
    code = code.zfill(2) if code.isdigit() else code
    # A column of département *names* says nothing that the commune's code does not say.
    return code if re.fullmatch(r"\d{2}|2[AB]|9[78]\d", code) else None


def _count(value: Any) -> int | None:
    try:
        return round(float(value))
    except (TypeError, ValueError):
        return None


def _postcodes(value: Any) -> tuple[str, ...]:
    if isinstance(value, int | float):
        value = "" if value != value else f"{value:05.0f}"
    if value is not None and not isinstance(value, str):
        value = " ".join(str(v) for v in value)
    return tuple(dict.fromkeys(re.findall(r"(?<!\d)\d{5}(?!\d)", value or "")))


def _polygons(geometry: Any) -> Any:
    """Keep what has an area: making a bow-tie valid can leave lines behind."""
    import shapely

    parts = [g for g in shapely.get_parts(geometry) if g.geom_type in ("Polygon", "MultiPolygon")]
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else shapely.union_all(parts)


def _unreadable(path: Path) -> InvalidInput:
    return InvalidInput(
        f"« {path.name} » ne se lit pas comme une table de communes : le fichier est coupé, abîmé "
        "ou d'un autre format ; téléchargez-le de nouveau.",
        f"'{path.name}' cannot be read as a commune table: the file is cut short, damaged or of "
        "another format; download it again.",
    )


def _no_geometry(path: Path, columns: Iterable[str]) -> InvalidInput:
    found = ", ".join(columns) or "—"
    return InvalidInput(
        f"« {path.name} » n'a pas de colonne de géométrie (contours des communes) ; colonnes "
        f"trouvées : {found}.",
        f"'{path.name}' has no geometry column (commune boundaries); columns found: {found}.",
    )


def _no_crs(path: Path) -> InvalidInput:
    return InvalidInput(
        f"« {path.name} » ne dit pas son système de coordonnées : enregistrez-le de nouveau avec "
        "un CRS, par exemple EPSG:4326.",
        f"'{path.name}' does not say its coordinate reference system: save it again with one, "
        "such as EPSG:4326.",
    )


class _Parquet:
    """Words and geometries of a GeoParquet file, through pyarrow."""

    def __init__(self, path: Path) -> None:
        import pyarrow as pa

        self.path = path
        try:
            with self._open() as file:
                schema = file.schema_arrow
                groups = range(file.metadata.num_row_groups)
                self._group_rows = [file.metadata.row_group(i).num_rows for i in groups]
                self.columns = [
                    c for c in schema.names if not pa.types.is_nested(schema.field(c).type)
                ]
                self.columns += [c for c in schema.names if pa.types.is_list(schema.field(c).type)]
                about = json.loads((schema.metadata or {}).get(b"geo", b"{}"))
        except (pa.ArrowException, OSError, ValueError) as error:
            raise _unreadable(path) from error
        self._column = str(about.get("primary_column", ""))
        geometry = about.get("columns", {}).get(self._column)
        if geometry is None or self._column not in schema.names:
            raise _no_geometry(path, self.columns)
        if geometry.get("encoding") != "WKB":
            raise InvalidInput(
                f"« {path.name} » : géométrie codée en {geometry.get('encoding')} ; enregistrez-le "
                "de nouveau en GeoParquet avec des géométries WKB.",
                f"'{path.name}': geometry encoded as {geometry.get('encoding')}; save it again as "
                "GeoParquet with WKB geometries.",
            )
        crs = geometry.get("crs", "OGC:CRS84")  # absent means CRS84; null means unknown
        if crs is None:
            raise _no_crs(path)
        self.crs = crs if isinstance(crs, str) else json.dumps(crs)
        self._covering = geometry.get("covering", {}).get("bbox")
        self.columns.remove(self._column)

    def _open(self) -> Any:
        import pyarrow.parquet as pq

        return pq.ParquetFile(self.path, pre_buffer=False)

    def _table(self, columns: list[str]) -> Any:
        import pyarrow as pa

        try:
            with self._open() as file:
                return file.read(columns=columns)
        except (pa.ArrowException, OSError) as error:
            raise _unreadable(self.path) from error

    def read(self, matched: dict[str, str]) -> dict[str, list[Any]]:
        table = self._table(list(matched.values()))
        return {field: table.column(column).to_pylist() for field, column in matched.items()}

    def geometry(self, position: int) -> Any:
        import pyarrow as pa
        import shapely

        group = 0
        while position >= self._group_rows[group]:
            position -= self._group_rows[group]
            group += 1
        try:
            with self._open() as file:
                # Batches stream through the row group: its geometries are never all in memory.
                for batch in file.iter_batches(4096, row_groups=[group], columns=[self._column]):
                    if position < len(batch):
                        return shapely.from_wkb(batch.column(0)[position].as_py())
                    position -= len(batch)
        except (pa.ArrowException, OSError, shapely.errors.GEOSException) as error:
            raise _unreadable(self.path) from error
        raise _unreadable(self.path)

    def geometries(self) -> Iterator[Any]:
        import pyarrow as pa
        import shapely

        try:
            with self._open() as file:
                for batch in file.iter_batches(1024, columns=[self._column]):
                    yield from shapely.from_wkb(batch.column(0).to_pylist())
        except (pa.ArrowException, OSError, shapely.errors.GEOSException) as error:
            raise _unreadable(self.path) from error

    def bounds(self) -> Any:
        import numpy as np

        if self._covering:
            keys = [".".join(self._covering[k]) for k in ("xmin", "ymin", "xmax", "ymax")]
            table = self._table(keys).flatten()
            return np.column_stack([table.column(k).to_numpy() for k in keys])
        import shapely

        boxes = []
        with self._open() as file:
            for batch in file.iter_batches(1024, columns=[self._column]):
                boxes.append(shapely.bounds(shapely.from_wkb(batch.column(0).to_pylist())))
        return np.concatenate(boxes)


class _Vector:
    """Words and geometries of any vector file that GDAL opens, through pyogrio."""

    def __init__(self, path: Path) -> None:
        import pyogrio
        from pyogrio.errors import DataLayerError, DataSourceError

        self.path = path
        self._address = f"/vsigzip/{path}" if path.suffix.lower() == ".gz" else str(path)
        try:
            layers = pyogrio.list_layers(self._address)
            self._layer = self._choose([str(name) for name, _ in layers])
            info = pyogrio.read_info(self._address, layer=self._layer, force_feature_count=True)
        except (DataSourceError, DataLayerError, UnicodeDecodeError) as error:
            raise _unreadable(path) from error
        self.columns = [str(c) for c in info["fields"]]
        self._features = int(info["features"])
        if info["geometry_type"] is None:
            raise _no_geometry(path, self.columns)
        if not info["crs"]:
            raise _no_crs(path)
        self.crs = str(info["crs"])
        self._fids: Any = None

    def _choose(self, layers: list[str]) -> str:
        """Pick the layer of communes: IGN's GeoPackages hold one layer a division."""
        import pyogrio

        if not layers:
            raise _unreadable(self.path)

        def rank(layer: str) -> tuple[bool, bool]:
            matched = _match(pyogrio.read_info(self._address, layer=layer)["fields"])
            named = _fold(layer) in ("commune", "communes")
            return not {"insee", "name"} <= matched.keys(), not named

        return layers[0] if len(layers) == 1 else min(layers, key=rank)

    def _raw(self, **options: Any) -> tuple[Any, Any, Any, Any]:
        from pyogrio import raw
        from pyogrio.errors import DataLayerError, DataSourceError, FeatureError, GeometryError

        try:
            return raw.read(self._address, layer=self._layer, **options)
        except (DataSourceError, DataLayerError, FeatureError, GeometryError) as error:
            raise _unreadable(self.path) from error

    def read(self, matched: dict[str, str]) -> dict[str, list[Any]]:
        meta, fids, _, arrays = self._raw(
            columns=list(dict.fromkeys(matched.values())), read_geometry=False, return_fids=True
        )
        if len(fids) != self._features:
            raise _unreadable(self.path)
        self._fids = fids
        by_name = dict(zip(meta["fields"], arrays, strict=True))
        return {field: by_name[column].tolist() for field, column in matched.items()}

    def geometry(self, position: int) -> Any:
        import shapely

        _, _, geometries, _ = self._raw(columns=[], fids=self._fids[[position]])
        return shapely.from_wkb(geometries[0])

    def geometries(self) -> Iterator[Any]:
        import shapely

        _, _, geometries, _ = self._raw(columns=[])
        yield from shapely.from_wkb(geometries)

    def bounds(self) -> Any:
        import numpy as np
        import pyogrio

        fids, boxes = pyogrio.read_bounds(self._address, layer=self._layer)
        out = np.full((len(self._fids), 4), np.nan)
        order = np.argsort(self._fids)
        out[order[np.searchsorted(self._fids, fids, sorter=order)]] = boxes.T
        return out
