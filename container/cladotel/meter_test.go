package cladotel_test

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/cladotel"
	"github.com/cladgo/clad/container/cladotel/internal/metrics"
	"github.com/cladgo/clad/internal/apptest"
	"github.com/cladgo/clad/policy"
	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// What was defined is what is there, each with its unit and attributes, and nothing
// else.
func TestMetricsAreAsDefined(t *testing.T) {
	o := observeFleet(t, policy.Catalog{
		CircuitBreakers: map[string]policy.CircuitBreaker{"bank": {}},
		RateLimiters:    map[string]policy.RateLimit{"api": {RequestsPerSecond: 10, Shared: true}},
		Bulkheads:       map[string]policy.Bulkhead{"reports": {MaxConcurrent: 2}},
	}, &apptest.ThreeInstances{})
	if err := o.SetShadow("candidate", policy.Catalog{CircuitBreakers: map[string]policy.CircuitBreaker{"bank": {}}}); err != nil {
		t.Fatal(err)
	}
	o.run(t.Context(), "charge", policy.Retry{MaxAttempts: 1})
	o.run(t.Context(), "charge", policy.RateLimit{Name: "api"})
	o.heard("rate_limiter,api")
	found := o.collect()
	for _, d := range metrics.All {
		m, ok := found[d.Name]
		if !ok {
			t.Errorf("%s is missing", d.Name)
			continue
		}
		want := slices.Sorted(slices.Values(d.Attributes))
		if got := attributesOf(m); m.Unit != d.Unit || m.Description != d.Description || !slices.Equal(got, want) {
			t.Errorf("%s: unit %q, attributes %q, %q; want %q, %q, %q", d.Name, m.Unit, got, m.Description, d.Unit, want, d.Description)
		}
		delete(found, d.Name)
	}
	if len(found) > 0 {
		t.Errorf("not defined: %v", found)
	}
}

// A gauge that was not there until the first trip could not be told from a service
// that is not there.
func TestEveryBreakerHasItsStateFromTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := observe(t, policy.Catalog{CircuitBreakers: map[string]policy.CircuitBreaker{
			"bank": {FailureThreshold: 1, RecoveryTimeout: time.Minute, SuccessThreshold: 1}, "post": {},
		}})
		post := map[string]float64{"post,closed": 1, "post,half-open": 0, "post,open": 0}
		with := func(more map[string]float64) map[string]float64 {
			maps.Copy(more, post)
			return more
		}
		o.want("clad.circuit_breaker.state", with(map[string]float64{"bank,closed": 1, "bank,half-open": 0, "bank,open": 0}))
		post["post,closed"] = 0
		o.want("clad.circuit_breaker.transitions", with(map[string]float64{"bank,closed": 0, "bank,half-open": 0, "bank,open": 0}))
		post["post,closed"] = 1
		o.run(t.Context(), "charge", policy.CircuitBreaker{Name: "bank"}, errDown)
		o.want("clad.circuit_breaker.state", with(map[string]float64{"bank,closed": 0, "bank,half-open": 0, "bank,open": 1}))
		time.Sleep(time.Minute)
		o.want("clad.circuit_breaker.state", with(map[string]float64{"bank,closed": 0, "bank,half-open": 1, "bank,open": 0}))
		o.run(t.Context(), "charge", policy.CircuitBreaker{Name: "bank"})
		o.want("clad.circuit_breaker.state", with(map[string]float64{"bank,closed": 1, "bank,half-open": 0, "bank,open": 0}))
		post["post,closed"] = 0
		o.want("clad.circuit_breaker.transitions", with(map[string]float64{"bank,closed": 1, "bank,half-open": 1, "bank,open": 1}))
	})
}

func TestCountersAddUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := observe(t, policy.Catalog{})
		p := policy.Combine(
			policy.Retry{MaxAttempts: 3, Backoff: policy.Fixed(time.Second)},
			policy.RateLimit{RequestsPerSecond: 1, Burst: 6, MaxWait: time.Hour},
			policy.Bulkhead{MaxConcurrent: 7},
			policy.CircuitBreaker{FailureThreshold: 3, RecoveryTimeout: time.Hour},
			policy.Timeout(time.Minute))
		gone, leave := context.WithCancel(t.Context())
		leave()
		o.run(t.Context(), "op", p)
		o.run(t.Context(), "op", p, errDown)                            // and works then
		o.run(t.Context(), "op", p, policy.Answer(errDown))             // says no
		o.run(gone, "op", p)                                            //
		o.run(t.Context(), "op", p, errDown, errDown, errDown, errDown) // trips
		o.run(t.Context(), "op", p)                                     // is rejected
		o.want("clad.operations", map[string]float64{"op,succeeded": 2, "op,answered": 1, "op,failed": 2, "op,cancelled": 1})
		o.want("clad.operation.duration", map[string]float64{"op,succeeded": 2, "op,answered": 1, "op,failed": 2, "op,cancelled": 1})
		o.want("clad.attempt.duration", map[string]float64{"op": 7})
		o.want("clad.retries", map[string]float64{"op": 3})
		o.want("clad.rejections", map[string]float64{"op,circuit_open": 1, "op,rate_limited": 0, "op,bulkhead_full": 0, "op,retry_budget": 0})
		o.want("clad.timeouts", map[string]float64{"op": 0})
		o.want("clad.attempt.overruns", map[string]float64{"op": 0})
		o.want("clad.operations.active", map[string]float64{"op": 0})
		o.want("clad.rate_limiter.limit", map[string]float64{"op": 1})
		o.want("clad.rate_limiter.tokens", map[string]float64{"op": 2})
		o.want("clad.bulkhead.limit", map[string]float64{"op": 7})
		o.want("clad.bulkhead.in_use", map[string]float64{"op": 0})
		o.want("clad.bulkhead.waiting", map[string]float64{"op": 0})
		total := o.collect()["clad.operation.duration"].Data.(metricdata.Histogram[float64]).DataPoints
		sum := 0.0
		for _, p := range total {
			sum += p.Sum
		}
		if math.Abs(sum-3) > 1e-5 { // seconds of waiting for retries
			t.Errorf("operations took %v s, want 3", sum)
		}
	})
}

func TestActiveOperationsAreSeenWhileTheyRun(t *testing.T) {
	o := observe(t, policy.Catalog{})
	runner, err := o.For("op", policy.Retry{})
	if err != nil {
		t.Fatal(err)
	}
	_ = runner.Run(t.Context(), func(context.Context) error {
		o.want("clad.operations.active", map[string]float64{"op": 1})
		return nil
	})
	o.want("clad.operations.active", map[string]float64{"op": 0})
}

// What a dry run would have done is there while there is one.
func TestADryRunIsSeen(t *testing.T) {
	o := observe(t, policy.Catalog{CircuitBreakers: map[string]policy.CircuitBreaker{"bank": {FailureThreshold: 100}}})
	if _, ok := o.collect()["clad.shadow.trips"]; ok {
		t.Error("there is a dry run")
	}
	tight := policy.Catalog{CircuitBreakers: map[string]policy.CircuitBreaker{"bank": {FailureThreshold: 2, RecoveryTimeout: time.Hour}}}
	if err := o.SetShadow("tight", tight); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		o.run(t.Context(), "op", policy.Combine(policy.CircuitBreaker{Name: "bank"}, policy.Retry{MaxAttempts: 1}), errDown)
	}
	o.want("clad.shadow.trips", map[string]float64{"op": 1})
	o.want("clad.shadow.rejections", map[string]float64{"op,circuit_open": 3, "op,rate_limited": 0, "op,retry_budget": 0})
	o.want("clad.shadow.retries", map[string]float64{"op": 0})
	o.want("clad.shadow.timeouts", map[string]float64{"op": 0})
	o.want("clad.rejections", map[string]float64{"op,bulkhead_full": 0, "op,circuit_open": 0, "op,rate_limited": 0, "op,retry_budget": 0})
}

func TestReloadsAreCounted(t *testing.T) {
	o := observe(t, policy.Catalog{})
	o.want("clad.reloads", map[string]float64{"failed": 0, "succeeded": 0})
	_ = o.Reload(policy.Catalog{})
	_ = o.Reload(policy.Catalog{})
	o.ReloadFailed(errDown)
	o.want("clad.reloads", map[string]float64{"failed": 1, "succeeded": 2})
}

// Operations by customer would be a series for each, and each in the memory of every
// collector for ever. What is too much is counted together, and never goes back.
func TestSeriesAreBounded(t *testing.T) {
	const operations, most = 300, 100
	reader := sdk.NewManualReader()
	inner, err := container.NewOrchestrator(policy.Catalog{}, container.WithMaxOperations(150),
		cladotel.Observe(cladotel.WithMaxNames(most), cladotel.WithMeterProvider(sdk.NewMeterProvider(sdk.WithReader(reader)))))
	if err != nil {
		t.Fatal(err)
	}
	defer inner.Close()
	o := &observed{inner, t, reader}
	last := 0.0
	for n := range operations {
		o.run(t.Context(), fmt.Sprint("customer ", n), policy.Combine(policy.CircuitBreaker{}, policy.RateLimit{RequestsPerSecond: 1}))
		if n%50 == 0 {
			rest := series(t, o.collect()["clad.operations"])["_OTHER,succeeded"]
			if rest < last {
				t.Errorf("after %d operations: %v others, and %v before", n, rest, last)
			}
			last = rest
		}
	}
	found := o.collect()
	for name, bound := range map[string]int{
		"clad.operations": (most + 1) * 4, "clad.operation.duration": most + 1, "clad.rejections": (most + 1) * 3,
		"clad.circuit_breaker.state": (most + 1) * 3, "clad.rate_limiter.tokens": most,
	} {
		if got := len(series(t, found[name])); got == 0 || got > bound {
			t.Errorf("%s has %d series, want %d at most", name, got, bound)
		}
	}
	sum := 0.0
	for _, n := range series(t, found["clad.operations"]) {
		sum += n
	}
	if sum != operations {
		t.Errorf("the counters add up to %v, want %d", sum, operations)
	}
}

// Who may choose keys, of tenants or hosts, took the series of whoever came later.
func TestPartitionsTakeNoSeries(t *testing.T) {
	reader := sdk.NewManualReader()
	inner, err := container.NewOrchestrator(policy.Catalog{},
		cladotel.Observe(cladotel.WithMaxNames(10), cladotel.WithMeterProvider(sdk.NewMeterProvider(sdk.WithReader(reader)))))
	if err != nil {
		t.Fatal(err)
	}
	defer inner.Close()
	o := &observed{inner, t, reader}
	r, err := inner.For("webhooks", policy.Combine(policy.CircuitBreaker{FailureThreshold: 1}, policy.RateLimit{RequestsPerSecond: 1}, policy.Bulkhead{MaxConcurrent: 1}))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		call := r.(*container.Pipeline).Begin(t.Context())
		call.Partition(fmt.Sprint("host ", i))
		for err := error(nil); call.Next(&err); {
			if i < 30 {
				err = errDown
			}
		}
		call.End()
	}
	o.collect()
	o.run(t.Context(), "later", policy.CircuitBreaker{})
	o.want("clad.circuit_breaker.state", map[string]float64{
		"webhooks,open": 30, "webhooks,closed": 21, "webhooks,half-open": 0, "later,closed": 1, "later,open": 0, "later,half-open": 0,
	})
	o.want("clad.circuit_breaker.transitions", map[string]float64{
		"webhooks,open": 30, "webhooks,closed": 0, "webhooks,half-open": 0, "later,closed": 0, "later,open": 0, "later,half-open": 0,
	})
	for _, name := range []string{"clad.rate_limiter.tokens", "clad.bulkhead.in_use"} {
		if got := series(t, o.collect()[name]); len(got) != 1 {
			t.Errorf("%s has the series %v", name, got)
		}
	}
}

func TestHostileNamesAreHarmless(t *testing.T) {
	o := observe(t, policy.Catalog{})
	for _, id := range []string{"a\xffb", "line\nbreak", "esc\x1b[2J", `quote"\`, strings.Repeat("ü", 5000)} {
		o.run(t.Context(), id, policy.CircuitBreaker{})
	}
	for label := range series(t, o.collect()["clad.retries"]) {
		if !utf8.ValidString(label) || strings.ContainsAny(label, "\n\x1b") || len(label) > 210 || !strings.ContainsAny(label, "bkJ\"ü") {
			t.Errorf("label %.300q", label)
		}
	}
}

func TestNothingIsObservedOnceTheOrchestratorIsClosed(t *testing.T) {
	o := observe(t, policy.Catalog{CircuitBreakers: map[string]policy.CircuitBreaker{"bank": {}}})
	o.want("clad.circuit_breaker.state", map[string]float64{"bank,closed": 1, "bank,half-open": 0, "bank,open": 0})
	o.Close()
	o.want("clad.circuit_breaker.state", nil)
}
