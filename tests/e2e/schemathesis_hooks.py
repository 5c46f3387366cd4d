"""What no JSON Schema says about a request that is meant to be accepted, for schemathesis_test.py.
Requests that are meant to be refused are left as they are."""

import os

import schemathesis

UNUSUAL = "w7!kq2ze"
MAX_BYTES = {"password": 72, "content": 1 << 20}
OWN_ID = os.environ["INK_USER_ID"]


@schemathesis.hook
def before_call(_context, case, _kwargs):
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if case.query:
        # A token comes from the page before.
        case.query.pop("pageToken", None)
    if not isinstance(case.body, dict):
        return
    for name, most in MAX_BYTES.items():
        # x-max-bytes: JSON Schema counts characters.
        if isinstance(case.body.get(name), str):
            case.body[name] = case.body[name].encode()[:most].decode(errors="ignore")
    password = case.body.get("password")
    if isinstance(password, str) and len(set(password)) == 1:
        # 00000000 and the like are among the common ones.
        case.body["password"] = (UNUSUAL * len(password))[:len(password)]
    for name in ("authorId", "userId"):
        # The caller's own, or it is a 403 and nothing more is tried.
        if case.body.get(name):
            case.body[name] = OWN_ID
