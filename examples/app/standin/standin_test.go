package standin_test

import (
	"testing"

	"github.com/cladgo/clad/examples/app/payments"
	"github.com/cladgo/clad/examples/app/standin"
	"github.com/cladgo/clad/policy"
)

func TestSmallPaymentsAreAccepted(t *testing.T) {
	for name, test := range map[string]struct {
		req      payments.ChargeRequest
		accepted bool
	}{
		"small":                   {payments.ChargeRequest{Amount: payments.FloorLimit}, true},
		"above the floor limit":   {payments.ChargeRequest{Amount: payments.FloorLimit + 1}, false},
		"declined by the bank":    {payments.ChargeRequest{Amount: 1, Declined: true}, false},
		"large and declined, too": {payments.ChargeRequest{Amount: payments.Limit, Declined: true}, false},
	} {
		receipt, err := standin.New().Charge(t.Context(), test.req)
		want := payments.Receipt{}
		if test.accepted {
			want = payments.Receipt{Amount: test.req.Amount, Due: true}
		}
		if receipt != want || (err == nil) != test.accepted {
			t.Errorf("%s: %+v, %v", name, receipt, err)
		}
		// It is no answer of the bank's, so it must not look like one.
		if policy.IsAnswer(err) || policy.IsPermanent(err) {
			t.Errorf("%s: %v is final", name, err)
		}
	}
	if err := standin.New().Refund(t.Context(), payments.Receipt{}); err == nil || policy.IsAnswer(err) || policy.IsPermanent(err) {
		t.Errorf("a refund: %v", err)
	}
}
