# tests/tools/tree.py - the files that the other tools look at: what is in the tree, without builds and hidden folders.
import os

SOURCE_FOLDERS = ("core", "mmu", "cache", "devices", "firmware", "frontends", "tests")


def files(root, endings, folders=SOURCE_FOLDERS):
    """Paths relative to `root`, sorted, of files below `folders` whose names end in one of `endings`."""
    found = []
    for folder in folders:
        for where, inner, names in os.walk(os.path.join(root, folder)):
            inner[:] = [name for name in inner if not name.startswith(".") and name != "__pycache__"]
            found += [os.path.relpath(os.path.join(where, name), root) for name in names if name.endswith(endings)]
    return sorted(found)


def text(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()
