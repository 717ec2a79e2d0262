package lease_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/internal/bucket"
	"github.com/cladgo/clad/internal/clock"
	"github.com/cladgo/clad/internal/lease"
)

// Whatever happens to the store while all call as fast as they may, what passes stays
// within the limit and the bounds that the documentation states, calls are not held up,
// and afterwards all is as before.
func TestTroubleWithTheStore(t *testing.T) {
	const n, rate, burst, seconds = 8, 1000, 250, 12
	for name, tt := range map[string]struct {
		begin, end func(*fleet)
		more       float64 // than rate * time + burst
		least      float64 // of rate * time
	}{
		"it is away for a while": {
			begin: func(f *fleet) { f.away = true },
			end:   func(f *fleet) { f.away = false },
			more:  burst + rate*lease.Horizon.Seconds(), least: 0.9,
		},
		"it comes back without its data": {
			begin: func(f *fleet) { f.away = true },
			end:   func(f *fleet) { f.away, f.ledger = false, lease.Ledger{} },
			more:  burst + rate*lease.Horizon.Seconds(), least: 0.9,
		},
		"it loses its data": {
			begin: func(f *fleet) { f.ledger = lease.Ledger{} },
			end:   func(f *fleet) { f.ledger = lease.Ledger{} },
			more:  burst, least: 0.9,
		},
		"it is slow": {
			begin: func(f *fleet) { f.latency = 50 * time.Millisecond },
			end:   func(f *fleet) { f.latency = 200 * time.Microsecond },
			more:  burst, least: 0.8,
		},
		"answers are lost": {
			begin: func(f *fleet) { f.lost = 100 },
			end:   func(f *fleet) { f.lost = 100 },
			more:  rate * 6, least: 0.8, // those who are told nothing take their share besides
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(n, lease.Settings{PerSecond: rate, Burst: burst, Fleet: n})
				time.AfterFunc(4*time.Second, func() { f.set(func() { tt.begin(f) }) })
				time.AfterFunc(8*time.Second, func() { f.set(func() { tt.end(f) }) })
				passed, slowest := f.loads(500, seconds*time.Second)
				f.close()
				if most := rate*seconds + burst + tt.more; float64(passed) > most {
					t.Errorf("%d passed, of at most %v", passed, most)
				}
				if least := tt.least * rate * seconds; float64(passed) < least {
					t.Errorf("%d passed, of at least %v", passed, least)
				}
				if slowest > lease.Patience {
					t.Errorf("a call was held up for %v", slowest)
				}
				t.Logf("%d passed, slowest %v", passed, slowest)
			})
		})
	}
}

// A store that was away had its bucket filling up, while everybody went on.
func TestNobodyGetsABurstWhenTheStoreIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, rate, burst = 4, 100, 400
		f := newFleet(n, lease.Settings{PerSecond: rate, Burst: burst, Fleet: n})
		f.loads(200, 10*time.Second)
		f.set(func() { f.away = true })
		f.loads(200, 10*time.Second)
		f.set(func() { f.away = false })
		time.Sleep(200 * time.Millisecond) // questions that were asked before are over
		passed, _ := f.loads(200, 2*time.Second)
		f.close()
		// What has come in that time, and what each took in advance; a burst would be 400 more.
		if most := 2.2*rate + 5*n; float64(passed) > most {
			t.Errorf("%d passed in the two seconds after, want %v at most", passed, most)
		}
	})
}

func TestDemandMovesWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rate = 1000
		f := newFleet(2, lease.Settings{PerSecond: rate, Burst: 250, Fleet: 1})
		load(f.accounts[0], 900, 5*time.Second)
		var passed int
		load(f.accounts[1], 900, time.Second)
		passed, _ = load(f.accounts[1], 900, time.Second)
		if passed < 880 {
			t.Errorf("%d of 900 a second passed a second after the demand had moved", passed)
		}
		time.Sleep(600 * time.Millisecond)
		for i, a := range f.accounts {
			if held := a.Status().Held; held > 0 {
				t.Errorf("instance %d is idle, and holds %d tokens", i, held)
			}
		}
		f.close()
	})
}

// An instance that dies takes what it holds with it: nobody else may use that, and
// nobody waits for it.
func TestInstancesThatDieTakeLittleWithThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, rate, burst = 8, 1000, 250
		f := newFleet(n, lease.Settings{PerSecond: rate, Burst: burst, Fleet: 1})
		f.loads(250, 5*time.Second)
		f.accounts = f.accounts[:2] // the others are never heard of again
		passed, _ := f.loads(1000, 5*time.Second)
		if passed < 0.93*5*rate {
			t.Errorf("%d passed of %d", passed, 5*rate)
		}
		synctest.Wait()
		f.close()
		time.Sleep(2 * lease.Lifetime) // timers of the dead
	})
}

func TestWaitersAreServedInTurnWithAndWithoutTheStore(t *testing.T) {
	for name, away := range map[string]bool{"with": false, "without": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(1, lease.Settings{PerSecond: 10, Burst: 1, MaxWait: 10 * time.Second, Fleet: 1})
				f.away = away
				a := f.accounts[0]
				var mu sync.Mutex
				served := make([]time.Duration, 20)
				var wg sync.WaitGroup
				start := time.Now()
				for i := range 20 {
					wg.Go(func() {
						ok, _ := call(a)
						mu.Lock()
						defer mu.Unlock()
						if served[i] = time.Since(start); !ok {
							t.Errorf("the %d. was not served", i)
						}
					})
					time.Sleep(10 * time.Millisecond)
				}
				wg.Wait()
				if all := time.Since(start); all < 1800*time.Millisecond || all > 4500*time.Millisecond {
					t.Errorf("20 passed in %v", all)
				}
				if !slices.IsSorted(served) {
					t.Errorf("served after %v", served)
				}
				f.close()
			})
		})
	}
}

func TestWhoGivesUpLosesNoToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(1, lease.Settings{PerSecond: 1, Burst: 1, MaxWait: time.Minute, Fleet: 1})
		a := f.accounts[0]
		call(a)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				if _, ok, err := a.Wait(ctx, clock.Now(), bucket.Forever); ok || !errors.Is(err, context.Canceled) {
					t.Errorf("%v, %v", ok, err)
				}
			})
		}
		time.Sleep(100 * time.Millisecond)
		cancel()
		wg.Wait()
		time.Sleep(1500 * time.Millisecond)
		if ok, _ := call(a); !ok {
			t.Error("those who gave up have taken the token with them")
		}
		f.close()
	})
}

func TestOneThatIsExactHoldsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rate, burst = 100, 5
		f := newFleet(4, lease.Settings{PerSecond: rate, Burst: burst, Exact: true, Fleet: 1})
		passed, _ := f.loads(100, 10*time.Second)
		if most := rate*10 + burst; passed > most || passed < most*9/10 {
			t.Errorf("%d passed, want %d", passed, most)
		}
		for _, a := range f.accounts {
			if held := a.Status().Held; held > 0 {
				t.Errorf("%d tokens are held", held)
			}
		}
		f.close()
	})
}

// A request that comes again, since its answer was lost, gives back nothing twice.
func TestNothingIsGivenBackTwice(t *testing.T) {
	var l lease.Ledger
	at := time.Hour
	r := lease.Request{Instance: "a", Sequence: 1, PerSecond: 0.001, Burst: 10, Want: 10, Fresh: 10, Most: -1}
	if g := l.Serve(r, at); g.Tokens != 10 {
		t.Fatalf("%+v", g)
	}
	r.Sequence, r.Want, r.Return = 2, 0, 4
	for range 3 {
		l.Serve(r, at)
		at += time.Second
	}
	if g := l.Serve(lease.Request{Instance: "b", Sequence: 1, PerSecond: 0.001, Burst: 10, Want: 10, Most: -1}, at); g.Tokens != 4 {
		t.Errorf("%+v, want the 4 tokens that were given back", g)
	}
}

// While other settings are rolled out, the lowest are in force for everybody.
func TestTheLowestOfDifferentSettingsIsInForce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old := lease.Settings{PerSecond: 100, Burst: 25, Fleet: 1}
		f := newFleet(4, old)
		newer := lease.Settings{PerSecond: 1000, Burst: 250, Fleet: 1}
		f.accounts[0].Configure(newer)
		f.accounts[1].Configure(newer)
		f.loads(500, time.Second) // until all have asked
		if passed, _ := f.loads(500, 10*time.Second); passed > 100*10+25 {
			t.Errorf("%d passed, where half of the instances know of 100 a second", passed)
		}
		f.accounts[2].Configure(newer)
		f.accounts[3].Configure(newer)
		f.loads(500, 2*lease.Epoch)
		if passed, _ := f.loads(500, 10*time.Second); passed < 9500 {
			t.Errorf("%d passed, where all know of 1,000 a second", passed)
		}
		f.close()
	})
}
