-- POST /checkout in nginx: one EVALSHA a request, over a kept connection of
-- this worker's pool.

local cjson = require "cjson.safe"
local ffi = require "ffi"
local redis = require "nginx.redis"
local encode_base64url = require("ngx.base64").encode_base64url

local SHA, SOCKET, ORIGIN = "@SHA@", "unix:@SOCKET@", "@ORIGIN@"
local TIMEOUT_MS, IDLE_MS, POOL = 10000, 60000, 256
local TOKEN_BYTES, HOLD_S, QTY_MAX = 32, 3600, 5
local PAY_KEY = "bench-gateway-key-0123456789"
local ESCAPED = ngx.escape_uri(ORIGIN)
local STATUS = { not_found = 404, sold_out = 409, limit_reached = 409 }

local file = assert(io.open("@SCRIPT@"))
local SCRIPT = file:read("*a")
file:close()

ffi.cdef [[
    int RAND_bytes(unsigned char *buf, int num);
    typedef struct {
        uint32_t number[2];
        unsigned char token[32];
    } shop_random_t;
]]

local random = ffi.new("shop_random_t")
local random_bytes = ffi.cast("unsigned char *", random)


local function answer(status, kind, body)
    ngx.status = status
    ngx.header["Content-Type"] = kind
    ngx.header["Content-Length"] = #body
    ngx.header["Cache-Control"] = "no-store"
    ngx.print(body)
end


local function refuse(status, code)
    answer(status, "application/problem+json",
           '{"type":"about:blank","title":"' .. code .. '","status":'
           .. status .. ',"code":"' .. code .. '"}')
end


local function field_ok(text, length_max)
    return type(text) == "string" and #text > 0 and #text <= length_max
           and not text:find("[%s%c]")
end


local function read_wanted()
    ngx.req.read_body()
    local wanted = cjson.decode(ngx.req.get_body_data() or "")

    if type(wanted) ~= "table" or not field_ok(wanted.sku, 64)
       or not field_ok(wanted.contact, 128)
    then
        return nil
    end

    local qty = wanted.qty
    if type(qty) ~= "number" or qty % 1 ~= 0 or qty < 1 or qty > QTY_MAX then
        return nil
    end
    return wanted
end


-- An order's number starts with the time, as in shops whose tables are sorted
-- by it; the token is what proves the buyer.

local function new_order(now)
    if ffi.C.RAND_bytes(random_bytes, ffi.sizeof(random)) ~= 1 then
        return nil
    end
    return string.format("%011x%08x%07x", now * 1000, random.number[0],
                         random.number[1] % 0x10000000),
           encode_base64url(ffi.string(random.token, TOKEN_BYTES))
end


local function run(red, command, script, wanted, order, token, now)
    local sku = wanted.sku

    return red[command](red, script, 4, "product:" .. sku, "cards:" .. sku,
                        "bought:" .. sku, "order:" .. order, sku, wanted.qty,
                        wanted.contact, token, now)
end


local function take(wanted, order, token, now)
    local red = redis:new()
    red:set_timeout(TIMEOUT_MS)

    local ok, err = red:connect(SOCKET, { pool_size = POOL })
    if not ok then
        return nil, err
    end

    local said
    said, err = run(red, "evalsha", SHA, wanted, order, token, now)
    if not said and err and err:find("NOSCRIPT", 1, true) then
        said, err = run(red, "eval", SCRIPT, wanted, order, token, now)
    end
    if said then
        red:set_keepalive(IDLE_MS, POOL)
    else
        red:close()
    end
    return said, err
end


local function pay_url(order, amount)
    local yuan = string.format("%d.%02d", amount / 100, amount % 100)
    local sign = ngx.md5("money=" .. yuan .. "&name=order&notify_url="
                         .. ORIGIN .. "/notify/epay&out_trade_no=" .. order
                         .. "&pid=1000&return_url=" .. ORIGIN .. "/return/"
                         .. order .. PAY_KEY)
    return ORIGIN .. "/submit.php?money=" .. yuan
           .. "&name=order&notify_url=" .. ESCAPED
           .. "%2Fnotify%2Fepay&out_trade_no=" .. order
           .. "&pid=1000&return_url=" .. ESCAPED .. "%2Freturn%2F" .. order
           .. "&sign_type=MD5&sign=" .. sign
end


local function checkout()
    if ngx.req.get_method() ~= "POST" then
        return refuse(405, "method_not_allowed")
    end

    local wanted = read_wanted()
    if not wanted then
        return refuse(400, "invalid_request")
    end

    local now = ngx.now()
    local created_at = math.floor(now)
    local order, token = new_order(now)
    if not order then
        return refuse(500, "no_random")
    end

    local said, err = take(wanted, order, token, created_at)
    if not said then
        ngx.log(ngx.ERR, "redis: ", err)
        return refuse(503, "unavailable")
    end
    if said[1] ~= "ok" then
        return refuse(STATUS[said[1]], said[1])
    end

    answer(201, "application/json", '{"order":"' .. order .. '","token":"'
           .. token .. '","status":"awaiting_payment","sku":"' .. wanted.sku
           .. '","qty":' .. wanted.qty .. ',"amount":' .. said[2]
           .. ',"currency":"' .. said[3] .. '","created_at":' .. created_at
           .. ',"expires_at":' .. created_at + HOLD_S
           .. ',"pay":{"method":"redirect","url":"'
           .. pay_url(order, said[2]) .. '"}}')
end


return { checkout = checkout }
