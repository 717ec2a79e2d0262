package policy_test

import (
	"context"
	"errors"
	"testing"

	"github.com/cladgo/clad/policy"
)

// fake carries out every policy by making a fixed number of attempts at most.
type fake struct {
	attempts int
	refuse   error
	asked    []string // operations
	policies []policy.Policy
}

func (f *fake) Pipeline(string) (policy.Runner, error) { return f.For("", nil) }

func (f *fake) For(operation string, p policy.Policy) (policy.Runner, error) {
	f.asked = append(f.asked, operation)
	f.policies = append(f.policies, p)
	if f.refuse != nil {
		return nil, f.refuse
	}
	return f, nil
}

func (f *fake) Metrics() policy.Metrics { return policy.Metrics{} }

type attemptKey struct{}

func (f *fake) Run(ctx context.Context, fn func(context.Context) error) (err error) {
	for n := range f.attempts {
		if err = fn(context.WithValue(ctx, attemptKey{}, n+1)); err == nil {
			return nil
		}
	}
	return err
}

// charge is a domain's operation: the policy depends on what is to be done.
type charge struct {
	amount   int
	failures int
	calls    int
	seen     any
}

var errBank = errors.New("the bank is closed")

func (c *charge) OperationID() string             { return "payments.charge" }
func (c *charge) ResiliencePolicy() policy.Policy { return policy.Retry{MaxAttempts: c.amount} }
func (c *charge) IsCritical() bool                { return c.amount > 1000 }

func (c *charge) Execute(ctx context.Context) (string, error) {
	c.calls++
	c.seen = ctx.Value(attemptKey{})
	if c.calls <= c.failures {
		return "partial", errBank
	}
	return "receipt", nil
}

var (
	_ policy.Operation[string] = (*charge)(nil)
	_ policy.Critical          = (*charge)(nil)
	_ policy.Orchestrator      = (*fake)(nil)
)

func TestExecuteRunsAnOperationUnderItsOwnPolicy(t *testing.T) {
	o, op := &fake{attempts: 3}, &charge{amount: 7, failures: 2}
	got, err := policy.Execute(t.Context(), o, op)
	if got != "receipt" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if op.calls != 3 || op.seen != 3 {
		t.Errorf("%d calls, the last with the context of attempt %v", op.calls, op.seen)
	}
	if len(o.asked) != 1 || o.asked[0] != "payments.charge" || !policy.Equal(o.policies[0], policy.Retry{MaxAttempts: 7}) {
		t.Errorf("asked for %v %v", o.asked, o.policies)
	}
}

func TestExecuteReturnsTheLastAttemptsValueBesideItsError(t *testing.T) {
	got, err := policy.Execute(t.Context(), &fake{attempts: 2}, &charge{failures: 9})
	if got != "partial" || !errors.Is(err, errBank) {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestExecuteDoesNotRunWhatThePolicyRefuses(t *testing.T) {
	refused := errors.New("no such breaker")
	op := &charge{}
	got, err := policy.Execute(t.Context(), &fake{attempts: 1, refuse: refused}, op)
	if got != "" || !errors.Is(err, refused) || op.calls != 0 {
		t.Errorf("got %q, %v after %d calls", got, err, op.calls)
	}
}

func TestExecuteWith(t *testing.T) {
	o := &fake{attempts: 1}
	p := policy.Combine(retry, breaker)
	got, err := policy.ExecuteWith(t.Context(), o, "report", p, func(context.Context) (int, error) { return 42, nil })
	if got != 42 || err != nil || o.asked[0] != "report" || !policy.Equal(o.policies[0], p) {
		t.Errorf("got %v, %v under %v %v", got, err, o.asked, o.policies)
	}
}

func TestDo(t *testing.T) {
	calls := 0
	got, err := policy.Do(t.Context(), &fake{attempts: 5}, func(context.Context) (*charge, error) {
		if calls++; calls < 4 {
			return nil, errBank
		}
		return &charge{amount: 4}, nil
	})
	if err != nil || got.amount != 4 || calls != 4 {
		t.Errorf("got %+v, %v after %d calls", got, err, calls)
	}
}

func TestDoReturnsNothingWhenNoAttemptWasMade(t *testing.T) {
	got, err := policy.Do(t.Context(), refuser{}, func(context.Context) (int, error) { panic("called") })
	if got != 0 || !errors.Is(err, policy.ErrCircuitOpen) {
		t.Errorf("got %v, %v", got, err)
	}
}

type refuser struct{}

func (refuser) Run(context.Context, func(context.Context) error) error {
	return &policy.CircuitOpenError{}
}

func TestDoLetsPanicsThrough(t *testing.T) {
	defer func() {
		if r := recover(); r != "boom" {
			t.Errorf("recovered %v", r)
		}
	}()
	_, _ = policy.Do(t.Context(), &fake{attempts: 1}, func(context.Context) (int, error) { panic("boom") })
	t.Error("it came back")
}

func TestCallerRetries(t *testing.T) {
	for left, want := range map[int]bool{-1: false, 0: true, 3: true} {
		ctx := policy.WithCallerRetries(policy.WithCallerRetries(context.Background(), 9), left)
		if got, retries := policy.CallerRetries(ctx); retries != want || got != max(left, 0) {
			t.Errorf("%d: %d, %v", left, got, retries)
		}
	}
	if _, retries := policy.CallerRetries(context.Background()); retries {
		t.Error("nobody has said that he retries")
	}
}
