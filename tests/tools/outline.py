#!/usr/bin/env python3
# tests/tools/outline.py - prints each file with the sentence of its first line; fails when a first line is missing.
import os
import re
import sys

import tree

FIRST_LINE = re.compile(r"^(?://|#) (\S+) - (.+)$")


def first_line(text):
    lines = text.split("\n", 2)
    return lines[1] if lines[0].startswith("#!") and len(lines) > 1 else lines[0]


def main(root):
    wrong = []
    for path in tree.files(root, (".h", ".cpp", ".inl", ".def", ".py")):
        match = FIRST_LINE.match(first_line(tree.text(root, path)))
        if match is None or match.group(1) != path:
            wrong.append(f"{path}: the first line must be '// {path} - one sentence'")
        else:
            print(f"{path:<44} {match.group(2)}")
    print("\n".join(wrong), end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(os.path.abspath(sys.argv[1])))
