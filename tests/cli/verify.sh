#!/bin/sh
# bulla verify --evidence: genuine evidence of known guests, exit 0; anything else is named, exit 3; what is missing, exit 4.
. tests/tap.sh
vectors=$(cd "${VECTORS:-../shared/vectors}" 2>/dev/null && pwd) || vectors=
out=$(cd "${OUT:-out}" 2>/dev/null && pwd) || out=
certs=$PWD/tests/certs make=$PWD/tests/cli/verify_make.py recipes=$PWD/recipes
PATH=$PATH:/usr/sbin:/sbin
cd "$WORK" || exit 1
if ! command -v jq >/dev/null; then
	skip "evidence is verified" "jq is missing"
	exit 0
fi
v=$vectors

# verify STATUS ARGUMENT…: says into said
verify() {
	want=$1
	shift
	status=0
	"$BULLA" verify "$@" >said 2>errors || status=$?
	[ "$status" = "$want" ] || { echo "exit $status, expected $want"; cat said errors; return 1; }
}
# result RESULT CHECK [TEXT]: the check went so, and says TEXT
result() {
	awk -v r="$1" -v c="$2" '$1 == r && $2 == c' said | grep -qF -- "${3:-}" || { cat said; return 1; }
}

refuses "without evidence, exit 2" 2 'evidence FILE is needed' "$BULLA" verify
refuses "without reference values, and not asked so, exit 2" 2 'refvals' "$BULLA" verify --evidence /dev/null
refuses "what is no evidence, exit 1" 1 'expected an SNP report' "$BULLA" verify --no-refvals --evidence /etc/hostname
refuses "a missing file, exit 4" 4 'none' "$BULLA" verify --no-refvals --evidence none
refuses "a date that is none, exit 2" 2 'time=soon' "$BULLA" verify --no-refvals --evidence /etc/hostname --time soon

# Real evidence; openssl verify is the witness for its chains.
chain_holds() { # AT ROOT MIDDLE LEAF…
	openssl verify -attime "$1" -CAfile "$2" -untrusted "$3" "$4" >said 2>&1 || { cat said; return 1; }
}
pem() { openssl x509 -inform DER -in "$1" -out "$2"; }
if [ -z "$vectors" ]; then
	skip "real evidence verifies" "test data is missing"
else
	awk '/BEGIN/ { n++ } { print > "milan" n ".pem" }' "$v/sev/virtee-sev/cert_chain_milan"
	awk '/BEGIN/ { n++ } { print > "turin" n ".pem" }' "$v/sev/virtee-sev/cert_chain_turin"
	awk '/BEGIN/ { n++ } n { print > "genoa" n ".pem" }' "$certs/amd-genoa.pem"
	pem "$v/sev/trustee/test-vcek.der" vcek.pem
	pem "$v/sev/trustee/test-vlek.der" vlek.pem
	pem "$v/sev/virtee-sev/vcek_turin.der" vcek_turin.pem
	check "openssl finds the chain of the VCEK good" chain_holds 1690000000 milan2.pem milan1.pem vcek.pem
	check "and that of the VLEK" chain_holds 1750000000 milan2.pem "$certs/amd-milan-vlek.pem" vlek.pem
	check "and that of a VCEK of Turin" chain_holds 1750000000 turin2.pem turin1.pem vcek_turin.pem
	check "and Genoa's two" chain_holds 1750000000 genoa2.pem genoa1.pem genoa1.pem
	for quote in tdx/trustee/tdx_quote_4.dat tdx/trustee/tdx_quote_5.dat tdx/go-tdx-guest/cos-113-tdx-quote.dat; do
		tr -d '\000' <"$v/$quote" | grep -a -A 100 -e '-----BEGIN' | sed 's/.*-----BEGIN/-----BEGIN/' >quote.pem
		awk '/BEGIN/ { n++ } { print > "pck" n ".pem" }' quote.pem
		check "and the chain in ${quote##*/}" chain_holds 1750000000 pck3.pem pck2.pem pck1.pem
	done
	snp="--no-refvals --evidence $v/sev/trustee/test-report.bin"
	# shellcheck disable=SC2086  # words
	{
		check "a report, its VCEK, and AMD's chain in the file as AMD gives it" \
			verify 0 $snp --cert "$v/sev/trustee/test-vcek.der" --cert "$v/sev/virtee-sev/cert_chain_milan" --time 2023-06-01
		check "the same in single files" verify 0 $snp --cert vcek.pem --cert milan1.pem --cert milan2.pem --time 1690000000
		check "the chain is told" result ok snp.certificates "SEV-VCEK by SEV-Milan by ARK-Milan"
		check "without the intermediate one: what is missing is named, exit 4" verify 4 $snp --cert vcek.pem --cert milan2.pem
		check "by its name" result missing snp.certificates "'SEV-Milan'"
		check "before its time, exit 3" verify 3 $snp --cert vcek.pem --cert milan1.pem --cert milan2.pem --time 2022-01-01
		check "because of that alone" result failed snp.certificates "not yet valid"
		check "openssl agrees" sh -c '! openssl verify -attime 1640995200 -CAfile milan2.pem -untrusted milan1.pem vcek.pem 2>/dev/null'
		check "report data that was asked for" verify 0 $snp --cert vcek.pem --cert milan1.pem --cert milan2.pem --time 2023-06-01 \
			--report-data "$("$BULLA" inspect --json "$v/sev/trustee/test-report.bin" | jq -r .content.report_data)"
		check "and other, exit 3" verify 3 $snp --cert vcek.pem --cert milan1.pem --cert milan2.pem --time 2023-06-01 --report-data 11
		check "by name" result failed snp.report_data
	}
	tdx="--no-refvals --evidence $v/tdx/go-tdx-guest/cos-113-tdx-quote.dat --time 2025-06-01"
	# shellcheck disable=SC2086
	{
		check "a quote, its own chain, and the log that gives its registers" verify 0 $tdx --eventlog "$v/tdx/go-tdx-guest/ccel_data.dat"
		check "what was not checked is said" result unchecked tdx.tcb "no TCB info"
		cp "$v/tdx/trustee-eventlog/CCEL_data_grub" other.log
		check "the log of another guest, exit 3" verify 3 $tdx --eventlog other.log
		check "by the registers" result failed eventlog tdx.rtmr1
	}
	check "evidence of a guest that the host may debug, exit 3" verify 3 --no-refvals --evidence "$v/tdx/trustee/tdx_quote_4.dat" --time 2025-06-01
	check "by name" result failed tdx.debug
	check "unless it is allowed" verify 0 --no-refvals --evidence "$v/tdx/trustee/tdx_quote_4.dat" --time 2025-06-01 --allow-debug
	check "JSON of an SNP guest" verify 0 --no-refvals --evidence "$v/agent/evidence/snp-evidence-genoa.json" --cert "$certs/amd-genoa.pem" --time 2025-11-01
	check "of a vTPM on Azure, with the nonce" verify 0 --no-refvals --evidence "$v/agent/evidence/az-tdx-vtpm/evidence-v1.json" --time 2025-06-01 \
		--nonce "$(printf challenge | od -An -tx1 | tr -d ' \n')"
	check "which is checked" result ok tpm.nonce
	azure="--evidence $v/agent/evidence/az-tdx-vtpm/evidence-v1.json --time 2025-06-01"
	# shellcheck disable=SC2086
	{
		"$BULLA" verify $azure --no-refvals --json >said
		mrtd=$(jq -r '.registers["tdx.mrtd"]' said)
		jq '{schema: "bulla.refvals/1", deny: [], values: [{platform: "az-tdx-vtpm", profile: "release", tee: "vtpm", attester: "az-tdx-vtpm",
			register: "vtpm.sha256.pcr11", alg: "sha256", value: .registers["vtpm.sha256.pcr11"], stack: {}, holds_for: {}, witness: "", inputs: {}}]}' said >azure.json
		check "its PCRs are nothing without a paravisor that is known, exit 4" verify 4 $azure --refvals azure.json
		check "by its MRTD" result missing tdx.mrtd "--trust tdx.mrtd="
		check "which may be given" verify 0 $azure --refvals azure.json --trust "tdx.mrtd=$mrtd"
		check "and must be that" verify 4 $azure --refvals azure.json --trust "tdx.mrtd=$(printf '%096d' 1)"
	}
fi

# Reports of our own guests, which no hardware has signed: by a chain of our own.
printf '%0300000d' 0 >vmlinuz.in
kernel_header vmlinuz.in
echo initrd >initrd.in
head -c 500000 /dev/zero >rootfs.in
echo hash | sha256sum | cut -c 1-64 >roothash
bundle() {
	"$BULLA" bundle "$1" --recipes "$recipes" --kernel vmlinuz.in --initrd initrd.in --rootfs rootfs.in \
		--roothash roothash --out "bundles/$1" --firmware "$v/ovmf/debian-2026.08-OVMF.$2.fd" >/dev/null
}
launch() { "$BULLA" measure snp --bundle bundles/snp -q "$@" | sed -n 's/^snp.launch_digest=//p'; }
report() { "$make" made "$@"; }
made() {
	want=$1
	shift
	verify "$want" --evidence made/report.bin --cert made/vcek.pem --cert made/ask.pem --root made/ark.pem "$@"
}
alone() { [ "$(awk '$1 == "failed" { print $2 }' said)" = "$1" ] && result failed "$1" "$2"; }
if [ ! -e "$v/ovmf/debian-2026.08-OVMF.amdsev.fd" ]; then
	skip "a guest of ours is known" "the firmware is missing"
elif ! bundle snp amdsev 2>said || ! "$BULLA" refvals write --bundles bundles --out refs --unsigned >said 2>&1; then
	check "a bundle and its reference values are made" cat said
	check "so that they are" false
else
	cp -r bundles release
	report "$(launch)"
	ref="--refvals refs/index.json"
	# shellcheck disable=SC2086
	{
		check "the launch that the bundle names is known" made 0 $ref
		check "and told" result ok snp.launch_digest "snp, 2 vCPUs, EPYC-v4"
		check "in JSON, too" made 0 $ref --json
		check "whose root must be given as one" sh -c \
			"\"$BULLA\" verify --evidence made/report.bin --cert made/vcek.pem --cert made/ask.pem --cert made/ark.pem $ref | grep -q 'ARK-Milan. is no root that is trusted'"
		report "$(launch --vcpus 3 --vcpu-type EPYC-Genoa)"
		check "another launch that has values is known" made 0 $ref
		check "as that" result ok snp.launch_digest "snp, 3 vCPUs, EPYC-Genoa"
		report "$(launch --vcpus 64)"
		check "one that has none is not, exit 3" made 3 $ref
		check "by the register" result failed snp.launch_digest "is none of"
		check "with the bundle, the input that gives it is named" made 3 $ref --bundles release
		check "so" result failed snp.launch_digest "it is that of --vcpus 64"
		check "JSON has it" made 3 $ref --bundles release --json
		check "as text" sh -c '[ "$(jq -r ".appraisal.registers[0].why[0]" said)" = "--vcpus 64" ]'
		report "$(launch --cmdline "panic=-1 quiet")"
		check "another command line is not explained away" made 3 $ref --bundles release
		check "but said so" result failed snp.launch_digest "nothing that was tried explains it"
		jq '.deny = [.values[] | select(.register == "snp.launch_digest" and .vcpus == 2 and .cpu == "EPYC-v4") | .profile = "debug" | .platform = "snp-debug"]
			| .values |= map(select(.vcpus != 2))' refs/index.json >deny.json
		report "$(launch)"
		check "a value that is denied is refused, exit 3" made 3 --refvals deny.json
		check "and the debug bundle named" result failed snp.launch_digest "denied: it is that of snp-debug"
		jq '.values = []' refs/index.json >empty.json
		check "no values of its kind, exit 4" made 4 --refvals empty.json
		while read -r field culprit text; do
			report "$(launch)" "$field"
			check "a report with $field does not verify" made 3 $ref
			check "because of $culprit alone" alone "$culprit" "$text"
		done <<-EOF
			policy=0xb0000 snp.debug debug
			policy=0x70000 snp.migration migration
			vmpl=2 snp.vmpl 2
			tcb=3,0,8,114 snp.reported_tcb microcode 114, but the certificate is for 115
			tcb=4,0,8,115 snp.reported_tcb bootloader 4
			key_info=0x1c snp.signature nothing
		EOF
		printf 'version = "0.1.0"\nalgorithm = "sha256"\n[data]\n"a" = "b"\n' >initdata.toml
		report "$(launch)" "host_data=$(sha256sum <initdata.toml | cut -c 1-64)"
		check "initdata that is bound to the guest" made 0 $ref --initdata initdata.toml
		check "is told" result ok snp.initdata
		echo '# another' >>initdata.toml
		check "and other, exit 3" made 3 $ref --initdata initdata.toml
		check "by name alone" alone snp.initdata "is not bound"
		report "$(launch)" key_info=4
		check "one that says a VLEK signed it, which was not given, exit 4" made 4 $ref
		report "$(launch)"
		crl() { # NAME DAYS [CERTIFICATE]: of the root's
			: >index.txt
			echo 01 >crlnumber
			printf '[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\ncrlnumber=crlnumber\ndefault_md=sha384\n' >ca.cnf
			set -- "$1" "$2" ${3:+-revoke "$3"}
			[ $# = 2 ] || openssl ca -config ca.cnf -cert made/ark.pem -keyfile made/ark.key -revoke "$4" 2>openssl.log
			openssl ca -config ca.cnf -cert made/ark.pem -keyfile made/ark.key -gencrl -crldays "$2" -out "$1" 2>openssl.log
		}
		crl none.crl 30 && crl ask.crl 30 made/ask.pem
		check "a revocation list that names no certificate of the chain" made 0 $ref --cert none.crl
		check "is told" result ok snp.revocation "1 of 2 certificates looked up"
		check "one that names the intermediate one, exit 3" made 3 $ref --cert ask.crl
		check "by it alone" alone snp.revocation "'SEV-Milan' is revoked"
		check "one that is out of date, exit 3" made 3 $ref --cert none.crl --time "$(date -u -d '+60 days' +%F)"
		check "by its date" alone snp.revocation "out of date"
		openssl crl -in none.crl -outform DER -out bad.crl
		printf '\377' | dd of=bad.crl bs=1 seek=$(($(stat -c %s bad.crl) - 5)) conv=notrunc status=none
		check "one that is not signed by the issuer, exit 3" made 3 $ref --cert bad.crl
		check "by its signature" alone snp.revocation "not signed by it"
		key=$(printf '%096d' 7)
		report "$(launch)" key_info=1 "author_key=$key"
		check "an ID block's author key" made 0 $ref --author-key "$key"
		check "and another, exit 3" made 3 $ref --author-key "$(printf '%096d' 8)"
		report "$(launch)" "author_key=$key"
		check "one that was not enabled, exit 3" made 3 $ref --author-key "$key"
	}
fi

# A TD that is not ours, by its log: where it departs is said.
kernel=$out/kernel/x86_64/vmlinuz
if [ ! -e "$v/ovmf/debian-2026.08-OVMF.inteltdx.ms.fd" ] || [ ! -e "$kernel" ]; then
	skip "a TD's log is held against the bundle" "the firmware, or the kernel that \`make image\` builds, is missing"
else
	cp "$kernel" vmlinuz.in
	bundle tdx inteltdx.ms && "$BULLA" refvals write --bundles bundles --out refs --unsigned >said 2>&1
	cp -r bundles/tdx release/
	# shellcheck disable=SC2086
	check "a TD that is not ours, exit 3" verify 3 ${tdx#--no-refvals} --refvals refs/index.json --bundles release --eventlog "$v/tdx/go-tdx-guest/ccel_data.dat"
	check "by its registers" result failed tdx.rtmr2
	check "and the first event that departs is told" grep -q 'EV_EFI_HANDOFF_TABLES2.*departs first' said
	check "with what was predicted in its place" grep -q 'step .*TD HOB' said
	# shellcheck disable=SC2086
	check "in JSON, too" verify 3 ${tdx#--no-refvals} --refvals refs/index.json --bundles release --eventlog "$v/tdx/go-tdx-guest/ccel_data.dat" --json
	check "as explain has it" sh -c '[ "$(jq -r .appraisal.explanation.schema said)" = bulla.explain/1 ]'
fi

# Quotes by tpm2-tools of a TPM of swtpm; tpm2_checkquote is the witness.
tpm() {
	mkdir -p tpm && {
		swtpm socket --tpm2 --tpmstate dir=tpm --server type=unixio,path=tpm.s --ctrl type=unixio,path=tpm.s.ctrl \
			--flags startup-clear >tpm.log 2>&1 &
	}
	pid=$!
	trap 'kill "$pid" 2>/dev/null || :; rm -rf "$WORK"' EXIT
	export TPM2TOOLS_TCTI="swtpm:path=tpm.s"
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		[ -S tpm.s ] && break
		sleep 0.1
	done
	tpm2_createek -c ek.ctx -G rsa -u ek.pub >tpm.log 2>&1
}
quote() { # ALG SCHEME PCRS
	tpm2_createak -C ek.ctx -c ak.ctx -G "$1" -s "$2" -g sha256 -u ak.pem -f pem -n ak.name >tpm.log 2>&1 &&
		tpm2_flushcontext -t &&
		tpm2_quote -c ak.ctx --scheme "$2" -l "$3" -q 00112233445566778899aabbccddeeff -m q.msg -s q.sig -o q.pcrs -g sha256 >tpm.log 2>&1 &&
		tpm2_flushcontext -t && tpm2_pcrread "$3" >pcrs
}
checkquote() { tpm2_checkquote -u ak.pem -m q.msg -s q.sig -f q.pcrs -g sha256 -q 00112233445566778899aabbccddeeff >/dev/null 2>&1; }
opensslquote() {
	tail -c +7 q.sig >raw.sig
	openssl dgst -sha256 -sigopt rsa_padding_mode:pss -verify ak.pem -signature raw.sig q.msg
}
raw() {
	want=$1
	shift
	verify "$want" --no-refvals --evidence q.msg --signature q.sig "$@"
}
if ! command -v swtpm >/dev/null || ! command -v tpm2_quote >/dev/null; then
	skip "quotes of a TPM verify" "swtpm or tpm2-tools is missing"
elif ! tpm; then
	skip "quotes of a TPM verify" "swtpm does not start: $(tail -1 tpm.log)"
else
	if [ -n "$vectors" ]; then
		log=$v/vtpm/qemu-swtpm/k257-ovmf2025/eventlog.bin
		# shellcheck disable=SC2046  # words
		tpm2_pcrextend $("$BULLA" inspect --json "$log" | jq -r '.content.events[] | select(.digests.sha256 and .type != "EV_NO_ACTION") | "\(.index):sha256=\(.digests.sha256)"')
	fi
	for kind in "rsa rsassa" "rsa rsapss" "ecc ecdsa"; do
		# shellcheck disable=SC2086
		quote $kind sha256:4,9,11 || continue
		check "a quote of $kind verifies by its values" raw 0 --ak ak.pem --pcrs pcrs --nonce 00112233445566778899aabbccddeeff
		if [ "$kind" = "rsa rsapss" ]; then # which tpm2_checkquote 5.4 does not know
			check "as openssl finds" opensslquote
		else
			check "as tpm2_checkquote finds" checkquote
		fi
		check "the same nonce must be in it" raw 3 --ak ak.pem --pcrs pcrs --nonce 00112233445566778899aabbccddeefe
		sed '2{/0$/{s/0$/1/;b};s/.$/0/}' pcrs >pcrs.bad
		check "another value does not" raw 3 --ak ak.pem --pcrs pcrs.bad
		cp q.msg q.keep
		printf '\001' | dd of=q.msg bs=1 seek=60 conv=notrunc status=none
		check "an altered quote does not" raw 3 --ak ak.pem --pcrs pcrs
		check "nor does tpm2_checkquote take it" sh -c '! tpm2_checkquote -u ak.pem -m q.msg -s q.sig -f q.pcrs -g sha256 >/dev/null 2>&1'
		mv q.keep q.msg
	done
	check "without the key, exit 4" raw 4 --pcrs pcrs
	check "without the values, exit 4" raw 4 --ak ak.pem
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 2>/dev/null | openssl pkey -pubout -out other.pem
	check "another key, exit 3" raw 3 --ak other.pem --pcrs pcrs
	if [ -n "$vectors" ]; then
		check "the log of the boot gives the values" raw 0 --ak ak.pem --eventlog "$log"
		check "and says so" result ok eventlog "give 3 registers"
		check "that of another boot does not, exit 3" raw 3 --ak ak.pem --eventlog "$v/vtpm/qemu-swtpm/k262-ovmf2022/eventlog.bin"
		# the PCRs that the guest read when the log was made
		awk '$1 == "sha256" && ($2 == 4 || $2 == 9 || $2 == 11) { print tolower($3) }' "$v/vtpm/qemu-swtpm/k257-ovmf2025/pcrs.txt" | sort >theirs
		sed -n 's/.*0x//p' pcrs | tr A-F a-f | sort >ours
		check "which are those that the guest read" diff ours theirs
	fi
fi
