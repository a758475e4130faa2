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

ENGINE_C := $(wildcard engine/*.c)
PAY_C := $(wildcard ngx_module/pay/*.c)
MODULE_C := $(wildcard ngx_module/*.c ngx_module/redis/*.c)
HEADERS := $(wildcard engine/*.h ngx_module/*.h ngx_module/*/*.h)
UNIT := $(patsubst t/unit/%.c,%,$(wildcard t/unit/*.c))
FUZZ := $(patsubst t/fuzz/%.c,%,$(wildcard t/fuzz/*.c))

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
            -Wpointer-arith -Wcast-qual -Wwrite-strings -Wundef -Wvla \
            -Wformat=2 -Wno-unused-parameter -Werror


.PHONY: help
help:
	@echo "build        build/ngx_http_faka_module.so (CC=clang works too)"
	@echo "run          a shop to try: nginx, Redis, practice gateway"
	@echo "             (PORT=8080 GATEWAY_PORT=8090 RUN_DIR=build/run)"
	@echo "test         all tests, in less than 10 minutes"
	@echo "check        the long campaigns: test, longer, and each sanitizer"
	@echo "soak         crash and reload tests again and again (MIN=$(MIN))"
	@echo "bench        the measurements of bench/, each with an audit"
	@echo "unit         the C unit programs alone"
	@echo "asan         unit programs and all tests, ASan + UBSan"
	@echo "asan-module  only build/asan/ngx_http_faka_module.so"
	@echo "ubsan        unit programs, UBSan of clang"
	@echo "browser      a purchase in a real Chromium"
	@echo "tsan         unit programs, ThreadSanitizer"
	@echo "valgrind     unit programs, memcheck"
	@echo "fuzz         every fuzz target for FUZZ_SECONDS=$(FUZZ_SECONDS)"
	@echo "lint         cppcheck, clang's analyzer, a build with clang"
	@echo "clean        removes build/ without build/run (the trial shop)"


# What a group of targets needs from the distribution; with everything in
# place this takes some milliseconds and changes nothing.

DEPS := $(addprefix deps-,build run test check browser bench)

.PHONY: $(DEPS)
$(DEPS): deps-%:
	@conf/run/install-deps $*


# The list of sources, touched only when a file comes or goes: nginx's
# configure has to run again then, and only then.

$(BUILD)/sources: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' $(sort $(ENGINE_C) $(PAY_C) $(MODULE_C) $(HEADERS)) > $@.new
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
build: deps-build $(BUILD)/sources
	+@conf/run/build-module $(BUILD)/module-$(notdir $(CC)) $(CC) \
	    $(BUILD)/sources
	$(call install-module,$(BUILD)/module-$(notdir $(CC))/ngx_http_faka_module.so,$(BUILD)/ngx_http_faka_module.so)

ABORT := -fno-sanitize-recover=all
TSAN_FLAGS := -g -O1 -fsanitize=thread
UBSAN_FLAGS := -g -O1 -fsanitize=undefined,local-bounds
ASAN_FLAGS := -g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined

.PHONY: asan-module
asan-module: deps-build $(BUILD)/sources
	+@conf/run/build-module $(BUILD)/module-asan gcc $(BUILD)/sources \
	    $(ASAN_FLAGS)
	$(call install-module,$(BUILD)/module-asan/ngx_http_faka_module.so,$(BUILD)/asan/ngx_http_faka_module.so)


# Unit programs.  Each t/unit/NAME.c is one program, linked with the engine
# and the payment protocols, which need no nginx.  FK_TEST_CRASH gives the
# tests the switch that dies at the n-th store; the module never has it.
#
# $(call unit-variant,FOLDER,COMPILER,FLAGS,PACKAGES) makes one set of them.

define unit-variant
$(1)-OBJ := $$(patsubst %.c,$$(BUILD)/obj/$(1)/%.o,$$(ENGINE_C) $$(PAY_C))
$(1)-BIN := $$(addprefix $$(BUILD)/$(1)/,$$(UNIT))

$$(BUILD)/obj/$(1)/%.o: %.c Makefile | $(4)
	@mkdir -p $$(@D)
	$$(QUIET)$(2) -std=gnu11 $$(WARNINGS) $(3) -DFK_TEST_CRASH -MMD -MP \
	    -Iengine -Ingx_module/pay -It/unit -c -o $$@ $$<

$$($(1)-BIN): $$(BUILD)/$(1)/%: $$(BUILD)/obj/$(1)/t/unit/%.o $$($(1)-OBJ)
	@mkdir -p $$(@D)
	$$(QUIET)$(2) $(3) -o $$@ $$^ -lcrypto -lpthread

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

# $(call run-units,FOLDER,WRAPPER): each program speaks TAP, so prove runs
# and counts them.

run-units = $(PROVE) -j$(JOBS) $(PROVE_FLAGS) --exec '$(2)' \
            $(addprefix $(BUILD)/$(1)/,$(filter-out $(3),$(UNIT)))

# Fills a GiB from one thread and allocates nothing: minutes under these two,
# and nothing for them to find.

SLOW_UNIT := capacity

.PHONY: unit unit-clang asan ubsan tsan valgrind
unit: unit-build
	$(call run-units,unit)

unit-clang: unit-clang-build
	$(call run-units,unit-clang)

asan: deps-test asan-module unit-asan-build
	ASAN_OPTIONS=detect_stack_use_after_return=1 \
	    $(call run-units,unit-asan)
	FAKA_ASAN=1 $(PROVE) -j2 -It/lib $(PROVE_FLAGS) $(SYSTEM_TESTS)

ubsan: unit-ubsan-build
	$(call run-units,unit-ubsan)

# TSan of gcc 12 knows less randomness in address layouts than new kernels
# have; setarch takes it away wherever a container allows that.

tsan: unit-tsan-build
	TSAN_OPTIONS=halt_on_error=1 $(call run-units,unit-tsan,$(NO_ASLR),$(SLOW_UNIT))

valgrind: deps-check unit-build
	$(call run-units,unit,valgrind -q --error-exitcode=99 \
	    --leak-check=full --errors-for-leak-kinds=definite,$(SLOW_UNIT))


# Tests.  t/testrules.yml says which may run side by side.  FAKA_LONG=1 turns
# the rounds of the random and crash tests up.

ALL_TESTS := $(sort $(wildcard t/*.t))
SYSTEM_TESTS := $(filter-out t/0% t/1%,$(ALL_TESTS))
CRASH_TESTS := $(filter t/8%,$(ALL_TESTS))

# The calls, the notices, a lost Redis and killed workers once more, with the
# module under ASan and UBSan; all system tests so in `make asan`.

ASAN_TESTS := $(filter t/3% t/4% t/50% t/60% t/80%,$(ALL_TESTS))

.PHONY: test
test: deps-test build unit-build unit-asan-build tsan-build asan-module
	$(PROVE) -j2 -It/lib $(PROVE_FLAGS) $(ALL_TESTS)
	FAKA_ASAN=1 $(PROVE) -j2 -It/lib $(PROVE_FLAGS) $(ASAN_TESTS)

.PHONY: tsan-build
tsan-build: $(addprefix $(BUILD)/unit-tsan/,engine_threads journal_flush)

# A purchase in a real Chromium; what npm brings stays in build/.

.PHONY: browser
browser: deps-test deps-browser build
	@mkdir -p $(BUILD)/browser
	@cp t/browser/package.json t/browser/package-lock.json $(BUILD)/browser
	@cd $(BUILD)/browser && npm ci --silent --no-audit --no-fund
	$(PROVE) -It/lib $(PROVE_FLAGS) t/browser/buy.t

# Each campaign has the machine for itself: one after the other.

.PHONY: check
check: deps-test deps-check
	+@$(MAKE) --no-print-directory build unit-build unit-asan-build \
	    tsan-build
	FAKA_LONG=1 $(PROVE) -j2 -It/lib $(PROVE_FLAGS) $(ALL_TESTS)
	+@for campaign in browser asan ubsan tsan valgrind unit-clang fuzz lint; do \
	    $(MAKE) --no-print-directory $$campaign || exit 1; \
	done

.PHONY: soak
soak: deps-test build
	@end=$$((SECONDS + $(MIN) * 60)); round=0; \
	while [ $$SECONDS -lt $$end ]; do \
	    round=$$((round + 1)); echo "soak: round $$round"; \
	    FAKA_LONG=1 $(PROVE) -It/lib $(PROVE_FLAGS) $(CRASH_TESTS) \
	        || exit 1; \
	done; echo "soak: $$round rounds passed in $$((SECONDS / 60)) minutes"


# Fuzz targets are LLVMFuzzerTestOneInput() functions in t/fuzz, one file
# each.  They start from t/fuzz/corpus/NAME; what they have found since then
# is kept in build/corpus/NAME.

$(addprefix $(BUILD)/fuzz/,$(FUZZ)): $(BUILD)/fuzz/%: t/fuzz/%.c \
        $(ENGINE_C) $(PAY_C) $(HEADERS) Makefile | deps-check
	@mkdir -p $(@D)
	$(QUIET)clang -std=gnu11 $(WARNINGS) -g -O1 $(ABORT) \
	    -fsanitize=fuzzer,address,undefined -Iengine -Ingx_module/pay \
	    -o $@ $< $(ENGINE_C) $(PAY_C) -lcrypto -lpthread

.PHONY: fuzz
fuzz: $(addprefix $(BUILD)/fuzz/,$(FUZZ))
	@for name in $(FUZZ); do \
	    mkdir -p $(BUILD)/corpus/$$name; \
	    echo "fuzz: $$name for $(FUZZ_SECONDS) s"; \
	    $(BUILD)/fuzz/$$name -max_total_time=$(FUZZ_SECONDS) \
	        -print_final_stats=1 -artifact_prefix=$(BUILD)/fuzz/$$name- \
	        $(BUILD)/corpus/$$name $$(ls -d t/fuzz/corpus/$${name#fuzz_} 2>/dev/null) \
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
	    -Iengine -Ingx_module/pay engine ngx_module/pay
	for source in $(ENGINE_C) $(PAY_C); do \
	    clang --analyze -std=gnu11 -Xanalyzer -analyzer-output=text \
	        -Xanalyzer -analyzer-werror -Iengine -Ingx_module/pay \
	        $$source || exit 1; \
	done
	+@conf/run/build-module $(BUILD)/module-clang clang $(BUILD)/sources
	@echo "lint: nothing found"

.PHONY: bench
bench: deps-bench build
	bench/run

.PHONY: run
run: deps-run build
	@conf/run/run

.PHONY: clean
clean:
	@if [ -d $(BUILD) ]; then \
	    find $(BUILD) -mindepth 1 -maxdepth 1 ! -name run \
	        -exec rm -rf {} +; \
	fi
