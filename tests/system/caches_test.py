# tests/system/caches_test.py - docs/caches.md, followed literally: its program is assembled, its commands are run.
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


if __name__ == "__main__":
    unittest.main()
