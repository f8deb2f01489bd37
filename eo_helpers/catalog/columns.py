"""Tables told by their columns: what :mod:`signatures` goes by."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

__all__ = ["CODE", "Described", "by_columns", "by_header", "described"]

Described = dict[str, Any]

_CEREMA_RATES = {"hre", "are", "bur", "ror", "bsr", "war", "ver", "vhr"}
#: What ``eo-helpers lcz produce`` writes: Cerema's indicators, but not Cerema's map.
_PRODUCED = {"unit_id", "unit_kind", "lcz_cerema", "lcz_so"}
#: What ``eo-helpers national …`` writes: communes, but not the table of communes.
_NATIONAL = {
    "lighting-communes": {"insee", "practice", "radiance_recent", "months_valid", "headline"},
    "coastline-communes": {"insee", "coast_km", "retreat_percent_measured", "profiles"},
    "lcz-communes": {"insee", "dominant", "mapped_percent", "lcz_1"},
}
CODE = {"insee", "code", "code_insee", "insee_com", "insee_commune", "codgeo"}
_NAME = {"name", "nom", "nom_com", "nom_commune", "libgeo", "nom_officiel"}
_CELL = {"idcar_200m", "idinspire"}
#: BD TOPO v3, full names of the GeoPackage and short ones of the shapefile.
_STOREYS, _DWELLINGS = {"nombre_d_etages", "nb_etages"}, {"nombre_de_logements", "nb_logts"}
_ABOVE_GROUND = {"position_par_rapport_au_sol", "pos_sol"}
_PERSISTENCE = {"persistance", "persistanc"}
#: How extracts of OpenStreetMap name an object.
_OSM = {"osm_id", "@id", "full_id", "osm_way_id", "osm_type"}
_EMS = {"event_type", "obj_desc", "det_method", "notation"}
_IRIS = {"code_iris", "dcomiris"}
_PERMEABILITY = {"ksat_mm_h", "ksat"}
#: Polluted ground, swelling clay, cavities, water table (Géorisques).
_HAZARD = {"id_sis", "code_sis", "alea_rga", "alea_argile", "num_cavite", "id_cavite",
           "nappe_m"}  # fmt: skip
#: The national indicator of coastal erosion.
_INEC = {"taux", "duree", "tdc_ancien", "tdc_rec", "amenagemen"}
#: Columns that nobody but Green Urban Sat (and ``eo-helpers vegetation forms``) has.
_GUS = {"strate", "fv", "paysage", "idc_surface"}
#: Dated shorelines: ours, or another tool's that names the satellite of each line.
_DATED, _FROM_IMAGES = {"date", "datetime_utc"}, {"hidden_share", "satellite", "satname"}
#: Hub'Eau's stations and observations, Géorisques' decrees.
_GAUGES = {"code_station", "libelle_station"}
_LEVELS = {"code_station", "date_obs", "resultat_obs"}
_DECREES = {"code_national_catnat", "date_debut_evt"}


def described(
    dataset: str,
    bbox: Iterable[float] | None = None,
    datetime: str | None = None,
    features: int = 0,
    note: str = "",
) -> Described:
    """What :func:`signatures.recognise` gives of one data set of a file."""
    box = None if bbox is None else [round(float(v), 7) for v in bbox]
    if box is not None and not all(math.isfinite(v) for v in box):
        box = None
    return {
        "dataset": dataset,
        "bbox": box,
        "datetime": datetime,
        "features": int(features),
        "note": note,
    }


def by_columns(
    columns: Iterable[str], polygons: bool, box: Iterable[float] | None, rows: int
) -> list[Described]:
    """Data sets of a table with geometry, from its columns."""
    names = {str(c).lower() for c in columns}
    if names >= _PRODUCED:
        return [described("lcz-produced", box, None, rows, "produite avec eo-helpers")]
    for dataset, columns in _NATIONAL.items():
        if names >= columns:
            return [described(dataset, box, None, rows, "produite avec eo-helpers")]
    if len(names & _CEREMA_RATES) >= 5 and ({"lcz", "lcz_int"} & names or "identifier" in names):
        return [described("lcz-cerema", box, None, rows, "colonnes du Cerema")]
    if names & {"lcz_primary", "lcz_primar"}:  # a shapefile cuts names at ten characters
        return [described("lcz-geoclimate", box, None, rows, "LCZ_PRIMARY")]
    if names >= _GUS:
        return [described("green-urban-sat", box, None, rows, "formes végétales")]
    if polygons and {"code_cs", "code_us"} <= names:
        return [described("ocsge", box, None, rows, "codes de couverture et d'usage")]
    if polygons and {"code_cultu", "code_group"} <= names:
        return [described("rpg", box, None, rows, "parcelles et cultures")]
    if polygons and {"numero", "classe"} <= names:
        return [described("cosia", box, None, rows, "classes de couverture")]
    if names & _CELL and names & {"ind", "ind_c"}:
        return [described("filosofi-200m", box, None, rows, "carreaux de 200 m")]
    if polygons and "hauteur" in names and names & _STOREYS and names & _DWELLINGS:
        return [described("bdtopo-buildings", box, None, rows, "bâtiments de la BD TOPO")]
    if polygons and {"categorie", "nature", "toponyme"} <= names:
        return [described("bdtopo-places", box, None, rows, "zones d'activité ou d'intérêt")]
    if polygons and "nature" in names and names & _PERSISTENCE and names & _ABOVE_GROUND:
        return [described("bdtopo-water", box, None, rows, "surfaces d'eau de la BD TOPO")]
    if polygons and "leisure" in names and names & _OSM:
        return [described("public-parks", box, None, rows, "parcs, clé leisure")]
    if not polygons and "strate_ref" in names:
        return [described("vegetation-reference", box, None, rows, "points de référence")]
    if polygons and {"nature", "nature_detaillee", "toponyme", "cleabs"} <= names:
        return [described("bdtopo-transport", box, None, rows, "équipements de transport")]
    if polygons and names & _PERMEABILITY:
        return [described("soil-permeability", box, None, rows, "perméabilité")]
    if names & _HAZARD:
        return [described("ground-hazards", box, None, rows, "risques du sous-sol")]
    if {"section", "numero", "prefixe"} <= names:
        return [described("public-parcels", box, None, rows, "cadastre")]
    if polygons and names & _IRIS:
        return [described("iris", box, None, rows, "IRIS")]
    if {"wse", "wse_u"} <= names and names & {"node_q", "reach_q"}:
        return [described("swot-river", box, None, rows, "SWOT L2_HR_RiverSP")]
    if not polygons and {"importance", "nature"} <= names and names & _ABOVE_GROUND:
        return [described("bdtopo-roads", box, None, rows, "tronçons de route de la BD TOPO")]
    if polygons and "taux" in names and len(names & _INEC) >= 4:
        return [described("inec", box, None, rows, "indicateur national de l'érosion côtière")]
    if not polygons and names & _DATED and names & _FROM_IMAGES:
        return [described("shorelines", box, None, rows, "traits de côte datés")]
    if polygons and names & CODE and names & _NAME:
        return [described("communes", box, None, rows, "code et nom")]
    if polygons and len(names & _EMS) >= 2:
        return [described("flood-extent", box, None, rows, "Copernicus EMS")]
    if not polygons and names >= _GAUGES:
        return [described("hydrometry", box, None, rows, "stations hydrométriques")]
    return []


def by_header(names: set[str]) -> list[Described]:
    """Data sets of a table without geometry, from its columns in lower case."""
    if names & _CELL and "ind" in names:
        return [described("filosofi-200m", None, None, 0, "carreaux de 200 m")]
    if names >= _LEVELS:
        return [described("hydrometry", None, None, 0, "hauteurs et débits")]
    if any(n.startswith("groupe personne") for n in names):
        return [described("public-parcels", note="personnes morales")]
    if "cod_nat_catnat" in names:
        return [described("catnat", note="table GASPAR")]
    if names >= _DECREES:
        return [described("catnat", None, None, 0, "arrêtés de catastrophe naturelle")]
    return []
