package watch

import (
	"context"
	"time"
)

// patience is for how many times Quiet events may put off a look. Somebody who
// touches the files all the time must not keep everybody from looking.
const patience = 10

// Watch calls look, in this goroutine, whenever the files may be others than
// before: at once, when they have been quiet after an event, and every Poll. It
// returns when the context ends.
//
// What was there before is for look to know: whoever reads the files knows what
// it has read, and nobody else does if they change while being read.
func (d Directory) Watch(ctx context.Context, look func()) {
	events := &eventSource{directory: d}
	defer events.close()
	poll := time.NewTicker(d.Poll)
	defer poll.Stop()
	quiet := time.NewTimer(0)
	defer quiet.Stop()

	latest := time.Now() // until when the next look may be put off; zero if none is due
	putOff := func() {
		if latest.IsZero() {
			latest = time.Now().Add(patience * d.Quiet)
		}
		quiet.Reset(min(d.Quiet, time.Until(latest)))
	}
	lookNow := func() {
		latest = time.Time{}
		events.renew() // first: what happens after we looked must be heard of
		look()
	}
	for {
		select {
		case <-ctx.Done():
			return
		case event, ok := <-events.named():
			if ok && events.matters(event) {
				putOff()
			}
		case _, ok := <-events.lost():
			if ok {
				putOff()
			}
		case <-quiet.C:
			lookNow()
		case <-poll.C:
			if latest.IsZero() {
				lookNow()
			}
		}
	}
}
