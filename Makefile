# The targets that a person types. Each folder brings its own .mk; this is one non-recursive make.
#   make image    build, measure and seal the guest        make run      boot it
#   make tools    out/bin/bulla alone                      make check    all tests
#   make release  archives, an OCI layout, checksums, provenance, signed
#   make publish  REGISTRY=HOST[:PORT][/PATH] pushes and signs them there
#   make clean    remove out/ (the store of fetched files stays)
.DELETE_ON_ERROR:
.DEFAULT_GOAL := image
O ?= out

CSTD    := -std=gnu17 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64
CWARN   := -Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes -Wshadow
CFLAGS  ?= -O2 -g
ifdef SAN
O       := $(O)/san
SANFLAGS := -fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer
endif
src = $(sort $(wildcard $(1)))

BULLA   := $O/bin/bulla
ARCH    := x86_64
BUILDER := $O/builder
# what the toolchain's root is made from, and what every step that runs in it depends on
TOOLCHAIN  := --in recipes/builder.lock --in tools/builder.sh --in tools/localrepo.sh
BUILDER_IN := $(TOOLCHAIN) --in recipes/versions.conf --in tools/sandbox.sh
STEP    = BULLA=$(BULLA) $(BULLA) step --dir $O $(if $V,-v)

# Platforms that boot from a disk; the others get kernel and initrd from the VMM.
DISK_PLATFORMS := $(patsubst recipes/platforms/%.conf,%,$(sort $(shell grep -l '^Boot=disk' recipes/platforms/*.conf)))

include tools/tools.mk tools/keys.mk kernel/kernel.mk rootfs/rootfs.mk rootfs/uki.mk rootfs/disk.mk agent/agent.mk tests/tests.mk

# Host packages first: what the goals need and the machine lacks.
GOALS := $(or $(MAKECMDGOALS),image)
NEED  := $(if $(filter check% bench%,$(GOALS)),check,$(if $(filter-out tools clean,$(GOALS)),image,tools))
.PHONY: deps
deps:
	@ci/install-deps $(NEED)
$(TOOLS_OBJ): | deps

.PHONY: image start bundles run fetch builder clean
image: start bundles secureboot release
	@[ ! $O/state/rootfs -nt $O/.start ] || { cat $(ROOTFS)/largest.txt; echo; }
	@$(BULLA) report --out $O --html --keys $(KEYS) $(if $(PREVIOUS),--previous $(PREVIOUS))
	@[ -n "$$(find $O/state -newer $O/.start -type f ! -name '.*' 2>/dev/null)" ] || \
		echo "Nothing has changed: all $$(ls $O/state | wc -l) steps are up to date."

start: tools
	@touch $O/.start

PLATFORMS := $(patsubst recipes/platforms/%.conf,%,$(call src,recipes/platforms/*.conf))
DIRECT_PLATFORMS := $(filter-out $(DISK_PLATFORMS),$(PLATFORMS))
# A platform boots with the firmware that its conf names; without one there is nothing to read of the step.
firmware = $(addprefix $(FIRMWARE)/,$(shell sed -n 's/^Firmware=//p' recipes/platforms/$*.conf))
BUNDLE_IN := --in $(KERNEL)/vmlinuz --in $(KERNEL)/config --in $(INITRD) --in $(ROOTFS)/rootfs.img --in $(ROOTFS)/roothash \
	--in recipes/cmdline --in recipes/builder.lock --in recipes/rootfs.lock --in recipes/kernel.lock --in $(BULLA)
BUNDLE = $(BULLA) bundle $* --kernel $(KERNEL)/vmlinuz --initrd $(INITRD) --rootfs $(ROOTFS)/rootfs.img \
	--roothash $(ROOTFS)/roothash --input kernel/$(ARCH).config=$(KERNEL)/config --out $$STEP_TMP/$*
# ID blocks are SNP's alone
id_keys = $(shell grep -x 'Tee=snp' recipes/platforms/$*.conf)
bundles: $(PLATFORMS:%=bundle-%)
$(DIRECT_PLATFORMS:%=bundle-%): bundle-%: kernel initrd rootfs firmware keys
	@$(STEP) bundle-$* $(BUNDLE_IN) --in recipes/platforms/$*.conf \
		$(if $(firmware),--in $(firmware) --in recipes/firmware.lock) \
		$(if $(id_keys),--key "$$($(BULLA) sign public --keys $(KEYS) --role id; $(BULLA) sign public --keys $(KEYS) --role author)") \
		--out $O/bundles/$* -- sh -c '$(BUNDLE) $(firmware:%=--firmware %) $(if $(id_keys),--keys $(KEYS))'

vars = $(addprefix $(SECUREBOOT)/,$(shell sed -n 's/^Vars=//p' recipes/platforms/$*.conf))
enrolled = $(addprefix $(SECUREBOOT)/,$(shell sed -n 's/^Keys=//p' recipes/platforms/$*.conf))
$(DISK_PLATFORMS:%=bundle-%): bundle-%: kernel initrd rootfs firmware uki-% disk-% secureboot
	@$(STEP) bundle-$* $(BUNDLE_IN) --in recipes/platforms/$*.conf --in recipes/shim.lock --in $O/uki/$*/uki.efi --in $O/disk/$* \
		$(if $(firmware),--in $(firmware) --in recipes/firmware.lock) $(patsubst %,--in %,$(vars) $(enrolled)) \
		--out $O/bundles/$* -- sh -c '$(BUNDLE) $(firmware:%=--firmware %) $(vars:%=--vars %) --enroll $(SECUREBOOT) \
			--uki $O/uki/$*/uki.efi $$(for f in $O/disk/$*/*; do echo "--disk $${f##*/}=$$f"; done)'

run: image
	@$(BULLA) run --bundle $O/bundles/$(or $(PLATFORM),sample) --record $O/boot/$(or $(PLATFORM),sample).json

fetch: start
	@$(BULLA) fetch

# What others signed or built, as it is in their packages.
FIRMWARE := $O/firmware
.PHONY: firmware
firmware: builder
	@$(STEP) firmware --in tools/firmware.sh --in recipes/firmware.lock --in recipes/shim.lock $(BUILDER_IN) --out $(FIRMWARE) -- \
		sh -c '$(BULLA) fetch firmware shim -q --offline --into $$STEP_TMP/debs && tools/sandbox.sh $(BUILDER) sh /src/tools/firmware.sh'

builder: fetch
	@$(STEP) builder $(TOOLCHAIN) --out $(BUILDER) -- tools/builder.sh

include tools/release.mk tools/refvals.mk

clean:
	@[ ! -e $O ] || tools/userns.sh rm -rf --one-file-system $O
