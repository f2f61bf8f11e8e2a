#!/usr/bin/env python3
# tests/system/resume.py - a snapshot in the middle of a run: a new process that begins there has the same future.
#
#   tests/system/resume.py [--at FRACTION] [--engines jit,interp] [--cores 1,4] WORD...
#
# WORDs go to `farside run` as they are: a kernel, an initrd, caches. FARSIDE names the program.
import argparse
import os
import sys
import tempfile

import farside


class Different(AssertionError):
    pass


def need(condition, what, *outcomes):
    if not condition:
        raise Different(what + "".join(f"\n--- status {o.status}, hash {o.hash}\n{o.err[-1500:]}" for o in outcomes))


def compare(run, at=0.5):
    """`run(*words)` runs a guest with more words for `farside run`. Its run is repeated with a snapshot after the part
    `at` of its instructions, and from that snapshot. All three must end alike; the outcomes of the undisturbed and of the
    restored machine, and a line about both."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "middle.snap")
        alone = run("--state-hash", "--stats")
        need(alone.hash, "the run failed", alone)
        total = int(alone.figure("instructions"))
        whole = run("--state-hash", "--snapshot-at", f"{int(total * at)}:{path}")
        need((whole.status, whole.out, whole.hash) == (alone.status, alone.out, alone.hash),
             "taking a snapshot was noticed", alone, whole)
        size = os.path.getsize(path)
        rest = run("--state-hash", "--restore", path)
        need((rest.status, rest.hash) == (alone.status, alone.hash), "the restored machine ended elsewhere", alone, rest)
        need(alone.out.endswith(rest.out), f"the restored machine said something else:\n{rest.out}", rest)
    line = (f"snapshot after {int(total * at)} of {total} instructions, {size >> 20} MiB; the last {len(rest.out)} of "
            f"{len(alone.out)} characters again, state hash {alone.hash}")
    return alone, rest, line


def main():
    parser = argparse.ArgumentParser(description="snapshots in the middle of a run, with several engines and cores")
    parser.add_argument("--at", type=float, default=0.5, help="part of the run's instructions")
    parser.add_argument("--engines", default="jit,interp")
    parser.add_argument("--cores", default="1,4")
    options, words = parser.parse_known_args()
    for engine in options.engines.split(","):
        for cores in options.cores.split(","):
            line = compare(lambda *more: farside.run("run", "--engine", engine, "--smp", cores, *words, *more,
                                                     timeout=4 * 3600), options.at)[2]
            print(f"{engine}, {cores} cores: {line}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
