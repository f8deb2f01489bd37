"""Workshop exercises: a right answer is right, a wrong one is told what is off."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

import eo_helpers as eo
from eo_helpers.atelier import SUJETS, Exercice, Piege
from eo_helpers.atelier.exercice import CONVERSIONS
from eo_helpers.errors import InvalidInput, NoData


def exercise(attendu, unite="%", tolerance=0.05, **options) -> Exercice:
    return Exercice("essai", "Un essai", lambda seance: attendu, unite, tolerance, **options)


class Nowhere:
    """A session without data nor neighbours."""

    def voisines(self) -> list:
        return []


def check(one: Exercice, answer):
    return one.verifier(answer, Nowhere())


def plain(text: str) -> str:
    return text.replace("\u202f", " ").replace("\xa0", " ")


# -- one exercise ---------------------------------------------------------------------------------


def test_no_answer_yet_is_no_fault():
    verdict = check(exercise(3), ...)
    assert verdict.juste is None
    assert "À vous de jouer" in plain(verdict.phrase)


def test_a_whole_number_next_to_the_right_one_is_not_told_to_round_less():
    told = plain(check(exercise(2022.0, ""), 2021).phrase)
    assert "2021, c'est un peu trop petit" in told and "arrondissez" not in told


@pytest.mark.parametrize("answer", [12.3, 12.34, "12.3"])
def test_a_number_near_enough_is_right(answer):
    assert check(exercise(12.3, explication="Bravo."), answer)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (20, "trop grand"),
        (2, "trop petit"),
        (0.123, "multipliez par 100"),
        (-12.3, "signe est à l'envers"),
        (87.7, "la part du reste"),
        (1e4 / 12.3, "rapport est à l'envers"),
        (12.5, "tout près"),
        ((12, 3), "avec un point"),
        ("12,3", "sans guillemets"),
        ("beaucoup", "un nombre"),
        (True, "pas vrai ou faux"),
        (float("nan"), "une valeur manque"),
        ([1, 2], "un seul nombre"),
    ],
)
def test_a_wrong_number_is_told_kindly_and_not_given_away(answer, said):
    verdict = check(exercise(12.3), answer)
    assert verdict.juste is False
    assert said in plain(verdict.phrase)
    assert "12,3" not in verdict.phrase
    assert 'eo.atelier.indice("essai")' in verdict.phrase


def test_a_table_in_place_of_a_number_is_said():
    import pandas as pd

    assert "un seul nombre" in plain(check(exercise(3), pd.Series([3.0])).phrase)


@given(
    st.sampled_from(sorted(CONVERSIONS)),
    st.floats(5, 5000).filter(lambda v: abs(v - 50) > 1),
    st.data(),
)
def test_another_unit_is_recognised_whatever_the_figure(unit, value, data):
    factor, why = data.draw(st.sampled_from(CONVERSIONS[unit]))
    verdict = check(exercise(value, unit, tolerance=1e-6 * value), value * factor)
    assert verdict.juste is False
    # 100 times too much can be two mistakes that are told alike only where the unit says so.
    assert plain(why)[1:20] in plain(verdict.phrase)


def test_a_trap_speaks_before_the_general_mistakes_and_only_where_it_is_one():
    trap = Piege(lambda seance: 0.123, "vous avez compté les îlots.")
    assert "compté les îlots" in check(exercise(12.3, pieges=(trap,)), 0.123).phrase
    harmless = Piege(lambda seance: 12.3, "jamais dit.")
    verdict = check(exercise(12.3, pieges=(harmless,)), 12.3)
    assert verdict and "jamais" not in verdict.phrase


def test_a_text_is_right_whatever_its_case_and_accents():
    one = exercise("Élevée", "")
    assert check(one, " elevee ")
    assert "ce n'est pas" in check(one, "faible").phrase.lower()
    assert "un texte" in check(one, 6).phrase


def test_a_list_is_right_in_any_order():
    one = exercise(["A", "B"], "")
    assert check(one, {"b", "a"})
    assert "manque 1" in check(one, ["A"]).phrase
    assert "1 de trop" in check(one, ["A", "B", "C"]).phrase
    assert "une liste" in check(one, "A").phrase
    assert check(exercise([1, 2], ""), [2.0, 1])


def test_a_verdict_escapes_what_was_typed():
    html = check(exercise("a", ""), "<script>")._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


# -- a workshop on the demonstration --------------------------------------------------------------


@pytest.fixture
def seance(demo_source):
    return eo.atelier.commencer("commune", "Saint-Aubin", demo_source)


def test_the_answer_of_the_commune_next_door_is_named(seance):
    other = next(s for s in seance.voisines() if s.commune.name.startswith("Mesnil"))
    verdict = eo.atelier.verifier("surface_km2", other.commune.area_km2)
    assert verdict.juste is False
    assert "Mesnil-Brévant" in verdict.phrase
    assert "Mesnil" in eo.atelier.verifier("code_insee", other.commune.insee).phrase


def test_hints_come_one_by_one_then_point_to_the_solutions(seance):
    first, second = (eo.atelier.indice("densite").phrase for _ in range(2))
    assert "Indice 1 sur 2" in plain(first) and "Indice 2 sur 2" in plain(second)
    assert "commune.population" not in first
    assert "solutions/atelier_decouvrir" in eo.atelier.indice("densite").phrase


def test_the_balance_counts_tries_and_hints(seance):
    eo.atelier.verifier("densite", 3)
    eo.atelier.verifier("densite", ...)
    eo.atelier.indice("densite")
    eo.atelier.verifier("surface_km2", seance.commune.area_km2)
    table = eo.atelier.bilan().set_index("exercice")
    assert table.loc["La densité"].tolist() == ["à faire", 1, 1]
    assert table.loc["La surface", "état"] == "juste"


@pytest.mark.parametrize(("sujet", "lieu"), [("commune", "99001"), ("chaleur", "99004")])
def test_usual_mistakes_are_named_in_other_communes_too(sujet, lieu, demo_source):
    """Slower workshops prove it on the demonstration, in their notebooks of solutions."""
    seance = eo.atelier.commencer(sujet, lieu, demo_source)
    mistakes = eo.atelier.erreurs()
    assert len(mistakes) > 5
    assert mistakes["reconnue"].all(), mistakes[~mistakes["reconnue"]]
    for one in seance.sujet.exercices:
        assert eo.atelier.verifier(one.nom, one.attendu(seance))


def test_a_wrong_solution_fails_loudly(seance):
    with pytest.raises(AssertionError, match="corrigé"):
        eo.atelier.corriger("densite", 3)


def test_what_is_not_there_is_one_sentence(seance, demo_source, monkeypatch):
    with pytest.raises(InvalidInput, match="chaleur"):
        eo.atelier.commencer("cuisine", "Saint-Aubin", demo_source)
    with pytest.raises(InvalidInput, match="seuil"):
        eo.atelier.commencer("commune", "Saint-Aubin", demo_source, seuil=3)
    with pytest.raises(InvalidInput, match="code_insee"):
        eo.atelier.verifier("codeinsee", 3)
    unknown = dataclasses.replace(seance.commune, population=None)
    empty = eo.atelier.commencer("commune", unknown, demo_source)
    with pytest.raises(NoData, match="population"):
        empty.verifier("densite", 3)
    monkeypatch.setattr(eo.atelier, "_en_cours", None)
    with pytest.raises(InvalidInput, match="commencé"):
        eo.atelier.bilan()


def test_every_exercise_has_hints_and_a_lesson():
    for sujet in SUJETS.values():
        names = [one.nom for one in sujet.exercices]
        assert len(set(names)) == len(names) >= 5
        for one in sujet.exercices:
            assert len(one.indices) >= 2, one.nom
            assert one.explication.endswith("."), one.nom
