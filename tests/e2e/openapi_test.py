#!/usr/bin/python3
"""/openapi.json: valid for a validator that nobody here wrote, true to the routes, and readable."""

import copy
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

import pypi
from mesh import MeshTest, connect

sys.path.append(pypi.site())

# pylint: disable=wrong-import-position
from jsonschema import Draft202012Validator  # noqa: E402
from openapi_spec_validator import OpenAPIV31SpecValidator  # noqa: E402

# Where @spectral is.
SPECTRAL = next((os.path.abspath(folder) for folder in ("../spectral", "external/spectral")
                 if os.path.exists(f"{folder}/node")), None)
ID = "0198f0c4-6f3a-7cc2-9d56-3b2f7b8e4a11"


def below(value):
    """All objects in a JSON value."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value:
        if isinstance(inner, (dict, list)):
            yield from below(inner)


class OpenapiTest(MeshTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.document = cls().get("/openapi.json").json()

    def operations(self):
        """(path, verb, operation) of each."""
        for path, item in self.document["paths"].items():
            for verb, operation in item.items():
                yield path, verb, operation

    def test_anyone_may_have_it_and_keep_it(self):
        answer = self.get("/openapi.json")
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.headers["Content-Type"], "application/json")
        self.assertEqual(answer.headers["Cache-Control"], "no-cache")
        self.assertEqual(answer.headers.get_all("Cache-Control"), ["no-cache"])
        etag = answer.headers["ETag"]
        self.assertRegex(etag, '^"[0-9a-f]{16}"$')
        again = self.get("/openapi.json", headers={"If-None-Match": f'"other", {etag}'})
        self.assertEqual((again.status, again.body), (304, b""))
        self.assertEqual(again.headers["ETag"], etag)
        self.assertEqual(self.get("/openapi.json", headers={"If-None-Match": '"other"'}).status, 200)
        head = self.request("HEAD", "/openapi.json")
        self.assertEqual((head.status, head.body), (200, b""))
        self.assertEqual(int(head.headers["Content-Length"]), len(answer.body))
        self.assert_problem(self.post("/openapi.json", {}), 405)

    def test_valid(self):
        errors = OpenAPIV31SpecValidator(self.document).iter_errors()
        self.assertEqual([error.message for error in errors], [])
        ids = [operation["operationId"] for _, _, operation in self.operations()]
        self.assertEqual(len(set(ids)), len(ids))

    def test_validator_finds_faults(self):
        document = copy.deepcopy(self.document)
        del document["paths"]["/api/v1/blogs/{id}"]["get"]["parameters"][0]
        self.assertNotEqual(list(OpenAPIV31SpecValidator(document).iter_errors()), [])

    def lint(self, document):
        """spectral's CompletedProcess."""
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(document, file)
            file.flush()
            return subprocess.run(
                [f"{SPECTRAL}/node",
                 f"{SPECTRAL}/node_modules/@stoplight/spectral-cli/dist/index.js", "lint",
                 "--ruleset", os.path.realpath("tests/spectral/ruleset.yaml"),
                 "--fail-severity", "hint", file.name],
                capture_output=True, text=True, check=False, timeout=120)

    def test_linted(self):
        done = self.lint(self.document)
        self.assertEqual(done.returncode, 0, f"{done.stdout}\n{done.stderr}")
        document = copy.deepcopy(self.document)
        document["components"]["schemas"]["Unused"] = {"type": "object"}
        done = self.lint(document)
        self.assertEqual(done.returncode, 1, f"{done.stdout}\n{done.stderr}")
        self.assertIn("oas3-unused-component", done.stdout)

    def test_examples_keep_the_rules(self):
        checked = 0
        for schema in below(self.document):
            if isinstance(schema.get("examples"), list):
                validator = Draft202012Validator(
                    schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
                for example in schema["examples"]:
                    self.assertEqual([e.message for e in validator.iter_errors(example)], [], schema)
                    checked += 1
        self.assertGreater(checked, 20)

    def test_every_path_takes_what_it_says_and_nothing_else(self):
        for path, item in self.document["paths"].items():
            allow = self.request("OPTIONS", path.replace("{id}", ID)).headers["Allow"]
            verbs = {verb.upper() for verb in item}
            self.assertEqual(set(allow.split(", ")) - {"HEAD", "OPTIONS"}, verbs, path)

    def test_every_answer_is_safe_for_browsers(self):
        """Also that of a stream, of which only the header is awaited."""
        _, session = self.signed_in()
        tokens = ({}, {"Authorization": f"Bearer {session['token']}"})
        for path, verb, _ in self.operations():
            for headers in tokens:
                for method in (verb.upper(), "OPTIONS"):
                    connection = connect(self.mesh, 30)
                    self.addCleanup(connection.close)
                    connection.request(method, path.replace("{id}", ID), headers=headers)
                    self.assert_safe(connection.getresponse().headers)

    def test_aliases_have_an_original(self):
        ids = {operation["operationId"]: operation for _, _, operation in self.operations()}
        aliases = [each for each in ids.values() if "x-alias-of" in each]
        self.assertIn("UserService_Login_2", [alias["operationId"] for alias in aliases])
        for alias in aliases:
            original = ids[alias["x-alias-of"]]
            self.assertEqual(original["x-rpc"], alias["x-rpc"])
            self.assertNotIn("x-alias-of", original)

    def test_credentials(self):
        for path, verb, operation in self.operations():
            if operation["security"]:
                answer = self.request(verb.upper(), path.replace("{id}", ID))
                self.assert_problem(answer, 401)
                self.assertIn("401", operation["responses"])

    def test_texts_speak_of_json(self):
        """No names that only the .proto files have, no sentence that was cut."""
        for _, _, operation in self.operations():
            self.assertRegex(operation["summary"], r"^[A-Z][^\n]*[^.\s]$")
        for thing in below(self.document):
            for text in (thing.get("description"), thing.get("summary")):
                if isinstance(text, str):
                    self.assertIsNone(re.search(r"\b[a-z]+_[a-z_]+\b", text), text)
                    self.assertTrue(text.strip(), thing)


if __name__ == "__main__":
    unittest.main(verbosity=2)
