#!/usr/bin/env python3
"""Prints a token as an identity provider would give it to a doctor: demo_token.py [REGISTER].

Signed with the key that stands in envoy.yaml, for trying out only.
"""

import base64
import hashlib
import hmac
import json
import sys
import time

KEY = b"for-trying-out-only-everyone-knows"


def part(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


claims = {
    "iss": "https://identity.example",
    "sub": "doctor-1",
    "exp": int(time.time()) + 3600,
    # Southwest Finland, healthcare.
    "register": sys.argv[1] if len(sys.argv) > 1 else "1.2.246.10.99999999.5.1",
    "access_right": True,
    "ground": "GROUND_CARE_RELATIONSHIP",
}
header = {"alg": "HS256", "kid": "demo", "typ": "JWT"}
signed = b".".join(part(json.dumps(one).encode()) for one in (header, claims))
print((signed + b"." + part(hmac.new(KEY, signed, hashlib.sha256).digest())).decode())
