package container

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cladgo/clad/policy"
)

// Event is something that happened to an operation, to a circuit breaker or to the
// policies: [AttemptFailed], [Retrying], [HedgeStarted], [HedgeWon], [Waited], [Rejected], [TimedOut],
// [Overrun], [Tripped], [Probed], [FellBack], [ServedStale], [Injected], [Transition], [Reloaded],
// [Alone], [Rejoined] or [Followed].
// The set is closed, but grows: a switch over it needs a default.
type Event interface{ event() }

// AttemptFailed says that an attempt returned an error.
type AttemptFailed struct {
	Operation string
	Attempt   int // of the operation, from 1
	// Verdict is what the error means: Unknown where nobody said.
	Verdict policy.Verdict
	Err     error
	// Took is how long it took, where [OnCompleted] or [OnBegin] asks for times; else
	// it may be 0.
	Took time.Duration
}

// Retrying says that an attempt is followed by another, after a wait.
type Retrying struct {
	Operation string
	Attempt   int // the one to come, as its retry counts
	Of        int // the most that there may be
	After     time.Duration
	Err       error // of the attempt before
}

// HedgeStarted says that another attempt begins beside those under way, which take
// long.
type HedgeStarted struct {
	Operation string
	Attempt   int           // of those side by side, from 2
	After     time.Duration // that the one before was waited for
}

// HedgeWon says that an attempt that was made beside another had the answer first: a
// success, or an error that was one.
type HedgeWon struct {
	Operation string
	Attempt   int // of those side by side, from 2
}

// Waited says that an attempt has waited for its token, or its permit.
type Waited struct {
	Operation string
	Name      string // of the limiter or bulkhead
	For       time.Duration
	// Reason is what it would have been rejected for: RateLimited or BulkheadFull.
	Reason Reason
}

// Rejected says that a layer refused an operation, or an attempt of it. The
// dependency was not called.
type Rejected struct {
	Operation string
	Reason    Reason
	Name      string // of the breaker, limiter, bulkhead or dependency
	// RetryAfter is the time until another attempt may pass, 0 where nobody
	// knows.
	RetryAfter time.Duration
}

// Reason says which kind of layer rejected a call.
type Reason string

// The reasons.
const (
	CircuitOpen  Reason = "circuit_open"
	RateLimited  Reason = "rate_limited"
	BulkheadFull Reason = "bulkhead_full"
	RetryBudget  Reason = "retry_budget" // of the dependency named: no further attempt
)

// TimedOut says that a timeout of the policy ended an operation or an attempt.
type TimedOut struct {
	Operation string
	After     time.Duration
	Err       error // what the dependency returned
}

// Overrun says that an attempt came back long after its deadline: the dependency's
// client does not heed its context.
type Overrun struct {
	Operation string
	Late      time.Duration
}

// Tripped says which operation opened a circuit breaker, and by what: the last of
// the failures that it took, or slow calls. The breaker's [Transition] is told as
// well.
type Tripped struct {
	Operation string
	Name      string // of the breaker
	Err       error  // nil after a panic, and where the operation itself did not fail
	Slow      bool   // too many calls were slow, of this operation or of others
}

// Probed says that an attempt was a probe of a half-open circuit breaker, and what
// that is since.
type Probed struct {
	Operation string
	Name      string // of the breaker
	State     policy.State
}

// FellBack says that an operation failed and its [Fallback] is asked.
type FellBack struct {
	Operation string
	Err       error // what it failed with
}

// ServedStale says that an operation failed, and that its last good answer to the same
// arguments took the place of that: see [policy.Stale].
type ServedStale struct {
	Operation string
	Age       time.Duration // of the answer
	Err       error         // what the operation failed with
}

// Injected says that a [policy.Chaos] struck an attempt.
type Injected struct {
	Operation string
	Latency   time.Duration
	Err       error // nil where it only takes longer
}

// Reloaded says that another catalog was put in force by [Orchestrator.Reload], or
// why not: then the last one stays.
type Reloaded struct{ Err error }

// Alone says that a shared breaker or limiter goes on without the others, since the
// store does not answer as it should.
type Alone struct {
	Name string // of the breaker or limiter
	Err  error
}

// Rejoined says that it shares again what it knows.
type Rejoined struct {
	Name string // of the breaker or limiter
}

// Followed says that a shared circuit breaker has opened or closed since the others
// did. The breaker's [Transition] is told as well.
type Followed struct {
	Name  string // of the breaker
	State policy.State
	// Down is how many instances find the dependency down, of Fleet.
	Down, Fleet int
}

// Completed says how an operation ended.
type Completed struct {
	Operation string
	Attempts  int           // that reached the dependency; 0 if none did
	Duration  time.Duration // of the whole, waits included
	LastTook  time.Duration // what the last attempt took of it
	Verdict   policy.Verdict
	Err       error // nil after a success
	Panicked  bool  // or ended by runtime.Goexit
	Cancelled bool  // by the caller's own end; Err is policy.ErrCancelled then
	FellBack  bool  // its outcome is that of its fallback
	Stale     bool  // it succeeded with an old answer
}

func (AttemptFailed) event() {}
func (Retrying) event()      {}
func (HedgeStarted) event()  {}
func (HedgeWon) event()      {}
func (Rejected) event()      {}
func (TimedOut) event()      {}
func (Overrun) event()       {}
func (Waited) event()        {}
func (Tripped) event()       {}
func (Probed) event()        {}
func (FellBack) event()      {}
func (ServedStale) event()   {}
func (Injected) event()      {}
func (Transition) event()    {}
func (Reloaded) event()      {}
func (Alone) event()         {}
func (Rejoined) event()      {}
func (Followed) event()      {}

// OnEvent has listen told of every [Event], with the context of the call that it
// happened in, in that call's goroutine, so it should be quick. Transitions come in
// the order of the breaker's changes, one at a time and with a context of nobody.
// No lock is held, and a listener that panics is logged and disturbs no call.
func OnEvent(listen func(context.Context, Event)) Option {
	return optionFunc(func(o *options) { o.events.add(listen, nil) })
}

// OnCompleted has listen told how each operation ended, and how long it took: two
// readings of the clock for each, which only those pay who ask. Otherwise it is
// as [OnEvent]. Operations without any policy are not told of.
func OnCompleted(listen func(context.Context, Completed)) Option {
	return optionFunc(func(o *options) { o.events.add(nil, listen) })
}

// OnBegin has begin called before each operation, for the context that it runs in:
// one that carries a span, say. Listeners get that context too, and so does the
// dependency. It must be made of the one given, and end with it. Operations without
// any policy do not begin.
func OnBegin(begin func(ctx context.Context, operation string) context.Context) Option {
	return optionFunc(func(o *options) { o.events.begin = append(o.events.begin, begin) })
}

// events are those who listen.
type events struct {
	begin   []func(context.Context, string) context.Context
	before  []func(context.Context, string) error
	hearers atomic.Pointer[hearers] // nil while there are none
	log     *slog.Logger
	floods  floods
	overran sync.Map // operations whose overruns were warned of
}

// hearers never change; who comes later makes others of them.
type hearers struct {
	listeners []func(context.Context, Event)
	completed []func(context.Context, Completed)
}

// add adds listeners, either of which may be nil.
func (e *events) add(listen func(context.Context, Event), completed func(context.Context, Completed)) {
	for {
		before := e.hearers.Load()
		var all hearers
		if before != nil {
			all = hearers{slices.Clone(before.listeners), slices.Clone(before.completed)}
		}
		if listen != nil {
			all.listeners = append(all.listeners, listen)
		}
		if completed != nil {
			all.completed = append(all.completed, completed)
		}
		if e.hearers.CompareAndSwap(before, &all) {
			return
		}
	}
}

// observed reports whether anybody wants to know how long calls take.
func (e *events) observed() bool {
	h := e.hearers.Load()
	return len(e.begin) > 0 || h != nil && len(h.completed) > 0
}

// wanted reports whether anybody wants to hear of events: one that nobody hears is
// not even made.
func (e *events) wanted(ctx context.Context) bool {
	h := e.hearers.Load()
	return h != nil && len(h.listeners) > 0 || e.log.Enabled(ctx, slog.LevelDebug)
}

func (e *events) tell(ctx context.Context, event Event) {
	e.logEvent(ctx, event)
	h := e.hearers.Load()
	if h == nil {
		return
	}
	for _, listen := range h.listeners {
		safely(ctx, e, listen, event)
	}
}

func (e *events) complete(ctx context.Context, done Completed) {
	h := e.hearers.Load()
	if h == nil {
		return
	}
	for _, listen := range h.completed {
		safely(ctx, e, listen, done)
	}
}

// safely keeps a listener's panic from the call that happened to cause the event,
// which has nothing to do with it.
func safely[E any](ctx context.Context, e *events, listen func(context.Context, E), event E) {
	returned := false
	defer func() {
		if r := recover(); r != nil || !returned {
			kind := fmt.Sprintf("%T", event)
			e.write(ctx, slog.LevelError, "listener panicked", slog.String("event", kind),
				slog.Any("panic", r), slog.String("stack", string(debug.Stack())))
		}
	}()
	listen(ctx, event)
	returned = true
}
