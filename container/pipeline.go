package container

import (
	"context"
	"log/slog"
	"sync/atomic"
)

// Pipeline carries out a policy for one operation. It is safe for use by many
// goroutines; each call is a [Call] of its own.
type Pipeline struct {
	prog     atomic.Pointer[program]
	counters *counters
	origin   *origin
}

// origin is where the pipeline of a named policy comes from, for those who
// derive pipelines of services from it.
type origin struct {
	orchestrator *Orchestrator
	policy       string
}

// Begin begins an operation; see [Call] for what follows. Where there is
// nothing to do, the call costs nothing and is not counted.
func (p *Pipeline) Begin(ctx context.Context) Call {
	return Call{ctx: ctx, prog: p.prog.Load()}
}

// Run calls fn under the policy, once per attempt, in the caller's goroutine.
func (p *Pipeline) Run(ctx context.Context, fn func(context.Context) error) (err error) {
	call := p.Begin(ctx)
	if call.prog == nil {
		return p.bare(ctx, fn)
	}
	defer call.End()
	for call.Next(&err) {
		err = fn(call.Context())
	}
	return err
}

// bare calls fn under no policy at all, and counts it.
func (p *Pipeline) bare(ctx context.Context, fn func(context.Context) error) (err error) {
	returned := false
	defer func() {
		if returned && err == nil {
			p.counters.success()
		} else {
			p.counters.failed.Add(1)
		}
	}()
	err = fn(ctx)
	returned = true
	return err
}

// verbose reports whether anybody wants to hear of retries and rejections.
func (c *Call) verbose() bool {
	return c.prog.log.Enabled(c.ctx, slog.LevelDebug)
}

func (c *Call) debug(message string, args ...any) {
	c.prog.log.With("operation", c.prog.operation).DebugContext(c.ctx, message, args...)
}
