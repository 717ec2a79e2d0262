package container_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	registerProxies()
	goleak.VerifyTestMain(m, goleak.Cleanup(os.Exit))
}

var errDown = errors.New("the dependency is down")

// virtual runs a test in virtual time: sleeps take none, and a goroutine that
// is left behind fails it.
func virtual(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, test)
}

func newOrchestrator(t *testing.T, c policy.Catalog, opts ...container.Option) *container.Orchestrator {
	t.Helper()
	o, err := container.NewOrchestrator(c, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// under returns the pipeline of a policy for an operation of an orchestrator of
// its own.
func under(t *testing.T, layers ...policy.Policy) (*container.Pipeline, *container.Orchestrator) {
	t.Helper()
	o := newOrchestrator(t, policy.Catalog{})
	return pipelineFor(t, o, "op", layers...), o
}

func pipelineFor(t *testing.T, o *container.Orchestrator, operation string, layers ...policy.Policy) *container.Pipeline {
	t.Helper()
	r, err := o.For(operation, policy.Combine(layers...))
	if err != nil {
		t.Fatal(err)
	}
	return r.(*container.Pipeline)
}

// registered registers a breaker, which makes its state visible.
func registered(t *testing.T, o *container.Orchestrator, name string, spec policy.CircuitBreaker) *container.CircuitBreaker {
	t.Helper()
	if err := o.RegisterCircuitBreaker(name, spec); err != nil {
		t.Fatal(err)
	}
	b, ok := o.CircuitBreaker(name)
	if !ok {
		t.Fatalf("no breaker %q after it was registered", name)
	}
	return b
}

// broken returns a pipeline through a registered breaker alone, and the breaker.
func broken(t *testing.T, spec policy.CircuitBreaker, opts ...container.Option) (*container.Pipeline, *container.CircuitBreaker) {
	t.Helper()
	o := newOrchestrator(t, policy.Catalog{}, opts...)
	b := registered(t, o, "b", spec)
	return pipelineFor(t, o, "op", policy.CircuitBreaker{Name: "b"}), b
}

// limited returns a pipeline through a registered limiter alone, and the limiter.
func limited(t *testing.T, spec policy.RateLimit) (*container.Pipeline, *container.RateLimiter) {
	t.Helper()
	o := newOrchestrator(t, policy.Catalog{})
	if err := o.RegisterRateLimiter("l", spec); err != nil {
		t.Fatal(err)
	}
	l, _ := o.RateLimiter("l")
	return pipelineFor(t, o, "op", policy.RateLimit{Name: "l"}), l
}

// script answers each call with the next error, and with nil after the last.
type script struct {
	answers []error
	takes   time.Duration
	calls   int
}

func (s *script) call(ctx context.Context) error {
	n := s.calls
	s.calls++
	if err := wait(ctx, s.takes); err != nil {
		return err
	}
	if n < len(s.answers) {
		return s.answers[n]
	}
	return nil
}

// always answers every call with err.
func always(err error) func(context.Context) error {
	return func(context.Context) error { return err }
}

// fails is a dependency that fails n times, then works.
func fails(n int) *script {
	s := &script{}
	for range n {
		s.answers = append(s.answers, errDown)
	}
	return s
}

// wait is a dependency that takes its time and heeds its context.
func wait(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// waits is a dependency that takes d and heeds its context.
func waits(d time.Duration) func(context.Context) error {
	return func(ctx context.Context) error { return wait(ctx, d) }
}

// ignores is a dependency that takes d whatever its context says, and then
// answers err.
func ignores(d time.Duration, err error) func(context.Context) error {
	return func(context.Context) error {
		time.Sleep(d)
		return err
	}
}

func trip(t *testing.T, p *container.Pipeline, b *container.CircuitBreaker) {
	t.Helper()
	for range 100 {
		_ = p.Run(t.Context(), always(errDown))
		if b.State() == policy.StateOpen {
			return
		}
	}
	t.Fatal("100 failures did not trip the breaker")
}

func wantState(t *testing.T, b *container.CircuitBreaker, want policy.State) {
	t.Helper()
	if got := b.State(); got != want {
		t.Errorf("the breaker is %v, want %v", got, want)
	}
}

// wantIs checks that err is each of targets.
func wantIs(t *testing.T, err error, targets ...error) {
	t.Helper()
	for _, target := range targets {
		if !errors.Is(err, target) {
			t.Errorf("got %v, which is not %v", err, target)
		}
	}
}

func wantNot(t *testing.T, err error, targets ...error) {
	t.Helper()
	for _, target := range targets {
		if errors.Is(err, target) {
			t.Errorf("got %v, which is %v and should not be", err, target)
		}
	}
}

// took runs f and returns how much time passed.
func took(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}

// about tells whether two durations are the same but for rounding.
func about(a, b time.Duration) bool { return (a - b).Abs() < time.Microsecond }
