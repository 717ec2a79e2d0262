package container_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// Who comes to observe an orchestrator hears of calls through pipelines that were
// made before, and disturbs nothing of their state.
func TestWhoComesLaterObservesAll(t *testing.T) {
	virtual(t, func(t *testing.T) {
		breaker := policy.CircuitBreaker{Name: "b", FailureThreshold: 3}
		o := newOrchestrator(t, policy.Catalog{Policies: map[string]policy.Policy{"p": breaker}})
		if err := o.RegisterCircuitBreaker("code", policy.CircuitBreaker{FailureThreshold: 1, RecoveryTimeout: time.Minute}); err != nil {
			t.Fatal(err)
		}
		named, err := o.Pipeline("p")
		if err != nil {
			t.Fatal(err)
		}
		operation := pipelineFor(t, o, "op", policy.CircuitBreaker{Name: "code"})
		_ = operation.Run(t.Context(), always(errDown))
		for range 2 {
			_ = named.Run(t.Context(), always(errDown))
		}

		var events []container.Event
		var ended []string
		closed := 0
		under := make(chan struct{})
		done := make(chan struct{})
		go func() { // began before: nobody hears of its end
			defer close(done)
			_ = named.Run(t.Context(), func(context.Context) error { <-under; return nil })
		}()
		time.Sleep(time.Second)
		o.Observe(container.Observer{
			Event:     func(_ context.Context, e container.Event) { events = append(events, e) },
			Completed: func(_ context.Context, c container.Completed) { ended = append(ended, c.Operation) },
			Closed:    func() { closed++ },
		})
		code, _ := o.CircuitBreaker("code")
		wantState(t, code, policy.StateOpen)
		_ = named.Run(t.Context(), always(errDown)) // the third in a row
		_ = operation.Run(t.Context(), always(nil)) // refused
		close(under)
		<-done
		if b, _ := o.CircuitBreaker("b"); b.State() != policy.StateOpen {
			t.Error("two failures of before and one of now did not open the breaker")
		}
		if want := []string{"p", "op"}; !slices.Equal(ended, want) {
			t.Errorf("ended: %v, want %v", ended, want)
		}
		if len(o.Active()) != 0 {
			t.Errorf("under way: %v", o.Active())
		}
		if n := len(events); n != 4 { // a failed attempt, who tripped it, the transition, a rejection
			t.Errorf("%d events: %v", n, events)
		}
		o.Close()
		o.Close()
		o.Observe(container.Observer{Closed: func() { closed++ }})
		if closed != 2 {
			t.Errorf("told %d times that it is closed, want once each", closed)
		}
	})
}

func TestTheCatalogInForceCanBeAskedFor(t *testing.T) {
	o := newOrchestrator(t, policy.Catalog{Policies: map[string]policy.Policy{"p": policy.Timeout(time.Second)}})
	c := o.Catalog()
	delete(c.Policies, "p")
	if err := o.Reload(policy.Catalog{Policies: map[string]policy.Policy{"p": policy.Timeout(time.Minute)}}); err != nil {
		t.Fatal(err)
	}
	if got := o.Catalog().Policies["p"]; got != policy.Timeout(time.Minute) {
		t.Errorf("the policy in force is %v", got)
	}
}

func TestALimitIsOverriddenUntilItIsAutomatic(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, o := under(t, policy.RateLimit{Name: "l", RequestsPerSecond: 1000, Burst: 50})
		l, _ := o.RateLimiter("l")
		for _, wrong := range []struct {
			rate  float64
			burst int
		}{{0, 1}, {-1, 1}, {1, -1}} {
			if err := l.Override(wrong.rate, wrong.burst); err == nil || l.Overridden() {
				t.Errorf("%+v was accepted", wrong)
			}
		}
		if err := l.Override(1, 0); err != nil {
			t.Fatal(err)
		}
		if got := l.Limit(); got.RequestsPerSecond != 1 || got.Burst != 1 || got.Name != "l" || !l.Overridden() {
			t.Errorf("the limit is %v", got)
		}
		passed := func() (n int) {
			for range 100 {
				if p.Run(t.Context(), always(nil)) == nil {
					n++
				}
			}
			return n
		}
		if n := passed(); n != 1 {
			t.Errorf("%d passed, want 1", n)
		}
		// A reload changes the settings, and not what is in force.
		if err := o.RegisterRateLimiter("l", policy.RateLimit{RequestsPerSecond: 10, Burst: 10}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		if n := passed(); n != 1 {
			t.Errorf("%d passed after a reload, want 1", n)
		}
		l.Automatic()
		if got := l.Limit(); got.RequestsPerSecond != 10 || got.Burst != 10 || l.Overridden() {
			t.Errorf("the limit is %v", got)
		}
		time.Sleep(10 * time.Second)
		if n := passed(); n != 10 {
			t.Errorf("%d passed, want 10", n)
		}
	})
}
