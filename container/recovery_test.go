package container_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/policy"
)

// A breaker with nothing written made a failover of 3s one of 30s, and one whose open
// time doubled could make any twice as long. However long a dependency is away, and
// however long it takes to fail, its callers are to see no more than 1.3 times that,
// and half a second.
func TestABreakerProlongsNoOutage(t *testing.T) {
	for _, failing := range []time.Duration{0, 20 * time.Millisecond, time.Second} {
		for away := 50 * time.Millisecond; away < 5*time.Minute; away += away / 4 {
			synctest.Test(t, func(t *testing.T) {
				bare := outageOf(t, policy.None{}, away, failing)
				guarded := outageOf(t, policy.CircuitBreaker{}, away, failing)
				if most := bare.took*13/10 + 500*time.Millisecond; guarded.took > most {
					t.Errorf("away for %v, failing after %v: seen for %v, without a breaker for %v", away, failing, guarded.took, bare.took)
				}
				// A dependency that is down is left alone: five failures, 19 openings
				// until they are of 30s, and one each 30s from then on.
				if most := 5 + 20 + int(away/(30*time.Second)); guarded.asked > most {
					t.Errorf("away for %v, failing after %v: asked %d times, want at most %d", away, failing, guarded.asked, most)
				}
			})
		}
	}
}

type seenOutage struct {
	took  time.Duration
	asked int // while it was away
}

// outageOf has a dependency be away for a time, and returns for how long a caller
// who asks every ten milliseconds sees it.
func outageOf(t *testing.T, p policy.Policy, away, failing time.Duration) (seen seenOutage) {
	t.Helper()
	r, _ := under(t, p)
	start := time.Now()
	for {
		err := r.Run(context.Background(), func(context.Context) error {
			if time.Since(start) >= away {
				return nil
			}
			seen.asked++
			time.Sleep(failing)
			return errors.New("down")
		})
		if err == nil {
			seen.took = time.Since(start)
			return seen
		}
		time.Sleep(10 * time.Millisecond)
	}
}
