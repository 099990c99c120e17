# What users take away: an archive per platform, an OCI layout, checksums, SBOM and provenance, signed; and its publication.
#   make release [RELEASE_NAME=NAME]     make publish REGISTRY=HOST[:PORT][/PATH]
PACKED  := $O/packed
RELEASE := $O/release
RELEASE_PLATFORMS := $(DIRECT_PLATFORMS) $(if $(wildcard rootfs/disk.mk),$(DISK_PLATFORMS))
RELEASE_LOCKS     := builder rootfs kernel firmware shim
EPOCH := $(shell sed -n 's/^SourceDateEpoch=//p' recipes/versions.conf)
RELEASE_NAME ?= $(shell date -u -d @$(EPOCH) +%Y%m%d)
# the commit that was built, when nothing in the folder differs from it
COMMIT := $(if $(shell git status --porcelain 2>&1 | head -1),,$(shell git rev-parse HEAD 2>/dev/null))

.PHONY: archives release publisher publish
archives: $(RELEASE_PLATFORMS:%=archive-%)
$(RELEASE_PLATFORMS:%=archive-%): archive-%: bundle-% builder
	@$(STEP) archive-$* --in $O/bundles/$* --in tools/archive.sh --in $(BULLA) $(BUILDER_IN) --out $(PACKED)/$* -- \
		tools/archive.sh $(BUILDER) $O/bundles $*

release: keys archives refvals
	@$(STEP) release $(KEYS_IN) --in $(BULLA) --in recipes --in tools/origins.sh \
		--in $(ROOTFS)/sbom.spdx.json --in $(ROOTFS)/manifest.json --in $(KERNEL)/config --in $(AGENT) \
		$(RELEASE_PLATFORMS:%=--in $(PACKED)/%) \
		$(RELEASE_PLATFORMS:%=--in $O/bundles/%/manifest.json) --in $(REFVALS) \
		--out $(RELEASE) -- sh -c 'tools/origins.sh firmware shim >$$STEP_TMP/origins && \
		$(BULLA) report --out $O --html --no-times --keys $(KEYS) --to $$STEP_TMP/report >/dev/null && \
		$(BULLA) release --with $$STEP_TMP/report --with $(REFVALS) \
			--bundles $O/bundles --packed $(PACKED) --name $(RELEASE_NAME) --epoch $(EPOCH) --recipes recipes \
			$(RELEASE_LOCKS:%=--lock %) --sbom $(ROOTFS)/sbom.spdx.json --guest $(AGENT) --origins $$STEP_TMP/origins \
			$(COMMIT:%=--commit %) $(BUILDER_ID:%=--builder %) --keys $(KEYS) --out $$STEP_TMP/release $(RELEASE_PLATFORMS)'

# The programs of `make publish`, in a root of their own: nothing of it goes into a release.
publisher: tools
	@$(BULLA) fetch publish
	@$(STEP) publisher --in recipes/publish.lock --in tools/publisher.sh --in tools/localrepo.sh --out $O/publisher -- tools/publisher.sh

# The registry's credentials are those of the user's own tools; PLAIN_HTTP=yes does without TLS.
publish: release publisher
	@BULLA=$(BULLA) tools/publish.sh $O/publisher $(RELEASE) "$(REGISTRY)" $(KEYS)
