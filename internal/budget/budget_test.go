package budget_test

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cladgo/clad/internal/budget"
	"github.com/cladgo/clad/internal/clock"
)

// model remembers when everything was, to the second.
type model struct{ operations, retries []int64 }

func within(all []int64, now int64) (n int) {
	for _, at := range all {
		if at > now-10 {
			n++
		}
	}
	return n
}

func (m *model) left(now int64, percent, least int) int {
	allowed := max(least, within(m.operations, now)*percent/100)
	return max(0, allowed-within(m.retries, now))
}

func TestBudgetIsThatOfItsModel(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		var b budget.Budget
		var m model
		now := clock.Now()
		for step := range 400 {
			if r.IntN(4) == 0 {
				now = now.Add(time.Duration(r.Int64N(int64(3 * time.Second))))
			}
			if r.IntN(50) == 0 {
				now = now.Add(time.Duration(r.Int64N(int64(time.Minute))))
			}
			second := int64(now) / int64(time.Second)
			percent := []int{0, 1, 7, 10, 20, 30, 50, 100}[r.IntN(8)]
			share, least := float64(percent)/100, r.IntN(3)
			if got, want := b.Left(now, share, least), m.left(second, percent, least); got != want {
				t.Fatalf("seed %d, step %d: %d retries are left of %d%%, want %d", seed, step, got, percent, want)
			}
			if r.IntN(3) > 0 {
				b.Operation(now)
				m.operations = append(m.operations, second)
				continue
			}
			want := m.left(second, percent, least) > 0
			if got := b.Spend(now, share, least); got != want {
				t.Fatalf("seed %d, step %d: spent one: %v, want %v", seed, step, got, want)
			}
			if want {
				m.retries = append(m.retries, second)
			}
		}
	}
}

func TestNoRetryIsSpentTwice(t *testing.T) {
	var b budget.Budget
	now := clock.Now()
	var wg sync.WaitGroup
	var spent atomic.Int64
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				b.Operation(now)
			}
		})
	}
	wg.Wait()
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				if b.Spend(now, 0.1, 1) {
					spent.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if spent.Load() != 800 {
		t.Errorf("%d of 8000 operations were retried, want a tenth", spent.Load())
	}
}

// One who read the clock, and was held up for longer than the window, must not
// take back what others have counted since.
func TestOneWhoComesLateTakesNothingBack(t *testing.T) {
	var b budget.Budget
	early := clock.Now()
	late := early.Add(budget.Window)
	for range 30 {
		b.Operation(late)
	}
	b.Operation(early)
	if got := b.Left(late, 0.1, 0); got != 3 {
		t.Errorf("%d retries are left, want 3", got)
	}
}
