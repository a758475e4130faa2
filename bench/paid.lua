-- wrk: orders whose numbers are written to a file, or the notices that pay
-- them, each once; both end when the last is answered, before wrk would.
--
-- wrk -t1 ... -s paid.lua URL -- order SKU COUNT FILE [CHANNEL [AGENT]]
-- wrk -t1 ... -s paid.lua URL -- notice FILE         a path on each line

local file, sent, lines, looked_at
local left, awaited = 0, 0

function init(args)
    if args[1] == "order" then
        wrk.method = "POST"
        wrk.headers["Content-Type"] = "application/json"
        wrk.body = '{"sku":"' .. args[2]
                   .. '","qty":1,"contact":"buyer@example.com"'
                   .. (args[5] and ',"channel":"' .. args[5] .. '"' or "")
                   .. (args[6] and ',"agent":"' .. args[6] .. '"}' or "}")
        sent = wrk.format()
        left = tonumber(args[3])
        file = assert(io.open(args[4], "w"))

    else
        lines = io.lines(args[2])
        for _ in io.lines(args[2]) do
            left = left + 1
        end
    end
end

-- wrk takes the first one only to look at it.  A connection that has nothing
-- left to send asks for something harmless.
function request()
    if left == 0 or not looked_at then
        looked_at = true
        return wrk.format("GET", "/", {}, "")
    end
    left = left - 1
    awaited = awaited + 1
    return sent or wrk.format("GET", lines(), {}, "")
end

function response(status, headers, body)
    local number = body:match('"order":"([^"]+)"')
    if number then
        file:write(number, "\n")
        awaited = awaited - 1

    elseif body == "success" then
        awaited = awaited - 1
    end

    if left == 0 and awaited == 0 then
        if file then
            file:close()
        end
        os.exit(0)
    end
end
