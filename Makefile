# faka: `make help` lists what there is.
#
# Everything that is built lands in build/.  The module is built by nginx's
# own machinery (conf/run/build-module), the unit programs by the rules below.

SHELL := /bin/bash

.DEFAULT_GOAL := build
.DELETE_ON_ERROR:
.SECONDARY:

ifeq ($(origin CC),default)
CC := gcc
endif

BUILD := build
JOBS ?= $(shell nproc 2>/dev/null || echo 2)

MAKEFLAGS += --no-builtin-rules -j$(JOBS)

# V=1 shows the compiler's command lines.

QUIET := $(if $(V),,@)
NO_ASLR := $(shell setarch -R true 2>/dev/null && echo setarch -R)

PROVE ?= prove
PROVE_FLAGS ?=
MIN ?= 10
FUZZ_SECONDS ?= 60
COVERAGE_SEEDS ?= 200

ENGINE_C := $(wildcard engine/*.c)
PAY_C := $(wildcard ngx_module/pay/*.c)
JOURNAL_C := $(wildcard ngx_module/journal/*.c)
LUA_C := $(wildcard lua/vm/*.c)
TOOL_C := $(wildcard tools/journal_*.c)
MODULE_C := $(wildcard ngx_module/*.c ngx_module/redis/*.c)
HEADERS := $(wildcard engine/*.h ngx_module/*.h ngx_module/*/*.h)
LUA_HEADERS := $(wildcard lua/vm/*.h) engine/fk_types.h
UNIT := $(patsubst t/unit/%.c,%,$(wildcard t/unit/*.c))
FUZZ := $(patsubst t/fuzz/%.c,%,$(wildcard t/fuzz/fuzz_*.c))

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
            -Wpointer-arith -Wcast-qual -Wwrite-strings -Wundef -Wvla \
            -Wformat=2 -Wno-unused-parameter -Werror


.PHONY: help
help:
	@echo "build        build/ngx_http_faka_module.so (CC=clang works too),"
	@echo "             build/faka-journal, build/faka-rules"
	@echo "pages        build/html: the pages, to be served as they are"
	@echo "run          a shop to try: nginx, Redis, practice gateway"
	@echo "             (PORT=8080 GATEWAY_PORT=8090 RUN_DIR=build/run)"
	@echo "test         all tests, in about 11 minutes"
	@echo "check        the long campaigns: test, longer, and each sanitizer"
	@echo "soak         kills and other system faults for MIN=$(MIN) minutes"
	@echo "             (SEED= of a round, FAULTS= to pick from)"
	@echo "sim          the simulator: SEEDS=$(SEEDS) seeds from FROM=$(FROM)"
	@echo "sim-mutants  does it notice a guard that is taken out?"
	@echo "bench        faka beside other shops, audited, with a report, in"
	@echo "             20 minutes (QUICK=1: in 4); the others of bench/:"
	@echo "             bench-recovery, bench-death, bench-snapshot;"
	@echo "             bench-report, bench-compare OLD=FILE: its results;"
	@echo "             bench-micro: the engine alone (QUICK=1: in seconds)"
	@echo "unit         the C unit programs alone"
	@echo "asan         unit programs and all tests, ASan + UBSan"
	@echo "asan-module  only build/asan/ngx_http_faka_module.so"
	@echo "ubsan        unit programs, UBSan of clang"
	@echo "browser      a purchase in a real Chromium"
	@echo "tsan         unit programs, ThreadSanitizer"
	@echo "valgrind     unit programs, memcheck"
	@echo "fuzz         every fuzz target for FUZZ_SECONDS=$(FUZZ_SECONDS)"
	@echo "lint         cppcheck, clang's analyzer, a build with clang"
	@echo "coverage     branches of engine/ that tests and simulator reach"
	@echo "clean        removes build/ without build/run (the trial shop)"


# What a group of targets needs from the distribution; with everything in
# place this takes some milliseconds and changes nothing.

DEPS := $(addprefix deps-,build run test check browser load bench)

.PHONY: $(DEPS)
$(DEPS): deps-%:
	@conf/run/install-deps $*


# The list of sources, touched only when a file comes or goes: nginx's
# configure has to run again then, and only then.

$(BUILD)/sources: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' $(sort $(ENGINE_C) $(LUA_C) $(PAY_C) $(JOURNAL_C) \
	    $(MODULE_C) $(HEADERS)) > $@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

.PHONY: FORCE
FORCE:

# install-module FROM,TO: by rename, so that an nginx which has the old file
# mapped goes on with it undisturbed.

define install-module
@cmp -s $(1) $(2) || { mkdir -p $(dir $(2)) && cp $(1) $(2).new \
    && mv $(2).new $(2) && echo "built $(2)"; }
endef

.PHONY: build
build: deps-build $(BUILD)/sources $(BUILD)/faka-journal $(BUILD)/faka-rules
	+@conf/run/build-module $(BUILD)/module-$(notdir $(CC)) $(CC) \
	    $(BUILD)/sources
	$(call install-module,$(BUILD)/module-$(notdir $(CC))/ngx_http_faka_module.so,$(BUILD)/ngx_http_faka_module.so)

# The operator's tool: the engine beside hiredis and jansson.

TOOL_FILES := $(TOOL_C) $(ENGINE_C) $(HEADERS) $(wildcard tools/*.h) Makefile

define build-tool
@mkdir -p $(@D)
$(QUIET)$(1) -std=gnu11 $(WARNINGS) $(2) -o $@.new $(TOOL_C) $(ENGINE_C) \
    -lhiredis -ljansson -lpthread
@mv $@.new $@ && echo "built $@"
endef

$(BUILD)/faka-journal: $(TOOL_FILES) | deps-build
	$(call build-tool,$(CC),-g -O2)

# The other one: the sandbox of the rules, without a shop.  LuaJIT's headers
# are not ours to warn of.

LUA_FLAGS := -Ilua/vm -isystem /usr/include/luajit-2.1

$(BUILD)/faka-rules: tools/rules.c $(LUA_C) $(LUA_HEADERS) Makefile | deps-build
	@mkdir -p $(@D)
	$(QUIET)$(CC) -std=gnu11 $(WARNINGS) -g -O2 -Iengine $(LUA_FLAGS) \
	    -o $@.new tools/rules.c $(LUA_C) -lluajit-5.1 -ljansson
	@mv $@.new $@ && echo "built $@"

ABORT := -fno-sanitize-recover=all
TSAN_FLAGS := -g -O1 -fsanitize=thread
COVERAGE_FLAGS := -g -O0 --coverage -fprofile-update=atomic -DNDEBUG \
                  -Wno-unused -Wno-error
UBSAN_FLAGS := -g -O1 -fsanitize=undefined,local-bounds
ASAN_FLAGS := -g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined

$(BUILD)/asan/faka-journal: $(TOOL_FILES) | deps-build
	$(call build-tool,gcc,$(ASAN_FLAGS) $(ABORT))

.PHONY: asan-module
asan-module: deps-build $(BUILD)/sources $(BUILD)/asan/faka-journal
	+@conf/run/build-module $(BUILD)/module-asan gcc $(BUILD)/sources \
	    $(ASAN_FLAGS)
	$(call install-module,$(BUILD)/module-asan/ngx_http_faka_module.so,$(BUILD)/asan/ngx_http_faka_module.so)


# The pages as nginx serves them: those of conf/html, and beside them the one
# library that they use, of the version and hash that are locked there.

PAGES := $(wildcard $(addprefix conf/html/*.,html css js svg))
QRCODE := node_modules/qrcode-generator/dist/qrcode.js

.PHONY: pages
pages: $(PAGES:conf/%=$(BUILD)/%) $(BUILD)/html/qrcode.js

$(BUILD)/html/%: conf/html/%
	@mkdir -p $(@D)
	@cp $< $@

$(BUILD)/html/qrcode.js: conf/html/package.json conf/html/package-lock.json \
        | deps-run
	@mkdir -p $(@D) $(BUILD)/pages
	@cp $^ $(BUILD)/pages
	@cd $(BUILD)/pages && npm ci --silent --no-audit --no-fund \
	    || { echo "npm cannot bring what $< names"; exit 1; }
	@cp $(BUILD)/pages/$(QRCODE) $@ && echo "built $@"


# Unit programs.  Each t/unit/NAME.c is one program, linked with the engine,
# the journal's protocol, the payment protocols and the sandbox of the rules,
# which need no nginx.
# FK_TEST_CRASH gives the tests the switch that dies at the n-th store; the
# module never has it.
#
# $(call unit-variant,FOLDER,COMPILER,FLAGS,PACKAGES) makes one set of them.

define unit-variant
$(1)-OBJ := $$(patsubst %.c,$$(BUILD)/obj/$(1)/%.o, \
              $$(ENGINE_C) $$(JOURNAL_C) $$(PAY_C) $$(LUA_C))
$(1)-BIN := $$(addprefix $$(BUILD)/$(1)/,$$(UNIT))

$$(BUILD)/obj/$(1)/%.o: %.c Makefile | $(4)
	@mkdir -p $$(@D)
	$$(QUIET)$(2) -std=gnu11 $$(WARNINGS) $(3) -DFK_TEST_CRASH -MMD -MP \
	    -Iengine -Ingx_module/journal -Ingx_module/pay $$(LUA_FLAGS) \
	    -It/unit -c -o $$@ $$<

$$($(1)-BIN): $$(BUILD)/$(1)/%: $$(BUILD)/obj/$(1)/t/unit/%.o $$($(1)-OBJ)
	@mkdir -p $$(@D)
	$$(QUIET)$(2) $(3) -o $$@ $$^ -lcrypto -lluajit-5.1 -lpthread

-include $$($(1)-OBJ:.o=.d)
-include $$(patsubst %,$$(BUILD)/obj/$(1)/t/unit/%.d,$$(UNIT))

.PHONY: $(1)-build
$(1)-build: $$($(1)-BIN)
endef

$(eval $(call unit-variant,unit,gcc,-g -O2,deps-build))
$(eval $(call unit-variant,unit-clang,clang,-g -O2,deps-check))
$(eval $(call unit-variant,unit-asan,gcc,$(ASAN_FLAGS) $(ABORT),deps-build))
$(eval $(call unit-variant,unit-ubsan,clang,$(UBSAN_FLAGS) $(ABORT),deps-check))
$(eval $(call unit-variant,unit-tsan,gcc,$(TSAN_FLAGS),deps-build))
$(eval $(call unit-variant,unit-cov,gcc,$(COVERAGE_FLAGS),deps-check))

# $(call run-units,FOLDER,WRAPPER): each program speaks TAP, so prove runs
# and counts them.

run-units = $(PROVE) -j$(JOBS) $(PROVE_FLAGS) --exec '$(2)' \
            $(addprefix $(BUILD)/$(1)/,$(filter-out $(3),$(UNIT)))

# Fills a GiB from one thread and allocates nothing: minutes under these two,
# and nothing for them to find.

SLOW_UNIT := capacity

# snapshot_slices and rules_* hold what takes time against a limit, which
# counting branches and watching memory break: there they run without a clock.

NO_CLOCK := FAKA_NO_CLOCK=1

.PHONY: unit unit-clang asan ubsan tsan valgrind
unit: unit-build
	$(call run-units,unit)

unit-clang: unit-clang-build
	$(call run-units,unit-clang)

asan: deps-test asan-module pages unit-asan-build step-build clock-build
	ASAN_OPTIONS=detect_stack_use_after_return=1 \
	    $(call run-units,unit-asan)
	FAKA_ASAN=1 $(PROVE) -j3 -It/lib $(PROVE_FLAGS) $(SYSTEM_TESTS)

ubsan: unit-ubsan-build
	$(NO_CLOCK) $(call run-units,unit-ubsan)

# In a program of one thread there is nothing to find for TSan.  That of gcc 12
# knows less randomness in address layouts than new kernels have; setarch takes
# it away wherever a container allows that.

THREADED_UNIT := $(patsubst t/unit/%.c,%,\
                   $(shell grep -l pthread_create t/unit/*.c))

.PHONY: tsan-build
tsan-build: $(addprefix $(BUILD)/unit-tsan/,$(THREADED_UNIT))

tsan: tsan-build
	TSAN_OPTIONS=halt_on_error=1 $(NO_CLOCK) \
	    $(call run-units,unit-tsan,$(NO_ASLR),\
	        $(filter-out $(THREADED_UNIT),$(UNIT)))

valgrind: deps-check unit-build
	$(NO_CLOCK) $(call run-units,unit,valgrind -q --error-exitcode=99 \
	    --leak-check=full --errors-for-leak-kinds=definite,$(SLOW_UNIT))


# Tests.  t/testrules.yml says which may run side by side.  FAKA_LONG=1 turns
# the rounds of the random and crash tests up.

ALL_TESTS := $(sort $(wildcard t/*.t))
SYSTEM_TESTS := $(filter-out t/0% t/1%,$(ALL_TESTS))

# The calls, the notices, money that is asked for and goes back, a lost Redis
# and killed workers once more, under ASan and UBSan; all system tests so in
# `make asan`.

ASAN_TESTS := $(filter t/26% t/3% t/40% t/41% t/45% t/48% t/50% t/54% \
                       t/58-channels-calls% t/60% t/80%,$(ALL_TESTS))

.PHONY: test
test: deps-test build pages unit-build unit-asan-build tsan-build \
      asan-module step-build sim-build clock-build verdicts-build
	$(PROVE) -j3 -It/lib $(PROVE_FLAGS) $(ALL_TESTS)
	FAKA_ASAN=1 $(PROVE) -j3 -It/lib $(PROVE_FLAGS) $(ASAN_TESTS)

# The tracer of t/84-step.t.

$(BUILD)/step/step: t/step/step.c Makefile | deps-build
	@mkdir -p $(@D)
	$(QUIET)$(CC) -std=gnu11 $(WARNINGS) -g -O2 -o $@ $<

.PHONY: step-build
step-build: $(BUILD)/step/step

# What our verifiers say of notices, for t/17-sdk-verdicts.t.

$(BUILD)/verdicts/judge: $(BUILD)/obj/unit/t/verdicts/judge.o \
        $(patsubst %.c,$(BUILD)/obj/unit/%.o,$(PAY_C))
	@mkdir -p $(@D)
	$(QUIET)gcc -g -o $@ $^ -lcrypto

-include $(BUILD)/obj/unit/t/verdicts/judge.d

.PHONY: verdicts-build
verdicts-build: $(BUILD)/verdicts/judge

# The preload libraries that set one server's clock (t/64-archive.t, soak), and
# have it wait for the lock in vain (t/51-lock-waits.t).

$(BUILD)/soak/%.so: t/soak/%.c Makefile | deps-build
	@mkdir -p $(@D)
	$(QUIET)$(CC) -std=gnu11 $(WARNINGS) -O2 -fPIC -shared -o $@ $<

.PHONY: clock-build
clock-build: $(BUILD)/soak/clock.so $(BUILD)/soak/lock.so

# A purchase in a real Chromium; what npm brings stays in build/.

.PHONY: browser
browser: deps-test deps-browser build pages
	@mkdir -p $(BUILD)/browser
	@cp t/browser/package.json t/browser/package-lock.json $(BUILD)/browser
	@cd $(BUILD)/browser && npm ci --silent --no-audit --no-fund
	$(PROVE) -It/lib $(PROVE_FLAGS) t/browser/buy.t

# Each campaign has the machine for itself: one after the other.

.PHONY: check
check: deps-test deps-check
	+@$(MAKE) --no-print-directory build pages unit-build \
	    unit-asan-build tsan-build step-build sim-build clock-build \
	    verdicts-build
	FAKA_LONG=1 $(PROVE) -j3 -It/lib $(PROVE_FLAGS) $(ALL_TESTS)
	+@for campaign in browser asan ubsan tsan valgrind unit-clang \
	    sim-mutants fuzz lint; do \
	    $(MAKE) --no-print-directory $$campaign || exit 1; \
	done

# System faults upon a long-lived shop, by the table of t/lib/Faka/Fault.pm,
# for MIN minutes; SEED= begins with that round, FAULTS='worker -9,USR2' picks
# from those alone.  What a test mounts does not outlive it, however it ends.

OWN_MOUNTS := $(shell unshare -m true 2>/dev/null && echo unshare -m)

.PHONY: soak
soak: deps-test build clock-build
	@SOAK_MIN='$(MIN)' SOAK_SEED='$(SEED)' SOAK_FAULTS='$(FAULTS)' \
	    $(OWN_MOUNTS) $(PROVE) -It/lib $(PROVE_FLAGS) t/soak/soak.t


# The simulator (t/sim): one program, with the engine's test hooks as in the
# unit programs.  FROM=1 SEEDS=1000 says which seeds.

FROM ?= 1
SEEDS ?= 1000
SIM_C := $(wildcard t/sim/*.c)
SIM_O := $(patsubst %.c,$(BUILD)/obj/sim/%.o,$(SIM_C) $(ENGINE_C) $(JOURNAL_C))

$(BUILD)/obj/sim/%.o: %.c Makefile | deps-build
	@mkdir -p $(@D)
	$(QUIET)gcc -std=gnu11 $(WARNINGS) -g -O2 -DFK_TEST_CRASH -MMD -MP \
	    -Iengine -Ingx_module/journal -It/sim -c -o $@ $<

$(BUILD)/sim/sim: $(SIM_O)
	@mkdir -p $(@D)
	$(QUIET)gcc -g -o $@ $^ -lpthread

-include $(SIM_O:.o=.d)

# How much of the engine the unit programs and the simulator go through, by
# branches.  Without assertions, which are never taken the other way.

SIM_COV_O := $(patsubst %.c,$(BUILD)/obj/unit-cov/%.o,$(SIM_C))

$(BUILD)/unit-cov/sim: $(SIM_COV_O) $(patsubst %.c,$(BUILD)/obj/unit-cov/%.o,\
        $(ENGINE_C) $(JOURNAL_C))
	@mkdir -p $(@D)
	$(QUIET)gcc $(COVERAGE_FLAGS) -o $@ $^ -lpthread

$(SIM_COV_O): private CPATH := t/sim

.PHONY: coverage
coverage: deps-check unit-cov-build $(BUILD)/unit-cov/sim
	@find $(BUILD)/obj/unit-cov -name '*.gcda' -delete
	$(NO_CLOCK) $(call run-units,unit-cov,,$(SLOW_UNIT))
	$(BUILD)/unit-cov/sim --seeds $(COVERAGE_SEEDS) --jobs 1
	$(BUILD)/unit-cov/sim --exhaustive 5000
	gcovr --root . --filter 'engine/' --branches --print-summary \
	    --txt $(BUILD)/coverage.txt --html-details $(BUILD)/coverage.html \
	    --fail-under-branch 95 $(BUILD)/obj/unit-cov/engine

.PHONY: sim sim-build
sim-build: $(BUILD)/sim/sim

sim: sim-build
	$(BUILD)/sim/sim --from $(FROM) --seeds $(SEEDS) --jobs $(JOBS)

# Whether it notices what it is there for: guards are taken out of a copy.

.PHONY: sim-mutants
sim-mutants: sim-build
	BUILD='$(BUILD)' JOBS='$(JOBS)' t/sim/mutants


# Fuzz targets are LLVMFuzzerTestOneInput() functions, t/fuzz/fuzz_NAME.c, one
# file each, linked with the engine and the payment protocols.  They start from
# t/fuzz/corpus/NAME; what they have found since then is kept in
# build/corpus/NAME.  What one needs beyond that stands in this table: further
# sources, compiler flags (there and for its own file), and
# libraries.

NGINX_SRC ?= /usr/share/nginx/src
NGINX_OUT := $(BUILD)/module-$(notdir $(CC))
NGINX_FLAGS := $(addprefix -isystem $(NGINX_SRC)/src/,core event event/modules \
                 os/unix) -isystem $(NGINX_OUT) -Ingx_module

fuzz-sources-body := ngx_module/ngx_faka_json.c ngx_module/ngx_faka_fields.c \
                     ngx_module/ngx_faka_json_out.c
fuzz-flags-body := $(NGINX_FLAGS)
fuzz-libs-body := -ljansson

fuzz-sources-import := ngx_module/ngx_faka_lines.c
fuzz-flags-import := -Ingx_module

fuzz-libs-json := -ljansson

# A damaged number may overflow, and be found wrong later: what is watched
# here is memory alone.  Tracing comparisons would take most of the time.

fuzz-sources-region := $(ENGINE_C)
fuzz-flags-region := -fno-sanitize=signed-integer-overflow,shift \
                     -fno-sanitize-coverage=trace-cmp

fuzz-sources-reply := $(ENGINE_C) $(JOURNAL_C) \
                      ngx_module/redis/ngx_faka_redis_reply.c
fuzz-flags-reply := $(NGINX_FLAGS) -Ingx_module/journal \
                    -fno-sanitize-coverage=trace-cmp
fuzz-libs-reply := -lhiredis

fuzz-sources-rules := $(LUA_C)
fuzz-flags-rules := $(LUA_FLAGS)
fuzz-libs-rules := -lluajit-5.1

fuzz-sources-snapshot := $(ENGINE_C)
fuzz-flags-snapshot := -fno-sanitize-coverage=trace-cmp

FUZZ_FLAGS := -std=gnu11 $(WARNINGS) -g -O1 -fno-omit-frame-pointer $(ABORT) \
              -fsanitize=address,undefined -Iengine -Ingx_module/journal \
              -Ingx_module/pay

# $(call fuzz-target,NAME)

define fuzz-target
fuzz-obj-$(1) := $$(patsubst %.c,$$(BUILD)/obj/fuzz/$(1)/%.o, \
                   t/fuzz/fuzz_$(1).c $$(fuzz-sources-$(1)))

$$(fuzz-obj-$(1)): $$(BUILD)/obj/fuzz/$(1)/%.o: %.c Makefile \
        | deps-check $$(if $$(findstring nginx,$$(fuzz-flags-$(1))),build)
	@mkdir -p $$(@D)
	$$(QUIET)clang $$(FUZZ_FLAGS) -fsanitize=fuzzer-no-link \
	    $$(fuzz-flags-$(1)) -MMD -MP -c -o $$@ $$<

$$(BUILD)/fuzz/fuzz_$(1): $$(fuzz-obj-$(1)) \
        $$(filter-out $$(fuzz-sources-$(1):%.c=$$(BUILD)/obj/fuzz/%.o), \
                      $$(FUZZ_OBJ))
	@mkdir -p $$(@D)
	$$(QUIET)clang -g $$(ABORT) -fsanitize=fuzzer,address,undefined -o $$@ \
	    $$^ $$(fuzz-libs-$(1)) -lcrypto -lpthread

-include $$(fuzz-obj-$(1):.o=.d)
endef

FUZZ_OBJ := $(patsubst %.c,$(BUILD)/obj/fuzz/%.o, \
              $(ENGINE_C) $(JOURNAL_C) $(PAY_C))

$(FUZZ_OBJ): $(BUILD)/obj/fuzz/%.o: %.c Makefile | deps-check
	@mkdir -p $(@D)
	$(QUIET)clang $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link -MMD -MP -c -o $@ $<

-include $(FUZZ_OBJ:.o=.d)

$(foreach target,$(FUZZ),$(eval $(call fuzz-target,$(target:fuzz_%=%))))

.PHONY: fuzz-build
fuzz-build: $(addprefix $(BUILD)/fuzz/,$(FUZZ))

.PHONY: fuzz
fuzz: fuzz-build
	@for name in $(FUZZ:fuzz_%=%); do \
	    mkdir -p $(BUILD)/corpus/$$name; \
	    echo "fuzz: $$name for $(FUZZ_SECONDS) s"; \
	    $(BUILD)/fuzz/fuzz_$$name -max_total_time=$(FUZZ_SECONDS) \
	        -timeout=10 -print_final_stats=1 \
	        -artifact_prefix=$(BUILD)/fuzz/$$name- \
	        $$(ls t/fuzz/$$name.dict 2>/dev/null | sed 's/^/-dict=/') \
	        $(BUILD)/corpus/$$name \
	        $$(ls -d t/fuzz/corpus/$$name 2>/dev/null) \
	        > $(BUILD)/fuzz/$$name.log 2>&1 \
	    || { tail -n 40 $(BUILD)/fuzz/$$name.log; exit 1; }; \
	    grep number_of_executed_units $(BUILD)/fuzz/$$name.log; \
	done


# cppcheck cannot know that a call inside an assertion changes nothing.

.PHONY: lint
lint: deps-check $(BUILD)/sources
	cppcheck --quiet --std=c11 --inline-suppr --error-exitcode=1 \
	    --enable=warning,performance,portability -j$(JOBS) \
	    --suppress=assertWithSideEffect \
	    -Iengine -Ingx_module/pay -Ingx_module/journal engine \
	    ngx_module/journal ngx_module/pay
	cppcheck --quiet --std=c11 --inline-suppr --error-exitcode=1 \
	    --enable=warning,performance,portability -j$(JOBS) -Iengine lua/vm
	for source in $(ENGINE_C) $(JOURNAL_C) $(PAY_C); do \
	    clang --analyze -std=gnu11 -Xanalyzer -analyzer-output=text \
	        -Xanalyzer -analyzer-werror -Iengine -Ingx_module/journal \
	        -Ingx_module/pay $$source || exit 1; \
	done
	for source in $(LUA_C); do \
	    clang --analyze -std=gnu11 -Xanalyzer -analyzer-output=text \
	        -Xanalyzer -analyzer-werror -Iengine $(LUA_FLAGS) $$source \
	    || exit 1; \
	done
	+@conf/run/build-module $(BUILD)/module-clang clang $(BUILD)/sources
	@echo "lint: nothing found"

.PHONY: bench bench-recovery bench-death bench-snapshot
bench: deps-bench build $(BUILD)/pace $(BUILD)/micro bench-node
	bench/run $(if $(QUICK),--plan quick)
	node bench/report/report.js $(BUILD)/bench/results.json \
	    $(BUILD)/bench/report

bench-recovery bench-death: bench-%: deps-bench build
	bench/$*

bench-snapshot: deps-bench build $(BUILD)/pace
	bench/snapshot

# What the report needs, brought by npm as bench/package-lock.json says.

BENCH_NODE := $(BUILD)/bench/node

$(BENCH_NODE)/installed: bench/package.json bench/package-lock.json \
        | deps-run
	@perl -Ibench/lib -It/lib -MBench::Node=node_modules -e node_modules
	@touch $@

.PHONY: bench-node bench-report bench-compare
bench-node: $(BENCH_NODE)/installed

bench-report: bench-node
	node bench/report/report.js $(BUILD)/bench/results.json \
	    $(BUILD)/bench/report

bench-compare:
	@test -n '$(OLD)' || { echo "OLD=FILE names the results to compare" \
	    "with"; exit 2; }
	bench/compare '$(OLD)' $(or $(NEW),$(BUILD)/bench/results.json)

# The engine's operations, without nginx; the header is that of valgrind, which
# counts their instructions.  The numbers go to build/bench/micro.json.

MICRO_C := $(wildcard bench/micro/*.c) $(ENGINE_C)

$(BUILD)/micro: $(MICRO_C) bench/micro/micro.h $(HEADERS) Makefile | deps-load
	@mkdir -p $(@D)
	$(QUIET)$(CC) -std=gnu11 $(WARNINGS) -g -O2 -Iengine -o $@ $(MICRO_C) \
	    -lpthread

.PHONY: bench-micro
bench-micro: $(BUILD)/micro
	bench/micro/run $(if $(QUICK),--quick)

# The open loop, where every latency of the bench comes from.

PACE_C := $(wildcard bench/pace*.c)

$(BUILD)/pace: $(PACE_C) bench/pace.h Makefile | deps-build
	@mkdir -p $(@D)
	$(QUIET)$(CC) -std=gnu11 $(WARNINGS) -g -O2 -o $@ $(PACE_C)

.PHONY: run
run: deps-run build pages
	@conf/run/run

.PHONY: clean
clean:
	@if [ -d $(BUILD) ]; then \
	    find $(BUILD) -mindepth 1 -maxdepth 1 ! -name run \
	        -exec rm -rf {} +; \
	fi
