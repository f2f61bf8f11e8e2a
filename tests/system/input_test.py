#!/usr/bin/env python3
# tests/system/input_test.py - what users get wrong: each mistake is one clear line and exit status 2; and the README's
# commands are ones that the program knows.
import fcntl
import gzip
import os
import re
import shlex
import shutil
import socket
import struct
import subprocess
import tempfile
import time
import unittest

import farside

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def elf(machine, elf_class=2):
    """The header of an ELF file for `machine` (EM_ number), with nothing behind it."""
    return struct.pack("<4sBBB9xHHIQQQIHHHHHH", b"\x7fELF", elf_class, 1, 1, 2, machine, 1, 0x40000000, 64, 0, 0, 64, 56,
                       1, 0, 0, 0)


def image(size=0x10000, text_offset=0):
    """The header of an arm64 Image that says it needs `size` bytes."""
    return struct.pack("<IIQQQ24x4sI", 0x14000000, 0, text_offset, size, 0x0A, b"ARM\x64", 0)


def locked(path):
    """Whether somebody holds a lock on the file."""
    with open(path, "rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def wait_until(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("waited in vain")
        time.sleep(0.02)


class BadInput(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        files = {
            "empty": b"",
            "text": b"This is not a kernel.\n" * 100,
            "good": image() + bytes(0x10000),
            "truncated": image()[:40],
            "huge": image(size=1 << 40) + bytes(4096),
            "hungry": image(size=100 << 20) + bytes(4096),
            "x86.elf": elf(62) + bytes(4096),
            "arm32.elf": elf(40, elf_class=1) + bytes(4096),
            "cut.elf": elf(183),
            "cut.gz": gzip.compress(image() + os.urandom(0x10000))[:2000],
            "large-initrd": bytes(80 << 20),
            "broken.dtb": b"\xd0\x0d\xfe\xed" + b"\xff" * 60,
            "odd.caches": b"l1i 32K 2\nl1d 96K 4\n",
            "disk": bytes(1 << 20),
            "odd.disk": bytes(1000),
            "disk.qcow2": b"QFI\xfb" + bytes(1020),
        }
        for name, contents in files.items():
            with open(os.path.join(cls.folder.name, name), "wb") as file:
                file.write(contents)
        with open(os.path.join(cls.folder.name, "large.flash"), "wb") as file:
            file.truncate(65 << 20)
        os.mkfifo(os.path.join(cls.folder.name, "pipe"))
        os.mkdir(os.path.join(cls.folder.name, "folder"))

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def refused(self, arguments, *parts):
        outcome = farside.run("run", *arguments, timeout=30, folder=self.folder.name)
        with self.subTest(arguments=arguments, said=outcome.err):
            self.assertEqual(outcome.status, 2)
            self.assertEqual(outcome.out, "")
            self.assertRegex(outcome.err, r"\Afarside: [^\n]+\n\Z")
            for part in parts:
                self.assertIn(part, outcome.err)

    def test_each_mistake_is_one_line_and_status_2(self):
        for arguments, part in (
            (["--kernel", "missing"], "missing"),
            (["--kernel", "folder"], "folder"),
            (["--kernel", "empty"], "empty"),
            (["--kernel", "text"], "text"),
            (["--kernel", "truncated"], "truncated"),
            (["--kernel", "huge"], "huge"),
            (["--kernel", "hungry", "--memory", "64M"], "hungry"),
            (["--kernel", "x86.elf"], "x86.elf"),
            (["--kernel", "arm32.elf"], "arm32.elf"),
            (["--kernel", "cut.elf"], "cut.elf"),
            (["--kernel", "cut.gz"], "cut.gz"),
            (["--kernel", "good", "--initrd", "missing"], "missing"),
            (["--kernel", "good", "--initrd", "large-initrd", "--memory", "64M"], "large-initrd"),
            (["--kernel", "good", "--dtb", "missing"], "missing"),
            (["--kernel", "good", "--dtb", "broken.dtb"], "broken.dtb"),
            (["--kernel", "good", "--dtb", "text"], "text"),
            (["--kernel", "good", "--cpu", "cortex-a99"], "cortex-a99"),
            (["--kernel", "good", "--memory", "2048G"], "--memory"),
            (["--kernel", "good", "--memory", "3M"], "2M"),
            (["--kernel", "good", "--smp", "9"], "1 to 8"),
            (["--kernel", "good", "--trace", "kvm", "--trace-file", "folder"], "folder"),
            (["--kernel", "good", "--symbols", "text"], "no symbols"),
            (["--kernel", "good", "--symbols", "missing"], "missing"),
            (["--kernel", "good", "--cache", "model", "--report", "missing/findings.json"], "missing/findings.json"),
            (["--kernel", "good", "--report", "findings.json"], "--cache"),
            (["--kernel", "good", "--cache", "model", "--stop-on", "STALE"], "--stop-on STALE"),
            (["--kernel", "good", "--cache", "model", "--allow", "STALE_RAM"], "STALE_ICACHE@"),
            (["--kernel", "good", "--cache", "model", "--knob", "colour=blue"], "--knob colour=blue"),
            (["--kernel", "good", "--cache", "model", "--knob", "evict=never"], "lazy|random|oldest|adversarial"),
            (["--kernel", "good", "--knob", "evict=lazy"], "needs caches"),
            (["--kernel", "good", "--knob", "bbm=maybe"], "old|new|conflict|amalgam"),
            (["--kernel", "good", "--cache", "model", "--cache-config", "missing"], "missing"),
            (["--kernel", "good", "--cache", "model", "--cache-config", "odd.caches"], "odd.caches:2: l1d: 98304 bytes"),
            (["--kernel", "good", "--cache-config", "odd.caches"], "needs caches"),
            (["--kernel", "good", "--code", "old"], "arch, coherent"),
            (["--kernel", "good", "--code", "arch", "--cache", "model"], "--code: with --cache model"),
            (["--kernel", "good", "--code", "coherent", "--cache", "adversarial"], "leave out one"),
            (["--kernel", "good", "--pcpus", "2", "--el2", "none"], "--pcpus"),
            (["--kernel", "good", "--migrate", "1"], "--pcpus 2"),
            (["--kernel", "good", "--drive", "good,dma=slow"], "coherent or noncoherent"),
            (["--kernel", "good", "--drive", "missing"], "--drive missing: cannot be opened"),
            (["--kernel", "good", "--drive", "folder"], "--drive folder: is a folder"),
            (["--kernel", "good", "--drive", "empty"], "truncate -s"),
            (["--kernel", "good", "--drive", "odd.disk"], "1000 bytes, which is not a multiple of 512"),
            (["--kernel", "good", "--drive", "/dev/null"], "neither a file nor a block device"),
            (["--kernel", "good", "--drive", "disk.qcow2"], "is a qcow2 image"),
            (["--kernel", "good", "--drive", "disk", "--drive", "disk"], "given twice"),
            (["--kernel", "good", "--drive", "disk,ro", "--drive", "disk"], "add ,ro"),
            (["--kernel", "good", "--drive", "disk,wo"], "--drive disk,wo"),
            (["--kernel", "good", "--share", "missing"], "--share missing"),
            (["--kernel", "good", "--share", "disk"], "--share disk: is no folder"),
            (["--kernel", "good", "--share", "folder", "--share", "folder"], "add ,tag=NAME"),
            (["--kernel", "good", "--net", "user,hostfwd=tcp:2222"], "must look like"),
            (["--kernel", "good", "--net", "user,hostfwd=tcp::99999-:22"], "must look like"),
            (["--kernel", "good", "--net", "tap"], "--net tap"),
            (["--kernel", "good", "--drive", "pipe"], "neither a file nor a block device"),
            (["--kernel", "good", "--drive", "disk,format=qcow2"], "qemu-img convert"),
            (["--kernel", "good", "--share", "folder,tag="], "not tag="),
            (["--kernel", "good", "--serial2", "folder"], "--serial2 folder: Is a directory"),
            (["--kernel", "good", "--monitor", "unix:missing/socket"], "No such file"),
            (["--kernel", "good", "--monitor", "unix:disk"], "name another path"),
            (["--kernel", "good", "--restore", "missing"], "snapshot missing: No such file"),
            (["--kernel", "good", "--snapshot-at", "0"], "at least 1"),
            (["--kernel", "good", "--snapshot-at", "5:missing/file", "--max-insns", "100000"], "cannot be written"),
            (["--bios", "missing"], "bios 'missing': cannot be read"),
            (["--bios", "large.flash"], "1 byte to 64 MiB"),
            (["--bios", "good", "--pflash", "folder"], "--pflash folder: cannot be opened for writing"),
            (["--bios", "good", "--pflash", "large.flash"], "a flash bank has 64 MiB"),
            (["--kernel", "good", "--pflash", "disk"], "it needs --bios FILE"),
            (["--kernel", "good", "--semihosting", "--semihosting-dir", "missing"], "--semihosting-dir missing"),
            (["--kernel", "good", "--semihosting", "--semihosting-dir", "disk"], "is no folder"),
            (["--kernel", "good", "--semihosting-dir", "folder"], "add --semihosting"),
            (["-drive", "if=pflash,format=raw,file=good"], "--bios FILE"),
            (["-kernel", "good", "-serial", "stdio", "-serial", "pty"], "file:FILE or null"),
            (["--kernl", "good"], "did you mean --kernel?"),
            (["windows"], "unknown guest"),
        ):
            self.refused(arguments, part)

    @unittest.skipUnless(shutil.which("setpriv"), "setpriv missing: apt-get install util-linux")
    def test_a_drive_that_the_user_may_not_read_or_write(self):
        path = os.path.join(self.folder.name, "disk")
        for mode, option, part in ((0o000, "", "Permission denied"), (0o000, ",ro", "Permission denied"),
                                   (0o444, "", "for writing; add ,ro to only read")):
            os.chmod(path, mode)
            self.addCleanup(os.chmod, path, 0o644)
            # Root reads everything, unless it lays down the capability to.
            command = ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all"] if os.getuid() == 0 else []
            result = subprocess.run([*command, farside.PROGRAM, "run", "--kernel", "good", "--drive", "disk" + option],
                                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                    cwd=self.folder.name, timeout=30)
            self.assertEqual((result.returncode, result.stdout), (2, ""), result.stderr)
            self.assertRegex(result.stderr, r"\Afarside: --drive disk: cannot be opened[^\n]+\n\Z")
            self.assertIn(part, result.stderr)

    def test_a_drive_that_another_farside_uses(self):
        path = os.path.join(self.folder.name, "disk")
        with open(os.path.join(self.folder.name, "loop"), "wb") as file:
            file.write(image() + bytes(0x10000))
        command = [farside.PROGRAM, "run", "--kernel", "loop", "--drive", "disk"]
        with subprocess.Popen(command, cwd=self.folder.name, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as first:
            try:
                wait_until(lambda: locked(path))
                self.refused(["--kernel", "good", "--drive", "disk"], "--drive disk: is in use by another farside")
                self.refused(["--kernel", "good", "--drive", "disk,ro"], "--drive disk: is in use by another farside")
            finally:
                first.kill()

    def test_a_port_that_is_in_use(self):
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            self.refused(["--kernel", "good", "--net", f"user,hostfwd=tcp::{port}-:22"],
                         f"--net user: cannot listen on 127.0.0.1:{port}", "in use")

    def test_unknown_commands(self):
        for words in (["rnu"], ["guest"], ["guest", "get", "plan9"], ["help", "nothing"]):
            outcome = farside.run(*words, timeout=30)
            self.assertEqual(outcome.status, 2, words)
            self.assertRegex(outcome.err, r"\Afarside: [^\n]+\n\Z")


class Documents(unittest.TestCase):
    def test_the_readmes_commands_exist(self):
        known = set()
        for topic in ("run", "guest", "scenario", "museum"):
            known |= set(re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", farside.run("help", topic).out))
        with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
            examples = re.findall(r"^ *(?:\$ )?\./farside (.*)$", file.read(), re.M)
        self.assertGreater(len(examples), 3)
        for example in examples:
            words = shlex.split(example, comments=True)
            self.assertIn(words[0], ("run", "guest", "scenario", "museum", "test", "build", "help", "version"), example)
            for word in words[1:]:
                if word.startswith("-") and words[0] != "test":
                    self.assertIn(word, known, example)

    def test_the_launcher_works_from_any_folder_and_through_a_link(self):
        with tempfile.TemporaryDirectory() as folder:
            link = os.path.join(folder, "link")
            os.symlink(os.path.join(ROOT, "farside"), link)
            result = subprocess.run([link, "--help"], cwd=folder, stdout=subprocess.PIPE, timeout=30, text=True)
            self.assertEqual(result.returncode, 0)
            self.assertIn("./farside run", result.stdout)


if __name__ == "__main__":
    unittest.main()
