package container_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cladgo/clad/policy"
)

// Breakers were once kept by their numbers: two operations with equal settings
// shared one, and the failures of one stopped the other.
func TestEqualNumbersShareNothing(t *testing.T) {
	virtual(t, func(t *testing.T) {
		o := newOrchestrator(t, policy.Catalog{})
		p := policy.Combine(policy.RateLimit{RequestsPerSecond: 0.001, Burst: 4}, policy.CircuitBreaker{FailureThreshold: 2})
		a, b := pipelineFor(t, o, "a", p), pipelineFor(t, o, "b", p)
		_ = a.Run(t.Context(), always(errDown))
		_ = a.Run(t.Context(), always(errDown))
		wantIs(t, a.Run(t.Context(), works), policy.ErrCircuitOpen)
		for range 4 {
			if err := b.Run(t.Context(), works); err != nil {
				t.Errorf("the other operation: %v", err)
			}
		}
		wantIs(t, b.Run(t.Context(), works), policy.ErrRateLimited)
	})
}

// Or every call made a new one, which had no memory.
func TestAPolicyBuiltAnewAtEachCallKeepsItsState(t *testing.T) {
	virtual(t, func(t *testing.T) {
		o := newOrchestrator(t, policy.Catalog{})
		run := func(fn func(context.Context) error) error {
			p := policy.Combine(policy.Retry{MaxAttempts: 1}, policy.RateLimit{RequestsPerSecond: 0.001, Burst: 9}, policy.CircuitBreaker{FailureThreshold: 3}, policy.Timeout(time.Second))
			_, err := policy.ExecuteWith(t.Context(), o, "op", p, func(ctx context.Context) (int, error) { return 0, fn(ctx) })
			return err
		}
		for range 3 {
			_ = run(always(errDown))
		}
		wantIs(t, run(works), policy.ErrCircuitOpen)
		time.Sleep(30 * time.Second)
		for range 3 {
			if err := run(works); err != nil {
				t.Error(err)
			}
		}
	})
}

// A closure is equal to itself alone, so a policy with one made anew never finds
// its pipeline again; its breaker it must.
func TestAPolicyWithANewClosureKeepsItsBreaker(t *testing.T) {
	o := newOrchestrator(t, policy.Catalog{})
	for n := range 200 {
		p := policy.Combine(policy.Retry{MaxAttempts: 1, RetryIf: func(error) bool { return n < 0 }}, policy.CircuitBreaker{FailureThreshold: 200})
		_, _ = policy.ExecuteWith(t.Context(), o, "op", p, func(context.Context) (int, error) { return 0, errDown })
	}
	p := policy.Combine(policy.CircuitBreaker{FailureThreshold: 200})
	_, err := policy.ExecuteWith(t.Context(), o, "op", p, func(context.Context) (int, error) { return 0, nil })
	wantIs(t, err, policy.ErrCircuitOpen)
}

// An operation that invents a new policy at each call must not fill the memory;
// the handful that it really has is remembered.
func TestAnOperationWithEverNewPolicies(t *testing.T) {
	o := newOrchestrator(t, policy.Catalog{})
	for n := range 2000 {
		p := pipelineFor(t, o, "op", policy.CircuitBreaker{FailureThreshold: 1, RecoveryTimeout: time.Hour}, policy.RateLimit{RequestsPerSecond: float64(1 + n)}, policy.Timeout(time.Hour+time.Duration(n)))
		if n == 0 {
			_ = p.Run(t.Context(), always(errDown))
		}
		wantIs(t, p.Run(t.Context(), works), policy.ErrCircuitOpen) // its breaker is the same at all times
		if t.Failed() {
			t.Fatalf("at policy %d", n)
		}
	}
}

func TestEverNewPoliciesDoNotFillTheMemory(t *testing.T) {
	o := newOrchestrator(t, policy.Catalog{})
	const kept, each = 200, 300 // bytes of a breaker and a limiter are many more
	inUse := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	invent := func(n int) {
		for i := range n {
			pipelineFor(t, o, "op", policy.CircuitBreaker{RecoveryTimeout: time.Duration(n*10_000 + i)}, policy.RateLimit{RequestsPerSecond: float64(n*10_000 + i)})
		}
	}
	invent(kept)
	before := inUse()
	invent(3000)
	if grown := inUse() - before; grown > 3000*each {
		t.Errorf("3000 policies that nobody needs any more take %d bytes each", grown/3000)
	}
	runtime.KeepAlive(o)
}

func TestManyWhoAskAtOnceGetOnePipeline(t *testing.T) {
	for range scale(200) {
		o := newOrchestrator(t, policy.Catalog{})
		got := make([]policy.Runner, 8)
		var wg sync.WaitGroup
		for n := range got {
			wg.Go(func() { got[n], _ = o.For("op", policy.Combine(policy.Retry{}, policy.CircuitBreaker{})) })
		}
		wg.Wait()
		for _, r := range got {
			if r == nil || r != got[0] {
				t.Fatalf("different pipelines: %v", got)
			}
		}
	}
}

func TestTwoPoliciesOfOneOperationShareItsBreaker(t *testing.T) {
	o := newOrchestrator(t, policy.Catalog{})
	once := pipelineFor(t, o, "op", policy.CircuitBreaker{FailureThreshold: 2})
	again := pipelineFor(t, o, "op", policy.Retry{MaxAttempts: 2, Backoff: policy.Fixed(0)}, policy.CircuitBreaker{FailureThreshold: 2})
	_ = again.Run(t.Context(), always(errDown))
	wantIs(t, once.Run(t.Context(), works), policy.ErrCircuitOpen)
}

func TestTwoLayersOfOnePolicyAreTwoBreakers(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, o := under(t, policy.CircuitBreaker{FailureThreshold: 3}, policy.Retry{MaxAttempts: 2, Backoff: policy.Fixed(0)}, policy.CircuitBreaker{FailureThreshold: 3})
		_ = p.Run(t.Context(), always(errDown)) // one failure outside, two inside
		_ = p.Run(t.Context(), always(errDown)) // the inner one trips
		if got := o.Metrics().CircuitBreakerTrips; got != 1 {
			t.Errorf("%d trips, want that of the inner one", got)
		}
	})
}

func TestANamedBreakerIsOneForAllWhoNameIt(t *testing.T) {
	o := newOrchestrator(t, policy.Catalog{
		CircuitBreakers: map[string]policy.CircuitBreaker{"bank": {FailureThreshold: 2}},
		Policies: map[string]policy.Policy{
			"charge": policy.Combine(policy.Retry{MaxAttempts: 1}, policy.CircuitBreaker{Name: "bank"}),
			"refund": policy.CircuitBreaker{Name: "bank"},
		},
	})
	charge, err1 := o.Pipeline("charge")
	refund, err2 := o.Pipeline("refund")
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	_ = charge.Run(t.Context(), always(errDown))
	_ = refund.Run(t.Context(), always(errDown))
	for _, r := range []policy.Runner{charge, refund, pipelineFor(t, o, "report", policy.CircuitBreaker{Name: "bank"})} {
		wantIs(t, r.Run(t.Context(), works), policy.ErrCircuitOpen)
	}
}

func TestANamedLimiterIsOneForAllWhoNameIt(t *testing.T) {
	virtual(t, func(t *testing.T) {
		o := newOrchestrator(t, policy.Catalog{RateLimiters: map[string]policy.RateLimit{"api": {RequestsPerSecond: 0.001, Burst: 3}}})
		passed := 0
		for n := range 6 {
			if pipelineFor(t, o, fmt.Sprint("op", n), policy.RateLimit{Name: "api"}).Run(t.Context(), works) == nil {
				passed++
			}
		}
		if passed != 3 {
			t.Errorf("%d passed, want the burst of 3 for all together", passed)
		}
	})
}

func TestUnnamedBreakersOfTwoPoliciesOfTheCatalog(t *testing.T) {
	spec := policy.CircuitBreaker{FailureThreshold: 1}
	o := newOrchestrator(t, policy.Catalog{Policies: map[string]policy.Policy{"a": spec, "b": spec}})
	a, _ := o.Pipeline("a")
	b, _ := o.Pipeline("b")
	_ = a.Run(t.Context(), always(errDown))
	wantIs(t, a.Run(t.Context(), works), policy.ErrCircuitOpen)
	if err := b.Run(t.Context(), works); err != nil {
		t.Error(err)
	}
}

// Named breakers and limiters could once be registered, and nothing ever asked
// them.
func TestWhatIsRegisteredIsConsulted(t *testing.T) {
	virtual(t, func(t *testing.T) {
		o := newOrchestrator(t, policy.Catalog{})
		b := registered(t, o, "bank", policy.CircuitBreaker{FailureThreshold: 1})
		if err := o.RegisterRateLimiter("api", policy.RateLimit{RequestsPerSecond: 0.001, Burst: 2}); err != nil {
			t.Fatal(err)
		}
		p := pipelineFor(t, o, "op", policy.RateLimit{Name: "api"}, policy.CircuitBreaker{Name: "bank"})
		_ = p.Run(t.Context(), always(errDown))
		wantState(t, b, policy.StateOpen)
		wantIs(t, p.Run(t.Context(), works), policy.ErrCircuitOpen)
		if err := pipelineFor(t, o, "another", policy.RateLimit{Name: "api"}).Run(t.Context(), works); err != nil {
			t.Error(err)
		}
		wantIs(t, p.Run(t.Context(), works), policy.ErrRateLimited)
	})
}

func TestABreakerMayBeRegisteredAtAnyTime(t *testing.T) {
	o := newOrchestrator(t, policy.Catalog{})
	if _, err := o.For("op", policy.CircuitBreaker{Name: "bank"}); err == nil {
		t.Fatal("a breaker that is not there was found")
	}
	registered(t, o, "bank", policy.CircuitBreaker{FailureThreshold: 2})
	p := pipelineFor(t, o, "op", policy.CircuitBreaker{Name: "bank"})
	_ = p.Run(t.Context(), always(errDown))

	// Equal settings change nothing, others begin anew, for those too who hold it.
	b := registered(t, o, "bank", policy.CircuitBreaker{FailureThreshold: 2, SuccessThreshold: policy.DefaultSuccessThreshold})
	_ = p.Run(t.Context(), always(errDown))
	wantState(t, b, policy.StateOpen)
	same := registered(t, o, "bank", policy.CircuitBreaker{FailureThreshold: 3})
	if same != b {
		t.Error("the breaker was replaced: those who hold the old one would never hear of it")
	}
	wantState(t, b, policy.StateClosed)
	for range 3 {
		wantState(t, b, policy.StateClosed)
		_ = p.Run(t.Context(), always(errDown))
	}
	wantState(t, b, policy.StateOpen)
}

func TestRegisteringWhileCallsAreUnderWay(t *testing.T) {
	o := newOrchestrator(t, policy.Catalog{CircuitBreakers: map[string]policy.CircuitBreaker{"b": {}}})
	p := pipelineFor(t, o, "op", policy.CircuitBreaker{Name: "b"})
	var wg sync.WaitGroup
	for n := range 4 {
		wg.Go(func() {
			for i := range 300 {
				_ = p.Run(t.Context(), always([]error{nil, errDown}[i%2]))
				_, _ = o.For(fmt.Sprint("op", n), policy.CircuitBreaker{Name: "b"})
			}
		})
		wg.Go(func() {
			for i := range 50 {
				if err := o.RegisterCircuitBreaker("b", policy.CircuitBreaker{FailureThreshold: uint32(1 + i)}); err != nil {
					t.Error(err)
				}
				if err := o.RegisterCircuitBreaker(fmt.Sprint("b", n, i), policy.CircuitBreaker{}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// A control endpoint once made a new breaker out of a misspelt name.
func TestLookingForSomethingMakesNothing(t *testing.T) {
	o := newOrchestrator(t, policy.Catalog{
		CircuitBreakers: map[string]policy.CircuitBreaker{"bank": {}},
		RateLimiters:    map[string]policy.RateLimit{"api-calls": {RequestsPerSecond: 1}},
		Policies:        map[string]policy.Policy{"database": policy.Retry{}},
	})
	for range 2 {
		if b, ok := o.CircuitBreaker("bnak"); ok || b != nil {
			t.Errorf("found a breaker: %v", b)
		}
		if l, ok := o.RateLimiter("api"); ok || l != nil {
			t.Errorf("found a limiter: %v", l)
		}
		if r, err := o.Pipeline("databse"); err == nil || r != nil {
			t.Errorf("found a policy: %v, %v", r, err)
		}
		if r, err := o.For("op", policy.CircuitBreaker{Name: "bnak"}); err == nil || r != nil {
			t.Errorf("found a breaker for a policy: %v, %v", r, err)
		}
		if r, err := o.For("op", policy.RateLimit{Name: "api-cals"}); err == nil || r != nil {
			t.Errorf("found a limiter for a policy: %v, %v", r, err)
		}
	}
	if len(o.Metrics().Operations) != 0 {
		t.Errorf("metrics of what never ran: %v", o.Metrics().Operations)
	}
}

func TestUnknownNamesSayWhatWasProbablyMeant(t *testing.T) {
	o := newOrchestrator(t, policy.Catalog{
		CircuitBreakers: map[string]policy.CircuitBreaker{"payment-service": {}, "ledger": {}},
		RateLimiters:    map[string]policy.RateLimit{"api-calls": {RequestsPerSecond: 1}},
		Policies:        map[string]policy.Policy{"database": policy.Retry{}, "external_api": policy.Retry{}},
	})
	_, pipeline := o.Pipeline("databse")
	_, breaker := o.For("charge", policy.Combine(policy.Retry{}, policy.CircuitBreaker{Name: "paymentservise"}))
	_, limiter := o.For("charge", policy.RateLimit{Name: "api_call"})
	_, strange := o.Pipeline("zzz")
	for _, tt := range []struct {
		err  error
		want []string
	}{
		{pipeline, []string{`"databse"`, `did you mean "database"?`, "external_api"}},
		{breaker, []string{"charge: ", `"paymentservise"`, `did you mean "payment-service"?`, "ledger"}},
		{limiter, []string{"charge: ", `"api_call"`, `did you mean "api-calls"?`}},
		{strange, []string{`"zzz"`, "database, external_api"}},
	} {
		for _, want := range tt.want {
			if tt.err == nil || !strings.Contains(tt.err.Error(), want) {
				t.Errorf("%v\ndoes not say %s", tt.err, want)
			}
		}
	}
	if strings.Contains(strange.Error(), "mean") {
		t.Errorf("a far-fetched suggestion: %v", strange)
	}
}

func TestForRefusesWhatNoPipelineCouldHonour(t *testing.T) {
	o := newOrchestrator(t, policy.Catalog{
		CircuitBreakers: map[string]policy.CircuitBreaker{"bank": {FailureThreshold: 2}},
		RateLimiters:    map[string]policy.RateLimit{"api": {RequestsPerSecond: 2}},
	})
	for _, tt := range []struct {
		id   string
		p    policy.Policy
		want []string
	}{
		{"op", policy.Timeout(0), []string{"op: ", "timeout: 0s"}},
		{"op", policy.Combine(policy.Retry{MaxAttempts: -1}, policy.RateLimit{}), []string{"MaxAttempts is -1", "RequestsPerSecond is 0"}},
		{"", policy.Retry{}, []string{"an operation needs an id"}},
		{"op", policy.Combine(policy.CircuitBreaker{Name: "x"}, policy.RateLimit{Name: "y"}), []string{`"x"`, `"y"`}},
		{"op", policy.CircuitBreaker{Name: "bank", FailureThreshold: 9}, []string{`"bank"`, "other settings"}},
		{"op", policy.RateLimit{Name: "api", RequestsPerSecond: 9}, []string{`"api"`, "other settings"}},
	} {
		r, err := o.For(tt.id, tt.p)
		if err == nil || r != nil {
			t.Errorf("%v: got %v, %v", tt.p, r, err)
			continue
		}
		for _, want := range tt.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%v\ndoes not say %s", err, want)
			}
		}
	}
}

func TestANameWithEqualSettingsIsShared(t *testing.T) {
	o := newOrchestrator(t, policy.Catalog{})
	a := pipelineFor(t, o, "a", policy.CircuitBreaker{Name: "bank", FailureThreshold: 1})
	b := pipelineFor(t, o, "b", policy.CircuitBreaker{Name: "bank", FailureThreshold: 1, SuccessThreshold: policy.DefaultSuccessThreshold})
	_ = a.Run(t.Context(), always(errDown))
	wantIs(t, b.Run(t.Context(), works), policy.ErrCircuitOpen)
	pipelineFor(t, o, "a", policy.RateLimit{Name: "api", RequestsPerSecond: 4})
	pipelineFor(t, o, "b", policy.RateLimit{Name: "api", RequestsPerSecond: 4, Burst: 1})
	if _, ok := o.CircuitBreaker("bank"); !ok {
		t.Error("what a policy names and describes cannot be looked up")
	}
}

func TestRegistrationRefusesBadNamesAndSettings(t *testing.T) {
	o := newOrchestrator(t, policy.Catalog{})
	for _, tt := range []struct {
		err  error
		want []string
	}{
		{o.RegisterCircuitBreaker("", policy.CircuitBreaker{}), []string{"needs a name"}},
		{o.RegisterCircuitBreaker("a", policy.CircuitBreaker{Name: "b"}), []string{`"a"`, `"b"`}},
		{o.RegisterCircuitBreaker("a", policy.CircuitBreaker{Window: -1, FailureRate: 2}), []string{`"a"`, "Window is -1ns", "FailureRate is 2"}},
		{o.RegisterRateLimiter("", policy.RateLimit{}), []string{"needs a name", "RequestsPerSecond is 0"}},
		{o.RegisterRateLimiter("a", policy.RateLimit{Name: "a"}), []string{`"a"`, "RequestsPerSecond is 0"}},
		{o.RegisterRateLimiter("a", policy.RateLimit{Name: "b", RequestsPerSecond: 1}), []string{`"a"`, `"b"`}},
	} {
		for _, want := range tt.want {
			if tt.err == nil || !strings.Contains(tt.err.Error(), want) {
				t.Errorf("%v\ndoes not say %s", tt.err, want)
			}
		}
	}
	if _, ok := o.CircuitBreaker("a"); ok {
		t.Error("a refused breaker was registered")
	}
	if err := o.RegisterCircuitBreaker("a", policy.CircuitBreaker{Name: "a"}); err != nil {
		t.Errorf("its own name is fine: %v", err)
	}
}

// All mistakes at once: whoever mends one at a time starts the program as often.
func TestNewOrchestratorReportsEveryMistake(t *testing.T) {
	_, err := newOrchestratorErr(policy.Catalog{
		CircuitBreakers: map[string]policy.CircuitBreaker{"cb": {Window: -1}},
		RateLimiters:    map[string]policy.RateLimit{"rl": {}},
		Policies: map[string]policy.Policy{
			"none": policy.Retry{},
			"x":    policy.Timeout(-1),
		},
	})
	wantMessage(t, err, `circuit breaker "cb"`, "Window is -1ns", `rate limiter "rl"`, "RequestsPerSecond is 0", `policy "none"`)

	_, err = newOrchestratorErr(policy.Catalog{
		CircuitBreakers: map[string]policy.CircuitBreaker{"payment-service": {}},
		Policies: map[string]policy.Policy{
			"a": policy.Combine(policy.CircuitBreaker{Name: "payment"}, policy.RateLimit{Name: "api"}),
			"b": policy.Timeout(-1),
			"c": policy.Retry{},
		},
		Services: map[string]policy.Service{
			"payments.Gateway": {Policy: "d", Methods: map[string]string{"Charge": "cc", "Close": "none"}},
		},
	})
	wantMessage(t, err, `"payment"`, `did you mean "payment-service"?`, `"api"`, "timeout: -1ns", `"payments.Gateway"`, `"d"`, `"Charge"`, `"cc"`)
}

func wantMessage(t *testing.T, err error, wants ...string) {
	t.Helper()
	if err == nil {
		t.Error("no error")
		return
	}
	for _, want := range wants {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %s:\n%v", want, err)
		}
	}
}
