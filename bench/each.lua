-- wrk: the requests of a file, each once, and the time that they took; or
-- over and over for as long as wrk was told.  Once: one thread takes them from
-- the first line on, the other one from the last, until they meet, so that both
-- have work to the end.
--
-- wrk -t2 ... -s each.lua URL -- once|again FILE [PATH]
--
-- A line is "GET PATH", "GET PATH TOKEN", "POST PATH FORM" or "POST PATH
-- {JSON}"; PATH sends them all elsewhere.

dofile(debug.getinfo(1, "S").source:match("^@(.*/)") .. "ending.lua")

local FORM = { ["Content-Type"] = "application/x-www-form-urlencoded" }
local JSON = { ["Content-Type"] = "application/json" }
local sent, at = {}, 0

setup = ending.setup

local function headers(method, rest)
    if method == "POST" then
        return rest:sub(1, 1) == "{" and JSON or FORM
    end
    return rest ~= "" and { Authorization = "Bearer " .. rest } or {}
end

function init(args)
    local line = 0
    once = args[1] == "once"
    for text in io.lines(args[2]) do
        line = line + 1
        if once or line % ending.THREADS + 1 == part then
            local method, path, rest = text:match("^(%u+) (%S+) ?(.*)$")
            sent[#sent + 1] = wrk.format(method, args[3] or path,
                                         headers(method, rest),
                                         method == "POST" and rest or "")
        end
    end
end

local function next_once()
    local taken = ending.take(#sent)
    if not taken then
        ending.done()
        wrk.thread:stop()
        return sent[1]
    end
    return sent[part == 1 and taken or #sent + 1 - taken]
end

local function next_again()
    at = at % #sent + 1
    return sent[at]
end

request = ending.request(function()
    return (once and next_once or next_again)()
end)

-- 0 us if they were not all sent.
function done(summary, latency)
    local of_all = ending.threads[1]:get("once")
    ending.result(summary.requests,
                  of_all and ending.took_us() or ending.since_us(),
                  summary, latency)
end
