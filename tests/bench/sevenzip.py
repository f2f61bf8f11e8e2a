#!/usr/bin/env python3
# tests/bench/sevenzip.py - 7-Zip's own benchmark under farside, under QEMU and on the host.
"""Runs `7zz b`, one thread, under farside, Debian's QEMU and on the host, and prints the ratings.

7zz and its libraries are those of Debian's arm64 packages, fetched by apt-get once into the folder that --packages names.
The program is started by a small init on Debian's arm64 kernel. It times itself, so farside's clock is that of the host.
Runs are interleaved and the median rating counts; more is better.

Needs: what compute.py needs, apt-get, dpkg-deb, and the package 7zip of the host.
"""
import argparse, os, pathlib, re, shlex, statistics, subprocess, sys, tempfile

import compute

PACKAGES = ["7zip", "libc6", "libgcc-s1", "libstdc++6"]
INIT = r"""
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int argc, char** argv) {
  (void)argc;
  mount("proc", "/proc", "proc", 0, 0);
  mount("sysfs", "/sys", "sysfs", 0, 0);
  argv[0] = "7zz";
  if (fork() == 0) return execv("/usr/bin/7zz", argv);
  wait(0);
  reboot(RB_POWER_OFF);
}
"""


def fetch(folder):
    """Unpacks the packages into folder/root, which is returned."""
    root = folder / "root"
    if (root / "usr/bin/7zz").exists():
        return root
    for name in ("lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    options = ["-qq", "-oAPT::Architecture=arm64", "-oAPT::Architectures=arm64", "-oAPT::Sandbox::User=root",
               f"-oDir::State::Lists={folder}/lists", f"-oDir::Cache={folder}/cache"]
    subprocess.run(["apt-get", *options, "update"])  # a source without arm64 fails it as a whole, and does not matter
    subprocess.run(["apt-get", *options, "download", *PACKAGES], cwd=folder, check=True)
    for package in folder.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", str(package), str(root)], check=True)
    return root


def initramfs(root, init):
    """The init, 7zz and the libraries that it names, links followed, where they are looked for."""
    entries = [compute.member(name, 0o40755) for name in
               ("dev", "proc", "sys", "tmp", "lib", "lib/aarch64-linux-gnu", "usr", "usr/bin")]
    entries.append(compute.member("dev/console", 0o20600, device=(5, 1)))
    entries.append(compute.member("init", 0o100755, init.read_bytes()))
    entries.append(compute.member("usr/bin/7zz", 0o100755, (root / "usr/bin/7zz").read_bytes()))
    loader = next(root.rglob("ld-linux-aarch64.so.1"))
    entries.append(compute.member("lib/ld-linux-aarch64.so.1", 0o100755, loader.resolve().read_bytes()))
    for name in ("libc.so.6", "libm.so.6", "libgcc_s.so.1", "libstdc++.so.6"):
        library = next(root.rglob(name)).resolve()
        entries.append(compute.member("lib/aarch64-linux-gnu/" + name, 0o100755, library.read_bytes()))
    return b"".join(entries) + compute.member("TRAILER!!!", 0)


def ratings(command, timeout):
    """MIPS of compressing, of decompressing, and of both, as 7zz computes them."""
    text = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=timeout).stdout.decode("latin1")
    average = re.search(r"^Avr:\s+(.*?)\s*\|\s*(.*?)\s*$", text, re.M)
    if not average:
        sys.exit("\n".join([f"{shlex.join(command)} printed no ratings; its last lines:", *text.split("\n")[-15:]]))
    packing, unpacking = (int(side.split()[-1]) for side in average.groups())
    return packing, unpacking, (packing + unpacking) / 2


def main():
    parser = argparse.ArgumentParser(description="Runs 7-Zip's benchmark under farside, QEMU and on the host.")
    parser.add_argument("--farside", default=str(compute.ROOT / "build/release/farside"), help="the program (%(default)s)")
    parser.add_argument("--options", default="--cpu cortex-a72 --clock wall", help="for farside run (%(default)s)")
    parser.add_argument("--qemu", default="qemu-system-aarch64", help="'' for none (%(default)s)")
    parser.add_argument("--packages", default="", help="folder with root/usr/bin/7zz, or where to fetch packages to")
    parser.add_argument("--dictionary", type=int, default=20, help="log2 of its bytes (%(default)s)")
    parser.add_argument("-n", type=int, default=3, help="runs of each (%(default)s)")
    parser.add_argument("--timeout", type=float, default=600, help="seconds for one run (%(default)s)")
    options = parser.parse_args()
    if not compute.kernel().exists():
        sys.exit(f"{compute.kernel()} does not exist: run `farside guest get debian` first")
    arguments = ["b", "1", "-mmt1", f"-md{options.dictionary}"]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        root = fetch(pathlib.Path(options.packages) if options.packages else folder / "packages")
        (folder / "init.c").write_text(INIT)
        subprocess.run(["aarch64-linux-gnu-gcc", "-O1", "-static", "-o", str(folder / "init"), str(folder / "init.c")],
                       check=True)
        (folder / "initrd").write_bytes(initramfs(root, folder / "init"))
        guest = ["--kernel", str(compute.kernel()), "--initrd", str(folder / "initrd"),
                 "--append", f"{compute.BOOT} -- {' '.join(arguments)}"]
        commands = {"farside": [options.farside, "run", "--memory", "512M", *shlex.split(options.options), *guest]}
        if options.qemu:
            commands["qemu"] = [options.qemu, "-M", "virt,gic-version=3", "-cpu", "cortex-a72", "-m", "512M", "-nographic",
                                "-no-reboot", *(word.replace("--", "-", 1) if word.startswith("--") else word for word in guest)]
        commands["host"] = ["7zz", *arguments]
        runs = {name: [] for name in commands}
        for _ in range(options.n):
            for name, command in commands.items():
                runs[name].append(ratings(command, options.timeout))
    print(f"{'MIPS':14}" + "".join(f"{n:>10}" for n in runs) + "".join(f"{'farside/' + n:>14}" for n in list(runs)[1:]))
    for row, label in enumerate(("compressing", "decompressing", "both")):
        median = {n: statistics.median(r[row] for r in runs[n]) for n in runs}
        print(f"{label:14}" + "".join(f"{median[n]:10.0f}" for n in runs) +
              "".join(f"{median['farside'] / median[n]:14.2f}" for n in list(runs)[1:]))


if __name__ == "__main__":
    main()
