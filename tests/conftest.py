"""Shared fixtures: the real data, where present, and the demonstration territory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).resolve().parent.parent


def unit_of(nodeid: str) -> str:
    """What stays in one process: a file, all browser tests together, a notebook alone."""
    file = nodeid.split("::", 1)[0]
    if "/browser/" in file:
        return "browser"
    return nodeid if file.endswith("test_notebooks.py") else file


class ByFile(LoadScopeScheduling):
    """Slow fixtures and servers are set up once: xdist's own groups get lost with pytest 9.2."""

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    return ByFile(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest lines first, whatever their number of tests: browsers, then notebooks."""
    order = {"browser": 0, "notebook": 1}
    items.sort(
        key=lambda item: min((order.get(mark.name, 2) for mark in item.iter_markers()), default=2)
    )
    for item in items:
        if item.get_closest_marker("browser") is not None:
            item.add_marker(pytest.mark.timeout(600))  # first answers of a cold server


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real data: EO_SHARED_DATA, by default ../shared/data beside the checkout."""
    folder = Path(os.environ.get("EO_SHARED_DATA", "../shared/data"))
    folder = folder if folder.is_absolute() else ROOT / folder
    if not (folder / "PROVENANCE.md").exists():
        pytest.skip(f"no real data at {folder}: set EO_SHARED_DATA to run these tests")
    return folder


@pytest.fixture(scope="session")
def demo_dir() -> Path:
    """Folder of the demonstration territory, built on first use and kept in the cache."""
    from eo_helpers import demo

    return demo.ensure()


@pytest.fixture(scope="session")
def demo_source(demo_dir: Path):
    """The demonstration as a source."""
    from eo_helpers import catalog

    return catalog.open_source("demo")
