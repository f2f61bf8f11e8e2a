# tests/system/disk_images.py - makes the disks that firmware boots from, without being root: partitions, ext4, FAT.
import os
import subprocess

MIB = 1 << 20
GUEST = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "farside", "debian-12-arm64")
KERNEL, INITRD = os.path.join(GUEST, "linux"), os.path.join(GUEST, "initramfs.cpio")


def tool(*command, accepted=(0,), **keywords):
    """Runs a tool of the host, whose words are shown only if it ends with another status than those `accepted`."""
    environment = {**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"}
    result = subprocess.run(command, stdin=subprocess.PIPE if "input" not in keywords else None, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, **keywords)
    if result.returncode not in accepted:
        raise AssertionError(f"{' '.join(command)} failed:\n{result.stdout}")
    return result.stdout


def partitioned(path, size, table, first=MIB):
    """An image of `size` bytes with one partition, of the sfdisk type `table`, from byte `first` to the end."""
    with open(path, "wb") as file:
        file.truncate(size)
    label, kind = table
    tool("sfdisk", "--quiet", path, input=f"label: {label}\nstart={first // 512}, type={kind}\n")
    return first


def ext4(path, size, folder=None):
    """An ext4 file system over the whole of an image, with the files of `folder`."""
    with open(path, "wb") as file:
        file.truncate(size)
    tool("mke2fs", "-q", "-t", "ext4", "-F", *(["-d", folder] if folder else []), path)


def ext4_disk(path, size, folder):
    """An MBR disk whose first partition is ext4 with the files of `folder`."""
    first = partitioned(path, size, ("dos", "83"))
    # The partition ends where the image does.
    tool("mke2fs", "-q", "-t", "ext4", "-F", "-d", folder, "-E", f"offset={first}", path, f"{(size - first) >> 10}k")


def fat_disk(path, size, files):
    """A GPT disk whose first partition is an EFI system partition with `files` ({name on the disk: file of the host})."""
    first = partitioned(path, size, ("gpt", "uefi"))
    # The second copy of the partition table lies in the last 33 sectors.
    tool("mkfs.vfat", "-F", "32", "--offset", str(first // 512), path, str((size - first - MIB) >> 10))
    for name, file in files.items():
        tool("mcopy", "-i", f"{path}@@{first}", file, "::" + name)
