"""The commune: WHERE everything else happens."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from ..errors import InvalidInput

__all__ = ["WGS84", "Commune", "departement_of", "from_degrees", "official_crs"]

WGS84 = "EPSG:4326"

_OVERSEAS_CRS = {
    "971": "EPSG:5490",  # Guadeloupe
    "972": "EPSG:5490",  # Martinique
    "973": "EPSG:2972",  # Guyane
    "974": "EPSG:2975",  # La Réunion
    "975": "EPSG:4467",  # Saint-Pierre-et-Miquelon
    "976": "EPSG:4471",  # Mayotte
    "977": "EPSG:5490",  # Saint-Barthélemy
    "978": "EPSG:5490",  # Saint-Martin
}


def departement_of(insee: str) -> str:
    """Département code of an INSEE commune code: ``"2A"``, ``"35"``, ``"974"``."""
    return insee[:3] if insee.startswith(("97", "98")) else insee[:2]


def official_crs(insee: str) -> str:
    """Official projected CRS of the region that a commune code belongs to.

    Parameters
    ----------
    insee : str
        INSEE code, five characters (``"35236"``, ``"2A004"``, ``"97411"``).

    Returns
    -------
    str
        ``"EPSG:2154"`` (RGF93 v1 / Lambert-93) for the mainland and Corsica, the
        UTM zone fixed by decree overseas.

    Raises
    ------
    InvalidInput
        If ``insee`` is not a five-character code or its territory has no known CRS.

    Notes
    -----
    Source: décret n° 2000-1276 as amended in 2019 (French legal reference systems).
    """
    if len(insee) != 5 or not insee[2:].isdigit():
        raise InvalidInput(
            f"« {insee} » n'est pas un code INSEE de commune : cinq caractères, "
            "par exemple 35236, 2A004 ou 97411.",
            f"'{insee}' is not an INSEE commune code: five characters, such as 35236.",
        )
    if not insee.startswith(("97", "98")):
        return "EPSG:2154"
    try:
        return _OVERSEAS_CRS[insee[:3]]
    except KeyError:
        raise InvalidInput(
            f"Le système de coordonnées officiel du territoire {insee[:3]} n'est pas connu.",
            f"The official CRS of territory {insee[:3]} is not known.",
        ) from None


@lru_cache(maxsize=32)
def from_degrees(crs: Any) -> Any:
    """Transformer from degrees, made once a CRS: it takes 15 ms."""
    from pyproj import Transformer

    return Transformer.from_crs(WGS84, crs, always_xy=True)


@dataclass(frozen=True, eq=False)
class Commune:
    """A French municipality.

    Parameters
    ----------
    insee : str
        INSEE code, text of five characters.
    name : str
        Name as its source writes it.
    departement : str
        Département code.
    boundary : shapely.Polygon or shapely.MultiPolygon
        Boundary in EPSG:4326 (longitude, latitude).
    population : int or None
        Inhabitants, where the source knows them.
    postcodes : tuple of str
        Postcodes, where the source knows them.
    epci : str or None
        Code of the intercommunality, where the source knows it.
    source : str
        ``"demo"``, ``"files"`` or ``"online"``.
    demonstration : bool
        True for a fictional commune.
    """

    insee: str
    name: str
    departement: str
    boundary: Any = field(repr=False)
    population: int | None = None
    postcodes: tuple[str, ...] = ()
    epci: str | None = None
    source: str = "files"
    demonstration: bool = False

    @cached_property
    def crs(self) -> str:
        """Official projected CRS, as ``"EPSG:…"``."""
        return official_crs(self.insee)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """(west, south, east, north) in degrees, EPSG:4326."""
        return tuple(self.boundary.bounds)

    @cached_property
    def projected_boundary(self) -> Any:
        """Boundary in :attr:`crs`, metres."""
        return self.boundary_in(self.crs)

    def boundary_in(self, crs: Any) -> Any:
        """Boundary in another CRS (anything that pyproj understands)."""
        import shapely

        return shapely.transform(self.boundary, from_degrees(crs).transform, interleaved=False)

    @cached_property
    def area_km2(self) -> float:
        """Area on the ellipsoid (geodesic), km²."""
        from pyproj import Geod

        area, _ = Geod(ellps="GRS80").geometry_area_perimeter(self.boundary)
        return abs(area) / 1e6

    def to_geodataframe(self) -> Any:
        """One-row ``geopandas.GeoDataFrame`` in EPSG:4326."""
        import geopandas

        return geopandas.GeoDataFrame(
            {
                "insee": [self.insee],
                "name": [self.name],
                "departement": [self.departement],
                "population": [self.population],
            },
            geometry=[self.boundary],
            crs=WGS84,
        )

    def to_dict(self) -> dict[str, str]:
        """The two fields that a Finding keeps: ``{"insee": …, "name": …}``."""
        return {"insee": self.insee, "name": self.name}
