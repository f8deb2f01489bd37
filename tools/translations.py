"""Gather the French of the page into the catalogue, and compile it.

``python tools/translations.py`` after a change of words; with ``--check`` nothing is written,
and what is missing, left over or not compiled is told (exit code 1).
"""

from __future__ import annotations

import datetime as dt
import io
import re
import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

APP = Path(__file__).resolve().parent.parent / "eo_helpers" / "app"
FOLDER = APP / "locale" / "en" / "LC_MESSAGES"
#: In the header of the catalogue: the same words always give the same file.
DAY = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
#: ``{{ "…" | both }}`` and ``{{ _("…") }}`` of the templates.
IN_TEMPLATES = re.compile(r'\{\{ "([^"]+)" \| both \}\}|_\("([^"]+)"\)')


def gathered() -> Catalog:
    """Every French text of the page, with the files in which it stands."""
    # No dates and no names in the header: the same words give the same file.
    found = Catalog(
        locale="en",
        header_comment="# English of the page; its French is the key.",
        project="eo_helpers",
        version="1",
        creation_date=DAY,
        revision_date=DAY,
        last_translator="",
        language_team="",
        msgid_bugs_address="",
        fuzzy=False,
    )
    for path in sorted(APP.glob("*.py")):
        with path.open("rb") as file:
            for line, text, _, _ in extract("python", file, {"_": None, "N_": None}):
                found.add(text, locations=[(path.name, line)])
    for path in sorted((APP / "jupyter").rglob("*")):
        if path.suffix in {".html", ".j2"}:
            for match in IN_TEMPLATES.finditer(path.read_text(encoding="utf-8")):
                found.add(match[1] or match[2], locations=[(path.name, 0)])
    return found


def compiled(catalogue: Catalog) -> bytes:
    buffer = io.BytesIO()
    write_mo(buffer, catalogue)
    return buffer.getvalue()


def main(check: bool) -> int:
    po, mo = FOLDER / "eo_helpers.po", FOLDER / "eo_helpers.mo"
    old = Catalog(locale="en")
    if po.exists():
        with po.open("rb") as file:
            old = read_po(file, locale="en")
    new = gathered()
    texts = [message.id for message in new if message.id]
    missing = [text for text in texts if not (old.get(text) and old.get(text).string)]
    left = [message.id for message in old if message.id and message.id not in texts]
    if not check:
        for text in texts:
            if text not in missing:
                new[text].string = old[text].string
        FOLDER.mkdir(parents=True, exist_ok=True)
        with po.open("wb") as file:
            write_po(file, new, sort_output=True, width=100, omit_header=False, no_location=True)
        with po.open("rb") as file:
            mo.write_bytes(compiled(read_po(file, locale="en")))
    elif not mo.exists() or mo.read_bytes() != compiled(old):
        print("The compiled catalogue is not the one that is written.", file=sys.stderr)
        return 1
    for text in missing:
        print(f"Not translated: {text}", file=sys.stderr)
    for text in left if check else ():
        print(f"No longer said: {text}", file=sys.stderr)
    return 1 if missing or (check and left) else 0


if __name__ == "__main__":
    raise SystemExit(main("--check" in sys.argv[1:]))
