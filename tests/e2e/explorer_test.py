#!/usr/bin/python3
"""The API explorer in a browser: one signs in and tries a call, and nothing comes from elsewhere."""

import json
import os
import re
import tempfile
import unittest

from mesh import MeshTest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

PATIENCE = 60


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


class ExplorerTest(MeshTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.addCleanup(folder.cleanup)
        self.base = f"http://127.0.0.1:{self.mesh.gateway.port}"
        self.driver = browser(folder.name)
        self.addCleanup(self.driver.quit)
        self.driver.get(f"{self.base}/docs")

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
        user, session = self.signed_in()
        self.click("button.authorize")
        self.find(".modal-ux input").send_keys(session["token"])
        self.click(".modal-ux button.authorize")
        self.click(".modal-ux .btn-done")
        self.assertEqual(self.call("UserService_GetProfile"), (200, user))
        self.assert_nothing_from_elsewhere()

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
