package failover

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A client has as many callers of each kind of call, each of which calls again after
// pause.
const (
	callers = 2
	pause   = 10 * time.Millisecond
	calm    = time.Second            // without any failure a failover is over
	slow    = 500 * time.Millisecond // is as good as a failure
)

// load is callers that go on and on.
type load struct {
	prefix  string
	stopped atomic.Bool
	callers sync.WaitGroup

	mu           sync.Mutex
	first, last  time.Time // when the first call began that failed, and when the last one ended
	well         []time.Time
	failed       int
	acknowledged []string
}

func start(ctx context.Context, prefix string, calls Calls) *load {
	l := &load{prefix: prefix}
	for range callers {
		if calls.Read != nil {
			l.call(func(int) (string, error) { return "", calls.Read(ctx) })
		}
		n := len(l.well)
		l.call(func(i int) (string, error) {
			id := fmt.Sprintf("%s%d-%d", prefix, n, i)
			return id, calls.Write(ctx, id)
		})
	}
	return l
}

// call adds a caller.
func (l *load) call(do func(i int) (id string, err error)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	caller := len(l.well)
	l.well = append(l.well, time.Time{})
	l.callers.Go(func() {
		for i := 0; !l.stopped.Load(); i++ {
			began := time.Now()
			id, err := do(i)
			l.note(caller, began, id, err)
			time.Sleep(pause)
		}
	})
}

func (l *load) note(caller int, began time.Time, id string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if err == nil && id != "" {
		l.acknowledged = append(l.acknowledged, id)
	}
	if err == nil && now.Sub(began) < slow {
		l.well[caller] = now
		return
	}
	l.failed++
	if l.first.IsZero() || began.Before(l.first) {
		l.first = began
	}
	l.last = now
}

// over reports whether all has been well for every caller for some time, since a
// failover.
func (l *load) over(since time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last.After(since) {
		since = l.last
	}
	for _, well := range l.well {
		if well.Sub(since) < calm {
			return false
		}
	}
	return true
}

func (l *load) end() {
	l.stopped.Store(true)
	l.callers.Wait()
}

// result is what came of a load.
type result struct {
	outage time.Duration
	failed int
	// effects are those that there were, doubled those that there were twice or more,
	// and lost those of calls that succeeded that there were not.
	effects, doubled, lost int
}

func (r result) String() string {
	return fmt.Sprintf("%v, %d calls failed or were slow, %d effects, %d doubled, %d lost", r.outage.Round(time.Millisecond), r.failed, r.effects, r.doubled, r.lost)
}

func (l *load) result(effects []string) result {
	times := make(map[string]int)
	for _, id := range effects {
		if strings.HasPrefix(id, l.prefix) {
			times[id]++
		}
	}
	r := result{outage: l.last.Sub(l.first), failed: l.failed, effects: len(times)}
	for _, n := range times {
		if n > 1 {
			r.doubled++
		}
	}
	for _, id := range l.acknowledged {
		if times[id] == 0 {
			r.lost++
		}
	}
	return r
}
