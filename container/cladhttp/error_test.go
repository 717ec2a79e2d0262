package cladhttp_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cladgo/clad/container/cladhttp"
	"github.com/cladgo/clad/policy"
)

func TestWriteErrorMapsErrors(t *testing.T) {
	plain := errors.New("secret of the inside")
	for _, c := range []struct {
		name       string
		err        error
		status     int
		retryAfter string
	}{
		{"nil", nil, 200, ""},
		{"open", &policy.CircuitOpenError{RetryAfter: 1500 * time.Millisecond}, 503, "2"},
		{"forced open", &policy.CircuitOpenError{}, 503, ""},
		{"limited", &policy.RateLimitedError{RetryAfter: time.Millisecond}, 429, "1"},
		{"full", &policy.BulkheadFullError{RetryAfter: time.Millisecond}, 503, "1"},
		{"full, for who knows how long", &policy.BulkheadFullError{}, 503, ""},
		{"timeout", &policy.TimeoutError{Err: plain}, 504, ""},
		{"deadline", fmt.Errorf("db: %w", context.DeadlineExceeded), 504, ""},
		{"client gone", &policy.CancelledError{Err: context.Canceled}, 499, ""},
		{"cancelled by others", context.Canceled, 499, ""},
		{"caller's deadline", &policy.CancelledError{Err: context.DeadlineExceeded}, 504, ""},
		{"exhausted", &policy.RetriesExhaustedError{Err: plain}, 502, ""},
		{"exhausted on timeouts", &policy.RetriesExhaustedError{Err: &policy.TimeoutError{}}, 504, ""},
		{"exhausted on the limit", &policy.RetriesExhaustedError{Err: &policy.RateLimitedError{RetryAfter: time.Minute}}, 429, "60"},
		{"exhausted, with a time", &policy.RetriesExhaustedError{Err: later{plain}}, 503, "90"},
		{"infrastructure", fmt.Errorf("x: %w", &policy.InfrastructureError{Err: plain}), 502, ""},
		{"infrastructure, with a time", &policy.InfrastructureError{Err: later{plain}}, 503, "90"},
		{"too large", &policy.RetriesExhaustedError{Err: &http.MaxBytesError{Limit: 1}}, 413, ""},
		{"refused by the domain", policy.Permanent(plain), 500, ""},
		{"anything else", plain, 500, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			w.Header().Set("Content-Length", "1000000")
			cladhttp.WriteError(w, c.err)
			resp := w.Result()
			body := read(t, resp)
			if resp.StatusCode != c.status || cladhttp.Status(c.err) != c.status {
				t.Errorf("status %d and %d, want %d", resp.StatusCode, cladhttp.Status(c.err), c.status)
			}
			if got := resp.Header.Get("Retry-After"); got != c.retryAfter {
				t.Errorf("Retry-After %q, want %q", got, c.retryAfter)
			}
			if resp.Header.Get("Content-Type") != "application/problem+json" || resp.Header.Get("Content-Length") != "" {
				t.Errorf("header %v", resp.Header)
			}
			if !strings.Contains(body, fmt.Sprintf(`"status":%d`, c.status)) || strings.Contains(body, "secret") {
				t.Errorf("body %s", body)
			}
			if strings.Contains(body, `"title":""`) {
				t.Errorf("no title: %s", body)
			}
		})
	}
}

type later struct{ error }

func (later) RetryAfter() time.Duration { return 90 * time.Second }

// What an outer limit of the server cuts off inside is the server's own doing,
// not the client's.
func TestDeadlineOfTheServerIsNotTheClients(t *testing.T) {
	inner := runner(t, policy.Timeout(time.Hour))
	w := httptest.NewRecorder()
	h := cladhttp.Limit(runner(t, policy.Timeout(time.Nanosecond)))(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := inner.Run(r.Context(), func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		cladhttp.WriteError(w, err)
	}))
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	if w.Code != 504 {
		t.Errorf("got %d", w.Code)
	}
}
