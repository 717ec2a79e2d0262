package payments

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Amount is money in hundredths: cents of a euro. In JSON it is a decimal
// number, read digit by digit: 0.1 + 0.2 is 0.3 here.
type Amount int64

// Unit is one whole euro, dollar, ...
const Unit Amount = 100

// ParseAmount reads "120", "120.5" or "120.50".
func ParseAmount(s string) (Amount, error) {
	whole, cents, dot := strings.Cut(s, ".")
	if dot && cents == "" || len(cents) > 2 {
		return 0, fmt.Errorf("%.40q; want one or two digits after the point, as in 120.50", s)
	}
	digits := whole + (cents + "00")[:2]
	if whole == "" || strings.Trim(digits, "0123456789") != "" {
		return 0, fmt.Errorf("%.40q; want digits and a point, as in 120.50", s)
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%.40q; at most %v", s, Amount(math.MaxInt64))
	}
	return Amount(n), nil
}

func (a Amount) String() string {
	return fmt.Sprintf("%d.%02d", int64(a/Unit), int64(max(a%Unit, -(a%Unit))))
}

// MarshalJSON writes a decimal number.
func (a Amount) MarshalJSON() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalJSON reads a decimal number.
func (a *Amount) UnmarshalJSON(b []byte) error {
	n, err := ParseAmount(string(b))
	if err == nil {
		*a = n
	}
	return err
}
