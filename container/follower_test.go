package container_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// scriptedStore says of breakers what a test has it say.
type scriptedStore struct {
	memoryStore
	report func(ctx context.Context, r container.BreakerReport) (container.BreakerNews, error)
	mu     sync.Mutex
	asked  []string // breakers
	tell   func(string, container.BreakerNews, error)
	away   chan struct{} // closed to end the subscription
}

func (s *scriptedStore) Report(ctx context.Context, breaker string, r container.BreakerReport) (container.BreakerNews, error) {
	s.mu.Lock()
	s.asked = append(s.asked, breaker)
	s.mu.Unlock()
	if s.report == nil {
		return container.BreakerNews{}, nil
	}
	return s.report(ctx, r)
}

func (s *scriptedStore) Watch(ctx context.Context, ready func(), heard func(string, container.BreakerNews, error)) error {
	s.mu.Lock()
	s.tell = heard
	away := s.away
	s.mu.Unlock()
	select {
	case <-away:
		return errAway
	default:
		ready()
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-away:
		return errAway
	}
}

var errAway = errors.New("away")

// says has the fleet say something of the breaker.
func (s *scriptedStore) says(n container.BreakerNews) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tell("bank", n, nil)
}

func round(after time.Duration) int64 { return time.Now().Add(after).UnixMicro() }

// following is an instance that follows such a store.
type following struct {
	*scriptedStore
	log     lines
	run     policy.Runner
	breaker *container.CircuitBreaker
}

// follow returns one whose breaker is open for up to 15s by itself.
func follow(t *testing.T, report func(ctx context.Context, r container.BreakerReport) (container.BreakerNews, error)) *following {
	t.Helper()
	f := &following{scriptedStore: &scriptedStore{report: report, away: make(chan struct{})}}
	spec := policy.CircuitBreaker{
		RecoveryTimeout: time.Second, MaxRecovery: 10 * time.Second, RecoveryJitter: 0.5,
		SuccessThreshold: 1, ProbeTimeout: 5 * time.Second, Shared: true,
	}
	o := newOrchestrator(t, policy.Catalog{
		CircuitBreakers: map[string]policy.CircuitBreaker{"bank": spec},
		Policies:        map[string]policy.Policy{"p": policy.CircuitBreaker{Name: "bank"}},
	}, container.WithStore(f.scriptedStore), container.WithLogger(f.log.logger()))
	t.Cleanup(o.Close)
	f.run, _ = o.Pipeline("p")
	f.breaker, _ = o.CircuitBreaker("bank")
	time.Sleep(time.Millisecond) // it listens
	return f
}

// closes calls until the breaker closes, and returns how long that took.
func (f *following) closes(t *testing.T) time.Duration {
	t.Helper()
	for began := time.Now(); time.Since(began) < time.Hour; time.Sleep(10 * time.Millisecond) {
		_ = f.run.Run(t.Context(), works)
		if f.breaker.State() == policy.StateClosed {
			return time.Since(began)
		}
	}
	t.Fatal("it does not close")
	return 0
}

// Who can write to the store could keep breakers open for years: its number of
// microseconds was taken as it came.
func TestWhatTheFleetSaysOpensABreakerForNoLongerThanItsOwnSettings(t *testing.T) {
	for name, forTime := range map[string]time.Duration{"years": 100 * 365 * 24 * time.Hour, "for ever": math.MaxInt64, "a minute": time.Minute} {
		virtual(t, func(t *testing.T) {
			said := container.BreakerNews{Round: round(0), Open: true, For: forTime, Down: 2, Fleet: 3}
			began := time.Now()
			f := follow(t, func(context.Context, container.BreakerReport) (container.BreakerNews, error) {
				said := said
				said.For -= time.Since(began)
				return said, nil
			})
			if f.breaker.State() != policy.StateOpen {
				t.Fatalf("%s: %v", name, f.breaker.State())
			}
			if took := f.closes(t); took < 14*time.Second || took > 16*time.Second {
				t.Errorf("%s: open for %v, where its own longest time is 15s", name, took)
			}
			// The same opening is not followed again.
			f.says(said)
			if got := f.breaker.State(); got != policy.StateClosed {
				t.Errorf("%s: %v by an opening that was over for it", name, got)
			}
		})
	}
}

// A store that never gives leave to probe, as one with garbage in it may, holds a
// breaker no longer than probes of others can take.
func TestAnInstanceThatIsNeverGivenLeaveProbesByItself(t *testing.T) {
	virtual(t, func(t *testing.T) {
		said := container.BreakerNews{Round: round(0), Open: true, Down: 2, Fleet: 3}
		f := follow(t, func(context.Context, container.BreakerReport) (container.BreakerNews, error) { return said, nil })
		if took := f.closes(t); took < 20*time.Second || took > 22*time.Second {
			t.Errorf("held back for %v, where 15s, a probe of 5s and a second are the most", took)
		}
	})
}

// One round far ahead kept an instance from hearing of any other.
func TestARoundFarAheadDoesNotDeafenAnInstance(t *testing.T) {
	virtual(t, func(t *testing.T) {
		f := follow(t, nil)
		for range 20 {
			f.says(container.BreakerNews{Round: round(25 * time.Hour), Open: true, For: time.Second, Down: 2, Fleet: 3})
			f.says(container.BreakerNews{Round: math.MaxInt64, Open: true, For: time.Second, Down: 2, Fleet: 3})
		}
		if got := f.breaker.State(); got != policy.StateClosed {
			t.Errorf("%v by a round far ahead", got)
		}
		if n := strings.Count(f.log.String(), "passed over"); n != 1 {
			t.Errorf("it was logged %d times, want once:\n%s", n, &f.log)
		}
		f.says(container.BreakerNews{Round: round(0), Open: true, For: time.Second, Down: 2, Fleet: 3})
		if got := f.breaker.State(); got != policy.StateOpen {
			t.Errorf("%v: it does not hear what comes after", got)
		}
		// One that is just near enough deafens it for a while at most.
		f.says(container.BreakerNews{Round: round(23 * time.Hour), Open: true, For: time.Second, Down: 2, Fleet: 3})
		f.closes(t)
		time.Sleep(80 * time.Second)
		f.says(container.BreakerNews{Round: round(0), Open: true, For: time.Second, Down: 2, Fleet: 3})
		if got := f.breaker.State(); got != policy.StateOpen {
			t.Errorf("%v: it is deaf", got)
		}
	})
}

func TestNewsThatCannotBeIsPassedOver(t *testing.T) {
	for name, n := range map[string]container.BreakerNews{
		"a round below 0":      {Round: -1, Open: true, For: time.Second, Down: 2, Fleet: 3},
		"open without a round": {Open: true, For: time.Second, Down: 2, Fleet: 3},
		"fewer than none down": {Round: 1, Open: true, For: time.Second, Down: -1, Fleet: 3},
		"a fleet below 0":      {Round: 1, Open: true, For: time.Second, Down: 2, Fleet: math.MinInt64},
	} {
		virtual(t, func(t *testing.T) {
			f := follow(t, nil)
			f.says(n)
			if got := f.breaker.State(); got != policy.StateClosed || !strings.Contains(f.log.String(), "cannot be") {
				t.Errorf("%s: %v, logged %q", name, got, &f.log)
			}
			answered := follow(t, func(context.Context, container.BreakerReport) (container.BreakerNews, error) { return n, nil })
			if s, _ := answered.breaker.Sharing(); !s.Alone || answered.breaker.State() != policy.StateClosed {
				t.Errorf("%s as an answer: %+v, %v", name, s, answered.breaker.State())
			}
		})
	}
}

// A call whose caller had gone waited for the store all the same.
func TestACallerWhoGoesDoesNotWaitForLeaveToProbe(t *testing.T) {
	virtual(t, func(t *testing.T) {
		said := container.BreakerNews{Round: round(0), Open: true, For: time.Second, Down: 2, Fleet: 3}
		var mu sync.Mutex
		var reports []string
		f := follow(t, func(_ context.Context, r container.BreakerReport) (container.BreakerNews, error) {
			n := said
			if r.What == "probe" {
				time.Sleep(20 * time.Millisecond)
				n.For, n.Place = 0, true
			}
			mu.Lock()
			defer mu.Unlock()
			reports = append(reports, r.What)
			return n, nil
		})
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Millisecond)
		defer cancel()
		began := time.Now()
		err := f.run.Run(ctx, func(context.Context) error { t.Error("it was called"); return nil })
		if took := time.Since(began); took != 2*time.Millisecond || !errors.Is(err, policy.ErrCancelled) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v after %v", err, took)
		}
		time.Sleep(time.Second)
		// One who stays waits for 5ms, and probes by itself.
		began = time.Now()
		if err := f.run.Run(t.Context(), works); err != nil || time.Since(began) != 5*time.Millisecond {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		mu.Lock()
		defer mu.Unlock()
		if got := strings.Join(reports, " "); got != "ask probe dropped" { // others may probe instead
			t.Errorf("it reported %s", got)
		}
	})
}

// A breaker that nothing was said of for an hour looked as one whose store was away.
func TestABreakerTellsNoNewsFromAStoreThatIsAway(t *testing.T) {
	virtual(t, func(t *testing.T) {
		var away atomic.Bool
		var tripped atomic.Int64
		f := follow(t, func(_ context.Context, r container.BreakerReport) (container.BreakerNews, error) {
			if away.Load() {
				return container.BreakerNews{}, errAway
			}
			if r.What == "tripped" {
				tripped.Add(1)
			}
			return container.BreakerNews{Fleet: 3}, nil
		})
		want := func(when string, alone, listening bool, age time.Duration) {
			t.Helper()
			s, _ := f.breaker.Sharing()
			if s.Alone != alone || s.Listening != listening || (time.Since(s.Heard)-age).Abs() > 4*time.Second {
				t.Errorf("%s: %+v, heard %v ago", when, s, time.Since(s.Heard))
			}
		}
		time.Sleep(time.Hour)
		want("after an hour without news", false, true, time.Hour)

		away.Store(true)
		for range policy.DefaultFailureThreshold {
			_ = f.run.Run(t.Context(), func(context.Context) error { return errDown })
		}
		time.Sleep(time.Minute)
		want("what it has to say does not arrive", true, false, time.Hour+time.Minute)
		away.Store(false)
		time.Sleep(4 * time.Second)
		want("it is back", false, true, 0)
		if n := tripped.Load(); n != 1 {
			t.Errorf("that it had tripped meanwhile was told %d times", n)
		}

		close(f.away)
		time.Sleep(time.Minute)
		want("it can't listen", true, false, time.Minute)
		f.scriptedStore.mu.Lock()
		f.away = make(chan struct{})
		f.scriptedStore.mu.Unlock()
		time.Sleep(time.Second)
		want("it listens again", false, true, 0)
		if log := f.log.String(); strings.Count(log, "goes on without the fleet") != 2 || strings.Count(log, "shares with the fleet again") != 2 {
			t.Errorf("logged:\n%s", log)
		}
	})
}

// What has begun to listen for breakers that are then refused ends.
func TestARefusedCatalogLeavesNobodyListening(t *testing.T) {
	virtual(t, func(t *testing.T) {
		store := &scriptedStore{away: make(chan struct{})}
		_, err := container.NewOrchestrator(policy.Catalog{
			CircuitBreakers: map[string]policy.CircuitBreaker{"bank": {Shared: true}},
			Policies: map[string]policy.Policy{
				"p": policy.CircuitBreaker{Name: "bank"},
				"q": policy.Retry{MaxAttempts: -1},
				"r": policy.RateLimit{Name: "nobody's"},
			},
		}, container.WithStore(store))
		if err == nil {
			t.Error("it was not refused")
		}
	})
}

// A breaker that a reload had made did not ask what the fleet knew of it, and one of a
// reload that was refused was asked about for ever.
func TestBreakersOfReloadsFollowTheFleet(t *testing.T) {
	virtual(t, func(t *testing.T) {
		store := &scriptedStore{away: make(chan struct{})}
		catalog := func(names ...string) policy.Catalog {
			c := policy.Catalog{CircuitBreakers: map[string]policy.CircuitBreaker{}, Policies: map[string]policy.Policy{}}
			for _, name := range names {
				c.CircuitBreakers[name] = policy.CircuitBreaker{Shared: true}
				c.Policies["of "+name] = policy.CircuitBreaker{Name: name}
			}
			return c
		}
		asked := func() string {
			time.Sleep(2 * time.Second)
			store.mu.Lock()
			defer store.mu.Unlock()
			slices.Sort(store.asked)
			all := strings.Join(store.asked, " ")
			store.asked = nil
			return all
		}
		o := newOrchestrator(t, catalog("bank"), container.WithStore(store))
		defer o.Close()
		if got := asked(); got != "bank" {
			t.Errorf("at the start: asked of %s", got)
		}
		if err := o.Reload(catalog("bank", "post")); err != nil {
			t.Fatal(err)
		}
		if got := asked(); got != "post" {
			t.Errorf("after a reload: asked of %s", got)
		}
		refused := catalog("bank", "post", "rail")
		refused.Policies["bad"] = policy.RateLimit{Name: "nobody's"}
		if err := o.Reload(refused); err == nil {
			t.Fatal("it was not refused")
		}
		asked()
		store.mu.Lock()
		close(store.away)
		store.away = make(chan struct{})
		store.mu.Unlock()
		if got := asked(); got != "bank post" {
			t.Errorf("after the subscription was lost: asked of %s", got)
		}
	})
}
