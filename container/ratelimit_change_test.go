package container_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// A slower rate must not keep those who wait already for longer than they were
// promised, nor a faster one keep them at all.
func TestWaitersNoticeThatTheRateChanges(t *testing.T) {
	for _, tt := range []struct {
		name  string
		rate  float64
		at    time.Duration
		error error
	}{
		{"faster", 1000, time.Second + time.Millisecond/2, nil},
		{"slower", 0.0001, 10 * time.Second, policy.ErrRateLimited},
	} {
		t.Run(tt.name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				o := newOrchestrator(t, policy.Catalog{RateLimiters: map[string]policy.RateLimit{"l": {RequestsPerSecond: 0.2, Burst: 1, MaxWait: 10 * time.Second}}})
				p := pipelineFor(t, o, "op", policy.RateLimit{Name: "l"})
				_ = p.Run(t.Context(), works)
				start := time.Now()
				var wg sync.WaitGroup
				wg.Go(func() {
					err := p.Run(t.Context(), works)
					if passed := time.Since(start); passed > tt.at+time.Millisecond {
						t.Errorf("%v after %v, want it by %v", err, passed, tt.at)
					}
					if !errors.Is(err, tt.error) {
						t.Errorf("got %v, want %v", err, tt.error)
					}
				})
				time.Sleep(time.Second)
				if err := o.RegisterRateLimiter("l", policy.RateLimit{RequestsPerSecond: tt.rate, Burst: 1, MaxWait: 10 * time.Second}); err != nil {
					t.Error(err)
				}
				wg.Wait()
			})
		})
	}
}

func TestThoseBehindTheHeadAreNotForgottenEither(t *testing.T) {
	virtual(t, func(t *testing.T) {
		set := func(o *container.Orchestrator, rate float64) {
			if err := o.RegisterRateLimiter("l", policy.RateLimit{RequestsPerSecond: rate, Burst: 1, MaxWait: 10 * time.Second}); err != nil {
				t.Error(err)
			}
		}
		o := newOrchestrator(t, policy.Catalog{})
		set(o, 0.5)
		p := pipelineFor(t, o, "op", policy.RateLimit{Name: "l"})
		_ = p.Run(t.Context(), works)
		start := time.Now()
		var wg sync.WaitGroup
		for n := range 4 {
			wg.Go(func() {
				err := p.Run(t.Context(), works)
				if n == 0 { // its token came before the change
					if err != nil {
						t.Errorf("the first: %v", err)
					}
					return
				}
				wantIs(t, err, policy.ErrRateLimited)
				if passed := time.Since(start); !about(passed, 10*time.Second) {
					t.Errorf("waiter %d gave up after %v, want 10s", n, passed)
				}
				// One token in a hundred seconds, a third of which is there
				// already; who stood behind counts those before it too.
				if after, _ := policy.RetryAfter(err); after < time.Minute {
					t.Errorf("waiter %d is to come back in %v", n, after)
				}
			})
			synctest.Wait()
		}
		time.Sleep(2500 * time.Millisecond)
		set(o, 0.01)
		wg.Wait()
	})
}

// What is remembered of an empty bucket must not outlive a change of the rate,
// however the two meet: the limiter would reject for ages.
func TestARejectionAndAChangeOfTheRateAtOnce(t *testing.T) {
	o := newOrchestrator(t, policy.Catalog{})
	set := func(rate float64) {
		if err := o.RegisterRateLimiter("l", policy.RateLimit{RequestsPerSecond: rate, Burst: 1}); err != nil {
			t.Error(err)
		}
	}
	set(1e-6)
	p := pipelineFor(t, o, "op", policy.RateLimit{Name: "l"})
	var stop atomic.Bool
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop.Store(true)
	wg.Go(func() {
		for !stop.Load() {
			_ = p.Run(t.Context(), works)
		}
	})
	for range scale(20_000) {
		set(1e-6)
		set(1e9)
		var err error
		for range 1000 { // at a billion a second the next token is there at once
			if err = p.Run(t.Context(), works); err == nil {
				break
			}
		}
		if err != nil {
			t.Fatalf("at a billion per second: %v", err)
		}
	}
}

func TestALimiterSaysItsLimit(t *testing.T) {
	o := newOrchestrator(t, policy.Catalog{RateLimiters: map[string]policy.RateLimit{"l": {RequestsPerSecond: 100}}})
	l, _ := o.RateLimiter("l")
	if got, want := l.Limit(), (policy.RateLimit{Name: "l", RequestsPerSecond: 100, Burst: 25}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if err := o.RegisterRateLimiter("l", policy.RateLimit{RequestsPerSecond: 5, Burst: 2, MaxWait: time.Second}); err != nil {
		t.Fatal(err)
	}
	if got, want := l.Limit(), (policy.RateLimit{Name: "l", RequestsPerSecond: 5, Burst: 2, MaxWait: time.Second}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// A reload that took the waiting away remembered the queue's end as the time of the
// next token, though all in it had left: every call was rejected for sixteen
// minutes, with five tokens there.
func TestAReloadWithoutMaxWaitForgetsThoseWhoLeft(t *testing.T) {
	virtual(t, func(t *testing.T) {
		limit := policy.RateLimit{RequestsPerSecond: 1, Burst: 5, MaxWait: time.Hour}
		catalog := func() policy.Catalog {
			return policy.Catalog{RateLimiters: map[string]policy.RateLimit{"l": limit}}
		}
		o := newOrchestrator(t, catalog())
		p := pipelineFor(t, o, "op", policy.RateLimit{Name: "l"})
		for range 5 {
			_ = p.Run(t.Context(), works)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() { wantIs(t, p.Run(ctx, works), policy.ErrCancelled) })
		}
		synctest.Wait()
		limit.MaxWait = 0
		if err := o.Reload(catalog()); err != nil {
			t.Fatal(err)
		}
		wantIs(t, p.Run(t.Context(), works), policy.ErrRateLimited)
		cancel()
		wg.Wait()
		time.Sleep(6 * time.Second)
		for n := range 5 {
			if err := p.Run(t.Context(), works); err != nil {
				t.Errorf("with %d tokens there: %v", 5-n, err)
			}
		}
	})
}
