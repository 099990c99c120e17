# compare.py pcrs|events DIR MEASURED.json [PCR…]: what a guest saw against what `bulla measure vtpm --json --steps` says.
# The PCRs named at the end must be unknown, and no others. The log is read by tpm2_eventlog.
import hashlib, json, re, subprocess, sys

FAILED = hashlib.sha256(b"Exit Boot Services Returned with Failure").hexdigest()
BANKS = ["sha1", "sha256", "sha384", "sha512"]


def guest_pcrs(d):
    return {(bank, int(n)): value.lower() for bank, n, value in map(str.split, open(d + "/pcrs.txt"))}


def guest_log(d):
    events = []
    text = subprocess.run(["tpm2_eventlog", d + "/eventlog.bin"], check=True, capture_output=True, text=True,
                          errors="replace").stdout
    for line in text[:text.index("\npcrs:")].splitlines():
        if m := re.match(r"  PCRIndex: (\d+)", line):
            events.append({"pcr": int(m[1])})
        elif m := re.match(r"  - AlgorithmId: (\w+)", line):
            bank = m[1]
        elif m := re.match(r'    Digest: "(\w+)"', line):
            events[-1][bank] = m[1]
    return [e for e in events if "sha256" in e]


# A firmware whose memory map changed under the caller's hands returns from ExitBootServices with a failure; the kernel
# asks again. How often is chance.
def retries(log):
    return sum(e["sha256"] == FAILED for e in log)


def extend(values, bank):
    r = bytes(hashlib.new(bank).digest_size)
    for v in values:
        r = hashlib.new(bank, r + v).digest()
    return r.hex()


def with_retries(steps, n, bank):
    texts = ["Exit Boot Services Invocation", "Exit Boot Services Returned with Failure"] * n
    values = [bytes.fromhex(s["digest"]) for s in steps if s["register"] == bank + ".pcr5"]
    return extend(values[:-2] + [hashlib.new(bank, t.encode()).digest() for t in texts] + values[-2:], bank)


def pcrs(d, measured, unknown):
    seen, n, bad = guest_pcrs(d), retries(guest_log(d)), 0
    assert set(measured["unknown"]) == {"%s.pcr%d" % (b, p) for b in BANKS for p in unknown}, measured["unknown"]
    for bank in BANKS:
        for pcr in range(16):
            name = "%s.pcr%d" % (bank, pcr)
            if pcr in unknown:
                continue
            want = with_retries(measured["steps"], n, bank) if n and pcr == 5 else measured["registers"][name]
            if want != seen[bank, pcr]:
                print("%s: predicted %s, the guest has %s" % (name, want, seen[bank, pcr]))
                bad += 1
    assert not bad, "%d registers differ" % bad


def events(d, measured):
    log = guest_log(d)
    at = {b: [s for s in measured["steps"] if s["register"].startswith(b + ".")] for b in BANKS}
    assert len({len(v) for v in at.values()}) == 1
    i = 0
    while i < len(log):
        if i + 1 < len(log) and log[i + 1]["sha256"] == FAILED:
            i += 2
            continue
        for bank in BANKS:
            assert at[bank], "the log goes on with %s" % log[i]
            s = at[bank].pop(0)
            assert s["register"] == "%s.pcr%d" % (bank, log[i]["pcr"]), (s, log[i])
            assert s["digest"] in (log[i][bank], None), (s, log[i])
        i += 1
    assert not any(at.values()), "predicted, but not in the log: %s" % at["sha256"]
    print("%d events, %d retries" % (len(log), retries(log)))


what, d, measured = sys.argv[1], sys.argv[2], json.load(open(sys.argv[3]))
if what == "pcrs":
    pcrs(d, measured, {int(p) for p in sys.argv[4:]})
else:
    events(d, measured)
