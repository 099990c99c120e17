#!/bin/sh
# Recipes that are wrong are refused with place, what was found and the nearest name.
. tests/tap.sh
recipes=$WORK/recipes
cp -r recipes "$recipes"
conf=$recipes/platforms/sample.conf

platforms() {
	"$BULLA" platforms --recipes "$recipes"
}

listed() {
	platforms | awk '{ print $1 }' >"$WORK/listed" && (cd "$recipes/platforms" && ls) | sed -n 's/\.conf$//p' | sort | diff "$WORK/listed" - && [ -s "$WORK/listed" ]
}

drop_in() {
	mkdir "$conf.d" && printf '[Platform]\nSummary=mended\n' >"$conf.d/10-mine.conf" && platforms | grep -q '^sample .*mended$'
}

check "each file in recipes/platforms is a platform" listed
check "a drop-in overrides a key" drop_in
echo 'Sumary=x' >>"$conf.d/10-mine.conf"
refuses "an unknown key is refused with file, line and nearest name" 2 \
	'10-mine.conf:3: unknown key Platform.Sumary' platforms
refuses "the hint names the key that was meant" 2 'hint: did you mean Platform.Summary?' platforms
rm -r "$conf.d"

# with PLATFORM SED NAME STATUS PATTERN: what the platforms' file, so changed, is refused with
with() {
	cp "$recipes/platforms/$1.conf" "$WORK/saved"
	sed -i "$2" "$recipes/platforms/$1.conf"
	refuses "$3" "$4" "$5" platforms
	cp "$WORK/saved" "$recipes/platforms/$1.conf"
}
with snp 's/^Tee=.*/Tee=snap/' "a TEE that there is none of is refused with the nearest" 5 'did you mean snp?'
with snp '/^Tee=/d' "what is measured has to be said" 2 'Platform.Tee is not set'
with snp 's|^Firmware=.*|Firmware=../x|' "a firmware outside of its folder is refused" 2 'expected a file name'
with snp 's/^Memory=.*//' "a launch is whole" 2 'Launch.Memory is not set'
with snp 's/^Firmware=/Vars=vars.fd\nFirmware=/' "variables of a direct boot are refused" 2 "Platform.Boot is 'direct', expected disk"
with peerpod 's/^Firmware=.*//' "variables need their firmware" 2 'Platform.Firmware is not set'
with peerpod 's/^Formats=.*/Formats=raw vmdk/' "a format that is not made is refused" 2 "Image.Formats is 'vmdk', expected some of"
with gcp-snp 's/^Formats=.*//' "a disk needs a format" 2 'Image.Formats is not set'
with gcp-snp 's/^Shim=.*/Shim=on/' "yes and no are the words of a switch" 2 "Platform.Shim is 'on', expected one of: yes no"
with gcp-snp 's/^Formats=/Format=/' "a key's nearest name is told" 2 'did you mean Image.Formats?'
with sample 's/^Profile=.*/Profile=test/' "a profile that is none is refused" 2 "Platform.Profile is 'test'"
cmdline() {
	printf root | sha256sum | cut -c 1-64 >"$WORK/hash"
	[ "$("$BULLA" platforms --recipes "$recipes" --cmdline gcp-snp --roothash "$WORK/hash")" = \
		"$(sed 's/#.*//' "$recipes/cmdline" | xargs) roothash=$(cat "$WORK/hash")" ]
}
check "--cmdline prints the command line that a bundle will have" cmdline
sed -i 's/^Vcpus=.*/Vcpus=many/' "$conf"
refuses "a number that is none is refused" 2 "Launch.Vcpus is 'many', expected 1 to 256" platforms
sed -i '/^Vcpus=/d' "$conf"
refuses "a missing key is refused" 2 'Launch.Vcpus is not set' platforms
sed -i 's/^Boot=.*/Boot=floppy/; s/^Machine/Vcpus=1\nMachine/' "$conf"
refuses "a way to boot that is not there is refused" 2 "Platform.Boot is 'floppy'" platforms
sed -i 's/^Boot=.*/Boot=direct/' "$conf"
awk 'BEGIN { for (i = 0; i < 400; i++) printf "word%d ", i }' >>"$recipes/cmdline"
refuses "a command line past 2047 bytes is refused" 1 'command line of [0-9]* bytes, at most 2047' platforms
rm "$recipes/cmdline"
refuses "a missing recipe is exit 4" 4 'recipes/cmdline: No such file' platforms
refuses "a verb that is not there is refused with the nearest" 2 'did you mean platforms?' "$BULLA" platfrms
refuses "an option that is not there is refused with the nearest" 2 'did you mean --recipes?' "$BULLA" platforms --recipe x
refuses "a value that is missing is refused" 2 'recipes needs a value (DIR)' "$BULLA" platforms --recipes
refuses "a standard output that is full is an error" 1 'standard output: cannot be written' \
	sh -c '"$0" platforms >/dev/full' "$BULLA"
