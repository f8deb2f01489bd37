"""The exercises of each workshop. Importing this costs nothing: they compute when asked."""

from __future__ import annotations

from . import chaleur, commune, cote, desimpermeabiliser, inondation, lumiere, vegetation
from .sujet import Sujet

__all__ = ["SUJETS", "Sujet"]

#: In the order in which the trainer's guide names them.
SUJETS: dict[str, Sujet] = {
    module.SUJET.nom: module.SUJET
    for module in (
        commune,
        chaleur,
        lumiere,
        inondation,
        vegetation,
        desimpermeabiliser,
        cote,
    )
}
