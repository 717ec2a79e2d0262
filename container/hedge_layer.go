package container

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/cladgo/clad/container/verdict"
	"github.com/cladgo/clad/internal/budget"
	"github.com/cladgo/clad/internal/clock"
	"github.com/cladgo/clad/internal/latency"
	"github.com/cladgo/clad/policy"
)

// A hedge runs attempts side by side, and a Call makes one after the other. So what
// stands within a hedge is a program of its own, and each attempt a Call of that, in
// its own goroutine.

// hedgeStep is a hedge with its defaults filled in.
type hedgeStep struct {
	policy.Hedge
	within *program
	spent  *budget.Budget
	taken  *latency.Recorder // what answers took, where the delay is a quantile of that
}

func newHedgeStep(p policy.Hedge, within *program, spent *budget.Budget, taken *latency.Recorder) *hedgeStep {
	return &hedgeStep{p.WithDefaults(), within, spent, taken}
}

// delay returns after how long to hedge, if at all.
func (s *hedgeStep) delay(now clock.Nanos) (d time.Duration, ok bool) {
	if d, ok = s.Delay, true; d == 0 {
		d, ok = s.taken.Quantile(now, s.Quantile)
	}
	return d, ok && s.spent.Left(now, s.Budget, 0) > 0
}

// HedgedCall is an attempt that others may be made beside; see [Call.Hedge].
type HedgedCall struct {
	ctx    context.Context
	prog   *program
	step   *hedgeStep
	more   *memory         // of the call
	means  verdict.Meaning // of the error that it ended with
	unsent bool
}

// Hedge returns the attempt at hand for [Hedged], where the policy hedges it, else
// nil: then it is made as ever. It is for proxies of methods that are safe to repeat,
// whose pipeline comes from [Methods.Hedges].
func (c *Call) Hedge() *HedgedCall {
	if c.prog == nil || len(c.prog.steps) == 0 {
		return nil
	}
	last := &c.prog.steps[len(c.prog.steps)-1]
	if last.kind != hedgeLayer {
		return nil
	}
	h := &HedgedCall{ctx: c.ctx, prog: c.prog, step: last.hedge(), more: c.memory()}
	h.more.hedged = h
	return h
}

// afterHedge goes on with what a hedged attempt ended with.
func (c *Call) afterHedge(errp *error) bool {
	h := c.more.hedged
	c.more.hedged = nil
	c.means = h.means
	c.effect = c.effect || !h.unsent && !c.means.NoEffect
	err := *errp
	if h.unsent {
		err = c.noteRefusal(err)
	}
	return c.advance(len(c.prog.steps)-1, err, errp)
}

// Context is the context of the attempts.
func (h *HedgedCall) Context() context.Context { return h.ctx }

// Hedged makes an attempt, and others beside it in goroutines of their own where it
// takes too long, and returns what comes first: a success, or an answer that is an
// error; a failure only where all have failed. The contexts of the others end then.
// What they return nevertheless is closed, where it is an io.Closer or a struct of
// some. A panic or runtime.Goexit in one of them goes on in the caller, unless that
// has its result; then it is logged.
//
// attempt may be called by several goroutines at once, and may still run when Hedged
// has returned: it must not share what it writes to, and what it reads must not change.
func Hedged[T any](h *HedgedCall, attempt func(context.Context) (T, error)) (T, error) {
	value, release, err := hedged(&race[T]{HedgedCall: h, run: func(call *Call) (value T, err error) {
		for call.Next(&err) {
			if h := call.Hedge(); h != nil {
				value, err = Hedged(h, attempt)
				continue
			}
			value, err = attempt(call.Context())
		}
		if err == nil && call.old() != nil {
			value, _ = call.old().(T)
		}
		return value, err
	}})
	release()
	return value, err
}

// HedgedOpening is [Hedged] for results that are in use after the call: response
// bodies, streams. attempt makes one under a Call that is its own, with Next in a
// loop as a proxy does, may Judge and Defer it, and is to look for a Hedge within.
// Its value is closed where another is taken, also if there is an error. The context
// of the one that is returned lives on until release is called, which must be.
func HedgedOpening[T io.Closer](h *HedgedCall, attempt func(*Call) (T, error)) (value T, release func(), err error) {
	return hedged(&race[T]{HedgedCall: h, run: attempt, keeps: true})
}

func hedged[T any](r *race[T]) (value T, release func(), err error) {
	h := r.HedgedCall
	now := clock.Now()
	h.step.spent.Operation(now)
	delay, hedges := h.step.delay(now)
	if !hedges {
		won := r.sole()
		return won.value, func() {}, h.settle(won.ending)
	}
	taken := 0 // the attempt whose answer it was, from 0
	defer func() {
		r.cancel()
		r.count(taken)
	}()
	r.ended = make(chan result[T], h.step.MaxHedges+1)
	defer r.over()
	r.start()
	timer := time.NewTimer(delay)
	defer timer.Stop()
	for running := 1; ; {
		select {
		case one := <-r.ended:
			running--
			if running > 0 && !one.decides() {
				r.discard(one)
				continue
			}
			one.goOn()
			if one.decides() {
				taken = one.n
			}
			release, r.cancels[one.n] = r.cancels[one.n], func() {}
			return one.value, release, h.settle(one.ending)
		case <-timer.C:
			if len(r.cancels) > h.step.MaxHedges || h.ctx.Err() != nil || !h.step.spent.Spend(clock.Now(), h.step.Budget, 0) {
				continue
			}
			running++
			h.tell(len(r.cancels)+1, delay)
			r.start()
			timer.Reset(delay)
		}
	}
}

// ending is how an attempt ended.
type ending struct {
	err    error
	means  verdict.Meaning
	unsent bool
	old    any // the answer that took the place of a failure

	lost     bool // by a panic, or by runtime.Goexit
	panicked any
}

type result[T any] struct {
	n     int // of the attempts, from 0
	value T
	ending
}

// decides reports whether no other attempt can tell anything better.
func (e ending) decides() bool {
	return e.err == nil || e.lost || e.means.Verdict == policy.Answered || e.means.Verdict == policy.Refused
}

// goOn has the caller's goroutine end as the attempt's did.
func (e ending) goOn() {
	switch {
	case e.panicked != nil:
		panic(e.panicked)
	case e.lost:
		runtime.Goexit()
	}
}

// settle notes what the attempt ended with, for the layers around.
func (h *HedgedCall) settle(e ending) error {
	h.means, h.unsent, h.more.old = e.means, e.unsent, e.old
	return e.err
}

func (h *HedgedCall) tell(attempt int, after time.Duration) {
	if e := h.prog.events; e.wanted(h.ctx) {
		e.tell(h.ctx, HedgeStarted{h.prog.operation, attempt, after})
	}
}

// count counts the hedges, and tells of the one whose answer was taken, if it was one.
func (r *race[T]) count(taken int) {
	for n := range r.cancels[1:] {
		if n+1 == taken {
			r.prog.counters.Count(countHedgeWon)
		} else {
			r.prog.counters.Count(countHedgeLost)
		}
	}
	if e := r.prog.events; taken > 0 && e.wanted(r.ctx) {
		e.tell(r.ctx, HedgeWon{r.prog.operation, taken + 1})
	}
}

// race is between the attempts of a hedged call.
type race[T any] struct {
	*HedgedCall
	run     func(*Call) (T, error)
	keeps   bool           // values are in use after the call, and those of failures closed too
	cancels []func()       // of the attempts made so far, in their order
	ended   chan result[T] // has room for all
	mu      sync.Mutex
	won     bool // whoever comes now comes late
}

// sole makes the one attempt that is not hedged, in the caller's goroutine.
func (r *race[T]) sole() (one result[T]) {
	r.attempt(r.ctx, &one)
	return one
}

// start makes an attempt in a goroutine of its own.
func (r *race[T]) start() {
	n := len(r.cancels)
	ctx, cancel := context.WithCancel(r.ctx)
	r.cancels = append(r.cancels, cancel)
	go func() {
		one := result[T]{n: n, ending: ending{lost: true}}
		defer func() {
			if one.lost {
				one.panicked = recover()
			}
			if r.late(one) {
				r.discard(one)
			}
		}()
		r.attempt(ctx, &one)
		one.lost = false
	}()
}

// cancel ends the contexts of all attempts but the one that was taken.
func (r *race[T]) cancel() {
	for _, cancel := range r.cancels {
		cancel()
	}
}

func (r *race[T]) attempt(ctx context.Context, one *result[T]) {
	began := clock.Now()
	call := Call{ctx: ctx, prog: r.step.within}
	defer call.End()
	if key := r.more.key; key != nil {
		call.memory().key = key
	}
	one.value, one.err = r.run(&call)
	one.means, one.unsent, one.old = call.means, call.unsent, call.old()
	// One that was cut short would have taken longer still.
	if now := clock.Now(); r.step.Delay == 0 && (one.err == nil || ctx.Err() != nil && r.ctx.Err() == nil) {
		r.step.taken.Add(now, now.Sub(began))
	}
}

// late hands over a result, unless another was first.
func (r *race[T]) late(one result[T]) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.won {
		r.ended <- one
	}
	return r.won
}

// over lets go of all that was not waited for.
func (r *race[T]) over() {
	r.mu.Lock()
	r.won = true
	r.mu.Unlock()
	for {
		select {
		case one := <-r.ended:
			r.discard(one)
		default:
			return
		}
	}
}

func (r *race[T]) discard(one result[T]) {
	switch {
	case one.panicked != nil:
		r.prog.events.write(context.WithoutCancel(r.ctx), slog.LevelError, "an attempt panicked that was hedged, and lost",
			slog.String("operation", r.prog.operation), slog.String("panic", fmt.Sprint(one.panicked)), slog.String("stack", string(debug.Stack())))
	case one.old != nil: // others have it too
	case one.err == nil || r.keeps && !one.lost:
		closeAll(reflect.ValueOf(one.value))
	}
}

// closeAll closes a value that nobody wants, or the fields of it.
func closeAll(v reflect.Value) {
	if !v.IsValid() || !v.CanInterface() {
		return
	}
	if c, ok := reflect.TypeAssert[io.Closer](v); ok {
		if k := v.Kind(); k != reflect.Pointer && k != reflect.Interface || !v.IsNil() {
			_ = c.Close()
		}
		return
	}
	if v.Kind() == reflect.Struct {
		for i := range v.NumField() {
			closeAll(v.Field(i))
		}
	}
}
