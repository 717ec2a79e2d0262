package container

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/cladgo/clad/internal/circuit"
	"github.com/cladgo/clad/internal/clock"
	"github.com/cladgo/clad/internal/quorum"
	"github.com/cladgo/clad/policy"
)

const storePatience = 5 * time.Millisecond // of a call with the store

// admit asks the fleet for leave to make a probe, which the breaker has admitted.
// Without the store the instance probes by itself. It returns when to ask again, or
// the context's error if that ends first.
func (f *follower) admit(ctx context.Context, p circuit.Permit, now clock.Nanos) (wait time.Duration, ok bool, err error) {
	f.mu.Lock()
	if f.joined && now.Sub(f.since) > f.longest()+f.breaker.spec.load().ProbeTimeout+drift {
		f.joined, f.left = false, true // the others' probes take longer than any may
	}
	if !f.joined {
		f.mu.Unlock()
		return 0, true, nil
	}
	if wait = f.noPlace.Sub(now); wait > 0 {
		f.mu.Unlock()
		return wait, false, nil
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
		return 0, true, nil
	}
	timer := time.NewTimer(storePatience)
	defer timer.Stop()
	select {
	case settle := <-answer:
		wait, ok = settle()
		return wait, ok, nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-timer.C:
	}
	if over.CompareAndSwap(false, true) {
		return 0, err == nil, err // by itself
	}
	wait, ok = (<-answer)()
	return wait, ok, nil
}

// answered is what an answer means to one who wants to probe.
func (f *follower) answered(p circuit.Permit, n BreakerNews, err error, round int64, place string) (wait time.Duration, ok bool) {
	longest := f.longest()
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
		f.joined, f.left = false, true
		return 0, true
	case n.Round > round || !n.Open:
		f.hear(n)
		return min(max(n.For, 0), longest), !n.Open
	}
	wait = max(n.For, noPlacePause/2+rand.N(noPlacePause))
	now := clock.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	if n.For > max(f.since.Add(longest).Sub(now), 0)+drift { // longer than this instance would
		f.joined, f.left = false, true
		return 0, true
	}
	f.noPlace = now.Add(wait)
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
