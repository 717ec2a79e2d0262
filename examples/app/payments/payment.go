package payments

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/cladgo/clad/policy"
)

// Payment is one payment of a customer.
type Payment struct {
	// ID is chosen by who wants the payment made. Asking twice with the same
	// ID is one payment.
	ID       string
	Amount   Amount
	Currency string // three letters: EUR
	Method   Method
	Status   Status
	// Receipt is the bank's, once captured.
	Receipt string
	// Refund is the attempt at paying back that holds the payment.
	Refund string
}

// Method is how a customer pays.
type Method string

// The methods of payment.
const (
	CreditCard   Method = "credit_card"
	BankTransfer Method = "bank_transfer"
	Wallet       Method = "wallet"
)

var methods = []Method{CreditCard, BankTransfer, Wallet}

// Status is how far a payment is.
type Status string

// The states of a payment.
const (
	Pending   Status = "pending"   // booked; the bank may have the money or not
	Accepted  Status = "accepted"  // made, as far as the customer goes; the bank is to be charged yet
	Declined  Status = "declined"  // the answer was no; it may be tried again
	Captured  Status = "captured"  // the bank has the money
	Refunding Status = "refunding" // somebody is paying back; the bank may have done so or not
	Refunded  Status = "refunded"
)

var (
	idPattern       = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
	currencyPattern = regexp.MustCompile(`^[A-Z]{3}$`)
)

// Validate reports everything that is wrong with the request for a payment, as
// an [*InvalidError].
func (p Payment) Validate() error {
	var mistakes []Mistake
	mistake := func(field, format string, args ...any) {
		mistakes = append(mistakes, Mistake{field, fmt.Sprintf(format, args...)})
	}
	if !idPattern.MatchString(p.ID) {
		mistake("id", "%.80q; want 1 to 64 letters, digits, dots, dashes or underscores", p.ID)
	}
	if p.Amount <= 0 {
		mistake("amount", "%v; it must be above 0", p.Amount)
	}
	if !currencyPattern.MatchString(p.Currency) {
		mistake("currency", "%.20q; want three capitals, as in EUR", p.Currency)
	}
	if !slices.Contains(methods, p.Method) {
		mistake("method", "%.40q; there are: %v", p.Method, methods)
	}
	if len(mistakes) == 0 {
		return nil
	}
	return policy.Permanent(&InvalidError{mistakes})
}

// sameOrder reports whether q asks for the same payment.
func (p Payment) sameOrder(q Payment) bool {
	return p.ID == q.ID && p.Amount == q.Amount && p.Currency == q.Currency && p.Method == q.Method
}
