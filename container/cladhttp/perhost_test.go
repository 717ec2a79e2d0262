package cladhttp_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/cladgo/clad/container/cladhttp"
	"github.com/cladgo/clad/policy"
)

// send sends a GET and returns the error and whether it reached the server.
func send(t *testing.T, rt http.RoundTripper, url string) error {
	t.Helper()
	resp, err := rt.RoundTrip(request(t, http.MethodGet, url, nil))
	if err == nil {
		read(t, resp)
	}
	return err
}

var failing = roundTripper(func(req *http.Request) (*http.Response, error) {
	if strings.HasPrefix(strings.ToLower(req.URL.Host), "bad") {
		return nil, errBroken
	}
	return answer(req, 200, ""), nil
})

func TestPerHostStopsTheFailingHostOnly(t *testing.T) {
	o := newOrchestrator(t)
	rt, err := cladhttp.PerHost(failing, o, "webhooks", policy.CircuitBreaker{FailureThreshold: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := send(t, rt, "http://bad.example"); !errors.Is(err, errBroken) {
		t.Errorf("got %v", err)
	}
	for _, same := range []string{"http://bad.example", "http://BAD.example:80/x"} {
		if err := send(t, rt, same); !errors.Is(err, policy.ErrCircuitOpen) {
			t.Errorf("%s: %v, want an open circuit", same, err)
		}
	}
	for _, other := range []string{"http://good.example", "https://good.example"} {
		if err := send(t, rt, other); err != nil {
			t.Errorf("%s: %v", other, err)
		}
	}
	if err := send(t, rt, "http://bad.example:8080"); !errors.Is(err, errBroken) {
		t.Errorf("another port is another server: %v", err)
	}
	if _, ok := o.Metrics().Operations["webhooks bad.example"]; !ok {
		t.Errorf("the host is no operation: %v", o.Metrics().Operations)
	}
	if b, ok := o.CircuitBreaker("webhooks bad.example"); !ok || b.State() != policy.StateOpen {
		t.Error("the breaker of a host is not found by the name that errors print")
	}
}

// An unbounded set of hosts made a breaker for each, and the memory grew.
func TestPerHostIsBounded(t *testing.T) {
	o := newOrchestrator(t)
	rt, err := cladhttp.PerHost(failing, o, "webhooks", policy.CircuitBreaker{FailureThreshold: 1}, cladhttp.MaxHosts(1))
	if err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{"http://first.example", "http://bad1.example"} {
		_ = send(t, rt, url)
	}
	if err := send(t, rt, "http://bad2.example"); !errors.Is(err, policy.ErrCircuitOpen) {
		t.Errorf("got %v: hosts beyond the limit share one breaker", err)
	}
	if err := send(t, rt, "http://first.example"); err != nil {
		t.Errorf("the first host has its own: %v", err)
	}
	if n := len(o.Metrics().Operations); n != 2 {
		t.Errorf("%d operations: %v", n, o.Metrics().Operations)
	}
}

func TestPerHostRefusesAnInvalidPolicy(t *testing.T) {
	_, err := cladhttp.PerHost(nil, newOrchestrator(t), "webhooks", policy.Timeout(-1))
	if err == nil || !strings.Contains(err.Error(), "cladhttp.PerHost: ") {
		t.Errorf("got %v", err)
	}
}

// An open circuit of one host does not use up the attempts of a retry around it.
func TestPerHostNestsInARetry(t *testing.T) {
	perHost, err := cladhttp.PerHost(failing, newOrchestrator(t), "webhooks", policy.CircuitBreaker{FailureThreshold: 2})
	if err != nil {
		t.Fatal(err)
	}
	rt := cladhttp.New(perHost, runner(t, atOnce(5)))
	if err := send(t, rt, "http://bad.example"); !errors.Is(err, policy.ErrCircuitOpen) {
		t.Errorf("got %v", err)
	}
}
