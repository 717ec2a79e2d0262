package bucket_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/internal/bucket"
	"github.com/cladgo/clad/internal/clock"
)

// Who leaves the reserve gets a token exactly when there is one beyond it, or hears
// when; the others get the last one.
func TestTheReserveEqualsAModel(t *testing.T) {
	for seed := range uint64(150) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 3))
			s := bucket.Settings{PerSecond: math.Pow(10, r.Float64()*5-2), Burst: 1 + r.IntN(20)}
			s.Reserve = r.IntN(s.Burst)
			m := &model{Settings: s}
			m.tokens, m.at = float64(s.Burst), time.Now()
			b := newBucket(s)
			const tolerance = 1e-3
			for step := range 300 {
				switch dice := r.IntN(10); {
				case dice < 3:
					tokens := m.now()
					took := take(b)
					if took {
						m.tokens--
					}
					if took && tokens < 1-tolerance || !took && tokens > 1+tolerance {
						t.Fatalf("seed %d, step %d: %v, of %v tokens of %+v", seed, step, took, tokens, s)
					}
				case dice < 7:
					tokens, least := m.now(), float64(1+s.Reserve)
					took, wait := b.TakeCredit(clock.Now()), time.Duration(0)
					if !took {
						wait, took = b.TakeUnreserved(clock.Now())
					}
					if took {
						m.tokens--
					}
					if took && tokens < least-tolerance || !took && tokens > least+tolerance {
						t.Fatalf("seed %d, step %d: %v, of %v tokens of %+v", seed, step, took, tokens, s)
					}
					if want := (least - tokens) / s.PerSecond; !took && math.Abs(wait.Seconds()-want) > tolerance/s.PerSecond+1e-8 {
						t.Fatalf("seed %d, step %d: come back in %v, want %vs", seed, step, wait, want)
					}
				case dice < 8:
					b.GiveBack(clock.Now())
					m.giveBack()
				default:
					time.Sleep(time.Duration(r.ExpFloat64() * 3 / s.PerSecond * 1e9))
				}
			}
		})
	}
}
