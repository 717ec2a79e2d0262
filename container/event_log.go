package container

import (
	"context"
	"log/slog"
	"strconv"
	"sync"
	"time"
)

// logEvent writes what an operator would ask for at debug level. Transitions are
// warnings, and written where they are told; of reloads hears who makes them.
func (e *events) logEvent(ctx context.Context, event Event) {
	if !e.log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	write := func(message, operation string, attrs ...slog.Attr) {
		e.write(ctx, slog.LevelDebug, message, append([]slog.Attr{slog.String("operation", operation)}, attrs...)...)
	}
	switch event := event.(type) {
	case AttemptFailed:
		write("attempt failed", event.Operation, slog.Int("attempt", event.Attempt),
			slog.String("verdict", event.Verdict.String()), slog.Any("error", event.Err))
	case Retrying:
		write("retrying", event.Operation, slog.Int("attempt", event.Attempt), slog.Int("of", event.Of),
			slog.Duration("after", event.After), slog.Any("error", event.Err))
	case HedgeStarted:
		write("hedging", event.Operation, slog.Int("attempt", event.Attempt), slog.Duration("after", event.After))
	case HedgeWon:
		write("the hedge was faster", event.Operation, slog.Int("attempt", event.Attempt))
	case Waited:
		what, kind := event.Reason.layer()
		write("waited for "+what, event.Operation, slog.String(kind, event.Name), slog.Duration("for", event.For))
	case Rejected:
		what, kind := event.Reason.layer()
		message := "rejected by " + what
		if event.Reason == RetryBudget {
			message, kind = "not retried, the retry budget is used up", "dependency"
		}
		write(message, event.Operation, slog.String(kind, event.Name), slog.Duration("retry_after", event.RetryAfter))
	case TimedOut:
		write("timed out", event.Operation, slog.Duration("after", event.After), slog.Any("error", event.Err))
	case Overrun:
		write("attempt came back long after its deadline", event.Operation, slog.Duration("late", event.Late))
	case Tripped:
		write("tripped circuit breaker", event.Operation, slog.String("breaker", event.Name), slog.Any("error", event.Err), slog.Bool("slow", event.Slow))
	case Probed:
		write("probed circuit breaker", event.Operation, slog.String("breaker", event.Name), slog.String("state", event.State.String()))
	case Alone:
		e.write(ctx, slog.LevelDebug, "goes on without the fleet", slog.String("name", event.Name), slog.Any("error", event.Err))
	case Rejoined:
		e.write(ctx, slog.LevelDebug, "shares with the fleet again", slog.String("name", event.Name))
	case FellBack:
		write("fell back", event.Operation, slog.Any("error", event.Err))
	case ServedStale:
		write("served an old answer", event.Operation, slog.Duration("age", event.Age), slog.Any("error", event.Err))
	case Injected:
		write("chaos struck", event.Operation, slog.Duration("latency", event.Latency), slog.Any("error", event.Err))
	case Followed:
		e.write(ctx, slog.LevelDebug, "circuit breaker follows the fleet", slog.String("breaker", event.Name),
			slog.String("state", event.State.String()), slog.Int("down", event.Down), slog.Int("fleet", event.Fleet))
	case Transition, Reloaded:
	}
}

// layer returns what the layer is called that rejects for r, in a message and as
// an attribute.
func (r Reason) layer() (what, kind string) {
	switch r {
	case RateLimited:
		return "rate limiter", "limiter"
	case BulkheadFull:
		return "bulkhead", "bulkhead"
	case CircuitOpen, RetryBudget:
	}
	return "circuit breaker", "breaker"
}

// write logs a message, or counts it where there were many like it of late. The
// first of the attributes tells them apart.
func (e *events) write(ctx context.Context, level slog.Level, message string, attrs ...slog.Attr) {
	what := flood{level: level, message: message, of: attrs[0]}
	now := time.Now()
	pass, over := e.floods.pass(what, now)
	for _, f := range over {
		f.log(e.log)
	}
	if pass {
		e.log.LogAttrs(ctx, level, message, attrs...)
	}
}

// endFloods logs what was held back.
func (e *events) endFloods() {
	for _, f := range e.floods.end() {
		f.log(e.log)
	}
}

const (
	floodAfter  = 10               // messages of a kind that are logged one by one
	floodWindow = 10 * time.Second // in such a time
	maxFloods   = 1000             // kinds
)

// floods keep what happens again and again from filling the log. They have no
// goroutine: what was held back is told of when the next message of its kind comes
// after its window, when room is needed, and at the end.
type floods struct {
	mu    sync.Mutex
	kinds map[floodKind]*flood
}

type floodKind struct{ message, of string }

// flood counts the messages of a kind in a window.
type flood struct {
	level   slog.Level
	message string
	of      slog.Attr

	since, until time.Time
	logged, held int
}

// pass reports whether to log a message, and of which floods that are over to tell
// before.
func (f *floods) pass(what flood, now time.Time) (pass bool, over []flood) {
	f.mu.Lock()
	defer f.mu.Unlock()
	kind := floodKind{what.message, what.of.Value.String()}
	known, ok := f.kinds[kind]
	if !ok && len(f.kinds) >= maxFloods {
		over = f.sweep(now)
		if len(f.kinds) >= maxFloods {
			what.of = slog.String(what.of.Key, "(others)")
			kind.of = what.of.Value.String()
			known, ok = f.kinds[kind]
		}
	}
	if !ok {
		if f.kinds == nil {
			f.kinds = make(map[floodKind]*flood)
		}
		what.since = now
		known = &what
		f.kinds[kind] = known
	}
	if now.Sub(known.since) >= floodWindow {
		if known.held > 0 {
			over = append(over, *known)
		}
		known.since, known.logged, known.held = now, 0, 0
	}
	if known.logged < floodAfter {
		known.logged++
		return true, over
	}
	known.held++
	known.until = now
	return false, over
}

// sweep forgets the kinds whose window is over.
func (f *floods) sweep(now time.Time) (over []flood) {
	for kind, known := range f.kinds {
		if now.Sub(known.since) >= floodWindow {
			if known.held > 0 {
				over = append(over, *known)
			}
			delete(f.kinds, kind)
		}
	}
	return over
}

// end forgets all.
func (f *floods) end() (over []flood) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, known := range f.kinds {
		if known.held > 0 {
			over = append(over, *known)
		}
	}
	f.kinds = nil
	return over
}

// log says how many more there were: "rejected by circuit breaker 4,210 times more
// in 10s".
func (f flood) log(log *slog.Logger) {
	within := max(time.Second, f.until.Sub(f.since).Round(time.Second))
	log.LogAttrs(context.Background(), f.level, f.message+" "+grouped(f.held)+" times more in "+within.String(),
		f.of, slog.Int("times", f.held), slog.Time("until", f.until))
}

// grouped writes a number as 4,210.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
