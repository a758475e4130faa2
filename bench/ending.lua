-- wrk: for scripts that are done before wrk is.  It takes as long as it was
-- told, whatever its threads do, but ends at once when it is interrupted:
-- which the last thread does that has nothing left to do.
--
-- ending.setup in setup(), ending.done() in a thread, ending.now_us().

local ffi = require "ffi"

ffi.cdef [[
    int getpid(void);
    int kill(int pid, int signal);
    typedef struct { long s, ns; } moment_t;
    int clock_gettime(int clock, moment_t *moment);
]]

local SIGINT, THREADS_MAX, MONOTONIC = 2, 64, 1
local ended = ffi.new("volatile int[?]", THREADS_MAX)

ending = { threads = {} }

function ending.setup(thread)
    local threads = ending.threads
    threads[#threads + 1] = thread
    thread:set("part", #threads)
    thread:set("ended_at", tonumber(ffi.cast("intptr_t", ended)))
    for _, each in ipairs(threads) do
        each:set("parts", #threads)
    end
end

function ending.done()
    local all = ffi.cast("volatile int *", ended_at)
    all[part - 1] = 1
    for i = 0, parts - 1 do
        if all[i] == 0 then
            return
        end
    end
    ffi.C.kill(ffi.C.getpid(), SIGINT)
end

function ending.now_us()
    local moment = ffi.new("moment_t")
    ffi.C.clock_gettime(MONOTONIC, moment)
    return tonumber(moment.s) * 1e6 + tonumber(moment.ns) / 1e3
end

-- The time of the thread that took longest; 0 if one was not done.
function ending.slowest_us()
    local slowest = 0
    for _, thread in ipairs(ending.threads) do
        local us = thread:get("took_us")
        if us == 0 then
            return 0
        end
        slowest = math.max(slowest, us)
    end
    return slowest
end

-- One line for the harness: statuses are counted by wrk itself.
function ending.result(requests, us, summary, latency)
    io.write(string.format("RESULT %d %d %d %d %d %d %d\n", requests, us,
        summary.errors.status,
        summary.errors.connect + summary.errors.read + summary.errors.write
        + summary.errors.timeout,
        latency:percentile(50), latency:percentile(99),
        latency:percentile(99.9)))
end
