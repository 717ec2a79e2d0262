package cladredis_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/cladredis"
	"github.com/cladgo/clad/internal/quorum"
	"github.com/cladgo/clad/policy"
)

// The script is held to the arithmetic of the mechanism.
func TestTheBreakersScriptAnswersAsTheLedger(t *testing.T) {
	onEngines(t, testTheBreakersScriptAnswersAsTheLedger)
}

func testTheBreakersScriptAnswersAsTheLedger(t *testing.T, engine string) {
	s := newServerOf(t, engine)
	client := s.bare()
	whats := []string{quorum.Ask, quorum.Tripped, quorum.Tripped, quorum.Recovered, quorum.Probe, quorum.Probe, quorum.Probe, quorum.Succeeded, quorum.Failed, quorum.Dropped}
	opened := 0
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 15))
		store := cladredis.NewStore(client, cladredis.WithPrefix(fmt.Sprint("seed", seed)))
		fleet := int64(0) // nobody listens: any one is all there are
		if seed%2 > 0 {
			fleet = 3
			for range fleet {
				sub := client.Subscribe(background, fmt.Sprintf("seed%d:1:{breakers}", seed))
				if _, err := sub.Receive(background); err != nil {
					t.Fatal(err)
				}
				defer func() { _ = sub.Close() }()
			}
		}
		var ledger quorum.Ledger
		var round int64
		for step := range 80 {
			q := container.BreakerReport{
				Instance: fmt.Sprint("i", r.IntN(4)), What: whats[r.IntN(len(whats))], Quorum: int64(1 + r.IntN(3)), Probes: int64(1 + r.IntN(4)),
				For: time.Duration(r.IntN(2)) * time.Hour, Round: round, Place: fmt.Sprint("p", r.IntN(5)), ProbeTimeout: time.Hour,
			}
			got, err := store.Report(background, "bank", q)
			if err != nil {
				t.Fatal(err)
			}
			// The ledger's time only matters where a round begins, which is named after it.
			at := time.Duration(got.Round)*time.Microsecond + 1
			if got.Round == round {
				at = time.Duration(time.Now().UnixMicro()) * time.Microsecond
			} else {
				at--
			}
			want, _ := ledger.Serve(quorum.Report(q), at, fleet)
			if got.Round != round {
				opened++
			}
			round = got.Round
			got.For, want.For = got.For.Round(time.Minute), want.For.Round(time.Minute)
			if quorum.News(got) != want {
				t.Fatalf("seed %d, step %d: %+v to %+v, want %+v", seed, step, got, q, want)
			}
		}
	}
	if opened < 20 {
		t.Errorf("only %d openings", opened)
	}
}

// guard is an instance that calls through a shared breaker.
type guard struct {
	o        *container.Orchestrator
	run      policy.Runner
	breaker  *container.CircuitBreaker
	followed atomic.Int64
}

func newGuard(t testing.TB, store container.Store, spec policy.CircuitBreaker, opts ...container.Option) *guard {
	t.Helper()
	g := &guard{}
	spec.Shared = true
	c := policy.Catalog{
		CircuitBreakers: map[string]policy.CircuitBreaker{"bank": spec},
		Policies:        map[string]policy.Policy{"p": policy.CircuitBreaker{Name: "bank"}},
	}
	o, err := container.NewOrchestrator(c, append(opts, container.WithStore(store), container.OnEvent(func(_ context.Context, e container.Event) {
		if _, ok := e.(container.Followed); ok {
			g.followed.Add(1)
		}
	}))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	g.o = o
	g.run, _ = o.Pipeline("p")
	g.breaker, _ = o.CircuitBreaker("bank")
	await(t, "the store", func() bool { s, _ := g.breaker.Sharing(); return !s.Heard.IsZero() })
	return g
}

var errDown = errors.New("down")

// call returns whether the dependency was called.
func (g *guard) call(err error) (called bool) {
	_ = g.run.Run(background, func(context.Context) error { called = true; return err })
	return called
}

func (g *guard) trip() {
	for range policy.DefaultFailureThreshold {
		g.call(errDown)
	}
}

func newGuards(t testing.TB, n int, store func() container.Store, spec policy.CircuitBreaker, opts ...container.Option) (all []*guard) {
	for range n {
		all = append(all, newGuard(t, store(), spec, opts...))
	}
	return all
}

func closeAll(all []*guard) {
	for _, g := range all {
		g.o.Close()
	}
}

func awaitState(t testing.TB, all []*guard, want policy.State) time.Duration {
	t.Helper()
	start := time.Now()
	await(t, want.String(), func() bool {
		for _, g := range all {
			if g.breaker.State() != want {
				return false
			}
		}
		return true
	})
	return time.Since(start)
}

func TestAQuorumOpensTheFleetsBreakersAndProbesCloseThem(t *testing.T) {
	onEngines(t, testAQuorumOpensTheFleetsBreakersAndProbesCloseThem)
}

func testAQuorumOpensTheFleetsBreakersAndProbesCloseThem(t *testing.T, engine string) {
	s := newServerOf(t, engine)
	spec := policy.CircuitBreaker{RecoveryTimeout: 500 * time.Millisecond}
	all := newGuards(t, 6, func() container.Store { return cladredis.NewStore(s.bare()) }, spec)

	all[0].trip() // one bad node
	// real time: the others could be told
	time.Sleep(200 * time.Millisecond)
	for i, g := range all[1:] {
		if got := g.breaker.State(); got != policy.StateClosed {
			t.Errorf("one instance of six has opened that of instance %d: %v", i+1, got)
		}
	}
	all[1].trip()
	awaitState(t, all, policy.StateOpen)

	// real time: until it is probed
	time.Sleep(600 * time.Millisecond)
	if n := recoverTogether(t, all); n < policy.DefaultSuccessThreshold || n > policy.DefaultSuccessThreshold+len(all) {
		t.Errorf("%d probes of the fleet, want %d", n, policy.DefaultSuccessThreshold)
	}
	for i, g := range all[2:] {
		if g.followed.Load() == 0 {
			t.Errorf("instance %d has told of nothing that it followed", i+2)
		}
	}
}

// Asked for their sign of life, which comes every three seconds, subscriptions are
// all that the server hears of.
func TestNothingIsSentWhileBreakersAreClosedAndHealthy(t *testing.T) {
	onEngines(t, testNothingIsSentWhileBreakersAreClosedAndHealthy)
}

func testNothingIsSentWhileBreakersAreClosedAndHealthy(t *testing.T, engine string) {
	s := newServerOf(t, engine)
	all := newGuards(t, 3, func() container.Store { return cladredis.NewStore(s.bare()) }, policy.CircuitBreaker{})
	awaitSharing(t, all, true)
	client := s.bare()
	commands(t, client)
	// real time: what their start has sent arrives
	time.Sleep(200 * time.Millisecond)
	before := commands(t, client)
	calls := 0
	for end := time.Now().Add(4 * time.Second); time.Now().Before(end); {
		for _, g := range all {
			g.call(nil)
			calls++
		}
		if calls%10 == 0 {
			g := all[0]
			g.call(errDown) // one failure trips nothing
			g.call(nil)
		}
		// real time: another process would hear
		time.Sleep(time.Millisecond)
	}
	after := commands(t, client)
	for name, n := range after {
		sent, most := n-before[name], 0
		switch name {
		case "info":
			most = 1
		case "ping":
			most = 2 * len(all)
		}
		if sent > most {
			t.Errorf("%d times %s for %d calls while all are closed, want %d", sent, name, calls, most)
		}
	}
	if after["ping"] == 0 {
		t.Errorf("not even a sign of life: %v", after)
	}
}

func TestAllApplyATripWithin100ms(t *testing.T) { onEngines(t, testAllApplyATripWithin100ms) }

func testAllApplyATripWithin100ms(t *testing.T, engine string) {
	s := newServerOf(t, engine)
	all := newGuards(t, 8, func() container.Store { return cladredis.NewStore(s.bare()) }, policy.CircuitBreaker{RecoveryTimeout: time.Minute})
	awaitSharing(t, all, true)
	fairly(t, "ms until all have applied it, where 100 are promised", func() (float64, bool) {
		if err := s.bare().FlushAll(background).Err(); err != nil {
			t.Fatal(err)
		}
		for _, g := range all {
			g.breaker.Reset()
		}
		all[0].trip()
		await(t, "the first trip", func() bool { return s.bare().HLen(background, "clad:1:{breakers}:bank").Val() > 0 })
		all[1].trip()
		took := awaitState(t, all, policy.StateOpen)
		t.Logf("applied by all within %v", took)
		return took.Seconds() * 1000, took <= 100*time.Millisecond
	})
}

// recoverTogether calls through all until all are closed, and returns how many probes
// that took. Calls between the closing of a breaker and the look at it count as well:
// one for each at most.
func recoverTogether(t testing.TB, all []*guard) int {
	t.Helper()
	var probes atomic.Int64
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for _, g := range all {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if g.breaker.State() == policy.StateClosed {
					return
				}
				if g.call(nil) {
					probes.Add(1)
				}
				// real time: a load that leaves the machine to others too
				time.Sleep(time.Millisecond)
			}
		})
	}
	awaitState(t, all, policy.StateClosed)
	close(stop)
	wg.Wait()
	return int(probes.Load())
}
