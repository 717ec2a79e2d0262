package container_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// Windows that are aligned to the clock let twice the limit through where two of
// them meet.
func TestNoStretchOfAPeriodHoldsMoreThanTheLimit(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, l := limited(t, policy.RateLimit{RequestsPerPeriod: 10, Per: time.Minute})
		r := rand.New(rand.NewPCG(1, 2))
		var passed []time.Time
		for range 2000 {
			time.Sleep(time.Duration(r.ExpFloat64() * float64(3*time.Second)))
			now := time.Now()
			err := p.Run(t.Context(), works)
			if err == nil {
				passed = append(passed, now)
				continue
			}
			wantIs(t, err, policy.ErrRateLimited)
			if after, _ := policy.RetryAfter(err); after != passed[len(passed)-10].Add(time.Minute).Sub(now) {
				t.Fatalf("told to come back in %v", after)
			}
			if l.Tokens() != 0 {
				t.Fatalf("refused with %v tokens", l.Tokens())
			}
		}
		for i := range len(passed) - 10 {
			if d := passed[i+10].Sub(passed[i]); d < time.Minute {
				t.Fatalf("11 calls within %v", d)
			}
		}
		if len(passed) < 900 { // 20 a minute are wanted, over 100 minutes
			t.Errorf("%d calls passed", len(passed))
		}
	})
}

// A call that one of several limits refuses would use up the others.
func TestARefusedCallTakesNoTokenOfAnyLimit(t *testing.T) {
	for name, limits := range map[string][3]policy.RateLimit{
		"rates":           {{RequestsPerSecond: 1e-6, Burst: 50}, {RequestsPerSecond: 1e-6, Burst: 5}, {RequestsPerSecond: 1e-6, Burst: 20}},
		"periods":         {{RequestsPerPeriod: 50, Per: time.Hour}, {RequestsPerPeriod: 5, Per: time.Minute}, {RequestsPerPeriod: 20, Per: time.Hour}},
		"of both kinds":   {{RequestsPerPeriod: 50, Per: time.Hour}, {RequestsPerSecond: 1e-6, Burst: 5}, {RequestsPerPeriod: 20, Per: time.Hour}},
		"one that waits":  {{RequestsPerPeriod: 50, Per: time.Hour}, {RequestsPerPeriod: 5, Per: time.Minute, MaxWait: time.Second}, {RequestsPerPeriod: 20, Per: time.Hour}},
		"first one waits": {{RequestsPerPeriod: 50, Per: time.Hour, MaxWait: time.Second}, {RequestsPerPeriod: 5, Per: time.Minute}, {RequestsPerPeriod: 20, Per: time.Hour}},
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				o := newOrchestrator(t, policy.Catalog{})
				var layers []policy.Policy
				var limiters []*container.RateLimiter
				for i, spec := range limits {
					name := string(rune('a' + i))
					if err := o.RegisterRateLimiter(name, spec); err != nil {
						t.Fatal(err)
					}
					l, _ := o.RateLimiter(name)
					limiters = append(limiters, l)
					layers = append(layers, policy.RateLimit{Name: name})
				}
				p := pipelineFor(t, o, "op", layers...)
				var wg sync.WaitGroup
				passed := make(chan struct{}, 100)
				for range 100 {
					wg.Go(func() {
						if err := p.Run(context.Background(), works); err == nil {
							passed <- struct{}{}
						} else if !errors.Is(err, policy.ErrRateLimited) {
							t.Error(err)
						}
					})
				}
				wg.Wait()
				if len(passed) != 5 {
					t.Errorf("%d passed, want the 5 of the strictest", len(passed))
				}
				for i, want := range []float64{45, 0, 15} {
					if got := limiters[i].Tokens(); got < want || got > want+0.01 {
						t.Errorf("limit %d has %v tokens, want %v", i, got, want)
					}
				}
			})
		})
	}
}

// What was given back is as if it had never been taken: the next calls do not wait
// for it.
func TestATokenOfAPeriodThatComesBackLeavesTheOthersTheirTime(t *testing.T) {
	virtual(t, func(t *testing.T) {
		o := newOrchestrator(t, policy.Catalog{})
		if err := o.RegisterRateLimiter("l", policy.RateLimit{RequestsPerPeriod: 10, Per: time.Minute}); err != nil {
			t.Fatal(err)
		}
		l, _ := o.RateLimiter("l")
		b := registered(t, o, "b", policy.CircuitBreaker{})
		p := pipelineFor(t, o, "op", policy.RateLimit{Name: "l"}, policy.CircuitBreaker{Name: "b"})
		for range 9 {
			_ = p.Run(t.Context(), works)
		}
		time.Sleep(30 * time.Second)
		b.ForceOpen()
		for range 100 {
			wantIs(t, p.Run(t.Context(), works), policy.ErrCircuitOpen)
		}
		b.Automatic()
		if got := l.Tokens(); got != 1 {
			t.Errorf("%v tokens, want the one that was there", got)
		}
		time.Sleep(30 * time.Second)
		if got := l.Tokens(); got != 10 {
			t.Errorf("%v tokens after the period of those that were used", got)
		}
	})
}

// A reload neither gives tokens away nor takes any.
func TestReloadKeepsWhatWasTakenOfAPeriod(t *testing.T) {
	virtual(t, func(t *testing.T) {
		spec := policy.RateLimit{RequestsPerPeriod: 10, Per: time.Minute}
		catalog := func() policy.Catalog {
			return policy.Catalog{RateLimiters: map[string]policy.RateLimit{"l": spec}}
		}
		o := newOrchestrator(t, catalog())
		p := pipelineFor(t, o, "op", policy.RateLimit{Name: "l"})
		l, _ := o.RateLimiter("l")
		for range 4 {
			_ = p.Run(t.Context(), works)
		}
		for _, change := range []struct {
			spec policy.RateLimit
			want float64
		}{
			{policy.RateLimit{RequestsPerPeriod: 10, Per: time.Hour}, 6},
			{policy.RateLimit{RequestsPerPeriod: 20, Per: time.Hour}, 16},
			{policy.RateLimit{RequestsPerSecond: 1, Burst: 20}, 16},
			{policy.RateLimit{RequestsPerPeriod: 10, Per: time.Hour, MaxWait: time.Second}, 6},
		} {
			spec = change.spec
			reload(t, o, catalog())
			if got := l.Tokens(); got != change.want {
				t.Errorf("%v: %v tokens, want %v", spec, got, change.want)
			}
		}
	})
}

// An operator sets a rate in the place of a period, and gives the period back.
func TestAPeriodGivesWayToAnOverride(t *testing.T) {
	virtual(t, func(t *testing.T) {
		_, l := limited(t, policy.RateLimit{RequestsPerPeriod: 10, Per: time.Minute})
		if err := l.Override(5, 7); err != nil {
			t.Fatal(err)
		}
		if got := l.Limit(); got.RequestsPerSecond != 5 || got.Per != 0 || got.RequestsPerPeriod != 0 || got.Validate() != nil || l.Tokens() != 7 {
			t.Errorf("overridden: %v, with %v tokens", got, l.Tokens())
		}
		l.Automatic()
		if got := l.Limit(); got.RequestsPerPeriod != 10 || got.Validate() != nil || l.Tokens() != 10 {
			t.Errorf("automatic: %v, with %v tokens", got, l.Tokens())
		}
	})
}
