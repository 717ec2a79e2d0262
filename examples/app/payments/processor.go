package payments

import (
	"context"
	"time"

	"github.com/cladgo/clad/policy"
)

const (
	// Limit is the largest payment that we make.
	Limit = 10_000 * Unit
	// FloorLimit is the largest payment that may be accepted without the bank's
	// word. If the bank declines it later, the loss is ours.
	FloorLimit = 50 * Unit
	// criticalAbove is where a payment must not be dropped to save load.
	criticalAbove = 1_000 * Unit
)

// PaymentProcessor charges one payment. It is a policy.Operation: it declares
// what protection the work needs, and an orchestrator sees to it.
//
// The gateway that it is given may have protection of its own, chosen by
// whoever runs the system. The two nest, and do not multiply: what the inner
// retry has given up is not retried by the outer one.
type PaymentProcessor struct {
	payment Payment
	gateway Gateway
}

var (
	_ policy.Operation[Receipt] = PaymentProcessor{}
	_ policy.Critical           = PaymentProcessor{}
)

// NewPaymentProcessor returns the operation that charges p.
func NewPaymentProcessor(p Payment, g Gateway) PaymentProcessor {
	return PaymentProcessor{payment: p, gateway: g}
}

// OperationID has one id for each method of payment, so each has its own
// breaker: trouble with cards does not stop transfers.
func (p PaymentProcessor) OperationID() string {
	return "payments.charge." + string(p.payment.Method)
}

// ResiliencePolicy depends on the method of payment.
func (p PaymentProcessor) ResiliencePolicy() policy.Policy {
	switch p.payment.Method {
	case CreditCard: // the customer is waiting at the till
		return policy.Combine(
			policy.Timeout(30*time.Second),
			policy.Retry{MaxAttempts: 3},
			policy.CircuitBreaker{FailureThreshold: 5, RecoveryTimeout: 30 * time.Second},
		)
	case BankTransfer: // slow by nature: one attempt, and patience
		return policy.Timeout(300 * time.Second)
	default:
		return policy.Retry{MaxAttempts: 2}
	}
}

// IsCritical is true for large payments.
func (p PaymentProcessor) IsCritical() bool { return p.payment.Amount > criticalAbove }

// Execute is called once per attempt. Every attempt bears the same key, so the
// bank takes the money once, however often it is asked.
func (p PaymentProcessor) Execute(ctx context.Context) (Receipt, error) {
	if p.payment.Amount > Limit {
		return Receipt{}, policy.Permanent(&RefusedError{p.payment.Amount, Limit})
	}
	return p.gateway.Charge(ctx, ChargeRequest{
		Key:      p.payment.ID,
		Amount:   p.payment.Amount,
		Currency: p.payment.Currency,
		Method:   p.payment.Method,
		Declined: p.payment.Status == Declined,
	})
}
