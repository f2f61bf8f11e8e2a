#!/usr/bin/env python3
# tests/system/firmware_test.py - Debian's own U-Boot and EDK2 in flash boot Debian's own kernel from a disk.
import os
import shutil
import tempfile
import unittest

import disk_images
import farside

U_BOOT = "/usr/lib/u-boot/qemu_arm64/u-boot.bin"
EDK2 = "/usr/share/AAVMF/AAVMF_CODE.fd"
GUID = "4f9a1d52-0c4e-4b7a-9d5e-6a1f0c2b3d4e"  # nobody's: EDK2 lets only its own names into its own namespace


def needed(package, *files):
    """Skips where a file is missing, but for CI, whose machine `farside test` has given all it needs."""
    missing = [file for file in files if not (os.path.exists(file) or shutil.which(file, path="/usr/bin:/usr/sbin"))]
    return unittest.skipIf(missing and not os.environ.get("CI"), f"{', '.join(missing)} missing: apt-get install {package}")


class Firmware(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder, self.disk = folder.name, os.path.join(folder.name, "disk.img")

    def use_shell(self, user):
        user.expect("farside: guest is up")
        user.expect("# ")
        user.type("echo $((6 * 7)); poweroff -f\n")
        user.expect("\n42\r")
        self.assertEqual(user.exit_status(), 0)


@needed("u-boot-qemu fdisk e2fsprogs", U_BOOT, "sfdisk", "mke2fs")
class UBoot(Firmware):
    def boot(self, el2):
        tree = os.path.join(self.folder, "tree")
        os.mkdir(tree)
        shutil.copy(disk_images.KERNEL, os.path.join(tree, "Image"))
        shutil.copy(disk_images.INITRD, os.path.join(tree, "initrd"))
        disk_images.ext4_disk(self.disk, 128 * disk_images.MIB, tree)
        with farside.Typist("run", "--engine", "jit", "--el2", el2, "--bios", U_BOOT, "--drive", self.disk) as user:
            user.expect("Hit any key")
            user.type("\n")
            for command, answer in (("virtio scan", ""), ("virtio info", "Capacity: 128.0 MB"),
                                    ("ext4load virtio 0:1 $kernel_addr_r /Image", "bytes read"),
                                    ("ext4load virtio 0:1 $ramdisk_addr_r /initrd", "bytes read"),
                                    ("setenv bootargs console=ttyAMA0", "")):
                user.expect("=> ")
                user.type(command + "\n")
                if answer:
                    user.expect(answer)
            user.expect("=> ")
            user.type("booti $kernel_addr_r $ramdisk_addr_r:$filesize $fdt_addr\n")
            self.use_shell(user)

    def test_boots_from_ext4_under_the_hypervisor(self):
        self.boot("kvm")

    def test_boots_from_ext4_without_a_hypervisor(self):
        self.boot("none")


@needed("qemu-efi-aarch64 fdisk mtools dosfstools", EDK2, "sfdisk", "mkfs.vfat", "mcopy")
class Edk2(Firmware):
    def start(self, el2):
        return farside.Typist("run", "--engine", "jit", "--el2", el2, "--bios", EDK2, "--pflash",
                              os.path.join(self.folder, "vars"), "--drive", self.disk)

    def to_shell(self, user):
        user.expect("startup.nsh")
        user.type("\r")
        user.expect("Shell>")

    def boot(self, el2):
        disk_images.fat_disk(self.disk, 128 * disk_images.MIB,
                             {"Image.efi": disk_images.KERNEL, "initrd": disk_images.INITRD})
        with self.start(el2) as user:
            self.to_shell(user)
            user.type(f"setvar farside -guid {GUID} -bs -rt -nv =0x2a\r")
            user.expect("Shell>")
            user.type("reset -s\r")
            self.assertEqual(user.exit_status(), 0)
        with self.start(el2) as user:
            self.to_shell(user)
            user.type(f"setvar farside -guid {GUID}\r")
            user.expect("0001 Bytes")
            user.expect("2A ")
            user.expect("Shell>")
            user.type("fs0:\r")
            user.expect("FS0:\\>")
            user.type("Image.efi initrd=\\initrd console=ttyAMA0\r")
            self.use_shell(user)

    def test_keeps_a_variable_and_boots_the_kernel_from_fat_under_the_hypervisor(self):
        self.boot("kvm")

    def test_keeps_a_variable_and_boots_the_kernel_from_fat_without_a_hypervisor(self):
        self.boot("none")


if __name__ == "__main__":
    unittest.main()
