package container_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"os"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/policy"
)

func TestTimeoutEndsTheCallee(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, o := under(t, policy.Timeout(time.Second))
		var err error
		if got := took(func() { err = p.Run(t.Context(), waits(time.Hour)) }); got != time.Second {
			t.Errorf("it took %v", got)
		}
		wantIs(t, err, policy.ErrTimeout, context.DeadlineExceeded)
		wantNot(t, err, policy.ErrCancelled, context.Canceled)
		var timeout *policy.TimeoutError
		if !errors.As(err, &timeout) || timeout.After != time.Second || timeout.Operation != "op" {
			t.Errorf("got %+v", timeout)
		}
		if got := o.Metrics().Totals; got != (policy.Totals{TotalOperations: 1, FailedOperations: 1, TimeoutCount: 1}) {
			t.Errorf("metrics are %+v", got)
		}
	})
}

// The deadline was once kept from the callee, so that it could not travel on to
// the next service or to the database.
func TestTheDeadlineIsOnTheCalleesContext(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, _ := under(t, policy.Timeout(time.Minute))
		want := time.Now().Add(time.Minute)
		type key struct{}
		err := p.Run(context.WithValue(t.Context(), key{}, "v"), func(ctx context.Context) error {
			child, cancel := context.WithCancel(ctx)
			defer cancel()
			nested, cancelNested := context.WithTimeout(child, time.Hour)
			defer cancelNested()
			for name, ctx := range map[string]context.Context{"its own": ctx, "a child": child, "a child with a later one": nested} {
				if got, ok := ctx.Deadline(); !ok || !got.Equal(want) {
					t.Errorf("%s: %v, want %v", name, got, want)
				}
				if ctx.Err() != nil || ctx.Value(key{}) != "v" {
					t.Errorf("%s: %v, value %v", name, ctx.Err(), ctx.Value(key{}))
				}
			}
			<-nested.Done()
			if !time.Now().Equal(want) || !errors.Is(nested.Err(), context.DeadlineExceeded) {
				t.Errorf("the child ended at %v with %v", time.Now(), nested.Err())
			}
			return nested.Err()
		})
		wantIs(t, err, policy.ErrTimeout)
	})
}

func TestTheCallersNearerDeadlineStands(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, o := under(t, policy.Timeout(time.Hour))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		want, _ := ctx.Deadline()
		var err error
		passed := took(func() {
			err = p.Run(ctx, func(ctx context.Context) error {
				if got, _ := ctx.Deadline(); !got.Equal(want) {
					t.Errorf("the deadline is %v, want the caller's %v", got, want)
				}
				return wait(ctx, time.Minute)
			})
		})
		if passed != time.Second {
			t.Errorf("it took %v", passed)
		}
		// The caller's deadline was once reported as a timeout of ours.
		wantIs(t, err, policy.ErrCancelled, context.DeadlineExceeded)
		wantNot(t, err, policy.ErrTimeout, context.Canceled)
		if got := o.Metrics(); got.TimeoutCount != 0 || got.Cancelled != 1 {
			t.Errorf("metrics are %+v", got.Totals)
		}
	})
}

func TestTheCallersCancellationIsNoTimeout(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, _ := under(t, policy.Timeout(time.Hour))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		err := p.Run(ctx, waits(time.Minute))
		wantIs(t, err, policy.ErrCancelled, context.Canceled)
		wantNot(t, err, policy.ErrTimeout, context.DeadlineExceeded)
	})
}

func TestACallThatReturnsNoErrorHasSucceededHoweverLate(t *testing.T) {
	virtual(t, func(t *testing.T) {
		b := policy.CircuitBreaker{FailureThreshold: 1}
		p, o := under(t, policy.Timeout(time.Second), b, policy.Timeout(time.Second))
		for range 3 {
			if err := p.Run(t.Context(), ignores(time.Minute, nil)); err != nil {
				t.Errorf("got %v", err)
			}
		}
		got := o.Metrics().Totals
		got.Overruns = 0 // the clock's last digits say which successes are looked at
		if got != (policy.Totals{TotalOperations: 3, SuccessfulOperations: 3}) {
			t.Errorf("metrics are %+v", got)
		}
	})
}

func TestACalleeThatIgnoresItsContextIsWaitedFor(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, _ := under(t, policy.Timeout(time.Second))
		var err error
		if passed := took(func() { err = p.Run(t.Context(), ignores(time.Minute, errDown)) }); passed != time.Minute {
			t.Errorf("it came back after %v", passed)
		}
		wantIs(t, err, policy.ErrTimeout, context.DeadlineExceeded, errDown)
	})
}

func TestAnErrorInTimeIsNoTimeout(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, o := under(t, policy.Timeout(time.Second))
		if err := p.Run(t.Context(), ignores(time.Second-1, errDown)); err != errDown { //nolint:errorlint // the very error
			t.Errorf("got %v", err)
		}
		// Not even one that calls itself so: it is the dependency's own.
		err := p.Run(t.Context(), always(context.DeadlineExceeded))
		wantNot(t, err, policy.ErrTimeout, policy.ErrCancelled)
		if got := o.Metrics().TimeoutCount; got != 0 {
			t.Errorf("%d timeouts counted", got)
		}
	})
}

func TestAnAnswerStaysAnAnswerHoweverLate(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, o := under(t, policy.Timeout(time.Second))
		refusal := policy.Permanent(errNo)
		if err := p.Run(t.Context(), ignores(time.Minute, refusal)); err != refusal { //nolint:errorlint // the very error
			t.Errorf("got %v", err)
		}
		if got := o.Metrics().TimeoutCount; got != 0 {
			t.Errorf("%d timeouts counted", got)
		}
	})
}

// A transaction that database/sql ended with its context says that it has ended
// already: that was a mistake of the program's, and a database that was too slow for
// every transaction opened no breaker.
func TestAClientsRefusalAfterTheTimeIsOverIsATimeout(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, o := under(t, policy.Retry{MaxAttempts: 2, Backoff: policy.Fixed(0)}, policy.CircuitBreaker{FailureThreshold: 2}, policy.Timeout(time.Second))
		err := p.Run(t.Context(), func(ctx context.Context) error {
			<-ctx.Done()
			return fmt.Errorf("committing: %w", sql.ErrTxDone)
		})
		if got := o.Metrics().Totals; !errors.Is(err, policy.ErrTimeout) || !errors.Is(err, sql.ErrTxDone) || got.TimeoutCount != 2 || got.CircuitBreakerTrips != 1 {
			t.Errorf("%v: %+v", err, got)
		}
		for name, refused := range map[string]error{"in time": sql.ErrTxDone, "said so by who knows": policy.Permanent(sql.ErrTxDone)} {
			p, o := under(t, policy.CircuitBreaker{FailureThreshold: 1}, policy.Timeout(time.Second))
			err := p.Run(t.Context(), func(ctx context.Context) error {
				if name != "in time" {
					<-ctx.Done()
				}
				return refused
			})
			if got := o.Metrics().Totals; err != refused || got.TimeoutCount != 0 || got.CircuitBreakerTrips != 0 { //nolint:errorlint // as it was
				t.Errorf("%s: %v: %+v", name, err, got)
			}
		}
		ctx, leave := context.WithCancel(t.Context())
		p, o = under(t, policy.CircuitBreaker{FailureThreshold: 1}, policy.Timeout(time.Second))
		err = p.Run(ctx, func(context.Context) error { leave(); return sql.ErrTxDone })
		if got := o.Metrics().Totals; !errors.Is(err, policy.ErrCancelled) || got.Cancelled != 1 || got.CircuitBreakerTrips != 0 {
			t.Errorf("its caller has gone: %v: %+v", err, got)
		}
	})
}

func TestATotalTimeoutOutsideAndOnePerAttemptInside(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, o := under(t, policy.Timeout(10*time.Second), policy.Retry{MaxAttempts: 9, Backoff: policy.Fixed(time.Second)}, policy.Timeout(3*time.Second))
		var deadlines []time.Duration
		start := time.Now()
		err := p.Run(t.Context(), func(ctx context.Context) error {
			d, _ := ctx.Deadline()
			deadlines = append(deadlines, d.Sub(start))
			return wait(ctx, time.Hour)
		})
		// 0-3, back-off, 4-7, back-off, 8-10: there the total is nearer.
		want := []time.Duration{3 * time.Second, 7 * time.Second, 10 * time.Second}
		if len(deadlines) != len(want) || deadlines[0] != want[0] || deadlines[1] != want[1] || deadlines[2] != want[2] {
			t.Errorf("the attempts' deadlines were %v, want %v", deadlines, want)
		}
		if got := time.Since(start); got != 10*time.Second {
			t.Errorf("it took %v", got)
		}
		var timeout *policy.TimeoutError
		if !errors.As(err, &timeout) || timeout.After != 10*time.Second {
			t.Errorf("got %v, want the total's", err)
		}
		wantNot(t, err, policy.ErrCancelled)
		if got := o.Metrics(); got.TimeoutCount != 3 || got.RetryAttempts != 2 {
			t.Errorf("metrics are %+v", got.Totals)
		}
	})
}

// Of two deadlines at the same moment the outer one stands, and it is one timeout.
func TestTwoDeadlinesAtTheSameMoment(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, o := under(t, policy.Timeout(time.Second), policy.Retry{MaxAttempts: 1}, policy.Timeout(time.Second))
		err := p.Run(t.Context(), waits(time.Hour))
		var outer, inner *policy.TimeoutError
		if !errors.As(err, &outer) || errors.As(outer.Err, &inner) {
			t.Errorf("got %v, want one timeout", err)
		}
		if got := o.Metrics().TimeoutCount; got != 1 {
			t.Errorf("%d timeouts counted", got)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err = p.Run(ctx, waits(time.Hour))
		wantIs(t, err, policy.ErrCancelled, context.DeadlineExceeded)
		wantNot(t, err, policy.ErrTimeout)
	})
}

func TestATimeoutOfOneAttemptIsRetried(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, _ := under(t, policy.Retry{MaxAttempts: 2, Backoff: policy.Fixed(0)}, policy.Timeout(time.Second))
		calls := 0
		err := p.Run(t.Context(), func(ctx context.Context) error {
			if calls++; calls == 1 {
				return wait(ctx, time.Hour)
			}
			return ctx.Err() // the next attempt has a context of its own
		})
		if err != nil || calls != 2 {
			t.Errorf("%v after %d attempts", err, calls)
		}
	})
}

func TestTheContextHandedOutEndsAfterTheCall(t *testing.T) {
	virtual(t, func(t *testing.T) {
		for name, callee := range map[string]func(context.Context) error{
			"success": func(context.Context) error { return nil },
			"failure": func(context.Context) error { return errDown },
			"waiting": func(ctx context.Context) error { ctx.Done(); return nil },
		} {
			p, _ := under(t, policy.Timeout(time.Minute), policy.Retry{MaxAttempts: 1}, policy.Timeout(time.Hour))
			var kept, child context.Context
			_ = p.Run(t.Context(), func(ctx context.Context) error {
				kept = ctx
				var cancel context.CancelFunc
				child, cancel = context.WithCancel(ctx)
				t.Cleanup(cancel) // much later than it is looked at
				return callee(ctx)
			})
			for _, ctx := range []context.Context{kept, child} {
				if !errors.Is(ctx.Err(), context.Canceled) {
					t.Errorf("%s: after the call the context is %v", name, ctx.Err())
				}
				select {
				case <-ctx.Done():
				default:
					t.Errorf("%s: Done is not closed", name)
				}
			}
		}
	})
}

func TestEachAttemptsContextEndsWithIt(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, _ := under(t, policy.Retry{MaxAttempts: 3, Backoff: policy.Fixed(time.Second)}, policy.Timeout(time.Minute))
		var seen []context.Context
		_ = p.Run(t.Context(), func(ctx context.Context) error {
			for _, earlier := range seen {
				if earlier.Err() == nil || earlier == ctx {
					t.Error("an earlier attempt's context lives on")
				}
			}
			seen = append(seen, ctx)
			return errDown
		})
		if len(seen) != 3 {
			t.Errorf("%d attempts", len(seen))
		}
	})
}

// Merging contexts once leaked a goroutine for each call. Virtual time fails a
// test that leaves one.
func TestNoGoroutineAndNoTimerIsLeft(t *testing.T) {
	virtual(t, func(t *testing.T) {
		start := time.Now()
		var fired atomic.Bool
		p, _ := under(t, policy.Timeout(time.Hour), policy.Retry{Backoff: policy.Fixed(1)}, policy.Timeout(time.Minute))
		for range 50 {
			_ = p.Run(t.Context(), func(ctx context.Context) error {
				context.AfterFunc(ctx, func() {
					if time.Since(start) > time.Second {
						fired.Store(true)
					}
				})
				child, cancel := context.WithTimeout(ctx, time.Second)
				t.Cleanup(cancel) // much later: it is to end with its parent
				_ = child.Done()
				return errDown
			})
		}
		synctest.Wait()
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if fired.Load() {
			t.Error("a deadline fired after its call had ended")
		}
	})
}

// Adding it to the clock once overflowed, and the longest timeout was over
// before it began.
func TestTheLongestTimeoutIsNotOver(t *testing.T) {
	longest := policy.Timeout(math.MaxInt64)
	virtual(t, func(t *testing.T) {
		for _, layers := range [][]policy.Policy{{longest}, {longest, longest}, {policy.Retry{}, longest}} {
			p, _ := under(t, layers...)
			err := p.Run(t.Context(), func(ctx context.Context) error {
				time.Sleep(time.Hour)
				if d, ok := ctx.Deadline(); ok && time.Until(d) < time.Hour {
					t.Errorf("the deadline is %v", d)
				}
				return errors.Join(ctx.Err(), wait(ctx, time.Hour))
			})
			if err != nil {
				t.Errorf("%v: %v", layers, err)
			}
		}
	})
	p, _ := under(t, longest) // and by the real clock
	if err := p.Run(t.Context(), func(ctx context.Context) error { return ctx.Err() }); err != nil {
		t.Error(err)
	}
}

func TestADeadlineOutOfTheWallClock(t *testing.T) {
	// Out of a header or a database, without a monotonic part.
	p, _ := under(t, policy.Timeout(time.Hour))
	at := time.Now().Add(time.Minute).Round(0)
	ctx, cancel := context.WithDeadline(t.Context(), at)
	defer cancel()
	err := p.Run(ctx, func(ctx context.Context) error {
		if got, _ := ctx.Deadline(); !got.Equal(at) {
			t.Errorf("the deadline is %v, want %v", got, at)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// lagging is a context whose deadline has passed, but whose timer has not fired
// yet: a socket with the same deadline may be quicker.
type lagging struct{ context.Context }

func (lagging) Err() error { return nil }

func TestTheCallersDeadlineCountsFromTheMomentItPasses(t *testing.T) {
	virtual(t, func(t *testing.T) {
		o := newOrchestrator(t, policy.Catalog{})
		b := registered(t, o, "b", policy.CircuitBreaker{FailureThreshold: 1})
		p := pipelineFor(t, o, "op", policy.CircuitBreaker{Name: "b"}, policy.Timeout(time.Hour))
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond) // sooner than Patience
		defer cancel()
		err := p.Run(lagging{ctx}, ignores(50*time.Millisecond, os.ErrDeadlineExceeded))
		wantIs(t, err, policy.ErrCancelled, context.DeadlineExceeded, os.ErrDeadlineExceeded)
		wantNot(t, err, policy.ErrTimeout)
		wantState(t, b, policy.StateClosed)
	})
}
