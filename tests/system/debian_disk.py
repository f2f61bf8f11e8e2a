#!/usr/bin/env python3
# tests/system/debian_disk.py - a Debian system on a virtual disk: debootstrap unpacks it here, farside installs it.
#
#   tests/system/debian_disk.py make FOLDER    disk.img, linux, initrd and an ssh key in FOLDER (30 s, then minutes)
#   tests/system/debian_disk.py check FOLDER   boots it, installs a package by apt over ssh, and shuts it down
#
# Needs debootstrap, apt-get, dpkg-deb, mke2fs, cpio and ssh, the guest "debian" (farside guest get debian), and root or
# fakeroot, as device nodes and owners go into the image. Nothing is mounted, and nothing of the new system runs here.
import argparse
import glob
import os
import re
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
os.environ.setdefault("FARSIDE", os.path.join(ROOT, "farside"))

import disk_images  # noqa: E402
import farside  # noqa: E402

MIRROR = "http://deb.debian.org/debian"
PACKAGES = "systemd-sysv,udev,dbus,kmod,openssh-server,iproute2,netbase"
SIZE = 2 << 30
HOUR = 3600

# The modules that stand between the kernel and its root file system; what they depend on is added.
MODULES = ("virtio_mmio", "virtio_blk", "crc32c_generic", "ext4")

# The first program of all: modules, the disk, and then the init= of the command line from the disk.
INITRD_INIT = """#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs devtmpfs /dev
for module in {modules}; do /bin/busybox insmod /modules/$module.ko; done
init=/sbin/init
for word in $(/bin/busybox cat /proc/cmdline); do case $word in init=*) init=${{word#init=}};; esac; done
until [ -b /dev/vda ]; do /bin/busybox sleep 1; done
/bin/busybox mount -t ext4 /dev/vda /root || exec /bin/busybox sh
for folder in proc sys dev; do /bin/busybox mount --move /$folder /root/$folder; done
exec /bin/busybox switch_root /root $init
"""

# Runs once, as the init of the unpacked system.
FINISH = """#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C
if /debootstrap/debootstrap --second-stage && depmod -a $(uname -r) &&
    systemctl enable systemd-networkd && passwd -d root; then
  rm -rf /finish /etc/dpkg/dpkg.cfg.d/quick /var/cache/apt/archives/*.deb
  outcome=finished
else
  tail -n 20 /debootstrap/debootstrap.log
  outcome=failed
fi
sync  # not mounted read-only: this shell is still the one that dash's new package has replaced
echo "second stage: $outcome"
poweroff -f -f
"""

FILES = {
    "etc/hostname": "farside\n",
    "etc/hosts": "127.0.0.1 localhost\n127.0.1.1 farside\n",
    "etc/fstab": "/dev/vda / ext4 errors=remount-ro 0 1\n",
    "etc/resolv.conf": "nameserver 10.0.2.3\n",  # libslirp's
    "etc/systemd/network/card.network": "[Match]\nDriver=virtio_net\n[Network]\nDHCP=yes\n[DHCPv4]\nUseDNS=no\n",
    # A crash in the middle costs a new image anyway; translations and manuals would double the time.
    "etc/dpkg/dpkg.cfg.d/quick": "force-unsafe-io\n",
    "etc/dpkg/dpkg.cfg.d/small": "path-exclude=/usr/share/man/*\npath-exclude=/usr/share/locale/*\n"
                                 "path-exclude=/usr/share/doc/*\n",
}


def put(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    os.chmod(path, mode)


def timed(what, step, *arguments):
    start = time.monotonic()
    result = step(*arguments)
    print(f"{what}: {time.monotonic() - start:.0f} s", flush=True)
    return result


def fetch_kernel(folder):
    """Unpacks Debian's current arm64 kernel into folder/kernel; its release."""
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


def make_initrd(folder, release):
    tree, modules = os.path.join(folder, "initrd.tree"), os.path.join(folder, "kernel", "lib", "modules", release)
    found = {os.path.basename(path)[:-3]: path for path in glob.glob(modules + "/**/*.ko", recursive=True)}
    order = module_order(found, MODULES)
    put(os.path.join(tree, "init"), INITRD_INIT.format(modules=" ".join(order)), 0o755)
    for name in ("bin", "modules", "proc", "sys", "dev", "root"):
        os.makedirs(os.path.join(tree, name), exist_ok=True)
    busybox = shutil.copy(os.path.join(disk_images.GUEST, "busybox"), os.path.join(tree, "bin"))
    os.chmod(busybox, 0o755)
    for name in order:
        shutil.copy(found[name], os.path.join(tree, "modules"))
    with open(os.path.join(folder, "initrd"), "wb") as file:
        subprocess.run("find . | cpio --quiet -o -H newc -R 0:0", shell=True, cwd=tree, stdout=file, check=True)


def make_disk(folder, release):
    tree, key = os.path.join(folder, "tree"), os.path.join(folder, "key")
    for name in ("proc", "sys", "dev"):  # in a container debootstrap leaves links to the host's
        if os.path.islink(os.path.join(tree, name)):
            os.unlink(os.path.join(tree, name))
        os.makedirs(os.path.join(tree, name), exist_ok=True)
    for path, text in FILES.items():
        put(os.path.join(tree, path), text)
    put(os.path.join(tree, "finish"), FINISH, 0o755)
    if not os.path.exists(key):
        disk_images.tool("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "farside", "-f", key)
    with open(key + ".pub", encoding="ascii") as file:
        put(os.path.join(tree, "root/.ssh/authorized_keys"), file.read(), 0o600)
    os.chmod(os.path.join(tree, "root/.ssh"), 0o700)
    modules = os.path.join("lib", "modules", release)
    shutil.copytree(os.path.join(folder, "kernel", modules), os.path.join(tree, modules), dirs_exist_ok=True)
    disk_images.ext4(os.path.join(folder, "disk.img"), SIZE, tree)


def machine(folder, append, *more):
    """The command line of the machine. Keys are made in it: --rng host, as the seeded entropy is no secret."""
    return ["run", "--engine", "jit", "--rng", "host", "--kernel", os.path.join(folder, "linux"), "--initrd",
            os.path.join(folder, "initrd"), "--append", append, "--drive", os.path.join(folder, "disk.img"), *more]


def finish(folder):
    with farside.Typist(*machine(folder, "console=ttyAMA0 quiet init=/finish")) as user:
        user.deadline = time.monotonic() + HOUR
        log = user.expect("second stage: ")
        put(os.path.join(folder, "finish.log"), log.encode("ascii", "replace").decode())
        if user.exit_status() != 0 or not user.seen.startswith("finished"):
            raise SystemExit(f"the second stage failed; {folder}/finish.log tells more:\n{log[-2000:]}")


def make(folder, mirror, packages):
    os.makedirs(folder, exist_ok=True)
    timed("first stage of debootstrap", disk_images.tool, "debootstrap", "--foreign", "--arch=arm64",
          "--variant=minbase", "--include=" + packages, "bookworm", os.path.join(folder, "tree"), mirror)
    release = timed("kernel package", fetch_kernel, folder)
    make_initrd(folder, release)
    timed("disk image", make_disk, folder, release)
    timed("second stage, in farside", finish, folder)
    for name in ("tree", "kernel", "apt", "initrd.tree"):
        shutil.rmtree(os.path.join(folder, name))


def ssh(folder, port, command):
    """Runs a command in the guest, as root by key; its output."""
    return disk_images.tool("ssh", "-p", str(port), "-i", os.path.join(folder, "key"), "-oBatchMode=yes",
                            "-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null", "-oLogLevel=ERROR",
                            "-oConnectTimeout=60", "root@127.0.0.1", command)


def check(folder, port):
    start = time.monotonic()
    command = machine(folder, "console=ttyAMA0 quiet", "--net", f"user,hostfwd=tcp::{port}-:22")
    with farside.Typist(*command) as user:
        user.deadline = start + HOUR
        user.expect("login: ")
        print(f"login prompt: {time.monotonic() - start:.0f} s", flush=True)
        said = timed("ssh", ssh, folder, port, "uname -rm; systemctl is-system-running --wait; ip -br address")
        print(said, end="")
        timed("apt-get update", ssh, folder, port, "apt-get -q update")
        said = timed("apt-get install", ssh, folder, port, "apt-get -qy install --no-install-recommends sl && "
                     "dpkg-query -W sl")
        print(said.splitlines()[-1])
        user.type("root\n")
        user.expect("root@farside:~# ")
        user.type("poweroff\n")
        status = timed("shutdown", user.exit_status)
    disk_images.tool("e2fsck", "-f", "-n", os.path.join(folder, "disk.img"))
    print(f"farside ended with status {status}; e2fsck -f -n finds nothing")
    return status


def main():
    parser = argparse.ArgumentParser(description="a Debian system on a virtual disk, installed in farside")
    parser.add_argument("action", choices=("make", "check"))
    parser.add_argument("folder")
    parser.add_argument("--mirror", default=MIRROR)
    parser.add_argument("--packages", default=PACKAGES, help="what to install beyond the smallest system")
    parser.add_argument("--port", type=int, default=2222, help="of the host, for ssh")
    options = parser.parse_args()
    if options.action == "check":
        return check(options.folder, options.port)
    make(options.folder, options.mirror, options.packages)
    return 0


if __name__ == "__main__":
    sys.exit(main())
