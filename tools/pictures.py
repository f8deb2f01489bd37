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
TOWN, SHORE = "99001", "99004"
#: Longest time that a first answer may take, in milliseconds.
PATIENCE = 300_000


def taken(page: Page, url: str, board: Board) -> Image.Image:
    """The map of the theme, or the top of all of them, without the buttons that lie on it."""
    commune = SHORE if board.theme == "coastline" else TOWN
    page.goto(url + address(board.path, insee=commune), wait_until="commit")
    answered = "document.querySelector('.eo-announce')?.textContent.startsWith('Réponse prête')"
    page.wait_for_function(answered, timeout=PATIENCE)
    page.add_style_tag(content=".leaflet-control-container { display: none; }")
    page.wait_for_timeout(2000)  # the pictures on the map are being decoded
    shown = page.locator(".leaflet-container" if board.theme else ".eo-page").first
    picture = Image.open(io.BytesIO(shown.screenshot())).convert("RGB")
    width, height = picture.size
    if not board.theme:
        top = round(page.locator(".eo-grid").bounding_box()["y"])
        return picture.crop((0, top, width, top + width * SIZE[1] // SIZE[0]))
    inside = min(width, height * SIZE[0] // SIZE[1])
    left = (width - inside) // 2
    return picture.crop((left, 0, left + inside, inside * SIZE[1] // SIZE[0]))


def main(url: str) -> None:
    PICTURES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser_executable())
        page = chromium.new_page(viewport={"width": 1000, "height": 900}, bypass_csp=True)
        for board in BOARDS:
            picture = taken(page, url, board).resize(SIZE, Image.Resampling.LANCZOS)
            path = PICTURES / f"{board.name}.webp"
            picture.save(path, quality=72, method=6)
            print(f"{path.name}: {path.stat().st_size // 1024} kB")
        chromium.close()


if __name__ == "__main__":
    main(sys.argv[1])
