-- wrk: the requests of a file, each once, and the time that they took; or
-- over and over for as long as wrk was told.
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
        if line % ending.THREADS + 1 == part then
            local method, path, rest = text:match("^(%u+) (%S+) ?(.*)$")
            sent[#sent + 1] = wrk.format(method, args[3] or path,
                                         headers(method, rest),
                                         method == "POST" and rest or "")
        end
    end
end

request = ending.request(function()
    at = at + 1
    if at > #sent and not once then
        at = 1
    elseif at > #sent then
        ending.done()
        wrk.thread:stop()
        return sent[#sent]
    end
    return sent[at]
end)

-- 0 us if they were not all sent.
function done(summary, latency)
    local of_all = ending.threads[1]:get("once")
    ending.result(summary.requests,
                  of_all and ending.took_us() or ending.since_us(),
                  summary, latency)
end
