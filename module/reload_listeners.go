package module

import (
	"log/slog"
	"runtime/debug"
	"sync"
)

// listeners tells of outcomes: in order, one at a time, and outside every lock,
// so that a listener may ask for the status or reload again. Whoever causes an
// outcome while another goroutine is telling leaves it to that one.
type listeners struct {
	all []func(Outcome)
	log *slog.Logger

	mu      sync.Mutex
	waiting []Outcome
	telling bool
}

// add notes an outcome. The order is that of the calls; tell follows.
func (l *listeners) add(o Outcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(l.waiting, o)
}

func (l *listeners) tell() {
	for l.begin() {
		l.tellOne()
	}
}

// begin reports whether there is an outcome to be told, and nobody telling one.
func (l *listeners) begin() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.telling || len(l.waiting) == 0 {
		return false
	}
	l.telling = true
	return true
}

// tellOne tells the next outcome, and ends telling however the listeners end.
func (l *listeners) tellOne() {
	l.mu.Lock()
	outcome := l.waiting[0]
	l.waiting = l.waiting[1:]
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.telling = false
	}()
	for _, listen := range l.all {
		l.call(listen, outcome)
	}
}

// call keeps a listener's panic from ending all later reloads.
func (l *listeners) call(listen func(Outcome), o Outcome) {
	defer func() {
		if cause := recover(); cause != nil {
			l.log.Error("a listener of reloads panicked", "panic", cause, "stack", string(debug.Stack()))
		}
	}()
	listen(o)
}
