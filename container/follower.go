package container

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cladgo/clad/internal/circuit"
	"github.com/cladgo/clad/internal/clock"
	"github.com/cladgo/clad/internal/quorum"
	"github.com/cladgo/clad/policy"
)

// follower ties a breaker to those of the fleet: it reports what this one finds, and
// opens and closes it when the others have.
type follower struct {
	sharing *sharing
	breaker *CircuitBreaker

	mu       sync.Mutex
	round    int64                   // of the fleet's last opening that was heard of
	joined   bool                    // the breaker is open, or probed, since the fleet is
	failed   bool                    // a probe of its own has, in this round
	reported bool                    // it has said that the dependency is down
	places   map[circuit.Permit]held // of its probes under way, by the fleet's leave
	number   uint64                  // of the last one
	noPlace  clock.Nanos
	knows    Sharing

	box        sync.Mutex
	outbox     []change // what the breaker did, in order
	delivering bool
}

// held is a place among the fleet's probes.
type held struct {
	name  string
	round int64
	since time.Time
}

// change is what a breaker did, or what became of a probe.
type change struct {
	from, to circuit.State
	place    held // of the probe
	what     string
}

const (
	storePatience = 5 * time.Millisecond   // of a call with the store
	noPlacePause  = 100 * time.Millisecond // before it is asked again for leave to probe
)

// share makes a breaker the fleet's, or its own again.
func (b *CircuitBreaker) share(spec policy.CircuitBreaker) {
	switch f := b.fleet.Load(); {
	case b.sharing == nil:
	case spec.Shared && f == nil:
		f = &follower{sharing: b.sharing, breaker: b, knows: Sharing{Instances: max(1, b.sharing.fleet)}}
		b.fleet.Store(f)
		b.sharing.follow(b.Name(), f)
	case !spec.Shared && f != nil:
		b.fleet.Store(nil)
		b.sharing.unfollow(b.Name())
	}
}

// Sharing returns what is known of the fleet that shares the breaker. It is false where
// the breaker is this instance's alone.
func (b *CircuitBreaker) Sharing() (s Sharing, ok bool) {
	f := b.fleet.Load()
	if f == nil {
		return s, false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.knows, true
}

// note keeps what the breaker did. It is called under the breaker's lock.
func (f *follower) note(c change) {
	f.box.Lock()
	defer f.box.Unlock()
	f.outbox = append(f.outbox, c)
}

// flush has what was noted reported, in order.
func (f *follower) flush() {
	f.box.Lock()
	begin := !f.delivering && len(f.outbox) > 0
	f.delivering = f.delivering || begin
	f.box.Unlock()
	if begin && !f.sharing.begin(f.deliver) {
		f.box.Lock()
		f.outbox, f.delivering = nil, false
		f.box.Unlock()
	}
}

func (f *follower) deliver() {
	for {
		f.box.Lock()
		if len(f.outbox) == 0 {
			f.delivering = false
			f.box.Unlock()
			return
		}
		c := f.outbox[0]
		f.outbox = f.outbox[1:]
		f.box.Unlock()
		for _, r := range f.reportsOf(c) {
			if n, err := f.report(r); err == nil {
				f.hear(n)
			}
		}
	}
}

// reportsOf is what there is to say about a change.
func (f *follower) reportsOf(c change) (reports []BreakerReport) {
	open := f.breaker.circuit.OpenFor()
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case c.what != "":
		f.failed = f.failed || c.what == quorum.Failed
		reports = append(reports, BreakerReport{What: c.what, Round: c.place.round, Place: c.place.name, For: open})
	case c.to == circuit.Open && f.joined && c.from == circuit.HalfOpen:
		f.failed = true
		limit := f.breaker.spec.Load().ProbeTimeout - noPlacePause
		for p, place := range f.places { // others that are under way will say what they find
			if time.Since(place.since) >= limit {
				delete(f.places, p)
				reports = append(reports, BreakerReport{What: quorum.Failed, Round: place.round, Place: place.name, For: open})
			}
		}
	case c.to == circuit.Open:
		f.reported = true
		reports = append(reports, BreakerReport{What: quorum.Tripped, For: open})
	case c.to == circuit.Closed:
		if f.reported && !f.joined {
			reports = append(reports, BreakerReport{What: quorum.Recovered})
		}
		f.joined, f.reported = false, false
	}
	return reports
}

// report asks the store, and notes whether it answers.
func (f *follower) report(r BreakerReport) (n BreakerNews, err error) {
	spec := f.breaker.spec.Load()
	r.Instance, r.Quorum = f.sharing.instance, int64(spec.Quorum)
	r.Probes, r.ProbeTimeout = int64(spec.SuccessThreshold), min(spec.ProbeTimeout, math.MaxInt64/2)+time.Second
	err = f.sharing.ask(func(ctx context.Context) (err error) {
		n, err = f.sharing.store.Report(ctx, f.breaker.Name(), r)
		return err
	})
	f.mu.Lock()
	was := f.knows.Alone
	f.knows.Alone = err != nil
	if err == nil {
		f.knows.Instances, f.knows.Heard = int(max(n.Fleet, 1)), time.Now()
	}
	f.mu.Unlock()
	if err != nil && !was {
		f.sharing.tell(Alone{f.breaker.Name(), err})
	} else if err == nil && was {
		f.sharing.tell(Rejoined{f.breaker.Name()})
	}
	return n, err
}

// hear follows what the fleet says.
func (f *follower) hear(n BreakerNews) {
	f.mu.Lock()
	var follow func()
	switch {
	case n.Open && n.Round > f.round:
		f.round, f.joined, f.failed, f.places = n.Round, true, false, nil
		follow = func() { f.breaker.circuit.Open(max(n.For, 1)) }
	case !n.Open && n.Round >= f.round && f.joined:
		f.round, f.joined, f.reported, f.places = n.Round, false, false, nil
		if !f.failed { // else it goes on by itself, as the dependency is down for it alone
			follow = f.breaker.circuit.Close
		}
	}
	f.noPlace = 0
	f.knows.Instances, f.knows.Heard = int(max(n.Fleet, 1)), time.Now()
	f.mu.Unlock()
	if follow == nil {
		return
	}
	follow()
	state := policy.StateClosed
	if n.Open {
		state = policy.StateOpen
	}
	f.sharing.tell(Followed{f.breaker.Name(), state, int(n.Down), int(n.Fleet)})
}

// admit asks the fleet for leave to make a probe, which the breaker has admitted.
// Without the store the instance probes by itself. It returns when to ask again.
func (f *follower) admit(p circuit.Permit, now clock.Nanos) (wait time.Duration, ok bool) {
	f.mu.Lock()
	if !f.joined {
		f.mu.Unlock()
		return 0, true
	}
	if wait = f.noPlace.Sub(now); wait > 0 {
		f.mu.Unlock()
		return wait, false
	}
	f.number++
	round, place := f.round, fmt.Sprintf("%s/%d", f.sharing.instance, f.number)
	f.mu.Unlock()

	answer := make(chan func() (time.Duration, bool), 1)
	var over atomic.Bool // it is settled whether the answer is in time
	if !f.sharing.begin(func() {
		n, err := f.report(BreakerReport{What: quorum.Probe, Round: round, Place: place})
		if over.CompareAndSwap(false, true) {
			answer <- func() (time.Duration, bool) { return f.answered(p, n, err, round, place) }
		} else if err == nil && n.Place {
			_, _ = f.report(BreakerReport{What: quorum.Dropped, Round: round, Place: place})
		}
	}) {
		return 0, true
	}
	timer := time.NewTimer(storePatience)
	defer timer.Stop()
	select {
	case settle := <-answer:
		return settle()
	case <-timer.C:
		if over.CompareAndSwap(false, true) {
			return 0, true // by itself
		}
		return (<-answer)()
	}
}

// answered is what an answer means to one who wants to probe.
func (f *follower) answered(p circuit.Permit, n BreakerNews, err error, round int64, place string) (wait time.Duration, ok bool) {
	switch {
	case err != nil:
		return 0, true
	case n.Place:
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.places == nil {
			f.places = make(map[circuit.Permit]held)
		}
		f.places[p] = held{place, round, time.Now()}
		return 0, true
	case n.Round < round: // the store has lost what it knew
		f.mu.Lock()
		defer f.mu.Unlock()
		f.joined = false
		return 0, true
	case n.Round > round || !n.Open:
		f.hear(n)
		return max(n.For, 0), !n.Open
	}
	wait = max(n.For, noPlacePause/2+rand.N(noPlacePause))
	f.mu.Lock()
	defer f.mu.Unlock()
	f.noPlace = clock.Now().Add(wait)
	return wait, false
}

// probed says what became of a probe.
func (f *follower) probed(p circuit.Permit, o circuit.Outcome) {
	f.mu.Lock()
	place, ok := f.places[p]
	delete(f.places, p)
	f.mu.Unlock()
	if !ok {
		return
	}
	what := quorum.Dropped
	switch {
	case o == circuit.Failure, o == circuit.Success && f.breaker.State() == policy.StateOpen: // it was too slow
		what = quorum.Failed
	case o == circuit.Success:
		what = quorum.Succeeded
	}
	f.note(change{what: what, place: place})
	f.flush()
}
