-- What the bench asks at each checkout: a price by quantity and level, a risk
-- by rates; the split is asked at a payment.

local off = { silver = 5, gold = 10 }

function price(o)
    local percent_off = off[o.level] or 0
    if o.qty >= 5 then
        percent_off = percent_off + 5
    end
    return percent(o.total, 100 - percent_off)
end

function commission(o)
    if o.own then
        return 0
    end
    return 0, percent(o.paid, 10), percent(o.paid, 5)
end

function risk(o)
    if o.domain == "spam.example" then
        return "refuse", "nobody from there"
    end
    if o.total > 100000 or o.agent_1m > 1000000000 then
        return "review", "a large order"
    end
    return "pass"
end

examples = {
    { price = { qty = 5, total = 1000 }, gives = 950 },
    { commission = { own = false, paid = 1000 }, gives = { 0, 100, 50 } },
    { risk = { total = 100001 }, gives = "review" },
}
