"""A small OpenID provider: a process of its own that signs what it is told to, also what no honest provider would.

    python -m tests.signing_in.provider_process PORT

`POST /says` with JSON sets what the next tokens say: `claims` go over the usual ones (null takes one out), `wrong` names
what is wrong with them, `userinfo` is what that door answers. `GET /asked` tells which doors were used, and how often.
"""

import base64
import hashlib
import json
import secrets
import sys
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "cstiers", "a-secret-of-the-client-long-enough-for-hs256"
KEY, OTHER_KEY = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
SAYS: dict[str, Any] = {}
CODES: dict[str, dict[str, str]] = {}
ASKED: Counter[str] = Counter()


def jwk(**over: Any) -> dict[str, Any]:
    found = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key()))
    return {**found, "kid": "one", "alg": "RS256", "use": "sig", **over}


def id_token(issuer: str, nonce: str) -> str:
    now, wrong = int(time.time()), SAYS.get("wrong", "")
    claims: dict[str, Any] = {
        "iss": issuer,
        "sub": "subject-1",
        "aud": CLIENT,
        "iat": now,
        "exp": now + 300,
        "nonce": nonce,
        "email": "ops@example.com",
        "email_verified": True,
    }
    claims = {
        name: value for name, value in {**claims, **SAYS.get("claims", {})}.items() if value is not None
    }
    if wrong == "expired":
        claims |= {"iat": now - 4000, "exp": now - 3700}
    headers = {"kid": {"unknown kid": "two", "no kid": None}.get(wrong, "one")}
    headers = {name: value for name, value in headers.items() if value}
    if wrong == "unsigned":
        return jwt.encode(claims, None, algorithm="none", headers=headers)
    if wrong == "signed with the secret":
        return jwt.encode(claims, SECRET, algorithm="HS256", headers=headers)
    token = jwt.encode(
        claims, OTHER_KEY if wrong == "another key" else KEY, algorithm="RS256", headers=headers
    )
    if wrong == "changed":
        head, _, signature = token.split(".")
        body = base64.urlsafe_b64encode(json.dumps({**claims, "sub": "x"}).encode()).rstrip(b"=").decode()
        return f"{head}.{body}.{signature}"
    return token


class Doors(BaseHTTPRequestHandler):
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def log_message(self, *args: Any) -> None:
        """Quiet."""

    def answer(self, what: Any, status: int = 200) -> None:
        body = json.dumps(what).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        path, given = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        if path != "/asked":
            ASKED[path] += 1
        doors = {
            "/.well-known/openid-configuration": self.discovery,
            "/authorize": lambda: self.authorize({name: values[0] for name, values in given.items()}),
            "/jwks": lambda: self.answer({"keys": [jwk(), {**jwk(), "kid": "unused"}]}),
            "/userinfo": lambda: self.answer(SAYS.get("userinfo", {"sub": "subject-1"})),
            "/asked": lambda: self.answer(ASKED),
        }
        doors.get(path, lambda: self.answer({"error": "not_found"}, 404))()

    def discovery(self) -> None:
        if SAYS.get("wrong") == "slow":
            time.sleep(4)
        at = self.issuer()
        self.answer(
            {
                "issuer": "https://somebody.else" if SAYS.get("wrong") == "discovery of another" else at,
                "authorization_endpoint": f"{at}/authorize",
                "token_endpoint": f"{at}/token",
                "jwks_uri": f"{at}/jwks",
                "userinfo_endpoint": f"{at}/userinfo",
                "token_endpoint_auth_methods_supported": SAYS.get("auth", ["client_secret_post"]),
            }
        )

    def authorize(self, given: dict[str, str]) -> None:
        back = {"state": given["state"]}
        if SAYS.get("wrong") == "says no":
            back |= {"error": "access_denied", "error_description": "<script>alert(1)</script>"}
        else:
            assert (given["response_type"], given["client_id"]) == ("code", CLIENT)
            assert given["code_challenge_method"] == "S256"
            code = secrets.token_urlsafe(16)
            CODES[code] = given
            back["code"] = code
        if "iss" in SAYS:
            back["iss"] = SAYS["iss"]
        self.send_response(302)
        self.send_header("Location", f"{given['redirect_uri']}?{urlencode(back)}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        if self.path == "/says":
            SAYS.clear()
            SAYS.update(json.loads(body))
            ASKED.clear()
            self.answer({})
        elif self.path == "/token":
            ASKED["/token"] += 1
            self.token({name: values[0] for name, values in parse_qs(body).items()})
        else:
            self.answer({"error": "not_found"}, 404)

    def token(self, given: dict[str, str]) -> None:
        if SAYS.get("wrong") == "token door broken":
            self.answer({"error": "server_error"}, 500)
            return
        asked = CODES.pop(given.get("code", ""), None)  # a code is good once
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        known = given.get("client_secret") == SECRET or self.headers.get("Authorization") == f"Basic {basic}"
        verifier = hashlib.sha256(given.get("code_verifier", "").encode()).digest()
        proved = (
            asked is not None
            and base64.urlsafe_b64encode(verifier).rstrip(b"=").decode() == asked["code_challenge"]
        )
        if not (known and proved and asked and given.get("redirect_uri") == asked["redirect_uri"]):
            self.answer({"error": "invalid_grant"}, 400)
            return
        nonce = "of another request" if SAYS.get("wrong") == "nonce" else asked["nonce"]
        tokens = {
            "access_token": "access",
            "token_type": "Bearer",
            "id_token": id_token(self.issuer(), nonce),
        }
        if SAYS.get("wrong") == "no id token":
            tokens.pop("id_token")
        self.answer(tokens)


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Doors).serve_forever()
