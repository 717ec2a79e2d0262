package lease

import (
	"context"
	"time"

	"github.com/cladgo/clad/internal/clock"
)

// Wait takes a token as soon as there is one: at once, from the store within
// [Patience], else within the settings' MaxWait. It waits no longer than until by, and
// returns the context's error if that ends while waiting. Where it takes none, wait is
// about when there will be one.
func (a *Account) Wait(ctx context.Context, now, by clock.Nanos) (wait time.Duration, ok bool, err error) {
	a.mu.Lock()
	if ok, err := a.consult(ctx, now); ok || err != nil {
		a.unlock()
		return 0, ok, err
	}
	now = clock.Now()
	wait = a.nextToken(now)
	patience := min(a.settings.MaxWait, by.Sub(now))
	longest := patience
	if deadline, has := ctx.Deadline(); has {
		longest = min(longest, clock.At(deadline).Sub(now))
	}
	if patience <= 0 || wait > longest {
		if patience <= 0 && len(a.waiters) == 0 {
			a.empty.Store(int64(now.Add(wait)))
		}
		a.demand.refused.Add(1)
		a.unlock()
		return wait, false, nil
	}
	w := a.waiters.add()
	a.schedule(now)
	a.unlock()
	return a.queueUp(ctx, w, patience)
}

func (a *Account) queueUp(ctx context.Context, w *waiter, patience time.Duration) (wait time.Duration, ok bool, err error) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-w.served:
		return 0, true, nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-timer.C:
	}
	a.mu.Lock()
	defer a.unlock()
	now := clock.Now()
	if a.waiters.remove(w) {
		return a.nextToken(now), false, err
	}
	if err != nil { // it was served at the last moment
		a.left.Add(1)
		a.serve(now)
	}
	return 0, err == nil, err
}

// consult takes what is there, or asks the store and waits for it a little. It is
// called under the lock, and gives it up while it waits.
func (a *Account) consult(ctx context.Context, now clock.Nanos) (ok bool, err error) {
	var timer *time.Timer
	for deadline := now.Add(Patience); ; now = clock.Now() {
		if len(a.waiters) > 0 {
			return false, nil
		}
		if a.take(now) {
			return true, nil
		}
		a.asking++
		a.plan(now, 1)
		answered, left := a.flight.answered, min(deadline, a.flight.since.Add(Patience)).Sub(now)
		if answered == nil || a.local.alone || left <= 0 {
			a.asking--
			return a.overdraw(now, answered != nil), nil
		}
		a.unlock()
		if timer == nil {
			timer = time.NewTimer(left)
			defer timer.Stop()
		}
		select {
		case <-answered:
		case <-timer.C:
		case <-ctx.Done():
			err = ctx.Err()
		}
		a.mu.Lock()
		a.asking--
		if err != nil {
			return false, err
		}
	}
}

// overdraw takes a token of the instance's own share, where the store is away, or is
// late with its answer: then it is paid for later.
func (a *Account) overdraw(now clock.Nanos, late bool) bool {
	if !a.local.alone && !late || !a.local.take(now) {
		return false
	}
	if !a.local.alone {
		a.local.unpaid++
	}
	a.demand.put++
	a.demand.used(now)
	return true
}

// late reports whether the store takes too long to answer.
func (a *Account) late(now clock.Nanos) bool {
	return a.flight.answered != nil && now.Sub(a.flight.since) >= Patience
}

// take takes a token of the lease for one who waits, whom Take has not counted.
func (a *Account) take(now clock.Nanos) bool {
	_, ok := a.pop(now)
	if ok {
		a.demand.used(now)
	}
	return ok
}

// nextToken is about when there will be a token for one more who waits.
func (a *Account) nextToken(now clock.Nanos) time.Duration {
	before := float64(len(a.waiters))
	if a.local.alone {
		return nanoseconds(before/a.local.rate) + a.local.wait(now)
	}
	return nanoseconds(before/a.settings.PerSecond*1e9) + max(a.next.Sub(now), time.Millisecond)
}

// serve gives tokens to those who wait, in the order that they came.
func (a *Account) serve(now clock.Nanos) {
	for len(a.waiters) > 0 && (a.take(now) || a.overdraw(now, a.late(now))) {
		a.waiters.pop()
	}
}
