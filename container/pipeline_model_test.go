package container_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// What a dependency may answer, beside errDown.
var (
	errNo          = errors.New("no such customer")
	errFatal error = fatalError{}
	errBusy  error = busyError{}
)

// fatalError says itself that it is not worth another attempt.
type fatalError struct{}

func (fatalError) Error() string   { return "fatal" }
func (fatalError) Retryable() bool { return false }

// busyError says itself when to come back.
type busyError struct{}

func (busyError) Error() string             { return "busy" }
func (busyError) RetryAfter() time.Duration { return 700 * time.Millisecond }

// story is a random policy and what happens under it, made from a seed.
type story struct {
	*rand.Rand
	layers    []policy.Policy
	breakers  map[string]policy.CircuitBreaker
	limiters  map[string]policy.RateLimit
	bulkheads map[string]policy.Bulkhead
	others    sync.WaitGroup // in bulkheads
}

func newStory(seed uint64) *story {
	return &story{
		Rand:      rand.New(rand.NewPCG(seed, 1)),
		breakers:  make(map[string]policy.CircuitBreaker),
		limiters:  make(map[string]policy.RateLimit),
		bulkheads: make(map[string]policy.Bulkhead),
	}
}

// upTo is a random duration. To the nanosecond, so that no two things ever
// happen at the same time: who is first then is nobody's business.
func (s *story) upTo(d time.Duration) time.Duration { return 1 + time.Duration(s.Int64N(int64(d))) }

func (s *story) chance(percent int) bool { return s.IntN(100) < percent }

func (s *story) add(kind string) {
	switch kind {
	case "retry":
		s.layers = append(s.layers, s.retry())
	case "breaker":
		name := fmt.Sprint("b", len(s.breakers))
		s.breakers[name] = policy.CircuitBreaker{
			Name:             name,
			FailureThreshold: uint32(1 + s.IntN(4)),
			SuccessThreshold: uint32(1 + s.IntN(3)),
			RecoveryTimeout:  s.upTo(8 * time.Second),
			ProbeTimeout:     s.upTo(8 * time.Second),
			Patience:         s.upTo(time.Second),
		}
		s.layers = append(s.layers, policy.CircuitBreaker{Name: name})
	case "limiter":
		name := fmt.Sprint("l", len(s.limiters))
		spec := policy.RateLimit{Name: name, RequestsPerSecond: 0.2 + 2*s.Float64(), Burst: 1 + s.IntN(4)}
		if s.chance(50) {
			spec.MaxWait = s.upTo(5 * time.Second)
		}
		if s.chance(30) {
			spec.Reserve = s.Float64()
		}
		s.limiters[name] = spec
		s.layers = append(s.layers, policy.RateLimit{Name: name})
	case "bulkhead":
		name := fmt.Sprint("h", len(s.bulkheads))
		spec := policy.Bulkhead{Name: name, MaxConcurrent: 1 + s.IntN(4)}
		if s.chance(50) {
			spec.MaxWait = s.upTo(5 * time.Second)
		}
		if s.chance(50) {
			spec.Reserve = s.Float64()
		}
		s.bulkheads[name] = spec
		s.layers = append(s.layers, policy.Bulkhead{Name: name})
	case "timeout":
		s.layers = append(s.layers, policy.Timeout(s.upTo(6*time.Second)))
	}
}

func (s *story) retry() policy.Retry {
	p := policy.Retry{MaxAttempts: 1 + s.IntN(4)}
	switch s.IntN(3) {
	case 0:
		p.Backoff = policy.Fixed(s.upTo(2*time.Second) - 1)
	case 1:
		p.Backoff = policy.Linear{Initial: s.upTo(time.Second), Increment: s.upTo(time.Second), Max: s.upTo(3 * time.Second)}
	case 2:
		p.Backoff = policy.Exponential{Initial: s.upTo(time.Second), Multiplier: 1 + 2*s.Float64()}
	}
	if s.chance(25) {
		p.MaxElapsed = s.upTo(5 * time.Second)
	}
	if s.chance(25) {
		p.Budget = 0.05 + 0.95*s.Float64()
	}
	switch s.IntN(6) {
	case 0:
		p.RetryIf = func(error) bool { return true }
	case 1:
		p.RetryIf = func(err error) bool { return errors.Is(err, errDown) }
	}
	return p
}

// answers returns a source of the dependency's answers that can be had twice.
func (s *story) answers() func() func() answer {
	seed := s.Uint64()
	failing := s.IntN(100)
	return func() func() answer {
		own := &story{Rand: rand.New(rand.NewPCG(seed, 2))}
		return func() answer {
			a := answer{heeds: own.chance(70)}
			if own.chance(60) {
				a.takes = own.upTo(3 * time.Second)
			}
			if own.chance(failing) {
				a.err = []error{errDown, errDown, errDown, errBusy, errFatal, policy.Permanent(errNo), policy.Answer(errNo)}[own.IntN(7)]
			}
			return a
		}
	}
}

// caller says how long from now the caller's context lasts.
func (s *story) caller() refContext {
	c := refContext{deadline: never, cancel: never, latest: never}
	switch s.IntN(10) {
	case 0:
		c.deadline = s.upTo(6 * time.Second)
	case 1:
		c.cancel = s.upTo(6 * time.Second)
	case 2:
		c.deadline, c.cancel = s.upTo(6*time.Second), s.upTo(6*time.Second)
	case 3:
		if s.chance(30) {
			c.cancel = 0 // over before it begins
		}
	}
	return c
}

// contextOf makes the caller's context, from now on.
func contextOf(t *testing.T, c refContext) (context.Context, context.CancelFunc) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	stop := func() bool { return true }
	if c.cancel == 0 {
		cancel()
	} else if c.cancel != never {
		stop = time.AfterFunc(c.cancel, cancel).Stop
	}
	end := cancel
	if c.deadline != never {
		ctx, end = context.WithTimeout(ctx, c.deadline)
	}
	return ctx, func() { stop(); end(); cancel() }
}

// play lives through the story with the engine and the reference side by side.
func (s *story) play(t *testing.T) {
	t.Helper()
	var waits []time.Duration
	o := newOrchestrator(t, policy.Catalog{CircuitBreakers: s.breakers, RateLimiters: s.limiters, Bulkheads: s.bulkheads},
		container.OnEvent(func(_ context.Context, event container.Event) {
			if e, ok := event.(container.Retrying); ok {
				waits = append(waits, e.After)
			}
		}))
	p := pipelineFor(t, o, "op", s.layers...)
	answers := s.answers()
	ref := newReference(s, answers())
	engine := answers()
	attempts := 0
	callee := func(ctx context.Context) error {
		attempts++
		a := engine()
		if !a.heeds {
			time.Sleep(a.takes)
		} else if err := wait(ctx, a.takes); err != nil {
			return err
		}
		return a.err
	}
	defer s.others.Wait()
	start := time.Now()
	for n := range 12 {
		s.occupy(t, o, ref)
		caller := s.caller()
		ref.attempts, attempts, waits = 0, 0, nil
		ctx, cancel := contextOf(t, caller)
		if ref.sheddable = s.chance(30); ref.sheddable {
			ctx = policy.WithCriticality(ctx, policy.Sheddable)
		}
		err := p.Run(ctx, callee)
		cancel()
		ref.waits = waits
		want := ref.operation(s.layers, caller.from(ref.now))

		compare := func(what string, got, want any) {
			same := got == want
			if d, ok := got.(time.Duration); ok {
				same = about(d, want.(time.Duration))
			}
			if !same {
				t.Errorf("operation %d: %s: got %+v, want %+v\nunder %v", n+1, what, got, want, policy.Combine(s.layers...))
			}
		}
		compare("waits", ref.odd, "")
		compare("attempts", attempts, ref.attempts)
		compare("time", time.Since(start), ref.now)
		compare("error", describe(err), describe(want))
		compare("errors.Is", sentinelsOf(err), sentinelsOf(want))
		compare("time to come back", comesBack(err), comesBack(want))
		totals := o.Metrics().Operations["op"]
		if seen := totals.Overruns - ref.totals.Overruns; seen <= ref.sampled {
			totals.Overruns -= seen
		}
		compare("metrics", totals, ref.totals)
		for name, b := range ref.breakers {
			engine, _ := o.CircuitBreaker(name)
			compare("breaker "+name, engine.State(), b.at(ref.now))
		}
		synctest.Wait() // others may be leaving
		for name, b := range ref.bulkheads {
			b.at(time.Since(start))
			engine, _ := o.Bulkhead(name)
			compare("bulkhead "+name, engine.Status(), container.BulkheadStatus{InUse: b.held})
		}
		if t.Failed() {
			return
		}
		if s.chance(50) {
			time.Sleep(s.upTo(6 * time.Second))
		}
		ref.now = time.Since(start) // the engine rounds up by a nanosecond here and there
	}
}

// occupy has others take permits of bulkheads for a while.
func (s *story) occupy(t *testing.T, o *container.Orchestrator, ref *reference) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(s.bulkheads)) {
		b := ref.bulkheads[name]
		if b.at(ref.now); b.held > 0 || s.chance(50) {
			continue
		}
		b.held = 1 + s.IntN(b.spec.MaxConcurrent)
		stay := s.upTo(6 * time.Second)
		b.until = ref.now + stay
		others := pipelineFor(t, o, "others", policy.Bulkhead{Name: name})
		for range b.held {
			s.others.Go(func() { _ = others.Run(t.Context(), ignores(stay, nil)) })
		}
	}
	synctest.Wait()
}

func comesBack(err error) time.Duration {
	d, _ := policy.RetryAfter(err)
	return d
}

var kinds = []string{"retry", "breaker", "limiter", "bulkhead", "timeout"}

// orders returns all orders of the kinds.
func orders() [][]string {
	all := [][]string{nil}
	for range kinds {
		var longer [][]string
		for _, order := range all {
			for _, kind := range kinds {
				if !slices.Contains(order, kind) {
					longer = append(longer, append(slices.Clone(order), kind))
				}
			}
		}
		all = longer
	}
	return all
}

// In a combined policy the last of retry and timeout once won, and the other
// vanished. Every layer counts, in every order.
func TestEveryOrderOfTheLayers(t *testing.T) {
	all := orders()
	if len(all) != 120 {
		t.Fatalf("%d orders", len(all))
	}
	for i, order := range all {
		t.Run(fmt.Sprint(order), func(t *testing.T) {
			for n := range scale(30) {
				tell(t, uint64(i*100_000+n), func(s *story) {
					for _, kind := range order {
						s.add(kind)
					}
				})
			}
		})
	}
}

// Any number of layers of any kind, in any order: a total timeout outside and
// one per attempt inside, a retry of retries, a breaker of a breaker.
func TestAnyLayersAnyNumberOfTimes(t *testing.T) {
	for n := range scale(4000) {
		tell(t, uint64(10_000_000+n), func(s *story) {
			retries := 0
			for range 1 + s.IntN(8) {
				kind := kinds[s.IntN(len(kinds))]
				if kind == "retry" {
					if retries++; retries > 3 {
						continue // attempts multiply
					}
				}
				s.add(kind)
			}
		})
	}
}

// tell plays the story of a seed.
func tell(t *testing.T, seed uint64, begin func(*story)) {
	t.Helper()
	virtual(t, func(t *testing.T) {
		s := newStory(seed)
		begin(s)
		s.play(t)
	})
	if t.Failed() {
		t.Fatalf("the story of seed %d", seed)
	}
}

// scale makes long tests short where they are told to be, or slow.
func scale(n int) int {
	switch {
	case testing.Short():
		return n / 20
	case raceEnabled:
		return n / 5
	default:
		return n
	}
}
