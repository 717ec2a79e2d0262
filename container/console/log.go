package console

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/internal/refusal"
	"github.com/cladgo/clad/policy"
)

const (
	maxEntries = 250  // of what is rare, and as many of what is not
	maxPending = 1000 // kinds of things that are counted within a step
)

// eventLog is what happened, for people. What is rare (changes of state, reloads,
// controls) is noted at once; what may come by the thousand is counted by what it is
// and noted step by step.
type eventLog struct {
	describe func(error) string
	changed  func() // something rare happened

	mu       sync.Mutex // guards what follows
	id       uint64
	rare     []Entry
	frequent []Entry
	pending  map[pendingKey]*Entry
	breakers map[string]*breakerStory
	refused  map[refuser]uint64 // of limiters and bulkheads
	reloads  Reloads
}

type pendingKey struct{ kind, subject, by string }

// refuser is a limiter or a bulkhead, which may have the same name.
type refuser struct {
	reason container.Reason
	name   string
}

// breakerStory is what a breaker's state does not tell.
type breakerStory struct {
	trip     *Trip
	rejected uint64 // since it opened
}

func newEventLog(describe func(error) string) *eventLog {
	return &eventLog{
		describe: describe, changed: func() {}, pending: make(map[pendingKey]*Entry),
		breakers: make(map[string]*breakerStory), refused: make(map[refuser]uint64),
	}
}

// event is told of every event, by the calls that it happens to.
func (l *eventLog) event(_ context.Context, e container.Event) {
	switch e := e.(type) {
	case container.Transition:
		l.transition(e)
	case container.Reloaded:
		l.reloaded(e)
	case container.Tripped:
		trip := &Trip{At: time.Now(), Operation: e.Operation, Error: l.say(e.Err), Slow: e.Slow}
		l.mu.Lock()
		if story := l.story(e.Name); story != nil {
			story.trip = trip
		}
		l.mu.Unlock()
		l.count(KindTripped, e.Name, e.Operation, func() string {
			if e.Slow {
				return "too many calls are slow, of " + e.Operation + " perhaps"
			}
			if e.Err == nil {
				return "a panic of " + e.Operation + " was one failure too many"
			}
			return "a failure of " + e.Operation + " was one too many: " + trip.Error
		})
		l.changed()
	case container.Rejected:
		l.rejected(e)
	case container.AttemptFailed:
		if e.Verdict == policy.Answered || refusal.Is(e.Err) {
			return // it works, and said no; or a layer refused it, which is told of by itself
		}
		if errors.Is(e.Err, context.Canceled) {
			return // nobody waits for it any more: its caller has gone, or a hedge was faster
		}
		l.count(KindFailed, e.Operation, "", func() string { return l.say(e.Err) })
	case container.Retrying:
		l.count(KindRetry, e.Operation, "", func() string {
			return fmt.Sprintf("attempt %d of %d in %v", e.Attempt, e.Of, e.After.Round(time.Millisecond))
		})
	case container.TimedOut:
		l.count(KindTimeout, e.Operation, "", func() string { return fmt.Sprintf("a timeout of %v passed", e.After) })
	case container.Overrun:
		l.count(KindOverrun, e.Operation, "", func() string {
			return fmt.Sprintf("an attempt came back %v after its deadline: its client does not heed the context", e.Late.Round(time.Millisecond))
		})
	case container.Waited:
		l.count(KindWaited, e.Operation, e.Name, func() string {
			what := "token"
			if e.Reason == container.BulkheadFull {
				what = "permit"
			}
			return fmt.Sprintf("waited %v for a %s of %s", e.For.Round(time.Millisecond), what, e.Name)
		})
	case container.HedgeStarted:
		l.count(KindHedged, e.Operation, "", func() string {
			return fmt.Sprintf("attempt %d began beside one that had taken %v", e.Attempt, e.After.Round(time.Millisecond))
		})
	case container.HedgeWon:
		l.count(KindHedgeWon, e.Operation, "", func() string { return fmt.Sprintf("attempt %d had the answer first", e.Attempt) })
	case container.FellBack:
		l.count(KindFellBack, e.Operation, "", func() string { return "its fallback was asked: " + l.say(e.Err) })
	case container.ServedStale:
		l.count(KindStale, e.Operation, "", func() string {
			return fmt.Sprintf("answered as it did %v ago: %s", e.Age.Round(time.Millisecond), l.say(e.Err))
		})
	case container.Injected:
		l.count(KindChaos, e.Operation, "", func() string {
			if e.Err == nil {
				return fmt.Sprintf("chaos made an attempt %v longer", e.Latency)
			}
			return "chaos failed an attempt: " + l.say(e.Err)
		})
	case container.Alone:
		l.shared(e.Name, "goes on without the others: "+l.say(e.Err))
	case container.Rejoined:
		l.shared(e.Name, "shares again what it knows")
	case container.Followed:
		l.shared(e.Name, fmt.Sprintf("is %v since the others are: %d of %d instances find it down", e.State, e.Down, e.Fleet))
	case container.Probed:
		l.count(KindProbed, e.Name, e.Operation, func() string { return "probed, and is " + e.State.String() + " since" })
	}
}

func (l *eventLog) transition(e container.Transition) {
	text := map[policy.State]string{
		policy.StateOpen:     "opened: calls are refused at once",
		policy.StateHalfOpen: "half-open: some calls pass, to see whether the dependency works",
		policy.StateClosed:   "closed: all calls pass",
	}[e.To]
	l.mu.Lock()
	if story := l.story(e.Name); story != nil && e.From == policy.StateClosed && e.To == policy.StateOpen {
		story.rejected = 0
	}
	l.note(Entry{At: e.At, Kind: KindTransition, Subject: e.Name, State: e.To.String(), Text: text})
	l.mu.Unlock()
	l.changed()
}

func (l *eventLog) reloaded(e container.Reloaded) {
	entry := Entry{At: time.Now(), Kind: KindReload, Text: "the profile was put in force anew"}
	said := l.say(e.Err)
	if e.Err != nil {
		entry.Text = "the profile was not put in force, the last good one stays: " + said
	}
	l.mu.Lock()
	l.reloads.LastAt, l.reloads.LastError = entry.At, said
	if e.Err != nil {
		l.reloads.Failed++
	} else {
		l.reloads.Succeeded++
	}
	l.note(entry)
	l.mu.Unlock()
	l.changed()
}

func (l *eventLog) rejected(e container.Rejected) {
	l.mu.Lock()
	switch e.Reason {
	case container.CircuitOpen:
		if story := l.story(e.Name); story != nil {
			story.rejected++
		}
	case container.RateLimited, container.BulkheadFull:
		by := refuser{e.Reason, e.Name}
		if _, known := l.refused[by]; known || len(l.refused) < maxResources {
			l.refused[by]++
		}
	default:
	}
	l.mu.Unlock()
	l.count(KindRejected, e.Operation, e.Name, func() string {
		return "refused, " + strings.ReplaceAll(string(e.Reason), "_", " ") + ": " + e.Name
	})
}

// story is called with the lock held.
func (l *eventLog) story(breaker string) *breakerStory {
	story := l.breakers[breaker]
	if story == nil && len(l.breakers) < maxResources {
		story = &breakerStory{}
		l.breakers[breaker] = story
	}
	return story
}

// count counts what may come by the thousand. Only the first one of a step is put
// into words, and that without the lock: an error may say whatever it likes.
func (l *eventLog) count(kind, subject, by string, text func() string) {
	key := pendingKey{kind, subject, by}
	l.mu.Lock()
	if l.counted(key) || len(l.pending) >= maxPending {
		l.mu.Unlock()
		return
	}
	l.mu.Unlock()
	entry := &Entry{At: time.Now(), Kind: kind, Subject: subject, By: by, Times: 1, Text: text()}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.counted(key) {
		l.pending[key] = entry
	}
}

func (l *eventLog) counted(key pendingKey) bool {
	entry := l.pending[key]
	if entry != nil {
		entry.Times++
	}
	return entry != nil
}

// shared notes what became of a breaker or limiter that a fleet shares.
func (l *eventLog) shared(subject, text string) {
	l.mu.Lock()
	l.note(Entry{At: time.Now(), Kind: KindShared, Subject: subject, Text: text})
	l.mu.Unlock()
	l.changed()
}

// control notes what somebody did.
func (l *eventLog) control(subject, by, text string) {
	l.mu.Lock()
	l.note(Entry{At: time.Now(), Kind: KindControl, Subject: subject, By: by, Text: text})
	l.mu.Unlock()
	l.changed()
}

// note is called with the lock held.
func (l *eventLog) note(e Entry) {
	l.id++
	e.ID = l.id
	if e.Times == 1 {
		e.Times = 0
	}
	into := &l.rare
	switch e.Kind {
	case KindTransition, KindTripped, KindReload, KindControl, KindShared:
	default:
		into = &l.frequent
	}
	if len(*into) >= maxEntries {
		*into = slices.Delete(*into, 0, len(*into)+1-maxEntries)
	}
	*into = append(*into, e)
}

// flush notes what was counted, and forgets what is gone.
func (l *eventLog) flush(breakers, limiters map[string]uint8, bulkheads map[string]bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	pending := make([]*Entry, 0, len(l.pending))
	for _, e := range l.pending {
		pending = append(pending, e)
	}
	clear(l.pending)
	slices.SortFunc(pending, func(a, b *Entry) int { return a.At.Compare(b.At) })
	for _, e := range pending {
		l.note(*e)
	}
	for name := range l.breakers {
		if _, there := breakers[name]; !there {
			delete(l.breakers, name)
		}
	}
	for by := range l.refused {
		if _, limits := limiters[by.name]; !limits && by.reason == container.RateLimited || !bulkheads[by.name] && by.reason == container.BulkheadFull {
			delete(l.refused, by)
		}
	}
}

// after returns what was noted after an entry, oldest first.
func (l *eventLog) after(id uint64) []Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	entries := []Entry{}
	for _, some := range [][]Entry{l.rare, l.frequent} {
		for _, e := range some {
			if e.ID > id {
				entries = append(entries, e)
			}
		}
	}
	slices.SortFunc(entries, func(a, b Entry) int { return int(a.ID) - int(b.ID) })
	return entries
}

func (l *eventLog) say(err error) string {
	if err == nil {
		return ""
	}
	return cut(plain(l.describe(err)), maxText)
}

func (l *eventLog) reloadsSoFar() Reloads {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.reloads
}

func (l *eventLog) storyOf(breaker string) (*Trip, uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if story := l.breakers[breaker]; story != nil {
		return story.trip, story.rejected
	}
	return nil, 0
}

// refusedBy is how many calls a limiter or bulkhead has refused.
func (l *eventLog) refusedBy(reason container.Reason, name string) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.refused[refuser{reason, name}]
}
