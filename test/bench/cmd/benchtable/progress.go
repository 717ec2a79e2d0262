package main

import (
	"fmt"
	"io"
	"os"
	"time"
)

// progress tells what is being done and how long it will take still. Its zero
// pointer says nothing.
type progress struct {
	w        io.Writer
	terminal bool
	phases   []phase
	current  int
	start    time.Time // of the current phase
	said     time.Time
}

// phase is a part of a run, and how long it is expected to take.
type phase struct {
	what string
	time time.Duration
}

func newProgress(w io.Writer) *progress {
	p := &progress{w: w}
	if f, ok := w.(*os.File); ok {
		info, err := f.Stat()
		p.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return p
}

// plan says what is to come.
func (p *progress) plan(phases ...phase) {
	if p != nil {
		p.phases, p.current = phases, -1
	}
}

// next begins the next phase.
func (p *progress) next() {
	if p == nil {
		return
	}
	p.current++
	p.start, p.said = time.Now(), time.Time{}
	p.done(0, 1)
}

// done says that so much of the phase is done.
func (p *progress) done(done, of int) {
	if p == nil {
		return
	}
	// A terminal's line is written over; elsewhere every line stays.
	every := 10 * time.Second
	if p.terminal {
		every = 200 * time.Millisecond
	}
	if time.Since(p.said) < every {
		return
	}
	p.said = time.Now()
	phase := p.phases[p.current]
	left := phase.time
	if done > 0 {
		left = time.Duration(float64(time.Since(p.start)) * float64(of-done) / float64(done))
	}
	for _, later := range p.phases[p.current+1:] {
		left += later.time
	}
	line := fmt.Sprintf("%d/%d %s, %d%%; about %v left in all", p.current+1, len(p.phases), phase.what, 100*done/of, left.Round(time.Second))
	if p.terminal {
		fmt.Fprintf(p.w, "\r\x1b[K%s", line)
	} else {
		fmt.Fprintln(p.w, line)
	}
}

// clear takes the line off the terminal.
func (p *progress) clear() {
	if p != nil && p.terminal {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
