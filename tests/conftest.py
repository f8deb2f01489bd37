"""Shared fixtures: the real data, where present, and the demonstration territory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With several processes, a file stays in one of them and browsers wait in one line.

    Notebooks share nothing: each goes wherever there is room.
    """
    for item in items:
        group = item.path.name
        if item.get_closest_marker("browser") is not None:
            group = "browser"
        elif item.get_closest_marker("notebook") is not None:
            group = item.nodeid
        item.add_marker(pytest.mark.xdist_group(group))


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
