package circuit_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/internal/circuit"
	"github.com/cladgo/clad/internal/clock"
)

func TestStatusSaysSinceWhen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &circuit.Breaker{}
		b.Configure(circuit.Settings{FailureThreshold: 1, RecoveryTimeout: time.Minute, SuccessThreshold: 1, ProbeTimeout: time.Minute})
		made := clock.Now()
		want := func(want circuit.Status) {
			t.Helper()
			if got := b.Status(); got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
			time.Sleep(time.Second)
		}
		want(circuit.Status{Since: made})
		b.Reset() // it is closed already
		want(circuit.Status{Since: made})
		p, _ := b.Closed()
		b.Report(p, circuit.Failure)
		tripped := clock.Now()
		want(circuit.Status{State: circuit.Open, Since: tripped, RetryAfter: time.Minute})
		want(circuit.Status{State: circuit.Open, Since: tripped, RetryAfter: time.Minute - time.Second})
		b.SetMode(circuit.ForcedOpen)
		want(circuit.Status{State: circuit.Open, Mode: circuit.ForcedOpen, Since: clock.Now()})
		b.SetMode(circuit.Disabled)
		want(circuit.Status{Mode: circuit.Disabled, Since: clock.Now()})
		b.SetMode(circuit.Automatic)
		want(circuit.Status{State: circuit.Open, Since: clock.Now(), RetryAfter: time.Minute - 4*time.Second})
		time.Sleep(time.Hour)
		want(circuit.Status{State: circuit.HalfOpen, Since: clock.Now()}) // nobody came to see it before
		b.SetMode(circuit.Disabled)
		b.Reset()
		want(circuit.Status{Since: clock.Now()})
	})
}
