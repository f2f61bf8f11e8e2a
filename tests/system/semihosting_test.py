#!/usr/bin/env python3
# tests/system/semihosting_test.py - semihosting calls of a small program, on each engine and with each EL2 mode; and that
# no path leaves the folder.
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import disk_images
import farside

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "semihosting", "calls.s")
FAILED = "ffffffffffffffff"

# What each row of the program prints: a number in hexadecimal without leading zeros, then the text of the buffer.
ROWS = """
open :tt: 1
a line by :tt
write: 0
istty: 1
flen: FAILED
read from output: 4
close: 0
close again: FAILED
errno: 9
open :semihosting-features: 1
flen: 5
read: 3
SHFB\x03
close: 0
open new.txt: FAILED
errno: 2
open new.txt: 1
write: 0
close: 0
open new.txt: 1
write: 0
close: 0
open new.txt: 1
flen: c
seek: 0
read: c
456789ab
read at the end: 14
seek behind: FAILED
istty: 0
write to read-only: a
close: 0
rename: 0
rename again: FAILED
remove: FAILED
rename upwards: 0
open /secret: FAILED
errno: d
open ../secret: FAILED
errno: 2
open ../../secret: 1
close: 0
open link: FAILED
errno: 28
open link: FAILED
open folder-link/secret: FAILED
errno: 14
open fifo: FAILED
errno: d
open sub: FAILED
errno: 15
open ./sub//../sub/inner: 1
read: 0
inner

close: 0
open sub/none/file: FAILED
open mode: FAILED
tmpnam: 0
semihosting-7.tmp
tmpnam, short: FAILED
cmdline: 0
calls.elf one two
cmdline, short: FAILED
system: FAILED
errno: 26
iserror: 1
iserror: 0
unknown: FAILED
""".replace("FAILED", FAILED).split("\n")[1:-1]

KEYS = """
readc: 6b
open :tt: 1
read: c5
ey

read: 0
x

read: 0
yz
read at the end: 2
readc at the end: FAILED
""".replace("FAILED", FAILED).split("\n")[1:-1]


@unittest.skipUnless(shutil.which("aarch64-linux-gnu-as"), "apt-get install binutils-aarch64-linux-gnu")
class Semihosting(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = folder.name
        self.kernel = os.path.join(self.top, "calls.elf")
        disk_images.tool("aarch64-linux-gnu-as", "-o", "calls.o", SOURCE, cwd=self.top)
        disk_images.tool("aarch64-linux-gnu-ld", "-Ttext=0x40200000", "-o", self.kernel, "calls.o", cwd=self.top)
        self.put("secret", "outside")
        os.makedirs(os.path.join(self.top, "outside"))
        self.put("outside/secret", "outside")

    def put(self, name, text):
        with open(os.path.join(self.top, name), "w", encoding="ascii") as file:
            file.write(text)

    def make_folder(self):
        """A new folder for the guest, with ways out of it."""
        folder = os.path.join(self.top, "folder")
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(os.path.join(folder, "sub"))
        self.put("folder/sub/inner", "inner\n")
        os.symlink("../secret", os.path.join(folder, "link"))
        os.symlink("../outside", os.path.join(folder, "folder-link"))
        os.mkfifo(os.path.join(folder, "fifo"))
        return folder

    def calls(self, *options, keys=b"key\nx\nyz"):
        result = subprocess.run([farside.PROGRAM, "run", "--kernel", self.kernel, "--append", "one two",
                                 "--max-insns", "1000000", *options],
                                input=keys, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=farside.TIMEOUT)
        # Numbers without the zeros before them.
        said = re.sub(r": 0*([0-9a-f]+)$", r": \1", result.stdout.decode(), flags=re.M)
        return result.returncode, said, result.stderr.decode()

    def with_files(self, *options):
        return self.calls("--semihosting", "--semihosting-dir", self.make_folder(), "--console", "semihosting", *options)

    def test_each_call_gives_what_the_specification_says(self):
        status, said, error = self.with_files()
        self.assertEqual((status, error), (42, ""))
        lines = said.replace("\r", "").split("\n")
        self.assertEqual(lines[0], "hello by SYS_WRITE0")
        self.assertEqual(lines[1:len(ROWS) + 1], ROWS)
        figures = dict(line.split(": ") for line in lines[len(ROWS) + 1:len(ROWS) + 6])
        self.assertEqual(set(figures), {"clock", "time", "tickfreq", "elapsed", "heapinfo"})
        self.assertEqual(int(figures["time"], 16), 1767225600)  # 2026-01-01, as the PL031 says
        self.assertEqual((figures["elapsed"], figures["heapinfo"]), ("0", "0"))
        self.assertEqual(lines[len(ROWS) + 6:-1], KEYS)
        with open(os.path.join(self.top, "folder", "out.txt"), encoding="ascii") as file:
            self.assertEqual(file.read(), "0123456789ab")
        self.assertFalse(os.path.exists(os.path.join(self.top, "out.txt")))
        for outside in ("secret", "outside/secret"):
            with open(os.path.join(self.top, outside), encoding="ascii") as file:
                self.assertEqual(file.read(), "outside")

    def test_engines_and_modes_agree(self):
        first = self.with_files("--engine", "interp")
        for options in (["--engine", "jit"], ["--engine", "jit", "--jit-threshold", "0"],
                        ["--cache", "adversarial", "--cpu", "cortex-a72", "--fail-on", "all"]):
            self.assertEqual(self.with_files(*options)[:2], first[:2], options)
        without = self.with_files("--el2", "none")
        self.assertEqual(without, self.with_files("--el2", "none", "--engine", "interp"))
        # Exits to the hypervisor take time; nothing else differs.
        timeless = [re.sub(r"(clock|time): .*", "", said) for said in (first[1], without[1])]
        self.assertEqual(*timeless)

    def test_a_read_only_folder_stays_as_it_is(self):
        folder = self.make_folder()
        status, said, _ = self.calls("--semihosting", "--semihosting-dir", folder + ",ro")
        self.assertEqual(status, 42)
        self.assertIn(f"open new.txt: {FAILED}", said)
        self.assertIn("open ./sub//../sub/inner: 1\nread: 0\ninner\n", said.replace("\r", ""))
        self.assertEqual(sorted(os.listdir(folder)), ["fifo", "folder-link", "link", "sub"])

    def test_without_a_folder_there_are_no_files_and_without_the_console_no_keys(self):
        status, said, _ = self.calls("--semihosting")
        self.assertEqual(status, 42)
        self.assertIn(f"open new.txt: {FAILED}\nerrno: d\n", said.replace("\r", ""))
        self.assertIn(f"readc: {FAILED}\n", said.replace("\r", ""))

    def test_without_the_option_the_instruction_is_undefined(self):
        for el2 in ("kvm", "none"):
            self.assertEqual(self.calls("--el2", el2)[:2], (0, "undefined\n"))


if __name__ == "__main__":
    unittest.main()
