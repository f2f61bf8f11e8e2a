#!/usr/bin/env python3
# tests/bench/compute.py - times compute kernels under farside, under QEMU and on the host itself.
"""Times compute kernels under farside, Debian's QEMU and on the host.

The kernels (*.c beside this file) are one program, built for arm64 and for the host from the same source. Under an
emulator it is the first and only process of Debian's arm64 kernel, from an initramfs that this script writes. Every
kernel prints a checksum, which must be the same everywhere. Times are those of the lines as they arrive here: a guest's
clock may be virtual. Runs are interleaved and the median counts.

Needs: gcc, aarch64-linux-gnu-gcc and libc6-dev-arm64-cross, qemu-system-aarch64, and `farside guest get debian` once.
"""
import argparse, json, os, pathlib, re, shlex, statistics, subprocess, sys, tempfile, time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
FLAGS = ["-O3", "-std=gnu11", "-ffp-contract=off", "-static", f"-I{ROOT}"]
ARM = ["aarch64-linux-gnu-gcc", "-march=armv8-a+crc+crypto"]
HOST = ["gcc", "-march=x86-64-v3", "-maes", "-msha"]
BOOT = "console=ttyAMA0 quiet panic=-1"
INTEGER = {"list", "matrix", "state", "crc", "mix"}


def build(compiler, to):
    sources = sorted(str(p) for p in HERE.glob("*.c"))
    subprocess.run([*compiler, *FLAGS, "-o", str(to), *sources, "-lm"], check=True)


def member(name, mode, data=b"", device=(0, 0)):
    """One entry of a cpio archive in the newc format."""
    fields = (0, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08x" % f for f in fields) + name.encode() + b"\0"
    head += b"\0" * (-len(head) % 4)
    return head + data + b"\0" * (-len(data) % 4)


def initramfs(program):
    return (member("dev", 0o40755) + member("dev/console", 0o20600, device=(5, 1)) +
            member("init", 0o100755, program.read_bytes()) + member("TRAILER!!!", 0))


def kernel():
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    return cache / "farside" / "debian-12-arm64" / "linux"


def run(command, timeout):
    """Seconds and checksum by kernel."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0)
    rows, begin, rest, log = {}, None, b"", []
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        chunk = os.read(process.stdout.fileno(), 65536)
        now = time.monotonic()
        if not chunk:
            break
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            text = line.decode("latin1").strip()
            log.append(text)
            if text.startswith("START "):
                begin = now
            elif match := re.fullmatch(r"BENCH (\S+) ([0-9a-f]{16})", text):
                rows[match[1]] = (now - begin, match[2])
    else:
        process.kill()
    process.wait()
    if "DONE" not in log:
        sys.exit("\n".join([f"{shlex.join(command)} did not finish; its last lines:", *log[-15:]]))
    return rows


def table(names, runs):
    """One line per kernel, and whether all checksums agree."""
    good = True
    print(f"{'seconds':10}" + "".join(f"{n:>10}" for n in names) + "".join(f"{'farside/' + n:>14}" for n in names[1:]))
    ratios = {n: {} for n in names[1:]}
    for kernel_name in runs[names[0]][0]:
        # A reader that is late sees both lines at once.
        median = {n: max(statistics.median(r[kernel_name][0] for r in runs[n]), 0.001) for n in names}
        sums = {r[kernel_name][1] for n in names for r in runs[n]}
        good &= len(sums) == 1
        line = f"{kernel_name:10}" + "".join(f"{median[n]:10.3f}" for n in names)
        for n in names[1:]:
            ratios[n][kernel_name] = median[names[0]] / median[n]
            line += f"{ratios[n][kernel_name]:14.3f}"
        print(line + ("" if len(sums) == 1 else "  CHECKSUMS DIFFER: " + " ".join(sorted(sums))))
    for label, group in (("integer", INTEGER), ("other", set(runs[names[0]][0]) - INTEGER)):
        means = [[v for k, v in ratios[n].items() if k in group] for n in names[1:]]
        if all(means):
            print(f"{label + ' geomean':{10 + 10 * len(names)}}" + "".join(f"{statistics.geometric_mean(m):14.3f}" for m in means))
    return good, ratios


def main():
    parser = argparse.ArgumentParser(description="Times compute kernels under farside, QEMU and on the host.")
    parser.add_argument("--farside", default=str(ROOT / "build/release/farside"), help="the program (%(default)s)")
    parser.add_argument("--options", default="--engine jit --cpu cortex-a72", help="for farside run (%(default)s)")
    parser.add_argument("--versus", metavar="OPTIONS", help="compare with farside run with these options, not with others")
    parser.add_argument("--qemu", default="qemu-system-aarch64", help="'' for none (%(default)s)")
    parser.add_argument("-n", type=int, default=3, help="runs of each (%(default)s)")
    parser.add_argument("--timeout", type=float, default=600, help="seconds for one run (%(default)s)")
    parser.add_argument("--json", help="also write times and ratios to this file")
    parser.add_argument("kernels", nargs="*", help="only these; copies=N runs each in N processes at once")
    options = parser.parse_args()
    if not kernel().exists():
        sys.exit(f"{kernel()} does not exist: run `farside guest get debian` first")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        build(ARM, folder / "arm64")
        build(HOST, folder / "host")
        (folder / "initrd").write_bytes(initramfs(folder / "arm64"))
        # What follows "--" on the kernel's command line are the first process's arguments.
        line = BOOT + (" -- " + " ".join(options.kernels) if options.kernels else "")
        guest = ["--kernel", str(kernel()), "--initrd", str(folder / "initrd"), "--append", line]
        farside = lambda words: [options.farside, "run", "--memory", "512M", *shlex.split(words), *guest]
        commands = {"farside": farside(options.options)}
        if options.versus is not None:
            commands["versus"] = farside(options.versus)
        elif options.qemu:
            commands["qemu"] = [options.qemu, "-M", "virt,gic-version=3", "-cpu", "cortex-a72", "-m", "512M", "-nographic",
                                "-no-reboot", *(word.replace("--", "-", 1) if word.startswith("--") else word for word in guest)]
        if options.versus is None:
            commands["host"] = [str(folder / "host"), *options.kernels]
        runs = {name: [] for name in commands}
        for _ in range(options.n):
            for name, command in commands.items():
                runs[name].append(run(command, options.timeout))
    good, ratios = table(list(commands), runs)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps({"runs": runs, "ratios": ratios}, indent=1))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
