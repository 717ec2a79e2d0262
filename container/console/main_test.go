package console_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/console"
	"github.com/cladgo/clad/policy"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.Cleanup(os.Exit)) }

var errDown = errors.New("connection refused")

// ann may steer.
func ann(*http.Request) (string, bool) { return "ann", true }

func newOrchestrator(t *testing.T, c policy.Catalog) *container.Orchestrator {
	t.Helper()
	o, err := container.NewOrchestrator(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	return o
}

// shop has a named breaker and a named limiter, and an operation under both.
func shop(t *testing.T) *container.Orchestrator {
	t.Helper()
	return newOrchestrator(t, policy.Catalog{
		CircuitBreakers: map[string]policy.CircuitBreaker{"bank": {FailureThreshold: 2, RecoveryTimeout: 30e9, SuccessThreshold: 1}},
		RateLimiters:    map[string]policy.RateLimit{"calls": {RequestsPerSecond: 1000, Burst: 100}},
		Bulkheads:       map[string]policy.Bulkhead{"permits": {MaxConcurrent: 3, MaxWait: 2e9, Reserve: 0.5}},
		Policies:        map[string]policy.Policy{"guarded": policy.Combine(policy.RateLimit{Name: "calls"}, policy.CircuitBreaker{Name: "bank"})},
	})
}

func run(t *testing.T, o *container.Orchestrator, operation string, p policy.Policy, fn func(context.Context) error) error {
	t.Helper()
	r, err := o.For(operation, p)
	if err != nil {
		t.Fatal(err)
	}
	return r.Run(t.Context(), fn)
}

func fail(context.Context) error { return errDown }

func works(context.Context) error { return nil }

// bank is a policy of the shop's breaker alone.
var bank = policy.CircuitBreaker{Name: "bank"}

func get(t *testing.T, h http.Handler, path string, into any) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	decode(t, w, into)
	return w
}

func stateOf(t *testing.T, h http.Handler) (s console.State) {
	t.Helper()
	get(t, h, "/api/state", &s)
	return s
}

// post asks as the console's own page does.
func post(t *testing.T, h http.Handler, path, body string, into any) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, request(t, path, body))
	decode(t, w, into)
	return w
}

func request(t *testing.T, path, body string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return r
}

func decode(t *testing.T, w *httptest.ResponseRecorder, into any) {
	t.Helper()
	if into == nil {
		return
	}
	d := json.NewDecoder(w.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		t.Fatalf("status %d: %v", w.Code, err)
	}
}

type searcher func(context.Context, string) error

func newSearcher() searcher { return func(context.Context, string) error { return errDown } }
