package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/examples/app/api"
	"github.com/cladgo/clad/examples/app/payments"
	"github.com/cladgo/clad/policy"
)

// refusing is a guard that ends everything with one error.
type refusing struct{ err error }

func (r refusing) Run(context.Context, func(context.Context) error) error { return r.err }

// open is a guard that does nothing.
type open struct{}

func (open) Run(ctx context.Context, fn func(context.Context) error) error { return fn(ctx) }

// nothing is for Prometheus and balancers.
var nothing = http.NotFoundHandler()

func none() policy.Metrics { return policy.Metrics{} }

func request(t *testing.T, h http.Handler, method, path, body string) (*httptest.ResponseRecorder, map[string]any) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body)))
	var answer map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatalf("%s %s: %d %q: %v", method, path, w.Code, w.Body, err)
	}
	return w, answer
}

func TestStatuses(t *testing.T) {
	infrastructure := &policy.InfrastructureError{Message: "the bank can't be reached", Err: errors.New("EOF")}
	for name, test := range map[string]struct {
		err        error
		status     int
		retryAfter string
	}{
		"open circuit":          {&policy.CircuitOpenError{Name: "b", RetryAfter: 30 * time.Second}, 503, "30"},
		"forced open":           {&policy.CircuitOpenError{Name: "b"}, 503, ""},
		"rate limited":          {&policy.RateLimitedError{Name: "l", RetryAfter: time.Millisecond}, 429, "1"},
		"limited, retried":      {exhausted(&policy.RateLimitedError{Name: "l", RetryAfter: 1100 * time.Millisecond}), 429, "2"},
		"timeout":               {&policy.TimeoutError{After: time.Second}, 504, ""},
		"timeout, retried":      {exhausted(&policy.TimeoutError{After: time.Second, Err: infrastructure}), 504, ""},
		"refused amount":        {policy.Permanent(&payments.RefusedError{}), 422, ""},
		"declined":              {policy.Answer(&payments.DeclinedError{}), 402, ""},
		"not found":             {payments.ErrNotFound, 404, ""},
		"another state":         {payments.ErrConflict, 409, ""},
		"another payment":       {payments.ErrOtherPayment, 409, ""},
		"cancelled":             {&policy.CancelledError{Err: context.Canceled}, 499, ""},
		"a deadline around it":  {&policy.CancelledError{Err: fmt.Errorf("%w: %w", context.DeadlineExceeded, infrastructure)}, 504, ""},
		"the bank fails":        {infrastructure, 502, ""},
		"the bank fails, tried": {exhausted(errors.New("EOF")), 502, ""},
		"the bank says 429":     {exhausted(later{7 * time.Second}), 503, "7"},
		"something else":        {errors.New("?"), 500, ""},
		"refused, joined":       {errors.Join(policy.Permanent(&payments.RefusedError{}), errors.New("?")), 422, ""},
		"an open one, in time":  {&policy.TimeoutError{After: 1, Err: &policy.CircuitOpenError{RetryAfter: 1}}, 503, "1"},
	} {
		a := api.New(nil, refusing{test.err}, none, &api.Breakers{}, nothing, nothing)
		w, answer := request(t, a, http.MethodGet, "/payments/1", "")
		if w.Code != test.status || w.Header().Get("Retry-After") != test.retryAfter {
			t.Errorf("%s: %d, Retry-After %q; want %d, %q", name, w.Code, w.Header().Get("Retry-After"), test.status, test.retryAfter)
		}
		if answer["error"] == "" {
			t.Errorf("%s: no error is told", name)
		}
	}
}

func exhausted(err error) error { return &policy.RetriesExhaustedError{Attempts: 2, Err: err} }

// later says when to come back, as the gateway's errors do.
type later struct{ d time.Duration }

func (l later) Error() string             { return "later" }
func (l later) RetryAfter() time.Duration { return l.d }

func TestInvalidInputTellsAllMistakesAtOnce(t *testing.T) {
	a := api.New(nil, open{}, none, &api.Breakers{}, nothing, nothing)
	for body, want := range map[string][]string{
		`{"amount": "5", "currency": "Euro", "methd": "wallet"}`: {"amount", "methd", "currency", "method"},
		`{}`:             {"amount", "currency", "method"},
		`{"amount": 12`:  {""},
		`{"amount": -1}`: {"amount", "currency", "method"},
		`amount=120`:     {""},
	} {
		w, answer := request(t, a, http.MethodPost, "/payments", body)
		var fields []string
		for _, m := range answer["mistakes"].([]any) {
			field, _ := m.(map[string]any)["field"].(string)
			fields = append(fields, field)
		}
		if w.Code != http.StatusBadRequest || fmt.Sprint(fields) != fmt.Sprint(want) {
			t.Errorf("%s: %d %q; want 400 and %q", body, w.Code, fields, want)
		}
	}
}

// A customer who hangs up is no failure of anything.
func TestCancelledIs499(t *testing.T) {
	o, err := container.NewOrchestrator(policy.Catalog{Policies: map[string]policy.Policy{
		"api": policy.CircuitBreaker{FailureThreshold: 1},
	}})
	if err != nil {
		t.Fatal(err)
	}
	guard, err := o.Pipeline("api")
	if err != nil {
		t.Fatal(err)
	}
	a := api.New(nil, guard, o.Metrics, &api.Breakers{}, nothing, nothing)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := httptest.NewRecorder()
	a.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "/payments/1", nil))
	if m := o.Metrics(); w.Code != 499 || m.Cancelled != 1 || m.CircuitBreakerTrips != 0 {
		t.Errorf("%d, metrics %+v", w.Code, m)
	}
}

// A supervisor restarted the whole service because one of its breakers was open.
func TestOpenBreakerIsNoFailureOfHealth(t *testing.T) {
	b := &api.Breakers{}
	b.Set("payments.Gateway", policy.StateOpen, time.Now())
	b.Set("payments.Ledger", policy.StateClosed, time.Now())
	w, answer := request(t, api.New(nil, open{}, none, b, nothing, nothing), http.MethodGet, "/healthz", "")
	if w.Code != http.StatusOK || answer["status"] != "alive" || fmt.Sprint(answer["open_circuit_breakers"]) != "[payments.Gateway]" {
		t.Errorf("%d %v", w.Code, answer)
	}
}

func TestState(t *testing.T) {
	b := &api.Breakers{}
	b.Set("payments.Gateway", policy.StateHalfOpen, time.Now())
	a := api.New(nil, open{}, func() policy.Metrics {
		return policy.Metrics{
			Totals:     policy.Totals{TotalOperations: 3, RetryAttempts: 2},
			Operations: map[string]policy.Totals{"payments.Gateway.Charge": {TotalOperations: 3, TimeoutCount: 1}},
		}
	}, b, nothing, nothing)
	w, _ := request(t, a, http.MethodGet, "/state", "")
	var m api.State
	if err := json.Unmarshal(w.Body.Bytes(), &m); err != nil {
		t.Fatal(err)
	}
	if m.Total.TotalOperations != 3 || m.Total.RetryAttempts != 2 ||
		m.Operations["payments.Gateway.Charge"].TimeoutCount != 1 ||
		m.CircuitBreakers["payments.Gateway"].State != "half-open" {
		t.Errorf("got %s", w.Body)
	}
}
