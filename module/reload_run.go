package module

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

var errStopping = errors.New("the application stops")

// start has the files watched, and SIGHUP obeyed, until finish.
func (r *Reloader) start() {
	ctx, cancel := context.WithCancelCause(context.Background())
	hangups, ignore := hangups()
	var work sync.WaitGroup
	work.Go(func() {
		r.files.Watch(ctx, func() { _ = r.reload(ctx, false) })
	})
	work.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-hangups:
				_ = r.reload(ctx, true)
			}
		}
	})
	ended := make(chan struct{})
	go func() {
		work.Wait()
		close(ended)
	}()
	r.watching.ended = ended
	r.watching.end = func() { ignore(); cancel(errStopping) }
}

// finish ends what start began, and waits for it.
func (r *Reloader) finish(ctx context.Context) error {
	r.watching.end()
	select {
	case <-r.watching.ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("clad: a reload, or a listener of reloads, has not ended: %w", ctx.Err())
	}
}
