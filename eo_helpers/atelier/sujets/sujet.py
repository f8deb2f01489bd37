"""A workshop: its notebook and its exercises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..exercice import Exercice

__all__ = ["Sujet"]


@dataclass(frozen=True)
class Sujet:
    """What a workshop is about.

    Parameters
    ----------
    nom, titre : str
    carnet : str
        File name, in ``notebooks/ateliers/`` and in its folder ``solutions/``.
    exercices : tuple of Exercice
        In the notebook's order.
    parametres : dict
        What the notebook lets people choose, with what holds where they do not.
    """

    nom: str
    titre: str
    carnet: str
    exercices: tuple[Exercice, ...]
    parametres: Mapping[str, Any] = field(default_factory=dict)
