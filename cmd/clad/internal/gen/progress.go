package gen

import (
	"fmt"
	"sync"
	"time"
)

// progress says what is going on, once that takes more than a second.
type progress struct {
	say   func(format string, args ...any)
	mu    sync.Mutex
	timer *time.Timer
	since time.Time
}

const (
	patience = time.Second
	moment   = 100 * time.Millisecond // stages that are over in one are not worth a line
)

func newProgress(say func(format string, args ...any)) *progress {
	return &progress{say: say, since: time.Now()}
}

func (p *progress) stage(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer != nil {
		p.timer.Stop()
	}
	text := fmt.Sprintf(format, args...)
	p.timer = time.AfterFunc(max(moment, patience-time.Since(p.since)), func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.say("%s ...", text)
	})
}

func (p *progress) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer != nil {
		p.timer.Stop()
	}
}
