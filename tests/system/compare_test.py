#!/usr/bin/env python3
# tests/system/compare_test.py - what `farside compare` counts is what single runs trace; runs that die end.
import collections
import json
import os
import re
import tempfile
import unittest
import xml.dom.minidom

import farside


def traced(folder, *arguments):
    """How often each tracepoint fired in one run that traces kvm, and the run."""
    path = os.path.join(folder, "trace")
    run = farside.boot(*arguments, "--trace", "kvm", "--trace-file", path, "--stats")
    counts = collections.Counter()
    with open(path) as trace:
        for line in trace:
            match = re.search(r"\b(kvm_\w+):", line)
            if match:
                counts[match.group(1)] += 1
    return counts, run


class Compare(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def compare(self, *arguments):
        paths = [os.path.join(self.folder, name) for name in ("c.json", "c.svg")]
        run = farside.run("compare", "debian", "--json", paths[0], "--svg", paths[1], *arguments)
        self.assertEqual(run.status, 0, run.err)
        with open(paths[0]) as file:
            document = json.load(file)
        picture = xml.dom.minidom.parse(paths[1]).documentElement
        self.assertEqual(picture.tagName, "svg")
        return document, picture, run

    def test_the_figures_are_the_counts_of_single_runs(self):
        document, picture, _ = self.compare("--policy", "none,tvm", "--thp", "never", "--seed", "5")
        self.assertEqual([run["policy"] for run in document["runs"]], ["none", "tvm"])
        for compared in document["runs"]:
            figures = compared["figures"]
            self.assertEqual(compared["ending"], "boots", compared)
            counts, run = traced(self.folder, "--policy", compared["policy"], "--thp", "never", "--seed", "5")
            self.assertEqual(run.status, 0, run.err)
            self.assertEqual(figures["s2_faults"], counts["kvm_guest_fault"])
            self.assertEqual(figures["traps"], counts["kvm_sys_access"])
            self.assertEqual(figures["exits"], counts["kvm_exit"])
            self.assertEqual(figures["s2_mmio"], counts["kvm_mmio_emulate"])
            self.assertEqual(figures["guest_instructions"], run.figure("instructions"))
            self.assertEqual(figures["dc_lines"], (run.figure("clean+invalidate bytes") or 0) / 64)
            self.assertIsNone(figures["lines_cleaned"], "without a model nothing is in a cache")
        none, tvm = (run["figures"] for run in document["runs"])
        self.assertEqual(none["dc_lines"], 0)
        self.assertGreaterEqual(tvm["dc_lines"], 64 * tvm["s2_mapped"])
        self.assertEqual(tvm["flush_vm"] - none["flush_vm"], 1, "the guest turns its caches on once")
        texts = [node.firstChild.data for node in picture.getElementsByTagName("tspan") if node.firstChild]
        self.assertIn("DC CIVAC", texts)

    def test_a_guest_that_dies_ends_its_run_and_the_others_go_on(self):
        document, _, run = self.compare("--policy", "none,tvm", "--cache", "adversarial", "--seed", "1")
        dead, alive = document["runs"]
        self.assertEqual(dead["ending"], "dies")
        self.assertIn("exception loop", dead["detail"])
        self.assertGreaterEqual(dead["figures"]["stale_icache"] + dead["figures"]["stale_ram"], 1)
        self.assertEqual(alive["ending"], "boots", alive)
        self.assertEqual([alive["figures"][name] for name in ("stale_ram", "stale_cached", "lost_write")], [0, 0, 0])
        self.assertIn("none: dies, exception loop", run.out)

    def test_a_bound_ends_a_run(self):
        document, _, _ = self.compare("--policy", "tvm", "--icache", "eager,lazy", "--max-insns", "3000000")
        self.assertEqual([(run["icache"], run["ending"]) for run in document["runs"]],
                         [("eager", "no end"), ("lazy", "no end")])


if __name__ == "__main__":
    unittest.main()
