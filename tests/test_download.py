"""Downloads against a server that fails as real ones do."""

from __future__ import annotations

import email.utils
import errno
import json
import os
import random
import socket
import time
import zipfile

import pytest
from local_server import QUICK, Answer, LocalServer

from eo_helpers.catalog import net
from eo_helpers.catalog.download import download, is_json, is_zip
from eo_helpers.errors import InvalidInput, NoData, Offline, Refused, Unreachable

CONTENT = random.Random(8).randbytes(300_000)


@pytest.fixture
def server():
    made = LocalServer()
    yield made
    made.close()


def get(server, path="/f.bin", **options):
    goal = options.pop("goal")
    options.setdefault("policy", QUICK)
    return download(server.url + path, goal, "Le service", **options)


def test_a_whole_file_arrives_checked_and_alone(server, tmp_path):
    server.routes["/f.bin"] = Answer(CONTENT)
    steps: list[float] = []
    got = get(server, goal=tmp_path / "f.bin", progress=lambda _, part: steps.append(part))
    assert got.path.read_bytes() == CONTENT and got.size == len(CONTENT) and got.resumed == 0
    assert steps == sorted(steps) and steps[-1] == 1.0
    assert [p.name for p in tmp_path.iterdir()] == ["f.bin"]


@pytest.mark.parametrize("cuts", [[100_000], [1, 150_000, 299_999]])
def test_a_cut_connection_is_gone_on_with_not_begun_again(server, tmp_path, cuts):
    sizes = [b - a for a, b in zip([0, *cuts], cuts, strict=False)]
    server.routes["/f.bin"] = [*(Answer(CONTENT, cut=n) for n in sizes), Answer(CONTENT)]
    got = get(server, goal=tmp_path / "f.bin")
    assert got.path.read_bytes() == CONTENT
    assert [a.range for a in server.asked] == [None, *(f"bytes={n}-" for n in cuts)]
    assert all(a.headers["if-range"] == got.etag for a in server.asked[1:])


def test_a_download_left_by_another_process_is_gone_on_with(server, tmp_path):
    server.routes["/f.bin"] = [*[Answer(CONTENT, cut=90_000)] * 1, Answer(b"", 500)]
    with pytest.raises(Unreachable):
        get(server, goal=tmp_path / "f.bin")
    assert not (tmp_path / "f.bin").exists()
    server.routes["/f.bin"] = Answer(CONTENT)
    got = get(server, goal=tmp_path / "f.bin")
    assert got.path.read_bytes() == CONTENT and got.resumed == 90_000
    assert server.asked[-1].range == "bytes=90000-"


def test_two_editions_are_never_sewn_together(server, tmp_path):
    other = CONTENT[::-1]
    server.routes["/f.bin"] = [Answer(CONTENT, cut=90_000), Answer(other)]
    assert get(server, goal=tmp_path / "f.bin").path.read_bytes() == other
    assert server.asked[1].range == "bytes=90000-"  # asked for; the server knew better


@pytest.mark.parametrize("immutable", [True, False])
def test_without_a_mark_of_its_edition_a_file_is_begun_again(server, tmp_path, immutable):
    server.routes["/f.bin"] = [
        Answer(CONTENT, cut=90_000, validator=False), Answer(CONTENT, validator=False),
    ]  # fmt: skip
    got = get(server, goal=tmp_path / "f.bin", immutable=immutable)
    assert got.path.read_bytes() == CONTENT
    assert server.asked[1].range == ("bytes=90000-" if immutable else None)


def test_a_server_without_ranges_sends_it_all_again(server, tmp_path):
    server.routes["/f.bin"] = [Answer(CONTENT, cut=90_000), Answer(CONTENT, ranges=False)]
    assert get(server, goal=tmp_path / "f.bin").path.read_bytes() == CONTENT


def test_a_chunked_answer_cut_short_is_no_file(server, tmp_path):
    server.routes["/f.bin"] = [Answer(CONTENT, cut=1000, chunked=True), Answer(CONTENT)]
    assert get(server, goal=tmp_path / "f.bin").path.read_bytes() == CONTENT
    assert len(server.asked) == 2


def test_an_error_that_passes_is_waited_for(server, tmp_path):
    server.routes["/f.bin"] = [Answer(b"", 500), Answer(b"", 503), Answer(CONTENT)]
    assert get(server, goal=tmp_path / "f.bin").path.read_bytes() == CONTENT
    assert len(server.asked) == 3


@pytest.mark.parametrize("dated", [False, True])
def test_retry_after_is_obeyed(server, tmp_path, dated):
    order = email.utils.formatdate(time.time() + 2, usegmt=True) if dated else "1"
    server.routes["/f.bin"] = [Answer(b"", 429, {"Retry-After": order}), Answer(CONTENT)]
    begun = time.monotonic()
    get(server, goal=tmp_path / "f.bin")
    # A date has whole seconds: two from now is at least one.
    assert time.monotonic() - begun >= 0.95


def test_an_order_to_wait_an_hour_is_said(server, tmp_path):
    server.routes["/f.bin"] = Answer(b"", 429, {"Retry-After": "3600"})
    with pytest.raises(Unreachable, match="60 min"):
        get(server, goal=tmp_path / "f.bin")
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("status", "error"), [(401, Refused), (403, Refused), (404, NoData), (400, Unreachable)]
)
def test_an_error_that_stays_is_asked_once(server, tmp_path, status, error):
    server.routes["/f.bin"] = Answer(b"", status)
    with pytest.raises(error, match=str(status)):
        get(server, "/f.bin?token=secret", goal=tmp_path / "f.bin")
    assert len(server.asked) == 1


def test_a_signed_address_that_expires_is_signed_again(server, tmp_path):
    signed = iter(["2", "3"])

    def route(asked):
        turn = asked.query["sig"][0]
        if turn == "1" and len(server.asked) > 1:
            return Answer(b"", 403)
        return Answer(CONTENT, cut=90_000) if turn == "1" else Answer(CONTENT)

    server.routes["/f.bin"] = route
    got = get(
        server, "/f.bin?sig=1", goal=tmp_path / "f.bin",
        resign=lambda: f"{server.url}/f.bin?sig={next(signed)}",
    )  # fmt: skip
    assert got.path.read_bytes() == CONTENT
    assert [(a.query["sig"][0], a.range) for a in server.asked] == [
        ("1", None), ("1", "bytes=90000-"), ("2", "bytes=90000-"),
    ]  # fmt: skip


def test_a_drip_is_left_and_said(server, tmp_path):
    server.routes["/f.bin"] = Answer(CONTENT, drip=0.05)
    begun = time.monotonic()
    policy = net.Policy(attempts=2, first_wait=0.01, drip_window=0.3, drip_least=1000, read=2)
    with pytest.raises(Unreachable):
        net.ask(server.url + "/f.bin", "Le service", policy=policy)
    assert time.monotonic() - begun < 5


def test_a_silent_server_is_left(server, tmp_path):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        policy = net.Policy(attempts=2, first_wait=0.01, connect=0.2, read=0.2)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/x"
        with pytest.raises(Unreachable, match="injoignable"):
            download(url, tmp_path / "x", "Le service", policy=policy)


def test_a_redirect_is_followed_and_takes_no_key_elsewhere(server, tmp_path):
    other = LocalServer()
    try:
        other.routes["/real"] = Answer(CONTENT)
        server.routes["/f.bin"] = Answer(b"", 302, {"Location": f"{other.url}/real"})
        keys = {"Authorization": "Bearer secret", "X-Api-Key": "secret"}
        got = get(server, goal=tmp_path / "f.bin", headers=keys)
        assert got.path.read_bytes() == CONTENT
        assert server.asked[0].headers["authorization"] == "Bearer secret"
        assert "secret" not in str(other.asked[0].headers)
    finally:
        other.close()


def zipped(tmp_path) -> bytes:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as out:
        out.writestr("a.txt", CONTENT)
    raw = (tmp_path / "a.zip").read_bytes()
    (tmp_path / "a.zip").unlink()
    return raw


@pytest.mark.parametrize(
    ("body", "checks", "match"),
    [
        (b"", [], "vide"),
        (b"\xef\xbb\xbf\n<!DOCTYPE html><p>login</p>", [], "page web"),
        (b"PK\x03\x04 not a zip", [is_zip], "zip"),
        (b"[1, 2]", [is_json("Le service", "data")], "JSON"),
        (b'{"other": 1}', [is_json("Le service", "data")], "data"),
        (b'{"data": [1, 2', [is_json("Le service", "data")], "JSON"),
    ],
)
def test_wrong_content_leaves_nothing(server, tmp_path, body, checks, match):
    server.routes["/f.bin"] = Answer(body)
    with pytest.raises((InvalidInput, Unreachable), match=match):
        get(server, goal=tmp_path / "f.bin", checks=checks)
    assert list(tmp_path.iterdir()) == []


def test_a_zip_cut_short_by_its_producer_is_refused(server, tmp_path):
    raw = zipped(tmp_path)
    server.routes["/f.bin"] = Answer(raw[:-300])
    with pytest.raises(InvalidInput, match="tronqué"):
        get(server, goal=tmp_path / "f.bin", checks=[is_zip])
    server.routes["/f.bin"] = Answer(raw)
    assert get(server, goal=tmp_path / "f.bin", checks=[is_zip]).size == len(raw)


@pytest.mark.parametrize("announced", [True, False])
def test_too_large_is_refused_before_the_disk_is_full(server, tmp_path, announced):
    server.routes["/f.bin"] = Answer(CONTENT, chunked=not announced)
    with pytest.raises(InvalidInput, match="dépasse"):
        get(server, goal=tmp_path / "f.bin", limit=200_000)
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_checksum_is_refused(server, tmp_path):
    server.routes["/f.bin"] = Answer(CONTENT)
    with pytest.raises(InvalidInput, match="empreinte"):
        get(server, goal=tmp_path / "f.bin", sha256="0" * 64)
    assert list(tmp_path.iterdir()) == []


def test_nothing_secret_is_written_or_said(server, tmp_path):
    server.routes["/f.bin"] = [Answer(CONTENT, cut=90_000), Answer(b"", 400)]
    with pytest.raises(Unreachable) as caught:
        get(
            server, "/f.bin?sig=topsecret", goal=tmp_path / "f.bin",
            headers={"Authorization": "Bearer topsecret"},
        )  # fmt: skip
    notes = [p.read_bytes() for p in tmp_path.iterdir()]
    assert len(notes) == 2 and not any(b"topsecret" in n for n in notes)
    assert "topsecret" not in caught.value.fr + caught.value.en


def test_questions_are_asked_again_and_checked(server):
    server.routes["/q"] = [Answer(b"", 500), Answer(b'{"a": 1}')]
    assert json.loads(net.ask(server.url + "/q", "Le service", policy=QUICK)) == {"a": 1}
    server.routes["/big"] = Answer(CONTENT)
    with pytest.raises(Unreachable, match="refusé"):
        net.ask(server.url + "/big", "Le service", policy=QUICK, limit=1000)


def test_offline_asks_nobody_but_this_machine(server, tmp_path, monkeypatch):
    monkeypatch.setenv(net.OFFLINE, "1")
    tried: list[object] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: tried.append(a))
    with pytest.raises(Offline, match="hors ligne"):
        download("https://example.org/x", tmp_path / "x", "Le service")
    with pytest.raises(Offline):
        net.ask("https://example.org/x", "Le service")
    # A redirect is no way out either.
    monkeypatch.undo()
    monkeypatch.setenv(net.OFFLINE, "1")
    server.routes["/f.bin"] = Answer(b"", 302, {"Location": "http://example.org/x"})
    with pytest.raises(Offline):
        get(server, goal=tmp_path / "f.bin")
    assert tried == [] and len(server.asked) == 1


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.org/x"])
def test_only_the_web_is_asked(url, tmp_path):
    with pytest.raises(Unreachable, match="http"):
        download(url, tmp_path / "x", "Le service")


def test_a_full_disk_is_one_sentence(server, tmp_path, monkeypatch):
    server.routes["/f.bin"] = Answer(CONTENT)

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InvalidInput, match="prune"):
        get(server, goal=tmp_path / "f.bin")
    monkeypatch.undo()
    assert get(server, goal=tmp_path / "f.bin").path.read_bytes() == CONTENT
