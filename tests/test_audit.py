"""The audit reads the lock and never takes silence for a clean bill."""

from __future__ import annotations

import importlib.util
import urllib.error
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def audit():
    spec = importlib.util.spec_from_file_location("audit", ROOT / "tools" / "audit.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_locked_library_is_asked_about(audit):
    text = (ROOT / "requirements.lock").read_text()
    asked = audit.locked(text)
    assert len(asked) == sum("==" in line and line[0].isalnum() for line in text.splitlines())
    assert ("prometheus-client", "0.26.0") in asked


def test_what_is_found_is_told(audit, monkeypatch, capsys):
    monkeypatch.setattr(audit.shutil, "which", lambda _: None)

    def answer(libraries):
        results = [{} for _ in libraries]
        results[3] = {"vulns": [{"id": "GHSA-x"}]}
        return {"results": results}

    monkeypatch.setattr(audit, "ask", answer)
    assert audit.main() == audit.FOUND
    assert "GHSA-x" in capsys.readouterr().out


@pytest.mark.parametrize("told", [urllib.error.URLError("no network"), {"results": []}, {}])
def test_silence_is_no_clean_bill(audit, monkeypatch, capsys, told):
    monkeypatch.setattr(audit.shutil, "which", lambda _: None)

    def answer(_):
        if isinstance(told, Exception):
            raise told
        return told

    monkeypatch.setattr(audit, "ask", answer)
    assert audit.main() == audit.UNKNOWN
    assert "Not audited" in capsys.readouterr().out
