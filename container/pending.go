package container

import (
	"sync/atomic"

	"github.com/cladgo/clad/container/verdict"
	"github.com/cladgo/clad/policy"
)

// Pending is an operation whose result is still in use after its call: a
// response body, a stream. It is judged when that ends or first fails, so that
// an opening that succeeds cannot hide what follows and fails:
//
//	var p container.Pending
//	for call.Next(&err) {
//		stream, err = next.Open(call.Context())
//		if err == nil {
//			call.Defer(&p)
//		}
//	}
//	...
//	err = p.Finish(stream.Err(), policy.Unknown)
//
// The zero value is one that nothing was deferred to. A Pending must not be
// copied once something was.
type Pending struct {
	call     Call
	permits  *heldPermits
	finished atomic.Bool
}

// Defer leaves the outcome of the call to p. Until p is finished, circuit
// breakers and metrics hear nothing, what the call holds is held (the place of a
// probe, the permits of bulkheads), and its context ends only by the policy's
// timeouts and with the caller's. Permits are given back when that ends, if p is not
// finished by then. Defer is called after an attempt that succeeded so far, before Next,
// which then reports that there is nothing more to do.
//
// A call that has failed may leave a result as well, which [Call.Detach] has kept
// alive: the body of an answer that is a failure. Defer is called after Next then,
// and p says of what follows no more than whether it ran into a timeout.
//
// An operation that is never finished is not counted. It holds no goroutine, and
// as a probe it hangs: see policy.CircuitBreaker.ProbeTimeout.
func (c *Call) Defer(p *Pending) {
	p.call = *c
	p.call.deferred = true
	if c.more != nil {
		c.more.hedged = nil // what follows is p's to say
	}
	p.permits = p.call.keepPermits()
	c.phase = over
}

// Finish says how the operation ended: with nil it succeeded. It returns the
// error as the call would have: a *policy.TimeoutError where a timeout of the
// policy passed, a *policy.CancelledError where the caller's own context ended,
// else err itself. No further attempt is made. v is the verdict on err where
// that is known better than err itself can say, as in [Call.Judge].
//
// Only the first Finish or Leave counts; others return their err. They may be
// called by any goroutine.
func (p *Pending) Finish(err error, v policy.Verdict) error {
	return p.finish(err, verdict.Meaning{Verdict: v})
}

// Leave is Finish for a result that was given up, or that ended while nobody was
// waiting for the dependency: circuit breakers hear nothing of it.
func (p *Pending) Leave(err error) error { return p.finish(err, verdict.Meaning{Neutral: true}) }

func (p *Pending) finish(err error, m verdict.Meaning) error {
	if !p.finished.CompareAndSwap(false, true) || p.call.prog == nil {
		return err
	}
	p.permits.end()
	c := &p.call
	c.now, c.late, c.final, c.means = 0, true, true, m
	if c.phase == over {
		return c.leave(err)
	}
	c.next(&err)
	return err
}

// leave ends what was kept for the result of a call that has failed.
func (c *Call) leave(err error) error {
	c.kept = false
	for i := len(c.prog.steps) - 1; i >= 0; i-- {
		switch s := &c.prog.steps[i]; {
		case s.kind != timeoutLayer:
		case err == nil:
			c.leaveTimeout(s)
		default:
			err = c.exitTimeout(s, err)
		}
	}
	return err
}
