package container_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/policy"
)

func works(context.Context) error { return nil }

func TestRateLimitAdmitsItsBurstThenItsRate(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, l := limited(t, policy.RateLimit{RequestsPerSecond: 10, Burst: 4})
		admitted := func() (n int) {
			for p.Run(t.Context(), works) == nil {
				n++
			}
			return n
		}
		if got := admitted(); got != 4 {
			t.Errorf("%d at once, want the burst of 4", got)
		}
		total := 0
		for range 100 {
			time.Sleep(100*time.Millisecond + 1)
			total += admitted()
		}
		if total != 100 {
			t.Errorf("%d in ten seconds, want 100", total)
		}
		time.Sleep(time.Hour)
		if got := admitted(); got != 4 {
			t.Errorf("%d at once after an hour, want the burst of 4", got)
		}
		if l.Name() != "l" {
			t.Errorf("its name is %q", l.Name())
		}
	})
}

func TestRejectionSaysWhoAndWhen(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, _ := limited(t, policy.RateLimit{RequestsPerSecond: 2, Burst: 1})
		_ = p.Run(t.Context(), works)
		s := &script{}
		err := p.Run(t.Context(), s.call)
		wantIs(t, err, policy.ErrRateLimited)
		var limited *policy.RateLimitedError
		if !errors.As(err, &limited) || limited.Name != "l" || limited.Operation != "op" || !about(limited.RetryAfter, time.Second/2) {
			t.Errorf("got %+v", limited)
		}
		if s.calls != 0 {
			t.Error("the dependency was called")
		}
	})
}

// Who waits as long as told gets a token, and who comes much earlier gets none:
// at any rate, with any burst, however the calls before came.
func TestRetryAfterOfALimiterIsExact(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	for range scale(400) {
		virtual(t, func(t *testing.T) {
			spec := policy.RateLimit{RequestsPerSecond: []float64{0.001, 0.3, 1, 3, 7, 10, 33.3, 1000, 123456.7, 3e8}[random.IntN(10)] * (0.5 + random.Float64()), Burst: 1 + random.IntN(5)}
			p, _ := limited(t, spec)
			for range 20 {
				err := p.Run(t.Context(), works)
				if err == nil {
					time.Sleep(time.Duration(random.Int64N(int64(float64(time.Second) / spec.RequestsPerSecond * 0.7))))
					continue
				}
				after, ok := policy.RetryAfter(err)
				if !ok {
					t.Fatalf("%v: no time in %v", spec, err)
				}
				if early := after - after/1000 - 3; early > 0 {
					time.Sleep(early)
					if p.Run(t.Context(), works) == nil {
						t.Fatalf("%v: told %v, admitted after %v", spec, after, early)
					}
					after -= early
				}
				time.Sleep(after)
				if err := p.Run(t.Context(), works); err != nil {
					t.Fatalf("%v: waited as told and got %v", spec, err)
				}
			}
		})
	}
}

// The limiter was once charged once per call, and not per attempt: "one per
// second" with ten retries made ten calls at once.
func TestEveryAttemptTakesAToken(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, o := under(t, policy.Retry{MaxAttempts: 10, Backoff: policy.Fixed(0)}, policy.RateLimit{RequestsPerSecond: 1, Burst: 1})
		var at []time.Duration
		start := time.Now()
		_ = p.Run(t.Context(), func(context.Context) error {
			at = append(at, time.Since(start))
			return errDown
		})
		// A rejection is an attempt of the retry too, which then waits as told:
		// every other of the ten reaches the dependency, a second apart.
		if len(at) != 5 {
			t.Fatalf("%d calls at %v", len(at), at)
		}
		for i := range at {
			if !about(at[i], time.Duration(i)*time.Second) {
				t.Errorf("call %d came after %v", i+1, at[i])
			}
		}
		if got := o.Metrics(); got.RateLimitHits != 5 || got.RetryAttempts != 9 {
			t.Errorf("metrics are %+v", got.Totals)
		}
	})
}

func TestRetryWithWaitingLimiterSpacesTheAttempts(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, _ := under(t, policy.Retry{MaxAttempts: 4, Backoff: policy.Fixed(0)}, policy.RateLimit{RequestsPerSecond: 1, Burst: 1, MaxWait: time.Minute})
		s := fails(9)
		if got := took(func() { _ = p.Run(t.Context(), s.call) }); !about(got, 3*time.Second) || s.calls != 4 {
			t.Errorf("%d attempts in %v", s.calls, got)
		}
	})
}

func TestALimiterOutsideARetryTakesOneTokenPerCall(t *testing.T) {
	virtual(t, func(t *testing.T) {
		o := newOrchestrator(t, policy.Catalog{RateLimiters: map[string]policy.RateLimit{"l": {RequestsPerSecond: 1, Burst: 5}}})
		p := pipelineFor(t, o, "op", policy.RateLimit{Name: "l"}, policy.Retry{MaxAttempts: 3, Backoff: policy.Fixed(0)})
		_ = p.Run(t.Context(), always(errDown))
		if l, _ := o.RateLimiter("l"); l.Tokens() != 4 {
			t.Errorf("%v tokens left of 5", l.Tokens())
		}
	})
}

// A call that the breaker rejects must not burn a token of a limiter inside it.
func TestABreakerOutsideALimiterBurnsNoToken(t *testing.T) {
	virtual(t, func(t *testing.T) {
		o := newOrchestrator(t, policy.Catalog{RateLimiters: map[string]policy.RateLimit{"l": {RequestsPerSecond: 0.001, Burst: 5}}})
		b := registered(t, o, "b", policy.CircuitBreaker{})
		p := pipelineFor(t, o, "op", policy.Retry{Backoff: policy.Fixed(0)}, policy.CircuitBreaker{Name: "b"}, policy.RateLimit{Name: "l"})
		b.ForceOpen()
		for range 10 {
			wantIs(t, p.Run(t.Context(), works), policy.ErrCircuitOpen)
		}
		if l, _ := o.RateLimiter("l"); l.Tokens() != 5 {
			t.Errorf("%v tokens left of 5", l.Tokens())
		}
	})
}

func TestMaxWaitWaitsForAToken(t *testing.T) {
	for _, tt := range []struct {
		maxWait time.Duration
		ok      bool
	}{
		{0, false},
		{time.Second / 2, false},
		{2 * time.Second, true},
	} {
		virtual(t, func(t *testing.T) {
			p, _ := limited(t, policy.RateLimit{RequestsPerSecond: 1, Burst: 1, MaxWait: tt.maxWait})
			_ = p.Run(t.Context(), works)
			var err error
			passed := took(func() { err = p.Run(t.Context(), works) })
			if tt.ok && (err != nil || !about(passed, time.Second)) {
				t.Errorf("up to %v: %v after %v", tt.maxWait, err, passed)
			}
			if !tt.ok {
				wantIs(t, err, policy.ErrRateLimited)
				if after, _ := policy.RetryAfter(err); passed != 0 || !about(after, time.Second) {
					t.Errorf("up to %v: rejected after %v, to come back in %v", tt.maxWait, passed, after)
				}
			}
		})
	}
}

func TestAMaxWaitOfJustWhatItTakesIsEnough(t *testing.T) {
	virtual(t, func(t *testing.T) {
		for _, rate := range []float64{0.3, 1, 3, 7, 1e6} {
			o := newOrchestrator(t, policy.Catalog{})
			set := func(maxWait time.Duration) {
				if err := o.RegisterRateLimiter("l", policy.RateLimit{RequestsPerSecond: rate, Burst: 1, MaxWait: maxWait}); err != nil {
					t.Error(err)
				}
			}
			set(0)
			p := pipelineFor(t, o, "op", policy.RateLimit{Name: "l"})
			_ = p.Run(t.Context(), works)
			after, _ := policy.RetryAfter(p.Run(t.Context(), works))
			set(after - 1)
			wantIs(t, p.Run(t.Context(), works), policy.ErrRateLimited)
			set(after)
			if passed := took(func() { wantIs(t, p.Run(t.Context(), works), nil) }); passed != after {
				t.Errorf("%v/s: told %v, waited %v", rate, after, passed)
			}
		}
	})
}

// Waiting in vain is worse than being told at once.
func TestNobodyWaitsForATokenThatTheDeadlineCannotFit(t *testing.T) {
	virtual(t, func(t *testing.T) {
		limit := policy.RateLimit{RequestsPerSecond: 1, Burst: 1, MaxWait: time.Hour}
		caller, _ := limited(t, limit)
		ours, _ := under(t, policy.Timeout(time.Second/2), limit)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		_ = caller.Run(t.Context(), works)
		_ = ours.Run(t.Context(), works)
		for name, run := range map[string]func() error{
			"the caller's": func() error { return caller.Run(ctx, works) },
			"ours":         func() error { return ours.Run(t.Context(), works) },
		} {
			var err error
			if passed := took(func() { err = run() }); passed != 0 {
				t.Errorf("%s: it took %v", name, passed)
			}
			wantIs(t, err, policy.ErrRateLimited)
			wantNot(t, err, policy.ErrTimeout, policy.ErrCancelled)
		}
	})
}

func TestWaitersAreServedInOrderOfArrival(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, _ := limited(t, policy.RateLimit{RequestsPerSecond: 1, Burst: 1, MaxWait: time.Hour})
		_ = p.Run(t.Context(), works)
		var mu sync.Mutex
		var order []int
		var at []time.Duration
		start := time.Now()
		var wg sync.WaitGroup
		for n := range 20 {
			wg.Go(func() {
				err := p.Run(t.Context(), func(context.Context) error {
					mu.Lock()
					defer mu.Unlock()
					order = append(order, n)
					at = append(at, time.Since(start))
					return nil
				})
				if err != nil {
					t.Errorf("waiter %d: %v", n, err)
				}
			})
			synctest.Wait() // until it stands in the queue
		}
		wg.Wait()
		if !slices.IsSorted(order) || len(order) != 20 {
			t.Errorf("served in the order %v", order)
		}
		for i := range at {
			if !about(at[i], time.Duration(i+1)*time.Second) {
				t.Errorf("waiter %d was served after %v", i, at[i])
			}
		}
	})
}

func TestNobodyPassesThoseWhoWait(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, _ := limited(t, policy.RateLimit{RequestsPerSecond: 1, Burst: 1, MaxWait: time.Hour})
		_ = p.Run(t.Context(), works)
		var first, second time.Duration
		start := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() { _ = p.Run(t.Context(), works); first = time.Since(start) })
		synctest.Wait()
		time.Sleep(time.Second) // the token is there, at the very moment when another comes
		wg.Go(func() { _ = p.Run(t.Context(), works); second = time.Since(start) })
		wg.Wait()
		if first > second || !about(first, time.Second) || !about(second, 2*time.Second) {
			t.Errorf("the first was served after %v, who came later after %v", first, second)
		}
	})
}

func TestTheQueueIsNoLongerThanMaxWait(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, _ := limited(t, policy.RateLimit{RequestsPerSecond: 1, Burst: 1, MaxWait: 3500 * time.Millisecond})
		_ = p.Run(t.Context(), works)
		var mu sync.Mutex
		served, rejected := 0, 0
		var told []time.Duration
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				err := p.Run(t.Context(), works)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					served++
					return
				}
				rejected++
				after, _ := policy.RetryAfter(err)
				told = append(told, after)
			})
			synctest.Wait()
		}
		wg.Wait()
		if served != 3 || rejected != 7 {
			t.Errorf("%d served, %d rejected; want 3 and 7", served, rejected)
		}
		for _, after := range told {
			if !about(after, 4*time.Second) { // behind the three who wait
				t.Errorf("rejected with %v to go, want 4s", after)
			}
		}
	})
}

// Giving back a reservation helps nobody once others have reserved after it:
// thirty waiters that gave up in order of arrival once blocked the next caller
// for twenty-nine tokens.
func TestWaitersThatGiveUpReturnTheirToken(t *testing.T) {
	for name, order := range map[string]func(int) int{
		"in order of arrival":     func(n int) int { return n },
		"the last comes first":    func(n int) int { return 29 - n },
		"every third, then again": func(n int) int { return n * 7 % 30 },
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				p, l := limited(t, policy.RateLimit{RequestsPerSecond: 1, Burst: 1, MaxWait: time.Hour})
				_ = p.Run(t.Context(), works)
				cancels := make([]context.CancelFunc, 30)
				var wg sync.WaitGroup
				for n := range cancels {
					ctx, cancel := context.WithCancel(t.Context())
					cancels[n] = cancel
					wg.Go(func() {
						err := p.Run(ctx, works)
						wantIs(t, err, policy.ErrCancelled, context.Canceled)
						wantNot(t, err, policy.ErrRateLimited)
					})
					synctest.Wait()
				}
				for n := range cancels {
					cancels[order(n)]()
					synctest.Wait()
				}
				wg.Wait()
				if got := took(func() { _ = p.Run(t.Context(), works) }); !about(got, time.Second) {
					t.Errorf("the next caller waited %v, want 1s", got)
				}
				if got := l.Tokens(); got > 0.001 || got < -0.001 {
					t.Errorf("%v tokens, want none", got)
				}
			})
		})
	}
}

func TestTheNextInLineTakesThePlaceOfOneWhoGivesUp(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, _ := limited(t, policy.RateLimit{RequestsPerSecond: 1, Burst: 1, MaxWait: time.Hour})
		_ = p.Run(t.Context(), works)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { _ = p.Run(ctx, works) })
		synctest.Wait()
		start := time.Now()
		var served time.Duration
		wg.Go(func() {
			_ = p.Run(t.Context(), works)
			served = time.Since(start)
		})
		time.Sleep(time.Second / 2)
		cancel()
		wg.Wait()
		if !about(served, time.Second) {
			t.Errorf("served after %v, want the 1s of the one who left", served)
		}
	})
}

// Raising or lowering the rate once filled the bucket again each time: ten
// thousand of ten thousand calls passed at "one per second".
func TestChangingTheRateDoesNotRefill(t *testing.T) {
	virtual(t, func(t *testing.T) {
		o := newOrchestrator(t, policy.Catalog{})
		set := func(rate float64, burst int) {
			t.Helper()
			if err := o.RegisterRateLimiter("l", policy.RateLimit{RequestsPerSecond: rate, Burst: burst}); err != nil {
				t.Fatal(err)
			}
		}
		set(1, 10)
		p := pipelineFor(t, o, "op", policy.RateLimit{Name: "l"})
		passed := 0
		for n := range 10_000 {
			set(1+float64(n%2), 10+n%3)
			if p.Run(t.Context(), works) == nil {
				passed++
			}
		}
		if passed != 10 {
			t.Errorf("%d calls passed at once, want the burst of 10", passed)
		}
		set(1000, 10)
		time.Sleep(time.Millisecond + 2)
		if err := p.Run(t.Context(), works); err != nil {
			t.Errorf("the new rate does not count: %v", err)
		}
		set(1, 1)
		time.Sleep(time.Hour)
		l, _ := o.RateLimiter("l")
		if got := l.Tokens(); got != 1 {
			t.Errorf("%v tokens, want the new burst of 1", got)
		}
	})
}

func TestALowerBurstTakesTokensAway(t *testing.T) {
	virtual(t, func(t *testing.T) {
		o := newOrchestrator(t, policy.Catalog{RateLimiters: map[string]policy.RateLimit{"l": {RequestsPerSecond: 1, Burst: 100}}})
		if err := o.RegisterRateLimiter("l", policy.RateLimit{RequestsPerSecond: 1, Burst: 2}); err != nil {
			t.Fatal(err)
		}
		p := pipelineFor(t, o, "op", policy.RateLimit{Name: "l"})
		passed := 0
		for range 100 {
			if p.Run(t.Context(), works) == nil {
				passed++
			}
		}
		if passed != 2 {
			t.Errorf("%d calls passed, want 2", passed)
		}
	})
}

// Asking for the status once took a token.
func TestAskingForTokensTakesNone(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, l := limited(t, policy.RateLimit{RequestsPerSecond: 0.001, Burst: 3})
		for range 100 {
			if got := l.Tokens(); got != 3 {
				t.Fatalf("%v tokens, want 3", got)
			}
		}
		_ = p.Run(t.Context(), works)
		if got := l.Tokens(); got != 2 {
			t.Errorf("%v tokens after a call, want 2", got)
		}
	})
}

func TestManyAtOnceGetNoMoreThanTheBurst(t *testing.T) {
	virtual(t, func(t *testing.T) {
		for _, maxWait := range []time.Duration{0, time.Millisecond} {
			p, _ := limited(t, policy.RateLimit{RequestsPerSecond: 1, Burst: 50, MaxWait: maxWait})
			var mu sync.Mutex
			passed := 0
			var wg sync.WaitGroup
			for range 200 {
				wg.Go(func() {
					if p.Run(t.Context(), works) == nil {
						mu.Lock()
						defer mu.Unlock()
						passed++
					}
				})
			}
			wg.Wait()
			if passed != 50 {
				t.Errorf("%d passed, want 50", passed)
			}
		}
	})
}

// An open circuit burnt the tokens of a limit that others share: 49 of their 50
// calls were refused.
func TestACallThatIsRefusedFurtherInGivesItsTokenBack(t *testing.T) {
	virtual(t, func(t *testing.T) {
		limit := policy.RateLimit{Name: "shared", RequestsPerSecond: 0.001, Burst: 50}
		o := newOrchestrator(t, policy.Catalog{RateLimiters: map[string]policy.RateLimit{"shared": limit}})
		b := registered(t, o, "b", policy.CircuitBreaker{})
		b.ForceOpen()
		down := pipelineFor(t, o, "down", policy.RateLimit{Name: "shared"}, policy.CircuitBreaker{Name: "b"})
		narrow := pipelineFor(t, o, "narrow", policy.RateLimit{Name: "shared"}, policy.RateLimit{RequestsPerSecond: 0.001, Burst: 1})
		if err := narrow.Run(t.Context(), works); err != nil { // takes one
			t.Fatal(err)
		}
		for range 100 {
			wantIs(t, down.Run(t.Context(), works), policy.ErrCircuitOpen)
			wantIs(t, narrow.Run(t.Context(), works), policy.ErrRateLimited)
		}
		other := pipelineFor(t, o, "other", policy.RateLimit{Name: "shared"})
		passed := 0
		for range 100 {
			if other.Run(t.Context(), works) == nil {
				passed++
			}
		}
		if passed != 49 {
			t.Errorf("%d calls of another passed, want the 49 tokens that were not taken", passed)
		}
	})
}

// A token that another attempt's refusal follows was not taken in vain.
func TestACallWhoseAttemptWasMadeKeepsItsToken(t *testing.T) {
	virtual(t, func(t *testing.T) {
		o := newOrchestrator(t, policy.Catalog{})
		p := pipelineFor(t, o, "op", policy.RateLimit{Name: "l", RequestsPerSecond: 0.001, Burst: 9},
			policy.Retry{MaxAttempts: 3, Backoff: policy.Fixed(0)}, policy.CircuitBreaker{FailureThreshold: 1})
		wantIs(t, p.Run(t.Context(), always(errDown)), policy.ErrCircuitOpen, errDown)
		if l, _ := o.RateLimiter("l"); l.Tokens() != 8 {
			t.Errorf("%v tokens, want 8", l.Tokens())
		}
	})
}

// A retry's time was over, and its attempt began all the same, when it had waited
// for its token.
func TestNoAttemptWaitsForATokenBeyondMaxElapsed(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, _ := under(t, policy.Retry{MaxAttempts: 3, Backoff: policy.Fixed(0), MaxElapsed: time.Second},
			policy.RateLimit{RequestsPerSecond: 0.5, Burst: 1, MaxWait: time.Minute})
		s := fails(9)
		var err error
		passed := took(func() { err = p.Run(t.Context(), s.call) })
		wantIs(t, err, policy.ErrRetriesExhausted, errDown)
		if s.calls != 1 || passed != 0 {
			t.Errorf("%d attempts in %v; the second could not begin in time", s.calls, passed)
		}
	})
}
