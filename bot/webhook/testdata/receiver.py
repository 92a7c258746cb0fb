"""A receiver of Domovoy's webhook, written from bot/README.md alone.

Usage: receiver.py CERTIFICATE SECRET. It listens on a free port of loopback,
prints the port and the time, and then a line of JSON for each request: what was wrong with
it ("" if nothing was), its headers and its body.
"""

import hashlib
import hmac
import http.server
import json
import ssl
import sys
import time

SECRET = sys.argv[2].encode()


def fault(header, body):
    """What is wrong with a signature; empty if it is right."""
    pairs = [pair.split("=", 1) for pair in header.split(",") if "=" in pair]
    times = [value for name, value in pairs if name == "t"]
    if len(times) != 1:
        return "no time"
    if abs(time.time() - int(times[0])) > 300:
        return "too old"
    want = hmac.new(SECRET, times[0].encode() + b"." + body, hashlib.sha256).hexdigest()
    if not any(hmac.compare_digest(want, value) for name, value in pairs if name == "v1"):
        return "wrong signature"
    return ""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        wrong = fault(self.headers.get("Domovoy-Signature", ""), body)
        self.send_response(401 if wrong else 204)
        self.send_header("Content-Length", "0")
        self.end_headers()
        line = {"fault": wrong, "headers": dict(self.headers), "body": body.decode()}
        print(json.dumps(line), flush=True)

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1])
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], int(time.time()), flush=True)
server.serve_forever()
