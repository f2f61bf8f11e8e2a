#!/usr/bin/env python3
# tests/system/power_key_test.py - the monitor presses the power key, and Linux's gpio-keys driver sees it go down and up.
import os
import tempfile
import unittest

import debian_kernel
import farside

# Four events of 24 bytes: the time as eight numbers, type, code, value.
GUEST = """/bin/busybox echo READY
/bin/busybox dd if=/dev/input/event0 bs=24 count=4 2> /dev/null |
  /bin/busybox hexdump -v -e '"EVENT" 10/2 " %d" 1/4 " %d" "\\n"'
/bin/busybox poweroff -f
"""
EV_SYN, EV_KEY, KEY_POWER = 0, 1, 116


class PowerKey(unittest.TestCase):
    def events(self, *options):
        kernel, modules = debian_kernel.cached()
        with tempfile.TemporaryDirectory() as folder:
            initrd = os.path.join(folder, "initrd")
            debian_kernel.make_initrd(initrd, modules, GUEST, debian_kernel.KEY, "/dev/input/event0")
            with farside.Typist("run", "--kernel", kernel, "--initrd", initrd, "--append", "console=ttyAMA0 quiet",
                                *options) as user:
                user.expect("READY")
                user.type("\x01c")
                user.expect("(farside) ")
                user.type("system_powerdown\n")
                user.expect("(farside) ")
                user.type("cont\n")
                user.expect("EVENT")
                self.assertEqual(user.exit_status(), 0, user.seen)
                lines = ("EVENT" + user.seen).splitlines()
        return [tuple(map(int, line.split()[9:])) for line in lines if line.startswith("EVENT ")]

    def test_the_key_goes_down_and_up(self):
        for options in ((), ("--gic", "2", "--el2", "none")):
            with self.subTest(options=options):
                self.assertEqual(self.events(*options), [(EV_KEY, KEY_POWER, 1), (EV_SYN, 0, 0),
                                                         (EV_KEY, KEY_POWER, 0), (EV_SYN, 0, 0)])


if __name__ == "__main__":
    unittest.main()
