package wiring_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cladgo/clad/examples/app/payments"
	"github.com/cladgo/clad/examples/app/standin"
	"github.com/cladgo/clad/policy"
	"go.uber.org/fx"
)

// small pays what may be accepted without the bank.
func (r *running) small(key string) answer {
	r.t.Helper()
	return r.must(http.MethodPost, r.api+"/payments", key, order("20", "credit_card"))
}

func (r *running) settle() string {
	r.t.Helper()
	a := r.must(http.MethodPost, r.api+"/settlements", "", "")
	if a.status != http.StatusOK {
		r.t.Fatal(a)
	}
	return strings.Join(strings.Fields(a.body), "")
}

// The bank is down, and small payments go on: they are charged when it is back, once
// each, also the one that the bank had made before its answer was lost.
func TestPaymentsAreAcceptedWithoutTheBank(t *testing.T) {
	r := start(t, with("external_api", policy.CircuitBreaker{FailureThreshold: 3, RecoveryTimeout: 200 * time.Millisecond}))
	r.faults(`{"lost_rate": 1}`)
	if a := r.small("lost"); a.status != 202 || a.json(t)["status"] != "accepted" || a.json(t)["receipt"] != nil {
		t.Errorf("got %+v", a)
	}
	r.faults(`{"outage": true}`)
	for i := range 4 {
		if a := r.small(fmt.Sprint("order-", i)); a.status != 202 {
			t.Errorf("got %+v", a)
		}
	}
	if a := r.small("lost"); a.status != 202 { // the same again
		t.Errorf("again: %+v", a)
	}
	if a := r.pay("large"); a.status != 503 || a.retryAfter != "1" || !strings.Contains(a.body, "above the floor limit of 50.00") {
		t.Errorf("above the floor limit: %+v", a)
	}
	if s := r.statement(); s.Requests != 3 || s.Charges != 1 {
		t.Errorf("the bank's books: %+v; the breaker should have opened after three requests", s)
	}
	if m := r.metrics().Operations["payments.Gateway.Charge"]; m.Fallbacks != 7 || m.SuccessfulOperations != 6 || m.FailedOperations != 1 {
		t.Errorf("metrics: %+v", m)
	}
	if got := r.settle(); got != `{"captured":0,"declined":0,"due":5}` {
		t.Errorf("settled while the bank is down: %s", got)
	}

	r.faults(`{}`)
	// real time: the breaker's, under real sockets
	time.Sleep(250 * time.Millisecond)
	if got := r.settle(); got != `{"captured":5,"declined":0,"due":0}` {
		t.Errorf("settled: %s", got)
	}
	if got := r.find("lost").json(t); got["status"] != "captured" || got["receipt"] != "ch_1" {
		t.Errorf("found %v", got)
	}
	if s := r.statement(); s.Charges != 5 || s.Cents != 5*20_00 {
		t.Errorf("the bank's books: %+v", s)
	}
	if a := r.small("lost"); a.status != 200 {
		t.Errorf("asked again: %+v", a)
	}
}

// No answer of the bank's has another one asked instead.
func TestDeclinedPaymentsAreNotAcceptedWithoutTheBank(t *testing.T) {
	var g payments.Gateway
	r := start(t, with("external_api", policy.CircuitBreaker{}), fx.Populate(&g))
	if a := r.must(http.MethodPost, r.api+"/payments", "", order("5000.01", "credit_card")); a.status != 402 {
		t.Errorf("got %+v", a)
	}
	if m := r.metrics(); m.Total.Fallbacks != 0 {
		t.Errorf("metrics: %+v", m.Total)
	}
	// Declined before, and now the bank is down: only the bank can take that back.
	r.faults(`{"outage": true}`)
	_, err := g.Charge(t.Context(), payments.ChargeRequest{Key: "1", Amount: 1, Currency: "EUR", Method: payments.Wallet, Declined: true})
	if err == nil || !policy.IsServiceUnavailable(err) || policy.IsAnswer(err) {
		t.Errorf("got %v", err)
	}
}

// A refund has no fallback that would do: it stays what it was, an error that says why
// the bank was not asked.
func TestRefundsWaitForTheBank(t *testing.T) {
	r := start(t, with("external_api_once", policy.CircuitBreaker{FailureThreshold: 1, RecoveryTimeout: time.Hour}))
	for _, id := range []string{"1", "2"} {
		if a := r.pay(id); a.status != 201 {
			t.Fatal(a)
		}
	}
	r.faults(`{"outage": true}`)
	if a := r.refund("1"); a.status != 502 || r.metrics().Total.Fallbacks != 0 {
		t.Errorf("the bank may have paid: %+v, and nothing else is to be asked", a)
	}
	if a := r.refund("2"); a.status != 503 || a.retryAfter != "3600" {
		t.Errorf("the bank was not asked: %+v", a)
	}
	if got := r.find("2").json(t)["status"]; got != "captured" { // so it can be tried again
		t.Errorf("status %v", got)
	}
}

// The fallback is a service like any other, and can be injected.
func TestTheStandInIsInjectedToo(t *testing.T) {
	var both struct {
		fx.In
		Bank    payments.Gateway
		StandIn payments.Gateway `name:"fallback"`
	}
	start(t, unprotected(), fx.Invoke(func(in struct {
		fx.In
		Bank    payments.Gateway
		StandIn payments.Gateway `name:"fallback"`
	}) {
		both = in
	}))
	if _, ok := unwrap(both.StandIn).(standin.Gateway); !ok {
		t.Errorf("the stand-in is a %T", both.StandIn)
	}
}
