"""The server as a stranger meets it: who comes in, what is refused, what is told."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
import websocket
from served import (
    Visit,
    fake_service,
    figures,
    get,
    kernel_of,
    kernels_of,
    message,
    served,
    wait_kind,
)

from eo_helpers.app._headers import policy
from eo_helpers.app._logs import JsonLines, event
from eo_helpers.app._provisioner import can_fork
from eo_helpers.app._waiting import WAIT, waiting_page
from eo_helpers.app.serve import base_path
from eo_helpers.errors import InvalidInput

#: What a reverse proxy adds; nothing of it may come out in a log.
VISITOR = "203.0.113.77"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Two places, one session ready, a path and a proxy's headers, logs in a file."""
    folder = tmp_path_factory.mktemp("serve")
    address, log = folder / "service.json", folder / "log.jsonl"
    options = ["--sessions", "2", "--preheat", "1", "--base-url", "eo", "--proxy"]
    with (
        fake_service(address),
        served({"EO_HELPERS_SERVICE": str(address)}, *options, "--log", str(log), base="/eo/") as (
            url,
            child,
        ),
    ):
        yield url, child, log


def settle(url: str, sessions: int) -> None:
    until = time.monotonic() + 150  # a session that was left is taken back in a minute or two
    while (seen := json.loads(get(url + "sante")[2])["sessions"]) != sessions:
        assert time.monotonic() < until, f"{seen} sessions, expected {sessions}"
        time.sleep(0.2)


def test_the_next_visitor_waits_calmly_and_comes_in_when_one_leaves(server):
    url, child, _ = server
    before = figures(url)["eo_visitors_waited"]
    first, second = Visit(url), Visit(url)
    assert [c.split("=")[0] for c in first.cookies.split("; ")] == ["_xsrf"]
    assert first.status == second.status == 200 and first.kernel != second.kernel
    sockets = [first.connect(), second.connect()]
    third = Visit(url, "?commune=99001")
    assert third.status == 503 and not third.kernel
    assert WAIT[0] <= int(third.headers["Retry-After"]) <= WAIT[1]
    assert 'http-equiv="refresh"' in third.text and "places sont prises" in third.text
    told = figures(url)
    assert told["eo_visitors_waited"] == before + 1 and told["eo_sessions"] == 2
    assert json.loads(get(url + "sante")[2])["complet"] is True
    assert len(kernels_of(child.pid)) <= 3  # two visitors and the one that is kept ready
    for visit, socket in zip((first, second), sockets, strict=True):
        assert visit.leave() == 204
        assert visit.leave() == 204  # a browser may send it twice
        socket.close()
    settle(url, 0)
    again = Visit(url)
    assert again.status == 200
    again.leave()
    settle(url, 0)


def test_a_page_cannot_have_code_run(server, tmp_path):
    url, _, _ = server
    visit = Visit(url)
    proof = tmp_path / "proof"
    code = {"code": f"open({str(proof)!r}, 'w').close()", "silent": False, "allow_stdin": False}
    refused = 0
    for kind, content, channel in (
        ("execute_request", code, "shell"),
        ("execute_request", code, "control"),
        ("debug_request", {"command": "evaluate"}, "control"),
        ("shutdown_request", {"restart": False}, "control"),
        ("complete_request", {"code": "ope", "cursor_pos": 3}, "shell"),
    ):
        socket = visit.connect()
        socket.send(message(kind, content, channel))
        with pytest.raises((websocket.WebSocketConnectionClosedException, OSError)):
            while True:  # what the kernel says meanwhile, then the end
                frame = socket.recv_frame()
                if frame.opcode == websocket.ABNF.OPCODE_CLOSE:
                    refused += 1
                    raise OSError
        socket.close()
    # the other protocol, where the header is a part of a binary message
    socket = visit.connect(subprotocols=["v1.kernel.websocket.jupyter.org"])
    parts = [b"shell", message("execute_request")[11:].split("}")[0].encode() + b"}"]
    parts += [b"{}", b"{}", json.dumps(code).encode()]
    places = [8 * (len(parts) + 2)]
    for part in parts:
        places.append(places[-1] + len(part))
    whole = len(places).to_bytes(8, "little")
    whole += b"".join(p.to_bytes(8, "little") for p in places) + b"".join(parts)
    socket.send_binary(whole)
    with pytest.raises((websocket.WebSocketConnectionClosedException, OSError)):
        while socket.recv_frame().opcode != websocket.ABNF.OPCODE_CLOSE:
            continue
        raise OSError
    # rubbish is the end of the conversation too, and of nothing else
    for rubbish in ("{", "[]", "null", '{"header": 3}', '{"header": {"msg_type": ["comm_msg"]}}'):
        socket = visit.connect()
        socket.send(rubbish)
        socket.close()
    socket = visit.connect()
    socket.send(message("kernel_info_request"))
    assert wait_kind(socket, "kernel_info_reply")["content"]["status"] == "ok"
    socket.close()
    assert refused == 5 and not proof.exists()
    told = figures(url)
    assert told['eo_messages_refused_total{kind="execute_request"}'] >= 3
    # ended by the page only, with the cookie that only this page has
    status, _, _ = get(f"{url}voila/api/shutdown/{visit.kernel}")
    assert status == 405
    visit.leave()
    settle(url, 0)


@pytest.mark.parametrize("protocols", [[], ["v1.kernel.websocket.jupyter.org"]])
def test_a_traceback_never_leaves_the_session(server, protocols):
    url, _, _ = server
    visit = Visit(url)
    quiet, seen = visit.connect(), visit.connect(subprotocols=protocols)
    # The second socket hears what the session says from some moment on: wait for it.
    seen.settimeout(2)
    for _ in range(20):
        quiet.send(message("kernel_info_request"))
        wait_kind(quiet, "kernel_info_reply")
        with contextlib.suppress(websocket.WebSocketTimeoutException):
            seen.recv()
            break
    # without the version that ipywidgets wants, opening fails with a traceback on stderr
    about = {"comm_id": "bad", "target_name": "jupyter.widget.control", "data": {}}
    quiet.send(message("comm_open", about))
    wait_kind(quiet, "comm_close")
    quiet.send(message("kernel_info_request"))
    wait_kind(quiet, "kernel_info_reply")
    heard = b""
    with pytest.raises(websocket.WebSocketTimeoutException):
        while True:
            frame = seen.recv()
            heard += frame if isinstance(frame, bytes) else frame.encode()
    assert b"comm_close" in heard
    assert b"Traceback" not in heard and b"site-packages" not in heard
    quiet.close()
    seen.close()
    visit.leave()
    settle(url, 0)


def test_another_site_cannot_talk_to_a_session(server):
    url, _, _ = server
    visit = Visit(url)
    with pytest.raises(websocket.WebSocketBadStatusException, match="403"):
        visit.connect(origin="https://example.org")
    visit.leave()
    settle(url, 0)


def test_only_the_dashboards_are_reachable_and_every_answer_is_protected(server):
    url, _, _ = server
    root = url.removesuffix("eo/")
    expected = {
        "": 302, "sante": 200, "metrics": 200, "voila/tree": 302, "tableaux": 200,
        "voila/render/absent.ipynb": 404, "voila/render/../serve.py": 404,
        "voila/render/%2e%2e/%2e%2e/tests/x.ipynb": 404, "voila/files/ma_commune.ipynb": 403,
        "voila/api/contents": 404, "api/contents": 404, "api/kernels": 404, "api/sessions": 404,
        "api/terminals": 404, "login": 404, "logout": 404, "lab": 404, "api/status": 404,
        "voila/static/../../app.py": 403, "voila/templates/eo/index.html.j2": 404,
    }  # fmt: skip
    for path, status in expected.items():
        found, headers, text = get(url + path)
        assert found == status, path
        assert "Traceback" not in text and ".py" not in text, path
        assert headers["X-Frame-Options"] == "SAMEORIGIN", path
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["X-Content-Type-Options"] == "nosniff"
        allowed = headers["Permissions-Policy"]
        assert "geolocation=(self)" in allowed and "camera=()" in allowed  # our page alone
        assert headers["Content-Security-Policy"] == policy(url.split("/")[2])
        assert "Server" not in headers and "Strict-Transport-Security" not in headers
    assert get(root)[0] == 404  # all is under the path that was given
    assert get(url)[1]["Location"] == "/eo/voila/render/ma_commune.ipynb"


def test_behind_a_proxy_the_visitor_s_own_address_counts(server):
    url, _, _ = server
    told = {
        "X-Forwarded-For": VISITOR, "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "eo.example.fr",
    }  # fmt: skip
    status, headers, _ = get(url + "sante", told)
    assert status == 200
    assert "wss://eo.example.fr" in headers["Content-Security-Policy"]
    assert get(url + "metrics", told)[0] == 404  # figures are for those inside
    visit = Visit(url, headers=told)
    assert '"baseUrl": "/eo/"' in visit.text
    socket = visit.connect(
        origin="https://eo.example.fr", header=[f"{k}: {v}" for k, v in told.items()]
    )
    socket.send(message("kernel_info_request"))
    assert wait_kind(socket, "kernel_info_reply")
    socket.close()
    visit.leave()
    settle(url, 0)


def test_logs_say_what_happened_and_nothing_about_whom(server):
    url, _, log = server
    get(url + "telecharger/99001.pdf?commune=99001", {"X-Forwarded-For": VISITOR})
    get(url + "voila/render/absent.ipynb?commune=99001", {"X-Forwarded-For": VISITOR})
    until = time.monotonic() + 20
    requests: list[dict] = []
    # A busy server writes its line a moment after the answer.
    while {"page", "download"} - {line["route"] for line in requests} or not any(
        line["status"] == 404 for line in requests
    ):
        assert time.monotonic() < until, requests
        time.sleep(0.2)
        text = log.read_text()
        lines = [json.loads(line) for line in text.splitlines()]
        requests = [line for line in lines if line["event"] == "request"]
    assert {"page", "download"} <= {line["route"] for line in requests}
    assert {404} <= {line["status"] for line in requests}
    for trace in (VISITOR, "127.0.0.1", "99001", "?", "_xsrf", "ipynb"):
        assert trace not in text, trace
    told = figures(url)
    assert told['eo_http_requests_total{route="page",status="404"}'] >= 1
    assert told["eo_service_up"] == 1.0


def test_a_session_that_dies_costs_its_own_visitor_only(server):
    url, child, _ = server
    before = figures(url)["eo_sessions_died"]
    visit, other = Visit(url), Visit(url)
    socket, beside = visit.connect(), other.connect()
    kernel_of(child.pid, visit.kernel).send_signal(signal.SIGKILL)
    beside.send(message("kernel_info_request"))
    assert wait_kind(beside, "kernel_info_reply")
    assert get(url + "sante")[0] == 200
    settle(url, 1)  # its place is free again, and its page can see that the session is gone
    assert get(f"{url}api/kernels/{visit.kernel}")[0] == 404
    assert get(f"{url}api/kernels/{other.kernel}")[0] == 200
    assert figures(url)["eo_sessions_died"] == before + 1
    socket.close()
    beside.close()
    other.leave()
    settle(url, 0)


def test_a_reserve_that_dies_is_made_again(server):
    url, child, _ = server
    until = time.monotonic() + 60
    while not figures(url)["eo_kernels_ready"]:
        assert time.monotonic() < until
        time.sleep(0.2)
    time.sleep(2)
    ready = kernels_of(child.pid)
    assert len(ready) == 1
    ready[0].kill()
    while True:
        made = kernels_of(child.pid)
        if made and made[0].pid != ready[0].pid:
            break
        assert time.monotonic() < until
        time.sleep(0.2)
    assert figures(url)["eo_sessions"] == 0


@pytest.mark.skipif(not can_fork(), reason="each session is started here anyway")
def test_sessions_are_started_one_by_one_where_that_is_wanted(tmp_path):
    address = tmp_path / "service.json"
    with (
        fake_service(address),
        served({"EO_HELPERS_SERVICE": str(address)}, "--preheat", "0", "--no-fork") as (url, child),
    ):
        visit = Visit(url)
        socket = visit.connect()
        socket.send(message("kernel_info_request"))
        assert wait_kind(socket, "kernel_info_reply")["content"]["status"] == "ok"
        assert "ipykernel_launcher" in str(kernel_of(child.pid, visit.kernel).cmdline())
        socket.close()


@pytest.mark.skipif(not can_fork(), reason="nothing is forked here")
def test_a_server_that_is_killed_leaves_no_process(tmp_path):
    address = tmp_path / "service.json"
    with (
        fake_service(address),
        served({"EO_HELPERS_SERVICE": str(address)}, "--preheat", "1") as (url, child),
    ):
        assert Visit(url).status == 200
        everybody = psutil.Process(child.pid).children(recursive=True)
        assert len(kernels_of(child.pid)) >= 1 and len(everybody) >= 2  # their parent, too
        child.kill()
        _, left = psutil.wait_procs(everybody, timeout=20)
        assert not [one for one in left if one.status() != psutil.STATUS_ZOMBIE]


# -- parts, without a server ------------------------------------------------------------------


def test_a_session_is_held_to_its_memory():
    pytest.importorskip("resource", reason="this system has no such limit")
    code = (
        "from eo_helpers.app._session import limit_memory\n"
        "assert limit_memory(300)\n"
        "kept = bytearray(100 * 2**20)\n"
        "try:\n    more = bytearray(400 * 2**20)\n"
        "except MemoryError:\n    print('held')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "held"


def test_the_limit_reaches_the_kernel(server):
    if not sys.platform.startswith("linux"):
        pytest.skip("read from /proc")
    url, child, _ = server
    visit = Visit(url)
    assert kernel_of(child.pid, visit.kernel).rlimit(psutil.RLIMIT_DATA) == (
        1024 * 2**20,
        1024 * 2**20,
    )
    visit.leave()
    settle(url, 0)


def test_the_service_is_started_again_when_it_dies(tmp_path):
    from eo_helpers.app.serve import _Keeper

    keeper = _Keeper([sys.executable, "-c", "import sys; sys.stdin.read()"])
    keeper.watch()
    first = keeper.child.pid
    os.kill(first, signal.SIGTERM)
    until = time.monotonic() + 20
    while keeper.child.pid == first:
        assert time.monotonic() < until
        time.sleep(0.05)
    assert keeper.child.poll() is None
    keeper.end()
    assert keeper.child.poll() is not None


@pytest.mark.parametrize(
    ("text", "path"), [("", "/"), ("/", "/"), ("eo", "/eo/"), ("/a/b/", "/a/b/")]
)
def test_paths_of_a_proxy(text, path):
    assert base_path(text) == path


@pytest.mark.parametrize("text", ["a b", "/../x", "http://x", "/é", '"', "//"[:2] + "x//y"])
def test_what_is_no_path_is_refused(text):
    with pytest.raises(InvalidInput, match="n'est pas un chemin"):
        base_path(text)


def test_the_policy_names_no_foreign_host_but_the_basemap():
    for host in ("", "localhost:8866", "[::1]:80", "evil.org; script-src *", "a b"):
        told = policy(host)
        hosts = {word for word in told.replace(";", " ").split() if "." in word or "://" in word}
        own = {f"ws://{host}", f"wss://{host}"} if host in ("localhost:8866", "[::1]:80") else set()
        assert hosts == {"https://data.geopf.fr"} | own


def test_messages_of_libraries_are_not_written():
    formatter = JsonLines()
    logger = logging.getLogger("tornado.application")
    try:
        raise ValueError("/home/secret?commune=35236")
    except ValueError:
        record = logger.makeRecord(
            logger.name, logging.ERROR, "x.py", 7, "GET %s (%s)", ("/p?commune=35236", VISITOR),
            sys.exc_info(),
        )  # fmt: skip
    line = formatter.format(record)
    assert json.loads(line)["error"] == "ValueError" and json.loads(line)["where"]
    assert "35236" not in line and VISITOR not in line and "secret" not in line


def test_an_event_carries_its_facts_only(caplog):
    own = logging.getLogger("eo_helpers.test")
    with caplog.at_level(logging.INFO, "eo_helpers.test"):
        event(own, "answer", theme="flood", seconds=0.5)
    told = json.loads(JsonLines().format(caplog.records[0]))
    assert (told["event"], told["theme"], told["seconds"]) == ("answer", "flood", 0.5)


def test_the_waiting_page_is_whole():
    page, seconds = waiting_page("en")
    assert page.startswith("<!DOCTYPE html>") and f'content="{seconds}"' in page
    assert "http" not in page.replace("http-equiv", "")
