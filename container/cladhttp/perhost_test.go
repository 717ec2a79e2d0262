package cladhttp_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/cladgo/clad/container"
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
	if m := o.Metrics(); len(m.Operations) != 1 || m.Operations["webhooks"].TotalOperations != 6 {
		t.Errorf("hosts are partitions of one operation: %v", m.Operations)
	}
	if b, ok := o.CircuitBreaker("webhooks/bad.example"); !ok || b.State() != policy.StateOpen {
		t.Error("the breaker of a host is not found by the name that errors print")
	}
}

// Whoever may choose hosts, for webhooks say, filled the thousand places with hosts that
// are down: those that came later shared one breaker, which was open.
func TestHostsThatAreDownLockNobodyOut(t *testing.T) {
	o := newOrchestrator(t, container.WithMaxPartitions(10))
	rt, err := cladhttp.PerHost(failing, o, "webhooks", policy.CircuitBreaker{FailureThreshold: 1})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		if err := send(t, rt, fmt.Sprintf("http://bad%d.example", i)); !errors.Is(err, errBroken) {
			t.Fatalf("host %d: %v", i, err)
		}
	}
	for range 2 {
		if err := send(t, rt, "http://late.example"); err != nil {
			t.Errorf("a host that works: %v", err)
		}
	}
	if err := send(t, rt, "http://bad.example"); !errors.Is(err, errBroken) {
		t.Errorf("one more that doesn't: %v", err)
	}
	if err := send(t, rt, "http://bad.example"); !errors.Is(err, policy.ErrCircuitOpen) {
		t.Errorf("it has no breaker of its own: %v", err)
	}
	if n := len(o.CircuitBreakers()); n > 11 {
		t.Errorf("%d breakers for 10 hosts and the whole", n)
	}
	if n := len(o.Metrics().Operations); n != 1 {
		t.Errorf("%d operations: %v", n, o.Metrics().Operations)
	}
}

// A host that somebody has taken out is not forgotten, whoever comes.
func TestAHostThatIsForcedIsNotForgotten(t *testing.T) {
	o := newOrchestrator(t, container.WithMaxPartitions(3))
	rt, err := cladhttp.PerHost(failing, o, "webhooks", policy.CircuitBreaker{})
	if err != nil {
		t.Fatal(err)
	}
	if err := send(t, rt, "http://good.example"); err != nil {
		t.Fatal(err)
	}
	b, _ := o.CircuitBreaker("webhooks/good.example")
	b.ForceOpen()
	for i := range 200 {
		_ = send(t, rt, fmt.Sprintf("http://%d.example", i))
	}
	if err := send(t, rt, "http://good.example"); !errors.Is(err, policy.ErrCircuitOpen) {
		t.Errorf("got %v", err)
	}
}

// An orchestrator of another making has no partitions: all hosts would share one breaker.
func TestPerHostRefusesAnOrchestratorWithoutPartitions(t *testing.T) {
	_, err := cladhttp.PerHost(nil, others{newOrchestrator(t)}, "webhooks", policy.CircuitBreaker{})
	if err == nil || !strings.Contains(err.Error(), "container.NewOrchestrator") {
		t.Errorf("got %v", err)
	}
}

type others struct{ *container.Orchestrator }

func (others) For(string, policy.Policy) (policy.Runner, error) { return otherRunner{}, nil }

type otherRunner struct{}

func (otherRunner) Run(ctx context.Context, fn func(context.Context) error) error { return fn(ctx) }

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
