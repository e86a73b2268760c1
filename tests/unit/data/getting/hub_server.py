"""A server on this machine that speaks as much of the hub's API as its client asks for, and misbehaves.

Large files are served from another host name, as the hub serves them from its content network.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from socket import SO_LINGER, SOL_SOCKET
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.unit.serving import serving

LARGE_SUFFIXES = (".parquet", ".mp4")
COMMIT = "a" * 40


@dataclass
class Fault:
    """What goes wrong at requests whose path contains `where`.

    Attributes:
        where: Part of the path, with the method before it: `GET /cdn/`.
        times: How often; the requests after that are answered well.
        status: Answer with this status instead.
        headers: Headers of that answer.
        cut_after: Send so many bytes of the body and close the connection.
        reset: Cut the connection as a crashed machine does, not as a closing one.
        spoil: Change the body; its length stays.
    """

    where: str
    times: int = 1
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    reset: bool = False
    spoil: bool = False


@dataclass
class Hub:
    """The server's repositories, faults and log."""

    endpoint: str = ""
    repositories: dict[str, dict[str, dict[str, bytes]]] = field(default_factory=dict)
    refs: dict[str, dict[str, str]] = field(default_factory=dict)
    gated: set[str] = field(default_factory=set)
    token: str = "right"
    faults: list[Fault] = field(default_factory=list)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    on_request: Callable[[str], None] = lambda _: None

    def add(self, repo_id: str, files: dict[str, bytes], *, commit: str = COMMIT) -> None:
        self.repositories.setdefault(repo_id, {})[commit] = files
        self.refs.setdefault(repo_id, {})["main"] = commit

    def asked(self, part: str) -> list[tuple[str, dict[str, str]]]:
        """Return the requests whose line contains `part`."""
        return [request for request in self.requests if part in request[0]]

    def fault_at(self, line: str) -> Fault | None:
        for fault in self.faults:
            if fault.where in line and fault.times > 0:
                fault.times -= 1
                return fault
        return None

    def blob(self, digest: str) -> bytes:
        for commits in self.repositories.values():
            for files in commits.values():
                for content in files.values():
                    if sha256(content) == digest:
                        return content
        raise KeyError(digest)


@contextmanager
def serve() -> Iterator[Hub]:
    """Yield a hub that answers until the block ends."""
    hub = Hub()

    class Handler(_Handler):
        state = hub

    with serving(Handler) as hub.endpoint:
        yield hub


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def git_sha1(content: bytes) -> str:
    return hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: Hub

    def do_HEAD(self) -> None:
        self._handle()

    def do_GET(self) -> None:
        self._handle()

    def log_message(self, format: str, *args: Any) -> None:
        return

    def _handle(self) -> None:
        hub, line = self.state, f"{self.command} {unquote(self.path)}"
        hub.requests.append((line, dict(self.headers.items())))
        hub.on_request(line)
        fault = hub.fault_at(line)
        if fault is not None and fault.status is not None:
            self._answer(fault.status, b"", fault.headers)
            return
        path = unquote(urlsplit(self.path).path).strip("/").split("/")
        if path[0] == "cdn":
            self._send(hub.blob(path[1]), {}, fault)
        elif path[0] == "api":
            self._api("/".join(path[2:4]), path[4], path[5:])
        else:
            self._resolve("/".join(path[1:3]), path[4], "/".join(path[5:]), fault)

    def _commit(self, repo_id: str, revision: str) -> str | None:
        """Return a revision's commit, or answer that there is none."""
        hub = self.state
        if repo_id not in hub.repositories:
            # The hub says the same of a private repository.
            self._answer(401, b"", {"X-Error-Code": "RepoNotFound"})
            return None
        commit = hub.refs[repo_id].get(revision, revision)
        if commit not in hub.repositories[repo_id]:
            self._answer(404, b"", {"X-Error-Code": "RevisionNotFound"})
            return None
        return commit

    def _api(self, repo_id: str, question: str, rest: list[str]) -> None:
        commit = self._commit(repo_id, rest[0])
        if commit is None:
            return
        if question == "revision":
            self._json({"id": repo_id, "sha": commit})
            return
        files = self.state.repositories[repo_id][commit]
        self._json([_tree_entry(path, content) for path, content in files.items()])

    def _resolve(self, repo_id: str, revision: str, path: str, fault: Fault | None) -> None:
        commit = self._commit(repo_id, revision)
        if commit is None:
            return
        hub = self.state
        if repo_id in hub.gated and self.headers.get("Authorization") != f"Bearer {hub.token}":
            code = 403 if self.headers.get("Authorization") else 401
            self._answer(code, b"", {"X-Error-Code": "GatedRepo"})
            return
        content = hub.repositories[repo_id][commit][path]
        headers = {"X-Repo-Commit": commit}
        if not path.endswith(LARGE_SUFFIXES):
            self._send(content, {**headers, "ETag": f'"{git_sha1(content)}"'}, fault)
            return
        digest = sha256(content)
        port = self.server.server_address[1]
        linked = {"X-Linked-Size": str(len(content)), "X-Linked-ETag": f'"{digest}"'}
        location = {"Location": f"http://localhost:{port}/cdn/{digest}"}
        self._answer(302, b"", {**headers, **linked, **location})

    def _json(self, value: Any) -> None:
        self._answer(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _send(self, content: bytes, headers: dict[str, str], fault: Fault | None) -> None:
        if fault is not None and fault.spoil:
            content = bytes(len(content))
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").split("-")[0])
        if start:
            total = len(content)
            headers = {**headers, "Content-Range": f"bytes {start}-{total - 1}/{total}"}
        cut = fault.cut_after if fault is not None else None
        self._answer(206 if start else 200, content[start:], headers, cut_after=cut)
        if fault is not None and fault.reset:
            self.wfile.flush()
            self.connection.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
            for stream in (self.wfile, self.rfile, self.connection):
                stream.close()

    def _answer(
        self, status: int, body: bytes, headers: dict[str, str], *, cut_after: int | None = None
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        self.wfile.write(body[:cut_after])
        if cut_after is not None:
            self.close_connection = True


def _tree_entry(path: str, content: bytes) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": "file", "path": path, "size": len(content)}
    if path.endswith(LARGE_SUFFIXES):
        lfs = {"oid": sha256(content), "size": len(content), "pointerSize": 130}
        return {**entry, "oid": git_sha1(b"pointer"), "lfs": lfs}
    return {**entry, "oid": git_sha1(content)}
