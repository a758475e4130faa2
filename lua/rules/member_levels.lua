-- Member levels by RFM: how recently, how often and for how much a contact has
-- bought.  Each of the three gives 0 to 2 points, and the points a discount.
-- A level that the operator has given counts in any case.

local OFF_BY_LEVEL = { silver = 3, gold = 5, vip = 10 }
local OFF_BY_POINTS = { [0] = 0, 0, 1, 2, 3, 5, 8 }

local function points(value, some, many)
    if value >= many then return 2 end
    if value >= some then return 1 end
    return 0
end

local function recency(days)
    if not days then return 0 end
    if days <= 7 then return 2 end
    if days <= 30 then return 1 end
    return 0
end

function price(o)
    local rfm = recency(o.buyer_days)
                + points(o.buyer_orders, 3, 10)
                + points(o.buyer_spent, 50000, 200000)

    -- Whoever bought once, a year ago, has shown nothing.
    local off = OFF_BY_POINTS[o.buyer_orders > 0 and rfm or 0]
    return percent(o.total, 100 - math.max(off, OFF_BY_LEVEL[o.level] or 0))
end

examples = {
    { price = { total = 1000, buyer_orders = 0, buyer_spent = 0 },
      gives = 1000 },
    { price = { total = 1000, buyer_orders = 1, buyer_spent = 900,
                buyer_days = 3 }, gives = 990 },
    { price = { total = 1000, buyer_orders = 4, buyer_spent = 60000,
                buyer_days = 20 }, gives = 980 },
    { price = { total = 1000, buyer_orders = 12, buyer_spent = 300000,
                buyer_days = 1 }, gives = 920 },
    { price = { total = 1000, buyer_orders = 12, buyer_spent = 300000,
                buyer_days = 200 }, gives = 970 },
    { price = { total = 1000, buyer_orders = 0, buyer_spent = 0,
                level = "vip" }, gives = 900 },
}
