-- wrk: threads that begin together and may end before wrk does.
--
-- wrk starts a thread as soon as its init() is done, while the next one has
-- its own still to run; what the first asks meanwhile would count, and its
-- time would not.  So each waits for all at its first request, and a moment
-- more, in which the server takes the connections; times are from then.
-- wrk ends when it was told to, whatever its threads do, but at once when it
-- is interrupted: which the last thread does that has nothing left to do.
--
-- For wrk -t2 alone.  ending.setup in setup(), request = ending.request(make),
-- ending.take() and ending.done() in a thread; ending.since_us() and
-- ending.took_us() in done(); ending.now_us() everywhere.

local ffi = require "ffi"

ffi.cdef [[
    int getpid(void);
    int kill(int pid, int signal);
    int usleep(unsigned us);
    typedef struct { long s, ns; } moment_t;
    int clock_gettime(int clock, moment_t *moment);
    typedef struct {
        int ready;
        int taken;
        double began_us, began_cpu_us, began_idle_ticks, ended_us;
    } part_t;
]]

local SIGINT, MONOTONIC, PROCESS_CPU = 2, 1, 2
local THREADS, WAIT_US, WAITS = 2, 100, 300000     -- for 30 s at most
local SETTLE_US = 100000                            -- connections are made
local PARTS = ffi.typeof("volatile part_t *")
local parts = ffi.new("part_t[?]", THREADS)

ending = { THREADS = THREADS, threads = {} }

function ending.setup(thread)
    local threads = ending.threads
    threads[#threads + 1] = thread
    assert(#threads <= THREADS, "wrk -t2 is wanted")
    thread:set("part", #threads)
    thread:set("parts_at", tonumber(ffi.cast("intptr_t", parts)))
end

function ending.now_us(clock)
    local moment = ffi.new("moment_t")
    ffi.C.clock_gettime(clock or MONOTONIC, moment)
    return tonumber(moment.s) * 1e6 + tonumber(moment.ns) / 1e3
end

-- Of all processors: nothing to do, or only to wait for a disk.
local function idle_ticks()
    local file = assert(io.open("/proc/stat"))
    local idle, waits = file:read("*l"):match("^cpu +%d+ %d+ %d+ (%d+) (%d+)")
    file:close()
    return idle + waits
end

-- Whether it is 0 in none.
local function all_have(all, name)
    for i = 0, THREADS - 1 do
        if all[i][name] == 0 then
            return false
        end
    end
    return true
end

local function wait_for_all()
    local all = ffi.cast(PARTS, parts_at)
    local own = all[part - 1]
    own.ready = 1
    for _ = 1, WAITS do
        if all_have(all, "ready") then
            ffi.C.usleep(SETTLE_US)
            own.began_idle_ticks = idle_ticks()
            own.began_cpu_us = ending.now_us(PROCESS_CPU)
            own.began_us = ending.now_us()
            return
        end
        ffi.C.usleep(WAIT_US)
    end
    error("wrk -t2 is wanted")
end

-- wrk asks the first thread for one before it runs, only to look at it.
function ending.request(make)
    local looked_at = false
    return function()
        if part == 1 and not looked_at then
            looked_at = true
            return wrk.format("GET", "/", {}, "")
        end
        wait_for_all()
        request = make
        return make()
    end
end

-- Of what both threads share, one more for this one: how many it has then, or
-- nil if there is none left.  Without a lock, so at the very end both may take
-- one where there is one.
function ending.take(count)
    local all = ffi.cast(PARTS, parts_at)
    if all[0].taken + all[1].taken >= count then
        return nil
    end
    all[part - 1].taken = all[part - 1].taken + 1
    return all[part - 1].taken
end

-- Whatever it is told to do next, it has nothing to do.
function ending.done()
    local all = ffi.cast(PARTS, parts_at)
    if all[part - 1].ended_us == 0 then
        all[part - 1].ended_us = ending.now_us()
    end
    if all_have(all, "ended_us") then
        ffi.C.kill(ffi.C.getpid(), SIGINT)
    end
end

-- When all had begun, by one of their clocks.
local function began(clock)
    return math.max(parts[0][clock], parts[1][clock])
end

-- From then, until now.
function ending.since_us()
    return ending.now_us() - began("began_us")
end

-- Until the last was done; 0 if one was not.
function ending.took_us()
    return all_have(parts, "ended_us")
        and math.max(parts[0].ended_us, parts[1].ended_us)
            - began("began_us") or 0
end

-- A line for the harness: statuses are counted by wrk itself.  And one of what
-- wrk took of the processors, and how long they had nothing to do, from when
-- all had begun.
function ending.result(requests, us, summary, latency)
    io.write(string.format("RESULT %d %d %d %d %d %d %d\n", requests, us,
        summary.errors.status,
        summary.errors.connect + summary.errors.read + summary.errors.write
        + summary.errors.timeout,
        latency:percentile(50), latency:percentile(99),
        latency:percentile(99.9)))
    if all_have(parts, "ready") then
        io.write(string.format("BESIDE %d %d\n",
            ending.now_us(PROCESS_CPU) - began("began_cpu_us"),
            idle_ticks() - began("began_idle_ticks")))
    end
end
