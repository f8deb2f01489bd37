"""A workshop without network: a pack made elsewhere is all that the page needs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from eo_helpers import catalog
from eo_helpers.catalog.packing import write_pack
from eo_helpers.catalog.packs import open_pack

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def pack_server(demo_dir, serving, tmp_path_factory):
    """Pack a part of the demonstration, lose the rest, serve what is left, offline."""
    place = tmp_path_factory.mktemp("pack")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EO_HELPERS_CACHE", str(place / "cache"))
        part = place / "part"
        part.mkdir()
        for name in ("territory.json", "communes.parquet"):
            shutil.copy(demo_dir / name, part)
        for name in ("lcz", "population"):
            shutil.copytree(demo_dir / name, part / name)
        source = catalog.open_source("files", [part])
        town = catalog.communes(source).find("Saint-Aubin-sur-Ervelle")
        pack = write_pack([town], source, place / "ervelle.eopack").path
        shutil.rmtree(part)
        open_pack(pack)
    environment = {"EO_HELPERS_CACHE": str(place / "cache"), "EO_HELPERS_OFFLINE": "1"}
    with serving(environment) as url:  # no source is named: the pack opened last is found
        yield url
    assert not list(Path(place).glob("cache/demonstration*"))  # nor was another one needed


def test_the_page_works_from_a_pack_and_asks_nobody(visit, pack_server):
    visitor = visit(pack_server)
    visitor.open()
    visitor.type("saint-aubin")
    assert visitor.options()[0].startswith("Saint-Aubin-sur-Ervelle")
    visitor.page.keyboard.press("Enter")
    visitor.wait_answer("Saint-Aubin-sur-Ervelle")
    zones = visitor.panel("Climat local et chaleur")
    assert "Saint-Aubin-sur-Ervelle" in zones.locator(".eo-headline").inner_text()
    assert zones.locator(".eo-badge").count() >= 1  # still marked as a demonstration
    assert visitor.asked == []
