"""The dashboards: one for all themes, one for each theme, and how they are linked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from .words import N_

__all__ = ["BOARDS", "ENTRY", "Board", "address", "board_of"]

#: Where the list of all dashboards is.
ENTRY = "tableaux"


@dataclass(frozen=True)
class Board:
    """One dashboard: ``dashboards/<name>.ipynb``; no ``theme`` means all of them."""

    name: str
    theme: str
    title: str
    sentence: str

    @property
    def path(self) -> str:
        """Its address below the server's root."""
        return f"voila/render/{self.name}.ipynb"


BOARDS = (
    Board(
        "ma_commune",
        "",
        N_("Ma commune vue par satellite"),
        N_("Ce que les satellites disent de votre commune, thème par thème."),
    ),
    Board(
        "chaleur",
        "lcz",
        N_("Chaleur : les zones climatiques de ma commune"),
        N_("Où la ville garde la chaleur, qui y vit, et ce que changeraient des arbres."),
    ),
    Board(
        "eclairage",
        "lighting",
        N_("Éclairage nocturne de ma commune"),
        N_("Quand les lumières s'éteignent au cœur de la nuit, et de combien elles ont baissé."),
    ),
    Board(
        "inondation",
        "flood",
        N_("Inondation : l'eau dans ma commune"),
        N_("Jusqu'où l'eau est allée, sa hauteur, et ce qu'elle atteindrait plus haut."),
    ),
    Board(
        "vegetation",
        "vegetation",
        N_("Végétation de ma commune"),
        N_("L'herbe, les arbustes et les arbres : combien il y en a, et où ils manquent."),
    ),
    Board(
        "desimpermeabiliser",
        "desealing",
        N_("Désimperméabiliser ma commune"),
        N_("Quels îlots rendre au sol en premier, selon ce qui compte pour vous."),
    ),
    Board(
        "trait_de_cote",
        "coastline",
        N_("Trait de côte de ma commune"),
        N_("Où la côte recule, où elle avance, de combien de mètres par an."),
    ),
)


def board_of(theme: str) -> Board | None:
    """The dashboard of one theme, or of all (``""``); None for a theme that has none."""
    return next((board for board in BOARDS if board.theme == theme), None)


def address(
    path: str,
    lang: str = "fr",
    insee: str = "",
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    more: Mapping[str, str] | None = None,
) -> str:
    """``path`` with the language, the commune, the settings and more, as links carry them."""
    asked = {"commune": insee} if insee else {}
    asked |= {f"{t}.{n}": v for t, moved in (settings or {}).items() for n, v in moved.items()}
    asked |= more or {}
    if lang != "fr":
        asked["lang"] = lang
    return f"{path}?{urlencode(asked)}" if asked else path
