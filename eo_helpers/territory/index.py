"""Search among communes by name, code or postcode, forgiving as people need it.

>>> index = CommuneIndex.from_files(["communes.parquet"])      # doctest: +SKIP
>>> index.search("st etienne rouvray")[0].label                 # doctest: +SKIP
'Saint-Étienne-du-Rouvray (76)'
>>> index.find("Redon").insee                                   # doctest: +SKIP
'35236'
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ..errors import InvalidInput, UnknownCommune
from .commune import Commune
from .names import (
    ARRONDISSEMENTS,
    ARTICLES,
    CITY_PART,
    CITY_POSTCODES,
    Match,
    SortedWords,
    city_of,
    departement_of_place,
    normalise,
    plain,
    split_place,
    without_article,
)
from .read import CommuneTable, read_table

__all__ = ["CommuneIndex", "Match", "normalise"]

# How a row was found, best first.
_EXACT, _PREFIX, _RESPELT, _WORDS, _FUZZY = range(5)


class CommuneIndex:
    """Communes of a source, found by what people type.

    Parameters
    ----------
    tables : sequence of CommuneTable
        Checked tables (:func:`eo_helpers.territory.read.read_table`).
    source : str
        ``"demo"``, ``"files"`` or ``"online"``: kept on every :class:`Commune`.
    demonstration : bool
        True for fictional communes.

    Raises
    ------
    InvalidInput
        If a commune is in two tables.

    Notes
    -----
    Only words are in memory; a boundary is read from its file by :meth:`get`.
    """

    def __init__(
        self,
        tables: Sequence[CommuneTable],
        source: str = "files",
        demonstration: bool = False,
    ) -> None:
        import numpy as np
        import rapidfuzz.distance.OSA
        import rapidfuzz.process  # noqa: F401 (paid here, not by the first person who searches)

        self.source = source
        self.demonstration = demonstration
        self._tables = list(tables)
        self._where = [(t, i) for t, table in enumerate(tables) for i in range(len(table.insee))]
        self._insee = [c for t in tables for c in t.insee]
        self._names = [c for t in tables for c in t.name]
        self._departements = [c for t in tables for c in t.departement]
        self._populations = [c for t in tables for c in t.population]
        self._postcodes = [c for t in tables for c in t.postcodes]
        self._row: dict[str, int] = {}
        for row, code in enumerate(self._insee):
            other = self._row.setdefault(code, row)
            if other != row:
                a, b = (tables[self._where[r][0]].path.name for r in (other, row))
                raise InvalidInput(
                    f"La commune {code} est à la fois dans « {a} » et dans « {b} » : gardez un "
                    "seul des deux fichiers.",
                    f"Commune {code} is both in '{a}' and in '{b}': keep one of the two files.",
                )
        self._full = [normalise(name) for name in self._names]
        self._keys = [without_article(full) for full in self._full]
        self._compact = [key.replace(" ", "") for key in self._keys]
        self._peopled = any(p is not None for p in self._populations)
        self._departement_array = np.array(self._departements, dtype="U3")
        # Ties: the largest first, then the shortest name, then the alphabet.
        ranked = sorted(
            range(len(self)),
            key=lambda r: (
                -(-1 if (people := self._populations[r]) is None else people),
                len(self._keys[r]),
                self._keys[r],
                self._insee[r],
            ),
        )
        self._rank = np.empty(len(self), dtype=np.int64)
        self._rank[ranked] = np.arange(len(self))
        self._by_key = SortedWords(zip(self._keys, range(len(self)), strict=True))
        self._by_full = SortedWords(zip(self._full, range(len(self)), strict=True))
        self._by_compact = SortedWords(zip(self._compact, range(len(self)), strict=True))
        self._by_word = SortedWords(
            (word, row) for row, full in enumerate(self._full) for word in set(full.split())
        )
        self._by_code = SortedWords(zip(self._insee, range(len(self)), strict=True))
        self._by_postcode = SortedWords(
            (code, row) for row, codes in enumerate(self._postcodes) for code in codes
        )
        self._bounds: Any = None

    @classmethod
    def from_files(
        cls,
        paths: Iterable[str | Path],
        source: str = "files",
        demonstration: bool = False,
    ) -> CommuneIndex:
        """Read commune tables (see :func:`~eo_helpers.territory.read.read_table`)."""
        return cls([read_table(path) for path in paths], source, demonstration)

    def __len__(self) -> int:
        return len(self._insee)

    def __iter__(self) -> Iterator[Match]:
        return (self._match(row, 100.0) for row in range(len(self)))

    def __contains__(self, insee: object) -> bool:
        return insee in self._row

    def names(self) -> list[str]:
        """Names of all communes, in the source's order."""
        return list(self._names)

    # Searching ---------------------------------------------------------------------------

    def search(self, query: str, limit: int = 10) -> list[Match]:
        """Communes that answer to ``query``, best first.

        Parameters
        ----------
        query : str
            A name or its beginning, an INSEE code, a postcode, or a name with its
            département (« Saint-Denis (974) », « Saint-Denis 93 », « 35600 Redon »).
            Empty: the source's communes, the largest first where populations are known.
        limit : int
            At most so many.

        Returns
        -------
        list of Match
            First names that are the query, then names that begin so, then names whose
            words begin so, then names spelt nearly so. Within each: the most inhabitants,
            or else the shortest name.
        """
        import numpy as np

        if limit < 1:
            return []
        words = normalise(str(query)[:200])
        if not words:
            rows: list[int] = np.argsort(self._rank).tolist()
            if not self._peopled:
                rows.sort(key=self._full.__getitem__)
            return [self._match(row, 100.0) for row in rows[:limit]]
        found = self._code_rows(words)
        if found is None:
            found = self._name_rows(query, words, limit)
        return [self._match(row, score) for row, (_, score) in list(found.items())[:limit]]

    def find(self, query: str) -> Commune:
        """Return the one commune that ``query`` means.

        An exact name or code wins over longer names that begin so. Of several communes with
        that very name, the most populous is meant where all populations are known.

        Raises
        ------
        UnknownCommune
            If none or several can be meant; ``suggestions`` holds the nearest, best first.
        """
        words = normalise(str(query)[:200])
        if not words:
            raise UnknownCommune(
                "Quelle commune ? Donnez un nom ou un code INSEE.",
                "Which commune? Give a name or an INSEE code.",
                self._labels(range(min(5, len(self)))),
            )
        found = self._code_rows(words)
        if found is None:
            found = self._name_rows(query, words, limit=10)
        best = [row for row, (tier, _) in found.items() if tier == _EXACT]
        if len(best) > 1:
            best = self._same_spelling(query, best)
        if not best:
            # Not the whole name, yet only one commune of the source can be completed so.
            best = [row for row, (tier, _) in found.items() if tier in (_RESPELT, _PREFIX, _WORDS)]
            # A word inside a longer name that was sought in one département is a guess
            # (« Redon 44 »: Saint-Nicolas-de-Redon?), and so is the beginning of a code.
            name, place = split_place(words)
            guess = bool(place and best) and found[best[0]][0] == _WORDS
            if len(best) != 1 or guess or name[0].isdigit():
                raise self._unknown(query, list(found))
        if len(best) > 1:
            populations = [self._populations[row] for row in best]
            if words.isdigit() or None in populations:
                raise self._ambiguous(query, best)
            best = sorted(best, key=lambda row: int(self._rank[row]))
        return self.get(self._insee[best[0]])

    def get(self, insee: str) -> Commune:
        """Return the commune of an INSEE code, with its boundary.

        Raises
        ------
        UnknownCommune
            If the source does not hold this code.
        InvalidInput
            If the boundary is missing or cannot be read.
        """
        row = self._row.get(str(insee).strip().upper())
        if row is None:
            raise self._unknown(insee, [])
        number, position = self._where[row]
        return self._commune(row, self._tables[number].boundary(position))

    def all(self) -> Iterator[Commune]:
        """Every commune that has a boundary, in the files' order; each file is read once."""
        boundaries = (b for table in self._tables for b in table.boundaries())
        for row, boundary in enumerate(boundaries):
            if boundary is not None:
                yield self._commune(row, boundary)

    def _commune(self, row: int, boundary: Any) -> Commune:
        number, position = self._where[row]
        return Commune(
            insee=self._insee[row],
            name=self._names[row],
            departement=self._departements[row],
            boundary=boundary,
            population=self._populations[row],
            postcodes=self._postcodes[row],
            epci=self._tables[number].epci[position],
            source=self.source,
            demonstration=self.demonstration,
        )

    def within(self, bounds: tuple[float, float, float, float]) -> list[str]:
        """INSEE codes of the communes whose bounding box meets ``bounds``.

        Parameters
        ----------
        bounds : tuple
            west, south, east, north in EPSG:4326.
        """
        import numpy as np

        if self._bounds is None:
            self._bounds = np.concatenate([table.bounds() for table in self._tables])
        west, south, east, north = bounds
        w, s, e, n = self._bounds.T
        rows = np.flatnonzero((w <= east) & (e >= west) & (s <= north) & (n >= south))
        return [self._insee[row] for row in rows]

    # How rows are found ------------------------------------------------------------------

    def _code_rows(self, words: str) -> dict[int, tuple[int, float]] | None:
        """Rows of a code or postcode; None if ``words`` are not one."""
        code = words.upper()
        if not re.fullmatch(r"\d{1,5}|2[AB]\d{0,3}", code):
            return None
        found: dict[int, tuple[int, float]] = {}
        if len(code) == 5:
            exact = [self._row[code]] if code in self._row else []
            city = city_of(code, ARRONDISSEMENTS)
            if not exact and city in self._row:
                exact.append(self._row[city])
            for row in exact:
                found[row] = (_EXACT, 100.0)
            posted = self._by_postcode.prefixed(code).tolist()
            city = city_of(code, CITY_POSTCODES)
            if not posted and city in self._row:
                posted.append(self._row[city])
            # A code of INSEE goes before the same figures as a postcode.
            tier, score = (_PREFIX, 99.0) if exact else (_EXACT, 100.0)
            for row in self._best(posted):
                found.setdefault(row, (tier, score))
            return found
        for order, score in ((self._by_code, 95.0), (self._by_postcode, 90.0)):
            for row in self._best(order.prefixed(code)):
                found.setdefault(row, (_PREFIX, score))
        if len(code) == 4 and "0" + code in self._row:  # a number that lost its zero
            found.setdefault(self._row["0" + code], (_PREFIX, 85.0))
        return found

    def _name_rows(self, query: str, words: str, limit: int) -> dict[int, tuple[int, float]]:
        """Rows found by name, best first, each with its tier and score."""
        part = CITY_PART.fullmatch(words)
        if part:
            words = part[1]
        name, code = split_place(words)
        if code is not None:
            mask = self._departement_array == departement_of_place(code)
            rows = {self._row[code]} if code in self._row else set()
            rows |= set(self._by_postcode.prefixed(code).tolist()) if len(code) == 5 else set()
            inside = self._tiers(query, name, limit, sorted(rows) if rows else mask.nonzero()[0])
            if not any(tier == _EXACT for tier, _ in inside.values()):
                # No such name there: a figure of the query may be wrong, the name elsewhere.
                for row, (tier, score) in self._tiers(query, name, limit, None).items():
                    if tier == _EXACT or not inside:
                        inside.setdefault(row, (_FUZZY, min(score, 74.0)))
            return inside
        return self._tiers(query, words, limit, None)

    def _tiers(
        self, query: str, words: str, limit: int, only: Any | None
    ) -> dict[int, tuple[int, float]]:
        import numpy as np

        found: dict[int, tuple[int, float]] = {}
        allowed = None
        if only is not None:
            allowed = np.zeros(len(self), dtype=bool)
            allowed[only] = True

        def add(rows: Any, tier: int, low: float, high: float) -> None:
            rows = np.asarray(rows, dtype=np.int64)
            if allowed is not None:
                rows = rows[allowed[rows]]
            for row in self._best(rows)[: len(found) + max(limit, 50)]:
                share = min(1.0, len(compact) / max(1, len(self._compact[row])))
                found.setdefault(row, (tier, round(low + (high - low) * share, 1)))

        key = without_article(words)
        compact = key.replace(" ", "")
        same = self._by_key.equal(key)
        # « Les Bordes » typed: « Les Bordes » before « Bordes », both are meant.
        add([row for row in same if self._full[row] == words], _EXACT, 100, 100)
        add(same, _EXACT, 99, 99)
        exact = bool(found)
        if not self._peopled:  # « aix »: Aix-les-Bains before Aixe; else the largest decides
            add(self._by_key.prefixed(key + " "), _PREFIX, 90, 98)
        begun = self._by_full.prefixed(words)
        if words not in ARTICLES:  # « la r »: La Rochelle before Rennes; « l »: all alike
            add(begun, _PREFIX, 90, 98)
        add(np.concatenate([begun, self._by_key.prefixed(key)]), _PREFIX, 90, 98)
        if len(found) < limit or key in ("saint", "sainte"):
            for respelt in self._respellings(query, key, compact):
                add(self._by_compact.equal(respelt), _RESPELT, 95, 95)
                add(self._by_compact.prefixed(respelt), _RESPELT, 80, 89)
        if len(found) < limit:
            add(self._word_rows(key), _WORDS, 75, 89)
        if len(found) < limit:
            for row, score in self._fuzzy(compact, allowed, 4 * limit, exact):
                found.setdefault(row, (_FUZZY, score))
        return found

    def _respellings(self, query: str, key: str, compact: str) -> list[str]:
        """Other ways to read a query: « montsaintmichel », « lhay », « ste » for Steenvoorde."""
        ways = [compact] if len(compact) >= 4 else []
        if re.match(r"l[aeiouyh]", compact) and len(compact) >= 5:
            ways.append(compact[1:])
        bare = without_article(plain(str(query)[:200])).replace(" ", "")
        if bare != compact and not any(c.isdigit() for c in bare):
            ways.append(bare)
        return ways

    def _word_rows(self, key: str) -> Any:
        """Rows in which every word of the query begins a word of the name."""
        import numpy as np

        rows = None
        for word in sorted(set(key.split()), key=len, reverse=True):
            with_word = np.unique(self._by_word.prefixed(word))
            rows = with_word if rows is None else np.intersect1d(rows, with_word, True)
            if not len(rows):
                break
        return [] if rows is None else rows

    def _fuzzy(
        self, compact: str, allowed: Any | None, limit: int, exact: bool
    ) -> list[tuple[int, float]]:
        """Rows spelt nearly so, by optimal string alignment distance (letters swapped: one).

        With ``exact`` the query is a name already: only names one slip away are worth showing.
        """
        import numpy as np
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        n = len(compact)
        if n < 3:
            return []
        slips = 1 if n <= 4 or exact else 2 if n <= 9 else 3 if n <= 15 else 4
        keys = self._by_compact.words
        rows = self._by_compact.rows
        distance = process.cdist([compact], keys, scorer=OSA.distance, score_cutoff=slips)[0]
        # Several slips and another initial is another name, unless it is long.
        near = [
            i
            for i in np.flatnonzero(distance <= slips).tolist()
            if distance[i] < 2 or n >= 10 or keys[i][:1] == compact[0]
        ]
        scores = {int(rows[i]): 74.0 * (1 - distance[i] / max(n, len(keys[i]))) for i in near}
        # A name being typed, with a slip in it: compared with as many letters, same initial.
        start, stop = self._by_compact.range(compact[0])
        early = max(1, slips - 1)
        for length in (n, n + 1, n - 1):
            if n < 4 or exact:
                break
            cut = [key[:length] for key in keys[start:stop]]
            distance = process.cdist([compact], cut, scorer=OSA.distance, score_cutoff=early)[0]
            for i in np.flatnonzero(distance <= early).tolist():
                row = int(rows[start + i])
                full = len(keys[start + i])
                score = 74.0 * (1 - distance[i] / n) - 8 - 6 * max(0, full - n) / full
                scores[row] = max(scores.get(row, 0.0), score)
        best = sorted(
            (row for row in scores if allowed is None or allowed[row]),
            # People seldom miss the first letter.
            key=lambda r: (-scores[r] - 3 * (self._compact[r][:1] == compact[0]), self._rank[r]),
        )
        return [(row, round(float(scores[row]), 1)) for row in best[:limit]]

    def _best(self, rows: Any) -> list[int]:
        import numpy as np

        rows = np.unique(np.asarray(rows, dtype=np.int64))
        return rows[np.argsort(self._rank[rows])].tolist()

    def _match(self, row: int, score: float) -> Match:
        return Match(
            self._insee[row],
            self._names[row],
            self._departements[row],
            self._populations[row],
            score,
        )

    # What is said when none or several are meant ------------------------------------------

    def _same_spelling(self, query: str, rows: list[int]) -> list[int]:
        """Of names that differ by article or accents, those written as in the query."""
        asked = normalise(str(query))
        for same in (
            [r for r in rows if self._names[r].casefold() == str(query).strip().casefold()],
            [r for r in rows if self._full[r] == asked],
        ):
            if same:
                return same
        return rows

    def _labels(self, rows: Iterable[int]) -> tuple[str, ...]:
        return tuple(f"{self._names[r]} ({self._departements[r]}), {self._insee[r]}" for r in rows)

    def _ambiguous(self, query: str, rows: list[int]) -> UnknownCommune:
        labels = self._labels(self._best(rows))
        shown = " ; ".join(labels[:12]) + (" …" if len(labels) > 12 else "")
        return UnknownCommune(
            f"Plusieurs communes répondent à « {query} » : {shown}. Donnez le code INSEE de la "
            "vôtre.",
            f"Several communes answer to '{query}': {shown}. Give the INSEE code of yours.",
            labels,
        )

    def _nearest(self, query: str) -> list[int]:
        """Three names that look most like words that no name answers to, however far."""
        from rapidfuzz import fuzz, process

        words = normalise(str(query)[:200])
        if not words or words[0].isdigit():
            return []  # the nearest code is another place
        found = process.extract(words, self._full, scorer=fuzz.WRatio, limit=3)
        return [row for _, _, row in found]

    def _unknown(self, query: str, rows: list[int]) -> UnknownCommune:
        labels = self._labels(rows[:5] or self._nearest(query))
        postcode = re.fullmatch(r"\s*\d{5}\s*", str(query))
        if labels:
            shown = " ; ".join(labels)
            tail_fr, tail_en = f" Les plus proches : {shown}.", f" The nearest: {shown}."
        elif postcode and not any(self._postcodes):
            tail_fr = " Cette source ne connaît pas les codes postaux : cherchez par nom."
            tail_en = " This source knows no postcode: search by name."
        else:
            tail_fr = " Vérifiez l'orthographe ou donnez le code INSEE."
            tail_en = " Check the spelling or give the INSEE code."
        return UnknownCommune(
            f"Aucune commune de cette source ne répond à « {query} »." + tail_fr,
            f"No commune of this source answers to '{query}'." + tail_en,
            labels,
        )
