package wiring_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/cladgo/clad/container/cladtest"
	"github.com/cladgo/clad/policy"
)

// strict is a profile whose breakers open after five failures in a row.
const strict = `
	policies:
	  api: none
	  database: {circuit_breaker: {failure_threshold: 5, recovery_timeout: 1h}}
	  cache: {circuit_breaker: {failure_threshold: 5, recovery_timeout: 1h}}
	  external_api: {circuit_breaker: {failure_threshold: 5, recovery_timeout: 1h}}
	  external_api_once: none
`

// Of five hundred calls 98 of 100 are answered with a no, and two fail: the dependency
// works, and its breaker stays closed. (It was opened by the failures, as if the answers
// between them had not been.) Then it fails for real, and the breaker opens.
func TestAnswersKeepBreakersClosed(t *testing.T) {
	for name, test := range map[string]struct {
		method string // whose answers are meant
		before func(*running)
		ask    func(*running) answer
		no     int // the status of an answer; what a failure of the dependency comes to
		failed int
		open   int // what an open breaker comes to
	}{
		"the ledger has no such payment": {
			method: "payments.Ledger.Find",
			ask:    func(r *running) answer { return r.find("nothing") },
			no:     404, failed: 502, open: 503,
		},
		"the payment is in another state": {
			method: "payments.Ledger.Move",
			before: func(r *running) { // declined: there is nothing to pay back
				r.must(http.MethodPost, r.api+"/payments", "declined", order("5000.01", "credit_card"))
			},
			ask: func(r *running) answer { return r.refund("declined") },
			no:  409, failed: 502, open: 503,
		},
		"the cache does not have it": { // who asks does not see whether it works
			method: "payments.Cache.Get",
			ask:    func(r *running) answer { return r.find("nothing") },
			no:     404, failed: 404, open: 404,
		},
		"the bank declines": {
			method: "payments.Gateway.Charge",
			ask: func(r *running) answer {
				return r.must(http.MethodPost, r.api+"/payments", "", order("5000.01", "credit_card"))
			},
			no: 402, failed: 402, open: 503, // the domain's own retry hides single failures
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, faults, _, o := startFaulty(t, strict)
			if test.before != nil {
				test.before(r)
			}
			breaker := test.method[:strings.LastIndex(test.method, ".")]
			failure := &policy.InfrastructureError{Message: "it can't be reached", Err: errors.New("connection reset")}
			const calls = 500
			var failing []int
			for n := 25; n <= calls; n += 50 {
				failing = append(failing, n)
			}
			answered := o.Metrics().Operations[test.method].Answered
			faults.On(test.method).Nth(failing...).Fail(failure)
			for n := range calls {
				want := test.no
				if n%50 == 24 {
					want = test.failed
				}
				if a := test.ask(r); a.status != want {
					t.Fatalf("call %d: %+v; want %d", n+1, a, want)
				}
			}
			cladtest.AssertCircuitBreaker(t, o, breaker, policy.StateClosed)
			m := o.Metrics().Operations[test.method]
			if m.CircuitBreakerTrips != 0 || m.Answered-answered < calls-uint64(len(failing)) {
				t.Errorf("%+v", m)
			}
			faults.Clear()
			faults.On(breaker).Fail(failure) // whatever is asked of it
			var last answer
			for range 6 {
				last = test.ask(r)
			}
			cladtest.AssertCircuitBreaker(t, o, breaker, policy.StateOpen)
			if last.status != test.open {
				t.Errorf("with an open breaker: %s; want %d", fmt.Sprint(last), test.open)
			}
		})
	}
}
