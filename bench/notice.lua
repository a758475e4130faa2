-- wrk: the notices of a file, each once; a thread ends with the last of its
-- share.  wrk itself always takes as long as it was told, so the time that the
-- notices took is measured here.  Or over and over, for as long.
--
-- wrk -t2 ... -s notice.lua URL -- once|again FILE [PATH]
--
-- A line is "GET PATH", or "POST PATH FORM"; PATH sends them elsewhere.

local ffi = require "ffi"

ffi.cdef [[
    typedef struct { long s, ns; } moment_t;
    int clock_gettime(int clock, moment_t *moment);
]]

local MONOTONIC, THREADS = 1, 2
local threads, sent, at, started = {}, {}, 0, nil

local function now_us()
    local moment = ffi.new("moment_t")
    ffi.C.clock_gettime(MONOTONIC, moment)
    return tonumber(moment.s) * 1e6 + tonumber(moment.ns) / 1e3
end

function setup(thread)
    threads[#threads + 1] = thread
    thread:set("part", #threads)
    thread:set("took_us", 0)
end

-- wrk makes one more of these to look at a request; that one has no part.
function init(args)
    local line = 0
    local form = { ["Content-Type"] = "application/x-www-form-urlencoded" }
    once = args[1] == "once"
    for text in io.lines(args[2]) do
        line = line + 1
        if line % THREADS + 1 == (part or 1) then
            local method, path, body = text:match("^(%u+) (%S+) ?(.*)$")
            sent[#sent + 1] = wrk.format(method, args[3] or path,
                                         method == "POST" and form or {},
                                         body)
        end
    end
end

function request()
    started = started or now_us()
    at = at + 1
    if at > #sent and not once then
        at = 1
    elseif at > #sent then
        took_us = took_us > 0 and took_us or now_us() - started
        wrk.thread:stop()
        return sent[#sent]
    end
    return sent[at]
end

-- As checkout.lua says it; 0 us if they were not all sent.
function done(summary, latency)
    local slowest, missing, all = 0, false, true
    for _, thread in ipairs(threads) do
        local us = thread:get("took_us")
        slowest = math.max(slowest, us)
        missing = missing or us == 0
        all = thread:get("once")
    end
    io.write(string.format(
        "RESULT %d %d %d %d %d %d %d\n",
        summary.requests,
        not all and summary.duration or missing and 0 or slowest,
        summary.errors.status,
        summary.errors.connect + summary.errors.read + summary.errors.write
        + summary.errors.timeout,
        latency:percentile(50), latency:percentile(99),
        latency:percentile(99.9)))
end
