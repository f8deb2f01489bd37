"""Exercises that check themselves, for workshop notebooks. Kind, in French, for beginners.

Whoever fills in a workshop notebook reads French: so are the names here.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from .text import number

__all__ = ["Exercice", "Verdict"]


@dataclass(frozen=True)
class Verdict:
    """What is said of an answer: ``juste`` (None: no answer yet) and one sentence."""

    juste: bool | None
    phrase: str

    def __bool__(self) -> bool:
        return bool(self.juste)

    def __str__(self) -> str:
        return self.phrase

    __repr__ = __str__

    def _repr_html_(self) -> str:
        # Mark and words say it; colour only helps.
        mark, line, ground = {
            True: ("✓", "#18753c", "#eaf6ee"),
            False: ("→", "#b34000", "#fdf1ea"),
            None: ("…", "#0f6073", "#eef5f7"),
        }[self.juste]
        return (
            f'<p style="margin:8px 0;padding:10px 14px;border-left:4px solid {line};'
            f'background:{ground};color:#161616;font-size:15px">'
            f"<strong>{mark}</strong>&nbsp; {escape(self.phrase)}</p>"
        )


@dataclass(frozen=True)
class Exercice:
    """One exercise: what is expected, and how near is near enough.

    Parameters
    ----------
    attendu : number, text, or collection of them
        The right answer, computed from the data at hand so that the exercise is right for
        any commune.
    unite : str
        Unit of a number, for the sentences.
    tolerance : float
        Largest difference of a number that is still right, in its unit.
    indice : str
        What helps whoever is not there yet.
    explication : str
        What there is to learn from the right answer.
    """

    attendu: Any
    unite: str = ""
    tolerance: float = 0.05
    indice: str = ""
    explication: str = ""

    def verifier(self, reponse: Any) -> Verdict:
        """Say kindly whether the answer is right; never raises, never gives it away."""
        if reponse is None or reponse is Ellipsis:
            return Verdict(
                None, f"À vous de jouer : remplacez les « ... » par votre réponse. {self.indice}"
            )
        said = self._fault(reponse)
        if not said:
            return Verdict(True, f"C'est juste. {self.explication}".strip())
        return Verdict(False, f"Pas encore : {said} {self.indice}".strip())

    def corriger(self, reponse: Any) -> Verdict:
        """:meth:`verifier` for the solution: an :class:`AssertionError` if it is wrong."""
        verdict = self.verifier(reponse)
        if not verdict:
            raise AssertionError(
                f"Le corrigé ne vaut pas pour ces données : {verdict.phrase} "
                f"Attendu : {self.attendu!r}, corrigé : {reponse!r}."
            )
        return verdict

    def _fault(self, reponse: Any) -> str:
        """What is wrong, in words; empty when nothing is."""
        if isinstance(self.attendu, str):
            if not isinstance(reponse, str):
                return "la réponse attendue est un texte, entre guillemets."
            same = _plain(reponse) == _plain(self.attendu)
            return "" if same else f"ce n'est pas « {reponse} »."
        if isinstance(self.attendu, Collection):
            return self._collection_fault(reponse)
        try:
            value = float(reponse)
        except (TypeError, ValueError):
            return "la réponse attendue est un nombre."
        if not math.isfinite(value):
            return "votre calcul ne donne pas un nombre (une valeur manque ?)."
        expected = float(self.attendu)
        if abs(value - expected) <= self.tolerance:
            return ""
        for factor, why in ((100, "un pourcentage plutôt qu'une part"), (1 / 100, "une part")):
            if abs(value * factor - expected) <= self.tolerance:
                return f"vous y êtes presque, on attend {why} (regardez l'unité)."
        far = "trop grand" if value > expected else "trop petit"
        unit = f" {self.unite}" if self.unite else ""
        return f"{number(value, 2)}{unit}, c'est {far}."

    def _collection_fault(self, reponse: Any) -> str:
        if isinstance(reponse, str | Mapping) or not hasattr(reponse, "__iter__"):
            return "la réponse attendue est une liste, par exemple [a, b]."
        given, wanted = {_plain(v) for v in reponse}, {_plain(v) for v in self.attendu}
        lacking, extra = len(wanted - given), len(given - wanted)
        parts = []
        if lacking:
            parts.append(f"il en manque {lacking}")
        if extra:
            parts.append(f"{extra} de trop")
        return f"{' et '.join(parts)}." if parts else ""


def _plain(value: Any) -> str:
    """Without case, accents nor outer spaces: « Élevée » is « elevee »."""
    text = unicodedata.normalize("NFKD", str(value)).encode("ascii", "ignore").decode()
    return " ".join(text.casefold().split())
