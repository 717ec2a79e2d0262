// Package refusal knows the errors by which a layer refuses a call before anybody is
// asked.
package refusal

import (
	"errors"

	"github.com/cladgo/clad/policy"
)

// Is reports whether err is, or wraps, a refusal of a circuit breaker, a rate limit or
// a bulkhead.
func Is(err error) bool {
	return errors.Is(err, policy.ErrCircuitOpen) || errors.Is(err, policy.ErrRateLimited) || errors.Is(err, policy.ErrBulkheadFull)
}
