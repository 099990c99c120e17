# The guest's root (tree of packages, then the image with the agent), the initrd, and the agent they carry.
ROOTFS := $O/rootfs/$(ARCH)
INITRD := $O/initrd/$(ARCH)/initrd.cpio.zst
AGENT  := $O/guest/$(ARCH)

.PHONY: guest-agent tree initrd rootfs
guest-agent: builder
	@$(STEP) agent --in agent --in tools/lib --in tools/format --in Makefile $(BUILDER_IN) \
		--out $(AGENT)/init --out $(AGENT)/bulla-init --out $(AGENT)/bulla-agent -- \
		sh -c 'tools/sandbox.sh $(BUILDER) sh -c "make -C /src -s agent O=/build/o && cd /build/o/agent && cp init bulla-init bulla-agent /out/"'

tree: builder
	@$(STEP) tree --in rootfs/mkosi.conf --in rootfs/tree.sh --in rootfs/keep --in recipes/rootfs.lock $(BUILDER_IN) \
		--out $(ROOTFS)/tree.tar --out $(ROOTFS)/dpkg -- \
		sh -c '$(BULLA) fetch rootfs -q --offline --into $$STEP_TMP/debs && \
			tools/localrepo.sh $$STEP_TMP/debs trixie && tools/sandbox.sh $(BUILDER) sh /src/rootfs/tree.sh'

initrd: guest-agent
	@$(STEP) initrd --in rootfs/initrd.sh --in rootfs/dracut --in $(AGENT)/init $(BUILDER_IN) --out $(INITRD) -- \
		sh -c 'install -m 755 $(AGENT)/init $$STEP_TMP/ && tools/sandbox.sh $(BUILDER) sh /src/rootfs/initrd.sh'

rootfs: tree guest-agent
	@$(STEP) rootfs --in rootfs/image.sh --in rootfs/seal.sh --in rootfs/overlay --in $(ROOTFS)/tree.tar --in $(ROOTFS)/dpkg \
		--in $(AGENT)/bulla-init --in $(AGENT)/bulla-agent --in $(BULLA) $(BUILDER_IN) \
		--out $(ROOTFS)/rootfs.erofs --out $(ROOTFS)/rootfs.img --out $(ROOTFS)/roothash \
		--out $(ROOTFS)/manifest.json --out $(ROOTFS)/sbom.spdx.json --out $(ROOTFS)/largest.txt -- \
		rootfs/seal.sh $(BUILDER) $(ROOTFS) $(AGENT) $(ARCH)
