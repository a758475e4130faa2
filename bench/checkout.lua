-- wrk: the same POST for every case, whatever answers it.  The body and the
-- headers are fixed, so that the generator costs the same in all cases.
--
-- wrk ... -s checkout.lua URL -- SKU [AGENT]

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

-- One line for the harness: statuses are counted by wrk itself.
function done(summary, latency, requests)
    io.write(string.format(
        "RESULT %d %d %d %d %d %d %d\n",
        summary.requests, summary.duration,
        summary.errors.status,
        summary.errors.connect + summary.errors.read + summary.errors.write
        + summary.errors.timeout,
        latency:percentile(50), latency:percentile(99),
        latency:percentile(99.9)))
end
