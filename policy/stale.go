package policy

import (
	"fmt"
	"time"
)

// Stale has the last good answer, if it is no older, take the place of a failure: for
// methods that read, where an old answer is better than none. It must be above 0. It
// stands outermost as a rule: what stands inside it has failed then, retries and all.
//
// An answer is that to the same arguments: of each method the last thousand are
// remembered. It is never given in the place of an answer or a refusal (see
// [Verdict]), or where the caller has gone. It works for methods of generated proxies
// that read: `clad gen` says which. What depends on the context and on no argument, a
// user's own data, must not be under it.
type Stale time.Duration

// Validate reports an age that is not above 0.
func (s Stale) Validate() error {
	if s > 0 {
		return nil
	}
	return fmt.Errorf("stale: %v; it must be above 0 (leave the layer out for no old answers)", time.Duration(s))
}

func (s Stale) String() string { return settings("stale", time.Duration(s).String()) }

func (s Stale) layers(dst []Policy) []Policy { return append(dst, s) }
