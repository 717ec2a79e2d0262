package circuit_test

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/internal/circuit"
	"github.com/cladgo/clad/internal/clock"
)

// Each probing that fails makes the time until the next a quarter longer, up to a
// maximum; once the dependency is back, it is as short as at first.
func TestTheOpenTimeGrowsWithEachFailedProbing(t *testing.T) {
	const s = time.Second
	for _, tt := range []struct {
		name          string
		recovery, max time.Duration
		want          []time.Duration
	}{
		{"fixed", 7 * s, 0, []time.Duration{7 * s, 7 * s, 7 * s}},
		{"a maximum that is shorter", 7 * s, s, []time.Duration{7 * s, 7 * s, 7 * s}},
		{"growing", 64, 150, []time.Duration{64, 80, 100, 125, 150, 150, 150}},
		{"growing by little", 2, 5, []time.Duration{2, 3, 4, 5, 5}},
		{"for ever", math.MaxInt64/2 + 1, math.MaxInt64, []time.Duration{math.MaxInt64/2 + 1}},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := &circuit.Breaker{}
			b.Configure(circuit.Settings{FailureThreshold: 1, RecoveryTimeout: tt.recovery, MaxRecovery: tt.max, SuccessThreshold: 1, ProbeTimeout: time.Minute})
			for round := range 2 {
				p, ok := b.Closed()
				if !ok {
					t.Fatalf("%s: not closed", tt.name)
				}
				b.Report(p, circuit.Failure)
				for n, want := range tt.want {
					if _, wait, ok := b.Admit(clock.Now(), 0); ok || wait != want {
						t.Fatalf("%s, round %d, opening %d: admitted: %v, told %v, want %v", tt.name, round, n, ok, wait, want)
					}
					if want > time.Hour {
						return
					}
					time.Sleep(want - 1)
					wantState(t, b, circuit.Open)
					time.Sleep(1 * time.Nanosecond)
					wantState(t, b, circuit.HalfOpen)
					outcome := circuit.Failure
					if n == len(tt.want)-1 {
						outcome = circuit.Success
					}
					b.Report(admitted(t, b), outcome)
				}
				wantState(t, b, circuit.Closed)
			}
		})
	}
}

// An operator's choice does not lengthen or shorten it.
func TestTheOpenTimeOutlastsAnOperatorsChoice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &circuit.Breaker{}
		b.Configure(circuit.Settings{FailureThreshold: 1, RecoveryTimeout: time.Second, MaxRecovery: time.Minute, SuccessThreshold: 1, ProbeTimeout: time.Minute})
		p, _ := b.Closed()
		b.Report(p, circuit.Failure)
		time.Sleep(time.Second)
		b.Report(admitted(t, b), circuit.Failure)
		b.SetMode(circuit.ForcedOpen)
		time.Sleep(time.Second)
		b.SetMode(circuit.Automatic)
		if got := b.Status(); got.State != circuit.Open || got.RetryAfter != time.Second/4 {
			t.Errorf("a quarter of a second before its time: %+v", got)
		}
		time.Sleep(time.Second / 4)
		wantState(t, b, circuit.HalfOpen)
	})
}
