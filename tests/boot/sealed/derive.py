# derive.py BUNDLE NEW [disk=FILE] [vars=FILE] [serial=FILE]: a bundle of the same files and arguments, but for what is
# named; the disk's format is said by its name. `serial` is what the firmware says on a serial port that it then has.
import json, os, sys

FORMATS = {".raw": "raw", ".img": "raw", ".qcow2": "qcow2", ".vhd": "vpc"}
old, new = os.path.realpath(sys.argv[1]), sys.argv[2]
given = dict(a.split("=", 1) for a in sys.argv[3:])
os.makedirs(new)
manifest = json.load(open(old + "/manifest.json"))
for name in manifest["files"]:
    os.makedirs(os.path.dirname(os.path.join(new, name)), exist_ok=True)
    os.symlink(os.path.join(old, name), os.path.join(new, name))
args = manifest["qemu"]
for i, arg in enumerate(args):
    if "disk" in given and "id=root" in arg:
        disk = os.path.realpath(given["disk"])
        args[i] = "file=%s,format=%s,if=none,id=root,readonly=on" % (disk, FORMATS[os.path.splitext(disk)[1]])
    if "vars" in given and "unit=1" in arg:
        args[i] = "if=pflash,unit=1,format=raw,snapshot=on,file=" + os.path.realpath(given["vars"])
if "serial" in given:
    args += ["-serial", "file:" + os.path.abspath(given["serial"])]
json.dump(manifest, open(new + "/manifest.json", "w"))
