package bulkhead_test

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/internal/bulkhead"
	"github.com/cladgo/clad/internal/clock"
)

func newBulkhead(s bulkhead.Settings) *bulkhead.Bulkhead {
	b := &bulkhead.Bulkhead{}
	b.Configure(s)
	return b
}

// Many at once, who take, wait, give up and give back, while the limit changes:
// there are never more in than the highest limit, and in the end no permit is lost
// or there twice.
func TestNoPermitIsLostOrDoubled(t *testing.T) {
	const most = 5
	b := newBulkhead(bulkhead.Settings{Limit: most, Reserve: 1, MaxWait: time.Millisecond})
	var in atomic.Int64
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 3000 {
				ctx, cancel := context.WithCancel(t.Context())
				if i%7 == 0 {
					cancel()
				}
				if arrive(ctx, b, g%2 == 0) == isIn {
					if n := in.Add(1); n > most {
						t.Errorf("%d are in", n)
					}
					if i%5 == 0 {
						runtime.Gosched()
					}
					in.Add(-1)
					b.Release()
				}
				cancel()
			}
		})
	}
	wg.Go(func() {
		for i := range 2000 {
			b.Configure(bulkhead.Settings{Limit: 1 + i%most, Reserve: 0, MaxWait: time.Duration(i%3) * time.Millisecond})
			runtime.Gosched()
		}
	})
	wg.Wait()
	b.Configure(bulkhead.Settings{Limit: most})
	if got := b.Status(); got != (bulkhead.Status{}) {
		t.Fatalf("when all have left: %+v", got)
	}
	taken := 0
	for b.TakeSpare() {
		taken++
	}
	if taken != most {
		t.Errorf("%d permits, want %d", taken, most)
	}
}

// Whoever is refused hears how long it took of late until a permit was free.
func TestARefusalSaysWhenToComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBulkhead(bulkhead.Settings{Limit: 1})
		refuse := func(want time.Duration) {
			t.Helper()
			if got := b.Refuse(clock.Now()); got != want {
				t.Errorf("come back after %v, want %v", got, want)
			}
		}
		b.TakeSpare()
		refuse(0) // nobody knows yet
		time.Sleep(time.Second)
		refuse(time.Second) // as long as that, for sure
		time.Sleep(time.Second)
		b.Release()

		b.TakeSpare()
		refuse(2 * time.Second)
		time.Sleep(10 * time.Second)
		b.Release()

		b.TakeSpare()
		refuse(3 * time.Second) // an eighth of the way from 2 to 10
	})
}

// A retry makes no attempt after its MaxElapsed, so nobody waits for a permit longer
// than that.
func TestNobodyWaitsLongerThanItMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBulkhead(bulkhead.Settings{Limit: 1, MaxWait: time.Hour})
		b.TakeSpare()
		start := clock.Now()
		ok, err := b.Wait(t.Context(), start, start.Add(time.Second), false)
		if took := clock.Now().Sub(start); ok || err != nil || took != time.Second {
			t.Errorf("%v, %v after %v", ok, err, took)
		}
		if ok, err = b.Wait(t.Context(), clock.Now(), start, false); ok || err != nil {
			t.Errorf("too late already: %v, %v", ok, err)
		}
	})
}

// panics is a context that is not what it should be.
type panics struct{ context.Context }

func (panics) Done() <-chan struct{} { panic("no such context") }

// ends is one that ends the goroutine of whoever waits for it.
type ends struct{ context.Context }

func (ends) Done() <-chan struct{} {
	runtime.Goexit()
	return nil
}

func TestAPlaceInTheQueueIsGivenUpOnPanicAndGoexit(t *testing.T) {
	for name, ctx := range map[string]context.Context{"panic": panics{t.Context()}, "Goexit": ends{t.Context()}} {
		b := newBulkhead(bulkhead.Settings{Limit: 1, MaxWait: time.Hour})
		b.TakeSpare()
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer func() { _ = recover() }()
			_, _ = b.Wait(ctx, clock.Now(), forever, false)
		}()
		<-done
		if got := b.Status(); got != (bulkhead.Status{InUse: 1}) {
			t.Errorf("%s: %+v", name, got)
		}
		b.Release()
		if !b.TakeSpare() {
			t.Errorf("%s: the way without a lock stays closed", name)
		}
	}
}

func TestTakingAndGivingBackDoesNotAllocate(t *testing.T) {
	b := newBulkhead(bulkhead.Settings{Limit: 1})
	if got := testing.AllocsPerRun(100, func() {
		if !b.TakeSpare() {
			t.Error("no permit")
		}
		if b.Take(false) {
			t.Error("a permit too many")
		}
		b.Refuse(clock.Now())
		b.Release()
	}); got > 0 {
		t.Errorf("%v allocations", got)
	}
}

func BenchmarkTakeAndRelease(bench *testing.B) {
	b := newBulkhead(bulkhead.Settings{Limit: 10})
	for bench.Loop() {
		if b.TakeSpare() {
			b.Release()
		}
	}
}

// Who gives up in the moment in which a permit is handed out gives that back.
func TestAPermitThatComesTooLateIsGivenBack(t *testing.T) {
	for range 200 {
		b := newBulkhead(bulkhead.Settings{Limit: 1, MaxWait: time.Hour})
		b.TakeSpare()
		ctx, cancel := context.WithCancel(t.Context())
		var got state
		var wg sync.WaitGroup
		wg.Go(func() { got = arrive(ctx, b, false) })
		for b.Status().Waiting == 0 {
			runtime.Gosched()
		}
		cancel()
		b.Release()
		wg.Wait()
		if in := b.Status().InUse; (got == isIn) != (in == 1) || in > 1 {
			t.Fatalf("%s, and %d permits are out", got, in)
		}
	}
}
