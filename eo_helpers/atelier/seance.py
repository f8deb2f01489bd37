"""A workshop that has begun: one commune, one source, and what was computed already."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..errors import InvalidInput, NoData
from ..text import french
from .exercice import Exercice, Verdict

if TYPE_CHECKING:
    from ..findings import Finding
    from ..territory.commune import Commune
    from .sujets import Sujet

__all__ = ["Seance"]

#: At most so many other communes are asked whether a wrong answer is theirs.
NEIGHBOURS = 8


class Seance:
    """What :func:`eo_helpers.atelier.commencer` returns.

    Parameters
    ----------
    sujet : Sujet
    commune : Commune
    source : catalog.Source
    parametres : dict
        What the notebook lets people choose.
    """

    sujet: Sujet
    commune: Commune
    source: Any
    parametres: dict[str, Any]

    def __init__(
        self, sujet: Sujet, commune: Commune, source: Any, parametres: dict[str, Any]
    ) -> None:
        self.sujet = sujet
        self.commune = commune
        self.source = source
        self.parametres = {**sujet.parametres, **parametres}
        unknown = sorted(set(parametres) - set(sujet.parametres))
        if unknown:
            raise InvalidInput(
                f"L'atelier « {sujet.nom} » n'a pas de réglage {', '.join(unknown)}.",
                f"Workshop '{sujet.nom}' has no parameter {', '.join(unknown)}.",
            )
        self._kept: dict[Any, Any] = {}
        self._tries: dict[str, int] = {}
        self._hints: dict[str, int] = {}
        self._done: set[str] = set()

    def __repr__(self) -> str:
        return (
            f"Atelier « {self.sujet.titre} », {self.commune.name} : "
            f"{len(self._done)} exercices justes sur {len(self.sujet.exercices)}"
        )

    # What exercises compute from ---------------------------------------------------------

    def garder(self, calcul: Callable[[Seance], Any]) -> Any:
        """``calcul(self)``, computed once. What is returned is shared: do not modify it."""
        if calcul not in self._kept:
            self._kept[calcul] = calcul(self)
        return self._kept[calcul]

    def ouvrir(self, jeu: str) -> Any:
        """A data set over the commune, as ``eo.open`` reads it, read once."""
        import eo_helpers as eo

        if jeu not in self._kept:
            self._kept[jeu] = eo.open(jeu, self.commune, self.source)
        return self._kept[jeu]

    def analyse(self, theme: str, **parametres: Any) -> Finding:
        """What ``eo.analyse`` says of the commune, computed once."""
        import eo_helpers as eo

        key = (theme, *sorted(parametres.items()))
        if key not in self._kept:
            self._kept[key] = eo.analyse(theme, self.commune, self.source, **parametres)
        return self._kept[key]

    def couche(self, theme: str, nom: str, **parametres: Any) -> Any:
        """The data of one layer of a Finding."""
        layers = self.analyse(theme, **parametres).layers
        return next(layer.data for layer in layers if layer.name == nom)

    @property
    def habitants(self) -> int:
        """Inhabitants of the commune.

        Raises
        ------
        NoData
            If the source does not know them.
        """
        if not self.commune.population:
            raise NoData(
                f"La population de {self.commune.name} n'est pas dans ces données : cet exercice "
                "la demande.",
                f"The population of {self.commune.name} is not in these data: this exercise asks "
                "for it.",
            )
        return self.commune.population

    def voisines(self) -> list[Seance]:
        """The same workshop in the communes around, and in those of the same name."""
        return self.garder(_neighbours)

    def territoire(self) -> Any:
        """The commune and those around it: a ``pandas.DataFrame``, one row a commune.

        Columns ``insee``, ``population``, ``km2`` (area, km²) and ``epci``; the index is the
        name.
        """
        import pandas as pd

        communes = [self.commune, *(seance.commune for seance in self.voisines())]
        columns = {
            "insee": [c.insee for c in communes],
            "population": [c.population for c in communes],
            "km2": [c.area_km2 for c in communes],
            "epci": [c.epci for c in communes],
        }
        return pd.DataFrame(columns, index=pd.Index([c.name for c in communes], name="commune"))

    # What the notebook asks --------------------------------------------------------------

    def exercice(self, nom: str) -> Exercice:
        """One exercise of the workshop.

        Raises
        ------
        InvalidInput
            If there is none of that name.
        """
        for exercice in self.sujet.exercices:
            if exercice.nom == nom:
                return exercice
        names = ", ".join(e.nom for e in self.sujet.exercices)
        raise InvalidInput(
            f"L'atelier « {self.sujet.nom} » n'a pas d'exercice « {nom} ». Il a : {names}.",
            f"Workshop '{self.sujet.nom}' has no exercise '{nom}'. It has: {names}.",
        )

    def verifier(self, nom: str, reponse: Any) -> Verdict:
        """See :func:`eo_helpers.atelier.verifier`."""
        verdict = self.exercice(nom).verifier(reponse, self)
        if verdict.juste is not None:
            self._tries[nom] = self._tries.get(nom, 0) + 1
        if verdict.juste:
            self._done.add(nom)
        return verdict

    def indice(self, nom: str) -> Verdict:
        """See :func:`eo_helpers.atelier.indice`."""
        indices = self.exercice(nom).indices
        asked = self._hints.get(nom, 0)
        if asked >= len(indices):
            return Verdict(
                None,
                french(
                    f"Plus d'indice. Demandez à votre voisin, puis ouvrez solutions/"
                    f"{self.sujet.carnet}. Le dernier indice : {indices[-1]}"
                ),
            )
        self._hints[nom] = asked + 1
        return Verdict(None, french(f"Indice {asked + 1} sur {len(indices)} : {indices[asked]}"))

    def bilan(self) -> Any:
        """See :func:`eo_helpers.atelier.bilan`."""
        import pandas as pd

        rows = [
            {
                "exercice": e.titre,
                "état": "juste" if e.nom in self._done else "à faire",
                "essais": self._tries.get(e.nom, 0),
                "indices": self._hints.get(e.nom, 0),
            }
            for e in self.sujet.exercices
        ]
        return pd.DataFrame(rows, index=range(1, len(rows) + 1))

    def erreurs(self) -> Any:
        """Usual mistakes on these data, and what is said of each: for trainers.

        Returns
        -------
        pandas.DataFrame
            ``exercice``, ``réponse`` (the wrong answer), ``ce qui est dit``, and ``reconnue``:
            whether the verdict names that very mistake.
        """
        import pandas as pd

        rows = []
        for exercice in self.sujet.exercices:
            for wrong, sentence in exercice.erreurs(self):
                said = exercice.verifier(wrong, self)
                rows.append(
                    {
                        "exercice": exercice.nom,
                        "réponse": wrong,
                        "ce qui est dit": said.phrase,
                        "reconnue": said.juste is False and french(sentence[1:]) in said.phrase,
                    }
                )
        return pd.DataFrame(rows)


def _neighbours(seance: Seance) -> list[Seance]:
    from .. import catalog

    index = catalog.communes(seance.source)
    here = seance.commune
    same_name = [match.insee for match in index.search(here.name, NEIGHBOURS)]
    around = index.within(here.bounds)
    # A territory of a few communes (the demonstration, a pack): all of them.
    few = [match.insee for match in index] if len(index) <= NEIGHBOURS else []
    codes = [c for c in dict.fromkeys([*same_name, *around, *few]) if c != here.insee]
    return [
        Seance(seance.sujet, index.get(code), seance.source, seance.parametres)
        for code in codes[:NEIGHBOURS]
    ]
