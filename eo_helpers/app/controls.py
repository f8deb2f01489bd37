"""What a person may move on a theme: sliders and choices, from the bundle's ``controls``."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

import ipywidgets

__all__ = ["Controls"]


class Controls:
    """The controls of one theme.

    Parameters
    ----------
    moved : callable (settings)
        Told ``{name: value}`` of every control that is not where it was at first.
    """

    def __init__(self, moved: Callable[[dict[str, Any]], None]) -> None:
        self._moved = moved
        self._inputs: dict[str, ipywidgets.Widget] = {}
        self._told: list[dict[str, Any]] = []
        self._first: dict[str, Any] = {}
        self._quiet = False
        self._back = ipywidgets.Button(description="Revenir aux réglages de départ")
        self._back.add_class("eo-back")
        self._back.on_click(self._reset)
        self.widget = ipywidgets.VBox([])
        self.widget.add_class("eo-controls")

    def show(self, told: list[dict[str, Any]], settings: dict[str, Any]) -> None:
        """Show these controls; ``settings`` are those that the answer was computed with."""
        same = [c["name"] for c in told] == [c["name"] for c in self._told]
        # A control that nobody moved tells where it stands by itself.
        self._first |= {c["name"]: c["value"] for c in told if c["name"] not in settings}
        if not same:
            self._build(told)
        self._told = told
        self._quiet = True  # an answer that moves a slider asks for no other answer
        for control in told:
            self._inputs[control["name"]].value = control["value"]
        self._quiet = False
        self._back.layout.display = "" if settings else "none"

    def forget(self) -> None:
        """Another commune: nothing can be moved until its answer is there."""
        self._told = []
        self._inputs = {}
        self._first = {}
        self.widget.children = ()

    def settings(self) -> dict[str, Any]:
        """The controls that were moved, with their values."""
        now = {name: field.value for name, field in self._inputs.items()}
        return {name: value for name, value in now.items() if value != self._first.get(name)}

    def _build(self, told: list[dict[str, Any]]) -> None:
        rows: list[ipywidgets.Widget] = []
        self._inputs = {}
        for control in told:
            field = _choice(control) if control["choices"] else _slider(control)
            field.observe(self._hear, names="value")
            self._inputs[control["name"]] = field
            rows.append(field)
            if control["help"]:
                rows.append(ipywidgets.HTML(f'<p class="eo-help">{escape(control["help"])}</p>'))
        self.widget.children = (*rows, self._back) if rows else ()

    def _hear(self, _: Any) -> None:
        if not self._quiet:
            self._moved(self.settings())

    def _reset(self, _: Any) -> None:
        self._moved({})


def _slider(control: dict[str, Any]) -> ipywidgets.Widget:
    unit = f"\u00a0{control['unit']}" if control["unit"] else ""
    slider = ipywidgets.FloatSlider(
        value=control["value"],
        min=control["low"],
        max=control["high"],
        step=control["step"],
        description=f"{control['label']}{unit and ' (' + unit.strip() + ')'}",
        readout_format=f".{control['digits']}f",
        # The answer is asked when the hand lets go, not for each pixel on the way.
        continuous_update=False,
        style={"description_width": "initial"},
    )
    slider.add_class("eo-slider")
    return slider


def _choice(control: dict[str, Any]) -> ipywidgets.Widget:
    choice = ipywidgets.Dropdown(
        options=[(label, value) for value, label in control["choices"]],
        value=control["value"],
        description=control["label"],
        style={"description_width": "initial"},
    )
    choice.add_class("eo-slider")
    return choice
