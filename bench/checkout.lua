-- wrk: the same POST for every case, whatever answers it.  The body and the
-- headers are fixed, so that the generator costs the same in all cases.
--
-- wrk ... -s checkout.lua URL -- SKU [AGENT]

dofile(debug.getinfo(1, "S").source:match("^@(.*/)") .. "ending.lua")

local sent

function init(args)
    wrk.method = "POST"
    wrk.headers["Content-Type"] = "application/json"
    wrk.body = '{"sku":"' .. (args[1] or "hot")
               .. '","qty":1,"contact":"buyer@example.com"'
               .. (args[2] and ',"agent":"' .. args[2] .. '"}' or "}")
    sent = wrk.format()
end

function request()
    return sent
end

function done(summary, latency, requests)
    ending.result(summary.requests, summary.duration, summary, latency)
end
