package circuit_test

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/internal/circuit"
	"github.com/cladgo/clad/internal/clock"
)

// closed returns a breaker that a probe has just closed.
func closed(t *testing.T, s circuit.Settings) *circuit.Breaker {
	t.Helper()
	s.SuccessThreshold, s.ProbeTimeout = 1, time.Hour
	b := probing(s)
	b.Report(admitted(t, b), circuit.Success)
	wantState(t, b, circuit.Closed)
	return b
}

func TestARampLetsCallsInGradually(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := closed(t, circuit.Settings{Ramp: 10 * time.Second})
		for tenth := range 10 {
			in := 0
			for range 1000 {
				now := clock.Now()
				if _, ok := b.Closed(); ok {
					t.Fatalf("in tenth %d calls need not ask", tenth)
				}
				p, wait, ok := b.Admit(now, 0)
				if ok {
					in++
					b.Report(p, circuit.Success)
				} else if want := 10*time.Second - time.Duration(tenth)*time.Second; wait > want || wait < want-time.Second {
					t.Fatalf("in tenth %d told to wait %v", tenth, wait)
				}
				time.Sleep(time.Millisecond)
			}
			// From a tenth to all, in the middle of what passed.
			want := 100 + 900*(float64(tenth)+0.5)/10
			if math.Abs(float64(in)-want) > 10 {
				t.Errorf("in tenth %d %d of 1000 were let in, want %v", tenth, in, want)
			}
		}
		for range 3 {
			if _, _, ok := b.Admit(clock.Now(), 0); !ok {
				t.Fatal("not admitted after the ramp")
			}
		}
		if _, ok := b.Closed(); !ok {
			t.Error("after the ramp calls still have to ask")
		}
	})
}

// Failures count in a ramp as ever, and the row goes on after it.
func TestFailuresCountInARamp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := circuit.Settings{FailureThreshold: 3, RecoveryTimeout: time.Minute, SuccessThreshold: 1, ProbeTimeout: time.Hour, Ramp: time.Second}
		b := &circuit.Breaker{}
		b.Configure(s)
		for range 3 {
			p, _ := b.Closed()
			b.Report(p, circuit.Failure)
		}
		time.Sleep(time.Minute)
		b.Report(admitted(t, b), circuit.Success)
		first, _, ok := b.Admit(clock.Now(), 0)
		if !ok {
			t.Fatal("the first call is not let in")
		}
		for range 20 {
			if p, _, ok := b.Admit(clock.Now(), 0); ok {
				b.Report(p, circuit.Failure)
				break
			}
		}
		time.Sleep(time.Second)
		p, _, _ := b.Admit(clock.Now(), 0) // ends the ramp
		b.Report(first, circuit.Failure)
		wantState(t, b, circuit.Closed)
		if got := b.Report(p, circuit.Failure); got != circuit.Failing {
			t.Errorf("the third failure: %v", got)
		}
	})
}

// An operator who resets a breaker knows what he does.
func TestAResetEndsARamp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := closed(t, circuit.Settings{Ramp: time.Hour})
		b.Reset()
		if _, ok := b.Closed(); !ok {
			t.Error("calls have to ask")
		}
	})
}

// Many instances whose breakers opened at the same moment do not probe at the
// same moment.
func TestJitterSpreadsTheOpenTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := map[time.Duration]bool{}
		for range 100 {
			b := &circuit.Breaker{}
			b.Configure(circuit.Settings{FailureThreshold: 1, RecoveryTimeout: time.Minute, RecoveryJitter: 0.5, SuccessThreshold: 1, ProbeTimeout: time.Hour})
			p, _ := b.Closed()
			b.Report(p, circuit.Failure)
			_, wait, _ := b.Admit(clock.Now(), 0)
			if wait < time.Minute || wait > 90*time.Second {
				t.Fatalf("open for %v", wait)
			}
			seen[wait] = true
		}
		if len(seen) < 50 {
			t.Errorf("%d times of 100", len(seen))
		}
		b := &circuit.Breaker{}
		b.Configure(circuit.Settings{FailureThreshold: 1, RecoveryTimeout: math.MaxInt64, RecoveryJitter: 1, SuccessThreshold: 1, ProbeTimeout: time.Hour})
		p, _ := b.Closed()
		b.Report(p, circuit.Failure)
		wantState(t, b, circuit.Open)
	})
}
