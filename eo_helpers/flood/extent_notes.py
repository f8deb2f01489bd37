"""What the reader of an extent should know of how it was found."""

from __future__ import annotations

from typing import Any

from ..text import Text
from . import radar
from .scenes import OpticalImage, RadarScene

__all__ = ["method_of", "notes_on"]


def method_of(past: Any, image: Any, dem: Any) -> str:
    """The steps that were taken, in English, for the file's tags."""
    parts = ["bimodal tiles, mixture of polarisations"]
    parts += ["change against the scene before"] if past is not None else []
    if image is not None:
        single = "optical and radar by Fisher's discriminant"
        parts += ["optical evidence by colour"] if past is not None else [single]
    parts += ["slope and height above drainage"] if dem is not None else []
    return "; ".join([*parts, "neighbours, hysteresis"])


def notes_on(
    scene: RadarScene, past: RadarScene | None, image: OpticalImage | None, model: radar.Scene
) -> list[Text]:
    """Sentences on units, bands, thresholds and what was not given."""
    words = {"decibels": "des décibels", "linear power": "une puissance linéaire"}
    limits = ", ".join(f"{b} {v:.1f} dB" for b, v in model.thresholds.items())
    notes: list[Text] = [
        {
            "fr": f"Image radar lue comme {words[scene.unit]} (bandes {', '.join(scene.bands)}).",
            "en": f"Radar image taken as {scene.unit} (bands {', '.join(scene.bands)}).",
        }
    ]
    if past is not None and past.unit != scene.unit:
        notes.append({
            "fr": f"La scène d'avant est lue comme {words[past.unit]} : les deux sont ramenées en "
            "décibels.",
            "en": f"The scene before is taken as {past.unit}: both are brought to decibels.",
        })  # fmt: skip
    if len(scene.bands) == 1:
        notes.append({
            "fr": f"Une seule polarisation ({next(iter(scene.bands))}) : l'eau et les sols lisses "
            "se distinguent moins bien.",
            "en": f"One polarisation only ({next(iter(scene.bands))}): water and smooth ground "
            "are told apart less well.",
        })  # fmt: skip
    if image is not None:
        notes.append({
            "fr": f"Image optique lue comme : {image.word}.",
            "en": f"Optical image taken as {image.word}.",
        })  # fmt: skip
    if model.separations:
        notes.append({
            "fr": f"Seuil eau/terre appris sur {len(model.separations)} tuile(s) nettement "
            f"bimodale(s) : {limits}.",
            "en": f"Water/land threshold learnt on {len(model.separations)} clearly bimodal "
            f"tile(s): {limits}.",
        })  # fmt: skip
    else:
        notes.append({
            "fr": "Aucune étendue d'eau nette dans cette image : des valeurs habituelles de l'eau "
            "sont supposées.",
            "en": "No clear water in this image: usual values of water are assumed.",
        })  # fmt: skip
    if past is None:
        notes.append({
            "fr": "Sans scène d'avant, l'eau permanente ne se distingue pas de la crue : le masque "
            "montre toute l'eau.",
            "en": "Without a scene before, permanent water cannot be told from flood: the mask "
            "shows all water.",
        })  # fmt: skip
    return notes
