-- wrk: orders of buyers who differ, for shops with a limit for each; who is
-- sent what is the same for every shop.  With "sell-out" it ends once
-- nothing has been sold for long, and what was sold is counted.
--
-- wrk ... -s buyers.lua URL -- RUN SKUS [sell-out]
--
-- RUN (at most 6 letters or digits) keeps apart the buyers of two runs.  Of
-- one product its sku is "hot", of K they are "sku0" to "skuK-1" in turn.

local ffi = require "ffi"

ffi.cdef [[
    int getpid(void);
    int kill(int pid, int signal);
]]

local SIGINT, THREADS_MAX = 2, 64
local REFUSALS_AT_END = 1024            -- in a row, to one thread
local threads = {}
local ended = ffi.new("volatile int[?]", THREADS_MAX)

function setup(thread)
    threads[#threads + 1] = thread
    thread:set("part", #threads)
    thread:set("ended_at", tonumber(ffi.cast("intptr_t", ended)))
    for _, each in ipairs(threads) do
        each:set("parts", #threads)
    end
end

function init(args)
    skus = tonumber(args[2]) or 1
    made, refused, others, in_a_row, count = 0, 0, 0, 0, 0
    part = part or 0

    -- A name of fixed length: all requests of a product are of one size, and
    -- only the two changing parts are put in.
    wrk.method = "POST"
    wrk.headers["Content-Type"] = "application/json"
    heads, tail = {}, '@buyers.example"}'
    for i = 0, skus - 1 do
        local sku = skus == 1 and "hot" or "sku" .. i
        local start = '{"sku":"' .. sku .. '","qty":1,"contact":"'
                      .. args[1] .. "-" .. part .. "-"
        wrk.body = start .. "00000000" .. tail
        local text = wrk.format()
        heads[i] = text:sub(1, #text - 8 - #tail)
    end
    if args[3] == "sell-out" then
        response = count_answer
    end
end

function request()
    count = count + 1
    return heads[count % skus] .. string.format("%08d", count) .. tail
end

function count_answer(status)
    if status == 201 then
        made, in_a_row = made + 1, 0
        return
    end
    if status == 409 then
        refused = refused + 1
    else
        others = others + 1
    end
    in_a_row = in_a_row + 1
    if in_a_row == REFUSALS_AT_END then
        end_part()
    end
end

-- wrk takes as long as it was told, whatever its threads do, but ends at once
-- when it is interrupted: which the last of them does.
function end_part()
    local all = ffi.cast("volatile int *", ended_at)
    all[part - 1] = 1
    for i = 0, parts - 1 do
        if all[i] == 0 then
            return
        end
    end
    ffi.C.kill(ffi.C.getpid(), SIGINT)
end

-- As checkout.lua says it, and what a sell-out counted.
function done(summary, latency)
    local sum = { made = 0, refused = 0, others = 0 }
    for _, thread in ipairs(threads) do
        for name in pairs(sum) do
            sum[name] = sum[name] + thread:get(name)
        end
    end
    io.write(string.format(
        "RESULT %d %d %d %d %d %d %d\nSOLD %d %d %d\n",
        summary.requests, summary.duration,
        summary.errors.status,
        summary.errors.connect + summary.errors.read + summary.errors.write
        + summary.errors.timeout,
        latency:percentile(50), latency:percentile(99),
        latency:percentile(99.9), sum.made, sum.refused, sum.others))
end
