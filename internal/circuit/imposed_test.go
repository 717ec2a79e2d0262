package circuit_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/internal/circuit"
	"github.com/cladgo/clad/internal/clock"
)

// A breaker that is told by others opens and closes as if it had found out itself, and
// says of which kind each change is.
func TestABreakerFollowsOthers(t *testing.T) {
	for name, window := range map[string]time.Duration{"in a row": 0, "in a window": time.Minute} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var own, imposed []circuit.State
				b := circuit.Breaker{
					OnChange: func(_, to circuit.State, others bool) func() {
						if others {
							imposed = append(imposed, to)
						} else {
							own = append(own, to)
						}
						return nil
					},
				}
				b.Configure(circuit.Settings{
					FailureThreshold: 3, Window: window, RecoveryTimeout: time.Second, MaxRecovery: time.Minute,
					SuccessThreshold: 2, ProbeTimeout: time.Second,
				})
				b.Close()
				before, _ := b.Closed()
				b.Open(5 * time.Second)
				if _, ok := b.Closed(); ok || b.State() != circuit.Open {
					t.Fatal("it is not open")
				}
				b.Report(before, circuit.Success) // of before
				time.Sleep(5*time.Second - 1)
				if _, wait, ok := b.Admit(clock.Now(), 0); ok || wait != 1 {
					t.Errorf("%v, %v", wait, ok)
				}
				time.Sleep(time.Nanosecond)
				p, _, ok := b.Admit(clock.Now(), 0)
				if !ok || !p.IsProbe() {
					t.Fatal("it is not probed")
				}
				b.Report(p, circuit.Failure)
				if got := b.OpenFor(); got != 5*time.Second+5*time.Second/4 {
					t.Errorf("open for %v after a probe failed, want a quarter longer", got)
				}
				b.Open(2 * time.Second) // it is open: others probe sooner
				time.Sleep(2 * time.Second)
				if b.State() != circuit.HalfOpen {
					t.Errorf("%v", b.State())
				}
				b.Close()
				if _, ok := b.Closed(); !ok {
					t.Error("it is not closed")
				}
				if len(own) != 3 || len(imposed) != 2 || imposed[0] != circuit.Open || imposed[1] != circuit.Closed {
					t.Errorf("own changes %v, imposed %v", own, imposed)
				}
				b.SetMode(circuit.Disabled)
				b.Open(time.Second)
				if b.State() != circuit.Closed {
					t.Error("an operator's word is beaten by the fleet's")
				}
			})
		})
	}
}
