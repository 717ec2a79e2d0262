package circuit

import (
	"sync"
	"testing"
	"time"

	"github.com/cladgo/clad/internal/clock"
)

func newTestWindow() (*window, clock.Nanos) {
	w := newWindow(10 * time.Second)
	return w, w.begins
}

// The count of a period stood beside its number, and from 2^32 on ran into it.
func TestACountNeverRunsIntoTheNumberOfItsPeriod(t *testing.T) {
	const many = 1<<32 - 1
	w, now := newTestWindow()
	w.add(now, 1)
	w.slots[w.number(now)%windowPeriods].all.Add(many - 1)
	w.add(now, 1)
	if got := w.count(now); got != many+1 {
		t.Errorf("one more than %d are %d", many, got)
	}
	if got := w.count(now.Add(9 * time.Second)); got != many+1 {
		t.Errorf("nine periods later there are %d", got)
	}
	if got := w.count(now.Add(10 * time.Second)); got != 0 {
		t.Errorf("ten periods later there are %d", got)
	}
}

// A reading of the clock that comes late finds periods that for it are still to
// come. They count, and are not begun again.
func TestALateReadingLeavesLaterPeriodsAlone(t *testing.T) {
	w, begins := newTestWindow()
	late := begins.Add(15 * time.Second)
	now := late.Add(10 * time.Second) // in the same slot
	for range 3 {
		w.add(now, 1)
	}
	if got := w.count(late); got != 3 {
		t.Errorf("%d are counted by the late one, want 3", got)
	}
	w.add(late, 1)
	if got := w.count(now); got != 4 {
		t.Errorf("%d are left after the late one, want 4", got)
	}
}

// A slot that nobody has come by for years holds nothing of today.
func TestAWindowForgetsHoweverLongItWasIdle(t *testing.T) {
	w, begins := newTestWindow()
	now := begins
	for _, idle := range []int64{1, 10, 11, 1<<27 + 3, 1 << 28, 1<<31 + 1, 1 << 32} {
		now = now.Add(time.Duration(idle) * time.Second)
		if got := w.count(now.Add(10 * time.Second)); got != 0 {
			t.Errorf("%d after %d periods", got, idle)
		}
		now = now.Add(10 * time.Second)
		w.add(now, 1)
		if got := w.count(now); got != 1 {
			t.Errorf("%d, want 1", got)
		}
	}
}

// Whoever begins a period, what others add meanwhile is not lost.
func TestNoSuccessIsLostWhereAPeriodBegins(t *testing.T) {
	const goroutines, periods, each = 8, 200, 20
	w, begins := newTestWindow()
	for period := range clock.Nanos(periods) {
		now := begins + period*clock.Nanos(w.period)
		var wg sync.WaitGroup
		for range goroutines {
			wg.Go(func() {
				for range each {
					w.add(now, 1)
				}
			})
		}
		wg.Wait()
		want := uint64(min(period+1, windowPeriods)) * goroutines * each
		if got := w.count(now); got != want {
			t.Fatalf("%d in the window, want %d", got, want)
		}
	}
}
