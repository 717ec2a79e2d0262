package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cladgo/clad/examples/app/gateway"
	"github.com/cladgo/clad/examples/app/payments"
	"github.com/cladgo/clad/policy"
)

func client(t *testing.T, bank http.HandlerFunc) *gateway.Client {
	t.Helper()
	server := httptest.NewServer(bank)
	t.Cleanup(server.Close)
	c := gateway.New(server.URL + "/")
	t.Cleanup(c.Close)
	return c
}

var request = payments.ChargeRequest{Key: "key-1", Amount: 12050, Currency: "EUR", Method: payments.CreditCard}

func TestCharge(t *testing.T) {
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		var body map[string]any
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
		}
		if r.URL.Path != "/charges" || r.Header.Get("Idempotency-Key") != "key-1" ||
			body["cents"] != 12050.0 || body["currency"] != "EUR" || body["method"] != "credit_card" {
			t.Errorf("the bank got %s %v %v", r.URL, r.Header, body)
		}
		_, _ = io.WriteString(w, `{"id": "ch_1"}`)
	})
	if r, err := c.Charge(t.Context(), request); err != nil || r != (payments.Receipt{ID: "ch_1", Amount: 12050}) {
		t.Errorf("got %+v, %v", r, err)
	}
}

func TestRefund(t *testing.T) {
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/refunds" || r.Header.Get("Idempotency-Key") != "" {
			t.Errorf("the bank got %s %v", r.URL, r.Header)
		}
		w.WriteHeader(http.StatusNoContent)
	})
	if err := c.Refund(t.Context(), payments.Receipt{ID: "ch_1", Amount: 12050}); err != nil {
		t.Error(err)
	}
}

func TestWhatStatusesMean(t *testing.T) {
	inAMinute := time.Now().Add(time.Minute).UTC().Format(http.TimeFormat)
	for _, test := range []struct {
		status     int
		header     string
		answer     bool
		retryAfter time.Duration // within a second
	}{
		{status: 400, answer: true},
		{status: 402, answer: true},
		{status: 404, answer: true, header: "7"},
		{status: 409, answer: true},
		{status: 408},
		{status: 429},
		{status: 429, header: "7", retryAfter: 7 * time.Second},
		{status: 429, header: inAMinute, retryAfter: time.Minute},
		{status: 429, header: "Mon, 02 Jan 2006 15:04:05 GMT"}, // is over
		{status: 429, header: "soon"},
		{status: 429, header: "-7"},
		{status: 500},
		{status: 503, header: "7", retryAfter: 7 * time.Second},
		{status: 304, answer: true},
	} {
		c := client(t, func(w http.ResponseWriter, _ *http.Request) {
			if test.header != "" {
				w.Header().Set("Retry-After", test.header)
			}
			w.WriteHeader(test.status)
			if test.status != 304 {
				_, _ = io.WriteString(w, `{"error": "that is why"}`)
			}
		})
		_, err := c.Charge(t.Context(), request)
		var infrastructure *policy.InfrastructureError
		var declined *payments.DeclinedError
		if got := policy.IsAnswer(err); got != test.answer ||
			errors.As(err, &infrastructure) == test.answer || errors.As(err, &declined) != test.answer {
			t.Errorf("%d: answer %v: %v", test.status, got, err)
		}
		if declined != nil && test.status != 304 && declined.Reason != "that is why" {
			t.Errorf("%d: reason %q", test.status, declined.Reason)
		}
		if policy.IsRetryable(err) == test.answer {
			t.Errorf("%d: retryable %v", test.status, test.answer)
		}
		after, ok := policy.RetryAfter(err)
		if ok != (test.retryAfter > 0) || after > test.retryAfter || after < test.retryAfter-time.Second*3/2 {
			t.Errorf("%d with Retry-After %q: %v, %v", test.status, test.header, after, ok)
		}
	}
}

func TestAnswersThatMakeNoSense(t *testing.T) {
	for name, bank := range map[string]http.HandlerFunc{
		"no JSON": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") },
		"no id":   func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") },
		"broken off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "9")
			_, _ = io.WriteString(w, "{")
		},
		"none": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		_, err := client(t, bank).Charge(t.Context(), request)
		var infrastructure *policy.InfrastructureError
		if !errors.As(err, &infrastructure) || !policy.IsRetryable(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestChargeEndsWithItsContext(t *testing.T) {
	c := client(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := c.Charge(ctx, request); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// net/http repeated the request behind the policy's back: it does so on its own
// where an Idempotency-Key is set and a kept connection breaks.
func TestOneChargeIsOneRequest(t *testing.T) {
	var asked atomic.Int64
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if asked.Add(1) > 1 {
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(w, `{"id": "ch_1"}`)
	})
	if _, err := c.Charge(t.Context(), request); err != nil { // its connection is kept
		t.Fatal(err)
	}
	if _, err := c.Charge(t.Context(), request); err == nil {
		t.Error("want an error")
	}
	if n := asked.Load(); n != 2 {
		t.Errorf("the bank was asked %d times by two calls", n)
	}
}
