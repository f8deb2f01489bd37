"""Night lighting: what is measured, seasons, a date, other communes."""

from __future__ import annotations

from typing import Any

from ...errors import InvalidInput
from ..exercice import Exercice, Piege
from .sujet import Sujet

__all__ = ["SUJET"]


def _table(seance: Any) -> Any:
    from ...lighting.zonal import cell_weights, monthly_mean

    tiles = seance.ouvrir("vnp46a3")
    return monthly_mean(tiles, cell_weights(tiles, seance.commune))


def _assessment(seance: Any) -> Any:
    from ...lighting.changes import assess

    table = seance.garder(_table)
    (found,) = assess(table.index, "month", [table["radiance"]], [table["std_error"]])
    return found


def _series(seance: Any) -> Any:
    return seance.garder(_table)["radiance"]


def _strongest_fall(seance: Any) -> Any:
    found = seance.garder(_assessment)
    if not found.classification.events:
        raise InvalidInput(
            f"Rien n'a changé à {seance.commune.name} : choisissez une autre commune pour cet "
            "atelier.",
            f"Nothing changed in {seance.commune.name}: choose another commune for this workshop.",
        )
    return min(found.classification.events, key=lambda e: e.change_percent)


def _month(seance: Any) -> str:
    return seance.garder(_assessment).date(_strongest_fall(seance).index)


def _means(seance: Any, months: int = 24) -> tuple[float, float]:
    """Mean radiance before and after the fall, over so many months each."""
    import pandas as pd

    start, series = pd.Timestamp(_month(seance)), _series(seance)
    before = series.loc[
        start - pd.DateOffset(months=months) : start - pd.DateOffset(months=1)
    ].mean()
    after = series.loc[start : start + pd.DateOffset(months=months - 1)].mean()
    return float(before), float(after)


def _change(seance: Any, months: int = 24) -> float:
    before, after = _means(seance, months)
    return 100 * (after / before - 1)


def _change_over_all(seance: Any) -> float:
    import pandas as pd

    start, series = pd.Timestamp(_month(seance)), _series(seance)
    return 100 * float(series[start:].mean() / series[: start - pd.DateOffset(months=1)].mean() - 1)


def _over_after(seance: Any) -> float:
    before, after = _means(seance)
    return 100 * (after - before) / after


def _practices(seance: Any) -> dict[str, str]:
    """Practice of the communes of the demonstration that the notebook's table lists."""
    from ...catalog import communes, open_source

    demo = open_source("demo")
    index = communes(demo)
    names = seance.parametres["communes"] or index.names()
    there = [type(seance)(seance.sujet, index.find(name), demo, {}) for name in names]
    return {s.commune.name: s.garder(_assessment).classification.practice for s in there}


SUJET = Sujet(
    "lumiere",
    "La nuit de ma commune",
    "atelier_eclairage.ipynb",
    (
        Exercice(
            "mois_mesures",
            "Compter les mesures",
            lambda s: int(_series(s).notna().sum()),
            "mois",
            0.5,
            indices=(
                'serie["radiance"].notna() dit vrai ou faux pour chaque mois.',
                "La somme d'une colonne de vrais et de faux compte les vrais : .sum().",
            ),
            explication="Un trou reste un trou : le combler ferait croire à une mesure.",
            pieges=(
                Piege(
                    lambda s: len(_series(s)),
                    "ce sont tous les mois de la période ; certains n'ont pas de mesure.",
                ),
                Piege(
                    lambda s: int(_series(s).isna().sum()),
                    "ce sont les mois sans mesure ; on compte les autres.",
                ),
            ),
            voisines=False,
        ),
        Exercice(
            "annee",
            "À l'œil",
            lambda s: int(_month(s)[:4]),
            "",
            0.5,
            indices=(
                "Cherchez la marche, pas les vagues.",
                "Les vagues reviennent chaque année ; la marche, non. Où le niveau ne remonte-t-il "
                "plus ?",
            ),
            explication="Les vagues sont les saisons ; la marche est un changement.",
            pieges=(
                Piege(lambda s: int(_month(s)[:4]) - 1, "vous y êtes presque : un peu plus tard."),
                Piege(lambda s: int(_month(s)[:4]) + 1, "vous y êtes presque : un peu plus tôt."),
                Piege(
                    lambda s: int(_series(s).idxmax().year),
                    "c'est l'année du mois le plus lumineux : une vague, pas la marche.",
                ),
                Piege(
                    lambda s: int(_series(s).idxmin().year),
                    "c'est l'année du mois le plus sombre : une vague, pas la marche.",
                ),
            ),
        ),
        Exercice(
            "premier_mois",
            "La date, et son intervalle",
            _month,
            indices=(
                'La réponse est un texte, comme "2020-03".',
                "Lisez la colonne date de la table, à la ligne de la plus forte baisse.",
                'evenements.loc[evenements["change_percent"].idxmin(), "date"]',
            ),
            explication="date_low et date_high disent entre quels mois cela a pu se passer.",
            pieges=(
                Piege(
                    lambda s: s.garder(_assessment).date(_strongest_fall(s).index - 1),
                    "c'est le dernier mois à l'ancien niveau ; on demande le suivant.",
                ),
                Piege(
                    lambda s: _month(s)[:4],
                    "c'est l'année ; on demande le mois aussi, comme « 2020-03 ».",
                ),
                Piege(
                    lambda s: f"{_month(s)[5:]}-{_month(s)[:4]}",
                    "l'année d'abord, comme « 2020-03 ».",
                ),
                Piege(
                    lambda s: f"{_month(s)[:5]}{int(_month(s)[5:7])}",
                    "le mois s'écrit avec deux chiffres, comme « 2020-03 ».",
                ),
            ),
            voisines=True,
        ),
        Exercice(
            "changement",
            "Comparer les mêmes saisons",
            _change,
            "%",
            0.5,
            indices=(
                "Un changement en % : (après / avant - 1) × 100.",
                "avant et apres sont des séries : prenez leur moyenne, .mean().",
                "100 * (apres.mean() / avant.mean() - 1)",
            ),
            explication="La méthode du paquet modélise les saisons et donne un intervalle.",
            pieges=(
                Piege(
                    lambda s: _means(s)[1] - _means(s)[0],
                    "c'est un écart de radiance ; divisez-le par le niveau d'avant.",
                ),
                Piege(
                    _over_after,
                    "vous avez divisé par le niveau d'après ; on rapporte au niveau d'avant.",
                ),
                Piege(
                    lambda s: 100 * _means(s)[1] / _means(s)[0],
                    "c'est ce qui reste de la lumière ; on demande ce qui a changé : ôtez 100.",
                ),
                Piege(
                    lambda s: _change(s, 12),
                    "c'est sur douze mois de chaque côté ; on en demande vingt-quatre.",
                ),
                Piege(
                    _change_over_all,
                    "vous avez pris toute la série ; gardez 24 mois de chaque côté.",
                ),
            ),
        ),
        Exercice(
            "rallumees",
            "Quelles communes ont rallumé ?",
            lambda s: [name for name, what in s.garder(_practices).items() if what == "rallumage"],
            indices=(
                "Cherchez le mot « rallumage » dans la table.",
                "La réponse est une liste de noms, même s'il n'y en a qu'un : [\"Nom\"].",
            ),
            explication="Une commune peut éteindre puis rallumer : l'histoire compte plus que la "
            "dernière image.",
            pieges=(
                Piege(
                    lambda s: [
                        n for n, what in s.garder(_practices).items() if "extinction" in what
                    ],
                    "ce sont les communes éteintes ; on cherche celles qui ont rallumé.",
                ),
            ),
        ),
    ),
    {"communes": ()},
)
