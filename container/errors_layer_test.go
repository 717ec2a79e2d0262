package container_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"testing"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// outcomeOf runs an operation that ends with err once, and tells how often it was
// attempted, what a breaker made of it, and how it was counted.
func outcomeOf(t *testing.T, err error, opts []container.Option, layers ...policy.Policy) (attempts int, verdict string) {
	t.Helper()
	o := newOrchestrator(t, policy.Catalog{}, opts...)
	b := registered(t, o, "b", policy.CircuitBreaker{FailureThreshold: 2})
	all := append([]policy.Policy{policy.Retry{MaxAttempts: 2, Backoff: policy.Fixed(0)}}, layers...)
	attempts = attemptsAt(t, pipelineFor(t, o, "retried", all...), err)
	totals := o.Metrics().Totals

	p := pipelineFor(t, o, "op", append([]policy.Policy{policy.CircuitBreaker{Name: "b"}}, layers...)...)
	_ = p.Run(t.Context(), always(err))
	_ = p.Run(t.Context(), always(err))
	switch {
	case b.State() == policy.StateOpen && totals.FailedOperations == 1:
		return attempts, "failed"
	case totals.Answered == 1 && totals.SuccessfulOperations == 1:
		// A success ends a row of failures, and what is neither does not.
		failing := pipelineFor(t, o, "failing", policy.CircuitBreaker{Name: "b"})
		_ = failing.Run(t.Context(), always(errDown))
		_ = p.Run(t.Context(), always(err))
		_ = failing.Run(t.Context(), always(errDown))
		if b.State() == policy.StateClosed {
			return attempts, "answered"
		}
	case b.State() == policy.StateClosed && totals.FailedOperations == 1:
		return attempts, "refused"
	}
	return attempts, fmt.Sprintf("%v, %+v", b.State(), totals)
}

func attemptsAt(t *testing.T, p *container.Pipeline, err error) int {
	t.Helper()
	s := &script{answers: []error{err, err, err}}
	_ = p.Run(t.Context(), s.call)
	return s.calls
}

func TestErrorsMeanWhatThePolicySays(t *testing.T) {
	wrapped := fmt.Errorf("customer 7: %w", errNo)
	judge := func(err error) policy.Verdict {
		if errors.Is(err, errBusy) {
			return policy.Answered
		}
		return policy.Unknown
	}
	named := []container.Option{container.WithErrors(map[string]error{"no customer": errNo})}
	for _, tt := range []struct {
		name     string
		err      error
		errors   policy.Errors
		attempts int
		verdict  string
	}{
		{"nothing said", wrapped, policy.Errors{}, 2, "failed"},
		{"an answer", wrapped, policy.Errors{Answers: []error{errNo}}, 1, "answered"},
		{"a refusal", wrapped, policy.Errors{Refusals: []error{errNo}}, 1, "refused"},
		{"a failure, though a known client's answer", sql.ErrNoRows, policy.Errors{Failures: []error{sql.ErrNoRows}}, 2, "failed"},
		{"another's error", errDown, policy.Errors{Answers: []error{errNo}}, 2, "failed"},
		{"by a name that was given", wrapped, policy.Errors{Answers: []error{policy.ErrorName("no customer")}}, 1, "answered"},
		{"by the name of a known client's", fmt.Errorf("load: %w", fs.ErrNotExist), policy.Errors{Refusals: []error{policy.ErrorName("fs.ErrNotExist")}}, 1, "refused"},
		{"as judged", errBusy, policy.Errors{Judge: judge, Failures: []error{errBusy}}, 1, "answered"},
		{"in the lists, where Judge does not know", errNo, policy.Errors{Judge: judge, Refusals: []error{errNo}}, 1, "refused"},
	} {
		attempts, verdict := outcomeOf(t, tt.err, named, tt.errors)
		if attempts != tt.attempts || verdict != tt.verdict {
			t.Errorf("%s: %d attempts, %s; want %d, %s", tt.name, attempts, verdict, tt.attempts, tt.verdict)
		}
	}
}

// What everybody's clients say was retried and opened breakers, whatever it meant.
func TestKnownErrorsNeedNoPolicy(t *testing.T) {
	for _, tt := range []struct {
		err      error
		attempts int
		verdict  string
	}{
		{sql.ErrNoRows, 1, "answered"},
		{fmt.Errorf("load: %w", fs.ErrNotExist), 1, "answered"},
		{&net.OpError{Op: "dial", Err: errDown}, 2, "failed"},
	} {
		if attempts, verdict := outcomeOf(t, tt.err, nil); attempts != tt.attempts || verdict != tt.verdict {
			t.Errorf("%v: %d attempts, %s; want %d, %s", tt.err, attempts, verdict, tt.attempts, tt.verdict)
		}
	}
}

// A user who asks for attempts gets them, whatever is known of the error.
func TestRetryIfBeatsWhatIsKnown(t *testing.T) {
	p, _ := under(t, policy.Retry{MaxAttempts: 3, Backoff: policy.Fixed(0), RetryIf: func(err error) bool { return errors.Is(err, sql.ErrNoRows) }})
	if got := attemptsAt(t, p, sql.ErrNoRows); got != 3 {
		t.Errorf("%d attempts, want 3", got)
	}
}

func TestNamesOfErrorsThatNobodyKnows(t *testing.T) {
	o := newOrchestrator(t, policy.Catalog{}, container.WithErrors(map[string]error{"no customer": errNo}))
	_, err := o.For("op", policy.Errors{Answers: []error{policy.ErrorName("no custmer")}, Refusals: []error{policy.ErrorName("sql.NoRows")}})
	wantMessage(t, err, `no error "no custmer" is known`, `did you mean "no customer"`, `no error "sql.NoRows" is known`, `did you mean "sql.ErrNoRows"`)
	_, err = o.For("op", policy.Errors{Answers: []error{nil}})
	wantMessage(t, err, "Answers[0] is nil")
}

// Where an error certainly had no effect, what must not be done twice may be tried
// again.
func TestWhatHadNoEffectMayBeRepeatedOnce(t *testing.T) {
	c, err := container.New(policy.Catalog{Policies: map[string]policy.Policy{"retried": policy.Retry{MaxAttempts: 3, Backoff: policy.Fixed(0)}}})
	if err != nil {
		t.Fatal(err)
	}
	s := &script{answers: []error{&net.OpError{Op: "dial", Err: errDown}, errDown, errDown}}
	if err := c.Provide(container.Tag(func() transfers { return scriptedTransfers{s} }, "retried")); err != nil {
		t.Fatal(err)
	}
	err = c.Invoke(func(tr transfers) error { return tr.Pay(t.Context()) })
	if s.calls != 2 || !errors.Is(err, errDown) {
		t.Errorf("%d attempts, %v; want the second to be the last", s.calls, err)
	}
}

type scriptedTransfers struct{ s *script }

func (s scriptedTransfers) Pay(ctx context.Context) error { return s.s.call(ctx) }

func TestPoliciesWithErrorsAreEqualWhenTheyMeanTheSame(t *testing.T) {
	o := newOrchestrator(t, policy.Catalog{})
	first := pipelineFor(t, o, "op", policy.Retry{}, policy.Errors{Answers: []error{errNo}})
	if pipelineFor(t, o, "op", policy.Retry{}, policy.Errors{Answers: []error{errNo}}) != first {
		t.Error("an equal policy got another pipeline")
	}
	if pipelineFor(t, o, "op", policy.Retry{}, policy.Errors{Answers: []error{errDown}}) == first {
		t.Error("another policy got the same pipeline")
	}
	odd := policy.Errors{Answers: []error{errs{errNo}}}
	if policy.Equal(odd, odd) {
		t.Error("what can't be compared is equal")
	}
}

type errs []error

func (errs) Error() string { return "many" }

func TestATagSaysWhatItsErrorsMean(t *testing.T) {
	judge := func(err error) policy.Verdict {
		if errors.Is(err, errDown) {
			return policy.Refused
		}
		return policy.Unknown
	}
	for _, tt := range []struct {
		name     string
		policy   policy.Policy
		err      error
		attempts int
		answered uint64
	}{
		{"an answer", nil, errNo, 1, 1},
		{"as judged", nil, errDown, 1, 0},
		{"neither", nil, errBusy, 2, 0},
		{"the profile's errors come first", policy.Errors{Failures: []error{errNo}}, errNo, 2, 0},
	} {
		c, err := container.New(policy.Catalog{Policies: map[string]policy.Policy{"p": policy.Combine(policy.Retry{MaxAttempts: 2, Backoff: policy.Fixed(0)}, tt.policy)}})
		if err != nil {
			t.Fatal(err)
		}
		s := &script{answers: []error{tt.err, tt.err, tt.err}}
		tag := container.Tag(func() gateway { return scriptedGateway{s} }, "p", container.Answers(errNo), container.Judge(judge))
		if err := c.Provide(tag); err != nil {
			t.Fatal(err)
		}
		if err := c.Invoke(func(g gateway) { _, _ = g.Charge(t.Context(), 1) }); err != nil {
			t.Fatal(err)
		}
		if got := c.Orchestrator().Metrics().Answered; s.calls != tt.attempts || got != tt.answered {
			t.Errorf("%s: %d attempts, %d answered; want %d and %d", tt.name, s.calls, got, tt.attempts, tt.answered)
		}
	}
}

type scriptedGateway struct{ s *script }

func (g scriptedGateway) Charge(ctx context.Context, _ int) (string, error) { return "", g.s.call(ctx) }
func (g scriptedGateway) Refund(ctx context.Context, _ string) error        { return g.s.call(ctx) }
func (scriptedGateway) Close() error                                        { return nil }
