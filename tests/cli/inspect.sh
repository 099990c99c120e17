#!/bin/sh
# bulla inspect: what others read in the same files, we read too; what is no file of a known kind is refused.
. tests/tap.sh
vectors=$(cd "${VECTORS:-../shared/vectors}" 2>/dev/null && pwd) || vectors=
out=$(cd "${OUT:-out}" && pwd)
PATH=$PATH:/usr/sbin:/sbin
cd "$WORK" || exit 1
if ! command -v jq >/dev/null; then
	skip "files are inspected" "jq is missing"
	exit 0
fi

# field FILE FILTER: raw output of jq
field() { "$BULLA" inspect --json "$1" | jq -r "$2"; }
is_type() { [ "$(field "$1" .type)" = "$2" ]; }

# ours and theirs: what two programs say, one fact a line
same() { diff ours theirs | head -20; cmp -s ours theirs && [ -s ours ]; }

# events and registers as tpm2_eventlog has them
tpm2_facts() {
	tpm2_eventlog "$1" 2>/dev/null | tr -d '"' | awk '
		/^pcrs:/ { pcrs = 1 }
		/PCRIndex:/ { index_ = $2 } /EventType:/ { type = $2 } /AlgorithmId:/ { alg = $3 }
		/^    Digest:/ { print index_, type, alg, $2 }
		pcrs && /^  [a-z]/ { bank = $1; sub(/:/, "", bank) }
		pcrs && /: 0x/ { sub(/0x/, "", $3); print bank, $1, $3 }'
}
our_facts() {
	field "$1" '.content
		| (.events[] | select(.number > 0 or (.digests | length) > 0) | . as $e | .digests | keys_unsorted[]
			| "\($e.index) \($e.type) \(.) \($e.digests[.])"),
		  (.registers | to_entries[] | .key as $b | .value | to_entries[] | "\($b) \(.key | ltrimstr("pcr")) \(.value)")'
}
same_as_tpm2() {
	our_facts "$1" | sort >ours
	tpm2_facts "$1" | sort >theirs
	same
}
same_text_as_trustee() {
	field "$1" '.content.events[1:][] | select(.digest_of != null) | .number' >ours.of
	jq -r '.uefi_event_logs | to_entries[] | select(.value.digest_matches_event) | .key + 1' "$2" >theirs.of
	# what trustee knows the digest of, we must
	[ -z "$(sort theirs.of | comm -23 - "$(sort ours.of >o && echo o)")" ] || return 1
	field "$1" '.content.events[1:][] | select(.type == "EV_EFI_ACTION" or (.text | startswith("AAEL"))) | .text | ltrimstr("AAEL: ")' >ours
	jq -r '.uefi_event_logs[] | select(.type_name == "EV_EFI_ACTION" or .details.unicode_name == "AAEL") | .details.string' "$2" >theirs
	same
}
same_entries_as_trustee() {
	field "$1" '.content.events[] | select(.aael) | .aael | .domain, .operation' >ours
	jq -r '.uefi_event_logs[].details | select(.unicode_name == "AAEL") | .data | .domain, .operation' "$2" >theirs
	same
}

if [ -n "$vectors" ]; then
	v=$vectors
	while read -r file type; do
		check "$file is recognised as $type" is_type "$v/$file" "$type"
	done <<-EOF
		vtpm/go-tpm-tools/debian-10.bin eventlog
		vtpm/qemu-swtpm/direct-ovmf2026/eventlog.bin eventlog
		tdx/trustee/CCEL_data eventlog
		agent/eventlog/CCEL_data_csv eventlog
		tdx/trustee-az-tdx-vtpm/hcl-report.bin hcl-report
		tdx/trustee/tdx_quote_5.dat tdx-quote
		sgx/intel-qvl/quote.dat tdx-quote
		tdx/guest-components/tdx_report_1.bin tdreport
		sev/trustee/test-vlek-report.bin snp-report
		sev/virtee-sev/report_milan.hex snp-report
		ovmf/debian-2025.02-8-OVMF.fd ovmf
		sev/sev-snp-measure/svsm_ovmf.fd ovmf
		agent/initdata/initdata-sha384.toml initdata
		agent/initdata/initdata-sha512.img initdata
		agent/initdata/initdata-sha256.annotation.txt initdata
	EOF
	for log in "$v"/vtpm/go-tpm-tools/*.bin "$v"/vtpm/qemu-swtpm/*/eventlog.bin; do
		name="events and PCRs of ${log#"$v"/vtpm/} are those of tpm2_eventlog"
		case $log in
		# tpm2_eventlog 5.4 does not know StartupLocality, and extends PCR 0 with the zeros of SP 800-155 events, which no TPM
		# does; test_eventlog.c compares these with values of the machines
		*glinux-alex.bin | *gdc-host.bin | *sp800155.bin | *gke-debug*) continue ;;
		esac
		if command -v tpm2_eventlog >/dev/null; then
			check "$name" same_as_tpm2 "$log"
		else
			skip "$name" "tpm2_eventlog is missing"
		fi
	done
	for log in CCEL_AAEL_alibabacloud CCEL_data_grub; do
		check "actions and agent's entries of $log are those that trustee reads, and what digests are of" \
			same_text_as_trustee "$v/tdx/trustee-eventlog/$log" "$v/tdx/trustee-eventlog/${log}_out.json"
	done
	check "the agent's entries have the domain and operation that trustee reads" same_entries_as_trustee \
		"$v/tdx/trustee-eventlog/CCEL_AAEL_alibabacloud" "$v/tdx/trustee-eventlog/CCEL_AAEL_alibabacloud_out.json"
	# disks and files in device paths; trustee writes other nodes in a way of its own
	same_paths_as_trustee() {
		scan='ascii_downcase | scan("hd\\([^)]*\\)|\\\\[^/,)]*\\.efi")'
		field "$1" ".content.events[].text | select(startswith(\"Boot\") | not) | $scan" >ours
		jq -r ".uefi_event_logs[].details.device_paths // [] | .[] | $scan" "$2" >theirs
		same
	}
	for log in tdx/trustee-eventlog/CCEL_AAEL_alibabacloud tdx/trustee-eventlog/CCEL_data_grub agent/eventlog/CCEL_data_csv; do
		check "device paths of ${log##*/} name the disks and files that trustee reads" \
			same_paths_as_trustee "$v/$log" "$v/${log}_out.json"
	done
	quote_is_trustee_s() {
		field "$v/tdx/trustee/tdx_quote_4.dat" '.content | .mrtd, .rtmr0, .rtmr1, .report_data, .mrseam, .user_data' >ours
		jq -r '.quote | .body.mr_td, .body.rtmr_0, .body.rtmr_1, .body.report_data, .body.mr_seam, .header.user_data' \
			"$v/tdx/trustee/parse_tdx_claims_expected.json" >theirs
		same
	}
	check "a quote's fields are those that trustee reads" quote_is_trustee_s
	log_is_quote_s() {
		field "$v/tdx/go-tdx-guest/ccel_data.dat" '.content.registers.sha384[]' >ours
		field "$v/tdx/go-tdx-guest/cos-113-tdx-quote.dat" '.content | .rtmr0, .rtmr1, .rtmr2, .rtmr3' >theirs
		same
	}
	check "a guest's log ends in the RTMRs of its signed quote" log_is_quote_s
	hex_is_binary() {
		od -An -v -tx1 "$v/sev/trustee/test-report.bin" | fold -w 30 >report.txt
		field report.txt .content >ours
		field "$v/sev/trustee/test-report.bin" .content >theirs
		same
	}
	check "a report in hex says what the bytes say" hex_is_binary
	initdata_is_expected() {
		for alg in sha256 sha384 sha512; do
			field "$v/agent/initdata/initdata-$alg.img" '.content | .digest, .snp_host_data, .tdx_mrconfigid, .cca_rpv, .sgx_configid'
		done >ours
		jq -r '.[:3][] | .digest_hex, .["snp_hostdata_hex(32)"], .["tdx_mrconfigid_hex(48)"], .["cca_rpv_hex(64)"], .["sgx_configid_hex(64)"]' \
			"$v/agent/initdata/expected.json" >theirs
		same
	}
	check "initdata binds as others computed it" initdata_is_expected
	head -c 3000 "$v/tdx/trustee/tdx_quote_4.dat" >cut.quote
	refuses "a cut quote is refused with its place" 1 'cut.quote+0x27c: signature data of 4300 bytes, but 2364 are left' "$BULLA" inspect cut.quote
	refuses "--type takes a file for another kind, and says what is wrong" 1 'SNP report of version' \
		"$BULLA" inspect --type snp-report "$v/tdx/trustee/tdx_quote_4.dat"
else
	skip "files of others are inspected" "VECTORS is missing"
fi

# TOML of all kinds of strings, against python's reader
cat >tricky.toml <<'EOF'
# comment
version = '0.1.0' # and one more
algorithm = "sha384"
[ data ]
"aa.toml" = "tab\there \u00e9 \U0001F512 \"quoted\" back\\slash"
'cdh.toml' = '''
first newline is gone; 'quotes' and "quotes" stay
\n is two characters'''
bare_key-1 = """\
    folded \
      line
  kept ""two"" quotes"""""
empty = ""
EOF
if python3 -c 'import tomllib' 2>/dev/null; then
	toml_is_python_s() {
		field tricky.toml '.content.data | tojson' | jq -S . >ours
		python3 -c 'import json, tomllib; print(json.dumps(tomllib.load(open("tricky.toml", "rb"))["data"]))' | jq -S . >theirs
		same
	}
	check "strings of initdata are what python's tomllib reads" toml_is_python_s
else
	skip "strings of initdata are what python's tomllib reads" "python3 is missing, or older than 3.11"
fi

partitions_are_sfdisk_s() {
	field "$1" '.content | .disk_guid, (.partitions[] | "\(.number) \(.first) \(.last - .first + 1) \(.type) \(.guid) \(.name)")' >ours
	sfdisk --json "$1" | jq -r '.partitiontable | .id, (.partitions[] | "\(.node | ltrimstr("'"$1"'")) \(.start) \(.size) \(.type) \(.uuid) \(.name // "")")' |
		tr 'A-F' 'a-f' >theirs
	tr 'A-F' 'a-f' <ours >o && mv o ours
	same
}
if command -v sfdisk >/dev/null; then
	truncate -s 64M disk
	printf 'label: gpt\nname=one, size=4M, type=U\n2: size=1M\n5: name="f-i-ve", type=L\n' | sfdisk -q disk
	check "partitions of a disk are those that sfdisk reads" partitions_are_sfdisk_s disk
	printf '\377' | dd of=disk bs=1 seek=1100 conv=notrunc status=none
	refuses "a spoiled table is refused with both checksums" 1 'disk+0x400: GPT entries have checksum 0x[0-9a-f]*, expected 0x' \
		"$BULLA" inspect disk
else
	skip "partitions of a disk are those that sfdisk reads" "sfdisk is missing"
fi

kernel=$out/kernel/x86_64
kernel_is_its_config_s() {
	field "$kernel/vmlinuz" '.content | .kernel_alignment, .pref_address, .payload_compression, .relocatable, (.kernel_version | split(" ")[0])' >ours
	(
		# shellcheck disable=SC1091
		. "$kernel/config"
		# CONFIG_… are of the file just read
		# shellcheck disable=SC2154
		printf '%s\n%s\n%s\n%s\n%s\n' "$CONFIG_PHYSICAL_ALIGN" "$CONFIG_PHYSICAL_START" \
			"${CONFIG_KERNEL_ZSTD:+zstd}${CONFIG_KERNEL_LZ4:+lz4}${CONFIG_KERNEL_GZIP:+gzip}" "${CONFIG_RELOCATABLE:+true}" \
			"$(strings "$kernel/vmlinuz" | sed -n 's/^\([0-9]*\.[0-9]*\.[^ ]*\) (.*#.*/\1/p' | head -1)"
	) >theirs
	same
}
sections_are_objdump_s() {
	"$BULLA" inspect --json --type pe "$kernel/vmlinuz" | jq -r '.content.sections[] | "\(.name) \(.raw_size) \(.raw_offset)"' >ours
	objdump -h "$kernel/vmlinuz" | awk '$1 ~ /^[0-9]+$/ { print $2, "0x" $3, "0x" $6 }' | while read -r name size at; do
		printf '%s %d 0x%x\n' "$name" "$size" "$at"
	done >theirs
	same
}
if [ -e "$kernel/vmlinuz" ]; then
	check "a kernel's head says what its configuration says" kernel_is_its_config_s
	check "its sections are those that objdump reads" sections_are_objdump_s
else
	skip "a kernel's head says what its configuration says" "no kernel is built"
fi

# EFER.SVME, CR0.PE and RIP, and nothing else
head -c 4096 /dev/zero >vmsa
printf '\020' | dd of=vmsa bs=1 seek=209 conv=notrunc status=none
printf '\360\377' | dd of=vmsa bs=1 seek=376 conv=notrunc status=none
vmsa_is_read() { [ "$(field vmsa '"\(.type) \(.content.efer) \(.content.rip)"')" = 'vmsa 0x1000 0xfff0' ]; }
check "a save area is recognised and read" vmsa_is_read
head -c 4096 /dev/zero >zeros
refuses "a page of zeros is of no kind, exit 1, and says what was looked for" 1 'no kind that is known; looked for: .*VMSA' \
	"$BULLA" inspect zeros
: >empty
refuses "an empty file is of no kind" 1 '0 bytes of no kind' "$BULLA" inspect empty
refuses "a missing file is named, exit 4" 4 'nowhere: No such file' "$BULLA" inspect nowhere
refuses "no file is a usage error" 2 'one file is needed' "$BULLA" inspect
refuses "an unknown kind is a usage error that suggests the nearest" 2 'did you mean vmsa' "$BULLA" inspect --type vmsaa zeros
sorted() {
	"$BULLA" inspect --json vmsa >ours && jq -S --indent 2 . ours >theirs && same && jq -e '.schema == "bulla.inspect/1"' ours
}
check "JSON names its schema and has sorted keys" sorted
