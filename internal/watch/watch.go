package watch

import (
	"context"
	"time"
)

// patience is for how many times Quiet events may put off a look. Somebody who
// touches the files all the time must not keep everybody from looking.
const patience = 10

// Watch calls changed, in this goroutine, each time the content is another than
// at the last time, and first if it is another than since. It returns when the
// context ends.
//
// What it reports has been quiet for a moment but may still be in the making:
// changed should wait until it has [Directory.Settled]. A change that is undone
// before that is reported too.
func (d Directory) Watch(ctx context.Context, since Snapshot, changed func()) {
	events := &eventSource{directory: d}
	defer events.close()
	poll := time.NewTicker(d.Poll)
	defer poll.Stop()

	known := since
	look := func() {
		events.renew() // first: what happens after we looked must be heard of
		if now := d.Look(); now != known {
			known = now
			changed()
		}
	}
	look()

	quiet := time.NewTimer(d.Quiet)
	quiet.Stop()
	var latest time.Time // until when the next look may be put off; zero if none is due
	putOff := func() {
		if latest.IsZero() {
			latest = time.Now().Add(patience * d.Quiet)
		}
		quiet.Reset(min(d.Quiet, time.Until(latest)))
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
			latest = time.Time{}
			look()
		case <-poll.C:
			if latest.IsZero() {
				look()
			}
		}
	}
}
