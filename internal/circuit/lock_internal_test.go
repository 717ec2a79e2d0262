package circuit

import (
	"testing"
	"time"

	"github.com/cladgo/clad/internal/clock"
)

// On the way from the gate to the lock others may come between: the failure that
// was the last of a row is then no longer one, or of another time.
func TestAFailureIsWeighedAgainUnderTheLock(t *testing.T) {
	for _, tt := range []struct {
		name    string
		between func(b *Breaker, p Permit)
		want    State
	}{
		{"nothing", func(*Breaker, Permit) {}, Open},
		{"a success", func(b *Breaker, p Permit) { b.Report(p, Success) }, Closed},
		{"a reset", func(b *Breaker, _ Permit) { b.Reset() }, Closed},
		{"a trip and a recovery", func(b *Breaker, p Permit) {
			b.Report(p, Failure)
			b.reopens.Store(0)
			for b.State() != HalfOpen {
				time.Sleep(1 * time.Nanosecond) // real time: gobreaker's two nanoseconds
			}
		}, HalfOpen},
	} {
		b := &Breaker{}
		b.Configure(Settings{FailureThreshold: 2, RecoveryTimeout: 1, SuccessThreshold: 1, ProbeTimeout: time.Hour})
		p, _ := b.Closed()
		b.Report(p, Failure)
		if !b.gate.fail(p, b.limit.Load()) {
			t.Fatal("the second failure does not make the row as long as the limit")
		}
		tt.between(b, p)
		b.mu.Lock()
		b.reopens.Store(int64(clock.Now().Add(time.Hour)))
		b.mu.Unlock()
		tripped := b.fail(p)
		if got := b.current; got != tt.want || tripped != (tt.name == "nothing") {
			t.Errorf("%s came between: %d, want %d, and it tripped: %v", tt.name, got, tt.want, tripped)
		}
	}
}
