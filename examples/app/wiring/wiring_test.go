package wiring_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cladgo/clad/examples/app/cache"
	"github.com/cladgo/clad/examples/app/gateway"
	"github.com/cladgo/clad/examples/app/internal/pgtest"
	"github.com/cladgo/clad/examples/app/ledger"
	"github.com/cladgo/clad/examples/app/payments"
	"github.com/cladgo/clad/examples/app/wiring"
	"github.com/cladgo/clad/module"
	"github.com/cladgo/clad/policy"
	"go.uber.org/fx"
)

// Who asks for a dependency gets it wrapped, and can reach what is inside.
func TestDependenciesComeOutWrapped(t *testing.T) {
	var (
		g payments.Gateway
		l payments.Ledger
		c payments.Cache
	)
	r := start(t, unprotected(), fx.Populate(&g, &l, &c))
	if inner, ok := unwrap(g).(*gateway.Client); !ok {
		t.Errorf("the gateway is %T in a %T", inner, g)
	}
	if inner, ok := unwrap(l).(*ledger.DB); !ok {
		t.Errorf("the ledger is %T in a %T", inner, l)
	}
	if inner, ok := unwrap(c).(*cache.Memory); !ok {
		t.Errorf("the cache is %T in a %T", inner, c)
	}
	if a := r.pay("1"); a.status != 201 {
		t.Error(a)
	}
}

func unwrap[T any](wrapped T) any {
	if u, ok := any(wrapped).(interface{ Unwrap() T }); ok {
		return u.Unwrap()
	}
	return nil
}

// Each method of each dependency is an operation of its own.
func TestMethodsAreOperations(t *testing.T) {
	c := unprotected()
	for name := range c.Policies {
		c.Policies[name] = policy.Retry{}
	}
	r := start(t, c)
	r.pay("1")
	r.find("1")
	r.find("1")
	r.refund("1")
	m := r.metrics()
	for id, want := range map[string]uint64{
		"api": 4, "payments.charge.bank_transfer": 1,
		"payments.Gateway.Charge": 1, "payments.Gateway.Refund": 1,
		"payments.Ledger.Open": 1, "payments.Ledger.Find": 2, "payments.Ledger.Move": 3,
		"payments.Cache.Get": 2, "payments.Cache.Put": 1, "payments.Cache.Forget": 3,
	} {
		if got := m.Operations[id]; got.TotalOperations != want || got.SuccessfulOperations != want {
			t.Errorf("%s: %+v; want %d", id, got, want)
		}
	}
}

// A payment was doubled by a retry: the bank had taken the money, and its answer
// was lost on the way.
func TestRetriedChargeIsNotADoubledPayment(t *testing.T) {
	r := start(t, with("external_api", policy.Retry{Backoff: policy.Fixed(0)}))
	r.faults(`{"lost_rate": 1, "requests": 2}`)
	if a := r.pay("1"); a.status != 201 {
		t.Fatal(a)
	}
	if s := r.statement(); s.Requests != 3 || s.Charges != 1 || s.Cents != 100_00 {
		t.Errorf("the bank's books: %+v", s)
	}
}

// A bank that was down got three times its load, just then.
func TestABankThatIsDownIsAskedWithinTheBudget(t *testing.T) {
	r := start(t, with("external_api", policy.Retry{Backoff: policy.Fixed(0), Budget: 0.2}))
	r.faults(`{"outage": true}`)
	const payments = 100
	for range payments {
		if a := r.pay(""); a.status < 500 {
			t.Fatal(a)
		}
	}
	// A fifth, and a few where this takes so long that there may be one for each window.
	if s := r.statement(); s.Requests <= payments || s.Requests > payments*13/10 {
		t.Errorf("the bank was asked %d times for %d payments", s.Requests, payments)
	}
	if m := r.metrics().Operations["payments.Gateway.Charge"]; m.RetryBudgetHits == 0 {
		t.Errorf("the metrics say nothing of it: %+v", m)
	}
}

// The retries of the gateway's policy paid a refund three times.
func TestRefundIsNotRepeated(t *testing.T) {
	r := start(t, with("external_api", policy.Retry{Backoff: policy.Fixed(0)}))
	r.pay("1")
	r.faults(`{"lost_rate": 1}`)
	if a := r.refund("1"); a.status != 502 {
		t.Errorf("got %+v", a)
	}
	r.faults(`{}`)
	if a := r.refund("1"); a.status != 409 { // nobody knows; no program may try again
		t.Errorf("again: %+v", a)
	}
	if s := r.statement(); s.Refunds != 1 || s.Cents != 0 {
		t.Errorf("the bank's books: %+v", s)
	}
	if got := r.find("1").json(t)["status"]; got != "refunding" {
		t.Errorf("status %v", got)
	}
}

func TestSameKeyIsSamePayment(t *testing.T) {
	r := start(t, unprotected())
	first := r.pay("")
	if first.status != 201 || first.key == "" {
		t.Fatal(first)
	}
	again := r.pay(first.key)
	if again.status != 200 || again.body != first.body || r.statement().Charges != 1 {
		t.Errorf("got %+v; want %s", again, first.body)
	}
	if got := r.find(first.key).body; got != first.body {
		t.Errorf("found %s", got)
	}
}

// With the repository's own profiles: production asks a bank that is down twice,
// and then its breaker; development leaves it to what the domain declares.
func TestProfilesDiffer(t *testing.T) {
	for name, want := range map[string]struct {
		statuses []int
		small    int // the status of a small payment by card, then
		asked    int
		breaker  string
		recovery string
	}{
		"production":  {[]int{502, 503, 503}, 202, 3, "payments.Gateway", "5"},
		"development": {[]int{502, 503, 503}, 503, 5, "payments.charge.credit_card", "30"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, profile(t, name))
			r.faults(`{"outage": true}`)
			var last answer
			for _, status := range want.statuses {
				if last = r.must("POST", r.api+"/payments", "", order("100", "credit_card")); last.status != status {
					t.Errorf("got %+v; want %d", last, status)
				}
			}
			if s := r.statement(); s.Requests != want.asked || last.retryAfter != want.recovery {
				t.Errorf("asked %d times, Retry-After %s; want %d, %s", s.Requests, last.retryAfter, want.asked, want.recovery)
			}
			if state := r.metrics().CircuitBreakers[want.breaker].State; state != "open" {
				t.Errorf("breaker %s: %q", want.breaker, state)
			}
			// Small payments go on, unless it is the domain's breaker that is open.
			for method, status := range map[string]int{"wallet": 202, "credit_card": want.small} {
				if a := r.must("POST", r.api+"/payments", "", order("4.20", method)); a.status != status {
					t.Errorf("a small payment by %s: %+v; want %d", method, a, status)
				}
			}
		})
	}
}

func TestPostgreSQL(t *testing.T) {
	s := settings(t)
	s.DatabaseURL = pgtest.URL(t)
	r := startWith(t, s, profile(t, "production"))
	if a := r.pay("1"); a.status != 201 {
		t.Fatal(a)
	}
	if a := r.refund("1"); a.status != 200 || a.json(t)["status"] != "refunded" {
		t.Error(a)
	}
	if a := r.find("1"); a.json(t)["status"] != "refunded" {
		t.Error(a)
	}
}

// Fx's own check finds what is missing in a profile, without running anything.
func TestValidateAppFindsAMissingPolicy(t *testing.T) {
	for _, name := range []string{"production", "development"} {
		if err := fx.ValidateApp(wiring.App(settings(t), module.WithConfigDir("../../../configs"), module.WithProfile(name))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for missing := range unprotected().Policies {
		c := unprotected()
		delete(c.Policies, missing)
		err := fx.ValidateApp(wiring.App(settings(t), module.WithCatalog(c)))
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q", missing)) {
			t.Errorf("without %s: %v", missing, err)
		}
	}
}
