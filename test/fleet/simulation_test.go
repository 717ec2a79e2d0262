package fleet_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/internal/bucket"
	"github.com/cladgo/clad/internal/clock"
	"github.com/cladgo/clad/internal/lease"
	"github.com/cladgo/clad/test/fleet"
	"go.uber.org/goleak"
)

var update = flag.Bool("update", false, "write what is simulated into docs/fleet.md and docs/fleet.svg")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// result is what a fleet did.
type result struct {
	n        int
	rate     float64
	share    float64 // of rate * time that passed
	most     float64 // what passed, of rate * time + burst
	commands float64 // a second
}

// simulate has n instances want twice the rate of a limit, with a store that answers
// within half a millisecond, and looks at the last of some seconds.
func simulate(t *testing.T, n int, rate float64, of, last time.Duration) (r result) {
	synctest.Test(t, func(t *testing.T) {
		burst := max(1, int(rate/4))
		var ledger lease.Ledger
		var store sync.Mutex
		var commands, passed atomic.Int64
		began := time.Now()
		accounts := make([]*lease.Account, n)
		for i := range accounts {
			a := &lease.Account{Instance: fmt.Sprint(i)}
			a.Ask = func(r lease.Request) {
				commands.Add(1)
				go func() {
					time.Sleep(250 * time.Microsecond)
					store.Lock()
					g := ledger.Serve(r, time.Hour+time.Since(began))
					store.Unlock()
					time.Sleep(250 * time.Microsecond)
					a.Answer(g)
				}()
			}
			a.Configure(lease.Settings{PerSecond: rate, Burst: burst, Fleet: 1})
			accounts[i] = a
		}
		every := time.Duration(float64(n) / (2 * rate) * float64(time.Second))
		var wg sync.WaitGroup
		for i, a := range accounts {
			wg.Go(func() {
				time.Sleep(every * time.Duration(i) / time.Duration(n))
				for time.Since(began) < of {
					now := clock.Now()
					if a.Take(now) {
						passed.Add(1)
					} else if a.Empty(now) <= 0 {
						if _, ok, _ := a.Wait(context.Background(), now, bucket.Forever); ok {
							passed.Add(1)
						}
					}
					time.Sleep(every)
				}
			})
		}
		time.Sleep(of - last)
		passedBefore, commandsBefore := passed.Load(), commands.Load()
		time.Sleep(last)
		passedAfter, commandsAfter := passed.Load(), commands.Load()
		wg.Wait()
		all := float64(passed.Load())
		for _, a := range accounts {
			a.Close()
		}
		time.Sleep(time.Second) // what was asked is answered
		r = result{
			n: n, rate: rate,
			share:    float64(passedAfter-passedBefore) / (rate * last.Seconds()),
			most:     all / (rate*of.Seconds() + float64(burst)),
			commands: float64(commandsAfter-commandsBefore) / last.Seconds(),
		}
	})
	return r
}

func TestSimulationOfFleets(t *testing.T) {
	sizes, rates := []int{1, 10, 100}, []float64{100, 1000}
	if *update {
		sizes, rates = []int{1, 3, 10, 30, 100, 300, 1000}, []float64{100, 1000, 10_000}
	}
	var all []result
	for _, rate := range rates {
		for _, n := range sizes {
			r := simulate(t, n, rate, 25*time.Second, 10*time.Second)
			all = append(all, r)
			if r.most > 1.001 {
				t.Errorf("%d instances at %v/s: %.2f%% of rate × time + burst passed", n, rate, 100*r.most)
			}
			if r.share < 0.9 {
				t.Errorf("%d instances at %v/s: %.2f%% of rate × time passed", n, rate, 100*r.share)
			}
		}
	}
	table := strings.Builder{}
	table.WriteString("| instances | limit | passed, of rate × time | commands a second |\n|---|---|---|---|\n")
	for _, r := range all {
		fmt.Fprintf(&table, "| %d | %v/s | %.1f%% | %.0f |\n", r.n, r.rate, 100*r.share, r.commands)
	}
	t.Log("\n" + table.String())
	if *update {
		if err := fleet.Update("simulation", table.String()); err != nil {
			t.Error(err)
		}
		if err := os.WriteFile("../../docs/fleet.svg", []byte(plot(all)), 0o644); err != nil {
			t.Error(err)
		}
	}
}
