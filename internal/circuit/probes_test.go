package circuit_test

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/internal/circuit"
	"github.com/cladgo/clad/internal/clock"
)

// probing returns a breaker that has just become half-open, with a recovery
// timeout of a minute and a threshold of one failure.
func probing(s circuit.Settings) *circuit.Breaker {
	s.FailureThreshold, s.RecoveryTimeout = 1, time.Minute
	b := &circuit.Breaker{}
	b.Configure(s)
	p, _ := b.Closed()
	b.Report(p, circuit.Failure)
	time.Sleep(time.Minute)
	return b
}

// admitted returns the permit of a probe that must be let through.
func admitted(t *testing.T, b *circuit.Breaker) circuit.Permit {
	t.Helper()
	p, wait, ok := b.Admit(clock.Now(), 0)
	if !ok || !p.IsProbe() {
		t.Fatalf("no probe was admitted: %v, to come back in %v", ok, wait)
	}
	return p
}

func wantState(t *testing.T, b *circuit.Breaker, want circuit.State) {
	t.Helper()
	if got := b.State(); got != want {
		t.Fatalf("the breaker is %d, want %d", got, want)
	}
}

// Where all places are taken, the next is told when to come back: as long as
// probes take, by all that is known.
func TestTheRejectedAreToldHowLongProbesTake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := probing(circuit.Settings{SuccessThreshold: 2, ProbeTimeout: time.Minute})
		told := func(want time.Duration) {
			t.Helper()
			if _, wait, ok := b.Admit(clock.Now(), 0); ok || wait != want {
				t.Errorf("admitted: %v, told %v, want %v", ok, wait, want)
			}
			if got := b.Status().RetryAfter; got != want {
				t.Errorf("the status says %v, want %v", got, want)
			}
		}
		first, second := admitted(t, b), admitted(t, b)
		told(100 * time.Millisecond) // a guess
		time.Sleep(40 * time.Millisecond)
		b.Report(first, circuit.Success)
		told(40 * time.Millisecond)
		time.Sleep(40 * time.Millisecond)
		b.Report(second, circuit.Failure)
		time.Sleep(time.Minute)
		first, second = admitted(t, b), admitted(t, b)
		told(50 * time.Millisecond) // 40, and then 80
		time.Sleep(20 * time.Second)
		told(20 * time.Second) // longer than all that is known: as long again
		time.Sleep(30 * time.Second)
		told(10 * time.Second) // then the two hang
		b.Report(first, circuit.Neutral)
		b.Report(second, circuit.Neutral)
		if got := b.Status(); got.RetryAfter != 0 || got.State != circuit.HalfOpen {
			t.Errorf("with two places free the status is %+v", got)
		}
	})
}

// A probe that hung says nothing of how long others take.
func TestAHungProbeIsNotTypical(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := probing(circuit.Settings{SuccessThreshold: 1, ProbeTimeout: 30 * time.Second})
		admitted(t, b)
		time.Sleep(2 * time.Minute)
		admitted(t, b)
		if _, wait, _ := b.Admit(clock.Now(), 0); wait != 100*time.Millisecond {
			t.Errorf("told %v", wait)
		}
	})
}

func TestAResetForgetsHowLongProbesTook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := probing(circuit.Settings{SuccessThreshold: 1, ProbeTimeout: time.Minute})
		p := admitted(t, b)
		time.Sleep(10 * time.Second)
		b.Report(p, circuit.Failure)
		b.Reset()
		p, _ = b.Closed()
		b.Report(p, circuit.Failure)
		time.Sleep(time.Minute)
		admitted(t, b)
		if _, wait, _ := b.Admit(clock.Now(), 0); wait != 100*time.Millisecond {
			t.Errorf("told %v", wait)
		}
	})
}

// A dependency that hangs was asked for ever, and the breaker half-open for ever,
// where no caller waited for long. What they waited adds up to a probe that hangs.
func TestProbesThatTheirCallersLeaveAreTogetherOneThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := probing(circuit.Settings{SuccessThreshold: 2, ProbeTimeout: time.Second})
		left := func(after time.Duration, probes ...circuit.Permit) {
			time.Sleep(after)
			for _, p := range probes {
				b.Report(p, circuit.Abandoned)
			}
		}
		for range 9 {
			left(100*time.Millisecond, admitted(t, b))
			time.Sleep(time.Hour) // in which nobody asks
			wantState(t, b, circuit.HalfOpen)
		}
		left(99*time.Millisecond, admitted(t, b), admitted(t, b)) // at the same time: it counts once
		wantState(t, b, circuit.HalfOpen)
		left(time.Millisecond, admitted(t, b))
		wantState(t, b, circuit.Open)

		time.Sleep(time.Minute)
		left(900*time.Millisecond, admitted(t, b))
		b.Report(admitted(t, b), circuit.Success) // it does not hang
		left(900*time.Millisecond, admitted(t, b))
		wantState(t, b, circuit.HalfOpen)
		left(100*time.Millisecond, admitted(t, b))
		wantState(t, b, circuit.Open)
	})
}

// Where nobody was asked, nothing hangs.
func TestNeutralProbesNeverAddUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := probing(circuit.Settings{SuccessThreshold: 1, ProbeTimeout: time.Second})
		for range 20 {
			p := admitted(t, b)
			time.Sleep(900 * time.Millisecond)
			b.Report(p, circuit.Neutral)
			wantState(t, b, circuit.HalfOpen)
		}
	})
}

// What callers left unanswered while it was closed is no concern of a breaker that
// counts failures.
func TestWhatIsLeftUnansweredDoesNotTrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &circuit.Breaker{}
		b.Configure(circuit.Settings{FailureThreshold: 1, RecoveryTimeout: time.Minute, SuccessThreshold: 1, ProbeTimeout: time.Second})
		for range 20 {
			p, _ := b.Closed()
			time.Sleep(time.Second)
			b.Report(p, circuit.Abandoned)
		}
		wantState(t, b, circuit.Closed)
	})
}

// The timer of a probe that came back, or whose state is over, was left running:
// it held on to the breaker, and woke up for nothing.
func TestABreakerIsNotKeptByItsProbes(t *testing.T) {
	for name, end := range map[string]func(*circuit.Breaker, circuit.Permit){
		"success": func(b *circuit.Breaker, p circuit.Permit) { b.Report(p, circuit.Success) },
		"neutral": func(b *circuit.Breaker, p circuit.Permit) { b.Report(p, circuit.Neutral) },
		"another one failed": func(b *circuit.Breaker, _ circuit.Permit) {
			p, _, _ := b.Admit(clock.Now(), 0)
			b.Report(p, circuit.Failure)
		},
		"reset":       func(b *circuit.Breaker, _ circuit.Permit) { b.Reset() },
		"forced open": func(b *circuit.Breaker, _ circuit.Permit) { b.SetMode(circuit.ForcedOpen) },
	} {
		collected := make(chan struct{})
		func() {
			b := &circuit.Breaker{}
			runtime.AddCleanup(b, func(c chan struct{}) { close(c) }, collected)
			b.Configure(circuit.Settings{FailureThreshold: 1, RecoveryTimeout: 1, SuccessThreshold: 3, ProbeTimeout: time.Hour})
			p, _ := b.Closed()
			b.Report(p, circuit.Failure)
			for b.State() != circuit.HalfOpen {
				runtime.Gosched() // two nanoseconds
			}
			end(b, admitted(t, b))
		}()
		timeout := time.After(10 * time.Second)
		for waiting := true; waiting; {
			runtime.GC()
			select {
			case <-collected:
				waiting = false
			case <-timeout:
				t.Errorf("%s: something holds on to the breaker", name)
				waiting = false
			default:
			}
		}
	}
}
