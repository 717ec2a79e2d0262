package policy

import (
	"fmt"
	"time"
)

// Timeout bounds what stands inside it: the callee gets a context with that
// deadline. Outside a [Retry] it bounds the whole, inside each attempt. It must
// be above 0. A call that returns no error has succeeded, late or not; a callee
// that ignores its context is waited for.
type Timeout time.Duration

// Validate reports a timeout that is not above 0.
func (t Timeout) Validate() error {
	if t > 0 {
		return nil
	}
	return fmt.Errorf("timeout: %v; it must be above 0 (leave the layer out for no timeout)", time.Duration(t))
}

func (t Timeout) String() string { return settings("timeout", time.Duration(t).String()) }

func (t Timeout) layers(dst []Policy) []Policy { return append(dst, t) }
