package wiring_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cladgo/clad/policy"
)

// A status for each way in which things go wrong, over real connections.
func TestStatuses(t *testing.T) {
	for name, test := range map[string]struct {
		catalog    policy.Catalog
		faults     string
		body       string // of the payment; empty for an ordinary one
		status     int
		retryAfter string
	}{
		"all is well":      {status: 201},
		"invalid":          {body: `{"amount": 0}`, status: 400},
		"declined":         {body: order("5000.01", "credit_card"), status: 402},
		"refused amount":   {body: order("10000.01", "credit_card"), status: 422},
		"outage":           {faults: `{"outage": true}`, status: 502},
		"5xx":              {faults: `{"error_rate": 1}`, status: 502},
		"connection drops": {faults: `{"drop_rate": 1}`, status: 502},
		"answer is lost":   {faults: `{"lost_rate": 1}`, status: 502},
		"429 of the bank":  {faults: `{"throttle_rate": 1, "retry_after": "7s"}`, status: 503, retryAfter: "7"},
		"timeout of an attempt": {
			catalog: with("external_api", policy.Timeout(20*time.Millisecond)),
			faults:  `{"latency": "1h"}`, status: 504,
		},
		"timeout of all attempts": {
			catalog: with("external_api", policy.Timeout(50*time.Millisecond), policy.Retry{MaxAttempts: 100, Backoff: policy.Fixed(0)}),
			faults:  `{"latency": "1h"}`, status: 504,
		},
		"each attempt times out": {
			catalog: with("external_api", policy.Retry{MaxAttempts: 2, Backoff: policy.Fixed(0)}, policy.Timeout(20*time.Millisecond)),
			faults:  `{"latency": "1h"}`, status: 504,
		},
		"retried": {
			catalog: with("external_api", policy.Retry{MaxAttempts: 3, Backoff: policy.Fixed(0)}),
			faults:  `{"error_rate": 1, "requests": 2}`, status: 201,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if test.catalog.Policies == nil {
				test.catalog = unprotected()
			}
			r := start(t, test.catalog)
			if test.faults != "" {
				r.faults(test.faults)
			}
			if test.body == "" {
				test.body = order("100", "bank_transfer")
			}
			a := r.must(http.MethodPost, r.api+"/payments", "", test.body)
			if a.status != test.status || a.retryAfter != test.retryAfter {
				t.Errorf("got %+v; want %d, Retry-After %q", a, test.status, test.retryAfter)
			}
		})
	}
}

func TestOpenCircuitIs503AtOnce(t *testing.T) {
	r := start(t, with("external_api", policy.CircuitBreaker{FailureThreshold: 2, RecoveryTimeout: time.Hour}))
	r.faults(`{"outage": true}`)
	for _, want := range []int{502, 502, 503, 503} {
		a := r.pay("")
		if a.status != want {
			t.Fatalf("got %+v; want %d", a, want)
		}
		if want == 503 && a.retryAfter != "3600" {
			t.Errorf("Retry-After %q", a.retryAfter)
		}
	}
	if s := r.statement(); s.Requests != 2 {
		t.Errorf("the bank was asked %d times; want 2", s.Requests)
	}
	if m := r.metrics(); m.CircuitBreakers["payments.Gateway"].State != "open" || m.Total.CircuitBreakerTrips != 1 || m.Total.CircuitBreakerRejections != 2 {
		t.Errorf("metrics %+v", m)
	}
	if a := r.must(http.MethodGet, r.api+"/readyz", "", ""); a.status != 200 || !strings.Contains(a.body, `"name":"payments.Gateway","critical":false,"state":"open"`) {
		t.Errorf("readiness: %+v", a)
	}
	if a := r.must(http.MethodGet, r.api+"/healthz", "", ""); a.status != 200 || !strings.Contains(a.body, "payments.Gateway") {
		t.Errorf("health with an open breaker: %+v", a)
	}
}

func TestRateLimitedIs429(t *testing.T) {
	c := with("api", policy.RateLimit{Name: "api-calls"})
	c.RateLimiters = map[string]policy.RateLimit{"api-calls": {RequestsPerSecond: 0.01, Burst: 1}}
	r := start(t, c)
	if a := r.pay(""); a.status != 201 {
		t.Fatal(a)
	}
	if a := r.pay(""); a.status != 429 || a.retryAfter != "100" {
		t.Errorf("got %+v", a)
	}
	if s := r.statement(); s.Requests != 1 {
		t.Errorf("the bank was asked %d times", s.Requests)
	}
}

// The service's own breaker is fed by what its dependencies fail at, not by what
// customers do wrong.
func TestBreakerOfTheService(t *testing.T) {
	c := with("api", policy.CircuitBreaker{Name: "payment-service"})
	c.CircuitBreakers = map[string]policy.CircuitBreaker{"payment-service": {FailureThreshold: 2, RecoveryTimeout: time.Hour}}
	r := start(t, c)
	if m := r.metrics(); m.CircuitBreakers["payment-service"].State != "closed" {
		t.Errorf("at first: %+v", m.CircuitBreakers)
	}
	for range 3 {
		if a := r.find("nothing"); a.status != 404 {
			t.Fatal(a)
		}
		if a := r.must(http.MethodPost, r.api+"/payments", "", order("10001", "wallet")); a.status != 422 {
			t.Fatal(a)
		}
	}
	r.faults(`{"outage": true}`)
	for _, want := range []int{502, 502, 503} {
		if a := r.pay(""); a.status != want {
			t.Errorf("got %+v; want %d", a, want)
		}
	}
	if m := r.metrics(); m.CircuitBreakers["payment-service"].State != "open" {
		t.Errorf("in the end: %+v", m.CircuitBreakers)
	}
}

// The service refused everything, what needs no bank too, once the bank's open
// circuit had been met a few times.
func TestOpenCircuitOfTheBankIsNoFailureOfTheService(t *testing.T) {
	c := with("api", policy.CircuitBreaker{Name: "payment-service"})
	c.CircuitBreakers = map[string]policy.CircuitBreaker{"payment-service": {FailureThreshold: 2, RecoveryTimeout: time.Hour}}
	c.Policies["external_api"] = policy.CircuitBreaker{FailureThreshold: 1, RecoveryTimeout: time.Hour}
	r := start(t, c)
	r.faults(`{"outage": true}`)
	for _, want := range []int{502, 503, 503, 503} {
		if a := r.pay(""); a.status != want {
			t.Errorf("got %+v; want %d", a, want)
		}
	}
	if a := r.find("nothing"); a.status != 404 {
		t.Errorf("got %+v", a)
	}
	if m := r.metrics(); m.CircuitBreakers["payments.Gateway"].State != "open" || m.CircuitBreakers["payment-service"].State != "closed" {
		t.Errorf("breakers %+v", m.CircuitBreakers)
	}
}

func TestCustomerWhoHangsUpIsCounted(t *testing.T) {
	r := start(t, with("external_api", policy.CircuitBreaker{FailureThreshold: 1}))
	r.faults(`{"latency": "1h"}`)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := r.do(ctx, http.MethodPost, r.api+"/payments", "", order("100", "bank_transfer")); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	for r.metrics().Operations["payments.Gateway.Charge"].Cancelled != 1 { // or the test's own deadline
		// real time: the server hears of the hang-up through a real socket
		time.Sleep(time.Millisecond)
	}
	if m := r.metrics(); m.Total.CircuitBreakerTrips != 0 {
		t.Errorf("metrics %+v", m)
	}
}
