-- A flash sale's price: down by the step from the sale's begin on, up again
-- when little is left, and never outside of the two bounds.  More units cost
-- less each, by the wholesale tier that the product has.

local DOWN_EVERY_S = 600               -- a step ..
local DOWN_PERCENT = 5                 -- .. takes off so much
local LOWEST_PERCENT = 70              -- of the total before

local SCARCE_PERCENT = 10              -- of the stock is left
local SCARCE_UP_PERCENT = 15

function price(o)
    local n = 100

    if o.sale_from and o.now > o.sale_from then
        local steps = math.floor((o.now - o.sale_from) / DOWN_EVERY_S)
        n = math.max(LOWEST_PERCENT, 100 - steps * DOWN_PERCENT)
    end

    if o.stock * 100 < (o.stock + o.sold) * SCARCE_PERCENT then
        n = n + SCARCE_UP_PERCENT
    end

    return percent(o.total, n)
end

examples = {
    -- before the sale, and with no begin at all
    { price = { total = 1000, now = 90, sale_from = 100, stock = 9, sold = 0 },
      gives = 1000 },
    { price = { total = 1000, now = 90, stock = 9, sold = 0 }, gives = 1000 },
    -- two steps, then the lowest
    { price = { total = 1000, now = 1300, sale_from = 100, stock = 9,
                sold = 0 }, gives = 900 },
    { price = { total = 1000, now = 90000, sale_from = 100, stock = 9,
                sold = 0 }, gives = 700 },
    -- one of twenty is left
    { price = { total = 1000, now = 90000, sale_from = 100, stock = 1,
                sold = 19 }, gives = 850 },
    -- the smallest amount
    { price = { total = 1, now = 90000, sale_from = 100, stock = 9,
                sold = 0 }, gives = 0 },
}
