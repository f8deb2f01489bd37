"""The conversation of a page, without a browser: what is asked, dropped and asked again."""

from __future__ import annotations

import asyncio
import importlib.util
import json
from pathlib import Path

from eo_helpers.app.shell import Shell

_SPEC = importlib.util.spec_from_file_location(
    "fake_answers", Path(__file__).parent / "browser" / "fake_answers.py"
)
fake_answers = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(fake_answers)

TOWN, ISLAND = "99001", "97199"


class Held:
    """Hand-made answers; those about a commune wait until they are let go."""

    def __init__(self) -> None:
        self.answers = fake_answers.FakeAnswers()
        self.hold = ""
        self.free = asyncio.Event()
        self.asked: list[tuple[str, str]] = []

    async def call(self, method, **params):
        if method == "bundle":
            self.asked.append((params["theme"], params["insee"]))
            if params["insee"] == self.hold:
                await self.free.wait()
        return json.loads(self.answers.methods()[method](**params))


async def until(true) -> None:
    for _ in range(1000):
        if true():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("never")


def besides(shell: Shell) -> dict[str, str]:
    return {name: panel._beside.value for name, panel in shell.panels.items()}


def test_a_slider_moved_during_a_comparison_leaves_no_theme_waiting():
    async def talk() -> None:
        client = Held()
        client.hold = ISLAND
        shell = Shell(client)
        shell.pick(TOWN)
        await until(lambda: "Réponse prête" in shell.picker.status)
        shell.set_beside(ISLAND)
        await until(lambda: sum(insee == ISLAND for _, insee in client.asked) == len(shell.panels))
        assert all("Calcul pour" in text for text in besides(shell).values())
        shell.move("flood", {"rise": 0.5})
        await until(lambda: client.asked.count(("flood", ISLAND)) == 2)
        client.free.set()
        await until(lambda: "Comparaison prête" in shell.other.status)
        told = besides(shell)
        assert not [name for name, text in told.items() if "Calcul pour" in text]
        assert "Si l'eau montait de 0.50 m" in told["flood"]
        # What has been compared is not asked again when the slider moves once more.
        before = len(client.asked)
        shell.move("flood", {"rise": 1.0})
        await until(lambda: "Si l'eau montait de 1.00 m" in besides(shell)["flood"])
        assert client.asked[before:] == [("flood", TOWN), ("flood", ISLAND)]

    asyncio.run(talk())
