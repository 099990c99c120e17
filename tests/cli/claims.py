"""The claims that Trustee's verifiers make of real evidence, with the registers of a guest of ours in it:
claims.py ATTESTER VECTORS [KEY=VALUE…]. Names and forms are those of its deps/verifier."""
import json
import sys

attester, vectors = sys.argv[1], sys.argv[2] + "/agent/"
given = dict(a.split("=", 1) for a in sys.argv[3:])


def snp():
    r = json.load(open(vectors + "evidence/snp-evidence-genoa.json"))["attestation_report"]
    policy, tcb = r["policy"], r["reported_tcb"]
    return {
        "policy_abi_major": policy >> 8 & 255, "policy_abi_minor": policy & 255,
        "policy_smt_allowed": bool(policy >> 16 & 1), "policy_migrate_ma": bool(policy >> 18 & 1),
        "policy_debug_allowed": bool(policy >> 19 & 1), "policy_single_socket": bool(policy >> 20 & 1),
        "reported_tcb_bootloader": tcb["bootloader"], "reported_tcb_tee": tcb["tee"], "reported_tcb_snp": tcb["snp"],
        "reported_tcb_microcode": tcb["microcode"],
        "platform_tsme_enabled": bool(r["plat_info"] >> 1 & 1), "platform_smt_enabled": bool(r["plat_info"] & 1),
        "measurement": given.get("snp.launch_digest", bytes(r["measurement"]).hex()),
        "report_data": bytes(r["report_data"]).hex(), "chip_id": bytes(r["chip_id"]).hex(),
    }


def pcrs():
    quote = json.load(open(vectors + "evidence/tpm_evidence.json"))["tpm_quote"]
    ret = {f"pcr{i:02}": p for i, p in enumerate(quote["pcrs"])}
    ret["pcr11"] = given.get("vtpm.sha256.pcr11", ret["pcr11"])
    return ret


def tdx():
    c = json.load(open(vectors + "evidence/parse_tdx_claims_expected.json"))
    c["td_attributes"]["debug"] = False  # that TD was a debug one
    c.update(tcb_status="UpToDate", collateral_expiration_status="0")
    for name, reg in (("mr_td", "tdx.mrtd"), ("rtmr_1", "tdx.rtmr1"), ("rtmr_2", "tdx.rtmr2")):
        c["quote"]["body"][name] = given.get(reg, c["quote"]["body"][name])
    c["uefi_event_logs"] = json.load(open(vectors + "eventlog/CCEL_data_ovmf_out.json"))["uefi_event_logs"]
    for event in c["uefi_event_logs"]:
        details = event.get("details", {})
        if "File(kernel)" in details.get("device_paths", []) and "kernel" in given:
            event["digests"][0]["digest"] = given["kernel"]
        if details.get("string") == "LOADED_IMAGE::LoadOptions" and "cmdline" in given:
            event["digests"][0]["digest"] = given["cmdline"]
    return c


def sample():
    return {"svn": "1", "launch_digest": "abcde", "platform_version": {"major": 1, "minor": 4}, "debug": False}


def tpm():
    return {**pcrs(), "ak_public": json.load(open(vectors + "evidence/tpm_evidence.json"))["ak_public"]}


make = {"snp": snp, "tdx": tdx, "sample": sample, "tpm": tpm, "az-snp-vtpm": lambda: {**snp(), "tpm": pcrs()},
        "az-tdx-vtpm": lambda: {**tdx(), "tpm": pcrs()}}
print(json.dumps({attester: make[attester]()}))
