package cladsql

import (
	"context"
	"sync"
	"time"
)

// How long a driver may take to hear that its time is over, or that its caller has
// gone: for that there is no hurry.
const (
	patience     = 100 * time.Millisecond
	whereNoHurry = time.Second
)

// watch closes a connection whose driver does not hear that its context is over,
// and returns how to end that. lib/pq asks the server to cancel the statement, and
// waits for the answer: a server that hangs gives none. Its Close may be called
// meanwhile, and its connection is of no use any more by then.
func (c *conn) watch(ctx context.Context) (end func()) {
	if !c.made.deaf() || ctx.Done() == nil {
		return nil
	}
	w := &watch{}
	next := c.next
	stop := context.AfterFunc(ctx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if !w.ended {
			patience := patience
			if ctx.Err() == context.Canceled {
				patience = whereNoHurry
			}
			w.timer = time.AfterFunc(patience, func() {
				w.mu.Lock()
				defer w.mu.Unlock()
				if !w.ended {
					_ = next.Close()
				}
			})
		}
	})
	return func() {
		stop()
		w.end()
	}
}

type watch struct {
	mu    sync.Mutex
	timer *time.Timer // nil until the context is over
	ended bool
}

func (w *watch) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	if w.timer != nil {
		w.timer.Stop()
	}
}
