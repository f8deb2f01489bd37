"""What a person may move on a theme: sliders and choices, from the bundle's ``controls``."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets
import traitlets

from .plain import Plain
from .words import translator

__all__ = ["Controls", "Slider"]


class Slider(anywidget.AnyWidget):
    """A native range field: it has a label, and says its value with unit in its language.

    ``value`` changes when the hand lets go, not for each pixel on the way.
    """

    _esm = (Path(__file__).resolve().parent / "slider.js").read_text(encoding="utf-8")

    value = traitlets.Float(0.0).tag(sync=True)
    min = traitlets.Float(0.0).tag(sync=True)
    max = traitlets.Float(1.0).tag(sync=True)
    step = traitlets.Float(0.1).tag(sync=True)
    digits = traitlets.Int(1).tag(sync=True)
    label = traitlets.Unicode("").tag(sync=True)
    unit = traitlets.Unicode("").tag(sync=True)
    lang = traitlets.Unicode("fr").tag(sync=True)


class Controls:
    """The controls of one theme.

    Parameters
    ----------
    moved : callable (settings)
        Told ``{name: value}`` of every control that is not where it was at first.
    lang : str
        Language of the labels.
    plain : Plain, optional
        What makes the page's plain widgets.
    """

    def __init__(
        self,
        moved: Callable[[dict[str, Any]], None],
        lang: str = "fr",
        plain: Plain | None = None,
    ) -> None:
        self._lang = lang
        self._plain = plain or Plain()
        self._moved = moved
        self._inputs: dict[str, ipywidgets.Widget] = {}
        self._told: list[dict[str, Any]] = []
        self._first: dict[str, Any] = {}
        self._quiet = False
        _ = translator(lang)
        self._back = ipywidgets.Button(description=_("Revenir aux réglages de départ"))
        self._back.add_class("eo-back")
        self._back.on_click(self._reset)
        self.widget = self._plain.box("eo-controls")

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
            field = _choice(control) if control["choices"] else _slider(control, self._lang)
            field.observe(self._hear, names="value")
            self._inputs[control["name"]] = field
            parts = [field]
            if control["help"]:
                words = f'<p class="eo-help">{escape(control["help"])}</p>'
                parts.append(self._plain.html(value=words))
            rows.append(self._plain.box("eo-control", parts))
        self.widget.children = (*rows, self._back) if rows else ()

    def _hear(self, _: Any) -> None:
        if not self._quiet:
            self._moved(self.settings())

    def _reset(self, _: Any) -> None:
        self._moved({})


def _slider(control: dict[str, Any], lang: str) -> ipywidgets.Widget:
    slider = Slider(
        value=control["value"],
        min=control["low"],
        max=control["high"],
        step=control["step"],
        digits=control["digits"],
        label=control["label"],
        unit=control["unit"] or "",
        lang=lang,
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
