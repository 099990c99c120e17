# pcrs.py LOG: lines `BANK PCR HEX` of PCRs 0 to 15 after the commands in a log that swtpm wrote at level 20.
# pcrs.py LOG extends N: with what that PCR was extended, a line each as tpm2_pcrextend takes it.
# pcrs.py LOG MANIFEST all|only N…: are these PCRs, and with `all` whatever else the manifest states, what it says? But for
# PCR 5, in which a second try of ExitBootServices, which is chance, leaves its mark.
import hashlib, json, re, struct, sys

CHANCE = {5}

BANKS = {0x4: "sha1", 0xB: "sha256", 0xC: "sha384", 0xD: "sha512"}
EXTEND = 0x182
# other commands that change PCRs (TPM 2.0 Library part 3, section 22): a firmware may use them, those that we test do not
OTHERS = {0x13C: "TPM2_PCR_Event", 0x185: "TPM2_EventSequenceComplete", 0x13D: "TPM2_PCR_Reset"}
SESSIONS = 0x8002


def messages(path):
    kind, data = None, bytearray()
    for line in open(path):
        if m := re.match(r" *(SWTPM_IO_Read|SWTPM_IO_Write|Ctrl Cmd|Ctrl Rsp): length (\d+)", line):
            kind, length, data = m[1], int(m[2]), bytearray()
        elif kind:
            data += bytes.fromhex(line)
            if len(data) == length:
                yield kind, bytes(data)
                kind = None


def digests(body):
    n, = struct.unpack_from(">I", body)
    at = 4
    for _ in range(n):
        alg, = struct.unpack_from(">H", body, at)
        size = hashlib.new(BANKS[alg]).digest_size
        yield BANKS[alg], body[at + 2:at + 2 + size]
        at += 2 + size
    assert at == len(body)


def extends(path):
    command = b""
    for kind, data in messages(path):
        if kind == "SWTPM_IO_Read":
            command = data
        if kind != "SWTPM_IO_Write":
            continue
        tag, _, code = struct.unpack_from(">HII", command)
        assert code not in OTHERS, OTHERS[code]
        if code != EXTEND:
            continue
        assert struct.unpack_from(">I", data, 6)[0] == 0, "an extend failed"
        pcr, auth = struct.unpack_from(">II", command, 10)
        assert tag == SESSIONS
        values = dict(digests(command[18 + auth:]))
        assert set(values) == set(BANKS.values()), values
        yield pcr, values


def replay(path):
    pcrs = {(b, n): bytes(hashlib.new(b).digest_size) for b in BANKS.values() for n in range(16)}
    for pcr, values in extends(path):
        for bank, digest in values.items():
            if pcr < 16:
                pcrs[bank, pcr] = hashlib.new(bank, pcrs[bank, pcr] + digest).digest()
    return pcrs


if sys.argv[2:3] == ["extends"]:
    for pcr, values in extends(sys.argv[1]):
        if pcr == int(sys.argv[3]):
            print("%d:%s" % (pcr, ",".join("%s=%s" % (b, v.hex()) for b, v in sorted(values.items()))))
    sys.exit()
pcrs = replay(sys.argv[1])
if len(sys.argv) == 2:
    for (bank, n), value in sorted(pcrs.items()):
        print(bank, n, value.hex())
    sys.exit()
registers, bad = json.load(open(sys.argv[2]))["registers"], 0
for n in map(int, sys.argv[4:]):
    assert "vtpm.sha256.pcr%d" % n in registers, "the manifest has no PCR %d" % n
for name, want in sorted(registers.items()):
    m = re.fullmatch(r"vtpm\.(\w+)\.pcr(\d+)", name)
    if not m or int(m[2]) in CHANCE or (sys.argv[3] == "only" and m[2] not in sys.argv[4:]):
        continue
    seen = pcrs[m[1], int(m[2])].hex()
    print("%s: the manifest says %s, the guest has %s" % (name, want, seen))
    bad += want != seen
assert not bad
