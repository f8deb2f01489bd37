"""Names of communes as they are compared, and the codes that people write beside them."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

__all__ = [
    "Match",
    "SortedWords",
    "city_of",
    "departement_of_place",
    "normalise",
    "plain",
    "split_place",
    "without_article",
]

ARTICLES = {"le", "la", "les", "l"}
_LAST = "\U0010ffff"  # sorts after every letter: the end of a prefix range
#: INSEE codes of the arrondissements, and the commune that they are part of.
ARRONDISSEMENTS = (
    (range(75101, 75121), "75056"),
    (range(69381, 69390), "69123"),
    (range(13201, 13217), "13055"),
)
#: Their postcodes, for sources that know no postcode.
CITY_POSTCODES = (
    (frozenset({*range(75001, 75021), 75116}), "75056"),
    (frozenset(range(69001, 69010)), "69123"),
    (frozenset(range(13001, 13017)), "13055"),
)
CITY_PART = re.compile(
    r"(paris|lyon|marseille) (\d{1,2})( ?(e|er|eme|ieme|nd|nde))?( arr(t|dt|ondissement)?)?"
)


@dataclass(frozen=True)
class Match:
    """A commune that answers to a query.

    Parameters
    ----------
    insee, name, departement : str
    population : int or None
        Inhabitants, where the source knows them.
    score : float
        0-100. 100: the very name or code; 90-99: it begins so; 75-89: its words begin so;
        below: it is spelt nearly so.
    """

    insee: str
    name: str
    departement: str
    population: int | None
    score: float

    @property
    def label(self) -> str:
        """Name and département: « Saint-Denis (93) »."""
        return f"{self.name} ({self.departement})"

    def to_dict(self) -> dict[str, Any]:
        """The fields that the command line prints as JSON."""
        return {
            "insee": self.insee,
            "name": self.name,
            "departement": self.departement,
            "population": self.population,
            "score": self.score,
        }


def normalise(text: str) -> str:
    """Write a name the way it is compared: lower case, bare letters, single spaces.

    Accents, ligatures, hyphens and apostrophes go; « St », « Ste » and « s/ » are written
    in full.

    >>> normalise("L'Haÿ-les-Roses"), normalise("ST ÉTIENNE"), normalise("Œuilly")
    ('l hay les roses', 'saint etienne', 'oeuilly')
    """
    return " ".join({"st": "saint", "ste": "sainte"}.get(w, w) for w in plain(text).split())


def plain(text: str) -> str:
    """Lower case, bare letters, single spaces; « s/ » in full, « St » left as it is."""
    text = text.lower().replace("œ", "oe").replace("æ", "ae")
    text = re.sub(r"\bs/s?(?=\W|\w{3})", "sur ", text)
    text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return re.sub(r"[^a-z0-9]+", " ", text).strip()


def without_article(words: str) -> str:
    """Drop a leading article: files of communes write it or not."""
    first, _, rest = words.partition(" ")
    return rest if rest and first in ARTICLES else words


class SortedWords:
    """Words in order, each with a row: a prefix is a slice."""

    def __init__(self, pairs: Iterable[tuple[str, int]]) -> None:
        import numpy as np

        ordered = sorted(pairs)
        self.words = [word for word, _ in ordered]
        self.rows = np.array([row for _, row in ordered], dtype=np.int64)

    def range(self, prefix: str) -> tuple[int, int]:
        return bisect_left(self.words, prefix), bisect_left(self.words, prefix + _LAST)

    def prefixed(self, prefix: str) -> Any:
        start, stop = self.range(prefix)
        return self.rows[start:stop]

    def equal(self, word: str) -> Any:
        return self.rows[bisect_left(self.words, word) : bisect_left(self.words, word + "\0")]


def city_of(code: str, table: Any) -> str | None:
    """Commune of an arrondissement's code (or postcode), from one of the tables above."""
    if not code.isdigit():
        return None
    return next((commune for codes, commune in table if int(code) in codes), None)


def split_place(words: str) -> tuple[str, str | None]:
    """Split « saint denis 93 » or « 35600 redon » into a name and a code."""
    code = r"\d{5}|2[ab]\d{3}|\d{2}|2[ab]|9[78]\d"
    for pattern in (rf"(?P<name>.+) (?P<code>{code})", rf"(?P<code>{code}) (?P<name>.+)"):
        found = re.fullmatch(pattern, words)
        if found:
            return found["name"], found["code"].upper()
    return words, None


def departement_of_place(code: str) -> str:
    """Département of a département code, an INSEE code or a postcode."""
    if len(code) < 5:
        return code
    if code.startswith("20"):  # postcodes of Corsica: 200xx, 201xx the south, 202xx the north
        return "2A" if code < "20200" else "2B"
    return code[:3] if code.startswith(("97", "98")) else code[:2]
