#!/usr/bin/env python3
# tests/system/museum_test.py - the museum and scenario commands as their users meet them, from any folder.
import os
import re
import tempfile
import unittest

import farside

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCENARIOS = os.path.join(ROOT, "tests", "scenarios")


def exhibits():
    files = os.listdir(os.path.join(SCENARIOS, "museum"))
    return sorted(name[:-4] for name in files if name.endswith(".scn"))


class Museum(unittest.TestCase):
    def test_every_exhibit_is_listed_and_does_what_it_is_known_for(self):
        listed = farside.run("museum", "list", timeout=30).out
        with tempfile.TemporaryDirectory() as elsewhere:
            for name in exhibits():
                with self.subTest(exhibit=name):
                    self.assertRegex(listed, rf"(?m)^{name} ")
                    outcome = farside.run("museum", "run", name, timeout=10, folder=elsewhere)
                    self.assertEqual(outcome.status, 0, outcome.out + outcome.err)
                    self.assertIn("Fix off", outcome.out)
                    self.assertIn("Fix on", outcome.out)

    def test_a_corruption_is_told_with_its_byte_the_life_of_its_line_and_what_is_missing(self):
        for name in ("boot-caches-off-clean", "boot-caches-off-invalidate", "dc-bit-dma", "dc-bit-icache",
                     "setway-migrated", "swap-lost-write"):
            with self.subTest(exhibit=name):
                off = farside.run("museum", "run", name, "--fix", "off", timeout=10).out
                for part in ("The corrupt byte", "The life of its line", "What is missing"):
                    self.assertIn(part, off)
                self.assertNotIn("Fix on", off)
                on = farside.run("museum", "run", name, "--fix", "on", timeout=10).out
                self.assertNotIn("The corrupt byte", on)

    def test_mistakes_are_one_line_and_status_2(self):
        for arguments, part in (
            (["museum", "run", "nothing"], "farside museum list"),
            (["museum", "run"], "farside museum list"),
            (["museum", "run", "dc-bit-dma", "--fix", "maybe"], "on, off"),
            (["museum", "run", "dc-bit-dma", "--fox", "on"], "--fix"),
            (["scenario", "run"], "farside scenario run"),
            (["scenario", "run", "missing.scn"], "missing.scn"),
            (["scenario", "run", os.path.join(ROOT, "docs")], "no .scn file"),
            (["scenario", "run", SCENARIOS, "--seed", "x"], "--seed x"),
            (["scenario", "run", SCENARIOS, "--policy", "best"], "best"),
            (["scenario", "run", SCENARIOS, "--engine", "fast"], "interp, jit"),
            (["scenario", "run", SCENARIOS, "--piece", "0"], "--piece 0"),
            (["museum", "run", "dc-bit-dma", "--engine", "fast"], "interp, jit"),
        ):
            outcome = farside.run(*arguments, timeout=30)
            with self.subTest(arguments=arguments, said=outcome.err):
                self.assertEqual(outcome.status, 2)
                self.assertRegex(outcome.err, r"\Afarside: [^\n]+\n\Z")
                self.assertIn(part, outcome.err)

    def test_a_syntax_error_names_file_line_and_what_was_expected(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "bad.scn"), "w") as file:
                file.write("# bad.scn - wrong.\nmachine cpus=1\nfrob x\n")
            outcome = farside.run("scenario", "run", "bad.scn", timeout=30, folder=folder)
            self.assertEqual(outcome.status, 2)
            self.assertRegex(outcome.err, r"\Afarside: bad\.scn:3: expected a step: .*, found 'frob'\n\Z")

    def test_a_red_scenario_is_status_1_and_says_where(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "red.scn"), "w") as file:
                file.write("# red.scn - not so.\nram 4100_0000 = 1\nexpect ram 4100_0000 = 2\n")
            outcome = farside.run("scenario", "run", "red.scn", timeout=30, folder=folder)
            self.assertEqual(outcome.status, 1)
            self.assertIn("red.scn:3: seed 0: 'expect ram 4100_0000 = 2': is 1", outcome.out)
            self.assertIn(": 1 RED", outcome.out)

    def test_the_example_of_the_format_document_is_as_it_says(self):
        with open(os.path.join(ROOT, "docs", "scenario-format.md")) as file:
            example = re.search(r"```\n(# cache/01.*?)```", file.read(), re.S).group(1)
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "example.scn"), "w") as file:
                file.write(example)
            outcome = farside.run("scenario", "run", "example.scn", "--explain", timeout=30, folder=folder)
            self.assertEqual(outcome.status, 0, outcome.out)
            self.assertIn("STALE_RAM", outcome.out)


class Engines(unittest.TestCase):
    """The same report, to the letter, whoever executes the instructions."""

    def both(self, *arguments):
        interp, jit = (farside.run(*arguments, "--engine", engine, timeout=200) for engine in ("interp", "jit"))
        self.assertEqual(interp.status, 0, interp.out[-2000:] + interp.err)
        self.assertEqual(interp.out, jit.out)
        return interp.out

    def test_every_scenario(self):
        for piece in ("1", "64"):
            with self.subTest(piece=piece):
                said = self.both("scenario", "run", SCENARIOS, "--explain", "--piece", piece)
                self.assertIn("all as expected", said)
                self.assertGreater(said.count("\n"), 10000)

    def test_every_exhibit(self):
        for name in exhibits():
            with self.subTest(exhibit=name):
                self.assertIn("Fix off", self.both("museum", "run", name))


if __name__ == "__main__":
    unittest.main()
