-- wrk: so many orders, and the time until the last was answered.  FILE.1 and
-- so on, one of each thread, get "ORDER TOKEN" of each.  What differs is at
-- the end, as in buyers.lua.
--
-- wrk -t2 ... -s orders.lua URL -- RUN SKU COUNT FILE [CHANNEL [AGENT]]

dofile(debug.getinfo(1, "S").source:match("^@(.*/)") .. "ending.lua")

local file, head, tail
local count = 0

function setup(thread)
    ending.setup(thread)
    thread:set("made", 0)
    thread:set("others", 0)
end

function init(args)
    wanted = math.ceil(tonumber(args[3]) / ending.THREADS)
    file = assert(io.open(args[4] .. "." .. part, "w"))
    wrk.method = "POST"
    wrk.headers["Content-Type"] = "application/json"
    tail = '"}'
    wrk.body = '{"sku":"' .. args[2] .. '","qty":1,'
        .. (args[5] and '"channel":"' .. args[5] .. '",' or "")
        .. (args[6] and '"agent":"' .. args[6] .. '",' or "")
        .. '"contact":"buyer@' .. args[1] .. "-" .. part .. "-00000000" .. tail
    head = wrk.format()
    head = head:sub(1, #head - 8 - #tail)
    idle = wrk.format("GET", "/", {}, "")
end

-- A connection that has nothing left to send asks for what is not there.
request = ending.request(function()
    if count == wanted then
        return idle
    end
    count = count + 1
    return head .. string.format("%08d", count) .. tail
end)

function response(status, headers, body)
    local order, token = body:match('^{"order":"([^"]+)","token":"([^"]+)"')
    if not order then
        others = others + (status == 404 and 0 or 1)
        return
    end
    file:write(order, " ", token, "\n")
    made = made + 1
    if made == wanted then
        file:close()
        wrk.thread:stop()
        ending.done()
    end
end

function done(summary, latency)
    local sum = { made = 0, others = 0 }
    for _, thread in ipairs(ending.threads) do
        for name in pairs(sum) do
            sum[name] = sum[name] + thread:get(name)
        end
    end
    summary.errors.status = sum.others
    ending.result(sum.made, ending.took_us(), summary, latency)
end
