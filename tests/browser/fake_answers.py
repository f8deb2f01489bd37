"""A hand-made source of answers: the page can be driven without any data set."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path

from eo_helpers.app.answers import dumps
from eo_helpers.errors import InvalidInput, UnknownCommune

PLACES = {
    "99001": ("Aigremont-sur-Vire", "99, 14 000 hab.", 0.05, 49.95),
    "99002": ("Aigremont-les-Bois", "99, 2 310 hab.", 0.15, 49.95),
    "99003": ("Aigremont-la-Fragile", "99, 512 hab.", 0.25, 49.95),
    "97199": ("Anse-Turquoise", "971, 3 104 hab.", -60.5, 15.5),
}
THEMES = [
    {"name": "lcz", "title": {"fr": "Climat local et chaleur", "en": "Local climate"}},
    {"name": "lighting", "title": {"fr": "Éclairage nocturne", "en": "Night lighting"}},
    {"name": "flood", "title": {"fr": "Inondation", "en": "Flood"}},
]


def square(lon, lat, half):
    return {
        "type": "Polygon",
        "coordinates": [
            [
                [lon - half, lat - half],
                [lon + half, lat - half],
                [lon + half, lat + half],
                [lon - half, lat + half],
                [lon - half, lat - half],
            ]
        ],
    }


def control(rise):
    return {
        "name": "rise",
        "label": "Montée de l'eau",
        "value": rise,
        "low": -1.0,
        "high": 2.0,
        "step": 0.25,
        "unit": "m",
        "digits": 2,
        "choices": [],
        "help": "Une hypothèse.",
    }


def indicators(theme, insee):
    told = [("share", "Part", f"{int(insee[-1])}0 %", "entre 5 et 95 %", "2023")]
    if insee == "99001":
        told.append(("only_here", "Part ailleurs inconnue", "3 ha", "", ""))
    told += [(f"n{n}", f"Chiffre {n}", f"{n} ha", "", "") for n in range(6)]
    names = ("name", "label", "value", "interval", "date")
    return [dict(zip(names, one, strict=True), group=theme, source="demo") for one in told]


class FakeAnswers:
    """Same methods as Answers; 99002 is slow, so that late answers can be provoked."""

    slow = float(os.environ.get("FAKE_SLOW", "1.5"))

    def methods(self):
        return {n: getattr(self, n) for n in ("about", "search", "commune", "at", "bundle")}

    def about(self, lang="fr"):
        return dumps(
            {
                "source": "demo",
                "demonstration": True,
                "themes": THEMES,
                "examples": [self._match(i) for i in PLACES],
            }
        )

    def _match(self, insee):
        name, label, *_ = PLACES[insee]
        return {"insee": insee, "name": name, "label": label}

    def search(self, query, limit=8, lang="fr"):
        return dumps(
            [self._match(i) for i, p in PLACES.items() if p[0].lower().startswith(query.lower())]
        )

    def commune(self, insee, lang="fr"):
        if insee not in PLACES:
            raise UnknownCommune(f"Aucune commune ne porte le code {insee}.", "No.", ("Aigremont",))
        name, label, lon, lat = PLACES[insee]
        return dumps(
            {
                "insee": insee,
                "name": name,
                "label": label,
                "bounds": [[lat - 0.03, lon - 0.03], [lat + 0.03, lon + 0.03]],
                "outline": square(lon, lat, 0.03),
                "demonstration": True,
                "ground": None,
            }
        )

    def at(self, lat, lon, lang="fr"):
        near = [
            insee
            for insee, (_, _, east, north) in PLACES.items()
            if abs(east - lon) < 0.03 and abs(north - lat) < 0.03
        ]
        return dumps({"item": self._match(near[0]) if near else None})

    def bundle_key(self, theme, insee, lang="fr", settings=""):
        return f"fake-{theme}-{insee}-{time.monotonic()}"

    def bundle(self, theme, insee, lang="fr", settings=""):
        rise = json.loads(settings or "{}").get("rise", 0.0)
        if rise == 1.5:
            raise InvalidInput("À cette hauteur, le terrain manque.", "No terrain that high.")
        if insee == "99002":
            time.sleep(self.slow)
        if insee == "99003" and theme == "flood":
            os._exit(3)
        if insee == "99003" and theme == "lighting":
            raise InvalidInput("Le fichier est abîmé.", "The file is damaged.")
        if theme == "endless":
            time.sleep(60)
        name, _, lon, lat = PLACES[insee]
        empty = theme == "lcz" and insee == "97199"
        feature = {
            "type": "Feature",
            "geometry": square(lon, lat, 0.01),
            "properties": {
                "style": {"fillColor": "#d10000", "color": "#fff", "weight": 1, "fillOpacity": 0.7},
                "tooltip": "Ensemble compact",
            },
        }
        layer = {
            "name": "classes",
            "title": f"Carte de {theme}",
            "alt": "Un carré au centre de la commune",
            "kind": "vector",
            "geojson": {"type": "FeatureCollection", "features": [feature]},
            "legend": "<ul><li>Ensemble compact</li></ul>",
            "shown": True,
            "opacity": 1.0,
        }
        return dumps(
            {
                "theme": theme,
                "title": theme,
                "status": "out_of_coverage" if empty else "complete",
                "headline": f"Aucune donnée de {theme} ne couvre {name}."
                if empty
                else f"{name} : réponse de {theme}, entre 61 et 74 % selon les mesures."
                + (f" Si l'eau montait de {rise:.2f} m." if rise else ""),
                "demonstration": True,
                "commune": {"insee": insee, "name": name},
                "bounds": [[lat - 0.03, lon - 0.03], [lat + 0.03, lon + 0.03]],
                "layers": [] if empty else [layer, {**layer, "name": "b", "title": "Autre carte"}],
                "controls": [control(rise)] if theme == "flood" and not empty else [],
                "charts": []
                if empty
                else [
                    {
                        "name": "shares",
                        "title": "Parts",
                        "html": '<svg role="img" viewBox="0 0 300 100"><rect width="120" '
                        'height="40" fill="#000091"/></svg>',
                    }
                ],
                "indicators": [] if empty else indicators(theme, insee),
                "figures": "" if empty else "<table><tr><th>Part</th><td>68 %</td></tr></table>",
                "caveats": "<ul><li>Un pré-diagnostic.</li></ul>",
                "provenance": "<ul><li>Territoire fictif.</li></ul>",
                "remedy": "Attendre la prochaine édition." if empty else None,
            }
        )


def main() -> None:
    from eo_helpers.app.service import Service

    service = Service(FakeAnswers, Path(sys.argv[1]))
    threading.Thread(target=service.serve, daemon=True).start()
    service.publish()
    sys.stdin.buffer.read()
    service.close()


if __name__ == "__main__":
    main()
