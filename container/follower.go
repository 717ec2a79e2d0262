package container

import (
	"context"
	"math"
	"sync"
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
	since    clock.Nanos             // when it was
	joined   bool                    // the breaker is open, or probed, since the fleet is
	left     bool                    // it was, and goes on by itself
	failed   bool                    // a probe of its own has, in this round
	reported bool                    // it has said that the dependency is down
	places   map[circuit.Permit]held // of its probes under way, by the fleet's leave
	number   uint64                  // of the last one
	noPlace  clock.Nanos
	misheard clock.Nanos // when it was last logged that what came cannot be
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

const noPlacePause = 100 * time.Millisecond // before the store is asked again for leave to probe

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
	f.sharing.mu.Lock()
	listening := f.sharing.listening
	f.sharing.mu.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	s = f.knows
	s.Listening = listening && !s.Alone
	return s, true
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
		limit := f.breaker.spec.load().ProbeTimeout - noPlacePause
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
		r := BreakerReport{What: quorum.Recovered}
		if c.from == circuit.HalfOpen { // its own probes have found it back: nobody else may know
			r.Round = f.round
		}
		if f.reported || f.joined || f.left {
			reports = append(reports, r)
		}
		f.joined, f.left, f.reported = false, false, false
	}
	return reports
}

// report asks the store, and notes whether it answers.
func (f *follower) report(r BreakerReport) (n BreakerNews, err error) {
	spec := f.breaker.spec.load()
	r.Instance, r.Quorum = f.sharing.instance, int64(spec.Quorum)
	r.Probes, r.ProbeTimeout = int64(spec.SuccessThreshold), min(spec.ProbeTimeout, math.MaxInt64/2)+time.Second
	err = f.sharing.ask(func(ctx context.Context) (err error) {
		n, err = f.sharing.store.Report(ctx, f.breaker.Name(), r)
		return err
	})
	if err == nil {
		err = n.check()
	}
	f.answers(&n, err)
	return n, err
}

// answers notes whether the store is there for the breaker, and tells of a change.
func (f *follower) answers(n *BreakerNews, err error) {
	f.mu.Lock()
	was := f.knows.Alone
	f.knows.Alone = err != nil
	if err == nil {
		f.knows.Instances, f.knows.Heard = int(max(n.Fleet, 1)), time.Now()
	}
	f.mu.Unlock()
	if err != nil {
		f.sharing.mendLater()
	}
	if err != nil && !was {
		f.sharing.tell(Alone{f.breaker.Name(), err})
	} else if err == nil && was {
		f.sharing.tell(Rejoined{f.breaker.Name()})
	}
}

func (f *follower) isAlone() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.knows.Alone
}

// catchUp asks what the fleet knows, and reports again that this instance finds the
// dependency down, where that may not have arrived.
func (f *follower) catchUp() error {
	r := BreakerReport{What: quorum.Ask}
	state, open := f.breaker.circuit.State(), f.breaker.circuit.OpenFor()
	f.mu.Lock()
	if f.knows.Alone && f.reported && !f.joined && state != circuit.Closed {
		r = BreakerReport{What: quorum.Tripped, For: open}
	}
	f.mu.Unlock()
	n, err := f.report(r)
	if err != nil {
		return err
	}
	f.mu.Lock()
	ended := n.Open && n.Round == f.round && !f.joined && state == circuit.Closed
	f.mu.Unlock()
	if ended { // while the store was away
		_, err = f.report(BreakerReport{What: quorum.Recovered, Round: n.Round})
		return err
	}
	f.hear(n)
	return nil
}
