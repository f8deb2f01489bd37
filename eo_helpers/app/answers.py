"""What the service answers: communes, and the bundle of a theme, from one source.

The heavy libraries are imported here, when first needed: in the analysis service,
or in the process of a notebook that works without one.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import logging
import math
import os
from collections.abc import Callable, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from cachetools import LRUCache

from ..errors import EoError, InvalidInput
from ..territory.departements import departement_name
from .kept import cached, code_stamp, cut_back, exports_folder, keep

__all__ = ["Answers", "dumps", "failure", "from_environment"]

log = logging.getLogger(__name__)

#: Findings that a process keeps.
FINDINGS = 8

#: Layers that are not shown at first and are longer than this (bytes) wait to be chosen.
LIGHT = 20_000

#: More controls than any theme has are no question of ours.
MOST_CONTROLS = 30

#: How many communes a person is offered before having typed anything.
EXAMPLES = 6

#: A file that is wider is not about one commune.
LOCAL_DEGREES = 0.5

#: A commune is shown at map scales at which 0.0003° (about 30 m) cannot be told apart.
OUTLINE_TOLERANCE = 0.0003

UNEXPECTED = {
    "fr": "L'analyse n'a pas abouti. Le reste de la page fonctionne\u00a0: "
    "réessayez dans un instant ou choisissez une autre commune.",
    "en": "The analysis did not succeed. The rest of the page works: "
    "try again in a moment or pick another commune.",
}


def dumps(value: Any) -> bytes:
    """JSON as UTF-8 bytes; NaN is an error, because no browser reads it."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def moved_controls(settings: str) -> dict[str, float | str]:
    """The controls that a visitor moved: numbers as numbers, nothing that is not plain.

    Raises
    ------
    InvalidInput
        If it is no JSON object of numbers and short texts.
    """
    try:
        moved = json.loads(settings) if settings else {}
        fine = isinstance(moved, dict) and len(moved) <= MOST_CONTROLS
        for name, value in moved.items() if fine else ():
            fine = fine and name.isidentifier() and len(str(value)) <= 60
            if isinstance(value, bool) or not isinstance(value, int | float | str):
                fine = False
            elif not isinstance(value, str):
                moved[name] = float(value)
                fine = fine and math.isfinite(moved[name])
    except ValueError:
        fine = False
    if not fine:
        raise _no_settings()
    return moved


def _no_settings() -> InvalidInput:
    return InvalidInput(
        "Les réglages de cette adresse ne se lisent pas : rouvrez la page sans eux.",
        "The settings in this address cannot be read: open the page again without them.",
    )


def settings_by_theme(settings: str) -> dict[str, str]:
    """The moved controls of several themes: each theme's as a JSON object of its own.

    Raises
    ------
    InvalidInput
        If it is no JSON object of objects.
    """
    try:
        told = json.loads(settings) if settings else {}
        return {str(theme): json.dumps(moved, sort_keys=True) for theme, moved in told.items()}
    except (ValueError, AttributeError) as error:
        raise _no_settings() from error


def failure(error: Exception) -> dict[str, Any]:
    """An error as a session may see it: two sentences and a kind, never a traceback."""
    if isinstance(error, EoError):
        known = {"kind": type(error).__name__, "fr": error.fr, "en": error.en}
        return known | {"suggestions": list(getattr(error, "suggestions", ()))}
    log.error("unexpected error", exc_info=error)
    return {"kind": "Unexpected", **UNEXPECTED, "suggestions": []}


def from_environment() -> Answers:
    """Answers from the source that EO_HELPERS_SOURCE and EO_HELPERS_DATA name."""
    data = os.environ.get("EO_HELPERS_DATA")
    return Answers(
        os.environ.get("EO_HELPERS_SOURCE") or ("files" if data else "demo"),
        [Path(part) for part in data.split(os.pathsep)] if data else None,
    )


class Answers:
    """Everything a session can ask, computed from one source.

    Parameters
    ----------
    source : str
        ``"demo"``, ``"files"`` or ``"online"``.
    data : sequence of Path, optional
        The user's folders, for ``"files"``.
    """

    def __init__(self, source: str = "demo", data: Sequence[Path] | None = None) -> None:
        self.source_name = source
        self.data = list(data) if data else None
        #: The last Findings of this process: a sheet is often asked of what is on screen.
        self._findings: LRUCache[str, Any] = LRUCache(FINDINGS)

    @cached_property
    def source(self) -> Any:
        """The opened source."""
        from .. import catalog

        return catalog.open_source(self.source_name, self.data)

    @cached_property
    def index(self) -> Any:
        """The communes of the source."""
        from .. import catalog

        return catalog.communes(self.source)

    def methods(self) -> dict[str, Callable[..., bytes]]:
        """What can be asked, by name; everything returns JSON bytes."""
        return {
            "about": self.about,
            "search": self.search,
            "commune": self.commune,
            "at": self.at,
            "standing": self.standing,
            "bundle": self.bundle,
            "layer": self.layer,
            "export": self.export,
        }

    def about(self, lang: str = "fr") -> bytes:
        """Themes, kind of source, and a few communes to begin with."""
        from ..findings import THEMES

        return dumps(
            {
                "source": self.source_name,
                "demonstration": bool(self.source.demonstration),
                "online": self.source_name == "online",
                "themes": [{"name": t.name, "title": dict(t.title)} for t in THEMES],
                "examples": [
                    _match(m, lang, bool(self.source.demonstration)) for m in self._examples()
                ],
            }
        )

    def search(self, query: str, limit: int = 8, lang: str = "fr") -> bytes:
        """Communes that answer to what was typed, best first."""
        if len(query) > 100:
            raise InvalidInput(
                "Le nom cherché est trop long : quelques lettres suffisent.",
                "This name is too long: a few letters are enough.",
            )
        found = self.index.search(query, limit=min(int(limit), 20))
        return dumps([_match(m, lang, bool(self.source.demonstration)) for m in found])

    def commune(self, insee: str, lang: str = "fr") -> bytes:
        """Name, outline and plain ground of one commune."""
        import shapely

        commune = self.index.get(insee)
        west, south, east, north = commune.bounds
        outline = shapely.simplify(commune.boundary, OUTLINE_TOLERANCE)
        return dumps(
            {
                "insee": commune.insee,
                "name": commune.name,
                "label": place(
                    commune.departement, commune.population, lang, bool(commune.demonstration)
                ),
                "bounds": [[south, west], [north, east]],
                "outline": shapely.geometry.mapping(outline),
                "demonstration": bool(commune.demonstration),
                "ground": self._ground((west + east) / 2, (south + north) / 2),
            }
        )

    def at(self, lat: float, lon: float, lang: str = "fr") -> bytes:
        """The commune that holds a point (degrees, EPSG:4326): ``{"item": …}`` or None."""
        lat, lon = float(lat), float(lon)
        if not (-90 <= lat <= 90 and -180 <= lon <= 180):  # and no NaN
            raise InvalidInput(
                "Cette position n'est pas sur la Terre : latitude et longitude en degrés.",
                "This position is not on Earth: latitude and longitude in degrees.",
            )
        found = self._holding(lon, lat)
        if not found:
            return dumps({"item": None})
        match = self.index.search(found[0], limit=1)[0]
        return dumps({"item": _match(match, lang, bool(self.source.demonstration))})

    def standing(self, insee: str, lang: str = "fr") -> bytes:
        """How the data of a commune stand, data set by data set; empty unless online."""
        if self.source_name != "online":
            return dumps([])
        from ..catalog import title
        from ..catalog.online import providers
        from ..catalog.standing import STATES, standing
        from ..lighting.provider import provider

        rows = standing(self.index.get(insee), [*providers(), provider(None)])
        return dumps(
            [
                {
                    "title": title(row.dataset)[lang],
                    "themes": list(row.themes),
                    "state": row.state,
                    "words": STATES[row.state][lang],
                    "part": row.part,
                    "read_at": row.read_at[:10],
                    "told": row.told[lang] if row.told else "",
                }
                for row in rows
            ]
        )

    def bundle(self, theme: str, insee: str, lang: str = "fr", settings: str = "") -> bytes:
        """What one theme says of one commune, ready to be shown; kept on disk.

        ``settings`` are the controls that a visitor moved, as a JSON object.
        """
        key = self.bundle_key(theme, insee, lang, settings)
        kept = cached(key)
        if kept is not None:
            return kept
        answer, later = self._split(theme, insee, lang, settings)
        for name, layer in later.items():
            keep(self._name_of(key, name), layer)
        keep(key, answer)
        return answer

    def _split(
        self, theme: str, insee: str, lang: str, settings: str
    ) -> tuple[bytes, dict[str, bytes]]:
        """The answer as it is shown first, and the heavy layers that wait to be chosen."""
        from ..views.bundle import bundle, first_shown

        whole = bundle(self.finding(theme, insee, settings), lang)
        seen = first_shown(whole["layers"])
        later, layers = {}, []
        for layer in whole["layers"]:
            written = dumps(layer)
            if layer["name"] in seen or len(written) < LIGHT:
                layers.append(layer)
                continue
            later[layer["name"]] = written
            drawn = ("png", "geojson", "labels")
            layers.append({k: v for k, v in layer.items() if k not in drawn} | {"later": True})
        return dumps({**whole, "layers": layers}), later

    def layer(
        self, theme: str, insee: str, name: str, lang: str = "fr", settings: str = ""
    ) -> bytes:
        """One layer of an answer, whole: asked when a person chooses that map."""
        kept = cached(self.layer_key(theme, insee, name, lang, settings))
        if kept is not None:
            return kept
        found = self._split(theme, insee, lang, settings)[1].get(name)
        if found is None:
            raise InvalidInput(
                f"Le thème « {theme} » n'a pas de carte « {name} » pour cette commune.",
                f"Theme '{theme}' has no map '{name}' for this commune.",
            )
        keep(self.layer_key(theme, insee, name, lang, settings), found)
        return found

    def layer_key(
        self, theme: str, insee: str, name: str, lang: str = "fr", settings: str = ""
    ) -> str:
        """Name of the kept layer: it lives and dies with its answer."""
        return self._name_of(self.bundle_key(theme, insee, lang, settings), name)

    @staticmethod
    def _name_of(key: str, layer: str) -> str:
        # The name comes from a page: it must not lead to another file.
        return hashlib.sha256(f"{key}/{layer}".encode()).hexdigest()

    def finding(self, theme: str, insee: str, settings: str = "") -> Any:
        """The Finding itself, with the controls where the visitor left them."""
        from ..findings import THEMES

        key = self.bundle_key(theme, insee, "", settings)
        if key in self._findings:
            return self._findings[key]
        chosen = THEMES[theme]
        moved = moved_controls(settings)
        unknown = [name for name in moved if name not in chosen.controls]
        if unknown:
            raise InvalidInput(
                f"Le thème « {theme} » n'a pas de réglage « {unknown[0]} ».",
                f"Theme '{theme}' has no control '{unknown[0]}'.",
            )
        found = chosen.analyse(self.index.get(insee), self.source, **moved)
        self._findings[key] = found
        return found

    def export(
        self,
        insee: str,
        ending: str,
        lang: str = "fr",
        theme: str = "",
        settings: str = "",
        link: str = "",
    ) -> bytes:
        """Write a file about a commune and tell where it is: ``{"path": …, "name": …}``.

        ``theme`` is empty for all themes; ``settings`` are then controls by theme,
        ``{"flood": {"rise": 0.5}}``.
        """
        from ..findings import THEMES
        from ..territory.names import normalise
        from ..views.exports import export

        commune = self.index.get(insee)
        by_theme = settings_by_theme(settings)
        names = [theme] if theme else list(THEMES.names)
        findings = [self.finding(name, insee, by_theme.get(name, "")) for name in names]
        name = "_".join(
            [normalise(commune.name).replace(" ", "_"), insee, *([theme] if theme else [])]
        )
        path = exports_folder() / self.export_key(insee, ending, lang, theme, settings, link)
        try:
            path.mkdir(parents=True, exist_ok=True)
            written = export(findings, path / f"{name}.{ending}", lang, link or None)
            cut_back(path.parent, "*/*")
        except OSError as error:
            log.error("an export could not be written: %s", error.strerror)
            raise EoError(
                "Le fichier n'a pas pu être écrit : le disque du serveur est plein ou protégé. "
                "La page elle-même fonctionne ; prévenez la personne qui l'a démarrée.",
                "The file could not be written: the server's disk is full or protected. The page "
                "itself works; tell the person who started it.",
            ) from error
        return dumps({"path": str(written), "name": written.name})

    def export_key(
        self,
        insee: str,
        ending: str,
        lang: str = "fr",
        theme: str = "",
        settings: str = "",
        link: str = "",
    ) -> str:
        """Name of the folder of an export: changes with all that it depends on."""
        by_theme = sorted(settings_by_theme(settings).items())
        asked = [insee, ending, lang, theme, by_theme, link]
        asked += [self.source_name, self.source.fingerprint(), code_stamp()]
        return hashlib.sha256(dumps(asked)).hexdigest()

    def bundle_key(self, theme: str, insee: str, lang: str = "fr", settings: str = "") -> str:
        """Name of the kept answer: changes with the data, the code and the question."""
        moved = sorted(moved_controls(settings).items())
        asked = [theme, insee, lang, moved]
        asked += [self.source_name, self.source.fingerprint(), code_stamp()]
        return hashlib.sha256(dumps(asked)).hexdigest()

    def _examples(self) -> list[Any]:
        """Communes to begin with: those that the data are about, then the largest ones."""
        from .. import catalog

        chosen: list[str] = []
        if not self.source.demonstration:
            for dataset in catalog.datasets():
                for item in self.source.items(dataset):
                    chosen += self._around(item.bbox)
        told = {m.insee: m for m in self.index.search("", limit=EXAMPLES)}
        if any(m.population is not None for m in told.values()):
            chosen += told  # without populations it would be the first of the alphabet
        found = []
        for insee in list(dict.fromkeys(chosen))[:EXAMPLES]:
            found.append(told[insee] if insee in told else self.index.search(insee, limit=1)[0])
        return found

    def _around(self, bbox: Sequence[float] | None) -> list[str]:
        """The commune in the middle of a file that is small enough to be about it."""
        if not bbox or max(bbox[2] - bbox[0], bbox[3] - bbox[1]) > LOCAL_DEGREES:
            return []
        return self._holding((bbox[0] + bbox[2]) / 2, (bbox[1] + bbox[3]) / 2)

    def _holding(self, lon: float, lat: float) -> list[str]:
        """INSEE codes of the communes whose ground holds a point; no more than one, as a rule."""
        import shapely

        point = shapely.Point(lon, lat)
        near = self.index.within((lon, lat, lon, lat))
        return [insee for insee in near if self.index.get(insee).boundary.contains(point)]

    def _ground(self, lon: float, lat: float) -> dict[str, Any] | None:
        """The drawn basemap of the demonstration around a point, as a data URI."""
        if not self.source.demonstration:
            return None
        from .. import demo

        # A pack of the demonstration is shown without it: nobody waits for it to be drawn.
        built = demo.built()
        if built is None:
            return None
        for described in sorted(built.glob("basemap_*.json")):
            about = json.loads(described.read_text(encoding="utf-8"))
            (south, west), (north, east) = about["bounds"]
            if west <= lon <= east and south <= lat <= north:
                return {"png": _as_uri(described.with_suffix(".png")), "bounds": about["bounds"]}
        return None


@cache
def _as_uri(picture: Path) -> str:
    """A picture as a data URI, a twelfth of the PNG's size or less: each session is sent it."""
    from PIL import Image

    stream = io.BytesIO()
    # Turned into degrees, the drawn ground has empty corners: they stay transparent.
    Image.open(picture).convert("RGBA").save(stream, "WEBP", quality=80)
    return "data:image/webp;base64," + base64.b64encode(stream.getvalue()).decode()


def _match(match: Any, lang: str, fictional: bool) -> dict[str, Any]:
    return {
        "insee": match.insee,
        "name": match.name,
        "label": place(match.departement, match.population, lang, fictional),
    }


def place(
    departement: str, population: float | None, lang: str = "fr", fictional: bool = False
) -> str:
    """What tells homonyms apart: « Seine-Saint-Denis (93), 113 000 hab. ».

    A fictional commune is in no département, though its code may look like one.
    """
    from .words import language, translator

    lang = language(lang)
    _ = translator(lang)
    where = _("Territoire fictif") if fictional else departement_name(departement)
    if population is None or population != population:
        return where
    from ..text import number

    # Three figures are enough to recognise a town, and are easier to read.
    rounded = round(population, -3) if population >= 10_000 else round(population)
    inhabitants = _("hab.")
    return f"{where}, {number(rounded, lang=lang)}\u00a0{inhabitants}"
