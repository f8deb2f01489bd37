"""A flood by radar: decibels, a threshold, before and during, depth, what is missed."""

from __future__ import annotations

from typing import Any

from ..exercice import Exercice, Piege
from .sujet import Sujet

__all__ = ["SUJET"]


def _read(path: Any, bounds: tuple[float, ...]) -> Any:
    import rioxarray

    raster: Any = rioxarray.open_rasterio(path, masked=True)
    return raster.squeeze(drop=True).rio.clip_box(*bounds).load()


def _power(seance: Any) -> tuple[Any, Any]:
    """VV before and during, linear power, over the commune's bounding box."""
    from ...catalog import find

    paths = find("sentinel-1", seance.commune, seance.source).paths
    bounds = seance.commune.boundary_in("EPSG:32631").bounds
    before, during = (_read(path, bounds).isel(band=0, drop=True) for path in paths[:2])
    return before, during


def _decibels(seance: Any) -> tuple[Any, Any]:
    import numpy as np

    before, during = (10 * np.log10(v.clip(1e-5)) for v in seance.garder(_power))
    return before, during


def _maps(seance: Any) -> tuple[Any, Any]:
    """Below the threshold: before, during."""
    limit = seance.parametres["seuil_db"]
    before, during = seance.garder(_decibels)
    return before < limit, during < limit


def _hectares(mask: Any) -> float:
    """A mask of cells of 10 m × 10 m, ha."""
    return float(mask.sum()) / 100


def _new(seance: Any) -> Any:
    before, during = _maps(seance)
    return during & ~before


def _truth(seance: Any) -> Any:
    from rasterio.enums import Resampling

    from ... import demo

    path = demo.ensure() / "truth" / "flood_extent.tif"
    grid = seance.garder(_power)[1]
    whole = _read(path, seance.commune.projected_boundary.buffer(500).bounds)
    return whole.rio.reproject_match(grid, resampling=Resampling.average) > 0.5


def _missed(seance: Any) -> float:
    truth = seance.garder(_truth)
    return 100 * float((truth & ~_new(seance)).sum() / truth.sum())


def _missed_of_map(seance: Any) -> float:
    truth, seen = seance.garder(_truth), _new(seance)
    return 100 * float((truth & ~seen).sum() / seen.sum())


def _false(seance: Any) -> float:
    truth, seen = seance.garder(_truth), _new(seance)
    return 100 * float((seen & ~truth).sum() / truth.sum())


def _levels(seance: Any) -> tuple[Any, Any, Any]:
    """Ground (m), water surface (m) and flooded, on the terrain's grid."""
    from ... import demo
    from ...catalog import find

    bounds = seance.commune.projected_boundary.bounds
    truth = demo.ensure() / "truth"
    ground = _read(find("dem", seance.commune, seance.source).paths[0], bounds)
    surface = _read(truth / "flood_surface.tif", bounds)
    return ground, surface, _read(truth / "flood_extent.tif", bounds) == 1


def _depth(seance: Any) -> Any:
    ground, surface, flooded = seance.garder(_levels)
    return (surface - ground).where(flooded)


def _mean_everywhere(seance: Any) -> float:
    ground, surface, _ = seance.garder(_levels)
    return float((surface - ground).mean())


def _flooded(seance: Any, **settings: float) -> float:
    return float(seance.analyse("flood", **settings)["flooded_area"].value)


def _median(seance: Any, factor: float, natural: bool = False) -> float:
    import numpy as np

    during = seance.garder(_power)[1].clip(1e-5)
    return float((factor * (np.log(during) if natural else np.log10(during))).median())


SUJET = Sujet(
    "inondation",
    "Suivre une crue par radar",
    "atelier_inondation.ipynb",
    (
        Exercice(
            "mediane_db",
            "Passer en décibels",
            lambda s: _median(s, 10),
            "dB",
            0.05,
            indices=(
                "D'abord le logarithme, np.log10(vv_pendant), puis fois 10, puis la médiane.",
                "10 * np.log10(vv_pendant) est une image ; .median() en fait un nombre.",
            ),
            explication="Une puissance de 0,1 fait -10 dB ; de 0,01, -20 dB : l'eau est vers -18.",
            pieges=(
                Piege(
                    lambda s: _median(s, 10, natural=True),
                    "c'est le logarithme naturel (np.log) ; les décibels sont en base 10.",
                ),
                Piege(
                    lambda s: _median(s, 20),
                    "20 × log10 vaut pour une amplitude ; ici c'est une puissance : 10 × log10.",
                ),
                Piege(lambda s: _median(s, 1), "il manque le facteur 10 des décibels."),
                Piege(
                    lambda s: float(s.garder(_decibels)[0].median()),
                    "c'est l'image d'avant ; on demande vv_pendant.",
                ),
                Piege(
                    lambda s: float(s.garder(_decibels)[1].mean()),
                    "c'est la moyenne ; on demande la médiane.",
                ),
            ),
        ),
        Exercice(
            "surface_ha",
            "Un seuil, une surface",
            lambda s: _hectares(_maps(s)[1]),
            "ha",
            0.5,
            indices=(
                "(db_pendant < SEUIL_DB).sum() compte les pixels sous le seuil.",
                "Un pixel fait 10 m × 10 m, donc 100 m² ; un hectare, 10 000 m².",
                "Cent pixels font un hectare.",
            ),
            explication="C'est toute l'eau, rivière comprise, et du grain pris pour de l'eau.",
            pieges=(
                Piege(
                    lambda s: float(_maps(s)[1].sum()),
                    "ce sont des pixels ; cent pixels font un hectare.",
                ),
                Piege(
                    lambda s: _hectares(_maps(s)[0]),
                    "c'est l'image d'avant ; on demande pendant la crue.",
                ),
                Piege(
                    lambda s: _hectares(~_maps(s)[1]),
                    "c'est ce qui est au-dessus du seuil : la terre. L'eau est sombre.",
                ),
            ),
        ),
        Exercice(
            "nouvelle_eau_ha",
            "Avant et pendant",
            lambda s: _hectares(_new(s)),
            "ha",
            0.5,
            indices=(
                "Deux conditions reliées par &, chacune entre parenthèses.",
                "« Pas avant » s'écrit (db_avant >= SEUIL_DB).",
                "Cent pixels font un hectare.",
            ),
            explication="Le grain du radar y reste : le paquet le filtre avant de décider.",
            pieges=(
                Piege(
                    lambda s: _hectares(_maps(s)[1]),
                    "c'est toute l'eau pendant la crue ; ôtez celle qui était déjà là.",
                ),
                Piege(
                    lambda s: float(_new(s).sum()),
                    "ce sont des pixels ; cent pixels font un hectare.",
                ),
                Piege(
                    lambda s: _hectares(_maps(s)[0] & ~_maps(s)[1]),
                    "avant et pendant sont échangés : c'est ce qui a séché.",
                ),
                Piege(
                    lambda s: _hectares(_maps(s)[1]) - _hectares(_maps(s)[0]),
                    "vous avez soustrait deux surfaces : ce qui a séché en est déjà retiré. "
                    "Comparez pixel par pixel.",
                ),
            ),
        ),
        Exercice(
            "hauteur_moyenne",
            "La hauteur d'eau",
            lambda s: float(_depth(s).mean()),
            "m",
            0.02,
            indices=(
                "La hauteur est l'altitude de l'eau moins celle du sol.",
                "(surface_eau - sol).where(inonde) garde les seules cellules inondées.",
                "float((surface_eau - sol).where(inonde).mean())",
            ),
            explication="Dans la vraie vie, surface_eau est inconnue : on la devine au bord.",
            pieges=(
                Piege(
                    _mean_everywhere,
                    "vous avez gardé les cellules au sec ; ne gardez que là où c'est inondé.",
                ),
                Piege(
                    lambda s: float(_depth(s).fillna(0).mean()),
                    "les cellules au sec comptent pour zéro ; ne gardez que là où c'est inondé.",
                ),
                Piege(
                    lambda s: float(_depth(s).median()),
                    "c'est la médiane ; on demande la moyenne.",
                ),
            ),
        ),
        Exercice(
            "part_manquee",
            "Ce qui manque",
            _missed,
            "%",
            0.5,
            indices=(
                "« Manquée » : dans la vérité, et pas sur la carte.",
                "~carte veut dire « pas sur la carte » : vraie & ~carte.",
                "Divisez par vraie.sum(), fois 100.",
            ),
            explication="Sous les arbres et entre les façades, le radar ne voit pas l'eau : "
            "dites-le toujours.",
            pieges=(
                Piege(
                    _missed_of_map,
                    "vous avez divisé par la surface de votre carte ; divisez par la vraie crue.",
                ),
                Piege(
                    _false,
                    "ce sont les fausses alertes : sur la carte, et pas dans la vérité.",
                ),
            ),
        ),
        Exercice(
            "hectares_de_plus",
            "Et si l'eau montait ?",
            lambda s: _flooded(s, rise=0.5) - _flooded(s),
            "ha",
            1.0,
            indices=(
                "Deux analyses, une soustraction.",
                'resultat["flooded_area"].value est la surface inondée, en hectares.',
                "plus_haut, avec rise=0.5, moins maintenant, sans.",
            ),
            explication="Presque toute la marche est la ville dense, plus basse que l'eau voisine.",
            pieges=(
                Piege(
                    lambda s: _flooded(s, rise=0.5),
                    "c'est la surface après la montée ; ôtez celle d'avant.",
                ),
                Piege(
                    lambda s: 100 * (_flooded(s, rise=0.5) / _flooded(s) - 1),
                    "c'est une augmentation en % ; on demande des hectares.",
                ),
            ),
        ),
    ),
    {"seuil_db": -14.0},
)
