package cladotel_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/internal/apptest"
	"github.com/cladgo/clad/policy"
)

// heard waits until the store has answered for something.
func (o *observed) heard(label string) {
	o.t.Helper()
	for range 500 {
		if m, ok := o.collect()["clad.shared.age"]; ok {
			if _, ok := series(o.t, m)[label]; ok {
				return
			}
		}
		time.Sleep(10 * time.Millisecond) // real time: goroutines ask
	}
	o.t.Fatalf("the store has not answered for %s", label)
}

func TestWhatAFleetSharesIsSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &apptest.ThreeInstances{}
		o := observeFleet(t, policy.Catalog{
			CircuitBreakers: map[string]policy.CircuitBreaker{"bank": {FailureThreshold: 1, RecoveryTimeout: time.Hour, Shared: true}, "post": {}},
			RateLimiters:    map[string]policy.RateLimit{"api": {RequestsPerSecond: 100, Burst: 10, Shared: true}, "own": {RequestsPerSecond: 1}},
		}, store)
		synctest.Wait()
		const bank, api = "circuit_breaker,bank", "rate_limiter,api"
		o.want("clad.shared.age", map[string]float64{bank: 0}) // the store was asked once, and never for the limit
		o.run(t.Context(), "op", policy.RateLimit{Name: "api"})
		synctest.Wait()
		o.want("clad.shared.instances", map[string]float64{bank: 3, api: 3})
		o.want("clad.shared.alone", map[string]float64{bank: 0, api: 0})
		time.Sleep(time.Minute)
		if age := series(t, o.collect()["clad.shared.age"]); age[bank] != 60 || age[api] < 50 || age[api] > 60 {
			t.Errorf("after a minute without calls the ages are %v", age)
		}
		store.Away.Store(true)
		o.run(t.Context(), "op", policy.CircuitBreaker{Name: "bank"}, errDown) // of which the store is told
		synctest.Wait()
		o.want("clad.shared.alone", map[string]float64{bank: 1, api: 0})
		o.want("clad.shared.instances", map[string]float64{bank: 3, api: 3})
	})
}

func TestWhatIsShedIsCounted(t *testing.T) {
	o := observe(t, policy.Catalog{})
	limit := policy.RateLimit{RequestsPerSecond: 0.001, Burst: 2, Reserve: 0.5}
	for range 3 {
		o.run(policy.WithCriticality(t.Context(), policy.Sheddable), "op", limit)
	}
	o.run(t.Context(), "op", limit)
	o.run(t.Context(), "op", limit)
	o.want("clad.shed", map[string]float64{"op": 2})
	o.want("clad.rejections", map[string]float64{"op,rate_limited": 3, "op,circuit_open": 0, "op,bulkhead_full": 0, "op,retry_budget": 0})
}
