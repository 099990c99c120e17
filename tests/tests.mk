# Unit tests are tests/unit/test_*.c (cmocka), linked with everything but main; those named test_agent_* with the agent's
# parts instead. Shell tests are tests/{unit,cli,boot}/*.sh. All speak TAP; tests/run tallies.
UNIT_SRC  := $(call src,tests/unit/test_*.c)
UNIT_BIN  := $(UNIT_SRC:tests/unit/%.c=$O/test/%)
LIB_OBJ   := $(filter-out $O/obj/tools/main.o,$(TOOLS_OBJ))
AGENT_TEST_OBJ ?=
export VECTORS ?= ../shared/vectors

$O/test/test_agent_%: tests/unit/test_agent_%.c $(AGENT_TEST_OBJ) $O/gen/verbs.inc
	@mkdir -p $(@D)
	$(CC) $(CSTD) $(CWARN) -Iagent -Itools -I. $(SANFLAGS) $(CFLAGS) -MMD -MP -o $@ $< $(AGENT_TEST_OBJ) -lcmocka

$O/test/test_%: tests/unit/test_%.c $(LIB_OBJ)
	@mkdir -p $(@D)
	$(CC) $(CSTD) $(CWARN) $(TOOLS_INC) $(SANFLAGS) $(CFLAGS) -MMD -MP -o $@ $< $(LIB_OBJ) \
		$$(pkg-config --libs $(TOOLS_LIB)) -lcmocka -pthread

.PHONY: check-unit
check-unit: $O/bin/bulla $(UNIT_BIN)
	BULLA=$$PWD/$O/bin/bulla tests/run $(UNIT_BIN) $(call src,tests/unit/*.sh tests/cli/*.sh)
-include $(UNIT_BIN:=.d)
