#!/usr/bin/env python3
# tests/tools/layering.py - fails when an #include goes against the arrows of docs/ARCHITECTURE.md.
import re
import sys

import tree

# Room -> folders. The longest matching folder wins.
ROOMS = {
    "core/base": "base",
    "core/arch": "arch",
    "core/pe": "pe",
    "core/isa": "isa",
    "core/interp": "interp",
    "core/jit": "jit",
    "mmu": "mmu",
    "cache": "cache",
    "devices": "devices",
    "devices/virtio": "virtio",
    "firmware/hyp": "hyp",
    "firmware/hyp/host": "hyp_host",
    "firmware/boot": "boot",
    "frontends/machine": "machine",
    "frontends/guests": "guests",
    "frontends/trace": "trace",
    "frontends/symbols": "symbols",
    "frontends/monitor": "monitor",
    "frontends/scenario": "scenario",
    "frontends/cli": "cli",
    "tests": "tests",
}

CORE = {"base", "arch", "cache", "mmu", "pe"}
MAY_INCLUDE = {
    "base": set(),
    "arch": {"base"},
    "cache": {"base", "arch"},
    "mmu": {"base", "arch"},
    "pe": {"base", "arch", "mmu", "cache"},
    "isa": {"base", "arch"},
    "interp": {"base", "arch", "isa", "pe"},
    "jit": {"base", "arch", "isa", "pe", "interp"},
    "devices": {"base"},
    "virtio": {"base", "devices"},
    "hyp": {"base", "arch", "hyp_host"},
    "hyp_host": {"base"},
    "boot": {"base"},
    "machine": CORE | {"isa", "interp", "jit", "devices", "virtio", "hyp", "hyp_host", "boot"},
    "guests": {"base"},
    "trace": {"base", "arch"},
    "symbols": {"base", "arch", "boot"},
    "monitor": CORE | {"isa", "hyp", "hyp_host", "machine", "trace"},
    "scenario": CORE | {"hyp", "hyp_host", "machine", "trace"},
    "cli": {"base", "arch", "machine", "scenario", "monitor", "trace", "guests", "symbols"},
}
# Single headers beyond those arrows: the table format that the hypervisor shares with the walker, and what the command
# line needs to name eras, knobs and geometries and to print figures.
ALSO = {
    "hyp_host": {"firmware/hyp/ports.h"},
    "hyp": {"mmu/descriptor.h", "mmu/geometry.h", "mmu/table_visit.h"},
    "cli": {"cache/config.h", "cache/knobs.h", "cache/sanitizer.h", "mmu/knobs.h", "firmware/hyp/policy.h",
            "firmware/hyp/stats.h", "firmware/hyp/vm.h"},
}
# Libraries, by the beginning of the included name, and the only rooms that may use them.
LIBRARIES = {
    "capstone/": {"trace", "monitor", "tests"},
    "cxxopts": {"cli", "tests"},
    "libfdt": {"boot", "machine", "tests"},
    "zlib": {"boot", "guests", "machine", "tests"},
    "nlohmann/": {"cli", "tests"},
    "slirp/": {"virtio"},
    "unicorn/": {"tests"},
    "catch2/": {"tests"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)


def room_of(path):
    folder = path
    while "/" in folder:
        folder = folder.rsplit("/", 1)[0]
        if folder in ROOMS:
            return ROOMS[folder]
    return None


def complaint(room, path, quoted, name):
    """Why `path` in `room` must not include `name`, or None."""
    if not quoted:
        for library, allowed in LIBRARIES.items():
            if name.startswith(library) and room not in allowed:
                return f"{path}: <{name}> belongs to {', '.join(sorted(allowed))} only"
        return None
    target = room_of(name)
    if room == "tests" or target == room or name in ALSO.get(room, ()):
        return None
    if target is None:
        return f'{path}: "{name}" is not a path from the root of the tree'
    if target not in MAY_INCLUDE[room]:
        return f'{path}: "{name}": {room} must not know {target}'
    return None


def main(root):
    complaints = []
    for path in tree.files(root, (".h", ".cpp", ".inl", ".def")):
        room = room_of(path)
        if room is None:
            complaints.append(f"{path}: is in no room that layering.py knows")
            continue
        for mark, name in INCLUDE.findall(tree.text(root, path)):
            problem = complaint(room, path, mark == '"', name)
            if problem:
                complaints.append(problem)
    print("\n".join(complaints) if complaints else "layering: every #include follows the arrows")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
