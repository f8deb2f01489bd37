"""One exercise: what is right, what people answer instead, and hints."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from ..errors import EoError
from ..text import french, number

if TYPE_CHECKING:
    from .seance import Seance

__all__ = ["Exercice", "Piege", "Verdict"]

#: Another unit that people answer in: factor to it from the one that is asked, and what to say.
CONVERSIONS: Mapping[str, tuple[tuple[float, str], ...]] = {
    "%": (
        (0.01, "c'est une part, entre 0 et 1 ; on attend un pourcentage : multipliez par 100."),
        (100, "vous avez multiplié par 100 une fois de trop."),
    ),
    "points": ((0.01, "ce sont des parts, entre 0 et 1 ; un point est un centième."),),
    "m²": (
        (1e-4, "ce sont des hectares ; on attend des m², et 1 ha = 10 000 m²."),
        (1e-6, "ce sont des km² ; on attend des m², et 1 km² = 1 000 000 m²."),
        (100, "un pourcentage se divise par 100 avant de multiplier une surface."),
    ),
    "ha": (
        (1e4, "ce sont des m² ; on attend des hectares, et 1 ha = 10 000 m²."),
        (0.01, "ce sont des km² ; on attend des hectares, et 1 km² = 100 ha."),
    ),
    "km²": (
        (100, "ce sont des hectares ; on attend des km², et 1 km² = 100 ha."),
        (1e6, "ce sont des m² ; on attend des km², et 1 km² = 1 000 000 m²."),
    ),
    "hab/km²": (
        (0.01, "ce sont des habitants par hectare ; on attend par km², et 1 km² = 100 ha."),
        (1e-6, "ce sont des habitants par m² ; on attend par km², et 1 km² = 1 000 000 m²."),
    ),
    "m": (
        (100, "ce sont des centimètres ; on attend des mètres."),
        (0.001, "ce sont des kilomètres ; on attend des mètres."),
    ),
    "m/an": (
        (100, "ce sont des centimètres par an ; on attend des mètres par an."),
        (10, "c'est par dix ans ; on attend des mètres par an."),
    ),
    "m³": (
        (1000, "ce sont des litres ; on attend des m³, et 1 m³ = 1 000 litres."),
        (0.001, "vous avez divisé par 1 000 une fois de trop."),
    ),
    "habitants": ((100, "un pourcentage se divise par 100 avant de multiplier un nombre."),),
}


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
class Piege:
    """A mistake that people make: the answer it leads to, and what to say of it."""

    valeur: Callable[[Seance], Any]
    phrase: str


@dataclass(frozen=True)
class Exercice:
    """One exercise: how to compute what is right, and how near is near enough.

    Parameters
    ----------
    nom : str
        What the notebook calls it; the name of the variable to fill in.
    titre : str
        A few words, for :func:`eo_helpers.atelier.bilan`.
    attendu : callable(Seance) -> number, text or collection of texts
        The right answer, computed from the data of the session.
    unite : str
        Unit of a number: fixes which other units are recognised in a wrong answer.
    tolerance : float
        Largest difference of a number that is still right, in its unit.
    indices : tuple of str
        Hints, from a nudge to nearly the whole way.
    explication : str
        What there is to learn from the right answer.
    pieges : tuple of Piege
        Mistakes of this very exercise.
    voisines : bool
        Whether the answer is cheap enough to be computed for other communes too, and
        particular enough for « this is the figure of … » to mean something.
    """

    nom: str
    titre: str
    attendu: Callable[[Seance], Any]
    unite: str = ""
    tolerance: float = 0.05
    indices: tuple[str, ...] = ()
    explication: str = ""
    pieges: tuple[Piege, ...] = ()
    voisines: bool = False

    def verifier(self, reponse: Any, seance: Seance) -> Verdict:
        """Say kindly whether the answer is right; never gives it away."""
        if reponse is None or reponse is Ellipsis:
            return Verdict(
                None,
                french("À vous de jouer : remplacez les « ... » par votre réponse, puis exécutez."),
            )
        attendu = self.attendu(seance)
        said = _wrong_kind(attendu, reponse)
        if not said and self._same(attendu, reponse):
            return Verdict(True, french(f"C'est juste. {self.explication}".strip()))
        said = said or self._fault(attendu, reponse, seance)
        return Verdict(
            False, french(f'Pas encore : {said} Un indice ? eo.atelier.indice("{self.nom}")')
        )

    def erreurs(self, seance: Seance) -> Iterator[tuple[Any, str]]:
        """Usual wrong answers on these data, each with what should be said of it."""
        attendu = self.attendu(seance)
        mistakes = [(piege.valeur(seance), piege.phrase) for piege in self.pieges]
        if isinstance(attendu, int | float) and abs(attendu) > self.tolerance:
            mistakes += [(float(attendu) * f, why) for f, why in CONVERSIONS.get(self.unite, ())]
        told: list[Any] = []
        for wrong, why in mistakes:
            # Two mistakes may lead to one answer on some data: the first one is told.
            if not self._no_trap(attendu, wrong) and not any(self._alike(t, wrong) for t in told):
                told.append(wrong)
                yield wrong, why

    def _no_trap(self, attendu: Any, wrong: Any) -> bool:
        """Whether a trap happens to hold the truth here, or nothing of the right kind."""
        return bool(_wrong_kind(attendu, wrong)) or self._same(attendu, wrong)

    def _alike(self, trap: Any, reponse: Any) -> bool:
        return not _wrong_kind(trap, reponse) and self._same(trap, reponse)

    def _same(self, attendu: Any, reponse: Any) -> bool:
        if isinstance(attendu, str):
            return _plain(reponse) == _plain(attendu)
        if isinstance(attendu, Collection):
            return {_plain(v) for v in reponse} == {_plain(v) for v in attendu}
        return abs(float(reponse) - float(attendu)) <= self.tolerance

    def _fault(self, attendu: Any, reponse: Any, seance: Seance) -> str:
        """What a wrong answer of the right kind looks like, in words."""
        for piege in self.pieges:
            wrong = piege.valeur(seance)
            if not self._no_trap(attendu, wrong) and self._alike(wrong, reponse):
                return piege.phrase
        if isinstance(attendu, str):
            return self._next_door(reponse, seance) or f"ce n'est pas « {reponse} »."
        if isinstance(attendu, Collection):
            return _collection_fault(attendu, reponse)
        return (
            next(self._number_faults(float(attendu), float(reponse)), "")
            or self._next_door(reponse, seance)
            or self._size(float(attendu), float(reponse))
        )

    def _number_faults(self, attendu: float, value: float) -> Iterator[str]:
        """Mistakes that leave a mark on a number: unit, sign, the rest, the ratio turned over."""
        if abs(attendu) <= self.tolerance:
            return
        for factor, why in CONVERSIONS.get(self.unite, ()):
            if abs(value / factor - attendu) <= self.tolerance:
                yield why
            if abs(value / factor + attendu) <= self.tolerance:
                yield f"le signe est à l'envers, et {why}"
        if abs(value + attendu) <= self.tolerance:
            yield "le nombre est bon, son signe est à l'envers (après moins avant)."
        if self.unite == "%" and abs(100 - value - attendu) <= self.tolerance:
            yield "c'est la part du reste : 100 moins la réponse attendue."
        scale = 1e4 if self.unite == "%" else 1.0
        if value and abs(scale / value - attendu) <= self.tolerance:
            yield "le rapport est à l'envers : échangez ce qui divise et ce qui est divisé."

    def _next_door(self, reponse: Any, seance: Seance) -> str:
        """« This is the figure of … », where another commune of the source has it."""
        for autre in seance.voisines() if self.voisines else ():
            try:
                theirs = self.attendu(autre)
            except EoError:  # that commune has no data: it cannot be what was answered
                continue
            if not _wrong_kind(theirs, reponse) and self._same(theirs, reponse):
                return f"c'est la réponse pour {autre.commune.name}, pas {seance.commune.name}."
        return ""

    def _size(self, attendu: float, value: float) -> str:
        far = "trop grand" if value > attendu else "trop petit"
        near = abs(value - attendu) <= 0.02 * abs(attendu)
        if value.is_integer() and attendu.is_integer():
            # A count, or a year (which is written without a space): nothing was rounded there.
            said = f"{number(value)} {self.unite}" if self.unite else f"{value:.0f}"
            return f"{said}, c'est un peu {far}." if near else f"{said}, c'est {far}."
        said = number(value, 0 if value.is_integer() else 2)
        said += f" {self.unite}" if self.unite else ""
        if near:
            return f"{said}, c'est tout près : n'arrondissez pas en route."
        return f"{said}, c'est {far}."


def _wrong_kind(attendu: Any, reponse: Any) -> str:
    """What is wrong with the kind of an answer, whatever its value; empty when nothing is."""
    if isinstance(attendu, str):
        if isinstance(reponse, str):
            return ""
        return "la réponse attendue est un texte, entre guillemets."
    if isinstance(attendu, Collection):
        if isinstance(reponse, str | Mapping) or not hasattr(reponse, "__iter__"):
            return "la réponse attendue est une liste, par exemple [a, b]."
        return ""
    if isinstance(reponse, tuple) and len(reponse) == 2:
        return "en Python la virgule sépare deux nombres ; écrivez 12.3 avec un point."
    if isinstance(reponse, list | tuple | set | Mapping) or getattr(reponse, "ndim", False):
        return "la réponse attendue est un seul nombre ; il reste une table ou une liste."
    if isinstance(reponse, bool):
        return "la réponse attendue est un nombre, pas vrai ou faux."
    try:
        value = float(reponse)
    except (TypeError, ValueError):
        if isinstance(reponse, str) and reponse.replace(",", ".", 1).replace(".", "", 1).isdigit():
            return "écrivez le nombre sans guillemets, avec un point : 12.3."
        return "la réponse attendue est un nombre."
    if not math.isfinite(value):
        return "votre calcul ne donne pas un nombre (une valeur manque ?)."
    return ""


def _collection_fault(attendu: Collection[Any], reponse: Collection[Any]) -> str:
    given, wanted = {_plain(v) for v in reponse}, {_plain(v) for v in attendu}
    lacking, extra = len(wanted - given), len(given - wanted)
    parts = []
    if lacking:
        parts.append(f"il en manque {lacking}")
    if extra:
        parts.append(f"{extra} de trop")
    return f"{' et '.join(parts)}."


def _plain(value: Any) -> str:
    """Without case, accents nor outer spaces: « Élevée » is « elevee », 3.0 is 3."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = unicodedata.normalize("NFKD", str(value)).encode("ascii", "ignore").decode()
    return " ".join(text.casefold().split())
