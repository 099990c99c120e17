#!/bin/sh
# bulla refvals: what it writes makes a report of the same guest affirming under the policy that Trustee publishes, and of
# another not; CoRIM by python3-cbor2 and openssl; what is denied stays denied.
. tests/tap.sh
here=$PWD
recipes=$PWD/recipes
out=${OUT:-$PWD/out}
vectors=$(realpath "${VECTORS:-../shared/vectors}" 2>/dev/null || :)
python=/usr/bin/python3
cd "$WORK"
if ! command -v jq >/dev/null; then
	skip "reference values" "jq is missing"
	exit 0
fi
BULLA_KEYS=$WORK/keys
export BULLA_KEYS
"$BULLA" sign keygen -q

sum384() {
	printf '%s' "$1" | sha384sum | cut -c 1-96
}

sum256() {
	printf '%s' "$1" | sha256sum | cut -c 1-64
}

# A bundle to make others of: manifests are what reference values are made from.
for f in vmlinuz initrd rootfs; do
	printf '%s' "$f" >"$f.in"
done
sum256 root >root.hash
mkdir b
"$BULLA" bundle sample --recipes "$recipes" --kernel vmlinuz.in --initrd initrd.in --rootfs rootfs.in --roothash root.hash \
	--out b/sample >/dev/null

# as NAME FILTER…: that bundle as platform NAME, its manifest changed by jq
as() {
	mkdir -p "${dir:-b}/$1"
	jq --arg p "$1" ".platform = \$p | $2" b/sample/manifest.json >"${dir:-b}/$1/manifest.json"
}
digest=$(sum384 1)
as snp '.tee = "snp" | .attester = "snp" | .stack = {vmm: "qemu-10.0"} | .holds_for = {qemu: "9.2 to 10.0"} |
	.launch.vcpus = 2 | .qemu += ["-object", "sev-snp-guest,id=sev0,policy=0x30000,kernel-hashes=on"] |
	.registers["snp.launch_digest"] = "'"$digest"'" | .variants = [
	{vcpus: 2, cpu: "EPYC-v4", registers: {"snp.launch_digest": "'"$(sum384 2)"'"}},
	{vcpus: 12, cpu: "EPYC-v4", registers: {"snp.launch_digest": "'"$(sum384 3)"'"}}] | .unknown = {}'
as peerpod '.tee = "vtpm" | .attester = "tpm" | .stack = {vmm: "qemu-10.0", stub: "stub-257"} |
	.registers["vtpm.sha256.pcr11"] = "'"$(sum256 pcr11)"'" | .unknown = {"vtpm.sha256.pcr1": "a reason"}'
as az-snp-vtpm '.tee = "vtpm" | .attester = "az-snp-vtpm" | .registers["vtpm.sha256.pcr11"] = "'"$(sum256 az)"'"'
as az-tdx-vtpm '.tee = "vtpm" | .attester = "az-tdx-vtpm" | .registers["vtpm.sha256.pcr11"] = "'"$(sum256 tz)"'"'
as sev '.tee = "sev" | .attester = null | .registers["sev.launch_digest"] = "'"$(sum256 sev)"'"'
as snp-debug '.profile = "debug" | .tee = "snp" | .attester = "snp" | .registers["snp.launch_digest"] = "'"$(sum384 debug)"'" |
	.registers["kernel_hashes.cmdline"] = "'"$(sum256 debug)"'"'

cat >conf <<-'EOT'
	[snp]
	snp_bootloader=9 10
	snp_microcode=25
	snp_snp_svn=23
	snp_tee_svn=0
	snp_smt_enabled=true
	snp_tsme_enabled=false
	[az-snp-vtpm]
	tcb_bootloader=10
	tcb_microcode=25
	tcb_snp=23
	tcb_tee=0
	smt_enabled=true
	tsme_enabled=false
	abi_major=0
	abi_minor=0
	single_socket=false
	smt_allowed=true
EOT

write() {
	"$BULLA" refvals write --bundles "${dir:-b}" --out "$@"
}

same() {
	[ "$1" = "$2" ] || { echo "got '$1', expected '$2'"; return 1; }
}

# payload FILE: what a message registers
payload() {
	jq -r .payload "$1" | base64 -d
}

check "reference values are written" write v --conf conf
check "a second time in their place, the same but for signatures" \
	sh -c "cp -r v w && '$BULLA' refvals write -q --bundles b --out v --conf conf && diff -r -x '*.cose' v w"
check "each value has its launch, stack, inputs and witness" same "$(jq -c '.values[] | select(.vcpus == 12) |
	[.platform, .tee, .register, .alg, .value, .cpu, .stack, .holds_for, .profile, .inputs.vmlinuz, (.witness | length > 20)]' v/index.json)" \
	"[\"snp\",\"snp\",\"snp.launch_digest\",\"sha384\",\"$(sum384 3)\",\"EPYC-v4\",{\"vmm\":\"qemu-10.0\"},{\"qemu\":\"9.2 to 10.0\"},\"release\",\"$(sum256 vmlinuz)\",true]"
check "the launch of the manifest is one of the variants' kind" \
	same "$(jq '[.values[] | select(.register == "snp.launch_digest")] | length' v/index.json)" 3
check "what is unknown keeps its reason" same "$(jq -c .unknown v/index.json)" \
	'[{"platform":"peerpod","register":"vtpm.sha256.pcr1","why":"a reason"}]'
check "a debug bundle is denied by what tells it from a release, and nothing else" \
	same "$(jq -c '[.deny[] | [.platform, .register, .value]]' v/deny.json)" \
	"[[\"snp-debug\",\"kernel_hashes.cmdline\",\"$(sum256 debug)\"],[\"snp-debug\",\"snp.launch_digest\",\"$(sum384 debug)\"]]"
check "it has no file of its own, and no message" sh -c '! find v | grep debug'
check "the index has the same list" sh -c 'jq .deny v/index.json >1 && jq .deny v/deny.json | cmp - 1'
check "what the operator has to set is said" same "$(jq -c '.rvps.to_be_set | keys' v/peerpod.json)" '["trusted_aks"]'
check "and nothing is invented for it" sh -c '! grep -q trusted_aks v/rvps/peerpod.json'
check "the guest policy is that of QEMU's arguments" same "$(jq -c '.rvps.names | [.snp_guest_abi_major, .snp_guest_abi_minor,
	.snp_single_socket, .snp_smt_allowed]' v/snp.json)" '[0,0,false,true]'
check "a message of a platform that no policy reads is not written" \
	sh -c '[ ! -e v/rvps/sev.json ] && [ -e v/corim/sev.cbor ] && [ -e v/sev.json ]'
check "Trustee 0.14 to 0.17 get the launch digest in Base64" same "$(jq -r .payload v/rvps/until-0.17/snp.json | base64 -d |
	jq -r '.snp_launch_measurement[0]' | base64 -d | od -An -tx1 | tr -d ' \n')" \
	"$(payload v/rvps/snp.json | jq -r '.snp_launch_measurement[0]')"
check "and before that lists of texts" same "$(jq -r .payload v/rvps/until-0.13/snp.json | base64 -d |
	jq -c '[.snp_bootloader, .snp_smt_enabled, .snp_guest_abi_minor]')" '[["9","10"],["true"],["0"]]'
check "one message has all platforms, but not the sample, which anybody can report" \
	same "$(payload v/rvps/all.json | jq -c '[has("snp_launch_measurement"), has("tpm_pcr11"), has("launch_digest"), has("svn")]')" \
	'[true,true,false,false]'
check "an entry of --set goes to every platform that reads it" sh -c "'$BULLA' refvals write -q --bundles b --out s \
	--conf conf --set trusted_aks=QUJD --set snp_bootloader=7 --unsigned && jq -e '.rvps.names.trusted_aks == [\"QUJD\"]' s/peerpod.json &&
	jq -e '.rvps.names.snp_bootloader == [7]' s/snp.json && ! find s -name '*.cose' | grep ."
rm -rf s
refuses "a name that no policy reads is refused, with the nearest" 2 'did you mean snp_bootloader' write s --set snp_botloader=1
refuses "a value of another type is refused" 2 'expected a list of integers' write s --set snp_bootloader=high
refuses "two values where the policy compares with one are refused" 2 'expected a true or false' write s --set 'snp_smt_enabled=true false'
refuses "what follows from the bundle cannot be set" 2 'follows from the bundle' write s --set snp_smt_allowed=true
printf '[snp]\nsmt_enabled=true\n' >bad.conf
refuses "nor can what the platform's policy does not read" 2 'unknown key snp.smt_enabled' write s --conf bad.conf
mkdir full && touch full/x
refuses "a folder of something else is not replaced" 1 'is no folder of reference values' write full --conf conf
[ ! -e s ] || echo "not ok - a refused run leaves nothing"
BULLA_KEYS=$WORK/nowhere refuses "without a key set it says how to go on" 4 'keygen' write s

# The published policy itself is the judge.
policy=$vectors/agent/policy/ear_default_policy_cpu.rego
verdict() {
	want=$1 attester=$2 message=$3
	shift 3
	$python "$here/tests/cli/claims.py" "$attester" "$vectors" "$@" >claims.json &&
		same "$($python "$here/tests/cli/rego.py" "$policy" claims.json "$message")" "$want"
}
if [ -f "$policy" ] && [ -x $python ]; then
	dir=b write p -q --conf conf --set "trusted_aks=$(jq -r .ak_public "$vectors/agent/evidence/tpm_evidence.json")" >/dev/null
	check "snp: a report of our guest is affirming" verdict '3 2 2 affirming' snp p/rvps/snp.json "snp.launch_digest=$(sum384 2)"
	check "snp: one of every number of vCPUs is" verdict '3 2 2 affirming' snp p/rvps/snp.json "snp.launch_digest=$(sum384 3)"
	check "snp: under the message for all platforms too" verdict '3 2 2 affirming' snp p/rvps/all.json "snp.launch_digest=$digest"
	check "snp: another kernel is not" verdict '33 2 2 warning' snp p/rvps/snp.json "snp.launch_digest=$(sum384 other)"
	check "snp: the debug bundle is not" verdict '33 2 2 warning' snp p/rvps/snp.json "snp.launch_digest=$(sum384 debug)"
	check "tpm: a quote of our guest is affirming" verdict '3 2 0 affirming' tpm p/rvps/peerpod.json "vtpm.sha256.pcr11=$(sum256 pcr11)"
	check "tpm: another kernel is not" verdict '33 2 0 warning' tpm p/rvps/peerpod.json "vtpm.sha256.pcr11=$(sum256 other)"
	check "sample: evidence of the sample attester is affirming" verdict '3 2 2 affirming' sample p/rvps/sample.json
	check "sample: not under the message for all platforms" verdict '33 97 2 contraindicated' sample p/rvps/all.json
	# Azure's own measurement is the operator's to give: here the one of the report
	claims="$($python "$here/tests/cli/claims.py" snp "$vectors" | jq -r .snp.measurement)"
	printf 'measurement=%s\n[az-tdx-vtpm]\nmr_td=%s\nxfam=e742060000000000\n' "$claims" "$(sum384 td)" >>conf
	dir=b write p -q --conf conf >/dev/null
	check "az-snp-vtpm: evidence of our guest is affirming" \
		verdict '3 2 2 affirming' az-snp-vtpm p/rvps/az-snp-vtpm.json "vtpm.sha256.pcr11=$(sum256 az)"
	check "az-snp-vtpm: another kernel is not" \
		verdict '33 2 2 warning' az-snp-vtpm p/rvps/az-snp-vtpm.json "vtpm.sha256.pcr11=$(sum256 other)"
	check "az-tdx-vtpm: evidence of our guest is affirming" verdict '3 2 2 affirming' az-tdx-vtpm p/rvps/az-tdx-vtpm.json \
		"tdx.mrtd=$(sum384 td)" "vtpm.sha256.pcr11=$(sum256 tz)"
	check "az-tdx-vtpm: another kernel is not" verdict '33 2 2 warning' az-tdx-vtpm p/rvps/az-tdx-vtpm.json \
		"tdx.mrtd=$(sum384 td)" "vtpm.sha256.pcr11=$(sum256 other)"
	for a in sample snp tdx tpm az-snp-vtpm az-tdx-vtpm; do
		check "$a: the names of a foreign message suit, as they do the policy" \
			sh -c "'$BULLA' refvals check '$vectors/agent/rvps/$a.message.json' '$vectors/agent/rvps/$a.values.json' | grep 'Trustee 0.18 and later'"
	done
	check "every name that the policy reads is in a foreign message or fixed here" sh -c "
		grep -v '^[[:space:]]*#' '$policy' | grep -o 'query_reference_value(\"[a-z0-9_]*\")' | cut -d'\"' -f2 | sort -u >policy.names
		for n in \$(cat policy.names); do
			printf '{\"%s\":null}' \$n >n.json
			'$BULLA' refvals check --json n.json | jq -e '.files[0].values[0].read_by_policy' >/dev/null || { echo \"\$n is not known\"; exit 1; }
		done; [ \$(wc -l <policy.names) -gt 35 ]"
else
	skip "the published policy" "test data or python3 is missing"
fi

# A TD's kernel and command line have events of their own.
kernel=$out/kernel/x86_64/vmlinuz
if [ -f "$kernel" ] && [ -f "$policy" ]; then
	# replay RTMR DIGEST…: H(…H(zeros || digest)…), by openssl
	replay() {
		value=$(printf '%096d' 0)
		for d; do
			value=$(printf '%s%s' "$value" "$d" | $python -c 'import sys; sys.stdout.buffer.write(bytes.fromhex(sys.stdin.read()))' |
				openssl dgst -sha384 -r | cut -c 1-96)
		done
		echo "$value"
	}
	"$BULLA" bundle sample --recipes "$recipes" --kernel "$kernel" --initrd initrd.in --rootfs rootfs.in --roothash root.hash \
		--out t/sample >/dev/null
	fd=$vectors/ovmf/debian-2026.08-OVMF.inteltdx.ms.fd
	cp "$fd" t/sample/firmware.fd
	jq '.platform = "tdx" | .tee = "tdx" | .attester = "tdx" | .stack = {vmm: "qemu-10.0"} | .files["firmware.fd"] =
		{size: '"$(stat -c %s "$fd")"', sha256: "'"$(sha256sum <"$fd" | cut -c 1-64)"'"}' t/sample/manifest.json >m.json
	mv m.json t/sample/manifest.json
	"$BULLA" measure tdx --bundle t/sample --steps --json >steps.json
	jq --slurpfile s steps.json '.registers += ($s[0].registers | with_entries(.key |= "tdx." + .))' t/sample/manifest.json >m.json
	cp m.json t/sample/manifest.json
	dir=t write tv -q --set xfam=e742060000000000 >/dev/null
	reg() { jq -r ".registers[\"tdx.$1\"]" t/sample/manifest.json; }
	name() { payload tv/rvps/tdx.json | jq -r ".$1"; }
	# shellcheck disable=SC2046  # digests
	check "tdx: RTMR1 is the kernel's event and those of the boot after it" same "$(replay $(name tdvfkernel) \
		$(jq -r '[.steps[] | select(.register == "rtmr1")][1:][].digest' steps.json))" "$(reg rtmr1)"
	# shellcheck disable=SC2046
	check "tdx: RTMR2 is the event of the command line and those after it" same "$(replay $(name tdvfkernelparams) \
		$(jq -r '[.steps[] | select(.register == "rtmr2")][1:][].digest' steps.json))" "$(reg rtmr2)"
	check "tdx: the event of the command line is of what the kernel gets, in UTF-16" same "$(name tdvfkernelparams)" \
		"$(printf 'initrd=initrd %s\0' "$(cat t/sample/cmdline)" | iconv -t UTF-16LE | sha384sum | cut -c 1-96)"
	guest="tdx.mrtd=$(reg mrtd) tdx.rtmr1=$(reg rtmr1) tdx.rtmr2=$(reg rtmr2)"
	events="kernel=$(name tdvfkernel) cmdline=$(name tdvfkernelparams)"
	# shellcheck disable=SC2086  # words
	{
		check "tdx: a quote and log of our guest are affirming" verdict '3 2 2 affirming' tdx tv/rvps/tdx.json $guest $events
		check "tdx: another kernel is not" \
			verdict '33 2 2 warning' tdx tv/rvps/tdx.json $guest "tdx.rtmr1=$(sum384 other)" "kernel=$(sum384 k)" "cmdline=$(name tdvfkernelparams)"
		check "tdx: another command line is not" verdict '33 2 2 warning' tdx tv/rvps/tdx.json $guest "tdx.rtmr2=$(sum384 other)" $events
		check "tdx: a log that does not have these events is worth less" \
			verdict '4 2 2 affirming' tdx tv/rvps/tdx.json $guest "kernel=$(sum384 k)" "cmdline=$(sum384 c)"
		check "tdx: another firmware is not" verdict '3 97 2 contraindicated' tdx tv/rvps/tdx.json $guest $events "tdx.mrtd=$(sum384 other)"
	}
	jq '.registers["tdx.rtmr1"] = "'"$(sum384 other)"'"' m.json >t/sample/manifest.json
	dir=t refuses "tdx: a manifest whose RTMRs are not of its files is refused" 3 'expected .* of its files' write tv
else
	skip "tdx: the events of kernel and command line" "the kernel is not built, or test data is missing"
fi

# CoRIM, read by another program
if $python -c 'import cbor2' 2>/dev/null; then
	cat >corim.py <<-'EOT'
		import cbor2, hashlib, json, subprocess, sys
		platform, folder = sys.argv[1], sys.argv[2]
		ids = {1: "sha256", 7: "sha384", 8: "sha512"}  # IANA, named information hash algorithms
		bare = open(f"{folder}/corim/{platform}.cbor", "rb").read()
		corim = cbor2.loads(bare)
		assert corim.tag == 501 and set(corim.value) == {0, 1}, corim
		assert cbor2.dumps(corim, canonical=True) == bare, "not the deterministic encoding"
		got = []
		for tag in corim.value[1]:
		    assert tag.tag == 506
		    comid = cbor2.loads(tag.value)
		    assert set(comid) == {1, 4} and isinstance(comid[1][0], str) and set(comid[4]) == {0}
		    for environment, claims in comid[4][0]:
		        assert set(environment) == {0} and environment[0][1] == "bulla"
		        for claim in claims:
		            assert set(claim) == {0, 1} and set(claim[1]) == {2} and len(claim[1][2]) == 1
		            alg, value = claim[1][2][0]
		            assert hashlib.new(ids[alg]).digest_size == len(value)
		            got.append((environment[0][2], claim[0], ids[alg], value.hex()))
		def model(v):
		    return "/".join([v["platform"]] + ([v["cpu"], f"vcpus-{v['vcpus']}"] if "vcpus" in v else []))
		want = [(model(v), v["register"], v["alg"], v["value"]) for v in json.load(open(f"{folder}/{platform}.json"))["values"]
		        if "." in v["register"] and not v["register"].startswith("kernel_hashes.")]
		assert got == want and got, (got, want)
		sign1 = cbor2.loads(open(f"{folder}/corim/{platform}.cose", "rb").read())
		protected, unprotected, payload, signature = sign1.value
		header = cbor2.loads(protected)
		assert sign1.tag == 18 and unprotected == {} and payload == bare and len(signature) == 64
		assert header[1] == -7 and header[3] == "application/rim+cbor", header
		assert cbor2.loads(header[8]) == {0: {0: "bulla, development key"}}, header
		der = subprocess.run(["openssl", "pkey", "-pubin", "-in", "release.pem", "-outform", "DER"], stdout=subprocess.PIPE, check=True)
		assert header[4] == hashlib.sha256(der.stdout).digest(), "the key's id"
		open("signed", "wb").write(cbor2.dumps(["Signature1", protected, b"", payload]))
		def integer(b):
		    b = b.lstrip(b"\0") or b"\0"
		    b = b"\0" * (b[0] >> 7) + b
		    return bytes([2, len(b)]) + b
		body = integer(signature[:32]) + integer(signature[32:])
		open("signature", "wb").write(bytes([0x30, len(body)]) + body)
	EOT
	"$BULLA" sign public --role release >release.pem
	for p in snp peerpod sev; do
		check "$p: the CoRIM holds the values of its file, by python3-cbor2" $python corim.py $p v
		check "$p: openssl verifies its signature" openssl dgst -sha256 -verify release.pem -signature signature signed
	done
	check "check verifies it too" "$BULLA" refvals check v/corim/snp.cose --key release.pem
	check "and says where it did not" sh -c "'$BULLA' refvals check v/corim/snp.cose | grep 'signature unchecked'"
	openssl ecparam -name prime256v1 -genkey -noout | openssl pkey -pubout >other.pem
	refuses "a signature of another key is refused" 3 'not of this key' "$BULLA" refvals check v/corim/snp.cose --key other.pem
	refuses "an unsigned CoRIM is, where a key is given" 3 'it is not signed' "$BULLA" refvals check v/corim/snp.cbor --key release.pem
	$python -c 'd = bytearray(open("v/corim/snp.cose", "rb").read()); d[-100] ^= 1; open("flipped", "wb").write(d)'
	refuses "a value changed under the signature is refused" 3 'not of this key' "$BULLA" refvals check flipped --key release.pem
else
	skip "CoRIM by another reader" "python3-cbor2 is missing"
fi
check "the names are those under which Trustee stores them" same "$("$BULLA" refvals check --json v/corim/peerpod.cbor |
	jq -r '.files[0].values[].name')" "bulla/peerpod/vtpm.sha256.pcr11/digests"

message() {
	jq -n --arg p "$(printf '%s' "$1" | base64 -w0)" '{version: "0.1.0", type: "sample", payload: $p}'
}
message '{"snp_smt_enabled":[true],"snp_bootloader":3}' >types
refuses "a list where the policy compares, and a number where it looks into a list, are found" 3 \
	'snp_smt_enabled is of a type that matches nothing: the policy needs a true or false' "$BULLA" refvals check types
message '{"a":1' >short
refuses "a payload that is no JSON is refused" 1 'payload' "$BULLA" refvals check short
message '{"a":1,"a":2}' >twice
refuses "one with a name twice is refused" 1 'payload' "$BULLA" refvals check twice
jq '.version = "0.2.0"' types >newer
refuses "another version of the message is refused" 1 "0.2.0', expected 0.1.0" "$BULLA" refvals check newer
message "{\"snp_launch_measurement\":[\"$(sum384 debug)\"]}" >denied
refuses "a message with a value of a debug bundle is found" 3 'of snp-debug, which is denied' \
	"$BULLA" refvals check denied --deny v/deny.json
message "{\"snp_launch_measurement\":[\"$(printf 'debug' | openssl dgst -sha384 -binary | base64 -w0)\"]}" >denied64
refuses "in Base64 as well" 3 'of snp-debug, which is denied' "$BULLA" refvals check denied64 --deny v/deny.json
jq -n --arg p "$(base64 -w0 v/corim/snp.cbor)" '{version: "0.1.0", type: "corim", payload: $p}' >wrapped
check "a CoRIM in a message is read" sh -c "'$BULLA' refvals check wrapped | grep -c 'snp.launch_digest/digests' | grep -x 3"

# Merging
mkdir c
dir=c as sample '.'
dir=c as snp '.tee = "snp" | .attester = "snp" | .registers["snp.launch_digest"] = "'"$(sum384 newer)"'" | .files.initrd.sha256 = "'"$(sum256 n)"'"'
dir=c write cv -q --unsigned >/dev/null
check "two sets become one with the values of both" sh -c "'$BULLA' refvals merge v/index.json cv/index.json --out m.json &&
	[ \$(jq '[.values[] | select(.register == \"snp.launch_digest\")] | length' m.json) = 4 ] && jq -e '.deny | length == 2' m.json"
check "in whichever order" sh -c "'$BULLA' refvals merge cv/index.json v/index.json --out n.json && cmp m.json n.json"
check "with itself it is the same" sh -c "'$BULLA' refvals merge v/index.json v/index.json --out n.json && cmp v/index.json n.json"
jq '(.values[] | select(.platform == "peerpod" and .register == "vtpm.sha256.pcr11").value) = "'"$(sum256 x)"'"' v/index.json >other.json
refuses "two values of one launch from the same inputs contradict" 1 'two values from the same inputs' \
	"$BULLA" refvals merge v/index.json other.json --out n.json
jq '.deny = [] | (.values[] | select(.vcpus == 12).value) = "'"$(sum384 debug)"'"' v/index.json >bad.json
refuses "what one set denies cannot come in by another" 3 "accepted, and denied as snp-debug's" \
	"$BULLA" refvals merge v/index.json bad.json --out n.json
jq '.deny = .deny + [.values[0]]' v/index.json >both.json
refuses "a set that denies its own value is refused" 3 'accepted, and denied' "$BULLA" refvals check both.json
dir=c as snp-debug '.profile = "debug" | .tee = "snp" | .registers["snp.launch_digest"] = "'"$(sum384 newer)"'"'
dir=c refuses "a debug bundle that measures as a release does stops the writing" 3 'accepted, and denied' write cx
check "two messages become one: lists are joined" sh -c "'$BULLA' refvals merge v/rvps/snp.json cv/rvps/snp.json --out r.json"
check "with the values of both" same "$(payload r.json | jq '.snp_launch_measurement | length')" 4
message '{"snp_smt_enabled":false}' >no
refuses "single values that differ contradict" 1 'only lists can be joined' "$BULLA" refvals merge v/rvps/snp.json no --out n.json
refuses "a denied value does not come into a message" 3 'which is denied' \
	"$BULLA" refvals merge v/rvps/snp.json denied --deny v/deny.json --out n.json
refuses "a set and a message are two kinds" 2 'are of two kinds' "$BULLA" refvals merge v/index.json r.json --out n.json
