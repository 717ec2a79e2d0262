package demo

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Table prints the story as it is played.
type Table struct {
	Out    io.Writer
	Colour bool
}

const (
	red    = "31"
	green  = "32"
	yellow = "33"
)

func (t Table) head() {
	fmt.Fprintf(t.Out, "   %-26s %-5s %8s  %-10s %-6s %s\n", "step", "HTTP", "took", "breaker", "bank", "what happened")
}

func (t Table) row(r Row) {
	mark, what := t.paint(green, "ok"), r.Told
	if len(r.Wrong) > 0 {
		mark, what = t.paint(red, "NO"), "otherwise than told: "+strings.Join(r.Wrong, "; ")
	}
	if r.RetryAfter > 0 {
		what += fmt.Sprintf(" (Retry-After: %.0f)", r.RetryAfter.Seconds())
	}
	fmt.Fprintf(t.Out, "%s %-26s %-5d %8s  %s %-6s %s\n",
		mark, r.Step, r.Status, r.Took.Round(100*time.Microsecond), t.state(r.Breaker), bankColumn(r), what)
}

func (t Table) foot() {
	fmt.Fprintln(t.Out, "\nEach step went as told. The column bank has the requests that reached it, and the payments (+) and refunds (-) that it booked.")
}

// bankColumn shows "2 +1": asked twice, charged once.
func bankColumn(r Row) string {
	s := fmt.Sprint(r.Asked)
	if r.Charged > 0 {
		s += fmt.Sprintf(" +%d", r.Charged)
	}
	if r.Refunded > 0 {
		s += fmt.Sprintf(" -%d", r.Refunded)
	}
	return s
}

func (t Table) state(s string) string {
	padded := fmt.Sprintf("%-10s", s)
	switch s {
	case open:
		return t.paint(red, padded)
	case halfOpen:
		return t.paint(yellow, padded)
	default:
		return t.paint(green, padded)
	}
}

func (t Table) paint(colour, s string) string {
	if !t.Colour {
		return s
	}
	return "\x1b[" + colour + "m" + s + "\x1b[0m"
}
