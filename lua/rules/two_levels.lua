-- Commission for two levels of agents: a share each, no more than a cap an
-- order, nothing for buying by one's own link, nothing below a smallest
-- amount.  The platform's fee comes first; the rest is the merchant's.

local PLATFORM_PERCENT = 1
local AGENT_PERCENT, AGENT_CAP = 10, 5000
local ABOVE_PERCENT, ABOVE_CAP = 5, 2000
local SMALLEST = 100

function commission(o)
    local platform = percent(o.paid, PLATFORM_PERCENT)

    if not o.agent or o.own or o.paid < SMALLEST then
        return platform
    end

    local agent = math.min(percent(o.paid, AGENT_PERCENT), AGENT_CAP)
    local above = math.min(percent(o.paid, ABOVE_PERCENT), ABOVE_CAP)
    return platform, agent, above
end

examples = {
    { commission = { paid = 1000, agent = "anna", own = false },
      gives = { 10, 100, 50 } },
    -- odd amounts are rounded down, so that no cent is made
    { commission = { paid = 1999, agent = "anna", own = false },
      gives = { 19, 199, 99 } },
    { commission = { paid = 1000000, agent = "anna", own = false },
      gives = { 10000, 5000, 2000 } },
    { commission = { paid = 1000, agent = "anna", own = true },
      gives = { 10 } },
    { commission = { paid = 1000 }, gives = { 10 } },
    { commission = { paid = 99, agent = "anna", own = false },
      gives = { 0 } },
    { commission = { paid = 1, agent = "anna", own = false }, gives = { 0 } },
}
