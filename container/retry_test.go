package container_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cladgo/clad/policy"
)

func TestRetryRepeatsUntilItWorks(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, o := under(t, policy.Retry{MaxAttempts: 3, Backoff: policy.Linear{Initial: time.Second, Increment: time.Second}})
		s := fails(2)
		var err error
		if got := took(func() { err = p.Run(t.Context(), s.call) }); got != 3*time.Second {
			t.Errorf("it took %v, want back-offs of 1s and 2s", got)
		}
		if err != nil || s.calls != 3 {
			t.Errorf("%v after %d attempts", err, s.calls)
		}
		want := policy.Totals{TotalOperations: 1, SuccessfulOperations: 1, RetryAttempts: 2}
		if got := o.Metrics().Totals; got != want {
			t.Errorf("metrics are %+v, want %+v", got, want)
		}
	})
}

// After the last attempt there is nothing to wait for; the sleep once came all
// the same.
func TestNoBackoffAfterTheLastAttempt(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, _ := under(t, policy.Retry{MaxAttempts: 3, Backoff: policy.Fixed(time.Second)})
		if got := took(func() { _ = p.Run(t.Context(), always(errDown)) }); got != 2*time.Second {
			t.Errorf("three attempts took %v, want two back-offs of 1s", got)
		}
	})
}

func TestExhaustedRetriesTellWhatHappened(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, o := under(t, policy.Retry{MaxAttempts: 4, Backoff: policy.Fixed(time.Second)})
		err := p.Run(t.Context(), always(errDown))
		wantIs(t, err, policy.ErrRetriesExhausted, errDown)
		var exhausted *policy.RetriesExhaustedError
		if !errors.As(err, &exhausted) {
			t.Fatalf("got %T", err)
		}
		if exhausted.Attempts != 4 || exhausted.Elapsed != 3*time.Second || exhausted.Operation != "op" {
			t.Errorf("got %+v", exhausted)
		}
		want := policy.Totals{TotalOperations: 1, FailedOperations: 1, RetryAttempts: 3}
		if got := o.Metrics().Totals; got != want {
			t.Errorf("metrics are %+v, want %+v", got, want)
		}
	})
}

type declined struct{ code string }

func (d *declined) Error() string { return "declined: " + d.code }

// Retrying once turned the dependency's typed error into a string.
func TestExhaustedRetriesKeepTheTypedError(t *testing.T) {
	p, _ := under(t, policy.Retry{Backoff: policy.Fixed(0)}, policy.CircuitBreaker{}, policy.Timeout(time.Minute), policy.Retry{Backoff: policy.Fixed(0)})
	err := p.Run(t.Context(), always(&declined{"51"}))
	var d *declined
	if !errors.As(err, &d) || d.code != "51" {
		t.Errorf("the dependency's error is lost in %v", err)
	}
}

func TestASingleAttemptHandsTheErrorThroughUnwrapped(t *testing.T) {
	p, _ := under(t, policy.Retry{MaxAttempts: 1})
	if err := p.Run(t.Context(), always(errDown)); err != errDown { //nolint:errorlint // the very error is what is promised
		t.Errorf("got %v", err)
	}
}

// Everything was once retried: refusals, cancellation, an open breaker.
func TestOnlyRetryableErrorsAreRetried(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		want int
	}{
		{"plain", errDown, 3},
		{"timeout", &policy.TimeoutError{}, 3},
		{"rate limited", &policy.RateLimitedError{}, 3},
		{"infrastructure", &policy.InfrastructureError{Err: errDown}, 3},
		{"the dependency's own deadline", context.DeadlineExceeded, 3},
		{"permanent", policy.Permanent(errNo), 1},
		{"says no itself", errFatal, 1},
		{"open circuit", &policy.CircuitOpenError{}, 1},
		{"exhausted", &policy.RetriesExhaustedError{Err: errDown}, 1},
		{"cancelled further in, while the caller waits", &policy.CancelledError{Err: context.Canceled}, 3},
		{"an answer", policy.Answer(errNo), 1},
		{"context.Canceled", context.Canceled, 1},
	} {
		p, _ := under(t, policy.Retry{MaxAttempts: 3, Backoff: policy.Fixed(0)})
		s := &script{answers: []error{tt.err, tt.err, tt.err, tt.err}}
		err := p.Run(t.Context(), s.call)
		if s.calls != tt.want {
			t.Errorf("%s: %d attempts, want %d", tt.name, s.calls, tt.want)
		}
		if tt.want == 1 && err != tt.err { //nolint:errorlint // it must come through as it is
			t.Errorf("%s: came out as %v", tt.name, err)
		}
	}
}

func TestARefusalEndsTheRetriesWhenItComes(t *testing.T) {
	p, o := under(t, policy.Retry{MaxAttempts: 5, Backoff: policy.Fixed(0)})
	refusal := policy.Permanent(errNo)
	s := &script{answers: []error{errDown, errDown, refusal, errDown}}
	if err := p.Run(t.Context(), s.call); err != refusal { //nolint:errorlint // as it is
		t.Errorf("got %v", err)
	}
	if got := o.Metrics().RetryAttempts; s.calls != 3 || got != 2 {
		t.Errorf("%d attempts, %d retries", s.calls, got)
	}
}

func TestRetryIfDecides(t *testing.T) {
	p, _ := under(t, policy.Retry{MaxAttempts: 3, Backoff: policy.Fixed(0), RetryIf: func(err error) bool { return errors.Is(err, errNo) }})
	never, every := fails(9), &script{answers: []error{policy.Permanent(errNo), policy.Permanent(errNo), policy.Permanent(errNo)}}
	if err := p.Run(t.Context(), never.call); !errors.Is(err, errDown) || errors.Is(err, policy.ErrRetriesExhausted) || never.calls != 1 {
		t.Errorf("what it refuses: %v after %d attempts", err, never.calls)
	}
	if err := p.Run(t.Context(), every.call); !errors.Is(err, policy.ErrRetriesExhausted) || every.calls != 3 {
		t.Errorf("what it accepts: %v after %d attempts", err, every.calls)
	}
}

// A back-off that the deadline cannot fit only keeps the caller waiting for
// what is known to fail.
func TestNoBackoffThatTheDeadlineCannotFit(t *testing.T) {
	for _, tt := range []struct {
		name     string
		deadline time.Duration
		attempts int
	}{
		{"none fits", 500 * time.Millisecond, 1},
		{"it ends with the back-off", time.Second, 1},
		{"one fits", time.Second + 1, 2},
		{"two fit", 2*time.Second + 1, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				retry := policy.Retry{MaxAttempts: 5, Backoff: policy.Fixed(time.Second)}
				check := func(whose string, layers []policy.Policy, ctx context.Context) {
					t.Helper()
					p, _ := under(t, layers...)
					s := fails(9)
					var err error
					passed := took(func() { err = p.Run(ctx, s.call) })
					wantIs(t, err, policy.ErrRetriesExhausted, errDown)
					wantNot(t, err, policy.ErrTimeout, policy.ErrCancelled)
					if s.calls != tt.attempts || passed != time.Duration(tt.attempts-1)*time.Second {
						t.Errorf("%s deadline: %d attempts in %v", whose, s.calls, passed)
					}
				}
				ctx, cancel := context.WithTimeout(t.Context(), tt.deadline)
				defer cancel()
				check("the caller's", []policy.Policy{retry}, ctx)
				check("our", []policy.Policy{policy.Timeout(tt.deadline), retry}, t.Context())
			})
		})
	}
}

func TestMaxElapsedEndsTheRetries(t *testing.T) {
	for _, tt := range []struct {
		within   time.Duration
		backoff  time.Duration
		takes    time.Duration
		attempts int
	}{
		{0, time.Second, 0, 9},
		{time.Second - 1, time.Second, 0, 1},
		{time.Second, time.Second, 0, 2}, // an attempt may start at the very end
		{time.Second, 0, time.Second, 2}, // also without a back-off
		{3500 * time.Millisecond, time.Second, 0, 4},
		{3500 * time.Millisecond, time.Second, time.Second, 2}, // 1s call, 1s back-off, 1s call: another would start at 4s
		{time.Second, time.Second, 5 * time.Second, 1},
	} {
		virtual(t, func(t *testing.T) {
			p, _ := under(t, policy.Retry{MaxAttempts: 9, Backoff: policy.Fixed(tt.backoff), MaxElapsed: tt.within})
			s := fails(99)
			s.takes = tt.takes
			err := p.Run(t.Context(), s.call)
			wantIs(t, err, policy.ErrRetriesExhausted, errDown)
			if s.calls != tt.attempts {
				t.Errorf("within %v at %v a call: %d attempts, want %d", tt.within, tt.takes, s.calls, tt.attempts)
			}
		})
	}
}

// Whoever says when to come back is believed: coming earlier is in vain.
func TestRetryAfterLengthensTheBackoffAndNeverShortensIt(t *testing.T) {
	for _, tt := range []struct {
		name    string
		backoff time.Duration
		err     error
		want    time.Duration
	}{
		{"longer", time.Millisecond, errBusy, 700 * time.Millisecond},
		{"shorter", 2 * time.Second, errBusy, 2 * time.Second},
		{"wrapped", 0, &policy.InfrastructureError{Err: errBusy}, 700 * time.Millisecond},
		{"a limiter further in", 0, &policy.RateLimitedError{RetryAfter: 25 * time.Second}, 25 * time.Second},
		{"nobody says", time.Second, errDown, time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				p, _ := under(t, policy.Retry{Backoff: policy.Fixed(tt.backoff)})
				s := &script{answers: []error{tt.err}}
				longest := tt.want
				if tt.want != tt.backoff {
					longest += tt.want / 10 // see TestAThousandWhoAreToldTheSameDoNotComeBackTogether
				}
				if got := took(func() { _ = p.Run(t.Context(), s.call) }); got < tt.want || got > longest || s.calls != 2 {
					t.Errorf("%d attempts in %v, want %v to %v", s.calls, got, tt.want, longest)
				}
			})
		})
	}
}

func TestRetryAfterBeyondTheDeadlineEndsTheRetries(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, _ := under(t, policy.Retry{Backoff: policy.Fixed(0)})
		ctx, cancel := context.WithTimeout(t.Context(), 600*time.Millisecond)
		defer cancel()
		s := &script{answers: []error{errBusy}}
		var err error
		passed := took(func() { err = p.Run(ctx, s.call) })
		wantIs(t, err, policy.ErrRetriesExhausted, errBusy)
		if s.calls != 1 || passed != 0 {
			t.Errorf("%d attempts in %v", s.calls, passed)
		}
	})
}

func TestCancellationDuringTheBackoff(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, o := under(t, policy.Retry{MaxAttempts: 5, Backoff: policy.Fixed(time.Hour)})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		s := fails(9)
		var err error
		passed := took(func() { err = p.Run(ctx, s.call) })
		wantIs(t, err, policy.ErrCancelled, context.Canceled, errDown)
		wantNot(t, err, policy.ErrRetriesExhausted, policy.ErrTimeout)
		if s.calls != 1 || passed != time.Second {
			t.Errorf("%d attempts in %v", s.calls, passed)
		}
		if got := o.Metrics(); got.RetryAttempts != 0 || got.Cancelled != 1 {
			t.Errorf("metrics are %+v", got.Totals)
		}
	})
}

// A context that was over once cost an attempt, or a sleep, before anybody looked.
func TestNothingIsCalledWithAContextThatIsOver(t *testing.T) {
	virtual(t, func(t *testing.T) {
		cancelled, cancel := context.WithCancel(t.Context())
		cancel()
		late, cancelLate := context.WithTimeout(t.Context(), time.Second)
		defer cancelLate()
		time.Sleep(2 * time.Second)
		for _, layers := range [][]policy.Policy{
			{policy.Retry{}}, {policy.CircuitBreaker{}}, {policy.RateLimit{RequestsPerSecond: 1}}, {policy.Timeout(time.Second)},
			{policy.Timeout(time.Minute), policy.Retry{}, policy.RateLimit{RequestsPerSecond: 1, MaxWait: time.Hour}, policy.CircuitBreaker{}, policy.Timeout(time.Second)},
		} {
			for over, ctx := range map[error]context.Context{context.Canceled: cancelled, context.DeadlineExceeded: late} {
				p, o := under(t, layers...)
				s := &script{}
				var err error
				if passed := took(func() { err = p.Run(ctx, s.call) }); s.calls != 0 || passed != 0 {
					t.Errorf("%v: %d calls in %v", layers, s.calls, passed)
				}
				wantIs(t, err, policy.ErrCancelled, over)
				want := policy.Totals{TotalOperations: 1, FailedOperations: 1, Cancelled: 1}
				if got := o.Metrics().Totals; got != want {
					t.Errorf("%v: metrics are %+v", layers, got)
				}
			}
		}
	})
}

func TestTheContextEndsBetweenTwoAttempts(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p, _ := under(t, policy.Retry{MaxAttempts: 5, Backoff: policy.Fixed(0)})
	calls := 0
	err := p.Run(ctx, func(context.Context) error {
		if calls++; calls == 2 {
			cancel()
		}
		return errDown
	})
	wantIs(t, err, policy.ErrCancelled, context.Canceled, errDown)
	if calls != 2 {
		t.Errorf("%d attempts", calls)
	}
}

// A guide promises it in these words: a mock that fails twice under a retry of
// three ends in success, with one operation and two retries counted.
func TestAMockThatFailsTwiceUnderARetryOfThree(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, o := under(t, policy.Retry{MaxAttempts: 3})
		s := fails(2)
		got, err := policy.Do(t.Context(), p, func(ctx context.Context) (string, error) { return "ok", s.call(ctx) })
		if got != "ok" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
		m := o.Metrics()
		if m.TotalOperations != 1 || m.SuccessfulOperations != 1 || m.RetryAttempts != 2 {
			t.Errorf("metrics are %+v", m.Totals)
		}
	})
}

// Retry 1 is the first one, however often the pipeline has run before.
func TestBackoffIsAskedFromRetryOneOn(t *testing.T) {
	var asked []int
	p, _ := under(t, policy.Retry{MaxAttempts: 4, Backoff: backoffFunc(func(n int) time.Duration { asked = append(asked, n); return 0 })})
	for range 2 {
		_ = p.Run(t.Context(), fails(3).call)
	}
	if want := []int{1, 2, 3, 1, 2, 3}; !slices.Equal(asked, want) {
		t.Fatalf("asked for %v, want %v", asked, want)
	}
}

type backoffFunc func(int) time.Duration

func (f backoffFunc) Delay(n int) time.Duration { return f(n) }

// Nothing has to be timed where attempts follow at once and no time is set; then
// none is told, rather than a wrong one.
func TestARetryThatTimesNothingTellsNoTime(t *testing.T) {
	for _, tt := range []struct {
		name   string
		layers []policy.Policy
		ctx    func(context.Context) (context.Context, context.CancelFunc)
		want   time.Duration
		text   string
	}{
		{"at once", []policy.Policy{policy.Retry{Backoff: policy.Fixed(0)}}, context.WithCancel, 0, "op: gave up after 3 attempts: the dependency is down"},
		{"with a wait", []policy.Policy{policy.Retry{Backoff: policy.Fixed(time.Second)}}, context.WithCancel, 4 * time.Second, "op: gave up after 3 attempts in 4s: the dependency is down"},
		{"with MaxElapsed", []policy.Policy{policy.Retry{Backoff: policy.Fixed(0), MaxElapsed: time.Hour}}, context.WithCancel, 3 * time.Second, "op: gave up after 3 attempts in 3s: the dependency is down"},
		{"under a timeout", []policy.Policy{policy.Timeout(time.Hour), policy.Retry{Backoff: policy.Fixed(0)}}, context.WithCancel, 3 * time.Second, "op: gave up after 3 attempts in 3s: the dependency is down"},
		{"under the caller's deadline", []policy.Policy{policy.Retry{Backoff: policy.Fixed(0)}}, func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Hour)
		}, 2 * time.Second, "op: gave up after 3 attempts in 2s: the dependency is down"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				p, _ := under(t, tt.layers...)
				ctx, cancel := tt.ctx(t.Context())
				defer cancel()
				err := p.Run(ctx, func(context.Context) error { time.Sleep(time.Second); return errDown })
				var exhausted *policy.RetriesExhaustedError
				if !errors.As(err, &exhausted) || exhausted.Elapsed != tt.want || err.Error() != tt.text {
					t.Errorf("got %v, want %v and %q", err, tt.want, tt.text)
				}
			})
		})
	}
}

// Where services that retry call each other, each multiplied the attempts of those
// before.
func TestOneAttemptWhereTheCallerRetries(t *testing.T) {
	p, o := under(t, policy.Timeout(time.Hour), atOnceThrice, policy.Timeout(time.Minute))
	for _, tt := range []struct {
		left, want int
	}{{5, 1}, {0, 1}, {-1, 3}} {
		down := fails(9)
		err := p.Run(policy.WithCallerRetries(t.Context(), tt.left), down.call)
		if down.calls != tt.want {
			t.Errorf("the caller has %d retries left: %d attempts, want %d", tt.left, down.calls, tt.want)
		}
		if exhausted := errors.Is(err, policy.ErrRetriesExhausted); exhausted != (tt.want > 1) {
			t.Errorf("the caller has %d retries left: %v", tt.left, err)
		}
	}
	if m := o.Metrics(); m.RetryAttempts != 2 {
		t.Errorf("metrics are %+v", m.Totals)
	}
}

var atOnceThrice = policy.Retry{MaxAttempts: 3, Backoff: policy.Fixed(0)}

// What adapters tell the dependency.
func TestRetriesLeft(t *testing.T) {
	for name, tt := range map[string]struct {
		layers []policy.Policy
		want   string
	}{
		"none":               {[]policy.Policy{policy.Retry{MaxAttempts: 1}}, "0 false"},
		"three attempts":     {[]policy.Policy{atOnceThrice}, "2 true, 1 true, 0 true"},
		"retries of retries": {[]policy.Policy{policy.Retry{MaxAttempts: 2, Backoff: policy.Fixed(0), RetryIf: func(error) bool { return true }}, atOnceThrice}, "5 true, 4 true, 3 true, 2 true, 1 true, 0 true"},
		"a budget":           {[]policy.Policy{budgeted(9, 0.1)}, "1 true, 0 true"},
		"countless":          {[]policy.Policy{policy.Retry{MaxAttempts: math.MaxInt32, MaxElapsed: 1}, policy.Retry{MaxAttempts: math.MaxInt32, MaxElapsed: 1}}, "2147483647 true"},
	} {
		p, _ := under(t, tt.layers...)
		var said []string
		call := p.Begin(t.Context())
		var err error
		for call.Next(&err) {
			said = append(said, fmt.Sprint(call.RetriesLeft()))
			err = errDown
		}
		call.End()
		if got := strings.Join(said, ", "); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}
