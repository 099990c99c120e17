# The UKI of each platform that boots from a disk: unsigned.efi, and uki.efi, which the key set's `db` has signed. The
# keys are the user's, not out/'s; a build is another one when they are.
STUB := $(BUILDER)/usr/lib/systemd/boot/efi/linuxx64.efi.stub

.PHONY: ukis
ukis: $(DISK_PLATFORMS:%=uki-%)
$(DISK_PLATFORMS:%=uki-%): uki-%: kernel initrd rootfs keys
	@$(STEP) uki-$* --in rootfs/uki.sh --in recipes/sbat --in recipes/cmdline --in recipes/platforms/$*.conf \
		--in $(KERNEL)/vmlinuz --in $(INITRD) --in $(ROOTFS)/roothash --in $(ROOTFS)/tree.tar \
		--key "$$($(BULLA) sign public --keys $(KEYS) --role pcr; $(BULLA) sign public --keys $(KEYS) --role db)" --in tools/sbsign.sh \
		--in $(BULLA) $(BUILDER_IN) --out $O/uki/$* -- \
		rootfs/uki.sh $(BUILDER) $* $(STUB) $(KERNEL)/vmlinuz $(INITRD) $(ROOTFS) $(KEYS)
