package wiring_test

import (
	"errors"
	"testing"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/cladtest"
	"github.com/cladgo/clad/module"
	"github.com/cladgo/clad/policy"
	"go.uber.org/fx"
)

// startFaulty starts the application under policies that the test has written, and
// returns what its faults and assertions need.
func startFaulty(t *testing.T, profile string) (*running, *cladtest.Faults, *cladtest.Record, *container.Orchestrator) {
	t.Helper()
	faults, record := cladtest.NewFaults(t), cladtest.NewRecord(t)
	var o *container.Orchestrator
	r := startApp(t, settings(t), fx.Populate(&o), module.WithCatalog(cladtest.Catalog(t, profile)), module.WithContainer(faults, record))
	return r, faults, record, o
}

const quickly = `
	policies:
	  api: {timeout: 2s}
	  database: {attempt_timeout: 100ms}
	  cache: {circuit_breaker: {failure_threshold: 1}}
	  external_api:
	    retry: {max_attempts: 3, backoff: {type: fixed, delay: 1ms}}
	    circuit_breaker: {failure_threshold: 10}
	  external_api_once: none
`

// The bank is well, and its client's first two attempts fail: the customer sees
// nothing of it, and pays once.
func TestAFlakyGatewayIsAskedAgain(t *testing.T) {
	r, faults, record, o := startFaulty(t, quickly)
	cladtest.AssertLayers(t, o, "payments.Gateway.Charge", "retry(3 attempts, fixed 1ms)", "circuit_breaker")
	cladtest.AssertLayers(t, o, "payments.Gateway.Refund")
	faults.On("payments.Gateway.Charge").First(2).Fail(errors.New("connection reset"))
	if a := r.pay(""); a.status != 201 {
		t.Errorf("%+v", a)
	}
	record.AssertAttempts("payments.Gateway.Charge", 3)
	cladtest.AssertTotals(t, o, "payments.Gateway.Charge", policy.Totals{TotalOperations: 1, SuccessfulOperations: 1, RetryAttempts: 2})
	if s := r.statement(); s.Requests != 1 {
		t.Errorf("the bank was asked %d times", s.Requests)
	}
}

// A cache that is down is gone without.
func TestPaymentsGoOnWithoutTheCache(t *testing.T) {
	r, faults, _, o := startFaulty(t, quickly)
	faults.On("payments.Cache").Fail(errors.New("no route to host"))
	if a := r.pay("order-7"); a.status != 201 {
		t.Errorf("%+v", a)
	}
	cladtest.AssertCircuitBreaker(t, o, "payments.Cache", policy.StateOpen)
}

// A ledger that hangs is a 504 once its time is over, not a customer who waits.
func TestALedgerThatHangsTimesOut(t *testing.T) {
	r, faults, record, _ := startFaulty(t, quickly)
	faults.On("payments.Ledger").Hang()
	if a := r.pay(""); a.status != 504 {
		t.Errorf("%+v", a)
	}
	if s := r.statement(); s.Requests != 0 {
		t.Errorf("the bank was asked %d times for what could not be written down", s.Requests)
	}
	if len(record.Events("")) == 0 {
		t.Error("nothing was recorded")
	}
}
