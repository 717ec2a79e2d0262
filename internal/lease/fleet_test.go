package lease_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/internal/bucket"
	"github.com/cladgo/clad/internal/clock"
	"github.com/cladgo/clad/internal/lease"
)

// fleet is a store with the ledger of one limit, and the instances that share it.
type fleet struct {
	mu       sync.Mutex
	ledger   lease.Ledger
	latency  time.Duration
	away     bool
	lost     int // answers that are still to be lost, though the request was served
	commands int
	began    time.Time
	accounts []*lease.Account
}

func newFleet(n int, s lease.Settings) *fleet {
	f := &fleet{latency: 200 * time.Microsecond, began: time.Now()}
	for i := range n {
		a := &lease.Account{Instance: fmt.Sprint("i", i)}
		a.Ask = func(r lease.Request) { go f.serve(a, r) }
		a.Configure(s)
		f.accounts = append(f.accounts, a)
	}
	return f
}

func (f *fleet) serve(a *lease.Account, r lease.Request) {
	f.mu.Lock()
	f.commands++
	latency, away := f.latency, f.away
	f.mu.Unlock()
	time.Sleep(latency / 2)
	if away {
		time.Sleep(100 * time.Millisecond)
		a.Fail()
		return
	}
	f.mu.Lock()
	g := f.ledger.Serve(r, time.Since(f.began)+time.Hour)
	lost := f.lost > 0
	if lost {
		f.lost--
	}
	f.mu.Unlock()
	time.Sleep(latency / 2)
	if lost {
		a.Fail()
		return
	}
	a.Answer(g)
}

func (f *fleet) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// close has every instance give back what it holds.
func (f *fleet) close() {
	for _, a := range f.accounts {
		if r, ok := a.Close(); ok {
			f.serve(a, r)
		}
	}
	time.Sleep(time.Second) // what was asked before is answered
}

// call is a call, as a layer makes it; it returns how long it was held up.
func call(a *lease.Account) (ok bool, took time.Duration) {
	now := clock.Now()
	if a.Empty(now) > 0 {
		return false, 0
	}
	if a.Take(now) {
		return true, 0
	}
	_, ok, _ = a.Wait(context.Background(), now, bucket.Forever)
	return ok, clock.Now().Sub(now)
}

// load calls so many times a second for a while, and returns how many passed and how
// long the slowest took.
func load(a *lease.Account, perSecond float64, d time.Duration) (passed int, slowest time.Duration) {
	every := time.Duration(float64(time.Second) / perSecond)
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(every) {
		ok, took := call(a)
		if ok {
			passed++
		}
		slowest = max(slowest, took)
	}
	return passed, slowest
}

// loads puts a load on every instance.
func (f *fleet) loads(perSecond float64, d time.Duration) (passed int, slowest time.Duration) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, a := range f.accounts {
		wg.Go(func() {
			n, took := load(a, perSecond, d)
			mu.Lock()
			defer mu.Unlock()
			passed, slowest = passed+n, max(slowest, took)
		})
	}
	wg.Wait()
	return passed, slowest
}

func TestAFleetKeepsItsLimitAndUsesIt(t *testing.T) {
	for _, tt := range []struct {
		n           int
		rate, each  float64
		burst       int
		seconds     int
		callsPerAsk int
		share       float64 // of what could pass that does
	}{
		{1, 1000, 2000, 250, 10, 50, 0.95},
		{8, 1000, 2000, 250, 10, 50, 0.95},
		{8, 100, 1000, 25, 10, 50, 0.95},
		{8, 10000, 1250, 2500, 10, 50, 0.95},
		{50, 100, 20, 25, 20, 2, 0.95},
		{50, 10000, 100, 2500, 5, 5, 0.95},
		{3, 5, 10, 1, 100, 1, 0.6}, // a token that nobody fetches before the next one comes is lost
	} {
		t.Run(fmt.Sprintf("%d at %v of %v", tt.n, tt.each, tt.rate), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(tt.n, lease.Settings{PerSecond: tt.rate, Burst: tt.burst, Fleet: 1})
				d := time.Duration(tt.seconds) * time.Second
				passed, slowest := f.loads(tt.each, d)
				f.close()
				most := tt.rate*d.Seconds() + float64(max(tt.burst, int(tt.rate*lease.Horizon.Seconds())+1))
				if float64(passed) > most {
					t.Errorf("%d passed, of at most %v", passed, most)
				}
				least := tt.share * min(tt.rate, tt.each*float64(tt.n)) * d.Seconds()
				if float64(passed) < least {
					t.Errorf("%d passed, of at least %v", passed, least)
				}
				calls := tt.each * float64(tt.n) * d.Seconds()
				if float64(f.commands*tt.callsPerAsk) > calls {
					t.Errorf("%d commands for %v calls", f.commands, calls)
				}
				if slowest > lease.Patience {
					t.Errorf("a call took %v", slowest)
				}
				t.Logf("%d passed of at most %v, at least %v; %d commands for %v calls, slowest %v", passed, most, least, f.commands, calls, slowest)
			})
		})
	}
}
