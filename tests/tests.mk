# Unit tests are tests/unit/test_*.c (cmocka), linked with everything but main; those named test_agent_* with the agent's
# parts instead, and likewise tests/fuzz/fuzz_*.c, whose corpora replay without libFuzzer. Shell tests are
# tests/{unit,cli,boot}/*.sh. All speak TAP; tests/run tallies.
UNIT_BIN := $(patsubst tests/unit/%.c,$O/test/%,$(call src,tests/unit/test_*.c))
FUZZ_BIN := $(patsubst tests/fuzz/%.c,$O/test/%,$(call src,tests/fuzz/fuzz_*.c))
FUZZ_MAIN := tests/fuzz/replay.c
PEER_BIN := $(patsubst tests/peers/%.c,$O/test/%,$(call src,tests/peers/*.c))
LIB_OBJ  := $(filter-out $O/obj/tools/main.o,$(TOOLS_OBJ))
TEST_CC   = $(CC) $(CSTD) $(CWARN) $(SANFLAGS) $(CFLAGS) -MMD -MP -o $@
export VECTORS ?= ../shared/vectors
TEST_ENV := BULLA=$$PWD/$(BULLA) OUT=$$PWD/$O FUZZ=$$PWD/$O/test

$O/test/test_agent_%: tests/unit/test_agent_%.c $(AGENT_TEST_OBJ)
	@mkdir -p $(@D) && echo "  cc $<"
	@$(TEST_CC) -Iagent -Itools -I. $< $(AGENT_TEST_OBJ) $$(pkg-config --libs $(AGENT_LIBS)) -lcmocka

$O/test/test_%: tests/unit/test_%.c $(LIB_OBJ)
	@mkdir -p $(@D) && echo "  cc $<"
	@$(TEST_CC) $(TOOLS_INC) $< $(LIB_OBJ) $$(pkg-config --libs $(TOOLS_LIB)) -lcmocka -pthread

$O/test/fuzz_agent_%: tests/fuzz/fuzz_agent_%.c $(FUZZ_MAIN) $(AGENT_TEST_OBJ)
	@mkdir -p $(@D) && echo "  cc $<"
	@$(TEST_CC) -Wno-missing-prototypes -Iagent -Itools -I. $< $(FUZZ_MAIN) $(AGENT_TEST_OBJ) $$(pkg-config --libs $(AGENT_LIBS)) $(FUZZ_LINK)

$O/test/fuzz_%: tests/fuzz/fuzz_%.c $(FUZZ_MAIN) $(LIB_OBJ)
	@mkdir -p $(@D) && echo "  cc $<"
	@$(TEST_CC) -Wno-missing-prototypes $(TOOLS_INC) $< $(FUZZ_MAIN) $(LIB_OBJ) \
		$$(pkg-config --libs $(TOOLS_LIB)) -pthread $(FUZZ_LINK)

FOREIGN_TESTS := $(call src,tests/foreign/*.sh)
QUICK_TESTS := $(UNIT_BIN) $(call src,tests/unit/*.sh tests/fuzz/*.sh tests/cli/*.sh)
.PHONY: check check-quick bench-boot bench-agent
ifdef SAN
check: check-quick
else
check: image agent $(UNIT_BIN) $(FUZZ_BIN) $O/test/bench_measure $O/test/ttrpc $(PEER_BIN)
	@$(TEST_ENV) tests/run $(QUICK_TESTS) $(FOREIGN_TESTS) $(call src,tests/boot/*.sh)
endif

# what needs no image
check-quick: $(BULLA) $(UNIT_BIN) $(FUZZ_BIN) $O/test/bench_measure $(PEER_BIN) $O/test/ttrpc agent
	@$(TEST_ENV) tests/run $(QUICK_TESTS)

# The tools and tests that tests/foreign builds with another compiler; libcurl is not among its libraries.
FOREIGN_WITHOUT := curl agent_http agent_untar agent_azure agent_layer agent_mount
.PHONY: foreign check-foreign
foreign: $(BULLA) $(filter-out $(FOREIGN_WITHOUT:%=$O/test/test_%),$(UNIT_BIN)) $(FUZZ_BIN)

check-foreign: $(BULLA)
	@$(TEST_ENV) tests/run $(FOREIGN_TESTS)

# An independent client of the agent's protocol, of Debian's Go libraries; the tests that need it skip without
$O/test/ttrpc: $(call src,tests/peers/ttrpc/*.go)
	@mkdir -p $(@D) && echo "  go $(<D)"
	@if command -v go >/dev/null && [ -d /usr/share/gocode/src/github.com/containerd/ttrpc ]; then \
		GO111MODULE=off GOPATH=/usr/share/gocode GOFLAGS=-trimpath GOCACHE=$(abspath $O)/go go build -o $@ ./$(<D); fi

# Parts of the agent by hand: its client of key brokers, and of registries
$(PEER_BIN): $O/test/%: tests/peers/%.c $(AGENT_TEST_OBJ)
	@mkdir -p $(@D) && echo "  cc $<"
	@$(TEST_CC) -Iagent -Itools $< $(AGENT_TEST_OBJ) $$(pkg-config --libs $(AGENT_LIBS))

$O/test/bench_measure: tests/bench/measure.c $(LIB_OBJ)
	@mkdir -p $(@D) && echo "  cc $<"
	@$(TEST_CC) $(TOOLS_INC) $< $(LIB_OBJ) $$(pkg-config --libs $(TOOLS_LIB)) -pthread

.PHONY: bench-measure
bench-measure: $(BULLA) $O/test/bench_measure
	@$(TEST_ENV) tests/bench/measure

# The harnesses as libFuzzer programs, out/fuzz/fuzz_NAME, and FUZZ_TIME seconds of each from its corpus on; what they find
# is out/fuzz/NAME-crash-… and ends the run. HARNESS= names some alone.
HARNESS   ?= $(patsubst tests/fuzz/fuzz_%.c,%,$(call src,tests/fuzz/fuzz_*.c))
FUZZ_TIME ?= 600
.PHONY: fuzz-build fuzz
fuzz-build:
	@command -v clang >/dev/null || { echo "make fuzz: clang is missing, which brings libFuzzer: apt install clang" >&2; exit 4; }
	@$(MAKE) --no-print-directory O=$O/fuzz CC=clang CFLAGS='-O1 -g -Wno-missing-field-initializers' FUZZ_MAIN= FUZZ_LINK=-fsanitize=fuzzer \
		SANFLAGS='-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer' \
		$(HARNESS:%=$O/fuzz/test/fuzz_%)
	@ln -sf $(HARNESS:%=test/fuzz_%) $O/fuzz/

fuzz: fuzz-build
	@set -e; for f in $(HARNESS); do echo "== fuzz_$$f"; mkdir -p $O/fuzz/corpus/$$f; \
		$O/fuzz/fuzz_$$f -max_total_time=$(FUZZ_TIME) -print_final_stats=1 -artifact_prefix=$O/fuzz/$$f- \
			$O/fuzz/corpus/$$f tests/fuzz/corpus/$$f >$O/fuzz/$$f.log 2>&1 || { tail -40 $O/fuzz/$$f.log; exit 1; }; \
		grep -E '^stat::|cov: ' $O/fuzz/$$f.log | tail -7; done

bench-boot: image
	@$(TEST_ENV) tests/bench/boot

bench-agent: image $O/test/image_pull $O/test/ttrpc
	@$(TEST_ENV) tests/bench/agent
-include $(UNIT_BIN:=.d) $(FUZZ_BIN:=.d)
