package bulkhead

import (
	"context"
	"slices"
	"time"

	"github.com/cladgo/clad/internal/clock"
)

// queue holds those who wait, in order of arrival: a channel each, which is closed
// when they have their permit.
type queue []chan struct{}

// Wait waits for a permit as long as the settings allow and the context lasts, and
// no longer than until by. It returns false where none came free in that time,
// and the context's error if that ends while waiting.
func (b *Bulkhead) Wait(ctx context.Context, now, by clock.Nanos, sheddable bool) (ok bool, err error) {
	turn, patience := b.queueUp(now, by, sheddable)
	if turn == nil {
		return patience > 0, nil
	}
	defer func() {
		// Also where the context panics, or the goroutine ends: nobody would
		// ever use the permit.
		if had := b.leave(turn, sheddable); had && !ok {
			b.Release()
		}
	}()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-turn:
		return true, nil
	case <-ctx.Done():
		return false, ctx.Err()
	case <-timer.C:
		// Who was given one at the same moment takes it.
		return b.leave(turn, sheddable), nil
	}
}

// queueUp takes a place in the queue, to be kept for as long as patience lasts.
// Without a place, the permit was there meanwhile if there is patience, and is not
// to be waited for if there is none.
func (b *Bulkhead) queueUp(now, by clock.Nanos, sheddable bool) (turn chan struct{}, patience time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	patience = min(b.settings.MaxWait, by.Sub(now))
	if patience <= 0 {
		return nil, 0
	}
	b.word.Or(waiting) // from now on whoever gives one back looks here
	if b.takeBefore(sheddable) {
		b.noteWaiting()
		return nil, patience
	}
	turn = make(chan struct{})
	q := &b.queues[class(sheddable)]
	*q = append(*q, turn)
	return turn, patience
}

func class(sheddable bool) int {
	if sheddable {
		return 1
	}
	return 0
}

// handOut gives permits to those who wait, as far as there are any.
func (b *Bulkhead) handOut() {
	for i := range b.queues {
		q := &b.queues[i]
		for len(*q) > 0 && b.take(b.kept(i > 0), 0) {
			close((*q)[0])
			*q = slices.Delete(*q, 0, 1)
		}
		if len(*q) > 0 {
			break
		}
	}
	b.noteWaiting()
}

// leave gives up a place in the queue, and reports whether a permit came with it.
func (b *Bulkhead) leave(turn chan struct{}, sheddable bool) (had bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	q := &b.queues[class(sheddable)]
	i := slices.Index(*q, turn)
	if i < 0 {
		select {
		case <-turn:
			return true
		default:
			return false // it was left before
		}
	}
	*q = slices.Delete(*q, i, i+1)
	b.noteWaiting()
	return false
}

// noteWaiting takes the flag off when nobody waits any more.
func (b *Bulkhead) noteWaiting() {
	if b.waiting() == 0 {
		b.word.And(^waiting)
	}
}
