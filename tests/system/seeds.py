#!/usr/bin/env python3
# tests/system/seeds.py - boots a stock kernel on adversarial caches under many seeds: nothing may be found but known bugs.
#
#   tests/system/seeds.py [--seeds 0-19] [--smp N] [--cpu NAME] [--policy NAME] [--kernel FILE --initrd FILE] [WORD...]
#
# FARSIDE names the program. WORDs go to `farside run` as they are.
import argparse
import json
import os
import subprocess
import sys
import tempfile

# Findings in Debian's kernel that are bugs of the kernel; docs/caches.md tells about each.
KNOWN = ["STALE_ICACHE@__set_fixmap"]
ERRORS = ("STALE_CACHED", "STALE_RAM", "STALE_ICACHE", "STALE_WALK", "LOST_WRITE", "DISCARDED_DIRTY")
# What the guests print when user space runs: farside's own init, and Debian's installer.
USER_SPACE = ("BOOT-OK", "farside: the command ended", "Starting system log daemon", "Choose language", "debian-installer")


def parse_range(text):
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=parse_range, default=range(20))
    parser.add_argument("--smp", type=int, default=1)
    parser.add_argument("--cpu", default="cortex-a72")
    parser.add_argument("--policy", default="tvm")
    parser.add_argument("--cache", default="adversarial")
    parser.add_argument("--kernel")
    parser.add_argument("--initrd")
    parser.add_argument("--append", default="console=ttyAMA0 quiet panic=-1")
    parser.add_argument("--timeout", type=int, default=1200)
    return parser.parse_known_args()


def command(options, seed, report):
    words = [os.environ["FARSIDE"], "run"]
    if options.kernel:
        words += ["--kernel", options.kernel, "--append", options.append]
        words += ["--initrd", options.initrd] if options.initrd else []
    else:
        words += ["--append", 'farside.run="true"']
    words += ["--cache", options.cache, "--policy", options.policy, "--cpu", options.cpu, "--smp", str(options.smp)]
    words += ["--seed", str(seed), "--fail-on", "all", "--report", report]
    for known in KNOWN:
        words += ["--allow", known]
    return words


def boot(options, extra, seed, folder):
    """Whether this seed is clean; prints a line, and the findings where it is not."""
    path = os.path.join(folder, "findings.json")
    run = subprocess.run(command(options, seed, path) + extra, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, timeout=options.timeout)
    out, err = run.stdout.decode(errors="replace"), run.stderr.decode(errors="replace")
    if not os.path.exists(path):
        print(f"seed {seed}: no report, status {run.returncode}\n{err}")
        return False
    with open(path, encoding="utf-8") as file:
        report = json.load(file)
    os.remove(path)
    found = {name: report["counts"][name] for name in ERRORS if report["counts"][name]}
    alive = any(word in out for word in USER_SPACE)
    print(f"seed {seed}: {'user space' if alive else 'NO user space'}, ended by {report['run']['end']} after "
          f"{report['run']['instructions'] / 1e6:.0f} M instructions, errors {found or 'none'}, known "
          f"{report['allowed'] or 'none'}, advice {report['counts']['AMBIGUOUS']} AMBIGUOUS, "
          f"{report['counts']['MISMATCH']} MISMATCH", flush=True)
    clean = alive and not found and run.returncode in (0, 5)
    if not clean:
        print(f"status {run.returncode}\n{err}{out[-2000:]}", flush=True)
    return clean


def main():
    options, extra = arguments()
    with tempfile.TemporaryDirectory() as folder:
        results = [boot(options, extra, seed, folder) for seed in options.seeds]
    print(f"{sum(results)} of {len(results)} seeds clean")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
