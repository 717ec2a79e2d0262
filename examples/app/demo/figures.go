package demo

import (
	"context"
	"fmt"

	"github.com/cladgo/clad/container/console"
)

// Figures are what customers were told, what the bank has counted, and what the console
// says of the way to the bank: of a wave, or of all so far.
type Figures struct {
	Paid       int // customers who got a 201
	Accepted   int // a 202
	TurnedAway int // anything else
	Settled    int // accepted payments that were charged later

	Asked   int // requests that reached the bank
	Charges int // payments that it took

	Retries    int
	OverBudget int // retries that the budget did not allow
	Shed       int // attempts turned away because they were not critical
	Fallbacks  int // operations whose fallback was asked

	// How it is in the end.
	UnderWay int // customers who wait
	Permits  int // in use, of the bulkhead before the bank
	Breaker  string
}

// since returns what came after before.
func (f Figures) since(before Figures) Figures {
	f.Paid -= before.Paid
	f.Accepted -= before.Accepted
	f.TurnedAway -= before.TurnedAway
	f.Settled -= before.Settled
	f.Asked -= before.Asked
	f.Charges -= before.Charges
	f.Retries -= before.Retries
	f.OverBudget -= before.OverBudget
	f.Shed -= before.Shed
	f.Fallbacks -= before.Fallbacks
	return f
}

// console reads what the console says, as its page does.
func (p *player) console(ctx context.Context, f *Figures) error {
	var s console.State
	if err := p.get(ctx, p.Console+"api/state", &s); err != nil {
		return err
	}
	found := 0
	for _, service := range s.Services {
		for _, m := range service.Methods {
			if service.Name == p.Gateway && m.Name == "Charge" {
				t := m.Totals
				f.Retries, f.OverBudget, f.Shed, f.Fallbacks = int(t.Retries), int(t.RetryBudget), int(t.Shed), int(t.Fallbacks)
				found++
			}
		}
	}
	for _, b := range s.CircuitBreakers {
		if b.Name == p.Gateway {
			f.Breaker = b.State
			found++
		}
	}
	for _, b := range s.Bulkheads {
		if b.Name == p.Gateway {
			f.Permits = b.InUse
			found++
		}
	}
	if found != 3 {
		return fmt.Errorf("the console does not show %s with its breaker and bulkhead", p.Gateway)
	}
	return nil
}
