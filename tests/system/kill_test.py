#!/usr/bin/env python3
# tests/system/kill_test.py - farside is killed while its guest writes: what the guest had synced is on the disk.
#
#   tests/system/kill_test.py Kill                        two kills, as ctest has it
#   tests/system/kill_test.py Kill --kills 20 --seed 7    more of them, at other moments
import argparse
import hashlib
import os
import random
import re
import signal
import sys
import tempfile
import time
import unittest

import debian_kernel
import disk_images
import farside

KILLS, SEED = 2, 1
LONGEST = 3  # seconds that a guest writes before it is killed
FILES = 30  # that a guest writes which nobody kills

# File n has its number over and over; its size follows from the seed. "SYNCED n md5" is said when the file, its name, the
# line in `log` and the block in `count` are synced; `waste` never is. Without files=N there is no end of it; with check=1
# the guest only reads what is there.
GUEST = """/bin/busybox --install -s /bin
export PATH=/bin
for word in $(cat /proc/cmdline); do case $word in seed=*|files=*|check=*) eval $word;; esac; done
mount -t ext4 /dev/vda /root && cd /root || exec sh
echo MOUNTED
if [ "$check" ]; then
  for file in kept.*; do echo "READ ${file#kept.} $(md5sum < $file | head -c 32)"; done
else
  n=0
  while [ $n != "$files" ]; do
    n=$((n + 1))
    yes "seed $seed file $n" | head -c $(((seed * 7919 + n * 104729) % 60000 + 1)) |
      dd of=part bs=64k iflag=fullblock conv=fsync 2> /dev/null
    mv part kept.$n
    echo $n >> log
    yes $n | head -c 4096 | dd of=count bs=4096 iflag=fullblock conv=notrunc,fsync 2> /dev/null
    sync . log
    echo "SYNCED $n $(md5sum < kept.$n | head -c 32)"
    yes waste | head -c 200000 > waste
  done
fi
cd / && umount /root && poweroff -f
"""


def expected(seed, number):
    line = b"seed %d file %d\n" % (seed, number)
    size = (seed * 7919 + number * 104729) % 60000 + 1
    return (line * (size // len(line) + 1))[:size]


def digest(contents):
    return hashlib.md5(contents).hexdigest()


class Kill(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.kernel, modules = debian_kernel.cached()
        cls.initrd = os.path.join(cls.folder.name, "initrd")
        debian_kernel.make_initrd(cls.initrd, modules, GUEST)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def setUp(self):
        self.image = os.path.join(self.folder.name, "disk.img")
        disk_images.ext4(self.image, 128 * disk_images.MIB)

    def start(self, words):
        return farside.Typist("run", "--kernel", self.kernel, "--initrd", self.initrd, "--drive", self.image,
                              "--append", "console=ttyAMA0 quiet " + words)

    def said(self, user, word, seed):
        """The numbers behind `word` on the console; each has the right checksum behind it."""
        lines = re.findall(rf"^{word} (\d+) ([0-9a-f]{{32}})\r+$", user.seen, re.M)
        for number, checksum in lines:
            self.assertEqual(checksum, digest(expected(seed, int(number))), f"the guest itself sees a wrong file {number}")
        return [int(number) for number, _ in lines]

    def kill_while_writing(self, seed, delay):
        """Runs the guest, kills farside `delay` seconds after the guest has begun to write; how many files are synced."""
        with self.start(f"seed={seed}") as user:
            user.expect("MOUNTED")
            user.deadline = time.monotonic() + delay
            try:
                while user.read_some():
                    pass
                self.fail("ended before it was killed:\n" + user.seen)
            except TimeoutError:
                os.kill(user.process, signal.SIGKILL)
            user.deadline = time.monotonic() + farside.TIMEOUT
            user.exit_status()  # reads what had been said by then
            synced = self.said(user, "SYNCED", seed)
            self.assertEqual(synced, list(range(1, len(synced) + 1)))
            return len(synced)

    def run_to_the_end(self, words, word, seed):
        with self.start(words) as user:
            self.assertEqual(user.exit_status(), 0, user.seen)
            return self.said(user, word, seed)

    def check_files(self, image, seed, synced):
        """Everything up to file `synced` is in the image, read without the guest."""
        disk_images.tool("e2fsck", "-p", image, accepted=(0, 1))  # replays the journal, and fails where that is not enough
        disk_images.tool("e2fsck", "-f", "-n", image)
        with tempfile.TemporaryDirectory() as out:
            disk_images.tool("debugfs", "-R", f"rdump / {out}", image)

            def read(name):
                with open(os.path.join(out, name), "rb") as file:
                    return file.read()

            for number in range(1, synced + 1):
                self.assertEqual(digest(read(f"kept.{number}")), digest(expected(seed, number)), f"file {number}")
            if synced == 0:
                return
            # Behind them ext4 may show a line of zeros: of an append that was not synced, the size came first.
            lines = b"".join(b"%d\n" % number for number in range(1, synced + 1))
            self.assertEqual(read("log")[: len(lines)], lines)
            last = int(read("count").split(b"\n")[0])
            self.assertIn(last, (synced, synced + 1))
            self.assertEqual(read("count"), (b"%d\n" % last * 4096)[:4096], "one block is written as a whole")

    def test_what_was_synced_outlives_a_kill(self):
        chance = random.Random(SEED)
        for kill in range(1, KILLS + 1):
            seed, delay = SEED * 1000 + kill, chance.uniform(0, LONGEST)
            with self.subTest(kill=kill, delay=delay):
                self.setUp()
                synced = self.kill_while_writing(seed, delay)
                copy = os.path.join(self.folder.name, "copy.img")
                disk_images.tool("cp", "--sparse=always", self.image, copy)
                self.check_files(copy, seed, synced)
                print(f"kill {kill} of {KILLS}, {delay:.3f} s into writing: all {synced} synced files are there",
                      flush=True)
        # The last image once more as the guest finds it, which replays the journal itself and then ends in peace.
        found = self.run_to_the_end("check=1", "READ", seed)
        self.assertLessEqual(set(range(1, synced + 1)), set(found))
        disk_images.tool("e2fsck", "-f", "-n", self.image)

    def test_a_guest_that_ends_leaves_a_sound_file_system(self):
        synced = self.run_to_the_end(f"seed={SEED} files={FILES}", "SYNCED", SEED)
        self.assertEqual(synced, list(range(1, FILES + 1)))
        disk_images.tool("e2fsck", "-f", "-n", self.image)
        self.check_files(self.image, SEED, FILES)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="kills farside while its guest writes")
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--seed", type=int, default=SEED)
    options, rest = parser.parse_known_args()
    KILLS, SEED = options.kills, options.seed
    unittest.main(argv=[sys.argv[0], *rest])
