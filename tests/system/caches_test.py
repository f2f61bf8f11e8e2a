# tests/system/caches_test.py - docs/caches.md, followed literally: its program is assembled, its commands are run.
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import farside

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SECTION = "## How to find a missing clean in your own kernel with farside"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)


def section():
    with open(os.path.join(ROOT, "docs/caches.md"), encoding="utf-8") as file:
        text = file.read().split(SECTION + "\n")[1]
    return re.split(r"^## ", text, flags=re.M)[0]


def steps(block):
    """The commands of a block, each with the lines that it is to print."""
    out = []
    for line in block.splitlines():
        if line.startswith("$ "):
            out.append((line[2:], []))
        else:
            out[-1][1].append(line)
    return out


def pattern(lines):
    """A regular expression for what the document shows: "..." stands for the rest of a line's part, or for lines."""
    parts = []
    for line in lines:
        if line.strip() == "...":
            parts.append(r"(?:.*\n)*?")
        else:
            parts.append(".*".join(re.escape(part) for part in line.split("...")) + r"\n")
    return re.compile("".join(parts))


class CachesDocument(unittest.TestCase):
    @unittest.skipUnless(shutil.which("aarch64-linux-gnu-as"), "needs binutils-aarch64-linux-gnu")
    def test_the_worked_example_shows_what_the_document_says(self):
        blocks = FENCE.findall(section())
        self.assertEqual([kind for kind, _ in blocks].count("asm"), 1)
        path = os.path.dirname(os.path.abspath(farside.PROGRAM)) + os.pathsep + os.environ["PATH"]
        ran = 0
        with tempfile.TemporaryDirectory() as folder:
            for kind, block in blocks:
                if kind == "asm":
                    with open(os.path.join(folder, "handover.s"), "w", encoding="utf-8") as file:
                        file.write(block)
                    continue
                for command, expected in steps(block):
                    run = subprocess.run(["bash", "-c", command], cwd=folder, env={**os.environ, "PATH": path},
                                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                         timeout=farside.TIMEOUT)
                    output = run.stdout.decode(errors="replace")
                    self.assertRegex(output, re.compile(r"\A" + pattern(expected).pattern + r"\Z"), command)
                    ran += 1
        self.assertGreaterEqual(ran, 10)


@unittest.skipUnless(shutil.which("aarch64-linux-gnu-as"), "needs binutils-aarch64-linux-gnu")
class Findings(unittest.TestCase):
    """What becomes of findings, with the document's program as the guest."""

    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = temporary.name
        source = next(block for kind, block in FENCE.findall(section()) if kind == "asm")
        fixed = source.replace("// What is missing here is the subject of this page.", "dc cvac, x19; dsb sy")
        self.assertNotEqual(source, fixed)
        for name, text in (("bad", source), ("good", fixed)):
            with open(self.path(name + ".s"), "w", encoding="utf-8") as file:
                file.write(text)
            subprocess.run(["aarch64-linux-gnu-as", "-o", name + ".o", name + ".s"], cwd=self.folder, check=True)
            subprocess.run(["aarch64-linux-gnu-ld", "-Ttext=0x40200000", "-o", name, name + ".o"], cwd=self.folder,
                           check=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def run_kernel(self, kernel, *arguments):
        return farside.run("run", "--kernel", kernel, "--cpu", "cortex-a72", "--cache", "adversarial", *arguments,
                           folder=self.folder)

    def report(self, name="findings.json"):
        with open(self.path(name), encoding="utf-8") as file:
            return json.load(file)

    def test_a_report_without_findings_is_complete(self):
        clean = self.run_kernel("good", "--report", "findings.json", "--fail-on", "all", "--seed", "7")
        self.assertEqual(clean.status, 0, clean.err)
        report = self.report()
        self.assertEqual(report["format"], 1)
        self.assertEqual((report["run"]["seed"], report["run"]["end"]), (7, "power-off"))
        self.assertEqual(sum(report["counts"][name] for name in report["counts"] if name.isupper()) -
                         report["counts"]["MISMATCH"] - report["counts"]["AMBIGUOUS"], 0)
        self.assertFalse([f for f in report["findings"] if not f["advice"]])

    def test_a_report_replaces_the_one_before_and_leaves_nothing_else(self):
        with open(self.path("findings.json"), "w", encoding="utf-8") as file:
            file.write("old")
        before = set(os.listdir(self.folder))
        self.run_kernel("bad", "--report", "findings.json")
        self.assertEqual(set(os.listdir(self.folder)), before)
        finding = next(f for f in self.report()["findings"] if not f["advice"])
        self.assertEqual(finding["class"], "STALE_RAM")
        self.assertEqual((finding["seen"], finding["expected"]), ("737461790a000000", "6d6f7665640a0000"))
        self.assertEqual(finding["attributes"]["final"], "Device-nGnRnE")
        self.assertEqual([event["event"] for event in finding["ranges"]][-1], "clean and invalidate")
        self.assertIn("stage-2 map", [event["event"] for event in finding["ranges"]])

    def test_findings_end_the_run_or_change_its_status_or_neither(self):
        for arguments, status, end in (
            ([], 0, "power-off"),
            (["--fail-on", "all"], 4, "power-off"),
            (["--fail-on", "STALE_WALK,LOST_WRITE"], 0, "power-off"),
            (["--stop-on", "STALE_RAM"], 4, "finding"),
            (["--stop-on", "STALE_WALK"], 0, "power-off"),
            (["--fail-on", "all", "--stop-on", "all", "--allow", "STALE_RAM@read_message"], 0, "power-off"),
            (["--fail-on", "all", "--allow", "STALE_RAM@leave_message"], 4, "power-off"),
            (["--fail-on", "all", "--allow", "STALE_CACHED@read_message"], 4, "power-off"),
        ):
            run = self.run_kernel("bad", "--report", "findings.json", *arguments)
            self.assertEqual((run.status, self.report()["run"]["end"]), (status, end), arguments)
            self.assertEqual(run.out, "" if end == "finding" else "stay\n", arguments)
        self.assertEqual(self.report()["allowed"], {})

    def test_allowed_findings_are_counted_and_not_printed(self):
        run = self.run_kernel("bad", "--report", "findings.json", "--allow", "STALE_RAM@read_message")
        self.assertNotIn("STALE_RAM", run.err)
        self.assertEqual(self.report()["allowed"], {"STALE_RAM": 1})
        self.assertEqual(self.report()["counts"]["STALE_RAM"], 0)

    def test_symbols_can_come_from_another_file(self):
        with open(self.path("System.map"), "w", encoding="utf-8") as file:
            file.write("40200000 T _start\n40200050 T handing_over\n")
        run = self.run_kernel("bad", "--symbols", "System.map")
        self.assertIn("<handing_over+0x18>", run.err)
        self.assertNotIn("read_message", run.err)

    def test_a_trace_of_instructions_has_names(self):
        run = self.run_kernel("good", "--trace", "exec", "--max-insns", "100")
        self.assertRegex(run.err, r"EL1 0000000040200000 [0-9a-f]{8} adr +x19, [^\n]*<_start>\n")
        self.assertIn("<build_table+0x4>\n", run.err)


if __name__ == "__main__":
    unittest.main()
