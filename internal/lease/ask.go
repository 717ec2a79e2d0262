package lease

import (
	"math/rand/v2"
	"time"

	"github.com/cladgo/clad/internal/clock"
)

// plan has the store asked, if it is time to, and nobody is asking. It wants as many
// tokens as will be used within the horizon, and at least those given.
func (a *Account) plan(now clock.Nanos, least int64) {
	if a.flight.answered != nil || now < a.next || a.closed {
		return
	}
	left := a.left.Load()
	if int64(now) >= a.until.Load() {
		left = 0
	}
	least = max(least, int64(a.asking+len(a.waiters)))
	target := least
	if !a.settings.Exact {
		target = max(least, min(a.demand.measure(now, left), int64(a.settings.burst())))
	}
	want := target - left
	if want <= 0 {
		return
	}
	a.demand.target = target
	a.low.Store(-1)
	if !a.settings.Exact && target > 2 {
		a.low.Store(target / 3)
	}
	a.send(now, want, 0)
}

// send makes a request, which goes out when the lock is free.
func (a *Account) send(now clock.Nanos, want, unused int64) {
	a.sequence++
	r := &Request{
		Instance: a.Instance, Sequence: a.sequence, Epoch: a.epoch,
		PerSecond: a.settings.PerSecond, Burst: a.settings.burst(),
		Want: want, Return: unused, Spent: a.local.unpaid,
		Fresh: min(a.settings.burst(), a.settings.PerSecond*a.demand.since(now).Seconds()), Most: -1,
	}
	if a.local.spentAlone {
		r.Most = min(a.settings.burst(), a.settings.PerSecond*now.Sub(a.local.last).Seconds())
	}
	a.flight = flight{make(chan struct{}), now, want, r.Spent}
	a.request = r
}

// Answer is what the store has answered. It reports whether the instance was alone
// before.
func (a *Account) Answer(g Grant) (rejoined bool) {
	a.mu.Lock()
	defer a.unlock()
	if a.closed {
		return false
	}
	rejoined = a.local.alone
	now := clock.Now()
	asked := a.over()
	a.heard, a.epoch = now, g.Epoch
	if g.Young {
		a.fleet = max(a.fleet, g.Fleet)
	} else {
		a.fleet = g.Fleet
	}
	a.local.rejoin(asked)
	a.reshare(now)
	if g.Tokens > 0 {
		if int64(now) >= a.until.Load() {
			a.demand.put -= a.left.Swap(0)
		}
		tokens := a.local.pay(g.Tokens)
		a.demand.put += tokens
		a.left.Add(tokens)
		a.until.Store(int64(now.Add(Lifetime)))
	}
	a.next = now
	if g.Tokens < asked.want {
		a.next = now.Add(a.pause(g.Wait))
	}
	a.empty.Store(0)
	a.serve(now)
	a.lookAt = now.Add(idle)
	if a.settings.Exact {
		a.lookAt = now.Add(leftover)
	}
	a.schedule(now)
	return rejoined
}

// pause is when to ask again a store that has too few tokens. Those who ask at
// different times share them fairly.
func (a *Account) pause(wait time.Duration) time.Duration {
	if a.settings.Exact {
		return max(wait, time.Millisecond)
	}
	between := time.Duration(min(float64(a.size())/a.settings.PerSecond*1e9/2, float64(slowest)))
	between = max(between, pace)
	return max(min(wait, slowest), between/2+rand.N(between))
}

// Fail says that the store did not answer: the instance is alone with its share until
// it does. It reports whether it was not before.
func (a *Account) Fail() (left bool) {
	a.mu.Lock()
	defer a.unlock()
	if a.closed {
		return false
	}
	left = !a.local.alone
	now := clock.Now()
	a.over()
	a.demand.measure(now, max(a.left.Load(), 0))
	a.local.leave(now, a.demand.since(now))
	a.next = now.Add(pace/2 + rand.N(pace))
	a.empty.Store(0)
	a.serve(now)
	a.schedule(now)
	return left
}

// over ends the question that is under way.
func (a *Account) over() flight {
	f := a.flight
	a.flight = flight{}
	if f.answered != nil {
		close(f.answered)
	}
	return f
}
