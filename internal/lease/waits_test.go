package lease_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/internal/lease"
)

// In steady use a call in a thousand waits for the store; where calls are so far apart
// that tokens go back meanwhile, each does, for an answer or for as long as its patience.
// To draw on the instance's own share instead would let a whole burst more pass.
func TestHowManyCallsWaitForTheStore(t *testing.T) {
	for _, latency := range []time.Duration{200 * time.Microsecond, 4 * time.Millisecond, 20 * time.Millisecond} {
		for _, perSecond := range []float64{1, 100} {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(8, lease.Settings{PerSecond: 1000, Burst: 250, Fleet: 8})
				f.latency = latency
				calls, waited := 0, 0
				for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(time.Duration(float64(time.Second) / perSecond)) {
					ok, took := call(f.accounts[0])
					calls++
					if took > 0 {
						waited++
					}
					if longest := min(latency, lease.Patience); !ok || took > longest {
						t.Errorf("store %v, %v calls/s: %v after %v, want %v at most", latency, perSecond, ok, took, longest)
					}
				}
				f.close()
				if perSecond > 1 && waited > calls/500 {
					t.Errorf("store %v, %v calls/s: %d of %d calls waited", latency, perSecond, waited, calls)
				}
			})
		}
	}
}

// A token that was used seconds ago counted as used when the store went away: nothing
// of the instance's share was there.
func TestAnIdleInstanceHasItsShareWhenTheStoreGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(1, lease.Settings{PerSecond: 10, Burst: 10, Fleet: 1})
		a := f.accounts[0]
		var gone atomic.Bool
		a.Ask = func(r lease.Request) {
			if gone.Load() {
				a.Fail() // at once, as its breaker is open
			} else {
				go f.serve(a, r)
			}
		}
		if ok, _ := call(a); !ok {
			t.Error("the first call does not pass")
		}
		time.Sleep(3 * time.Second)
		gone.Store(true)
		passed, _ := load(a, 1000, 200*time.Millisecond)
		if passed < 9 || passed > 12 {
			t.Errorf("%d calls passed, where the bucket has ten and two come", passed)
		}
		f.close()
	})
}
