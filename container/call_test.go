package container_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// What generated proxies are made of.

func TestCallGoesThroughItsAttempts(t *testing.T) {
	for name, layers := range map[string][]policy.Policy{
		"nothing configured":           nil,
		"a retry":                      {policy.Retry{MaxAttempts: 3, Backoff: policy.Fixed(0)}},
		"more than fits into the Call": {policy.Timeout(time.Hour), policy.Retry{MaxAttempts: 3, Backoff: policy.Fixed(0)}, policy.CircuitBreaker{}, policy.CircuitBreaker{}, policy.Timeout(time.Minute), policy.Retry{MaxAttempts: 1}, policy.CircuitBreaker{}, policy.Timeout(time.Second), policy.CircuitBreaker{}},
	} {
		p, o := under(t, layers...)
		attempts := 0
		run := func(failures int) (err error) {
			attempts = 0
			call := p.Begin(t.Context())
			defer call.End()
			for call.Next(&err) {
				if attempts++; attempts <= failures {
					err = errDown
				} else {
					err = nil
				}
			}
			for range 3 {
				if call.Next(&err) {
					t.Errorf("%s: another attempt after the end", name)
				}
			}
			return err
		}
		if err := run(0); err != nil || attempts != 1 {
			t.Errorf("%s: success: %v after %d attempts", name, err, attempts)
		}
		want := 3
		if layers == nil {
			want = 1
		}
		if err := run(99); !errors.Is(err, errDown) || attempts != want {
			t.Errorf("%s: failure: %v after %d attempts, want %d", name, err, attempts, want)
		}
		if m := o.Metrics(); layers != nil && (m.TotalOperations != 2 || m.SuccessfulOperations != 1) {
			t.Errorf("%s: metrics are %+v", name, m.Totals)
		}
	}
}

// A proxy's error is that of the operation, whatever was in the variable before.
func TestARejectedCallSetsItsError(t *testing.T) {
	p, b := broken(t, policy.CircuitBreaker{})
	b.ForceOpen()
	var err error
	call := p.Begin(t.Context())
	defer call.End()
	if call.Next(&err) {
		t.Error("it was admitted")
	}
	wantIs(t, err, policy.ErrCircuitOpen)
}

func TestTheContextOfACall(t *testing.T) {
	virtual(t, func(t *testing.T) {
		bare, _ := under(t)
		call := bare.Begin(t.Context())
		var err error
		if call.Next(&err); call.Context() != t.Context() {
			t.Error("where nothing is configured, the caller's context is handed on")
		}
		p, _ := under(t, policy.Timeout(time.Second))
		call = p.Begin(t.Context())
		if call.Next(&err); call.Context() == t.Context() {
			t.Error("the timeout is not on the context")
		}
		attempt := call.Context()
		if call.Next(&err); attempt.Err() == nil || call.Context() != t.Context() {
			t.Error("after the call its context has not ended, or is still handed out")
		}
	})
}

func TestDirectSaysThatThereIsNothingToDo(t *testing.T) {
	nothing, _ := under(t)
	something, _ := under(t, policy.Timeout(time.Second))
	if !nothing.Direct() || something.Direct() {
		t.Errorf("got %v and %v", nothing.Direct(), something.Direct())
	}
}

// A response body was read after its attempt's context had ended. What is handed
// over keeps it alive until it is closed.
func TestADetachedContextOutlivesItsCall(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, o := under(t, policy.Timeout(time.Hour), policy.Retry{MaxAttempts: 2, Backoff: policy.Fixed(0)}, policy.Timeout(time.Minute))
		var failed, kept context.Context
		var release func()
		attempt := func() (err error) {
			call := p.Begin(t.Context())
			defer call.End()
			for n := 1; call.Next(&err); n++ {
				if n == 1 {
					failed, err = call.Context(), errDown
					continue
				}
				kept, err = call.Context(), nil
				release = call.Detach()
			}
			return err
		}
		if err := attempt(); err != nil {
			t.Fatal(err)
		}
		if failed.Err() == nil {
			t.Error("the context of the attempt that failed lives on")
		}
		if kept.Err() != nil {
			t.Errorf("after the call: %v", kept.Err())
		}
		time.Sleep(30 * time.Second)
		if kept.Err() != nil {
			t.Errorf("after 30s: %v", kept.Err())
		}
		release()
		release() // a body may be closed twice
		if !errors.Is(kept.Err(), context.Canceled) {
			t.Errorf("after release: %v", kept.Err())
		}

		if err := attempt(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if !errors.Is(kept.Err(), context.DeadlineExceeded) {
			t.Errorf("after the attempt's own timeout: %v", kept.Err())
		}
		release()
		if m := o.Metrics(); m.SuccessfulOperations != 2 || m.TimeoutCount != 0 {
			t.Errorf("metrics are %+v", m.Totals)
		}
	})
}

func TestReleaseEndsADetachedContext(t *testing.T) {
	for _, layers := range [][]policy.Policy{
		{policy.Timeout(time.Hour)},
		{policy.CircuitBreaker{}, policy.Retry{}, policy.Timeout(time.Hour)},
		{policy.Timeout(time.Hour), policy.Timeout(time.Minute), policy.Timeout(time.Second)},
	} {
		p, _ := under(t, layers...)
		var err error
		call := p.Begin(t.Context())
		call.Next(&err)
		kept, release := call.Context(), call.Detach()
		call.Next(&err)
		before := kept.Err()
		release()
		if before != nil || !errors.Is(kept.Err(), context.Canceled) {
			t.Errorf("%v: before release %v, after it %v", layers, before, kept.Err())
		}
	}
}

func TestADetachedContextEndsWithTheCallers(t *testing.T) {
	p, _ := under(t, policy.Timeout(time.Hour))
	ctx, cancel := context.WithCancel(t.Context())
	var err error
	call := p.Begin(ctx)
	defer call.End()
	call.Next(&err)
	kept, release := call.Context(), call.Detach()
	defer release()
	call.Next(&err)
	if kept.Err() != nil {
		t.Errorf("after the call: %v", kept.Err())
	}
	cancel()
	if !errors.Is(kept.Err(), context.Canceled) {
		t.Errorf("after the caller gave up: %v", kept.Err())
	}
}

func TestDetachWhereThereIsNoTimeout(t *testing.T) {
	for _, layers := range [][]policy.Policy{nil, {policy.Retry{}}} {
		p, _ := under(t, layers...)
		call := p.Begin(t.Context())
		var err error
		call.Next(&err)
		kept, release := call.Context(), call.Detach()
		call.Next(&err)
		release()
		if kept.Err() != nil {
			t.Errorf("%v: release ended the caller's own context", layers)
		}
	}
}

func TestDoThroughAPipeline(t *testing.T) {
	p, _ := under(t, policy.Retry{MaxAttempts: 3, Backoff: policy.Fixed(0)}, policy.CircuitBreaker{FailureThreshold: 2})
	calls := 0
	do := func(fail int) (string, error) {
		return policy.Do(t.Context(), p, func(context.Context) (string, error) {
			if calls++; calls <= fail {
				return "what came beside the error", errDown
			}
			return "value", nil
		})
	}
	if got, err := do(1); got != "value" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	calls = 0
	if got, err := do(99); got != "what came beside the error" || !errors.Is(err, policy.ErrCircuitOpen) {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := do(0); got != "" || !errors.Is(err, policy.ErrCircuitOpen) {
		t.Errorf("rejected: got %q, %v", got, err)
	}
}

func TestDoWhereNothingIsConfigured(t *testing.T) {
	p, o := under(t)
	got, err := policy.Do(t.Context(), p, func(context.Context) (string, error) { return "beside", errDown })
	if got != "beside" || err != errDown { //nolint:errorlint // straight through: the very error
		t.Errorf("got %q, %v", got, err)
	}
	if m := o.Metrics(); m.FailedOperations != 1 {
		t.Errorf("metrics are %+v", m.Totals)
	}
}

var _ policy.Runner = (*container.Pipeline)(nil)

// A connection that succeeded before each statement that failed ended the row of
// failures each time: the breaker never opened.
func TestNeutralAttemptTellsABreakerNothing(t *testing.T) {
	o := newOrchestrator(t, policy.Catalog{})
	b := registered(t, o, "b", policy.CircuitBreaker{FailureThreshold: 4})
	p := pipelineFor(t, o, "op", policy.Retry{MaxAttempts: 2, Backoff: policy.Fixed(0)}, policy.CircuitBreaker{Name: "b"})
	attempts := 0
	run := func(outcome error, neutral bool) (err error) {
		call := p.Begin(t.Context())
		defer call.End()
		for attempts = 0; call.Next(&err); attempts++ {
			if err = outcome; neutral {
				call.Neutral()
			}
		}
		return err
	}
	for range 5 {
		if err := run(errDown, true); !errors.Is(err, errDown) || attempts != 2 {
			t.Errorf("%v after %d attempts: a neutral failure is retried as ever", err, attempts)
		}
	}
	if b.State() != policy.StateClosed {
		t.Fatal("neutral failures opened the breaker")
	}
	_ = run(errDown, false)
	if err := run(nil, true); err != nil {
		t.Error(err)
	}
	if _ = run(errDown, false); b.State() != policy.StateOpen {
		t.Error("a neutral success ended the row of failures")
	}
}
