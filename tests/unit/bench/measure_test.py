#!/usr/bin/python3
"""What the benchmark makes of its numbers: medians, refusals, verdicts, and a page for people."""

import http.server
import json
import re
import sys
import threading
import unittest
from xml.etree import ElementTree

from harness.waiting import HarnessError, until

sys.path.insert(0, "tests/bench")

from measure import plot, report  # noqa: E402
from measure.course import Course, Courses  # noqa: E402
from measure.load import Load, Request  # noqa: E402
from measure.markdown import markdown  # noqa: E402
from measure.page import course_page, page  # noqa: E402
from measure.series import Series, Table, quantile, ratio, show  # noqa: E402
from measure.targets import TARGETS, Target  # noqa: E402
from measure.turns import Turns  # noqa: E402
import gateway  # noqa: E402


def series(contender, *rates, errors=0):
    return Series("64 connections", contender,
                  [{"rate": rate, "p99": 1000 / rate, "errors": errors} for rate in rates])


def table(*all_series):
    return Table("GET <a> blog", "how & why", ("rate", "p99", "errors"), plots=("rate", "p99"),
                 series=list(all_series))


class Numbers(unittest.TestCase):
    def test_the_median_stands_for_the_rounds(self):
        ours = series("ours", 100, 400, 110)
        self.assertEqual(ours.median("rate"), 110)
        self.assertAlmostEqual(ours.spread("rate"), 290 / 110)
        self.assertIsNone(ours.median("cpu"))

    def test_a_ratio_is_of_medians(self):
        self.assertEqual(ratio(series("ours", 200, 1, 300), series("other", 100), "rate"), 2)

    def test_nothing_is_compared_when_requests_failed(self):
        good, bad = series("ours", 200), series("other", 100, errors=1)
        self.assertIsNone(ratio(good, bad, "rate"))
        self.assertIsNone(ratio(bad, good, "rate"))
        self.assertIsNone(ratio(good, gateway.best([series("slow", 50), bad], "rate", max), "rate"))

    def test_the_better_rival_counts(self):
        rivals = [series("slow", 50), series("quick", 80)]
        self.assertEqual(gateway.best(rivals, "rate", max).contender, "quick")
        self.assertEqual(gateway.best(rivals, "p99", min).contender, "quick")

    def test_as_many_decimals_as_tell_something(self):
        self.assertEqual([show(value) for value in (12345.6, 123.4, 12.34, 1.234)],
                         ["12,346", "123", "12.3", "1.23"])

    def test_quantiles(self):
        self.assertAlmostEqual(quantile(range(101), 99), 99)


class Verdicts(unittest.TestCase):
    def test_more_is_better(self):
        target = Target("throughput", 1.3, 2, more=True)
        self.assertEqual([target.verdict(value) for value in (1.2, 1.3, 2, None)],
                         ["missed", "floor", "aim", "refused"])

    def test_less_is_better(self):
        target = Target("p99", 1, 0.6)
        self.assertEqual([target.verdict(value) for value in (1.1, 1, 0.6)],
                         ["missed", "floor", "aim"])

    def test_an_aim_is_never_easier_than_its_floor(self):
        for key, target in TARGETS.items():
            self.assertTrue(target.met(target.aim, target.floor), key)


class Reports(unittest.TestCase):
    def setUp(self):
        self.report = report.Report("gateway", {"rounds": 2})
        self.report.tables.append(table(series("ours <1>", 100, 120), series("other", 50, 60)))
        self.report.figures.update({"gateway.rate.64": 2.0, "gateway.p99.64": 0.5})

    def test_it_fails_by_floors_refusals_and_what_broke(self):
        self.assertFalse(self.report.failed())
        for value in (1.0, None):
            self.report.figures["gateway.rate.64"] = value
            self.assertTrue(self.report.failed(), value)
        self.report.figures["gateway.rate.64"] = 2.0
        self.report.broke("no Envoy")
        self.assertTrue(self.report.failed())

    def test_json_has_every_round(self):
        document = json.loads(json.dumps(self.report.document()))
        first = document["tables"][0]["series"][0]
        self.assertEqual([sample["rate"] for sample in first["samples"]], [100, 120])
        self.assertEqual(first["median"]["rate"], 110)
        self.assertEqual(document["figures"]["gateway.rate.64"]["verdict"], "aim")

    def test_the_text_table_has_medians_and_how_far_rounds_were_off(self):
        text = report.table_text(self.report.tables[0])
        self.assertRegex(text, r"64 connections +ours <1> +110 ±9%")

    def test_the_page_needs_nothing_from_elsewhere(self):
        text = page(self.report)
        self.assertNotRegex(text, r"https?:|src=|href=|@import|url\(")
        self.assertIn("GET &lt;a&gt; blog", text)
        self.assertIn("how &amp; why", text)
        self.assertEqual(len(re.findall("<svg", text)), 2)

    def test_markdown_has_figures_and_tables(self):
        lines = markdown(self.report).splitlines()
        self.assertIn("| GET a blog, 64 connections: throughput, against the better rival | 2× "
                      "| ≥ 1.3× | ≥ 2× | aim met |", lines)
        self.assertIn("| 64 connections | ours <1> | 110 ±9% | 9.17 ±9% | 0 |", lines)

    def test_a_plot_has_a_bar_for_each_contender(self):
        root = ElementTree.fromstring(plot.bars(self.report.tables[0], "rate"))
        heights = [float(bar.get("height")) for bar in root.iter("rect")]
        self.assertEqual(len(heights), 2)
        self.assertAlmostEqual(heights[0] / heights[1], 2, places=1)
        self.assertEqual(plot.bars(self.report.tables[0], "cpu"), "")


class Handler(http.server.BaseHTTPRequestHandler):
    """Refuses what has no token."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200 if self.headers["Authorization"] == "Bearer abc" else 401)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Loads(unittest.TestCase):
    def setUp(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.port = server.server_address[1]

    def load(self, *requests):
        return Load(self.port, requests, 2, 1).begin().end()

    def test_good_answers_are_counted(self):
        sample = self.load(Request("/a", token="abc"))
        self.assertGreater(sample["rate"], 0)
        self.assertGreater(sample["p99"], 0)
        self.assertEqual(sample["errors"], 0)

    def test_refusals_are_errors(self):
        sample = self.load(Request("/a"))
        self.assertEqual(sample["errors"], sample["requests"])

    def test_requests_are_sent_in_turn(self):
        sample = self.load(Request("/a", token="abc"), Request("/b"))
        self.assertAlmostEqual(sample["errors"] / sample["requests"], 0.5, delta=0.1)


class InTurn(unittest.TestCase):
    def test_each_act_is_taken_once(self):
        done = []

        def fail(number):
            raise HarnessError(f"no {number}")

        turns = Turns(50, {"good": done.append, "bad": fail})
        turns.start()
        until("three turns", lambda: len(done) >= 3, 10)
        first, second = turns.take(), turns.take()
        took, wrong = first["good"]
        self.assertGreaterEqual(len(took), 2)
        self.assertEqual(wrong, [])
        self.assertEqual(first["bad"][0], [])
        self.assertEqual(first["bad"][1][:2], ["no 1", "no 2"])
        self.assertLess(len(second["good"][0]), len(took))


class OverTime(unittest.TestCase):
    @staticmethod
    def course(kind, values):
        return Course(kind, "user", list(enumerate(values)))

    def test_what_stays(self):
        for values in ([30] * 20, [10, 20, 28, 29] + [30] * 16, [30, 31] * 10, [30] * 19 + [500]):
            self.assertIs(self.course("memory", values).flat(), True, values)

    def test_what_rises(self):
        self.assertIs(self.course("memory", range(20, 60)).flat(), False)
        self.assertIs(self.course("descriptors", range(20, 80)).flat(), False)

    def test_a_leak_is_more_than_it_may_rise(self):
        for kind, stays, rises in (("descriptors", 24, 25), ("threads", 24, 25),
                                   ("p50", 25.2, 25.4), ("p99", 32.9, 33.1)):
            for end, flat in ((stays, True), (rises, False)):
                self.assertIs(self.course(kind, [20] * 10 + [end] * 10).flat(), flat, (kind, end))

    def test_too_few_to_tell(self):
        self.assertIsNone(self.course("memory", [30] * 7).flat())

    def test_page(self):
        courses = Courses()
        for minute in range(10):
            courses.add(minute, "memory", "<user>", 30 + 10 * minute)
            courses.add(minute, "threads", "blog", 20)
        self.assertEqual([one.name for one in courses.rising()], ["<user>"])
        drawn = course_page("soak", "facts", courses, [["what"], ["memory"]])
        self.assertNotIn("<user>", drawn)
        for svg in re.findall("<svg.*?</svg>", drawn):
            ElementTree.fromstring(svg)
        self.assertEqual(drawn.count("<polyline"), 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
