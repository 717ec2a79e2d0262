package main

import (
	"fmt"
	"io"

	"github.com/cladgo/clad/examples/app/ledger"
	"github.com/cladgo/clad/examples/app/payments"
	"github.com/cladgo/clad/examples/app/wiring"
	"github.com/cladgo/clad/policy"
)

// welcome says what runs where, under which policies, and what to try.
func welcome(w io.Writer, s wiring.Settings, p profile, notes []string) {
	api := "http://" + s.API.Addr().String()
	books, err := ledger.New(s.DatabaseURL)
	if err != nil {
		return // it did not start
	}
	for _, note := range notes {
		if note != "" {
			fmt.Fprintln(w, note)
		}
	}
	fmt.Fprintf(w, "The payment service listens on %s, its bank is at %s.\n", api, s.BankURL)
	fmt.Fprintf(w, "Ledger:  %s\n", books)
	fmt.Fprintf(w, "Profile: %s\n", p.describe())
	fmt.Fprintf(w, "Console: %s%s\n\n", api, wiring.ConsolePath)
	showPolicies(w, p.Catalog())
	fmt.Fprintf(w, `
Try, in another terminal:

# a payment
curl -i %[1]s/payments -d '{"amount": 120.50, "currency": "EUR", "method": "credit_card"}'

# an outage of the bank: pay again, three times, and watch the breaker open (503 and Retry-After, at once)
curl -X PUT %[2]s/faults -d '{"outage": true}'

# the recovery: pay again when the Retry-After is over
curl -X PUT %[2]s/faults -d '{}'

Look at %[1]s%[3]s meanwhile: it shows what is down, since when, and what is done about it.
%[1]s/state has what the policies did as JSON, %[1]s/metrics the same for Prometheus. Ctrl-C stops.
`, api, s.BankURL, wiring.ConsolePath)
}

// showPolicies prints what is in force, each policy from the outside in.
func showPolicies(w io.Writer, c policy.Catalog) {
	fmt.Fprintln(w, "Policies of the profile, each from the outside in:")
	for _, used := range []struct{ name, by string }{
		{"api", "what comes in"},
		{"database", "payments.Ledger"},
		{"external_api", "payments.Gateway"},
		{"external_api_once", "payments.Gateway.Refund"},
		{"cache", "payments.Cache"},
	} {
		fmt.Fprintf(w, "  %-18s %s\n", used.name, used.by)
		showLayers(w, c, c.Policies[used.name])
	}
	fmt.Fprintln(w, "And around a payment what the domain declares, whatever the profile:")
	for _, method := range []payments.Method{payments.CreditCard, payments.BankTransfer, payments.Wallet} {
		fmt.Fprintf(w, "  %s\n", method)
		showLayers(w, c, payments.NewPaymentProcessor(payments.Payment{Method: method}, nil).ResiliencePolicy())
	}
}

func showLayers(w io.Writer, c policy.Catalog, p policy.Policy) {
	layers := policy.Layers(p)
	if len(layers) == 0 {
		layers = []policy.Policy{policy.None{}}
	}
	for _, layer := range layers {
		fmt.Fprintf(w, "  %18s %v\n", "", resolve(c, layer))
	}
}

// resolve returns what a layer that only names a breaker, limiter or bulkhead refers to.
func resolve(c policy.Catalog, layer policy.Policy) policy.Policy {
	switch named := layer.(type) {
	case policy.CircuitBreaker:
		if b, ok := c.CircuitBreakers[named.Name]; ok {
			b.Name = named.Name
			return b
		}
	case policy.RateLimit:
		if l, ok := c.RateLimiters[named.Name]; ok {
			l.Name = named.Name
			return l
		}
	case policy.Bulkhead:
		if b, ok := c.Bulkheads[named.Name]; ok {
			b.Name = named.Name
			return b
		}
	}
	return layer
}
