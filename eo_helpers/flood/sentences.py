"""What the flood theme says, in plain French and English."""

from __future__ import annotations

from ..findings import Category, Legend, Scale
from ..territory.commune import Commune
from ..text import Text, at_place, day, french, number, percent
from .reached import CLASSES, Assessment, Count

__all__ = [
    "CLASS_LABELS",
    "CHANCE_SCALE",
    "DEPTH_SCALE",
    "MASK_LEGEND",
    "REMEDY",
    "REMEDY_BEFORE",
    "REMEDY_TERRAIN",
    "caveats",
    "area",
    "depth_legend",
    "extent_legend",
    "headline",
    "nothing",
    "probability_legend",
    "radar_legend",
]

REMEDY: Text = {
    "fr": "Ajoutez à votre dossier deux images Sentinel-1 (VV et VH, GeoTIFF), avant et pendant la "
    "crue, ou une étendue prête (archive Copernicus EMS), et un modèle de terrain (RGE ALTI).",
    "en": "Add to your folder two Sentinel-1 images (VV and VH, GeoTIFF), before and during the "
    "flood, or a ready-made extent (Copernicus EMS archive), and a terrain model (RGE ALTI).",
}
REMEDY_BEFORE: Text = {
    "fr": "Ajoutez une image Sentinel-1 de la même orbite avant la crue : l'eau permanente sera "
    "distinguée de la crue.",
    "en": "Add a Sentinel-1 image of the same orbit before the flood: permanent water will be told "
    "from flood.",
}
REMEDY_TERRAIN: Text = {
    "fr": "Ajoutez un modèle de terrain (RGE ALTI ou LiDAR HD) pour connaître la hauteur d'eau.",
    "en": "Add a terrain model (RGE ALTI or LiDAR HD) to know the height of the water.",
}
CLASS_LABELS: dict[str, Text] = {
    "0_50cm": {"fr": "moins de 50 cm", "en": "under 50 cm"},
    "50cm_1m": {"fr": "50 cm à 1 m", "en": "50 cm to 1 m"},
    "1_2m": {"fr": "1 à 2 m", "en": "1 to 2 m"},
    "over_2m": {"fr": "plus de 2 m", "en": "over 2 m"},
}


def area(value: float, lang: str) -> str:
    """« 312 ha », « 0,8 ha »."""
    return number(value, 0 if value >= 10 else 1, lang) + ("\u202fha" if lang == "fr" else " ha")


def _between(c: Count, lang: str) -> str:
    """« (entre 280 et 340) », empty where the bounds say nothing more than the value."""
    digits = 0 if c.high >= 10 else 1
    low, high = number(c.low, digits, lang), number(c.high, digits, lang)
    if low == high:
        return ""
    return f" (entre {low} et {high})" if lang == "fr" else f" (between {low} and {high})"


def nothing(commune: Commune, away: bool) -> Text:
    """Headline where there is no data."""
    if away:
        return {
            "fr": f"Les images de crue disponibles ici ne couvrent pas {commune.name}.",
            "en": f"The flood images at hand do not cover {commune.name}.",
        }
    return {
        "fr": f"Pas encore d'image de crue pour {commune.name}.",
        "en": f"No flood image yet for {commune.name}.",
    }


def headline(commune: Commune, found: Assessment, date: str, permanent_told: bool) -> Text:
    """One plain sentence, with its uncertainty."""
    out = {
        lang: _headline(commune.name, found, date, permanent_told, lang) for lang in ("fr", "en")
    }
    return {"fr": french(out["fr"]), "en": out["en"]}


def _headline(name: str, found: Assessment, date: str, told: bool, lang: str) -> str:
    fr = lang == "fr"
    if date:
        when = f"Le {day(date, lang)}" if fr else f"On {day(date, lang)}"
    else:
        when = "Le jour de l'image" if fr else "On the day of the image"
    if found.flooded.value < 0.05:
        rest = ""
        if found.flooded.high >= 0.1:
            rest = (
                f" ({area(found.flooded.high, lang)} restent possibles)"
                if fr
                else f" ({area(found.flooded.high, lang)} remain possible)"
            )
        return (
            f"{when}, aucune eau de crue n'était visible {at_place(name)}{rest}."
            if fr
            else f"{when}, no flood water was seen in {name}{rest}."
        )
    share = percent(100 * found.share.value, 1 if found.share.value < 0.05 else 0, lang)
    depth = ""
    if found.median is not None:
        metres = number(found.median.value, 1, lang)
        depth = f" ; hauteur médiane {metres}\u202fm" if fr else f"; median depth {metres} m"
    if fr:
        what = "l'eau de la crue couvrait" if told else "l'eau (permanente comprise) couvrait"
        return (
            f"{when}, {what} {area(found.flooded.value, lang)} {at_place(name)}"
            f"{_between(found.flooded, lang)}, soit {share} de la commune{depth}."
        )
    what = "flood water covered" if told else "water (permanent water included) covered"
    return (
        f"{when}, {what} {area(found.flooded.value, lang)} of {name}"
        f"{_between(found.flooded, lang)}, {share} of the commune{depth}."
    )


def caveats(
    found: Assessment, *, radar: bool, before: bool, terrain: bool, people: bool, notes: list[Text]
) -> tuple[Text, ...]:
    """What a reader must know before using the figures."""
    out: list[Text] = []
    if radar:
        hidden = {lang: area(found.hidden, lang) for lang in ("fr", "en")}
        out.append({
            "fr": "Le radar ne voit pas l'eau sous les arbres ni entre les murs d'un quartier dense"
            + (f" : {hidden['fr']} près de la crue sont marqués « non observables »."
               if found.hidden >= 0.1 else "."),
            "en": "Radar does not see water under trees or between the walls of a dense quarter"
            + (f": {hidden['en']} near the flood are marked 'not observable'."
               if found.hidden >= 0.1 else "."),
        })  # fmt: skip
    if found.low >= 0.1:
        low = {lang: area(found.low, lang) for lang in ("fr", "en")}
        out.append({
            "fr": f"{low['fr']} semblent secs mais sont plus bas que l'eau voisine et reliés à "
            "elle : la fourchette les compte comme possibles ; à vérifier sur place.",
            "en": f"{low['en']} seem dry but lie below the water beside them and are joined to "
            "it: the range counts them as possible; to be checked on site.",
        })  # fmt: skip
    out.append({
        "fr": "C'est l'eau d'un instant, celui de l'image : le maximum de la crue a pu être plus "
        "haut ou plus étendu.",
        "en": "This is the water of one instant, the image's: the flood's peak may have been "
        "higher or wider.",
    })  # fmt: skip
    if radar and not before:
        out.append({
            "fr": "Sans image d'avant la crue, rivières et étangs sont comptés avec elle.",
            "en": "Without an image before the flood, rivers and ponds are counted with it.",
        })  # fmt: skip
    elif radar:
        out.append({
            "fr": "« Eau en temps normal » veut dire sombre au radar sur les deux images : un sol "
            "très lisse (piste, carrière) peut y ressembler.",
            "en": "'Usual water' means dark for radar in both images: very smooth ground (runway, "
            "quarry) may look like it.",
        })  # fmt: skip
    if terrain:
        out.append({
            "fr": "La hauteur est déduite du bord de l'eau et du terrain : ses fourchettes disent "
            "les erreurs du terrain et du bord, pas une étendue vue trop petite.",
            "en": "Depth is derived from the water's edge and the terrain: its ranges tell errors "
            "of terrain and edge, not an extent seen too small.",
        })  # fmt: skip
    if people:
        out.append({
            "fr": "Les habitants sont répartis également dans chaque carreau de 200 m : comme on "
            "habite moins au bord de l'eau, ce nombre est plutôt un maximum.",
            "en": "People are spread evenly over each 200 m cell: as fewer live by the water, the "
            "number is rather a maximum.",
        })  # fmt: skip
    if found.observed < 0.99:
        out.append({
            "fr": f"{percent(100 * (1 - found.observed), 0)} de la commune n'ont pas été mesurés.",
            "en": f"{percent(100 * (1 - found.observed), 0, 'en')} of the commune was not "
            "measured.",
        })  # fmt: skip
    out += notes
    return tuple({"fr": french(c["fr"]), "en": c["en"]} for c in out)


def extent_legend(told: bool, radar: bool, terrain: bool) -> Legend:
    """Flood, usual water, what radar does not see, low ground: only what the map can hold."""
    water = {"fr": "Inondé", "en": "Flooded"} if told else {"fr": "Eau", "en": "Water"}
    hidden = {"fr": "Non observable au radar", "en": "Not observable by radar"}
    low = {"fr": "Plus bas que l'eau voisine : à vérifier", "en": "Below the water: to be checked"}
    usual = {"fr": "Eau en temps normal", "en": "Usual water"}
    entries = [Category("1", water, "#2171b5")]
    entries += [Category("4", low, "#d95f0e")] if terrain else []
    entries += [Category("2", usual, "#9e9ac8")] if radar and told else []
    entries += [Category("3", hidden, "#bdbdbd")] if radar else []
    return Legend(
        {"fr": "Eau le jour de l'image", "en": "Water on the day of the image"},
        categories=tuple(entries),
    )


def depth_legend() -> Legend:
    """Classes of height."""
    return Legend(
        {"fr": "Hauteur d'eau", "en": "Depth of water"},
        categories=tuple(
            Category(str(i), CLASS_LABELS[c.name], c.color) for i, c in enumerate(CLASSES, 1)
        ),
    )


def radar_legend() -> Legend:
    """Grey: dark where calm water mirrors the beam away."""
    return Legend(
        {"fr": "Écho radar (VV)", "en": "Radar echo (VV)"}, "dB", scale=Scale("gray", -22.0, -2.0)
    )


#: Codes of a mask file: flooded, dry, not observable.
MASK_LEGEND = Legend(
    {"fr": "Étendue de l'eau", "en": "Extent of water"},
    categories=(
        Category("1", {"fr": "inondé", "en": "flooded"}, "#08519c"),
        Category("0", {"fr": "sec", "en": "dry"}, "#f7f7f7"),
        Category("255", {"fr": "non observable", "en": "not observable"}, "#bdbdbd"),
    ),
)
#: Depth file, metres: as on the page, dark where deep.
DEPTH_SCALE = Legend(
    {"fr": "Hauteur d'eau", "en": "Depth of water"}, "m", scale=Scale("Blues", 0.0, 3.0)
)
#: Probability file, 0 to 1.
CHANCE_SCALE = Legend(
    {"fr": "Probabilité d'eau", "en": "Probability of water"}, "", scale=Scale("cividis", 0.0, 1.0)
)


def probability_legend() -> Legend:
    """Probability of flood, percent."""
    return Legend(
        {"fr": "Probabilité d'être inondé", "en": "Probability of flood"},
        "%",
        scale=Scale("cividis", 0.0, 100.0),
    )
