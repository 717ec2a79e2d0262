package container

import (
	"context"
	"sync"

	"github.com/cladgo/clad/container/verdict"
	"github.com/cladgo/clad/internal/deadline"
)

// Attempts begins a call whose attempts somebody else makes, as [Call] says, and
// who cannot hold a Call: policy.Do, which does not know of any. It is not to be
// used after its End.
func (p *Pipeline) Attempts(ctx context.Context) interface {
	Next(err error) (again bool, outcome error)
	Context() context.Context
	End()
} {
	a := idle.Get().(*attempts)
	a.pipeline, a.call.ctx, a.call.prog = p, ctx, p.prog.Load()
	return a
}

// attempts is a [Call] on the heap. It comes back to be used again.
type attempts struct {
	pipeline *Pipeline
	call     Call
	err      error
}

var idle = sync.Pool{New: func() any { return new(attempts) }}

func (a *attempts) Next(err error) (again bool, outcome error) {
	a.err = err
	again = a.call.Next(&a.err)
	return again, a.err
}

func (a *attempts) Context() context.Context { return a.call.Context() }

func (a *attempts) End() {
	a.pipeline.end(&a.call, &a.err)
	// One by one: to clear the whole at once costs several times as much.
	a.pipeline, a.err = nil, nil
	c := &a.call
	c.ctx, c.prog, c.caller, c.more = nil, nil, nil, nil
	c.now, c.start, c.began, c.made = 0, 0, 0, 0
	c.phase, c.kept, c.unsent, c.late, c.timesAttempts, c.final, c.effect, c.permits, c.means = begun, false, false, false, false, false, false, 0, verdict.Meaning{}
	c.words, c.ctxs = [inlineWords]uint64{}, [inlineContexts]*deadline.Context{}
	idle.Put(a)
}
