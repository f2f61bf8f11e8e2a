#!/usr/bin/env python3
# tests/system/state_test.py - snapshots, resets, the monitor's socket and the older interrupt controller, as users meet
# them.
import os
import re
import socket
import subprocess
import tempfile
import time
import unittest

import farside
import resume

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden")
WORKER = ["--kernel", os.path.join(GOLDEN, "worker.bin"), "--memory", "64M", "--cpu", "cortex-a72"]
SHARED = ["--kernel", os.path.join(GOLDEN, "shared.bin"), "--smp", "2", "--memory", "64M", "--cpu", "cortex-a72", "--thp",
          "never", "--cache", "adversarial", "--cache-config", os.path.join(GOLDEN, "tiny.caches")]


class Golden(unittest.TestCase):
    """Small guests, and the snapshots of every format version that was ever written."""

    def check(self, machine, form, characters, decides_since=1):
        """`decides_since`: the first format version whose snapshots were taken while caches decided as they do now."""
        whole = farside.run("run", *machine, "--state-hash")
        self.assertEqual(whole.status, 0, whole.err)
        self.assertEqual(len(whole.out), characters)
        snapshots = sorted(name for name in os.listdir(GOLDEN) if re.fullmatch(form, name))
        self.assertIn(form.replace(r"\d+", "1"), snapshots)
        for name in snapshots:
            for engine in ("interp", "jit"):
                with self.subTest(snapshot=name, engine=engine):
                    rest = farside.run("run", *machine, "--engine", engine, "--restore", os.path.join(GOLDEN, name),
                                       "--state-hash")
                    self.assertEqual(rest.status, 0, rest.err)
                    self.assertTrue(whole.out.endswith(rest.out) and 0 < len(rest.out) < len(whole.out), rest.out)
                    if int(re.match(r"v(\d+)", name)[1]) >= decides_since:
                        self.assertEqual(rest.hash, whole.hash)

    def test_snapshots_of_all_versions_run_to_the_same_end(self):
        self.check(WORKER, r"v\d+.snap", 58)

    def test_snapshots_with_caches_of_all_versions_run_to_the_same_end(self):
        self.check(SHARED, r"v\d+-caches.snap", 184, decides_since=3)


class BadSnapshots(unittest.TestCase):
    """What does not fit is one line and exit status 2, before anything has run."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        with open(os.path.join(GOLDEN, "v1.snap"), "rb") as file:
            self.good = file.read()

    def refused(self, content, said, *arguments, machine=WORKER):
        path = os.path.join(self.folder, "bad.snap")
        with open(path, "wb") as file:
            file.write(content)
        result = farside.run("run", *machine, *arguments, "--restore", path, folder=self.folder)
        self.assertEqual((result.status, result.out), (2, ""), result.err)
        self.assertRegex(result.err, r"\Afarside: [^\n]+\n\Z")
        self.assertIn(said, result.err)

    def test_a_truncated_one(self):
        for part in range(64):
            self.refused(self.good[: len(self.good) * part // 64], "damaged" if part else "no farside snapshot")

    def test_one_with_a_flipped_bit(self):
        said = {0: "no farside snapshot"}
        for part in range(64):
            at = len(self.good) * part // 64
            flipped = self.good[at] ^ (1 << part % 8)
            self.refused(self.good[:at] + bytes([flipped]) + self.good[at + 1 :], said.get(part, "damaged"))

    def test_no_snapshot_at_all(self):
        self.refused(b"not at all", "no farside snapshot")
        for path, said in (("nowhere", "No such file"), (".", "is no file")):
            result = farside.run("run", *WORKER, "--restore", path, folder=self.folder)
            self.assertEqual((result.status, result.out), (2, ""))
            self.assertIn(said, result.err)

    def test_another_version(self):
        self.refused(self.good[:8] + b"\x63" + self.good[9:], "version 99")

    def test_another_machine_by_the_option_that_makes_it(self):
        with open(os.path.join(self.folder, "disk"), "wb") as file:
            file.truncate(1 << 20)
        for option in ("--smp 2", "--seed 7", "--el2 none", "--gic 2", "--policy tvm", "--thp never", "--cache model",
                       "--knob hpfar_junk=off", "--dma noncoherent", "--rng none", "--console virtio", "--pcpus 2",
                       "--serial2 null", "--balloon", "--share .", "--drive disk"):
            said = {"--serial2 null": "--serial2 given", "--balloon": "--balloon given", "--drive disk": "--drive number 0",
                    "--share .": "--share with tag share"}.get(option, option)
            with self.subTest(option):
                self.refused(self.good, said, *option.split())
        for option in ("--memory 128", "--cpu cortex-a57"):
            kind, value = option.split()
            machine = list(WORKER)
            machine[machine.index(kind) + 1] = value.replace("128", "128M")
            with self.subTest(option):
                self.refused(self.good, option, machine=machine)


class NoRoom(unittest.TestCase):
    def test_a_snapshot_that_does_not_fit_leaves_nothing_and_the_old_one(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "old.snap")
            with open(path, "w") as old:
                old.write("old")
            limited = subprocess.run(["sh", "-c", 'ulimit -f 1; exec "$@"', "sh", farside.PROGRAM, "run", *WORKER,
                                      "--snapshot-at", f"100000:{path}"], capture_output=True, text=True)
            self.assertEqual(limited.returncode, 2, limited.stderr)
            self.assertRegex(limited.stderr, rf"\Afarside: .*{re.escape(path)}.*\n\Z")
            self.assertEqual(os.listdir(folder), ["old.snap"])
            with open(path) as old:
                self.assertEqual(old.read(), "old")


class Resume(unittest.TestCase):
    """A snapshot in the middle of a boot, and its future in another process."""

    def check(self, *arguments):
        command = "cat /proc/interrupts; sha256sum /init; uname -a"
        rest = resume.compare(lambda *more: farside.boot(*arguments, *more, command=command))[1]
        self.assertIn("farside: the command ended with status 0", rest.out)

    def test_one_core_under_the_hypervisor(self):
        self.check("--engine", "jit")

    def test_four_cores(self):
        self.check("--engine", "jit", "--smp", "4")

    def test_modelled_caches(self):
        for words in (["adversarial", "--smp", "2"], ["model", "--pcpus", "2", "--migrate", "1"],
                      ["adversarial", "--el2", "none", "--knob", "fetch_buffer=random", "--knob", "pages=lines"]):
            with self.subTest(words):
                outcome = resume.compare(lambda *more: farside.boot("--max-insns", "40000000", "--cache", *words, *more))
                self.assertIn("stopped after", outcome[1].err)

    def test_without_a_hypervisor(self):
        self.check("--el2", "none", "--smp", "2")


class Reboot(unittest.TestCase):
    def test_a_guest_that_reboots_boots_again(self):
        with farside.Typist("run", "--engine", "jit") as guest:
            guest.expect("# ")
            guest.type("echo b > /proc/sysrq-trigger || reboot -f\r")
            guest.expect("farside: guest is up")
            guest.expect("# ")
            guest.type("\x01x")
            self.assertEqual(guest.exit_status(), 130)


class Gic2(unittest.TestCase):
    def test_debian_boots_with_the_older_controller(self):
        for arguments in (["--smp", "4"], ["--smp", "8"], ["--el2", "none"]):
            result = farside.boot("--gic", "2", "--engine", "jit", *arguments, command="cat /proc/interrupts")
            self.assertEqual(result.status, 0, result.err)
            self.assertRegex(result.out, r"GICv2 +27 Level +arch_timer|GIC-0 +27 Level +arch_timer")

    def test_there_is_no_third_choice(self):
        result = farside.run("run", *WORKER, "--gic", "4")
        self.assertEqual(result.status, 2)
        self.assertEqual(result.err.count("\n"), 1)


class MonitorSocket(unittest.TestCase):
    """`--monitor unix:PATH`: one client at a time, and the machine obeys."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, "monitor")
        # A guest that never ends: b .
        self.kernel = os.path.join(self.folder.name, "loop.bin")
        with open(self.kernel, "wb") as file:
            file.write(bytes.fromhex("00000014") + bytes.fromhex("1f2003d5") * 31)
        self.process = self.start()

    def start(self):
        process = subprocess.Popen([farside.PROGRAM, "run", "--kernel", self.kernel, "--memory", "64M", "--monitor",
                                    f"unix:{self.path}", "--snapshot-dir", self.folder.name],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(200):
            if os.path.exists(self.path):
                return process
            time.sleep(0.1)
        raise AssertionError("no socket")

    def tearDown(self):
        self.process.kill()
        self.process.communicate()
        self.folder.cleanup()

    def connect(self):
        client = socket.socket(socket.AF_UNIX)
        self.addCleanup(client.close)
        client.settimeout(60)
        client.connect(self.path)
        self.assertEqual(self.answer(client), "")
        return client

    def answer(self, client):
        seen = b""
        while not seen.endswith(b"(farside) "):
            more = client.recv(4096)
            if not more:
                break
            seen += more
        return seen.decode().removesuffix("(farside) ")

    def say(self, client, line):
        client.sendall(line.encode() + b"\n")
        return self.answer(client)

    def test_a_session(self):
        client = self.connect()
        self.assertIn("running", self.say(client, "info status"))
        self.assertEqual(self.say(client, "stop"), "")
        first = self.say(client, "info status")
        self.assertIn("stopped", first)
        time.sleep(0.3)
        self.assertEqual(self.say(client, "info status"), first, "time must stand still")
        self.assertEqual(self.say(client, "savevm here"), "")
        self.assertIn("here", self.say(client, "info snapshots"))
        self.assertIn("name", self.say(client, "savevm ../there"))
        self.assertEqual(self.say(client, "cont"), "")
        self.assertEqual(self.say(client, "system_reset"), "")
        self.assertEqual(self.say(client, "loadvm here"), "")
        self.assertIn("No such file", self.say(client, "loadvm nowhere"))
        self.assertIn("unknown command", self.say(client, "dance"))
        client.close()
        again = self.connect()
        self.assertIn("savevm", self.say(again, "help"))
        again.sendall(b"quit\n")
        out, err = self.process.communicate(timeout=60)
        self.assertEqual(self.process.returncode, 130, err)
        self.assertFalse(os.path.exists(self.path))

    def test_a_path_in_use_is_a_users_error(self):
        result = farside.run("run", "--kernel", self.kernel, "--monitor", f"unix:{self.path}")
        self.assertEqual(result.status, 2)
        self.assertEqual(result.err.count("\n"), 1, result.err)
        self.assertIn("in use", result.err)

    def test_a_socket_that_a_killed_run_left_behind_is_replaced(self):
        self.process.kill()
        self.process.communicate()
        self.assertTrue(os.path.exists(self.path))
        os.rename(self.path, self.path + ".old")
        os.rename(self.path + ".old", self.path)
        self.process = subprocess.Popen([farside.PROGRAM, "run", "--kernel", self.kernel, "--monitor",
                                         f"unix:{self.path}"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)
        for _ in range(200):
            try:
                self.connect().close()
                return
            except (ConnectionRefusedError, FileNotFoundError):
                time.sleep(0.1)
        self.fail("nobody listens")


class SecondSerial(unittest.TestCase):
    def test_its_output_is_in_the_file(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "serial2")
            result = farside.boot("--engine", "jit", "--serial2", path, command="echo to the second > /dev/ttyAMA1")
            self.assertEqual(result.status, 0, result.err)
            with open(path, encoding="utf-8") as file:
                self.assertEqual(file.read().replace("\r", ""), "to the second\n")


if __name__ == "__main__":
    unittest.main()
