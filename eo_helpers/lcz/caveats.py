"""What the reader must know of a map of Local Climate Zones, from the plainest to the finest."""

from __future__ import annotations

from collections.abc import Callable

import geopandas as gpd
import numpy as np

from ..territory.population import Shared
from ..text import Text, percent
from .schema import WHAT_IT_IS
from .sentences import sentence
from .shares import Certainty

__all__ = ["caveats"]

#: French and English, before typography.
_Pair = tuple[str, str]

_ALWAYS: tuple[_Pair, ...] = (
    (WHAT_IT_IS["fr"], WHAT_IT_IS["en"]),
    (
        "C'est un pré-diagnostic : il dit où regarder en premier, pas ce qu'il fait dans une "
        "rue donnée, et il ne dit rien de la nuit.",
        "It is a pre-diagnosis: it says where to look first, not what a given street is like, "
        "and nothing about the night.",
    ),
    (
        "« Variable » n'est pas un degré de l'échelle : la chaleur y dépend du lieu (toitures, "
        "parkings, ombrage).",
        "'Variable' is not a step of the scale: heat there depends on the place (roofs, car "
        "parks, shade).",
    ),
)

_THRESHOLDS: _Pair = (
    "La règle de classement a des seuils nets, sur une hauteur et une emprise "
    "moyennes : un bloc proche d'un seuil peut basculer. Les fourchettes disent "
    "jusqu'où les parts iraient si tous ces blocs basculaient ensemble (à 5 points "
    "de couverture du sol, 2 m de hauteur, 100 m² d'emprise ou 10 points d'arbres "
    "près : hypothèse de travail, le Cerema ne publie pas de précision par bloc).",
    "The rule has hard thresholds on a mean height and a mean footprint: a block near "
    "one may tip over. The ranges tell how far the shares would go if all of these "
    "blocks did together (within 5 points of ground cover, 2 m, 100 m² or 10 points "
    "of trees: a working assumption, Cerema publishes no accuracy per block).",
)


def caveats(
    dataset: str,
    blocks: gpd.GeoDataFrame,
    sure: Certainty,
    people: Shared | None,
    notes: list[dict[str, str]],
) -> tuple[Text, ...]:
    """Sentences to show beside the figures.

    Parameters
    ----------
    dataset : str
        Whose map it is.
    blocks : geopandas.GeoDataFrame
        As :func:`eo_helpers.lcz.data.read` returns it.
    sure : Certainty
    people : Shared or None
        None where it is not known who lives where.
    notes : list of dict
        What the reader mended or noticed.
    """
    out = [*_ALWAYS, *_OF_DATASET[dataset](blocks, sure), _of_people(people)]
    return (*(sentence(fr, en) for fr, en in out), *({**note} for note in notes))


def _of_cerema(blocks: gpd.GeoDataFrame, sure: Certainty) -> list[_Pair]:
    out: list[_Pair] = [
        (
            "Les îlots sont ceux de 2018 et l'image de 2022 : ce qui a été construit ou "
            "planté depuis n'est pas vu.",
            "The blocks are those of 2018 and the image of 2022: what was built or planted "
            "since is not seen.",
        )
    ]
    if not sure.told.any():
        out.append(
            (
                "C'est la variante en image de la carte du Cerema : elle donne les classes sans "
                "les indicateurs dont elles viennent, il n'y a donc pas de fourchette. La "
                "variante vecteur les a.",
                "This is the image variant of Cerema's map: it gives the classes without the "
                "indicators that they come from, so there is no range. The vector variant has "
                "them.",
            )
        )
        return out
    out.append(_THRESHOLDS)
    if sure.rule_agreement is not None and sure.rule_agreement < 0.9995:
        share = 100 * (1 - sure.rule_agreement)
        out.append(
            (
                f"La règle ne redonne pas la classe publiée pour {percent(share, 1)} des "
                "blocs ; la classe publiée est gardée, et ces blocs comptent comme incertains.",
                f"The rule does not give the published class for {percent(share, 1, 'en')} of "
                "the blocks; the published class is kept and they count as unsure.",
            )
        )
    return out


def _of_produced(blocks: gpd.GeoDataFrame, sure: Certainty) -> list[_Pair]:
    area = blocks["area_m2"].to_numpy()
    guessed = float(np.average(blocks["estimated"].to_numpy(dtype=float), weights=area))
    both = (blocks["lcz"].notna() & blocks["lcz_so"].notna()).to_numpy()
    apart = both & (blocks["lcz"] != blocks["lcz_so"]).to_numpy()
    disagree = 100 * float(area[apart].sum() / area[both].sum()) if both.any() else 0.0
    return [
        (
            "Cette carte a été produite à partir des bâtiments et de l'occupation du sol, et non "
            f"d'une image : aucune donnée ne décrit {percent(guessed)} du sol, dont la part "
            "imperméable est estimée.",
            "This map was made from buildings and land cover, not from an image: no data "
            f"describe {percent(guessed, 0, 'en')} of the ground, whose sealed share is estimated.",
        ),
        (
            "Deux règles de classement, celle du Cerema (montrée) et les plages de Stewart et "
            f"Oke, s'y contredisent sur {percent(disagree)} de la surface : une classe y est une "
            "piste, à vérifier sur place.",
            "Two rules, Cerema's (shown) and Stewart and Oke's ranges, contradict each other on "
            f"{percent(disagree, 0, 'en')} of the area: a class there is a lead, to be checked "
            "on the spot.",
        ),
        _THRESHOLDS,
    ]


def _of_geoclimate(blocks: gpd.GeoDataFrame, sure: Certainty) -> list[_Pair]:
    return [
        (
            "Cette carte vient de GeoClimate (bâtiments et occupation du sol) et non du "
            "Cerema : ses limites et ses seuils diffèrent. Sur Redon, deux cartes GeoClimate "
            "tirées de deux sources s'accordent sur 62 % de la surface.",
            "This map is GeoClimate's (buildings and land cover), not Cerema's: its blocks "
            "and thresholds differ. Over Redon, two GeoClimate maps from two sources agree "
            "on 62% of the area.",
        ),
        (
            "Les fourchettes disent jusqu'où les parts iraient si tous les blocs dont la "
            "deuxième classe est presque aussi proche que la première (moins du double de "
            "la distance) basculaient ensemble. Pour la végétation, l'eau et les sols, "
            "GeoClimate ne dit pas sa certitude : il n'y a pas de fourchette.",
            "The ranges tell how far the shares would go if all blocks whose second class is "
            "nearly as close as the first (less than twice as far) tipped over together. For "
            "vegetation, water and soils GeoClimate does not tell how sure it is: no range.",
        ),
    ]


def _of_wudapt(blocks: gpd.GeoDataFrame, sure: Certainty) -> list[_Pair]:
    return [
        (
            "Cette carte vient d'images satellite et de zones d'entraînement (WUDAPT) : celles de "
            "ce genre sont exactes à 50-60 % d'après leurs auteurs. Elle ne dit pas où elle se "
            "trompe : il n'y a pas de fourchette.",
            "This map is drawn from satellite images and training areas (WUDAPT): such maps are "
            "50-60% accurate by their authors. It does not tell where it errs: no range.",
        )
    ]


def _of_people(people: Shared | None) -> _Pair:
    if people is None:
        return (
            "Le nombre d'habitants de chaque zone n'est pas connu ici : ajoutez les carreaux "
            "de 200 m de l'INSEE (Filosofi) au dossier de données.",
            "How many people live in each zone is not known here: add INSEE's 200 m cells "
            "(Filosofi) to the data folder.",
        )
    return (
        "Les habitants des carreaux de 200 m (INSEE) sont répartis entre les zones selon "
        "leur surface, comme s'ils vivaient partout également ; l'autre borne les met "
        "tous dans les zones bâties.",
        "People of INSEE's 200 m cells are shared out among zones by area, as if they "
        "lived everywhere alike; the other bound puts them all in the built zones.",
    )


_OF_DATASET: dict[str, Callable[[gpd.GeoDataFrame, Certainty], list[_Pair]]] = {
    "lcz-cerema": _of_cerema,
    "lcz-produced": _of_produced,
    "lcz-geoclimate": _of_geoclimate,
    "lcz-wudapt": _of_wudapt,
}
