#!/usr/bin/env python3
# tests/tools/format.py - fails when clang-format would change a source file, and names the command that does so.
import os
import subprocess
import sys

import tree


def main(root):
    paths = tree.files(root, (".h", ".cpp"))
    wrong = []
    for start in range(0, len(paths), 50):
        batch = paths[start : start + 50]
        result = subprocess.run(["clang-format", "--dry-run", "-Werror", *batch], cwd=root, stderr=subprocess.PIPE, text=True)
        wrong += sorted({line.split(":", 1)[0] for line in result.stderr.split("\n") if "error:" in line})
    if wrong:
        print("not formatted; run: clang-format -i " + " ".join(wrong))
    else:
        print(f"format: {len(paths)} files")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(os.path.abspath(sys.argv[1])))
