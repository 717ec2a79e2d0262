package container

import (
	"context"
	"sync/atomic"

	"github.com/cladgo/clad/internal/counters"
)

// Pipeline carries out a policy for one operation. It is safe for use by many
// goroutines; each call is a [Call] of its own.
type Pipeline struct {
	prog     atomic.Pointer[program] // nil where there is nothing to do
	counters *counters.Counters
	owner    *owner       // of a policy that is run by its name
	answers  *lastAnswers // from when a policy wants them on
}

// Begin begins an operation; see [Call] for what follows. Where there is
// nothing to do, the call costs nothing and is not counted.
func (p *Pipeline) Begin(ctx context.Context) Call {
	return Call{ctx: ctx, prog: p.prog.Load()}
}

// Hedging reports whether the policy in force hedges the operation's attempts. It is
// for proxies that can tell only at the call whether that may be hedged.
func (p *Pipeline) Hedging() bool {
	prog := p.prog.Load()
	return prog != nil && prog.alone != nil
}

// BeginAlone is [Pipeline.Begin] for a call that must not be hedged, whatever the
// policy; no Hedge need be looked for.
func (p *Pipeline) BeginAlone(ctx context.Context) Call {
	prog := p.prog.Load()
	if prog != nil && prog.alone != nil {
		prog = prog.alone
	}
	return Call{ctx: ctx, prog: prog, alone: true}
}

// Direct reports whether there is nothing to do. A proxy may ask first, and
// call straight through.
func (p *Pipeline) Direct() bool { return p.prog.Load() == nil }

// Run calls fn under the policy, once per attempt, in the caller's goroutine. An
// operation run so is counted even where there is nothing to do.
func (p *Pipeline) Run(ctx context.Context, fn func(context.Context) error) (err error) {
	call := p.Begin(ctx)
	defer p.end(&call, &err)
	for call.Next(&err) {
		err = fn(call.Context())
	}
	return err
}

// end ends a call that is counted also where there is nothing to do.
func (p *Pipeline) end(call *Call, err *error) {
	call.End()
	switch {
	case call.prog != nil: // it has counted the call
	case call.phase >= over && *err == nil:
		p.counters.Count(countSuccess)
	default:
		p.counters.Count(countFailure) // by a panic, perhaps
	}
}
