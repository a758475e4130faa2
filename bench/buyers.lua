-- wrk: orders of many buyers, for shops with a limit for each; who is sent what
-- is the same for every shop.  With "sell-out" it ends once nothing has been
-- sold for long, and what was sold is counted; then each buyer comes five times
-- in a row, so that a limit has somebody to refuse.
--
-- wrk ... -s buyers.lua URL -- RUN SKUS [agent=NAME] [close] [sell-out]
--
-- RUN (at most 6 letters or digits) keeps apart the buyers of two runs.  Of
-- one product its sku is "hot", of K they are "sku0" to "skuK-1" in turn;
-- what is no number is the sku of one product.  "close": a connection each.

dofile(debug.getinfo(1, "S").source:match("^@(.*/)") .. "ending.lua")

local REFUSALS, QUIET_US = 1024, 1e6     -- in a row, to one thread; its end
local TIMES = 5                         -- that a buyer of a sell-out comes
local REQUESTS = 40000                  -- of a thread, before it starts again:
                                        -- of 10,000 products as many of each

setup = ending.setup

-- All requests are made before the clock starts, for to make one costs as much
-- as to send it.  What differs is at the end: LuaJIT keeps each string once, and
-- finds it by a hash that leaves out much of a long one, but not its end;
-- requests that differ elsewhere would all be compared with each other.
function init(args)
    local more = {}
    for i = 3, #args do
        local name, value = args[i]:match("^([^=]+)=?(.*)$")
        more[name] = value
    end
    made, others, in_a_row, at = 0, 0, 0, 0

    wrk.method = "POST"
    wrk.headers["Content-Type"] = "application/json"
    wrk.headers["Connection"] = more.close and "close" or nil
    local skus = tonumber(args[2]) or 1
    local times = more["sell-out"] and TIMES or 1
    local agent = more.agent and '"agent":"' .. more.agent .. '",' or ""
    local heads = {}
    for i = 0, skus - 1 do
        wrk.body = string.format('{"sku":"%s","qty":1,%s'
            .. '"contact":"buyer@%s-%d-00000000"}', not tonumber(args[2])
            and args[2] or skus == 1 and "hot" or "sku" .. i, agent, args[1],
            part)
        heads[i] = wrk.format():sub(1, -#'00000000"}' - 1)
    end
    requests = {}
    for i = 1, REQUESTS do
        requests[i] = heads[i % skus]
            .. string.format('%08d"}', math.floor(i / times))
    end
    if more["sell-out"] then
        response = count_answer
    end
end

request = ending.request(function()
    at = at % REQUESTS + 1
    return requests[at]
end)

-- A refusal is quick, and an order may still be on its way to a disk: so there
-- has to be nothing but refusals for a while.
function count_answer(status)
    if status == 201 then
        made, in_a_row, quiet_since = made + 1, 0, nil
        return
    end
    others = others + (status == 409 and 0 or 1)
    in_a_row = in_a_row + 1
    if in_a_row == REFUSALS then
        in_a_row = 0
        quiet_since = quiet_since or ending.now_us()
        if ending.now_us() - quiet_since >= QUIET_US then
            ending.done()
        end
    end
end

-- And what a sell-out counted.
function done(summary, latency)
    local sum = { made = 0, others = 0 }
    for _, thread in ipairs(ending.threads) do
        for name in pairs(sum) do
            sum[name] = sum[name] + thread:get(name)
        end
    end
    ending.result(summary.requests, ending.since_us(), summary, latency)
    io.write(string.format("SOLD %d %d\n", sum.made, sum.others))
end
