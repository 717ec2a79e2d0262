package bucket

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/cladgo/clad/internal/clock"
)

// queue holds those who wait, in order of arrival: a channel each, which is closed
// for the one at the head. They take no token before it is there: a reservation
// that is given up could not be returned once others have reserved after it.
type queue []chan struct{}

// Forever is for a Wait that may end at any time.
const Forever clock.Nanos = math.MaxInt64

// Wait waits for a token as long as the settings allow and the context lasts, and
// no longer than until by. Where none is to be had in that time, wait is the time
// until one would be. It returns the context's error if that ends while waiting.
func (b *Bucket) Wait(ctx context.Context, now, by clock.Nanos) (wait time.Duration, ok bool, err error) {
	wait, turn, patience := b.queueUp(ctx, now, by)
	if turn == nil {
		return wait, false, nil
	}
	defer b.leave(turn)
	timer := time.NewTimer(patience)
	defer timer.Stop()

	select {
	case <-turn:
	case <-ctx.Done():
		return 0, false, ctx.Err()
	case <-timer.C: // the rate was lowered meanwhile
		return b.behind(turn), false, nil
	}
	for out := false; ; {
		wait, changed := b.takeFirst()
		if wait == 0 {
			return 0, true, nil
		}
		if out {
			return wait, false, nil
		}
		token := time.NewTimer(wait)
		select {
		case <-token.C:
		case <-changed:
		case <-ctx.Done():
			err = ctx.Err()
		case <-timer.C:
			out = true
		}
		token.Stop()
		if err != nil {
			return 0, false, err
		}
	}
}

// queueUp takes a place in the queue, to be kept for as long as patience lasts, or
// none where the wait would be too long.
func (b *Bucket) queueUp(ctx context.Context, now, by clock.Nanos) (wait time.Duration, turn chan struct{}, patience time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now = b.at(now)
	patience = b.settings().MaxWait
	b.settle(now) // somebody may have opened a credit since
	wait = b.until(now, len(b.queue))
	if patience <= 0 {
		if len(b.queue) == 0 { // else it is others who are waited for, and they may leave
			b.empty.Store(int64(now.Add(wait))) // an empty bucket need not be asked again before
		}
		return wait, nil, 0
	}
	patience = min(patience, by.Sub(now))
	longest := patience
	if deadline, has := ctx.Deadline(); has {
		longest = min(longest, clock.At(deadline).Sub(now))
	}
	if wait > longest {
		return wait, nil, 0
	}
	turn = make(chan struct{})
	b.queue = append(b.queue, turn)
	if len(b.queue) == 1 {
		close(turn)
	}
	return wait, turn, patience
}

// takeFirst takes a token for the one at the head of the queue. Where there is
// none, it returns how long that takes, unless changed is closed before.
func (b *Bucket) takeFirst() (wait time.Duration, changed <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.at(clock.Now())
	if b.log != nil && b.log.take(now) || b.log == nil && b.limiter.AllowN(now.Time(), 1) {
		return 0, nil
	}
	if b.changed == nil {
		b.changed = make(chan struct{})
	}
	return b.until(now, 0), b.changed
}

// behind returns the time until a token comes for somebody in the queue.
func (b *Bucket) behind(turn chan struct{}) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.until(b.at(clock.Now()), slices.Index(b.queue, turn))
}

// leave gives up a place in the queue; the next one may then go to the head.
func (b *Bucket) leave(turn chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.Index(b.queue, turn)
	b.queue = slices.Delete(b.queue, i, i+1)
	if i == 0 && len(b.queue) > 0 {
		close(b.queue[0])
	}
}
