#!/usr/bin/python3
"""The Postman collection does not fall behind the contract: it has every route of it, with success
and with refusals, and every request asserts something."""

import json
import re
import unittest

import collection
from harness.contract import http_rules, load

CONTRACT = "gen/inkmesh_contract_descriptor_set.binpb"
# What the gateway answers itself.
OWN = {("GET", path): False for path in ("/health", "/livez", "/readyz")}
# Assertions that say nothing: of a constant.
_VACUOUS = re.compile(r"pm\.expect\((true|false|\d+)\)")


def routes():
    """{(verb, path template): whether its success is a stream} of the contract."""
    with open(CONTRACT, "rb") as file:
        data = file.read()
    set_class, rule_class = load(data)
    found = {}
    for file in set_class.FromString(data).file:
        for service in file.service if file.package.startswith("inkmesh.") else ():
            for method in service.method:
                for rule in http_rules(method, rule_class):
                    verb = rule.WhichOneof("pattern")
                    found[verb.upper(), getattr(rule, verb)] = method.server_streaming
    return found


def missing(all_requests, all_routes):
    """What the collection lacks: (verb, path, "refusal" or "success")."""
    for (verb, path), streaming in all_routes.items():
        statuses = [status for request in all_requests if request.goes_to(verb, path)
                    for status in request.statuses]
        # An open stream has no end that a runner could wait for.
        if not streaming and not any(status < 300 for status in statuses):
            yield verb, path, "success"
        if (verb, path) not in OWN and not any(status >= 400 for status in statuses):
            yield verb, path, "refusal"


class CollectionTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.collection = collection.read(collection.COLLECTION)
        cls.requests = list(collection.requests(cls.collection))
        cls.routes = routes()

    def test_every_route_is_asked(self):
        self.assertGreater(len(self.routes), 15)
        self.assertEqual(list(missing(self.requests, {**self.routes, **OWN})), [])

    def test_a_missing_request_is_found(self):
        for (verb, path), streaming in {**self.routes, **OWN}.items():
            others = [request for request in self.requests if not request.goes_to(verb, path)]
            self.assertLess(len(others), len(self.requests), path)
            self.assertIn((verb, path, "refusal" if streaming else "success"),
                          list(missing(others, {(verb, path): streaming})))

    def test_every_request_asserts_its_status(self):
        for request in self.requests:
            with self.subTest(request.name):
                self.assertIn("pm.test(", request.script)
                self.assertEqual(len(request.statuses), 1)
                self.assertIsNone(_VACUOUS.search(request.script))

    def test_every_response_is_checked_by_the_collection(self):
        checks = "\n".join("\n".join(event["script"]["exec"]) for event in self.collection["event"]
                           if event["listen"] == "test")
        for what in ("X-Request-Id", "Content-Type", "application/problem+json", "requestId",
                     "instance", "error"):
            self.assertIn(what, checks)

    def test_names_are_unique(self):
        """A script that asks again goes by the name."""
        names = [request.name for request in self.requests]
        self.assertEqual(sorted(names), sorted(set(names)))

    def test_folders_are_described(self):
        for folder in collection.folders(self.collection):
            self.assertTrue(folder.get("description"), folder["name"])

    def test_variables_are_known(self):
        """Each variable that is used is one of the collection, of the environment, or set by the
        script that goes before."""
        known = {one["key"] for one in self.collection["variable"]}
        known |= {one["key"] for one in collection.read(collection.ENVIRONMENT)["values"]}
        whole = json.dumps(self.collection, ensure_ascii=False)
        described = {"token"}  # the description says it in braces
        self.assertLessEqual(described, known)
        for request in self.requests:
            with self.subTest(request.name):
                own = set(re.findall(r'pm\.variables\.set\(\\"(\w+)\\"', request.text))
                self.assertLessEqual(collection.variables_used(request.text), known | own)
        unused = known - collection.variables_used(whole)
        self.assertEqual(unused, set(), "nobody reads them")

    def test_no_secrets_are_kept(self):
        """Postman exports the values that a run leaves behind: tokens among them."""
        kept = {one["key"] for one in self.collection["variable"] if one["value"]}
        self.assertEqual(kept, {"password"})
        self.assertNotIn("eyJ", json.dumps(self.collection))


if __name__ == "__main__":
    unittest.main(verbosity=2)
