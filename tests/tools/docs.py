#!/usr/bin/env python3
# tests/tools/docs.py - fails when a document links to or names a file that is not there, or names someone's machine.
import os
import re
import sys

import tree

LINK = re.compile(r"\]\(([^)\s#]+)(?:#[^)]*)?\)")
NAMED = re.compile(r"`((?:core|mmu|cache|devices|firmware|frontends|tests|docs)/[\w./{},*-]+)`")
MACHINE = re.compile(r"(?<![\w$~.])/(?:home|work|root|tmp)/")
MAX_README = 60


def exists(root, name):
    """Whether `name`, possibly with {a,b} alternatives or a * in it, is in the tree."""
    braces = re.search(r"\{([^}]*)\}", name)
    if braces:
        return all(exists(root, name[: braces.start()] + one.strip() + name[braces.end() :]) for one in
                   braces.group(1).split(","))
    if "*" in name:
        name = name[: name.index("*")].rsplit("/", 1)[0]
    return os.path.exists(os.path.join(root, name))


def documents(root):
    yield "README.md"
    yield from tree.files(root, (".md",), tree.SOURCE_FOLDERS + ("docs",))


def complaints_in(root, path):
    text = tree.text(root, path)
    folder = os.path.dirname(path)
    for target in LINK.findall(text):
        if "://" not in target and not os.path.exists(os.path.join(root, folder, target)):
            yield f"{path}: links to {target}, which is not there"
    for name in NAMED.findall(text):
        if not exists(root, name):
            yield f"{path}: names {name}, which is not there"
    for number, line in enumerate(text.split("\n"), 1):
        if MACHINE.search(line):
            yield f"{path}:{number}: names a path of one machine"
    if folder and path.endswith("README.md") and text.count("\n") > MAX_README:
        yield f"{path}: longer than {MAX_README} lines"


def main(root):
    complaints = [problem for path in documents(root) for problem in complaints_in(root, path)]
    print("\n".join(complaints) if complaints else "docs: every link and every named file is there")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(os.path.abspath(sys.argv[1])))
