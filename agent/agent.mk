# The guest's three programs: init (all of the initrd), bulla-init (PID 1) and bulla-agent. `make agent` builds them on
# the host and in the builder alike; nothing of the folder or of the time of the build is in them.
AGENT_VERSION   := 0.1.0
AGENT_OUT       := $O/agent
AGENT_STATIC_CC ?= musl-gcc
AGENT_CC        ?= $(CC)
AGENT_STRIP     ?= strip

AGENT_INIT_COMMON := agent/init/sys.c agent/init/cmdline.c
AGENT_INITRD_SRC  := $(AGENT_INIT_COMMON) $(addprefix agent/init/,disk.c dm.c gpt.c initrd.c verity.c)
AGENT_PID1_SRC    := $(AGENT_INIT_COMMON) agent/init/backoff.c agent/init/pid1.c
AGENT_LIB_SRC     := $(addprefix tools/lib/,base64.c buf.c curl.c err.c gzip.c hash.c io.c mem.c pb.c proc.c) \
	$(addprefix tools/format/,eventlog.c evtype.c hcl_report.c initdata.c snp_report.c tdx_quote.c toml.c tpm.c)
# and libcurl and libarchive, which jobs load
AGENT_LIBS        := libcrypto jansson zlib libseccomp
AGENT_SRC         := $(call src,agent/*.c agent/*/*.c)
AGENT_SRC         := $(filter-out agent/init/%,$(AGENT_SRC)) $(AGENT_LIB_SRC)

AGENT_SAME   := -ffile-prefix-map=$(CURDIR)/=
# musl has no kernel headers of its own; the distribution's come last, so that none of glibc's is found before musl's
AGENT_STATIC := $(CSTD) $(CWARN) -Os -fno-pie -ffunction-sections -fdata-sections -fstack-protector-strong $(AGENT_SAME) \
	-idirafter /usr/include -idirafter /usr/include/$(shell uname -m)-linux-gnu
AGENT_STATIC_LD := -static -no-pie -Wl,--gc-sections -Wl,--build-id=none -Wl,-z,relro -Wl,-z,now
AGENT_FLAGS  := $(CSTD) $(CWARN) -Os -fPIE -fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections -D_FORTIFY_SOURCE=2 -fstack-protector-strong $(AGENT_SAME) \
	-DAGENT_VERSION='"$(AGENT_VERSION)"' -Iagent -Itools
AGENT_LD     := -pie -Wl,-z,pack-relative-relocs -Wl,--gc-sections -Wl,-z,relro -Wl,-z,now -Wl,--build-id=none -Wl,--as-needed

agent_obj = $(patsubst %.c,$(AGENT_OUT)/$(1)/%.o,$(2))

$(AGENT_OUT)/static/%.o: %.c agent/agent.mk
	@mkdir -p $(@D)
	@echo "  cc $<"
	@$(AGENT_STATIC_CC) $(AGENT_STATIC) -MMD -MP -c -o $@ $<

$(AGENT_OUT)/dynamic/%.o: %.c agent/agent.mk
	@mkdir -p $(@D)
	@echo "  cc $<"
	@$(AGENT_CC) $(AGENT_FLAGS) -MMD -MP -c -o $@ $<

$(AGENT_OUT)/init: $(call agent_obj,static,$(AGENT_INITRD_SRC))
$(AGENT_OUT)/bulla-init: $(call agent_obj,static,$(AGENT_PID1_SRC))
$(AGENT_OUT)/init $(AGENT_OUT)/bulla-init:
	$(AGENT_STATIC_CC) $(AGENT_STATIC_LD) -o $@.tmp $^
	$(AGENT_STRIP) -s -R .comment $@.tmp
	@mv $@.tmp $@

$(AGENT_OUT)/bulla-agent: $(call agent_obj,dynamic,$(AGENT_SRC))
	$(AGENT_CC) $(AGENT_LD) -o $@.tmp $^ $$(pkg-config --libs $(AGENT_LIBS))
	$(AGENT_STRIP) -s -R .comment $@.tmp
	@mv $@.tmp $@

.PHONY: agent
agent: $(AGENT_OUT)/init $(AGENT_OUT)/bulla-init $(AGENT_OUT)/bulla-agent

# For the unit tests and fuzzers: everything without a main, built by and for the host, with SAN= if that is set.
AGENT_TEST_SRC := $(filter-out agent/main.c agent/init/initrd.c agent/init/pid1.c,$(call src,agent/*.c agent/*/*.c))
AGENT_TEST_OBJ := $(AGENT_TEST_SRC:%.c=$O/obj/%.o) $(AGENT_LIB_SRC:%.c=$O/obj/%.o)

# Names them outside of a pattern rule: else make prefers the rule for all other tests, whose objects are so named.
.PHONY: agent-test-obj
agent-test-obj: $(AGENT_TEST_OBJ)

$O/obj/agent/%.o: agent/%.c agent/agent.mk
	@mkdir -p $(@D)
	@echo "  cc $<"
	@$(CC) $(CSTD) $(CWARN) -DAGENT_VERSION='"$(AGENT_VERSION)"' -Iagent -Itools $(SANFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

-include $(patsubst %.o,%.d,$(filter %.o,$(call agent_obj,static,$(AGENT_INITRD_SRC) $(AGENT_PID1_SRC)) \
	$(call agent_obj,dynamic,$(AGENT_SRC)) $(AGENT_TEST_OBJ)))
