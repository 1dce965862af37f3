#!/usr/bin/env python3
"""A small service of records for trying Envoy with Lupa: record_service.py PORT [--check URL].

Without --check, Envoy looks up which records a call leads to (GET /held/…) and
asks Lupa about them before the call: envoy.yaml and lupa.toml. With --check, the
service asks the Lupa at URL itself, about the records that it is about to send:
service-checks.yaml. README.md says when each is right.

Only Envoy may be able to reach this service: it believes the headers that Envoy sets.
"""

import base64
import json
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

LOOKUP = "/held"
PIRKANMAA = "1.2.246.10.32213086.19.1"


def entry(record, event):
    return {
        "id": record,
        "register": PIRKANMAA,
        "serviceEvent": event,
        "recordedOn": "2025-03-18",
        "kind": "RECORD_KIND_SERVICE_EVENT_ENTRY",
    }


# By client and register: what the service holds, as Lupa's interface says it.
HELD = {
    ("010181-900C", PIRKANMAA): [entry("entry-1", "visit-1"), entry("entry-2", "visit-2"), entry("entry-3", "visit-3")],
    ("010190-901R", PIRKANMAA): [entry("entry-9", "visit-9")],
}


def find(target):
    """The client and the records that a path and its query lead to.

    The lookup and the answer both use this: Lupa decides about exactly the
    records that the service would send.
    """
    url = urlsplit(target)
    match [unquote(part) for part in url.path.split("/")]:
        case ["", "clients", client, "registers", register, "records"]:
            ids = parse_qs(url.query, keep_blank_values=True).get("id")
        case ["", "clients", client, "registers", register, "records", record]:
            ids = [record]
        case _:
            return None, []
    held = HELD.get((client, register), [])
    return client, [record for record in held if ids is None or record["id"] in ids]


def from_base64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Records(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Where Lupa is, if the service asks it itself.
    lupa = None

    def do_GET(self):
        if self.has_body():
            return self.refuse_body()
        if self.lupa:
            return self.show_checked()
        if self.path.startswith(LOOKUP + "/"):
            return self.report_held()
        return self.show_permitted()

    do_HEAD = do_GET

    def do_other(self):
        """Nothing is held for other methods, and a call that changes something is not taken."""
        if self.has_body():
            return self.refuse_body()
        if self.path.startswith(LOOKUP + "/") and not self.lupa:
            return self.answer(200, {})
        return self.answer(405, {"title": "Method not allowed"})

    do_DELETE = do_OPTIONS = do_PATCH = do_POST = do_PUT = do_TRACE = do_other

    def has_body(self):
        return self.headers.get("content-length", "0") != "0" or "transfer-encoding" in self.headers

    def refuse_body(self):
        """A body that is not read would be taken for the next request of the connection.

        Envoy sends none (envoy.yaml); a service must not depend on that.
        """
        self.close_connection = True
        return self.answer(400, {"title": "a body is not taken"})

    def report_held(self):
        """For Envoy before it asks Lupa. Without these headers Lupa denies."""
        client, records = find(self.path.removeprefix(LOOKUP))
        headers = {}
        if records:
            listed = base64.urlsafe_b64encode(json.dumps(records).encode()).decode().rstrip("=")
            headers = {"x-lupa-client": client, "x-lupa-records": listed}
        self.answer(200, {}, headers)

    def show_permitted(self):
        """Shows what Lupa has permitted by Envoy, and nothing that it has not named."""
        _, records = find(self.path)
        permitted = [unquote(one) for one in self.headers.get("x-lupa-permitted-records", "").split(",")]
        self.show([record for record in records if record["id"] in permitted], self.headers.get("x-lupa-reason"))

    def show_checked(self):
        """Asks Lupa about the records themselves, after they were found."""
        client, records = find(self.path)
        try:
            asking = json.loads(from_base64url(self.headers["x-token-payload"]))
            question = {
                "client": {"extension": client},
                "requester": {"register": asking["register"], "professional": asking["sub"]},
                "channel": "CHANNEL_KANTA",
                "accessRight": asking["access_right"],
                "ground": asking.get("ground") or "GROUND_UNSPECIFIED",
                "records": records,
            }
        except (KeyError, TypeError, ValueError):
            return self.answer(403, {"title": "Access denied", "reason": "PART_MISSING"})
        if not records:
            return self.answer(403, {"title": "Access denied", "reason": "PART_MISSING"})
        verdicts = self.decide(question)
        if verdicts is None or len(verdicts) != len(records):
            return self.answer(503, {"title": "Access cannot be decided now"}, {"retry-after": "1"})
        permitted = [one.get("effect") == "EFFECT_PERMIT" for one in verdicts]
        if not any(permitted):
            return self.answer(403, {"title": "Access denied", "reason": verdicts[0].get("reason")})
        shown = [record for record, may in zip(records, permitted) if may]
        return self.show(shown, verdicts[permitted.index(True)].get("reason"))

    def decide(self, question):
        """The verdicts, in the order of the records; none if Lupa does not answer.

        A service of your own has a gRPC client, generated from proto/.
        """
        timeout = float(os.environ.get("LUPA_TIMEOUT_SECONDS", "5"))
        command = [os.environ.get("LUPA", "lupa"), "--server", self.lupa, "--json", "decide", "--file", "-"]
        try:
            asked = subprocess.run(command, input=json.dumps(question).encode(), capture_output=True, timeout=timeout)
            return json.loads(asked.stdout)["verdicts"] if asked.returncode == 0 else None
        except (OSError, subprocess.TimeoutExpired, ValueError, KeyError):
            return None

    def show(self, records, because):
        if not records:
            return self.answer(403, {"title": "Access denied", "reason": "PART_MISSING"})
        shown = [{"id": record["id"], "text": "Blood pressure 128/82."} for record in records]
        return self.answer(200, {"records": shown, "because": because})

    def answer(self, status, body, headers=None):
        body = json.dumps(body, indent=2).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json" if status == 200 else "application/problem+json")
        self.send_header("content-length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_):
        """Paths name clients: they are not logged."""


if __name__ == "__main__":
    if sys.argv[2:3] == ["--check"]:
        Records.lupa = sys.argv[3]
    ThreadingHTTPServer.daemon_threads = True
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Records).serve_forever()
