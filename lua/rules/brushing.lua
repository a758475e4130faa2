-- Risk: brushing (orders that only make a shop or an agent look busy), bots
-- and stolen money.  Each sign has its weight; what they come to decides.

local REVIEW_AT, REFUSE_AT = 50, 100
local THROWAWAY = { "mailinator.com", "guerrillamail.com", "10minutemail.com" }

local BELOW = {}                       -- the domains below these
for i, name in ipairs(THROWAWAY) do BELOW[i] = "." .. name end

local function throwaway(domain)
    for i, name in ipairs(THROWAWAY) do
        if domain == name or domain:ends_with(BELOW[i]) then return true end
    end
    return false
end

local function add(sum, why, weight, reason)
    return sum + weight, why and why .. ", " .. reason or reason
end

function risk(o)
    local sum, why = 0, nil

    if o.ip_1m > 20 then
        sum, why = add(sum, why, 100, "orders of one network in a minute")
    end
    if o.contact_1m > 5 then
        sum, why = add(sum, why, 60, "orders of one contact in a minute")
    end
    if o.contact_1h > 20 then
        sum, why = add(sum, why, 60, "orders of one contact in an hour")
    end

    -- Many orders of one agent, and hardly anybody else buys this product.
    if o.agent and o.agent_1h > 20 and o.agent_1h * 10 > o.sku_1h * 9 then
        sum, why = add(sum, why, 60, "nearly all orders come by one agent")
    end

    if o.domain and throwaway(o.domain) then
        sum, why = add(sum, why, 30, "a throwaway address")
    end
    if o.first_order and o.total > 100000 then
        sum, why = add(sum, why, 50, "the first order, and large")
    end
    if o.pay_s and o.pay_s < 2 then
        sum, why = add(sum, why, 20, "paid within two seconds")
    end

    if sum >= REFUSE_AT then return "refuse", why end
    if sum >= REVIEW_AT then return "review", why end
    return "pass"
end

local function order(with)
    local o = { ip_1m = 1, contact_1m = 1, contact_1h = 1, agent_1h = 0,
                sku_1h = 10, total = 1000, first_order = true,
                domain = "example.com" }
    for name, value in pairs(with) do o[name] = value end
    return o
end

examples = {
    { risk = order { }, gives = "pass" },
    { risk = order { ip_1m = 21 }, gives = "refuse" },
    { risk = order { contact_1m = 6 }, gives = "review" },
    { risk = order { total = 100001 }, gives = "review" },
    { risk = order { total = 100001, first_order = false }, gives = "pass" },
    { risk = order { domain = "x.mailinator.com" }, gives = "pass" },
    { risk = order { domain = "mailinator.com", pay_s = 1 },
      gives = "review" },
    { risk = order { agent = "anna", agent_1h = 30, sku_1h = 31 },
      gives = "review" },
    { risk = order { agent = "anna", agent_1h = 30, sku_1h = 100 },
      gives = "pass" },
    { risk = order { contact_1m = 6, total = 100001 }, gives = "refuse" },
}
