package policy_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/cladgo/clad/policy"
)

// answerError stands for a dependency's own typed error.
type answerError struct{ code int }

func (e *answerError) Error() string { return fmt.Sprintf("answer %d", e.code) }

var sentinels = map[string]error{
	"ErrCircuitOpen":      policy.ErrCircuitOpen,
	"ErrRateLimited":      policy.ErrRateLimited,
	"ErrBulkheadFull":     policy.ErrBulkheadFull,
	"ErrTimeout":          policy.ErrTimeout,
	"ErrRetriesExhausted": policy.ErrRetriesExhausted,
	"ErrCancelled":        policy.ErrCancelled,
	"Canceled":            context.Canceled,
	"DeadlineExceeded":    context.DeadlineExceeded,
}

func TestErrorsMatchTheirSentinelsAndNoOther(t *testing.T) {
	cause := &answerError{418}
	for _, tt := range []struct {
		err  error
		want string // names of sentinels
	}{
		{&policy.CircuitOpenError{}, "ErrCircuitOpen"},
		{&policy.RateLimitedError{}, "ErrRateLimited"},
		{&policy.BulkheadFullError{}, "ErrBulkheadFull"},
		{&policy.TimeoutError{Err: cause}, "ErrTimeout DeadlineExceeded"},
		{&policy.TimeoutError{Err: context.DeadlineExceeded}, "ErrTimeout DeadlineExceeded"},
		{&policy.TimeoutError{}, "ErrTimeout DeadlineExceeded"},
		{&policy.RetriesExhaustedError{Err: cause}, "ErrRetriesExhausted"},
		{&policy.RetriesExhaustedError{Err: &policy.TimeoutError{}}, "ErrRetriesExhausted ErrTimeout DeadlineExceeded"},
		{&policy.CancelledError{Err: context.Canceled}, "ErrCancelled Canceled"},
		{&policy.CancelledError{Err: context.DeadlineExceeded}, "ErrCancelled DeadlineExceeded"},
		{&policy.InfrastructureError{Message: "m", Err: cause}, ""},
		{policy.Permanent(cause), ""},
		{cause, ""},
	} {
		for name, sentinel := range sentinels {
			want := false
			for w := range strings.FieldsSeq(tt.want) {
				want = want || w == name
			}
			if got := errors.Is(tt.err, sentinel); got != want {
				t.Errorf("errors.Is(%#v, %s) = %v", tt.err, name, got)
			}
		}
	}
}

// Retrying once turned the typed error into a string, and whoever wanted to know
// what the dependency had said could no longer find out.
func TestDependencysErrorIsReachedThroughEveryWrapper(t *testing.T) {
	cause := &answerError{503}
	wrappers := map[string]func(error) error{
		"timeout":        func(err error) error { return &policy.TimeoutError{After: time.Second, Err: err} },
		"exhausted":      func(err error) error { return &policy.RetriesExhaustedError{Attempts: 3, Err: err} },
		"cancelled":      func(err error) error { return &policy.CancelledError{Err: err} },
		"infrastructure": func(err error) error { return &policy.InfrastructureError{Message: "no answer", Err: err} },
		"permanent":      policy.Permanent,
		"fmt":            func(err error) error { return fmt.Errorf("charging: %w", err) },
	}
	for outerName, outer := range wrappers {
		for innerName, inner := range wrappers {
			err := outer(inner(cause))
			var found *answerError
			if !errors.Is(err, cause) || !errors.As(err, &found) || found != cause {
				t.Errorf("%s of %s: the dependency's error is lost", outerName, innerName)
			}
			if !strings.Contains(err.Error(), "answer 503") {
				t.Errorf("%s of %s says %q and not what the dependency said", outerName, innerName, err)
			}
		}
	}
}

func TestErrorMessages(t *testing.T) {
	cause := errors.New("connection refused")
	for _, tt := range []struct {
		err  error
		want string
	}{
		{
			&policy.CircuitOpenError{Name: "bank", RetryAfter: 7 * time.Second, Operation: "payments.Gateway.Charge"},
			`payments.Gateway.Charge: circuit breaker "bank" is open, retry in 7s`,
		},
		{&policy.CircuitOpenError{Name: "bank", Operation: "charge"}, `charge: circuit breaker "bank" is open`},
		{&policy.CircuitOpenError{Name: "bank"}, `circuit breaker "bank" is open`},
		{
			&policy.RateLimitedError{Name: "api", RetryAfter: 20 * time.Millisecond, Operation: "charge"},
			`charge: rate limiter "api" has no token left, retry in 20ms`,
		},
		{
			&policy.BulkheadFullError{Name: "reports", RetryAfter: time.Second, Operation: "charge", Err: cause},
			`charge: bulkhead "reports" is full, retry in 1s: the attempt before: connection refused`,
		},
		{&policy.TimeoutError{After: time.Second, Err: cause, Operation: "charge"}, "charge: timed out after 1s: connection refused"},
		{&policy.TimeoutError{After: time.Second}, "timed out after 1s"},
		{
			&policy.RetriesExhaustedError{Attempts: 3, Elapsed: 1500 * time.Millisecond, Err: cause, Operation: "charge"},
			"charge: gave up after 3 attempts in 1.5s: connection refused",
		},
		{
			&policy.RetriesExhaustedError{Attempts: 1, Elapsed: time.Second, Budget: 0.1, Err: cause, Operation: "charge"},
			"charge: gave up after 1 attempt in 1s, as the retry budget (10% of the operations) is used up: connection refused",
		},
		{&policy.RetriesExhaustedError{Attempts: 1, Err: cause}, "gave up after 1 attempt: connection refused"},
		{&policy.CancelledError{Err: context.Canceled, Operation: "charge"}, "charge: cancelled by the caller: context canceled"},
		{&policy.InfrastructureError{Message: "the bank did not answer", Err: cause}, "the bank did not answer: connection refused"},
		{&policy.InfrastructureError{Message: "the bank did not answer"}, "the bank did not answer"},
		{policy.Permanent(cause), "connection refused"},
	} {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}

func TestErrorsCarryTheirDetails(t *testing.T) {
	err := fmt.Errorf("charging: %w", &policy.RetriesExhaustedError{
		Attempts: 3, Elapsed: time.Minute,
		Err: errors.Join(io.EOF, &policy.TimeoutError{After: time.Second, Err: &policy.CircuitOpenError{Name: "bank", RetryAfter: 5}}),
	})
	var (
		exhausted *policy.RetriesExhaustedError
		timeout   *policy.TimeoutError
		open      *policy.CircuitOpenError
		limited   *policy.RateLimitedError
	)
	if !errors.As(err, &exhausted) || exhausted.Attempts != 3 || exhausted.Elapsed != time.Minute {
		t.Errorf("exhausted: %+v", exhausted)
	}
	if !errors.As(err, &timeout) || timeout.After != time.Second {
		t.Errorf("timeout: %+v", timeout)
	}
	if !errors.As(err, &open) || open.Name != "bank" || open.RetryAfter != 5 {
		t.Errorf("open: %+v", open)
	}
	if errors.As(err, &limited) {
		t.Errorf("there is no rate limit in it: %+v", limited)
	}
}

// Code that knows nothing of this package asks as of a net.Error.
func TestTimeoutErrorIsATimeoutToOthers(t *testing.T) {
	var timeout interface{ Timeout() bool }
	err := fmt.Errorf("charging: %w", &policy.TimeoutError{})
	if !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Error("Timeout() is not true")
	}
}
