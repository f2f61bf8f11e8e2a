#!/usr/bin/env python3
# tests/system/boot_test.py - boots Debian's own kernel, unmodified, to its init and to power-off.
import re
import subprocess
import unittest

import farside


class Debian(unittest.TestCase):
    """One core, the hosted hypervisor, huge pages: what `farside run` does when nothing is said."""

    def test_boots_runs_a_command_and_powers_off_the_same_way_each_time(self):
        first = farside.boot("--seed", "1", "--state-hash", "--stats", command="uname -sm; cat /proc/cpuinfo")
        self.assertEqual(first.status, 0, first.err)
        self.assertRegex(first.out, r"farside: guest is up \(Linux 6\.1\.\S+ aarch64, 1 cpus\)")
        self.assertIn("Linux aarch64\r\n", first.out)
        self.assertIn("processor\t: 0\r\n", first.out)
        self.assertIn("farside: the command ended with status 0", first.out)
        self.assertIsNotNone(first.hash, first.err)
        self.assertGreater(first.figure("instructions"), 1e8)
        self.assertGreater(first.figure("total"), 0, "the hypervisor must have handled stage-2 faults")

        again = farside.boot("--seed", "1", "--state-hash", command="uname -sm; cat /proc/cpuinfo")
        self.assertEqual(again.hash, first.hash, "equal seeds must give equal runs")
        self.assertEqual(again.out, first.out)

    def test_another_seed_is_another_run(self):
        hashes = {farside.boot("--seed", seed, "--state-hash").hash for seed in ("2", "3")}
        self.assertNotIn(None, hashes)
        self.assertEqual(len(hashes), 2)


class SmallPages(unittest.TestCase):
    def test_without_huge_pages_each_touched_page_faults(self):
        small = farside.boot("--thp", "never", "--stats")
        self.assertEqual(small.status, 0, small.err)
        self.assertGreater(small.figure("total"), 2000)
        blocks, pages = leaves(small)
        self.assertEqual(blocks, 0)
        self.assertGreater(pages, 2000)

    def test_with_huge_pages_the_host_maps_blocks(self):
        large = farside.boot("--thp", "always", "--stats")
        self.assertEqual(large.status, 0, large.err)
        self.assertGreater(leaves(large)[0], 10)
        self.assertLess(large.figure("total"), 2000)


class FourCores(unittest.TestCase):
    def test_all_cores_come_up_and_two_runs_are_equal(self):
        runs = [farside.boot("--smp", "4", "--seed", "7", "--state-hash", command="nproc") for _ in range(2)]
        self.assertEqual(runs[0].status, 0, runs[0].err)
        self.assertIn(", 4 cpus)", runs[0].out)
        self.assertIsNotNone(runs[0].hash)
        self.assertEqual(runs[0].hash, runs[1].hash)
        self.assertEqual(runs[0].out, runs[1].out)


class WithoutHypervisor(unittest.TestCase):
    def test_boots_with_no_stage_2(self):
        bare = farside.boot("--el2", "none", "--stats", command="uname -m")
        self.assertEqual(bare.status, 0, bare.err)
        self.assertIn("aarch64\r\n", bare.out)
        self.assertNotIn("stage-2 faults", bare.err)

    def test_older_cpu(self):
        old = farside.boot("--cpu", "cortex-a53", command="cat /proc/cpuinfo")
        self.assertEqual(old.status, 0, old.err)
        self.assertIn("CPU part\t: 0xd03\r\n", old.out)
        self.assertNotRegex(old.out, r"Features.* atomics")


class Ending(unittest.TestCase):
    def test_reset_ends_a_run_that_may_not_reboot(self):
        self.assertEqual(farside.boot("--no-reboot", command="reboot -f").status, 3)

    def test_panic_ends_a_run_that_may_not_reboot(self):
        panicked = farside.boot("--no-reboot", command="echo c >/proc/sysrq-trigger")
        self.assertEqual(panicked.status, 3)
        self.assertIn("Kernel panic", panicked.out)

    def test_limit(self):
        stopped = farside.boot("--max-insns", "1000000", "--stats")
        self.assertEqual(stopped.status, 5)
        self.assertGreaterEqual(stopped.figure("instructions"), 1e6)
        self.assertLess(stopped.figure("instructions"), 2e6, "a run ends with the turn in which the limit is reached")


class Tracing(unittest.TestCase):
    def test_kvm_events_look_like_the_kernels(self):
        traced = farside.boot("--trace", "kvm", "--max-insns", "20000000")
        lines = traced.err.split("\n")
        prefix = r"^ +CPU 0/KVM-1000 +\[000\] \.{5} +\d+\.\d{6}: "
        for form in (r"kvm_entry: PC: 0x[0-9a-f]{16}$",
                     r"kvm_exit: TRAP: HSR_EC: 0x0024 \(DABT_LOW\), PC: 0x[0-9a-f]{16}$",
                     r"kvm_guest_fault: ipa 0x[0-9a-f]+, hsr 0x[0-9a-f]+, hxfar 0x[0-9a-f]+, pc 0x[0-9a-f]+$"):
            self.assertTrue(any(re.match(prefix + form, line) for line in lines), form + "\n" + traced.err[:2000])


class Terminal(unittest.TestCase):
    def test_shell_monitor_and_plug(self):
        with farside.Typist("run", "--smp", "2") as user:
            user.expect("farside: guest is up")
            user.expect("# ")
            user.type("echo $((6 * 7)) $(tty)\n")
            user.expect("42 /dev/ttyAMA0")
            user.type("sleep 1000\n")
            user.type("\x03")
            user.expect("# ")
            user.type("\x01c")
            user.expect("(farside) ")
            user.type("info registers\n")
            user.expect("ESR_EL1")
            user.type("quit\n")
            self.assertEqual(user.exit_status(), 130)

    def test_ctrl_a_x(self):
        with farside.Typist("run") as user:
            user.expect("farside: guest is up")
            user.type("\x01x")
            self.assertEqual(user.exit_status(), 130)

    def test_piped_input_reaches_the_shell(self):
        result = subprocess.run([farside.PROGRAM, "run"], input="uname -m\necho $((6 * 7))\npoweroff -f\n", text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=farside.TIMEOUT)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stdout, r"\naarch64\s")
        self.assertRegex(result.stdout, r"\n42\s")

    def test_poweroff_from_the_shell(self):
        with farside.Typist("run") as user:
            user.expect("# ")
            user.type("uname -m; poweroff -f\n")
            user.expect("\naarch64\r")
            self.assertEqual(user.exit_status(), 0)


def leaves(outcome):
    """Stage-2 blocks of 2M and pages of 4K that are mapped at the end."""
    match = re.search(r"^  1G, 2M, 4K leaves now +(\d+) +(\d+) +(\d+)$", outcome.err, re.M)
    return int(match.group(2)), int(match.group(3))


if __name__ == "__main__":
    unittest.main()
