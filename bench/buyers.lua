-- wrk: orders of buyers who differ, for shops with a limit for each; who is
-- sent what is the same for every shop.  With "sell-out" it ends once
-- nothing has been sold for long, and what was sold is counted; then each
-- buyer comes five times in a row, so that a limit has somebody to refuse.
--
-- wrk ... -s buyers.lua URL -- RUN SKUS [agent=NAME] [close] [sell-out]
--
-- RUN (at most 6 letters or digits) keeps apart the buyers of two runs.  Of
-- one product its sku is "hot", of K they are "sku0" to "skuK-1" in turn;
-- what is no number is the sku of one product.  "close": a connection each.

dofile(debug.getinfo(1, "S").source:match("^@(.*/)") .. "ending.lua")

local REFUSALS_AT_END = 1024            -- in a row, to one thread
local TIMES = 5                         -- that a buyer of a sell-out comes

setup = ending.setup

function init(args)
    local more = {}
    for i = 3, #args do
        local name, value = args[i]:match("^([^=]+)=?(.*)$")
        more[name] = value
    end
    made, refused, others, in_a_row, count = 0, 0, 0, 0, 0
    each = more["sell-out"] and TIMES or 1
    part = part or 0

    -- A name of fixed length, so that all requests of a product are of one
    -- size, and its number at the very end: LuaJIT's hash of a string looks at
    -- the last four bytes and at few others, so without that all requests that
    -- are not yet collected would stand in one chain, which each new one has
    -- to be compared with.
    wrk.method = "POST"
    wrk.headers["Content-Type"] = "application/json"
    wrk.headers["Connection"] = more.close and "close" or nil
    heads, tail = {}, '"}'
    skus = tonumber(args[2]) or 1
    for i = 0, skus - 1 do
        local sku = not tonumber(args[2]) and args[2]
                    or skus == 1 and "hot" or "sku" .. i
        local start = '{"sku":"' .. sku .. '","qty":1,'
                      .. (more.agent and '"agent":"' .. more.agent .. '",'
                          or "")
                      .. '"contact":"buyer@' .. args[1] .. "-" .. part .. "-"
        wrk.body = start .. "00000000" .. tail
        local text = wrk.format()
        heads[i] = text:sub(1, #text - 8 - #tail)
    end
    if more["sell-out"] then
        response = count_answer
    end
end

function request()
    count = count + 1
    return heads[count % skus]
           .. string.format("%08d", (count - count % each) / each) .. tail
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
        ending.done()
    end
end

-- And what a sell-out counted.
function done(summary, latency)
    local sum = { made = 0, refused = 0, others = 0 }
    for _, thread in ipairs(ending.threads) do
        for name in pairs(sum) do
            sum[name] = sum[name] + thread:get(name)
        end
    end
    ending.result(summary.requests, summary.duration, summary, latency)
    io.write(string.format("SOLD %d %d %d\n", sum.made, sum.refused,
                           sum.others))
end
