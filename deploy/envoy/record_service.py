#!/usr/bin/env python3
"""A small service of records for trying Envoy with Lupa: record_service.py PORT.

It shows records to whoever reaches it: that only those do who may is up to Envoy
and Lupa. Of several records it leaves out those that Lupa has not permitted.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit


class Records(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        url = urlsplit(self.path)
        asked = parse_qs(url.query).get("id") or [unquote(url.path.rsplit("/", 1)[-1])]
        permitted = self.headers.get("x-lupa-permitted-records")
        shown = asked if permitted is None else [unquote(one) for one in permitted.split(",")]
        body = {
            "records": [{"id": one, "text": "Blood pressure 128/82."} for one in asked if one in shown],
            "because": self.headers.get("x-lupa-reason"),
            "decision": self.headers.get("x-lupa-decision-id"),
        }
        body = json.dumps(body, indent=2).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, *_):
        """Paths name clients: they are not logged."""


if __name__ == "__main__":
    ThreadingHTTPServer.daemon_threads = True
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Records).serve_forever()
