#!/usr/bin/env python3
# tests/system/debian_kernel.py - Debian's arm64 kernel with its modules, and the initrds that lead from it to a device.
#
#   tests/system/debian_kernel.py    fetches what tests need, unless it is there: a kernel and a few modules
import fcntl
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

import disk_images

# The modules that stand between the kernel and a file system on a virtual disk, and between it and the power key; what
# they depend on is added.
DISK = ("virtio_mmio", "virtio_blk", "crc32c_generic", "ext4")
KEY = ("gpio_keys", "evdev")
CACHE = disk_images.GUEST + "-disk"

# The first program of all: loads the modules and waits for the device. What comes then is the caller's.
INIT = """#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs devtmpfs /dev
for module in {modules}; do /bin/busybox insmod /modules/$module.ko; done
until [ -e {device} ]; do /bin/busybox sleep 1; done
{then}"""


def put(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    os.chmod(path, mode)


def fetch(folder):
    """Unpacks Debian's current arm64 kernel into folder/kernel, and itself to folder/linux; its release."""
    work, kernel = os.path.join(folder, "apt"), os.path.join(folder, "kernel")
    for name in ("lists/partial", "cache/archives/partial"):
        os.makedirs(os.path.join(work, name), exist_ok=True)
    options = ["-qq", "-oAPT::Architecture=arm64", "-oAPT::Architectures=arm64", "-oAPT::Sandbox::User=root",
               f"-oDir::State::Lists={work}/lists", f"-oDir::Cache={work}/cache"]
    # A source without arm64 fails the update as a whole, and does not matter.
    disk_images.tool("apt-get", *options, "update", accepted=(0, 100))
    about = disk_images.tool("apt-cache", *options, "show", "linux-image-arm64")
    package = re.search(r"^Depends: (linux-image-\S+)", about, re.M).group(1)
    disk_images.tool("apt-get", *options, "download", package, cwd=work)
    disk_images.tool("dpkg-deb", "-x", glob.glob(os.path.join(work, package + "_*.deb"))[0], kernel)
    release = package.removeprefix("linux-image-")
    shutil.copy(os.path.join(kernel, "boot", "vmlinuz-" + release), os.path.join(folder, "linux"))
    return release


def modules_in(folder):
    """Every module below `folder`, {name: file}."""
    return {os.path.basename(path)[:-3]: path for path in glob.glob(folder + "/**/*.ko", recursive=True)}


def module_order(found, names):
    """The modules of `names` with what they depend on, each after its own."""
    order = []
    for name in names:
        with open(found[name], "rb") as file:
            needs = re.search(rb"\0depends=([^\0]*)\0", file.read()).group(1).decode()
        for one in module_order(found, [need for need in needs.split(",") if need]) + [name]:
            if one not in order:
                order.append(one)
    return order


def make_initrd(path, found, then, names=DISK, device="/dev/vda"):
    """An initrd with busybox, the modules `names`, and an init that does `then` (busybox sh) when `device` is there."""
    order = module_order(found, names)
    with tempfile.TemporaryDirectory() as tree:
        os.chmod(tree, 0o755)
        put(os.path.join(tree, "init"), INIT.format(modules=" ".join(order), device=device, then=then), 0o755)
        for name in ("bin", "modules", "proc", "sys", "dev", "root"):
            os.makedirs(os.path.join(tree, name), exist_ok=True)
        busybox = shutil.copy(os.path.join(disk_images.GUEST, "busybox"), os.path.join(tree, "bin"))
        os.chmod(busybox, 0o755)
        for name in order:
            shutil.copy(found[name], os.path.join(tree, "modules"))
        with open(path, "wb") as file:
            subprocess.run("find . | cpio --quiet -o -H newc -R 0:0", shell=True, cwd=tree, stdout=file, check=True)


def cached():
    """The kernel and the modules of DISK and KEY, fetched when they are first asked for."""
    with open(CACHE + ".lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not set(DISK + KEY) <= set(modules_in(CACHE)):
            with tempfile.TemporaryDirectory(dir=os.path.dirname(CACHE)) as work:
                found = modules_in(os.path.join(work, "kernel", "lib", "modules", fetch(work)))
                os.makedirs(os.path.join(work, "kept", "modules"))
                for name in module_order(found, DISK + KEY):
                    shutil.copy(found[name], os.path.join(work, "kept", "modules"))
                shutil.move(os.path.join(work, "linux"), os.path.join(work, "kept"))
                shutil.rmtree(CACHE, ignore_errors=True)
                os.rename(os.path.join(work, "kept"), CACHE)
    return os.path.join(CACHE, "linux"), modules_in(CACHE)


def main():
    kernel, modules = cached()
    print(f"{kernel} and {len(modules)} modules")
    return 0


if __name__ == "__main__":
    sys.exit(main())
