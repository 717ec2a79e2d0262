package demo

import "fmt"

// wave is a number of customers who pay one after the other, and what must come of it.
type wave struct {
	name   string
	faults string // sets the bank's faults before; empty leaves them
	small  int    // payments that may be accepted without the bank
	large  int    // critical payments, which only the bank can accept
	hangs  bool   // nobody waits for the customer before: the bank hangs, and some are under way in the end
	back   bool   // waits as long as the open breaker says, and has all that was accepted settled
	claims func(now, sum Figures) []claim
	told   string
}

// claim is something that must be so.
type claim struct {
	what string
	so   bool
}

// fireBudget is the retry budget that the story is played with.
const fireBudget = 0.2

// The bank on fire. The policies of production make of it what it is, with a budget of
// a fifth for retries: 50 calls at the bank at once, of which 10 are for critical ones.
var fire = []wave{
	{
		name: "10 small payments", small: 10,
		claims: func(now, _ Figures) []claim {
			return []claim{{"all are paid", now.Paid == 10}, {"one request each", now.Asked == 10}}
		},
		told: "the bank is well",
	},
	{
		name: "50 small payments", small: 50, faults: `{"error_every": 2}`,
		claims: func(now, sum Figures) []claim {
			return []claim{
				{"nobody is turned away", now.Paid+now.Accepted == 50},
				{"a request each, and one for each retry", now.Asked == 50+now.Retries},
				{"some are retried", now.Retries > 0},
				{"no more than the budget", float64(now.Retries) <= fireBudget*float64(sum.Paid+sum.Accepted+sum.TurnedAway)},
				{"what it does not pay for is accepted", now.Accepted == now.OverBudget && now.Accepted == now.Fallbacks},
				{"the breaker is closed", now.Breaker == closed},
			}
		},
		told: "every second request fails: a fifth is retried, the rest accepted without the bank",
	},
	{
		name: "50 small payments", small: 50, faults: `{"latency": "1h"}`, hangs: true,
		claims: func(now, _ Figures) []claim {
			return []claim{
				{"40 are at the bank", now.UnderWay == 40 && now.Asked == 40 && now.Permits == 40},
				{"10 are shed, and accepted", now.Accepted == 10 && now.Fallbacks == 10 && now.Shed == 10+now.Retries},
			}
		},
		told: "the bank hangs: 40 wait for it, and what exceeds them is accepted without",
	},
	{
		name: "10 small, 10 large ones", small: 10, large: 10, hangs: true,
		claims: func(now, _ Figures) []claim {
			return []claim{
				{"the large ones are at the bank", now.UnderWay == 50 && now.Asked == 10 && now.Permits == 50},
				{"the small ones are shed, and accepted", now.Accepted == 10 && now.Shed == 10+now.Retries},
			}
		},
		told: "critical payments pass to the bank, while others are shed",
	},
	{
		name: "the bank comes to", faults: `{}`,
		claims: func(now, _ Figures) []claim {
			return []claim{{"who waited has paid", now.Paid == 50 && now.UnderWay == 0 && now.Permits == 0}, {"no more requests", now.Asked == 0}}
		},
		told: "all who waited have paid",
	},
	{
		name: "20 small, 5 large ones", small: 20, large: 5, faults: `{"outage": true}`,
		claims: func(now, _ Figures) []claim {
			return []claim{
				{"the small ones are accepted", now.Accepted == 20},
				{"the large ones are turned away", now.TurnedAway == 5},
				{"both asked the fallback", now.Fallbacks == 25},
				{"three requests, and an open breaker", now.Asked == 3 && now.Breaker == open},
			}
		},
		told: "the bank burns down: asked three times, then left alone; large payments get a 503",
	},
	{
		name: "settle what was accepted", faults: `{}`, back: true,
		claims: func(now, sum Figures) []claim {
			return []claim{
				{"all of it is settled", now.Settled == sum.Accepted && now.Asked == sum.Accepted},
				{"the breaker is closed", now.Breaker == closed},
				{"nobody has paid twice, and nobody for nothing", sum.Charges == sum.Paid+sum.Accepted},
			}
		},
		told: "the bank is rebuilt: everybody has paid once",
	},
}

// untrue lists the claims that are not so.
func (w wave) untrue(now, sum Figures) (wrong []string) {
	for _, c := range w.claims(now, sum) {
		if !c.so {
			wrong = append(wrong, fmt.Sprintf("not so: %s", c.what))
		}
	}
	return wrong
}
