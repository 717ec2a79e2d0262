package container_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// rehearsed returns an orchestrator with one policy in force and another rehearsed,
// both called "bank", and a way to run it.
func rehearsed(t *testing.T, inForce, candidate policy.Policy) (o *container.Orchestrator, run func(context.Context, func(context.Context) error) error) {
	t.Helper()
	o, err := container.NewOrchestrator(policy.Catalog{Policies: map[string]policy.Policy{"bank": inForce}})
	if err != nil {
		t.Fatal(err)
	}
	if err := o.SetShadow("candidate", policy.Catalog{Policies: map[string]policy.Policy{"bank": candidate}}); err != nil {
		t.Fatal(err)
	}
	runner, err := o.Pipeline("bank")
	if err != nil {
		t.Fatal(err)
	}
	return o, runner.Run
}

func shadowOf(t *testing.T, o *container.Orchestrator) container.Shadow {
	t.Helper()
	s, ok := o.Shadow()
	if !ok {
		t.Fatal("there is no dry run")
	}
	return s
}

// A breaker that is not in force would have tripped and rejected; nothing is tripped
// or rejected, and no call differs.
func TestADryRunChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, run := rehearsed(t, policy.None{}, policy.CircuitBreaker{FailureThreshold: 3, RecoveryTimeout: 10 * time.Second, SuccessThreshold: 1})
		calls := 0
		call := func(err error) {
			if got := run(t.Context(), func(context.Context) error { calls++; return err }); got != err { //nolint:errorlint // the very error
				t.Errorf("the call returned %v, want %v", got, err)
			}
			time.Sleep(time.Second)
		}
		for range 23 { // trips at 3, 14 (the probe after 10s fails)...
			call(errDown)
		}
		s := shadowOf(t, o)
		got, want := s.Operations["bank"], policy.Totals{TotalOperations: 23, FailedOperations: 23, CircuitBreakerTrips: 1, CircuitBreakerRejections: 18}
		if got != want || s.Totals != want || s.Profile != "candidate" || s.Unseen != 0 || s.Assumed != 0 {
			t.Errorf("%+v, want %+v", s, want)
		}
		if len(s.CircuitBreakers) != 1 || s.CircuitBreakers[0].Name != "bank" || s.CircuitBreakers[0].State != policy.StateOpen {
			t.Errorf("%+v", s.CircuitBreakers)
		}
		if m := o.Metrics().Operations["bank"]; calls != 23 || m.CircuitBreakerTrips+m.CircuitBreakerRejections != 0 || m.FailedOperations != 23 {
			t.Errorf("in force: %d calls, %+v", calls, m)
		}
		if all := o.CircuitBreakers(); len(all) != 0 {
			t.Errorf("%d breakers are in force", len(all))
		}
		time.Sleep(20 * time.Second)
		call(nil)
		if s := shadowOf(t, o); s.CircuitBreakers[0].State != policy.StateClosed || s.SuccessfulOperations != 1 {
			t.Errorf("after a success: %+v", s)
		}
	})
}

// A candidate that is what is in force counts what is counted, whatever happens.
func TestADryRunOfWhatIsInForceEqualsIt(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 7))
		layers := []policy.Policy{
			policy.Retry{MaxAttempts: 1 + r.IntN(4), Backoff: policy.Fixed(time.Duration(r.IntN(3)) * time.Second), MaxElapsed: time.Duration(r.IntN(2)) * 7 * time.Second},
			policy.CircuitBreaker{FailureThreshold: 1 + uint32(r.IntN(4)), RecoveryTimeout: 5 * time.Second, SuccessThreshold: 1 + uint32(r.IntN(2)), ProbeTimeout: time.Hour},
			policy.Timeout(time.Duration(3+r.IntN(3)) * time.Second),
			policy.Timeout(time.Duration(8+r.IntN(20)) * time.Second),
		}
		r.Shuffle(len(layers), func(i, j int) { layers[i], layers[j] = layers[j], layers[i] })
		p := policy.Combine(layers[:1+r.IntN(len(layers))]...)
		synctest.Test(t, func(t *testing.T) {
			o, run := rehearsed(t, p, p)
			for range 60 {
				ctx, cancel := t.Context(), context.CancelFunc(func() {})
				if r.IntN(8) == 0 {
					ctx, cancel = context.WithTimeout(ctx, time.Duration(r.IntN(9))*time.Second)
				}
				_ = run(ctx, func(ctx context.Context) error {
					outcome := []error{nil, nil, errDown, errDown, policy.Answer(errDown), policy.Permanent(errDown)}[r.IntN(6)]
					timer := time.NewTimer(time.Duration(r.IntN(2)*r.IntN(7)) * time.Second)
					defer timer.Stop()
					select {
					case <-timer.C:
						return outcome
					case <-ctx.Done():
						return ctx.Err()
					}
				})
				cancel()
				time.Sleep(time.Duration(r.IntN(1500)) * time.Millisecond)
			}
			s, m := shadowOf(t, o), o.Metrics()
			if s.Totals != m.Totals {
				t.Errorf("seed %d: %v\nwould have: %+v\nhas:        %+v\nunseen %d, assumed %d", seed, p, s.Totals, m.Totals, s.Unseen, s.Assumed)
			}
		})
		if t.Failed() {
			return
		}
	}
}

// Traffic that nothing protects, and the same traffic under the candidate: what would
// have been is what is.
func TestADryRunForetells(t *testing.T) {
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 9))
		layers := []policy.Policy{
			policy.CircuitBreaker{FailureThreshold: 1 + uint32(r.IntN(5)), RecoveryTimeout: 3 * time.Second, SuccessThreshold: 1 + uint32(r.IntN(3))},
			policy.RateLimit{RequestsPerSecond: 1 + float64(r.IntN(4)), Burst: 1 + r.IntN(4)},
			policy.RateLimit{RequestsPerSecond: 1 + float64(r.IntN(3)), Burst: 1 + r.IntN(9)},
		}
		r.Shuffle(3, func(i, j int) { layers[i], layers[j] = layers[j], layers[i] })
		candidate := policy.Combine(layers...)
		synctest.Test(t, func(t *testing.T) {
			o, run := rehearsed(t, policy.None{}, candidate)
			theirs, runTheirs := rehearsed(t, candidate, policy.None{})
			for range 200 {
				outcome := []error{nil, errDown, errDown}[r.IntN(3)]
				_ = run(t.Context(), func(context.Context) error { return outcome })
				_ = runTheirs(t.Context(), func(context.Context) error { return outcome })
				time.Sleep(time.Duration(r.IntN(600)) * time.Millisecond)
			}
			if s, m := shadowOf(t, o), theirs.Metrics(); s.Totals != m.Totals || m.CircuitBreakerRejections+m.RateLimitHits == 0 {
				t.Errorf("seed %d: %v\nforetold: %+v\nis:       %+v", seed, candidate, s.Totals, m.Totals)
			}
		})
	}
}

// Calls that would have waited for their token are let through, and no others.
func TestADryRunKnowsWhoWouldHaveWaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		candidate := policy.RateLimit{RequestsPerSecond: 2, Burst: 3, MaxWait: 2 * time.Second}
		o, run := rehearsed(t, policy.None{}, candidate)
		theirs, runTheirs := rehearsed(t, candidate, policy.None{})
		var calls sync.WaitGroup
		for i := range 100 {
			for range i % 4 {
				_ = run(t.Context(), func(context.Context) error { return nil })
				calls.Go(func() { _ = runTheirs(t.Context(), func(context.Context) error { return nil }) })
				synctest.Wait()
			}
			time.Sleep(490 * time.Millisecond)
		}
		calls.Wait()
		s, m := shadowOf(t, o), theirs.Metrics()
		if s.RateLimitHits != m.RateLimitHits || m.RateLimitHits == 0 {
			t.Errorf("foretold %d, is %d", s.RateLimitHits, m.RateLimitHits)
		}
	})
}

func TestWhatADryRunKnowsOfRetries(t *testing.T) {
	retry := func(n int) policy.Policy { return policy.Retry{MaxAttempts: n, Backoff: policy.Fixed(time.Second)} }
	tests := []struct {
		name               string
		inForce, candidate policy.Policy
		outcomes           []error // of the attempts; then they succeed
		want               policy.Totals
		unseen, assumed    uint64
	}{
		{"more would have failed as well", retry(1), retry(4), []error{errDown}, policy.Totals{TotalOperations: 1, FailedOperations: 1, RetryAttempts: 3}, 0, 3},
		{"fewer would have given up", retry(3), retry(2), []error{errDown, errDown}, policy.Totals{TotalOperations: 1, FailedOperations: 1, RetryAttempts: 1}, 0, 0},
		{"fewer would have sufficed", retry(3), retry(2), []error{errDown}, policy.Totals{TotalOperations: 1, SuccessfulOperations: 1, RetryAttempts: 1}, 0, 0},
		{"none in force", policy.None{}, retry(3), []error{errDown}, policy.Totals{TotalOperations: 1, FailedOperations: 1, RetryAttempts: 2}, 0, 2},
		{"none would be", retry(3), policy.None{}, []error{errDown}, policy.Totals{TotalOperations: 1, FailedOperations: 1}, 0, 0},
		{"time would not have sufficed", retry(3), policy.Combine(policy.Timeout(500*time.Millisecond), retry(3)), []error{errDown}, policy.Totals{TotalOperations: 1, FailedOperations: 1}, 0, 0},
		{"answers are not retried", retry(3), policy.Combine(retry(3), policy.Errors{Answers: []error{errDown}}), []error{errDown}, policy.Totals{TotalOperations: 1, SuccessfulOperations: 1, Answered: 1}, 0, 0},
		{"the breaker would have stopped them", retry(3), policy.Combine(retry(3), policy.CircuitBreaker{FailureThreshold: 1, RecoveryTimeout: time.Minute}), []error{errDown}, policy.Totals{TotalOperations: 1, FailedOperations: 1, RetryAttempts: 1, CircuitBreakerTrips: 1, CircuitBreakerRejections: 1}, 0, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o, run := rehearsed(t, test.inForce, test.candidate)
				n := 0
				_ = run(t.Context(), func(context.Context) error {
					if n++; n <= len(test.outcomes) {
						return test.outcomes[n-1]
					}
					return nil
				})
				if s := shadowOf(t, o); s.Totals != test.want || s.Unseen != test.unseen || s.Assumed != test.assumed {
					t.Errorf("%+v, unseen %d, assumed %d; want %+v", s.Totals, s.Unseen, s.Assumed, test.want)
				}
			})
		})
	}
}

// What the policy in force refuses has reached nobody: nothing is claimed of it, but
// the candidate's limiter knows that it was asked.
func TestWhatIsRefusedIsUnseen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, run := rehearsed(t, policy.RateLimit{RequestsPerSecond: 1, Burst: 1}, policy.RateLimit{RequestsPerSecond: 1, Burst: 5})
		for range 8 {
			_ = run(t.Context(), func(context.Context) error { return nil })
		}
		s := shadowOf(t, o)
		if want := (policy.Totals{TotalOperations: 4, SuccessfulOperations: 1, FailedOperations: 3, RateLimitHits: 3}); s.Unseen != 4 || s.Totals != want {
			t.Errorf("%+v", s)
		}
	})
}

// An attempt that takes longer than the candidate's timeout would have timed out, and
// its breaker would know.
func TestSlowAttemptsWouldHaveTimedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, run := rehearsed(t, policy.Timeout(time.Minute), policy.Combine(policy.CircuitBreaker{FailureThreshold: 2}, policy.Timeout(time.Second)))
		for range 3 {
			_ = run(t.Context(), func(context.Context) error { time.Sleep(2 * time.Second); return nil })
		}
		s := shadowOf(t, o)
		if s.TimeoutCount < 2 || s.CircuitBreakerTrips != 1 || s.SuccessfulOperations != 0 {
			t.Errorf("%+v", s.Totals)
		}
	})
}

// Whatever a candidate asks of its user disturbs no call.
func TestACandidateThatPanicsDisturbsNobody(t *testing.T) {
	var log strings.Builder
	o, err := container.NewOrchestrator(policy.Catalog{}, container.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	if err != nil {
		t.Fatal(err)
	}
	p := policy.Combine(policy.Retry{MaxAttempts: 2, Backoff: policy.Fixed(1)}, policy.CircuitBreaker{FailureThreshold: 9})
	broken := policy.Combine(policy.Retry{MaxAttempts: 2, RetryIf: func(error) bool { panic("a bug") }}, policy.CircuitBreaker{FailureThreshold: 9})
	if err := o.Reload(policy.Catalog{Policies: map[string]policy.Policy{"bank": p}}); err != nil {
		t.Fatal(err)
	}
	if err := o.SetShadow("broken", policy.Catalog{Policies: map[string]policy.Policy{"bank": broken}}); err != nil {
		t.Fatal(err)
	}
	runner, _ := o.Pipeline("bank")
	err = runner.Run(t.Context(), func(context.Context) error { return errDown })
	if !errors.Is(err, policy.ErrRetriesExhausted) || o.Metrics().RetryAttempts != 1 {
		t.Errorf("%v, %+v", err, o.Metrics())
	}
	if s := shadowOf(t, o); s.Unseen != 1 || !strings.Contains(log.String(), "the dry run panicked") {
		t.Errorf("%+v\n%s", s, log.String())
	}
}

// Panics, exits and cancellations end the rehearsal too: no probe's place is lost.
func TestADryRunLosesNoProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, run := rehearsed(t, policy.None{}, policy.CircuitBreaker{FailureThreshold: 1, RecoveryTimeout: time.Second, SuccessThreshold: 1, ProbeTimeout: time.Hour})
		_ = run(t.Context(), func(context.Context) error { return errDown })
		for range 3 {
			time.Sleep(2 * time.Second)
			func() {
				defer func() { _ = recover() }()
				_ = run(t.Context(), func(context.Context) error { panic("out of paper") })
			}()
			time.Sleep(2 * time.Second)
			ctx, cancel := context.WithCancel(t.Context())
			_ = run(ctx, func(context.Context) error { cancel(); return ctx.Err() })
		}
		time.Sleep(2 * time.Second)
		_ = run(t.Context(), func(context.Context) error { return nil })
		if s := shadowOf(t, o); s.CircuitBreakers[0].State != policy.StateClosed {
			t.Errorf("%+v", s)
		}
	})
}

type bankCharge func(context.Context) error

// A service has in the candidate what it would have in force: its tag's policy, or what
// the candidate's services choose, whatever is in force now.
func TestADryRunOfServices(t *testing.T) {
	c, err := container.New(policy.Catalog{Policies: map[string]policy.Policy{"bank": policy.None{}}})
	if err != nil {
		t.Fatal(err)
	}
	o := c.Orchestrator()
	tight := policy.Catalog{
		CircuitBreakers: map[string]policy.CircuitBreaker{"shared": {FailureThreshold: 2, RecoveryTimeout: time.Hour}},
		Policies:        map[string]policy.Policy{"bank": policy.None{}, "tight": policy.CircuitBreaker{Name: "shared"}},
		Services:        map[string]policy.Service{"container_test.bankCharge": {Policy: "tight"}},
	}
	if err := c.Provide(container.Tag(func() bankCharge { return func(context.Context) error { return errDown } }, "bank")); err != nil {
		t.Fatal(err)
	}
	var charge bankCharge
	if err := c.Invoke(func(b bankCharge) { charge = b }); err != nil {
		t.Fatal(err)
	}
	call := func(n int) {
		for range n {
			if err := charge(t.Context()); err != errDown { //nolint:errorlint // the very error
				t.Errorf("%v", err)
			}
		}
	}
	call(1) // not seen
	if err := o.SetShadow("tight", tight); err != nil {
		t.Fatal(err)
	}
	call(4)
	s := shadowOf(t, o)
	if want := (policy.Totals{TotalOperations: 4, FailedOperations: 4, CircuitBreakerTrips: 1, CircuitBreakerRejections: 2}); s.Operations["container_test.bankCharge"] != want {
		t.Errorf("%+v", s)
	}

	// The same candidate, changed: what did not change keeps its state.
	tight.Policies["tight"] = policy.Combine(policy.CircuitBreaker{Name: "shared"}, policy.Timeout(time.Hour))
	if err := o.SetShadow("tight", tight); err != nil {
		t.Fatal(err)
	}
	call(1)
	if again := shadowOf(t, o); again.CircuitBreakerRejections != 3 || again.Since != s.Since {
		t.Errorf("%+v", again)
	}

	// One that is no good leaves the last.
	err = o.SetShadow("other", policy.Catalog{})
	if err == nil || !strings.Contains(err.Error(), `the dry run of profile "other": `) || !strings.Contains(err.Error(), `no policy "bank"`) {
		t.Errorf("%v", err)
	}
	err = o.SetShadow("tight", policy.Catalog{})
	if err == nil || shadowOf(t, o).Profile != "tight" {
		t.Errorf("%v", err)
	}
	call(1)
	if again := shadowOf(t, o); again.CircuitBreakerRejections != 4 {
		t.Errorf("%+v", again)
	}

	// A reload of what is in force goes on with it.
	if err := o.Reload(policy.Catalog{Policies: map[string]policy.Policy{"bank": policy.Timeout(time.Hour)}}); err != nil {
		t.Fatal(err)
	}
	call(1)
	if again := shadowOf(t, o); again.CircuitBreakerRejections != 5 {
		t.Errorf("%+v", again)
	}
	if err := o.SetShadow("", policy.Catalog{}); err != nil {
		t.Fatal(err)
	}
	call(1)
	if _, ok := o.Shadow(); ok {
		t.Error("it goes on")
	}
}

func TestACandidateMustHaveThePoliciesOfServices(t *testing.T) {
	c, err := container.New(policy.Catalog{Policies: map[string]policy.Policy{"bank": policy.None{}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Orchestrator().SetShadow("tight", policy.Catalog{Policies: map[string]policy.Policy{"banks": policy.None{}}}); err != nil {
		t.Fatal(err)
	}
	if err := c.Provide(container.Tag(func() bankCharge { return nil2 }, "bank")); err != nil {
		t.Fatal(err)
	}
	err = c.Invoke(func(bankCharge) {})
	if err == nil || !strings.Contains(err.Error(), `the dry run of profile "tight": service container_test.bankCharge: no policy "bank" (did you mean "banks"?)`) {
		t.Errorf("%v", err)
	}
}

func nil2(context.Context) error { return nil }

// Operations with policies of their own run under the same in the candidate, with what
// that knows by its names.
func TestADryRunOfOperations(t *testing.T) {
	o, err := container.NewOrchestrator(policy.Catalog{CircuitBreakers: map[string]policy.CircuitBreaker{"bank": {FailureThreshold: 100}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := o.RegisterCircuitBreaker("in code", policy.CircuitBreaker{FailureThreshold: 1}); err != nil {
		t.Fatal(err)
	}
	if err := o.SetShadow("tight", policy.Catalog{CircuitBreakers: map[string]policy.CircuitBreaker{"bank": {FailureThreshold: 2, RecoveryTimeout: time.Hour}}}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"bank", "in code"} {
		for range 5 {
			_, _ = policy.ExecuteWith(t.Context(), o, "charge "+name, policy.CircuitBreaker{Name: name}, func(context.Context) (int, error) { return 0, errDown })
		}
	}
	s := shadowOf(t, o)
	if got := s.Operations["charge bank"]; got.CircuitBreakerTrips != 1 || got.CircuitBreakerRejections != 3 {
		t.Errorf("%+v", got)
	}
	if got := s.Operations["charge in code"]; got.CircuitBreakerTrips != 1 || got.CircuitBreakerRejections != 4 {
		t.Errorf("%+v", got)
	}
}

// Calls from many goroutines while the candidate changes, for the race detector: every
// operation is counted once.
func TestADryRunUnderRace(t *testing.T) {
	p := policy.Combine(policy.Retry{MaxAttempts: 2, Backoff: policy.Fixed(1)}, policy.RateLimit{RequestsPerSecond: 1e9, Burst: 1e9}, policy.CircuitBreaker{FailureThreshold: 1e9})
	o, run := rehearsed(t, p, p)
	var calls sync.WaitGroup
	for g := range 8 {
		calls.Go(func() {
			for i := range 500 {
				_ = run(context.Background(), func(context.Context) error {
					if (g+i)%7 == 0 {
						return errDown
					}
					return nil
				})
			}
		})
	}
	for n := range 20 {
		c := policy.Catalog{Policies: map[string]policy.Policy{"bank": policy.Combine(p, policy.Timeout(time.Duration(n+1)*time.Hour))}}
		if err := o.SetShadow("candidate", c); err != nil {
			t.Error(err)
		}
		_ = fmt.Sprint(o.Shadow())
	}
	calls.Wait()
	if s := shadowOf(t, o); s.TotalOperations != 4000 || s.TotalOperations != o.Metrics().TotalOperations {
		t.Errorf("%+v", s.Totals)
	}
}
