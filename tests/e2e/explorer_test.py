#!/usr/bin/python3
"""In a browser: the API explorer, where one signs in and tries a call, and nothing comes from
elsewhere; and pages of other origins, which may call if they are listed."""

import json
import os
import re
import tempfile
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from harness import ports
from mesh import MeshTest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

PATIENCE = 60

# Calls the gateway as a page does; the answer, or why there is none that the page may see.
FETCH = """
const [url, options, done] = arguments;
const names = ["ETag", "Location", "X-Request-Id", "WWW-Authenticate", "X-Frame-Options"];
fetch(url, options)
  .then(async answer => done({
    status: answer.status, type: answer.type, text: await answer.text(),
    headers: Object.fromEntries(names.map(name => [name, answer.headers.get(name)]))}))
  .catch(error => done({error: error.name}));
"""
HIDDEN = {"error": "TypeError"}


class Page(BaseHTTPRequestHandler):
    """Of another site: without anything on it."""

    def do_GET(self):
        body = b"<!DOCTYPE html><title>A page</title>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def site():
    """Serves the page from an origin of its own."""
    server = ThreadingHTTPServer(("127.0.0.1", ports.reserve()), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def origin_of(server):
    return f"http://127.0.0.1:{server.server_port}"


def browser(folder):
    """A headless Chromium that finds no host but ours."""
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for option in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage",
                   "no-first-run", "disable-background-networking", "window-size=1200,1600",
                   f"user-data-dir={folder}", "host-resolver-rules=MAP * ~NOTFOUND, "
                   "EXCLUDE 127.0.0.1"):
        options.add_argument(f"--{option}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    os.environ["HOME"] = folder
    return webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)


class BrowserTest(MeshTest):
    @classmethod
    def setUpClass(cls):
        cls.listed, cls.stranger = site(), site()
        for server in (cls.listed, cls.stranger):
            cls.addClassCleanup(server.server_close)
            cls.addClassCleanup(server.shutdown)
        cls.settings = {**MeshTest.settings, "CORS_ORIGINS": origin_of(cls.listed)}
        super().setUpClass()
        cls.base = f"http://127.0.0.1:{cls.mesh.gateway.port}"
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        cls.addClassCleanup(folder.cleanup)
        cls.driver = browser(folder.name)
        cls.addClassCleanup(cls.driver.quit)
        cls.driver.set_script_timeout(PATIENCE)

    def open(self, url):
        """Has the browser show it, and forget what it noted before."""
        self.driver.get("about:blank")
        for log in ("browser", "performance"):
            self.driver.get_log(log)
        self.driver.get(url)

    def open_explorer(self):
        self.open(f"{self.base}/docs")

    def find(self, selector, within=None):
        """The element, as soon as there is one that can be seen."""
        def visible(_driver):
            return next((each for each in (within or self.driver).find_elements(
                By.CSS_SELECTOR, selector) if each.is_displayed()), None)
        return WebDriverWait(self.driver, PATIENCE).until(visible, f"no {selector}")

    def click(self, selector, within=None):
        element = self.find(selector, within)
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def call(self, operation_id, body=None):
        """Opens an operation and executes it; the status and the body of its answer."""
        service = operation_id.partition("_")[0]
        block = self.find(f"#operations-{service}-{operation_id}")
        self.click(".opblock-summary-control", block)
        if body is not None:
            text = self.find("textarea.body-param__text", block)
            text.send_keys(Keys.CONTROL, "a")
            text.send_keys(json.dumps(body))
        self.click("button.execute", block)
        status = self.find(".live-responses-table tr.response .response-col_status", block).text
        shown = self.find(".live-responses-table tr.response .highlight-code code", block).text
        return int(re.match(r"\d+", status).group()), json.loads(shown)

    def keep_picture(self, name):
        folder = os.environ.get("TEST_UNDECLARED_OUTPUTS_DIR", tempfile.gettempdir())
        path = os.path.join(folder, name)
        self.assertTrue(self.driver.save_screenshot(path))
        self.assertGreater(os.path.getsize(path), 10000)

    def assert_nothing_from_elsewhere(self):
        """Every request of the page went to the gateway, and no policy was broken."""
        asked = [message["params"]["request"]["url"] for message in (
            json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance"))
                 if message["method"] == "Network.requestWillBeSent"]
        self.assertIn(f"{self.base}/openapi.json", asked)
        for url in asked:
            self.assertTrue(url.startswith((f"{self.base}/", "data:", "chrome:")), url)
        self.assertEqual([entry["message"] for entry in self.driver.get_log("browser")
                          if entry["level"] == "SEVERE"], [])

    def test_sign_in_and_call(self):
        self.open_explorer()
        account, user = self.registered()
        self.assertEqual(self.call("UserService_GetProfile_2")[0], 401)
        self.driver.get_log("browser")  # which notes the 401
        status, session = self.call("UserService_Login", {"email": account["email"],
                                                          "password": account["password"]})
        self.assertEqual(status, 200)
        self.assertEqual(session["tokenType"], "Bearer")
        self.assertEqual(self.call("UserService_GetProfile"), (200, user))
        self.keep_picture("explorer.png")
        self.assert_nothing_from_elsewhere()

    def test_token_by_hand(self):
        self.open_explorer()
        user, session = self.signed_in()
        self.click("button.authorize")
        self.find(".modal-ux input").send_keys(session["token"])
        self.click(".modal-ux button.authorize")
        self.click(".modal-ux .btn-done")
        self.assertEqual(self.call("UserService_GetProfile"), (200, user))
        self.assert_nothing_from_elsewhere()

    # Pages of other origins.

    def fetch(self, path, token=None, body=None, headers=None, **options):
        """What a page gets for a call."""
        headers = dict(headers or {})
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
            options["body"] = json.dumps(body)
        return self.driver.execute_async_script(FETCH, self.base + path,
                                                {"headers": headers, **options})

    def written(self, user):
        return self.get(f"/api/v1/blogs?authorId={user['id']}").json()["blogs"]

    def test_a_page_of_a_listed_origin_may_call(self):
        user, session = self.signed_in()
        blog = {"title": "From a page", "content": "Long enough to be a blog."}
        self.open(origin_of(self.listed))
        made = self.fetch("/api/v1/blogs", session["token"], blog, method="POST")
        self.assertEqual((made["status"], made["type"]), (201, "cors"), made)
        self.assertEqual(made["headers"]["ETag"], '"1"')
        self.assertTrue(made["headers"]["X-Request-Id"])
        self.assertIsNone(made["headers"]["X-Frame-Options"])  # which is nobody's business there
        path = made["headers"]["Location"]
        self.assertEqual(path, f"/api/v1/blogs/{self.written(user)[0]['id']}")
        self.assertEqual(self.fetch(path, headers={"If-None-Match": '"1"'})["status"], 304)
        changed = self.fetch(path, session["token"], {"title": "Changed"}, {"If-Match": '"1"'},
                             method="PATCH")
        self.assertEqual((changed["status"], changed["headers"]["ETag"]), (200, '"2"'))
        refused = self.fetch(path, None, {}, method="PUT")
        self.assertEqual(refused["status"], 401)
        self.assertTrue(refused["headers"]["WWW-Authenticate"].startswith("Bearer "))
        self.assertEqual(json.loads(refused["text"])["requestId"],
                         refused["headers"]["X-Request-Id"])
        self.assertEqual(self.fetch(path, session["token"], method="DELETE")["status"], 204)
        # Neither a method or header that the path does not take, nor what a browser adds by itself.
        for options in ({"headers": {"X-Evil": "1"}}, {"method": "REPORT"},
                        {"credentials": "include"}):
            self.assertEqual(self.fetch("/api/v1/blogs", **options), HIDDEN, options)

    def test_a_page_of_another_origin_sees_and_does_nothing(self):
        user, session = self.signed_in()
        blog = {"title": "From a page", "content": "Long enough to be a blog."}
        path = f"/api/v1/blogs/{self.blog(session['token'], 'Read by none')}"
        self.open(origin_of(self.stranger))
        for page in (origin_of(self.stranger), "data:text/html,<title>Of origin null</title>"):
            self.driver.get(page)
            for attempt in ({"path": path}, {"path": "/health"}, {"path": "/nowhere"},
                            {"path": path, "mode": "no-cors"},
                            {"path": path, "token": session["token"], "method": "DELETE"},
                            {"path": "/api/v1/blogs", "token": session["token"], "body": blog,
                             "method": "POST"},
                            # What needs no preflight arrives, and is refused for its type.
                            {"path": "/api/v1/blogs", "body": blog, "mode": "no-cors",
                             "headers": {"Content-Type": "text/plain"}, "method": "POST"}):
                self.assertEqual(self.fetch(**attempt), HIDDEN, (page, attempt))
        self.assertEqual([each["title"] for each in self.written(user)], ["Read by none"])

    def test_files(self):
        """They may be kept, and only the page may load and ask anything."""
        policies = {}
        for path in ("/docs", "/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css",
                     "/docs/explorer.js", "/docs/favicon-32x32.png"):
            answer = self.get(path)
            self.assertEqual(answer.status, 200, path)
            self.assertEqual(answer.headers["Cache-Control"], "no-cache")
            again = self.get(path, headers={"If-None-Match": answer.headers["ETag"]})
            self.assertEqual((again.status, again.body), (304, b""), path)
            policies[path], = answer.headers.get_all("Content-Security-Policy")
            self.assertEqual(answer.headers["X-Content-Type-Options"], "nosniff")
        page = policies.pop("/docs")
        self.assertIn("default-src 'none'; script-src 'self';", page)
        self.assertNotIn("unsafe", page)
        self.assertNotIn("http", page)
        self.assertEqual(set(policies.values()), {"default-src 'none'; frame-ancestors 'none'"})
        self.assert_problem(self.get("/docs/"), 404)
        self.assert_problem(self.get("/docs/../docs/none.js"), 404)
        self.assert_problem(self.post("/docs", {}), 405)


if __name__ == "__main__":
    unittest.main(verbosity=2)
