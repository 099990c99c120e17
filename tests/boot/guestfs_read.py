# guestfs_read.py OUT WORK IMAGE...: a TAP line for each image, as libguestfs reads it: partitions, boot files, kernel and initrd
# in the UKI, and every entry of root.
import hashlib, json, os, stat, subprocess, sys, uuid
import guestfs

ESP, ROOT, VERITY = ("C12A7328-F81F-11D2-BA4B-00A0C93EC93B", "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709",
                     "2C7357ED-EBD2-46D9-AEC1-23D437EC2BF5")  # Discoverable Partitions Specification
READ_ONLY = "0x1000000000000000"
out, work, images = sys.argv[1], sys.argv[2], sys.argv[3:]
rootfs = out + "/rootfs/x86_64/"
entries = json.load(open(rootfs + "manifest.json"))["entries"]
problems = []


def expect(what, found, expected):
    if found != expected:
        problems.append("%s is %s, expected %s" % (what, found, expected))


def sha256(path, start=0, size=-1):
    with open(path, "rb") as f:
        f.seek(start)
        return hashlib.sha256(f.read(size)).hexdigest()


def version8(digest):
    b = bytearray(bytes.fromhex(digest)[:16])
    b[6], b[8] = b[6] & 0x0F | 0x80, b[8] & 0x3F | 0x80
    return str(uuid.UUID(bytes=bytes(b))).upper()


def sealed():
    """Digest, size and UUID of root and tree, as sfdisk finds them in rootfs.img."""
    table = json.loads(subprocess.check_output(["sfdisk", "--json", rootfs + "rootfs.img"]))["partitiontable"]
    return [(sha256(rootfs + "rootfs.img", p["start"] * 512, p["size"] * 512), p["size"] * 512, p["uuid"])
            for p in table["partitions"]]


def opened(image):
    """Path and format of what libguestfs takes: Google's archive has to be unpacked, holes stay holes."""
    if not image.endswith(".tar.gz"):
        return image, {"raw": "raw", "qcow2": "qcow2", "vhd": "vpc"}[image.rsplit(".", 1)[1]]
    to = os.path.join(work, "tar%d" % images.index(image))
    os.mkdir(to)
    subprocess.check_call(["tar", "-C", to, "-xzSf", image])
    expect("the archive", os.listdir(to), ["disk.raw"])
    expect("size modulo 1 GiB", os.path.getsize(to + "/disk.raw") % 2**30, 0)
    return to + "/disk.raw", "raw"


def check_partitions(dev, seal):
    expect("number of partitions", len(g.part_list(dev)), 3)
    esp = g.checksum_device("sha256", dev + "1")
    want = [(ESP, version8(esp), "esp", None, None),
            (ROOT, seal[0][2], "root-x86-64", seal[0][1], READ_ONLY),
            (VERITY, seal[1][2], "root-x86-64-verity", seal[1][1], READ_ONLY)]
    for i, (kind, guid, name, size, flags) in enumerate(want, 1):
        found = {k[11:].lower(): v for k, v in g.blkid("%s%d" % (dev, i)).items() if k.startswith("PART_ENTRY_")}
        where = "partition %d's " % i
        expect(where + "table", found["scheme"], "gpt")
        expect(where + "number", found["number"], str(i))
        expect(where + "type", found["type"].upper(), kind)
        expect(where + "UUID", found["uuid"].upper(), guid)
        expect(where + "name", found["name"].replace("\\x2d", "-"), name)
        expect(where + "flags", found.get("flags"), flags)
        expect(where + "size", int(found["size"]) * 512, size or int(found["size"]) * 512)
        if i > 1:
            expect(where + "content", g.checksum_device("sha256", "%s%d" % (dev, i)), seal[i - 2][0])


def check_boot(dev, image):
    """The ESP's files, and what is in the UKI that was found there."""
    shim = os.path.basename(image).startswith("disk-shim.")
    uki = uki_of(image)
    firmware = out + "/firmware/"
    want = {"BOOTX64.EFI": uki}
    if shim:
        want = {"BOOTX64.EFI": firmware + "shimx64.efi.signed", "grubx64.efi": uki, "mmx64.efi": firmware + "mmx64.efi.signed"}
    g.mount_options("ro", dev + "1", "/")
    expect("files of the ESP", sorted(g.find("/")), sorted(["EFI", "EFI/BOOT"] + ["EFI/BOOT/" + n for n in want]))
    for name, source in want.items():
        expect(name, g.checksum("sha256", "/EFI/BOOT/" + name), sha256(source))
    mine = os.path.join(work, "uki.efi")
    g.download("/EFI/BOOT/" + ("grubx64.efi" if shim else "BOOTX64.EFI"), mine)
    g.umount("/")
    for section, source in ((".linux", "kernel/x86_64/vmlinuz"), (".initrd", "initrd/x86_64/initrd.cpio.zst")):
        dump = os.path.join(work, "section")
        subprocess.check_call(["objcopy", "--dump-section", section + "=" + dump, mine, mine + ".copy"])
        size = os.path.getsize(out + "/" + source)
        expect(section, sha256(dump, 0, size), sha256(out + "/" + source))
        expect("what follows in " + section, set(open(dump, "rb").read()[size:]) - {0}, set())


def check_root(dev):
    g.mount_options("ro", dev + "2", "/")
    expect("what differs in paths", sorted({"/" + p for p in g.find("/")} ^ {e["path"] for e in entries if e["path"] != "/"}), [])
    kinds = {"file": stat.S_IFREG, "directory": stat.S_IFDIR, "link": stat.S_IFLNK}
    for folder in sorted({os.path.dirname(e["path"]) for e in entries}):
        here = [e for e in entries if os.path.dirname(e["path"]) == folder]
        for e, st in zip(here, g.lstatnslist(folder, [os.path.basename(e["path"]) or "." for e in here])):
            expect(e["path"], (st["st_mode"], st["st_uid"], st["st_gid"]),
                   (kinds[e["type"]] | int(e["mode"], 8), e["uid"], e["gid"]))
            if e["type"] == "file":
                expect("size of " + e["path"], st["st_size"], e["size"])
        links = {os.path.basename(e["path"]): e["target"] for e in here if e["type"] == "link"}
        expect("targets in " + folder, dict(zip(links, g.readlinklist(folder, list(links)))), links)
    sums = os.path.join(work, "sums")
    g.checksums_out("sha256", "/", sums)
    found = {tuple(line.rstrip("\n").split("  ", 1)) for line in open(sums)}
    expect("what differs in SHA-256", sorted(found ^ {(e["sha256"], "." + e["path"]) for e in entries if e["type"] == "file"}), [])
    g.umount("/")


def look(number, image):
    problems[:] = early[image]
    dev = "/dev/sd" + "abcdefghijklmnopqrstuvwxyz"[number]
    try:
        check_partitions(dev, seal)
        check_boot(dev, image)
        check_root(dev)
    except (RuntimeError, KeyError, OSError, subprocess.CalledProcessError) as e:
        problems.append(repr(e))
        g.umount_all()
    return list(problems)


def uki_of(image):
    return "%s/uki/%s/uki.efi" % (out, os.path.basename(os.path.dirname(image)))


seal = sealed()
g = guestfs.GuestFS(python_return_dict=True)
# Platforms may share an image, byte for byte: it is opened once, if the UKI that it should hold is one as well.
keys = {image: (os.path.basename(image), sha256(image), sha256(uki_of(image))) for image in images}
first, early, found = {}, {}, {}
for image in images:
    if first.setdefault(keys[image], image) == image:
        problems.clear()
        path, form = opened(image)
        early[image] = list(problems)
        g.add_drive_opts(path, readonly=1, format=form)
g.launch()
for number, image in enumerate(early):
    found[image] = look(number, image)
g.close()
for image in images:
    same = first[keys[image]]
    print("%s - libguestfs reads %s%s: partitions, boot files, UKI, %d entries of root" %
          ("not ok" if found[same] else "ok", os.path.relpath(image, out),
           "" if same == image else ", the same bytes as " + os.path.relpath(same, out), len(entries)))
    for p in found[same][:10]:
        print("# " + p[:600])
