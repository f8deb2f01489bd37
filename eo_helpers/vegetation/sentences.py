"""The theme's words: headline, caveats and labels, in French and in English."""

from __future__ import annotations

from ..territory.commune import Commune
from ..text import Text, day, french, number, of_place, percent
from .indicators import Estimate
from .strata import Limits

__all__ = ["FORM_LABELS", "REMEDY", "REMEDY_HEIGHTS", "STRATA_LABELS", "caveats", "headline",
           "limits_told", "nothing", "strata_title"]  # fmt: skip

REMEDY: Text = {
    "fr": "Ajoutez une image Sentinel-2 d'été (GeoTIFF multibande, niveau 2A) de la commune ; "
    "les dalles MNH du LiDAR HD et la BD ORTHO IRC donnent les strates et les formes.",
    "en": "Add a summer Sentinel-2 image (multiband GeoTIFF, level 2A) of the commune; LiDAR HD "
    "height tiles (MNH) and BD ORTHO IRC give strata and forms.",
}
REMEDY_HEIGHTS: Text = {
    "fr": "Sans hauteurs, arbres et herbe ne se distinguent pas : ajoutez les dalles MNH du "
    "LiDAR HD, ou un modèle de surface et un modèle de terrain.",
    "en": "Without heights trees and grass cannot be told apart: add LiDAR HD height tiles (MNH), "
    "or a surface and a terrain model.",
}
STRATA_LABELS: dict[str, Text] = {
    "herb": {"fr": "Strate herbacée", "en": "Herbaceous stratum"},
    "shrub": {"fr": "Strate arbustive", "en": "Shrub stratum"},
    "tree": {"fr": "Strate arborée", "en": "Tree stratum"},
}
FORM_LABELS: dict[str, Text] = {
    "AI": {"fr": "Arbre isolé", "en": "Single tree"},
    "AA": {"fr": "Alignement d'arbres", "en": "Row of trees"},
    "BOA": {"fr": "Boisement arboré", "en": "Wood"},
    "AuI": {"fr": "Arbuste isolé", "en": "Single shrub"},
    "AAu": {"fr": "Alignement d'arbustes, haie", "en": "Row of shrubs, hedge"},
    "BOAu": {"fr": "Boisement arbustif", "en": "Thicket"},
    "PR": {"fr": "Prairie", "en": "Meadow"},
    "C": {"fr": "Culture", "en": "Crop"},
    "PE": {"fr": "Pelouse", "en": "Lawn"},
}


def _text(fr: str, en: str) -> Text:
    return {"fr": french(fr), "en": en}


def nothing(commune: Commune, away: bool) -> Text:
    """Headline where there is no image."""
    if away:
        return _text(
            f"Les images disponibles ici ne couvrent pas {commune.name}.",
            f"The images at hand do not cover {commune.name}.",
        )
    return _text(
        f"Pas encore d'image pour décrire la végétation {of_place(commune.name)}.",
        f"No image yet to tell the vegetation of {commune.name}.",
    )


def _span(one: Estimate, lang: str) -> str:
    low, high = 100 * one.low, 100 * one.high
    digits = 0 if high - low >= 2 else 1
    lo, hi = number(low, digits, lang), percent(high, digits, lang)
    return f"entre {lo} et {hi}" if lang == "fr" else f"between {lo} and {hi}"


def headline(
    commune: Commune, found: dict[str, Estimate], each: Estimate | None, date: str, heights: bool
) -> Text:
    """One plain sentence with its uncertainty."""
    out = {}
    for lang in ("fr", "en"):
        fr = lang == "fr"
        when = day(date, lang) if date else ("date inconnue" if fr else "unknown date")
        green = percent(100 * found["vegetation"].value, 0, lang)
        if not heights:
            span = _span(found["vegetation"], lang)
            out[lang] = (
                f"La végétation verte couvre {green} {of_place(commune.name)} ({span}), le "
                f"{when} ; sans "
                "hauteurs, la part des arbres ne se lit pas."
                if fr
                else f"Green vegetation covers {green} of {commune.name} ({span}) on {when}; "
                "without heights the share of trees cannot be told."
            )
            continue
        canopy = percent(100 * found["tree"].value, 0, lang)
        span = _span(found["tree"], lang)
        people = ""
        if each is not None:
            area = number(each.value, 0, lang)
            people = (
                f", soit {area} m² de couronnes par habitant"
                if fr
                else f", or {area} m² of crowns per inhabitant"
            )
        out[lang] = (
            f"Les arbres couvrent {canopy} {of_place(commune.name)} ({span}){people} ; la "
            "végétation "
            f"verte, herbe comprise, {green} le {when}."
            if fr
            else f"Trees cover {canopy} of {commune.name} ({span}){people}; green vegetation, "
            f"grass included, {green} on {when}."
        )
    return _text(out["fr"], out["en"])


def limits_told(limits: Limits, lang: str) -> str:
    """« arbustive dès 1,5 m, arborée dès 5 m »."""
    a, b = (number(h, 1, lang).rstrip("0").rstrip(",.") for h in (limits.shrub, limits.tree))
    if lang == "fr":
        return f"arbustive dès {a} m, arborée dès {b} m"
    return f"shrubs from {a} m, trees from {b} m"


def strata_title(limits: Limits, cell: float) -> Text:
    """Title of a map of strata, with its limits of height."""
    fr, en = number(cell, 0), number(cell, 0, "en")
    return _text(
        f"Strates de végétation ({limits_told(limits, 'fr')} ; cellules de {fr} m)",
        f"Strata of vegetation ({limits_told(limits, 'en')}; {en} m cells)",
    )


def caveats(
    *, heights: bool, height_source: str, fine: bool, observed: float, parcels: bool,
    compared: tuple[float, float] | None, three: bool, adjusted: bool = False,
) -> tuple[Text, ...]:  # fmt: skip
    """What a reader must know before using the figures."""
    out: list[Text] = [
        {
            "fr": "L'image montre ce qui est vert ce jour-là : un champ moissonné, une pelouse "
            "sèche ou l'ombre d'un immeuble n'y sont pas de la végétation.",
            "en": "The image shows what is green that day: a harvested field, a dry lawn or the "
            "shade of a building is no vegetation in it.",
        }
    ]
    if heights and height_source == "dsm":
        out.append(
            {
                "fr": "Hauteurs prises entre le modèle de surface et le terrain, cellules de 5 m, "
                "et image de 10 m : les arbres isolés et les haies étroites y échappent en partie.",
                "en": "Heights taken between surface and terrain models, 5 m cells, and a "
                "10 m image: single trees and narrow hedges partly escape.",
            }
        )
    if compared is not None:
        coarse, detailed = compared
        out.append(
            {
                "fr": f"Là où la carte détaillée existe, elle trouve {percent(100 * detailed, 1)} "
                f"d'arbres et celle de toute la commune {percent(100 * coarse, 1)}.",
                "en": f"Where the detailed map exists it finds {percent(100 * detailed, 1, 'en')} "
                f"of trees, that of the whole commune {percent(100 * coarse, 1, 'en')}.",
            }
        )
    if fine and not parcels:
        out.append(
            {
                "fr": "Sans parcelles agricoles (RPG), prairie et culture ne se distinguent pas.",
                "en": "Without farm parcels (RPG) meadows and crops cannot be told apart.",
            }
        )
    if three:
        out.append(
            {
                "fr": "Règle 3-30-300 : les arbres sont comptés à moins de 30 m du logement, en "
                "ligne droite, sans calcul de ce que cachent les murs.",
                "en": "3-30-300 rule: trees are counted within 30 m of a home in a straight line, "
                "walls not considered.",
            }
        )
    if observed < 0.98:
        out.append(
            {
                "fr": f"{percent(100 * observed)} de la commune seulement ont pu être lus.",
                "en": f"Only {percent(100 * observed, 0, 'en')} of the commune could be read.",
            }
        )
    fr = "Les fourchettes viennent du bruit de l'image et des hauteurs"
    en = "Ranges come from the noise of image and heights"
    if not adjusted:
        fr += " ; une surface corrigée demande un échantillon de référence (Olofsson et al. 2014)"
        en += "; an adjusted area needs a reference sample (Olofsson et al. 2014)"
    out.append({"fr": f"{fr}.", "en": f"{en}."})
    return tuple(_text(c["fr"], c["en"]) for c in out)
