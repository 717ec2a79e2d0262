package payments_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/examples/app/payments"
	"github.com/cladgo/clad/policy"
)

func TestPolicyDependsOnTheMethodOfPayment(t *testing.T) {
	for method, want := range map[payments.Method]policy.Policy{
		payments.CreditCard: policy.Combine(
			policy.Timeout(30*time.Second),
			policy.Retry{MaxAttempts: 3},
			policy.CircuitBreaker{FailureThreshold: 5, RecoveryTimeout: 30 * time.Second},
		),
		payments.BankTransfer: policy.Timeout(300 * time.Second),
		payments.Wallet:       policy.Retry{MaxAttempts: 2},
	} {
		p := payments.NewPaymentProcessor(order("1", 100, method), nil)
		if got := p.ResiliencePolicy(); !policy.Equal(got, want) {
			t.Errorf("%s: %v; want %v", method, got, want)
		}
		if got, want := p.OperationID(), "payments.charge."+string(method); got != want {
			t.Errorf("OperationID is %q; want %q", got, want)
		}
	}
}

func TestLargePaymentsAreCritical(t *testing.T) {
	for amount, want := range map[payments.Amount]bool{
		1: false, 1000 * payments.Unit: false, 1000*payments.Unit + 1: true,
	} {
		var p policy.Critical = payments.NewPaymentProcessor(order("1", amount, payments.Wallet), nil)
		if p.IsCritical() != want {
			t.Errorf("critical(%v) is %v", amount, !want)
		}
	}
}

// An amount that is too high is an answer: the bank is not asked, nothing is
// retried, and no breaker counts it.
func TestAmountAboveTheLimitIsRefusedAndNotRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrchestrator(t)
		gateway := &bank{}
		p := payments.NewPaymentProcessor(order("1", payments.Limit+1, payments.CreditCard), gateway)
		for range 10 { // twice what would open the breaker
			_, err := policy.Execute(t.Context(), o, p)
			var refused *payments.RefusedError
			if !errors.As(err, &refused) || refused.Amount != payments.Limit+1 || policy.IsRetryable(err) {
				t.Fatalf("got %v", err)
			}
		}
		if m := o.Metrics(); gateway.asked != 0 || m.RetryAttempts != 0 || m.CircuitBreakerTrips != 0 || m.FailedOperations != 10 {
			t.Errorf("asked %d times, metrics %+v", gateway.asked, m)
		}
		p = payments.NewPaymentProcessor(order("1", payments.Limit, payments.CreditCard), gateway)
		if r, err := policy.Execute(t.Context(), o, p); err != nil || r.Amount != payments.Limit {
			t.Errorf("the limit itself: %v, %v", r, err)
		}
	})
}

// The pattern for a test with the real orchestrator, in virtual time: a gateway
// that fails twice under a retry of three.
func TestTwoFailuresUnderThreeAttemptsSucceed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrchestrator(t)
		gateway := &bank{failures: 2, failure: errors.New("connection reset")}
		p := payments.NewPaymentProcessor(order("1", 5000, payments.CreditCard), gateway)

		receipt, err := policy.Execute(t.Context(), o, p)
		if err != nil || receipt.Amount != 5000 {
			t.Fatalf("got %v, %v", receipt, err)
		}
		m := o.Metrics()
		if m.TotalOperations != 1 || m.SuccessfulOperations != 1 || m.RetryAttempts != 2 {
			t.Errorf("total %d, successful %d, retries %d; want 1, 1, 2",
				m.TotalOperations, m.SuccessfulOperations, m.RetryAttempts)
		}
	})
}

// A payment was doubled by a retry: the bank had taken the money, its answer was
// lost, and the next attempt took it again.
func TestRetriedChargeIsNotADoubledPayment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gateway := &bank{failures: 2, failure: errors.New("connection reset"), lost: true}
		p := payments.NewPaymentProcessor(order("1", 5000, payments.CreditCard), gateway)
		if _, err := policy.Execute(t.Context(), newOrchestrator(t), p); err != nil {
			t.Fatal(err)
		}
		if gateway.asked != 3 || gateway.charged != 5000 {
			t.Errorf("asked %d times, charged %v; want 3, and 50.00 once", gateway.asked, gateway.charged)
		}
	})
}

func newOrchestrator(t *testing.T) policy.Orchestrator {
	t.Helper()
	o, err := container.NewOrchestrator(policy.Catalog{})
	if err != nil {
		t.Fatal(err)
	}
	return o
}
