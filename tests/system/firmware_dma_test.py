#!/usr/bin/env python3
# tests/system/firmware_dma_test.py - Debian's U-Boot with a disk whose DMA goes around modelled caches: what policies of
# the hypervisor do to it, as findings and as loaded bytes. docs/caches.md explains each finding.
import json
import os
import struct
import tempfile
import unittest
import zlib

import disk_images
import farside
from firmware_test import U_BOOT, needed

SIZE = 64 << 10
WRITES = ("write", "write around caches", "DMA write")
ERRORS = ("STALE_CACHED", "STALE_RAM", "STALE_ICACHE", "STALE_WALK", "LOST_WRITE", "DISCARDED_DIRTY")
# Adversarial silicon but for the one choice that keeps U-Boot from its prompt under each policy.
TAMED = {"tvm": "spec_fill=none", "dc": "nc_hit=lookup"}
LOAD = "ext4load virtio 0:1 0x41000000 /data"
CHECKSUM = f"crc32 0x41000000 {SIZE:#x}"


def without_caches(firmware):
    """U-Boot as CONFIG_SYS_DCACHE_OFF leaves it: the writes that set SCTLR_EL1.M and SCTLR_EL1.C are NOPs."""
    code = bytearray(firmware)
    mrs, msr, nop = (struct.pack("<I", word) for word in (0xD5381000, 0xD5181000, 0xD503201F))
    for orr in (0x32000000, 0x321E0000):  # orr w0, w0, #1 and #4
        read = mrs + struct.pack("<I", orr)
        if code.count(read) != 1:
            raise unittest.SkipTest("this U-Boot has other code in mmu_setup or dcache_enable")
        at = code.index(msr, code.index(read), code.index(read) + 40)
        code[at:at + 4] = nop
    return bytes(code)


@needed("u-boot-qemu fdisk e2fsprogs", U_BOOT, "sfdisk", "mke2fs")
class FirmwareDma(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        data = bytes(zlib.crc32(number.to_bytes(4, "little")) & 0xFF for number in range(SIZE))
        os.mkdir(os.path.join(self.folder, "tree"))
        with open(os.path.join(self.folder, "tree", "data"), "wb") as file:
            file.write(data)
        self.checksum = f"{zlib.crc32(data):08x}"
        self.disk = os.path.join(self.folder, "disk.img")
        disk_images.ext4_disk(self.disk, 16 << 20, os.path.join(self.folder, "tree"))
        self.report_file = os.path.join(self.folder, "report.json")

    def options(self, policy, *more, dma="noncoherent", firmware=U_BOOT):
        return ["run", "--bios", firmware, "--cpu", "cortex-a72", "--cache", "adversarial", "--policy", policy,
                "--drive", f"{self.disk},dma={dma}", "--report", self.report_file, *more]

    def report(self):
        """Classes of errors that were found, and the first of them."""
        with open(self.report_file, encoding="utf-8") as file:
            report = json.load(file)
        os.remove(self.report_file)
        errors = [finding for finding in report["findings"] if not finding["advice"]]
        return {name for name in ERRORS if report["counts"].get(name)}, errors[0] if errors else None

    def last_write(self, finding):
        return next(event["event"] for event in finding["history"] if event["event"] in WRITES)

    def at_prompt(self, options, *commands):
        """Types the commands at U-Boot's prompt; what each of them says, and the exit status of farside."""
        with farside.Typist(*options) as user:
            user.expect("Hit any key")
            user.type("\n")
            user.expect("\n=> ")
            said = []
            try:
                for command in commands + ("poweroff",):
                    user.type(command + "\n")
                    if command != "poweroff":
                        said.append(user.expect("\n=> "))
            except AssertionError:  # --stop-on has ended the run
                pass
            return said, user.exit_status()

    def uncached_firmware(self):
        path = os.path.join(self.folder, "uncached.bin")
        with open(U_BOOT, "rb") as file, open(path, "wb") as uncached:
            uncached.write(without_caches(file.read()))
        return path

    def test_adversarial_silicon_keeps_it_from_its_prompt(self):
        for policy, finding, access in (("tvm", "STALE_ICACHE", "fetch"), ("dc", "STALE_WALK", "table walk")):
            outcome = farside.run(*self.options(policy, "--stop-on", "all"))
            self.assertEqual(outcome.status, 4, outcome.err)
            self.assertNotIn("Hit any key", outcome.out)
            found, first = self.report()
            self.assertEqual((found, first["access"]), ({finding}, access))
            # tvm: it relocated itself around the caches; dc: it wrote its tables into them without knowing.
            self.assertEqual(self.last_write(first), "write" if policy == "dc" else "write around caches")

    def test_with_its_caches_on_a_device_around_them_sees_nothing_of_its_ring(self):
        for policy, knob in TAMED.items():
            said, status = self.at_prompt(self.options(policy, "--knob", knob, "--stop-on", "all"), "virtio scan", LOAD)
            self.assertEqual((said, status), ([], 4))
            found, first = self.report()
            self.assertEqual(found, {"STALE_RAM"})
            self.assertEqual((first["access"], first["seen"], first["expected"]), ("DMA", "0000", "0100"))
            self.assertEqual(first["remedy"]["instructions"], ["DC CVAC", "DSB"])
            self.assertEqual(self.last_write(first), "write")

    def test_a_coherent_device_loads_the_file(self):
        for policy, knob in TAMED.items():
            said, status = self.at_prompt(self.options(policy, "--knob", knob, dma="coherent"), LOAD, CHECKSUM)
            self.assertEqual(status, 0)
            self.assertIn(self.checksum, said[1])
            self.assertEqual(self.report()[0], set())

    def test_with_its_caches_off_tvm_is_right_but_for_pages_that_only_the_device_has_touched(self):
        options = self.options("tvm", "--knob", TAMED["tvm"], firmware=self.uncached_firmware())
        said, status = self.at_prompt(options, f"mw.b 0x41000000 0 {SIZE:#x}", LOAD, CHECKSUM)
        self.assertEqual(status, 0)
        self.assertIn(self.checksum, said[2])
        self.assertEqual(self.report()[0], set())
        said, status = self.at_prompt(options, LOAD, CHECKSUM)
        self.assertEqual(status, 0)
        self.assertNotIn(self.checksum, said[1])
        found, first = self.report()
        self.assertEqual((found, first["writer"]["access"]), ({"LOST_WRITE"}, "DMA"))
        self.assertEqual(first["seen"], "00" * (len(first["seen"]) // 2))  # the host's zeros for a new page

    def test_with_its_caches_off_dc_caches_its_ring_all_the_same(self):
        options = self.options("dc", "--stop-on", "all", firmware=self.uncached_firmware())
        said, status = self.at_prompt(options, "virtio scan", LOAD)
        self.assertEqual((said, status), ([], 4))
        found, first = self.report()
        self.assertEqual((found, first["access"]), ({"STALE_RAM"}, "DMA"))
        self.assertEqual(self.last_write(first), "write")


if __name__ == "__main__":
    unittest.main()
