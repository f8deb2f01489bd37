"""Make the pictures of the entry page from the demonstration, as a visitor sees it.

``eo-helpers serve`` in one window, then ``python tools/pictures.py http://localhost:8866/``.
"""

from __future__ import annotations

import io
import sys

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from eo_helpers.app._entry import PICTURES
from eo_helpers.app.boards import BOARDS, Board, address
from eo_helpers.doctor import browser_executable

SIZE = (640, 400)
TOWN, SHORE = "99001", "97199"
#: Longest time that a first answer may take, in milliseconds.
PATIENCE = 300_000


def taken(page: Page, url: str, board: Board) -> Image.Image:
    """The map of the theme, without the buttons that lie on it."""
    commune = SHORE if board.theme == "coastline" else TOWN
    page.goto(url + address(board.path, insee=commune), wait_until="commit")
    answered = "document.querySelector('.eo-announce')?.textContent.startsWith('Réponse prête')"
    page.wait_for_function(answered, timeout=PATIENCE)
    page.add_style_tag(content=".leaflet-control-container { display: none; }")
    page.wait_for_timeout(2000)  # the pictures on the map are being decoded
    shown = page.locator(".leaflet-container").first
    picture = Image.open(io.BytesIO(shown.screenshot())).convert("RGB")
    width, height = picture.size
    inside = min(width, height * SIZE[0] // SIZE[1])
    left = (width - inside) // 2
    cut = picture.crop((left, 0, left + inside, inside * SIZE[1] // SIZE[0]))
    return cut.resize(SIZE, Image.Resampling.LANCZOS)


def together(pictures: list[Image.Image]) -> Image.Image:
    """Four pictures as one, in two rows: no words, so that it serves every language."""
    half = (SIZE[0] // 2, SIZE[1] // 2)
    out = Image.new("RGB", SIZE, "white")
    for n, picture in enumerate(pictures[:4]):
        out.paste(
            picture.resize(half, Image.Resampling.LANCZOS), (n % 2 * half[0], n // 2 * half[1])
        )
    return out


def main(url: str) -> None:
    PICTURES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser_executable())
        page = chromium.new_page(viewport={"width": 1000, "height": 900}, bypass_csp=True)
        pictures = {board.name: taken(page, url, board) for board in BOARDS if board.theme}
        chromium.close()
    pictures[BOARDS[0].name] = together(list(pictures.values()))
    for name, picture in pictures.items():
        path = PICTURES / f"{name}.webp"
        picture.save(path, quality=72, method=6)
        print(f"{path.name}: {path.stat().st_size // 1024} kB")


if __name__ == "__main__":
    main(sys.argv[1])
