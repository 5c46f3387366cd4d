#!/usr/bin/python3
"""Whose keys tokens are signed with, and how keys are changed: the steps of docs/operations.md
("Keys and tokens") in a mesh that is used all the while, and tokens by a library that is not ours."""

import base64
import hashlib
import hmac
import json
import os
import time

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from harness.server import scratch
from harness.waiting import until
from mesh import MeshTest

OLD, NEW = "the first secret of thirty-two bytes", "the second secret, as long as that one"
PAGES = "what page tokens are sealed with, for long"


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value, size):
    return base64url(value.to_bytes(size, "big"))


class Key:
    """A private key in a file, and its public half."""

    def __init__(self, folder, name, private):
        self.private, self.path = private, os.path.join(folder, f"{name}.key")
        self.pem = private.private_bytes(serialization.Encoding.PEM,
                                         serialization.PrivateFormat.PKCS8,
                                         serialization.NoEncryption())
        self.public = private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        with open(self.path, "wb") as file:
            file.write(self.pem)
        self.alg = "RS256" if isinstance(private, rsa.RSAPrivateKey) else "ES256"
        members = json.dumps(self._members(), sort_keys=True, separators=(",", ":"))
        self.kid = base64url(hashlib.sha256(members.encode()).digest())  # RFC 7638

    def _members(self):
        numbers = self.private.public_key().public_numbers()
        if self.alg == "RS256":
            return {"kty": "RSA", "e": number(numbers.e, 3), "n": number(numbers.n, 256)}
        return {"kty": "EC", "crv": "P-256", "x": number(numbers.x, 32),
                "y": number(numbers.y, 32)}

    def sign(self, claims, **header):
        return jwt.encode(claims, self.pem, self.alg, {"kid": self.kid, **header})


class KeysTest(MeshTest):
    settings = {**MeshTest.settings, "EMAIL_POLL": "1s", "EMAIL_BACKOFF": "200ms"}
    with_mail = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.people = [*cls.mesh.services.values(), cls.mesh.gateway]
        cls.folder = scratch("keys-")
        cls.keys = None  # of users' and of the notification service's tokens; None: by a secret

    # Settings.

    def restart(self, program, changes):
        """With other settings; None takes one away."""
        program.stop()
        program.env.update(changes)
        for name in [name for name, value in program.env.items() if value is None]:
            del program.env[name]
        program.start()

    def change(self, changes, check=lambda: None):
        """One program after the other gets other settings: the same for all, or by its name. After
        each `check` must hold."""
        for program in self.people:
            self.restart(program, changes.get(program.name, {}) if set(changes) <= {
                one.name for one in self.people} else changes)
            self.await_mesh()
            check()

    def await_mesh(self):
        until("the mesh is whole", lambda: self.get("/readyz").status == 200, 60)

    def public_keys(self, name, *keys):
        """A file with their public halves, which stays where it is when it is written anew."""
        path = os.path.join(self.folder, name)
        with open(path, "wb") as file:
            file.write(b"".join(key.public for key in keys))
        return path

    def key(self, name, private=None):
        return Key(self.folder, name, private or ec.generate_private_key(ec.SECP256R1()))

    # Use.

    def patient(self, method, path, status, **kwargs):
        """What comes once nothing is away; a program that has just been restarted may still be. A
        token that is refused ends it at once."""
        deadline = time.monotonic() + 60
        while True:
            try:
                answer = self.request(method, path, **kwargs)
            except OSError:
                answer = None
            if answer is not None and answer.status not in (503, 504):
                self.assertEqual(answer.status, status, answer)
                return answer.json()
            self.assertLess(time.monotonic(), deadline, answer)
            time.sleep(0.05)

    def log_in(self, account):
        return self.patient("POST", "/api/v1/auth/login", 200, body={
            "email": account["email"], "password": account["password"]})

    def use(self, token):
        """Every program looks at the token: the gateway always, and each service."""
        self.patient("GET", "/api/v1/users/profile", 200, token=token)
        self.patient("GET", "/api/v1/notifications", 200, token=token)
        self.patient("POST", "/api/v1/blogs", 201, token=token, body={
            "title": "Keys", "content": "Long enough to be a blog."})

    def refused(self, token, reason="TOKEN_INVALID"):
        answer = self.get("/api/v1/users/profile", token=token)
        problem = self.assert_problem(answer, 401)
        self.assertIn("invalid_token", answer.headers["WWW-Authenticate"])
        self.assertEqual("expired" in problem["detail"], reason == "TOKEN_EXPIRED", problem)

    def await_mail(self, account, token):
        """The notification service asks the user service for the address, by a token of its own."""
        self.patient("POST", "/api/v1/notifications", 201, token=token,
                     body={"message": "a letter", "type": "email"})
        before = self.mails.get(account["email"], 0)
        until("the letter", lambda: len(self.mesh.mail.messages(account["email"])) > before, 60)
        self.mails[account["email"]] = before + 1

    def travel(self, first=None):
        """Somebody who uses the mesh: returns what is to be called again and again. It holds every
        token that it ever got, and none may be refused."""
        account, _ = self.registered()
        session = self.log_in(account)
        tokens, refresh = [first, session["token"]] if first else [session["token"]], \
            session["refreshToken"]
        self.mails = {}
        for title in ("one", "two", "three"):
            self.patient("POST", "/api/v1/blogs", 201, token=tokens[0], body={
                "title": title + " of them", "content": "Long enough to be a blog."})
        page = self.get("/api/v1/blogs?pageSize=1").json()["nextPageToken"]

        def check():
            nonlocal refresh
            for token in tokens:
                self.use(token)
            self.patient("GET", f"/api/v1/blogs?pageSize=1&pageToken={page}", 200)
            renewed = self.patient("POST", "/api/v1/auth/refresh", 200,
                                   body={"refreshToken": refresh})
            refresh = renewed["refreshToken"]
            tokens[1:] = [renewed["token"], self.log_in(account)["token"]]
            self.use(tokens[-1])
        check.account, check.tokens = account, tokens
        return check

    def kid(self, token):
        return jwt.get_unverified_header(token)["kid"]

    # Secrets.

    def by_secret(self):
        """The state in which the mesh is to begin, and does, if this is the first test."""
        if self.keys is None:
            return
        type(self).keys = None
        self.change({"JWT_SECRET": OLD, "JWT_SECRET_ACCEPTED": None, "SEAL_SECRET": None,
                     "JWT_PUBLIC_KEYS_FILE": None, "JWT_SERVICE_KEYS": None,
                     "JWT_SIGNING_KEY_FILE": None, "JWT_SERVICE_SIGNING_KEY_FILE": None})

    def test_a_secret_is_changed_and_no_token_refused(self):
        self.by_secret()
        first = self.mesh.gateway.env["JWT_SECRET"]
        old = self.log_in(self.registered()[0])["token"]
        check = self.travel(old)
        self.change({"JWT_SECRET_ACCEPTED": NEW, "SEAL_SECRET": first}, check)
        self.assertEqual(self.kid(check.tokens[-1]), self.kid(old))
        self.change({"JWT_SECRET": NEW, "JWT_SECRET_ACCEPTED": first}, check)
        self.assertNotEqual(self.kid(check.tokens[-1]), self.kid(old))
        self.await_mail(check.account, check.tokens[-1])
        check.tokens[:] = check.tokens[1:]  # JWT_TTL is over for the oldest
        check.tokens.insert(0, self.log_in(check.account)["token"])
        self.change({"JWT_SECRET_ACCEPTED": None}, check)
        self.await_mail(check.account, check.tokens[-1])
        self.refused(old)
        self.refused(jwt.encode(jwt.decode(old, first, ["HS256"], audience="inkmesh"), first))

    def test_no_key_is_shown_under_a_secret(self):
        self.by_secret()
        answer = self.get("/.well-known/jwks.json")
        self.assertEqual((answer.status, answer.json()), (200, {"keys": []}))
        self.assertEqual(answer.headers["Content-Type"], "application/jwk-set+json")
        self.assertEqual(answer.headers["Cache-Control"], "public, max-age=300")
        again = self.get("/.well-known/jwks.json", headers={
            "If-None-Match": answer.headers["ETag"]})
        self.assertEqual((again.status, again.body), (304, b""))
        head = self.request("HEAD", "/.well-known/jwks.json")
        self.assertEqual((head.status, head.body), (200, b""))
        self.assertEqual(self.post("/.well-known/jwks.json", {}).status, 405)

    def test_access_and_refresh_tokens_do_not_stand_in_for_each_other(self):
        session = self.log_in(self.registered()[0])
        self.refused(session["refreshToken"])
        taken = {"refreshToken": session["token"]}
        self.assert_problem(self.post("/api/v1/auth/refresh", taken), 401)
        self.assertEqual(self.post("/api/v1/auth/logout", taken).status, 204)  # of no session
        self.use(session["token"])
        taken = {"refreshToken": session["refreshToken"]}
        self.assertEqual(self.post("/api/v1/auth/refresh", taken).status, 200)

    # Public keys.

    def by_keys(self):
        """Only the user service has the key of users' tokens, and nobody a secret to sign with."""
        if self.keys is not None:
            return self.keys
        type(self).keys = users, service = self.key("users"), self.key("service")
        everybody = {"JWT_SECRET": None, "JWT_SECRET_ACCEPTED": None, "SEAL_SECRET": PAGES,
                     "JWT_PUBLIC_KEYS_FILE": self.public_keys("users.pem", users),
                     "JWT_SERVICE_KEYS": "notification=" + self.public_keys("notification.pem",
                                                                            service),
                     "JWT_SIGNING_KEY_FILE": None, "JWT_SERVICE_SIGNING_KEY_FILE": None}
        self.change({**{one.name: everybody for one in self.people},
                     "user": {**everybody, "JWT_SIGNING_KEY_FILE": users.path},
                     "notification": {**everybody,
                                      "JWT_SERVICE_SIGNING_KEY_FILE": service.path}})
        return self.keys

    def verified(self, token):
        """Its claims, by a library that knows nothing of us but where the keys are."""
        keys = jwt.PyJWKSet.from_dict(self.get("/.well-known/jwks.json").json()).keys
        key = next(key for key in keys if key.key_id == self.kid(token))
        self.assertEqual(key.public_key_use, "sig")
        return jwt.decode(token, key.key, ["RS256", "ES256"], audience="inkmesh",
                          issuer="inkmesh", options={"require": ["exp", "iat", "sub"]})

    def test_a_key_is_changed_and_no_token_refused(self):
        first, service = self.by_keys()
        second = self.key("second", rsa.generate_private_key(public_exponent=65537, key_size=2048))
        next_service = self.key("next-service")
        old = self.log_in(self.registered()[0])["token"]
        check = self.travel(old)
        self.assertEqual(self.verified(old)["typ"], "access")
        # 1. Everybody gets to know the new keys.
        self.public_keys("users.pem", first, second)
        self.public_keys("notification.pem", service, next_service)
        self.change({}, check)
        self.assertEqual(self.kid(check.tokens[-1]), first.kid)
        # 2. They sign.
        self.restart(self.mesh.services["user"], {"JWT_SIGNING_KEY_FILE": second.path})
        self.restart(self.mesh.services["notification"],
                     {"JWT_SERVICE_SIGNING_KEY_FILE": next_service.path})
        self.await_mesh()
        check()
        self.assertEqual(self.kid(check.tokens[-1]), second.kid)
        self.await_mail(check.account, check.tokens[-1])
        for token in check.tokens:
            self.assertEqual(self.verified(token)["aud"], "inkmesh")
        # 3. JWT_TTL later nobody has a token of the old ones.
        check.tokens[0] = self.log_in(check.account)["token"]
        self.public_keys("users.pem", second)
        self.public_keys("notification.pem", next_service)
        self.change({}, check)
        type(self).keys = second, next_service
        self.await_mail(check.account, check.tokens[-1])
        self.refused(old)
        self.assertEqual([key["kid"] for key in self.get("/.well-known/jwks.json").json()["keys"]],
                         [second.kid])

    def test_tokens_that_others_made(self):
        (key, service), other = self.by_keys(), self.key("other")
        token = self.log_in(self.registered()[0])["token"]
        claims = self.verified(token)
        self.use(key.sign(claims))
        jwks = self.get("/.well-known/jwks.json").json()
        self.assertEqual([set(each) - {"x", "y", "crv", "n", "e"} for each in jwks["keys"]],
                         [{"kty", "use", "alg", "kid"}])
        now, header = int(time.time()), {"alg": "HS256", "typ": "JWT", "kid": key.kid}
        text = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
        confused = hmac.new(key.public, text.encode(), hashlib.sha256).digest()
        for bad in (
                jwt.encode(claims, None, "none", {"kid": key.kid}),
                f"{text}.{base64url(confused)}",
                jwt.encode(claims, PAGES, "HS256"),
                jwt.encode(claims, key.pem, key.alg),  # no kid
                other.sign(claims), other.sign(claims, kid=key.kid),
                service.sign(claims),  # which is for a service
                key.sign({**claims, "typ": "service", "sub": "notification"}),
                key.sign(claims, jku="https://attacker.example/jwks.json"),
                key.sign(claims, jwk=jwks["keys"][0]),
                key.sign(claims, x5u="https://attacker.example/chain.pem"),
                key.sign(claims, x5c=["MIIB"]), key.sign(claims, crit=["exp"]),
                key.sign({**claims, "padding": "x" * 4096}),
                key.sign({**claims, "exp": str(now + 60)}),
                key.sign({**claims, "sub": 7, "id": 7}),
                key.sign({**claims, "aud": ["inkmesh"]}),
                key.sign({**claims, "iat": now + 3600}), key.sign({**claims, "nbf": now + 3600}),
                key.sign({**claims, "typ": "refresh"}),
                *(key.sign({name: value for name, value in claims.items() if name != missing})
                  for missing in ("exp", "iss", "aud", "iat", "sub", "typ")),
                token[:-1], token + "A", token + ".", token + ".e30"):
            with self.subTest(token=bad):
                self.refused(bad)
        self.refused(key.sign({**claims, "exp": now - 60}), "TOKEN_EXPIRED")

    def test_a_program_does_not_start_without_its_key(self):
        key, service = self.by_keys()
        for name, setting, others in (
                ("user", "JWT_SIGNING_KEY_FILE", service.path),
                ("notification", "JWT_SERVICE_SIGNING_KEY_FILE", key.path),
                ("blog", "SEAL_SECRET", "too short")):
            program = self.mesh.services[name]
            good, log = program.env[setting], program.log
            program.log = os.path.join(scratch("refused-"), name)  # what it says is no log line
            for bad in ("", others):
                program.stop()
                program.env[setting] = bad
                program.launch()
                self.assertTrue(program.process.wait(30))
                self.assertIn(program.process.exit_code(), (1, 2))
                self.assertIn(setting, program.log_tail())
            program.env[setting], program.log = good, log
            program.start()
        self.await_mesh()


if __name__ == "__main__":
    import unittest
    unittest.main(verbosity=2)
