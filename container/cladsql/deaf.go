package cladsql

import (
	"context"
	"database/sql/driver"
	"errors"
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
		return func() {}
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

// dial has the driver connect. One that does not hear that its time is over is left
// to wait by itself, and what comes of it is closed: lib/pq, while it waits for the
// server's first words, and those that are given no context.
func (c *connector) dial(ctx context.Context) (driver.Conn, error) {
	if !c.deaf || ctx.Done() == nil {
		return c.next.Connect(ctx)
	}
	done, left := make(chan connected), make(chan struct{})
	go c.dialAlone(ctx, done, left)
	over := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(patience, func() { close(over) }) })
	defer stop()
	select {
	case made := <-done:
		if made.panicked != nil {
			panic(made.panicked)
		}
		return made.conn, made.err
	case <-over:
		close(left)
		return nil, ctx.Err()
	}
}

type connected struct {
	conn     driver.Conn
	err      error
	panicked any
}

func (c *connector) dialAlone(ctx context.Context, done chan<- connected, left <-chan struct{}) {
	made := connected{err: errors.New("cladsql: the driver ended the goroutine in which it connects")}
	defer func() {
		made.panicked = recover()
		select {
		case done <- made:
		case <-left:
			if made.conn != nil && made.err == nil {
				_ = made.conn.Close() // nobody wants it any more
			}
		}
	}()
	made.conn, made.err = c.next.Connect(ctx)
}
