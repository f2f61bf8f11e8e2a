#!/usr/bin/env python3
# tests/tools/lines.py - warns about files over 600 lines and functions over 80; never fails.
import re
import sys

import tree

MAX_FILE, MAX_FUNCTION = 600, 80
# Sources are clang-format'd: a function outside a class starts and ends in column 0.
NOT_A_FUNCTION = re.compile(r"^(namespace|class|struct|union|enum|extern|template\b.*;|#|//|\}|\s)|=\s*\{?$|=\s*\{\{?$")


def long_functions(text):
    """(line number, length, first line) of each function longer than MAX_FUNCTION."""
    lines = text.split("\n")
    start = None
    for number, line in enumerate(lines):
        if start is None and line.endswith("{") and not NOT_A_FUNCTION.search(line):
            start = number
        elif start is not None and line.startswith("}"):
            length = number - start + 1
            if length > MAX_FUNCTION:
                yield start + 1, length, lines[start]
            start = None


def main(root):
    for path in tree.files(root, (".h", ".cpp", ".inl")):
        text = tree.text(root, path)
        length = text.count("\n")
        if length > MAX_FILE:
            print(f"warning: {path}: {length} lines")
        for number, size, first in long_functions(text):
            print(f"warning: {path}:{number}: a function of {size} lines: {first.strip()}")


if __name__ == "__main__":
    main(sys.argv[1])
