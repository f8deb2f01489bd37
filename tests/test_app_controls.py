"""Sliders and choices: what a person moves is told once, what an answer moves is not."""

from __future__ import annotations

from eo_helpers.app.controls import Controls


def told(**more):
    base = {"label": "x", "low": 0.0, "high": 3.0, "step": 0.5, "unit": "", "digits": 1,
            "choices": [], "help": None}  # fmt: skip
    return [
        {**base, "name": "weight", "value": more.get("weight", 1.0)},
        {**base, "name": "method", "value": more.get("method", "sum"),
         "choices": [("sum", "Somme"), ("duel", "Duels")]},
    ]  # fmt: skip


def test_a_slider_and_a_choice_tell_what_was_moved():
    heard = []
    controls = Controls(heard.append)
    controls.show(told(), {})
    assert heard == []
    controls._inputs["method"].value = "duel"
    controls._inputs["weight"].value = 2.0
    assert heard == [{"method": "duel"}, {"weight": 2.0, "method": "duel"}]
    # The answer comes back with them: nobody is asked again.
    controls.show(told(weight=2.0, method="duel"), {"weight": 2.0, "method": "duel"})
    assert len(heard) == 2
    controls._back.click()
    assert heard[-1] == {}
