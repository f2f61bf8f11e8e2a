#!/usr/bin/env python3
# tests/system/debian_disk.py - a Debian system on a virtual disk: debootstrap unpacks it here, farside installs it.
#
#   tests/system/debian_disk.py make FOLDER    disk.img, linux, initrd and an ssh key in FOLDER (30 s, then minutes)
#   tests/system/debian_disk.py check FOLDER   boots it, installs a package by apt over ssh, and shuts it down
#
# Needs debootstrap, apt-get, dpkg-deb, mke2fs, cpio and ssh, the guest "debian" (farside guest get debian), and root or
# fakeroot, as device nodes and owners go into the image. Nothing is mounted, and nothing of the new system runs here.
import argparse
import os
import shutil
import sys
import time

import debian_kernel
import disk_images
import farside

MIRROR = "http://deb.debian.org/debian"
PACKAGES = "systemd-sysv,udev,dbus,kmod,openssh-server,iproute2,netbase"
SIZE = 2 << 30
HOUR = 3600

# What the initrd does when the disk is there: the init= of the command line, from the disk.
SWITCH_ROOT = """init=/sbin/init
for word in $(/bin/busybox cat /proc/cmdline); do case $word in init=*) init=${word#init=};; esac; done
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


def timed(what, step, *arguments):
    start = time.monotonic()
    result = step(*arguments)
    print(f"{what}: {time.monotonic() - start:.0f} s", flush=True)
    return result


def make_disk(folder, release):
    tree, key = os.path.join(folder, "tree"), os.path.join(folder, "key")
    for name in ("proc", "sys", "dev"):  # in a container debootstrap leaves links to the host's
        if os.path.islink(os.path.join(tree, name)):
            os.unlink(os.path.join(tree, name))
        os.makedirs(os.path.join(tree, name), exist_ok=True)
    for path, text in FILES.items():
        debian_kernel.put(os.path.join(tree, path), text)
    debian_kernel.put(os.path.join(tree, "finish"), FINISH, 0o755)
    if not os.path.exists(key):
        disk_images.tool("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "farside", "-f", key)
    with open(key + ".pub", encoding="ascii") as file:
        debian_kernel.put(os.path.join(tree, "root/.ssh/authorized_keys"), file.read(), 0o600)
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
        debian_kernel.put(os.path.join(folder, "finish.log"), log.encode("ascii", "replace").decode())
        if user.exit_status() != 0 or not user.seen.startswith("finished"):
            raise SystemExit(f"the second stage failed; {folder}/finish.log tells more:\n{log[-2000:]}")


def make(folder, mirror, packages):
    os.makedirs(folder, exist_ok=True)
    timed("first stage of debootstrap", disk_images.tool, "debootstrap", "--foreign", "--arch=arm64",
          "--variant=minbase", "--include=" + packages, "bookworm", os.path.join(folder, "tree"), mirror)
    release = timed("kernel package", debian_kernel.fetch, folder)
    modules = debian_kernel.modules_in(os.path.join(folder, "kernel", "lib", "modules", release))
    debian_kernel.make_initrd(os.path.join(folder, "initrd"), modules, SWITCH_ROOT)
    timed("disk image", make_disk, folder, release)
    timed("second stage, in farside", finish, folder)
    for name in ("tree", "kernel", "apt"):
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
