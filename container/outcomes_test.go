package container_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// The attempt that opened the breaker said what was wrong; the refusal of the next
// one took its place.
func TestTheCallThatOpensTheBreakerKeepsTheDependencysError(t *testing.T) {
	p, _ := under(t, policy.Retry{MaxAttempts: 5, Backoff: policy.Fixed(0)}, policy.CircuitBreaker{FailureThreshold: 1})
	err := p.Run(t.Context(), always(errBusy))
	wantIs(t, err, policy.ErrCircuitOpen, errBusy)
	wantMessage(t, err, "is open", "the attempt before: busy")
	if err := p.Run(t.Context(), works); errors.Is(err, errBusy) {
		t.Errorf("that was another call: %v", err)
	}
}

func TestALimitedRetryKeepsTheDependencysError(t *testing.T) {
	p, _ := under(t, policy.Retry{MaxAttempts: 2, Backoff: policy.Fixed(0)}, policy.RateLimit{RequestsPerSecond: 0.001, Burst: 1})
	wantIs(t, p.Run(t.Context(), always(errDown)), policy.ErrRetriesExhausted, policy.ErrRateLimited, errDown)
}

// To whoever stands outside, an operation whose attempt failed has failed, also
// where the next one was refused.
func TestARefusalAfterAFailureIsAFailureToABreakerOutside(t *testing.T) {
	o := newOrchestrator(t, policy.Catalog{})
	b := registered(t, o, "outer", policy.CircuitBreaker{FailureThreshold: 1})
	p := pipelineFor(t, o, "op", policy.CircuitBreaker{Name: "outer"},
		policy.Retry{MaxAttempts: 3, Backoff: policy.Fixed(0)}, policy.CircuitBreaker{FailureThreshold: 1})
	wantIs(t, p.Run(t.Context(), always(errDown)), policy.ErrCircuitOpen, errDown)
	wantState(t, b, policy.StateOpen)
}

// httputil.ReverseProxy panics with http.ErrAbortHandler when the browser is gone:
// three closed tabs opened the circuit.
func TestAPanicAfterTheCallerHasGoneIsNoFailure(t *testing.T) {
	p, o := under(t, policy.CircuitBreaker{FailureThreshold: 1})
	ctx, cancel := context.WithCancel(t.Context())
	got := recovered(func() {
		_ = p.Run(ctx, func(context.Context) error { cancel(); panic(http.ErrAbortHandler) })
	})
	if got != http.ErrAbortHandler { //nolint:errorlint // the very value goes on
		t.Errorf("panicked with %v", got)
	}
	if err := p.Run(t.Context(), works); err != nil {
		t.Errorf("the circuit is open: %v", err)
	}
	if got := o.Metrics().Totals; got.Cancelled != 1 || got.FailedOperations != 1 || got.CircuitBreakerTrips != 0 {
		t.Errorf("metrics are %+v", got)
	}
	_ = recovered(func() { _ = p.Run(t.Context(), func(context.Context) error { panic("boom") }) })
	wantIs(t, p.Run(t.Context(), works), policy.ErrCircuitOpen)
}

// A pipeline further in whose own context ended made the breaker outside blind and
// stopped the retry outside, though their caller still waited.
func TestAnInnerCallsOwnEndIsAFailureToTheOuterOne(t *testing.T) {
	virtual(t, func(t *testing.T) {
		o := newOrchestrator(t, policy.Catalog{})
		b := registered(t, o, "b", policy.CircuitBreaker{FailureThreshold: 3})
		inner := pipelineFor(t, o, "inner", policy.Retry{})
		outer := pipelineFor(t, o, "outer", policy.Retry{MaxAttempts: 3, Backoff: policy.Fixed(0)}, policy.CircuitBreaker{Name: "b"})
		for _, end := range []func(context.Context) (context.Context, context.CancelFunc){
			func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeout(ctx, time.Second)
			},
			func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(ctx)
				time.AfterFunc(time.Second, cancel)
				return ctx, cancel
			},
		} {
			b.Reset()
			attempts := 0
			err := outer.Run(t.Context(), func(ctx context.Context) error {
				attempts++
				own, cancel := end(ctx)
				defer cancel()
				return inner.Run(own, waits(time.Hour))
			})
			wantIs(t, err, policy.ErrRetriesExhausted)
			wantNot(t, err, policy.ErrCancelled) // nobody cancelled the outer call
			if attempts != 3 {
				t.Errorf("%d attempts, want 3", attempts)
			}
			wantState(t, b, policy.StateOpen)
		}
	})
}

// A dependency that hangs was never found out by callers with deadlines of their
// own: http.Client.Timeout is one.
func TestACallersDeadlineIsAFailureAfterPatience(t *testing.T) {
	virtual(t, func(t *testing.T) {
		for _, tt := range []struct {
			name     string
			patience time.Duration
			deadline time.Duration
			want     policy.State
		}{
			{"long enough", 0, policy.DefaultPatience, policy.StateOpen},
			{"too soon", 0, policy.DefaultPatience - 1, policy.StateClosed},
			{"as the policy says", time.Minute, time.Minute - 1, policy.StateClosed},
			{"as the policy says, and longer", time.Minute, time.Minute, policy.StateOpen},
		} {
			p, b := broken(t, policy.CircuitBreaker{FailureThreshold: 1, Patience: tt.patience})
			ctx, cancel := context.WithTimeout(t.Context(), tt.deadline)
			defer cancel()
			wantIs(t, p.Run(ctx, waits(time.Hour)), policy.ErrCancelled, context.DeadlineExceeded)
			if got := b.State(); got != tt.want {
				t.Errorf("%s: the breaker is %v, want %v", tt.name, got, tt.want)
			}
		}
	})
}

// What counts is how long the attempt ran, not what its caller did before.
func TestPatienceIsTheAttemptsOwn(t *testing.T) {
	virtual(t, func(t *testing.T) {
		o := newOrchestrator(t, policy.Catalog{})
		b := registered(t, o, "b", policy.CircuitBreaker{FailureThreshold: 2})
		p := pipelineFor(t, o, "op", policy.Retry{MaxAttempts: 2, Backoff: policy.Fixed(time.Second)}, policy.CircuitBreaker{Name: "b"})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second+policy.DefaultPatience/2)
		defer cancel()
		first := true
		err := p.Run(ctx, func(ctx context.Context) error {
			if first {
				first = false
				return errDown
			}
			return wait(ctx, time.Hour)
		})
		wantIs(t, err, policy.ErrCancelled)
		wantState(t, b, policy.StateClosed)
	})
}

// Probes that their callers leave, each of them, kept a breaker half-open and
// calls going to a dependency that hangs.
func TestAProbeThatItsCallerLeavesAfterPatienceHasFailed(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, b := halfOpen(t, policy.CircuitBreaker{SuccessThreshold: 1})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(policy.DefaultPatience, cancel)
		wantIs(t, p.Run(ctx, waits(time.Hour)), policy.ErrCancelled)
		wantState(t, b, policy.StateOpen)
	})
}

func TestAnAnswerIsASuccessToABreaker(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, b := broken(t, policy.CircuitBreaker{FailureThreshold: 2})
		for range 5 {
			_ = p.Run(t.Context(), always(errDown))
			wantIs(t, p.Run(t.Context(), always(policy.Answer(errNo))), errNo)
		}
		wantState(t, b, policy.StateClosed) // each answer ended the row

		p, b = halfOpen(t, policy.CircuitBreaker{SuccessThreshold: 2})
		_ = p.Run(t.Context(), always(policy.Answer(errNo)))
		_ = p.Run(t.Context(), always(policy.Answer(errNo)))
		wantState(t, b, policy.StateClosed)
	})
}

func TestAnAnswerIsCountedAsOne(t *testing.T) {
	p, o := under(t, policy.Retry{})
	s := &script{answers: []error{policy.Answer(errNo)}}
	wantIs(t, p.Run(t.Context(), s.call), errNo)
	if got := o.Metrics().Totals; s.calls != 1 || got.SuccessfulOperations != 1 || got.Answered != 1 || got.FailedOperations != 0 {
		t.Errorf("%d attempts, metrics %+v", s.calls, got)
	}
}

// An adapter knows better than the error, which comes out as it was.
func TestJudgeBeatsWhatTheErrorSays(t *testing.T) {
	for _, tt := range []struct {
		verdict policy.Verdict
		err     error
		calls   int
		trips   uint64
	}{
		{policy.Answered, errDown, 1, 0},
		{policy.Refused, errDown, 1, 0},
		{policy.Failed, policy.Permanent(errNo), 1, 1}, // a failure, though none that another attempt helps
		{policy.Failed, errDown, 2, 1},
		{policy.Unknown, errDown, 2, 1},
	} {
		p, o := under(t, policy.Retry{MaxAttempts: 2, Backoff: policy.Fixed(0)}, policy.CircuitBreaker{FailureThreshold: uint32(tt.calls)})
		call, calls := p.Begin(t.Context()), 0
		var err error
		for call.Next(&err) {
			calls++
			err = tt.err
			call.Judge(tt.verdict)
		}
		call.End()
		got := o.Metrics()
		if calls != tt.calls || got.CircuitBreakerTrips != tt.trips {
			t.Errorf("%v of %v: %d attempts, %d trips, want %d and %d", tt.verdict, tt.err, calls, got.CircuitBreakerTrips, tt.calls, tt.trips)
		}
		if calls == 1 && err != tt.err { //nolint:errorlint // it comes out as it was
			t.Errorf("%v: %v came out as %v", tt.verdict, tt.err, err)
		}
	}
}

func TestStopEndsTheAttempts(t *testing.T) {
	p, _ := under(t, policy.Retry{MaxAttempts: 3, Backoff: policy.Fixed(0)})
	call, calls := p.Begin(t.Context()), 0
	defer call.End()
	var err error
	for call.Next(&err) {
		calls++
		err = errDown
		call.Stop()
	}
	if calls != 1 || err != errDown { //nolint:errorlint // it comes out as it was
		t.Errorf("%d attempts, and %v", calls, err)
	}
}

// net/url, net and os ask an error's type, and look no further in.
func TestTimeoutsSayThatTheyAre(t *testing.T) {
	virtual(t, func(t *testing.T) {
		slow, _ := under(t, policy.Retry{MaxAttempts: 2, Backoff: policy.Fixed(0)}, policy.Timeout(time.Second))
		exhausted := slow.Run(t.Context(), waits(time.Hour))
		wantIs(t, exhausted, policy.ErrRetriesExhausted)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		late := slow.Run(ctx, waits(time.Hour))
		wantIs(t, late, policy.ErrCancelled)
		for _, err := range []error{exhausted, late} {
			if e, ok := err.(net.Error); !ok || !e.Timeout() { //nolint:errorlint // as others ask
				t.Errorf("net.Error: %v", err)
			}
			if !os.IsTimeout(err) || !(&url.Error{Err: err}).Timeout() {
				t.Errorf("no timeout to os or net/url: %v", err)
			}
		}
		gone, leave := context.WithCancel(t.Context())
		leave()
		if err := slow.Run(gone, works); os.IsTimeout(err) {
			t.Errorf("a cancellation calls itself a timeout: %v", err)
		}
		failing, _ := under(t, policy.Retry{MaxAttempts: 2, Backoff: policy.Fixed(0)})
		if err := failing.Run(t.Context(), always(errDown)); os.IsTimeout(err) {
			t.Errorf("a failure calls itself a timeout: %v", err)
		}
	})
}

func TestTheCauseOfACancellationIsFound(t *testing.T) {
	p, _ := under(t, policy.Retry{})
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errNo)
	wantIs(t, p.Run(ctx, works), policy.ErrCancelled, context.Canceled, errNo)
}

// A server's 86400 parked a goroutine for a day.
func TestAWaitThatIsTooLongEndsTheRetries(t *testing.T) {
	virtual(t, func(t *testing.T) {
		for _, tt := range []struct {
			name    string
			retry   policy.Retry
			after   time.Duration
			retries bool
		}{
			{"a day", policy.Retry{}, 24 * time.Hour, false},
			{"as long as the back-off's longest", policy.Retry{Backoff: policy.Exponential{Initial: time.Second, Max: time.Minute}}, time.Minute, true},
			{"longer", policy.Retry{Backoff: policy.Exponential{Initial: time.Second, Max: time.Minute}}, time.Minute + 1, false},
			{"30s at least", policy.Retry{Backoff: policy.Fixed(0)}, 30 * time.Second, true},
			{"as the policy says", policy.Retry{MaxWait: time.Second}, time.Second + 1, false},
		} {
			tt.retry.MaxAttempts = 2
			p, _ := under(t, tt.retry)
			s := &script{answers: []error{after(tt.after)}}
			var err error
			passed := took(func() { err = p.Run(t.Context(), s.call) })
			if tt.retries {
				if s.calls != 2 || passed < tt.after || err != nil {
					t.Errorf("%s: %d attempts in %v: %v", tt.name, s.calls, passed, err)
				}
				continue
			}
			wantIs(t, err, policy.ErrRetriesExhausted)
			if got, ok := policy.RetryAfter(err); s.calls != 1 || passed != 0 || !ok || got != tt.after {
				t.Errorf("%s: %d attempts in %v, to come back after %v", tt.name, s.calls, passed, got)
			}
		}
	})
}

// after is an error that asks its caller to wait.
type after time.Duration

func (after) Error() string               { return "busy" }
func (a after) RetryAfter() time.Duration { return time.Duration(a) }

// Those who were told the same came back in the same nanosecond.
func TestAThousandWhoAreToldTheSameDoNotComeBackTogether(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, _ := under(t, policy.Retry{MaxAttempts: 2, Backoff: policy.Fixed(0)})
		const wait = 10 * time.Second
		came := make(map[time.Duration]int)
		var longest time.Duration
		for range 1000 {
			s := &script{answers: []error{after(wait)}}
			passed := took(func() { _ = p.Run(t.Context(), s.call) })
			if passed < wait || passed > wait+wait/10 {
				t.Fatalf("it came back after %v", passed)
			}
			came[passed]++
			longest = max(longest, passed)
		}
		if len(came) < 900 || longest < wait+wait/20 {
			t.Errorf("%d moments up to %v", len(came), longest)
		}
	})
}

// A reading of the clock that was kept over what a user's function took gave the
// next attempt a deadline in the past.
func TestAnAttemptsDeadlineBeginsWithTheAttempt(t *testing.T) {
	virtual(t, func(t *testing.T) {
		slow := func(d time.Duration) time.Duration { time.Sleep(d); return 0 }
		for name, retry := range map[string]policy.Retry{
			"RetryIf":  {Backoff: policy.Fixed(0), RetryIf: func(error) bool { slow(time.Minute); return true }},
			"back-off": {Backoff: backoffFunc(func(int) time.Duration { return slow(time.Minute) })},
		} {
			p, _ := under(t, retry, policy.Timeout(time.Second))
			calls := 0
			err := p.Run(t.Context(), func(ctx context.Context) error {
				if calls++; calls == 1 {
					return errDown
				}
				return ctx.Err()
			})
			if err != nil || calls != 2 {
				t.Errorf("%s: %d attempts: %v", name, calls, err)
			}
		}
		// A listener takes its time as well.
		o := newOrchestrator(t, policy.Catalog{}, container.OnEvent(func(context.Context, container.Event) { time.Sleep(time.Minute) }))
		p := pipelineFor(t, o, "op", policy.Retry{Backoff: policy.Fixed(0)}, policy.Timeout(time.Second))
		calls := 0
		err := p.Run(t.Context(), func(ctx context.Context) error {
			if calls++; calls == 1 {
				return errDown
			}
			return ctx.Err()
		})
		if err != nil || calls != 2 {
			t.Errorf("listener: %d attempts: %v", calls, err)
		}
	})
}

func TestANilContextIsTheBackgrounds(t *testing.T) {
	for _, p := range []policy.Policy{policy.Retry{}, policy.CircuitBreaker{}, policy.Timeout(time.Minute), policy.RateLimit{RequestsPerSecond: 1}} {
		pipeline, _ := under(t, p)
		err := pipeline.Run(nil, func(ctx context.Context) error { //nolint:staticcheck // that is what is tested
			return ctx.Err()
		})
		if err != nil {
			t.Errorf("%v: %v", p, err)
		}
	}
}

// Without a policy Next counted its calls in eight bits, and after 256 began anew.
func TestNextStaysFalseAfterTheEnd(t *testing.T) {
	for _, layers := range [][]policy.Policy{nil, {policy.Retry{}}} {
		p, _ := under(t, layers...)
		call := p.Begin(t.Context())
		var err error
		attempts := 0
		for range 1000 {
			if call.Next(&err) {
				attempts++
			}
		}
		call.End()
		if attempts != 1 {
			t.Errorf("%v: %d attempts", layers, attempts)
		}
	}
}
