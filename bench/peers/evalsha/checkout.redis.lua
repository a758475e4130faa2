-- A checkout in one step.  Redis runs scripts one after the other, so what is
-- read here is still true when it is written.
--
-- KEYS  product:SKU  cards:SKU  bought:SKU  order:ID
-- ARGV  sku  qty  contact  token  created_at
-- Answers "ok", amount, currency, or the code of the refusal alone.

local product = redis.call("HMGET", KEYS[1], "price", "currency", "limit")
if not product[1] then
    return { "not_found" }
end

local qty, limit = tonumber(ARGV[2]), tonumber(product[3])

if redis.call("LLEN", KEYS[2]) < qty then
    return { "sold_out" }
end

if limit > 0 then
    local bought = tonumber(redis.call("HGET", KEYS[3], ARGV[3]) or 0)
    if bought + qty > limit then
        return { "limit_reached" }
    end
    redis.call("HINCRBY", KEYS[3], ARGV[3], qty)
end

local cards = redis.call("LPOP", KEYS[2], qty)
local amount = product[1] * qty

redis.call("HSET", KEYS[4], "sku", ARGV[1], "qty", qty, "contact", ARGV[3],
           "amount", amount, "token", ARGV[4],
           "cards", table.concat(cards, ","), "created_at", ARGV[5])

return { "ok", amount, product[2] }
