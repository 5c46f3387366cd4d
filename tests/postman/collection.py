"""The Postman collection as tests read it: its requests, where each goes and what it asserts."""

import json
import re
from dataclasses import dataclass

FOLDER = "tests/postman/"
COLLECTION = FOLDER + "Microservices-API-Collection.json"
ENVIRONMENT = FOLDER + "local.postman_environment.json"

_STATUS = re.compile(r"\bpm\.response\.to\.have\.status\((\d{3})\)")
_VARIABLE = re.compile(r"\{\{([^{}$]+)\}\}|(?:[vV]ariables|environment)\.get\(\"([^\"]+)\"\)")


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


@dataclass(frozen=True)
class Request:
    """One request. Segments of its path that are variables are ":name"."""

    name: str
    method: str
    path: str
    script: str  # what runs after the response
    text: str  # all of it

    @property
    def statuses(self):
        """The statuses that its own script asserts."""
        return [int(status) for status in _STATUS.findall(self.script)]

    def goes_to(self, verb, template):
        """Whether this is a request for the path template (`/blogs/{id}`)."""
        wanted = template.split("/")
        segments = self.path.split("/")
        return self.method == verb and len(segments) == len(wanted) and all(
            segment.startswith(":") if want.startswith("{") else segment == want
            for segment, want in zip(segments, wanted))


def _script(item, listen):
    return "\n".join("\n".join(event["script"]["exec"]) for event in item.get("event", [])
                     if event["listen"] == listen)


def requests(item):
    """All requests of a collection or folder, in their order."""
    if "item" in item:
        for below in item["item"]:
            yield from requests(below)
        return
    request = item["request"]
    yield Request(item["name"], request["method"], "/" + "/".join(request["url"]["path"]),
                  _script(item, "test"), json.dumps(item, ensure_ascii=False))


def folders(item):
    """All folders of a collection or folder, with the outer ones first."""
    for below in item["item"]:
        if "item" in below:
            yield below
            yield from folders(below)


def variables_used(text):
    """The names of the variables that a piece of the collection (as JSON) reads."""
    return {braces or quoted for braces, quoted in _VARIABLE.findall(text.replace('\\"', '"'))}
