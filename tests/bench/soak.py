#!/usr/bin/env python3
# tests/bench/soak.py - runs the compute kernels in a guest for a long time: nothing may grow, nothing may slow down.
"""Runs rounds of compute kernels for a given time and watches farside's own memory and CPU time.

Each round runs every kernel in two new processes, so that the guest's kernel makes and drops address spaces all the time.
Prints one line for each minute. Fails if the last quarter of the rounds needs 5 % more CPU time for a round than the second
quarter, or if memory grows by more than 8 MiB from one to the other; the first quarter is for warming up.

Needs what compute.py needs, without QEMU.
"""
import argparse, os, pathlib, shlex, statistics, subprocess, sys, tempfile, time

import compute

KERNELS = ["list", "crc", "mix", "daxpy", "memcpy", "sha256"]


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(pid):
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def watch(process, seconds):
    """(CPU seconds, resident MiB) of each round: the samples are taken when a round's last line arrives."""
    begin = printed = time.monotonic()
    rounds, before = [], cpu_seconds(process.pid)
    for line in process.stdout:
        if not line.startswith(f"BENCH {KERNELS[-1]} ".encode()):
            continue
        now, cpu = time.monotonic(), cpu_seconds(process.pid)
        rounds.append((cpu - before, resident_mib(process.pid)))
        before = cpu
        if now - printed >= 60:
            printed = now
            print(f"{(now - begin) / 60:5.0f} min {len(rounds):6d} rounds {rounds[-1][0]:7.3f} CPU s {rounds[-1][1]:7.1f} MiB", flush=True)
        if now - begin >= seconds:
            process.kill()
            return rounds
    sys.exit("the guest ended by itself")


def main():
    parser = argparse.ArgumentParser(description="Runs compute kernels for a long time and watches memory and speed.")
    parser.add_argument("--farside", default=str(compute.ROOT / "build/release/farside"), help="the program (%(default)s)")
    parser.add_argument("--options", default="--cpu cortex-a72 --smp 2", help="for farside run (%(default)s)")
    parser.add_argument("--minutes", type=float, default=60, help="(%(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        compute.build(compute.ARM, folder / "arm64")
        (folder / "initrd").write_bytes(compute.initramfs(folder / "arm64"))
        line = f"{compute.BOOT} -- copies=2 repeat=1000000000 {' '.join(KERNELS)}"
        command = [options.farside, "run", "--memory", "512M", *shlex.split(options.options), "--kernel", str(compute.kernel()),
                   "--initrd", str(folder / "initrd"), "--append", line]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            rounds = watch(process, options.minutes * 60)
    quarter = len(rounds) // 4
    if quarter == 0:
        sys.exit(f"only {len(rounds)} rounds: too short to compare")
    early, late = rounds[quarter:2 * quarter], rounds[-quarter:]
    cpu = [statistics.median(r[0] for r in part) for part in (early, late)]
    memory = [max(r[1] for r in part) for part in (early, late)]
    print(f"{len(rounds)} rounds; CPU s for a round {cpu[0]:.3f} then {cpu[1]:.3f}; MiB {memory[0]:.1f} then {memory[1]:.1f}")
    sys.exit(cpu[1] > 1.05 * cpu[0] or memory[1] > memory[0] + 8)


if __name__ == "__main__":
    main()
