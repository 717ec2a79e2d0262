package live

import (
	"fmt"
	"strings"

	"github.com/cladgo/clad/cmd/clad/internal/terminal"
	"github.com/cladgo/clad/container/console"
	"github.com/cladgo/clad/internal/printable"
)

// Screen is what a terminal shows. It is driven by keys and states.
type Screen struct {
	View
	Address       string
	Colours       terminal.Colours
	Width, Height int

	state     *console.State
	err       error // why the last state is old
	top       int   // the first operation that is shown
	shown     int   // how many there are
	filtering bool
	help      bool
}

// Show takes a new state, or why there is none: then the last one stays.
func (s *Screen) Show(state *console.State, err error) {
	if s.err = err; err == nil {
		s.state = state
	}
}

// Key obeys a key, and reports whether it ends everything.
func (s *Screen) Key(key string) (quit bool) {
	if s.filtering {
		s.typed(key)
		return key == "ctrl+c"
	}
	if s.help {
		s.help = false
		return key == "q" || key == "ctrl+c"
	}
	switch key {
	case "q", "ctrl+c":
		return true
	case "s":
		s.Sort = s.Sort.Next()
	case "tab":
		s.Table, s.top = s.Table.Next(), 0
	case "u":
		s.Unhealthy, s.top = !s.Unhealthy, 0
	case "/":
		s.filtering = true
	case "esc":
		s.Filter, s.Unhealthy, s.top = "", false, 0
	case "?", "h":
		s.help = true
	case "down", "j":
		s.top++
	case "up", "k":
		s.top--
	case "pgdown", " ":
		s.top += max(1, s.Height/2)
	case "pgup", "b":
		s.top -= max(1, s.Height/2)
	case "home", "g":
		s.top = 0
	case "end", "G":
		s.top = s.shown
	}
	return false
}

// typed is a key of a filter that is being written.
func (s *Screen) typed(key string) {
	s.top = 0
	switch signs := []rune(s.Filter); {
	case key == "enter":
		s.filtering = false
	case key == "esc":
		s.filtering, s.Filter = false, ""
	case key == "backspace":
		s.Filter = string(signs[:max(0, len(signs)-1)])
	case len([]rune(key)) == 1 && len(signs) < 100:
		s.Filter += key
	}
}

var helpLines = []string{
	"q         quit",
	"tab       the next table: what happens now, totals since the start, limits",
	"s         sort by the next: state, rate, failures, latency, name",
	"/         show operations whose name has what is typed; enter ends typing, esc takes it back",
	"u         show only what fails, retries, is rejected or is not closed",
	"j k       down and up, as the arrows; space and b a page, g and G to the ends",
	"",
	"STATE is that of the circuit breakers; rates are of the last ten seconds,",
	"quantiles of the last half minute to minute, waits and retries included.",
	"BUDGET counts retries that a budget refused, SHED what was refused of the sheddable.",
}

// Frame is the whole screen, a line for each of the terminal's.
func (s *Screen) Frame() []string {
	width, height := max(s.Width, 20), max(s.Height, 3)
	lines := []line{{"clad top  " + s.Address, terminal.Colours.Bold}}
	switch {
	case s.help:
		for _, text := range helpLines {
			lines = append(lines, line{text: text})
		}
	case s.state == nil && s.err == nil:
		lines = append(lines, line{text: "asking..."})
	case s.state == nil:
		lines = append(lines, line{s.err.Error(), terminal.Colours.Red})
	default:
		lines = s.board(lines, width, height-1)
	}
	if len(lines) > height-1 {
		lines = lines[:height-1]
	}
	for len(lines) < height-1 {
		lines = append(lines, line{})
	}
	lines = append(lines, s.foot())
	frame := make([]string, len(lines))
	for i, l := range lines {
		frame[i] = cut(printable.Text(l.text), width)
		if l.style != nil {
			frame[i] = l.style(s.Colours, frame[i])
		}
	}
	return frame
}

// board adds a state to what is shown, as far as there is room: a third of it is for
// what is wrong, at most, and the rest for the operations.
func (s *Screen) board(lines []line, width, height int) []line {
	if s.err != nil {
		lines = append(lines, line{fmt.Sprintf("as of %s: %v", s.state.At.Format("15:04:05"), s.err), terminal.Colours.Red})
	}
	above := head(s.state)
	most := max(4, height/2)
	if len(above) > most {
		more := len(above) - most + 1
		above = append(above[:most-1:most-1], plain("and %d more; clad status tells all", more))
	}
	above = unfold(above, width, most)
	lines = append(append(lines, above...), line{})
	table := [...]func(*console.State, int) []line{s.now, s.totals, s.limitTable}[s.Table](s.state, width)
	heading, rows := table[0], table[1:]
	room := max(1, height-len(lines)-1)
	s.shown = len(rows)
	s.top = min(max(0, s.top), max(0, len(rows)-room))
	lines = append(lines, heading)
	if len(rows) == 0 {
		return append(lines, line{text: "none"})
	}
	return append(lines, rows[s.top:min(s.top+room, len(rows))]...)
}

func (s *Screen) foot() line {
	if s.help {
		return line{"any key goes back", terminal.Colours.Dim}
	}
	if s.filtering {
		return line{"/" + s.Filter + "_", terminal.Colours.Bold}
	}
	parts := []string{"q quit", "s sort: " + s.Sort.String(), "/ filter", "tab " + s.Table.Next().String()}
	if s.Filter != "" {
		parts[2] += ": " + s.Filter
	}
	if s.Unhealthy {
		parts = append(parts, "u show all")
	} else {
		parts = append(parts, "u only unhealthy")
	}
	return line{strings.Join(append(parts, "? help"), "   "), terminal.Colours.Dim}
}
