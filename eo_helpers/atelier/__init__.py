"""Workshop exercises that check themselves: kind, in French, for beginners.

>>> seance = eo.atelier.commencer("chaleur", commune, source)   # doctest: +SKIP
>>> eo.atelier.verifier("part_des_maisons", 4.7)                # doctest: +SKIP
>>> eo.atelier.indice("part_des_maisons")                       # doctest: +SKIP

What is right is computed from the data at hand, so that an exercise holds for any commune. A
wrong answer is compared with the mistakes that people make (another unit, the sign, a share
for a percentage, the commune next door, a step left out) and the verdict names the one it
looks like; it never gives the answer away. Whoever fills in a workshop notebook reads French:
so are the names here.
"""

from __future__ import annotations

from typing import Any

from ..errors import InvalidInput
from .exercice import Exercice, Piege, Verdict
from .seance import Seance
from .sujets import SUJETS, Sujet

__all__ = [
    "SUJETS",
    "Exercice",
    "Piege",
    "Seance",
    "Sujet",
    "Verdict",
    "bilan",
    "commencer",
    "corriger",
    "erreurs",
    "indice",
    "verifier",
]

_en_cours: Seance | None = None


def commencer(sujet: str, commune: Any, source: Any = None, **parametres: Any) -> Seance:
    """Begin a workshop: the exercises that follow are about this commune.

    Parameters
    ----------
    sujet : str
        One of ``SUJETS``: ``"commune"``, ``"chaleur"``, ``"lumiere"``, ``"inondation"``,
        ``"vegetation"``, ``"desimpermeabiliser"``, ``"cote"``.
    commune : Commune or str
        A commune, or what ``eo.commune`` understands.
    source : catalog.Source, optional
        The demonstration territory by default.
    **parametres
        What the notebook lets people choose (a threshold, a rain), for exercises that use it.

    Raises
    ------
    InvalidInput
        If there is no such workshop.
    UnknownCommune
        If no commune answers to the name.
    """
    global _en_cours
    from .. import catalog

    if sujet not in SUJETS:
        raise InvalidInput(
            f"Il n'y a pas d'atelier « {sujet} ». Les ateliers : {', '.join(SUJETS)}.",
            f"There is no workshop '{sujet}'. Workshops: {', '.join(SUJETS)}.",
        )
    place = source or catalog.open_source("demo")
    where = catalog.communes(place).find(commune) if isinstance(commune, str) else commune
    _en_cours = Seance(SUJETS[sujet], where, place, parametres)
    return _en_cours


def verifier(exercice: str, reponse: Any = ...) -> Verdict:
    """Say kindly whether an answer is right and, if not, what is off.

    Parameters
    ----------
    exercice : str
        Name of the exercise, as the notebook writes it.
    reponse : number, text or collection
        ``...`` means: not answered yet.

    Raises
    ------
    InvalidInput
        If no workshop was begun or it has no such exercise.
    """
    return _seance().verifier(exercice, reponse)


def indice(exercice: str) -> Verdict:
    """Give the next hint of an exercise: a nudge first, nearly the whole way at last.

    Raises
    ------
    InvalidInput
        If no workshop was begun or it has no such exercise.
    """
    return _seance().indice(exercice)


def corriger(exercice: str, reponse: Any) -> Verdict:
    """:func:`verifier`, for the notebooks of solutions.

    Raises
    ------
    AssertionError
        If the solution does not pass on these data.
    InvalidInput
        If no workshop was begun or it has no such exercise.
    """
    verdict = verifier(exercice, reponse)
    if not verdict:
        raise AssertionError(f"Le corrigé de « {exercice} » ne vaut pas ici : {verdict.phrase}")
    return verdict


def bilan() -> Any:
    """Where one is: a ``pandas.DataFrame``, one row an exercise (state, tries, hints).

    Raises
    ------
    InvalidInput
        If no workshop was begun.
    """
    return _seance().bilan()


def erreurs() -> Any:
    """Usual mistakes on these data and what is said of each, for trainers.

    Returns
    -------
    pandas.DataFrame
        See :meth:`eo_helpers.atelier.Seance.erreurs`.

    Raises
    ------
    InvalidInput
        If no workshop was begun.
    """
    return _seance().erreurs()


def _seance() -> Seance:
    if _en_cours is None:
        raise InvalidInput(
            "L'atelier n'a pas commencé : exécutez la cellule qui appelle eo.atelier.commencer "
            "(menu Exécuter, « Exécuter tout ce qui précède »).",
            "The workshop has not begun: run the cell that calls eo.atelier.commencer.",
        )
    return _en_cours
