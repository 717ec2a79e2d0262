package live

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/cladgo/clad/cmd/clad/internal/terminal"
	"github.com/cladgo/clad/container/console"
	"github.com/cladgo/clad/internal/printable"
)

// View is how somebody looks at a state.
type View struct {
	Sort      Sort
	Filter    string // part of a name; "" is all
	Table     Table  // on a screen; Print has all
	Unhealthy bool   // only what fails, retries or is rejected, or whose breaker is not closed
}

// Sort is what operations are sorted by.
type Sort int

// The ways to sort.
const (
	ByState Sort = iota // the worst first, then the busiest
	ByRate
	ByFailures
	ByLatency
	ByName
	sorts
)

// Next is the way to sort that follows.
func (s Sort) Next() Sort { return (s + 1) % sorts }

func (s Sort) String() string {
	return [...]string{"state", "rate", "failures", "latency", "name"}[s]
}

// ParseSort is the way to sort of a name.
func ParseSort(name string) (Sort, error) {
	for s := range sorts {
		if s.String() == name {
			return s, nil
		}
	}
	return 0, fmt.Errorf("-sort %s: it must be state, rate, failures, latency or name", printable.Text(name))
}

// Table is what a screen shows below what is wrong.
type Table int

// The tables.
const (
	Now    Table = iota // what happens to operations
	Totals              // what became of them since the start
	Limits              // breakers, limiters, bulkheads, partitions
	tables
)

// Next is the table that follows.
func (t Table) Next() Table { return (t + 1) % tables }

func (t Table) String() string { return [...]string{"now", "totals", "limits"}[t] }

// row is one operation.
type row struct {
	console.Operation
	policy string
	state  string
}

func (r row) unhealthy() bool {
	return r.state != "" && r.state != "closed" || r.Recent.FailedPerSecond+r.Recent.RetriesPerSecond+r.Recent.RejectedPerSecond > 0
}

// rows are the operations that a view shows, in its order.
func (v View) rows(s *console.State) []row {
	states := map[string]string{}
	for _, b := range s.CircuitBreakers {
		states[b.Name] = b.State
	}
	var all []row
	for _, service := range s.Services {
		for _, m := range service.Methods {
			if m.Policy != "none" || m.Totals.Operations > 0 {
				all = append(all, row{m.Operation, m.Policy, service.State})
			}
		}
	}
	for _, o := range s.Operations {
		all = append(all, row{o, "", states[o.ID]})
	}
	all = slices.DeleteFunc(all, func(r row) bool { return v.Unhealthy && !r.unhealthy() || !v.has(r.ID) })
	slices.SortStableFunc(all, func(a, b row) int {
		name, rate := cmp.Compare(a.ID, b.ID), -cmp.Compare(a.Recent.PerSecond, b.Recent.PerSecond)
		failures := -cmp.Compare(a.Recent.FailedPerSecond+a.Recent.RejectedPerSecond, b.Recent.FailedPerSecond+b.Recent.RejectedPerSecond)
		switch v.Sort {
		case ByRate:
			return cmp.Or(rate, name)
		case ByFailures:
			return cmp.Or(failures, rate, name)
		case ByLatency:
			return cmp.Or(-cmp.Compare(a.Recent.P99, b.Recent.P99), name)
		case ByName:
			return name
		default:
			return cmp.Or(-cmp.Compare(severity(a.state), severity(b.state)), failures, rate, name)
		}
	})
	return all
}

// has reports whether the view shows what has a name.
func (v View) has(name string) bool {
	return strings.Contains(strings.ToLower(name), strings.ToLower(v.Filter))
}

func severity(state string) int { return slices.Index([]string{"half-open", "open"}, state) }

// line is what is printed on one, in a colour.
type line struct {
	text  string
	style func(terminal.Colours, string) string
}

func plain(format string, args ...any) line { return line{text: fmt.Sprintf(format, args...)} }

// head is what stands above the operations.
func head(s *console.State) []line {
	ready := line{"ready", terminal.Colours.Green}
	if !s.Ready {
		ready = line{"NOT READY", terminal.Colours.Red}
	}
	if s.Profile.Name != "" {
		ready.text += ", profile " + s.Profile.Name
	}
	ready.text += ", observed for " + ago(s.At.Sub(s.Since))
	t := s.Totals
	lines := []line{
		ready,
		plain("%s, %s, %s, %s", plural(uint64(len(s.Services)), "service", "services"), plural(uint64(len(s.CircuitBreakers)), "circuit breaker", "circuit breakers"),
			plural(uint64(len(s.RateLimiters)), "rate limiter", "rate limiters"), plural(uint64(len(s.Bulkheads)), "bulkhead", "bulkheads")),
		plain("%s, %s failed, %s, %s rejected, %s", plural(t.Operations, "operation", "operations"), thousands(t.Failed), plural(t.Retries, "retry", "retries"),
			thousands(t.CircuitOpen+t.RateLimited+t.BulkheadFull), plural(t.Timeouts, "timeout", "timeouts")),
	}
	for _, text := range []string{instead(t), sharing(s)} {
		if text != "" {
			lines = append(lines, plain("%s", text))
		}
	}
	if d := s.DryRun; d != nil {
		lines = append(lines, plain("dry run of %s: would have tripped %s times, rejected %s and retried %s (%s of them assumed); %s operations unseen",
			d.Profile, thousands(d.Trips), thousands(d.Rejections), thousands(d.Retries), thousands(d.Assumed), thousands(d.Unseen)))
	}
	for _, trouble := range Troubles(s) {
		style := terminal.Colours.Yellow
		if trouble.Critical {
			style = terminal.Colours.Red
		}
		lines = append(lines, line{trouble.String(), style})
	}
	return lines
}

// now is what happens to the operations, with its heading first.
func (v View) now(s *console.State, width int) []line {
	g := newGrid("OPERATION", column{"STATE", 9, true}, column{"/s", 6, false}, column{"FAIL/s", 6, false}, column{"RETRY/s", 7, false},
		column{"REJ/s", 6, false}, column{"P50", 6, false}, column{"P99", 6, false}, column{"ACTIVE", 6, false})
	for _, r := range v.rows(s) {
		recent := r.Recent
		g.add(r.style(), r.ID, r.state, rate(recent.PerSecond), rate(recent.FailedPerSecond), rate(recent.RetriesPerSecond),
			rate(recent.RejectedPerSecond), latency(recent.P50), latency(recent.P99), short(r.Active))
	}
	return g.lines(width)
}

// totals is what became of the operations since the start, likewise.
func (v View) totals(s *console.State, width int) []line {
	g := newGrid("SINCE THE START", column{"CALLS", 6, false}, column{"FAILED", 6, false}, column{"HEDGES", 6, false}, column{"WON", 5, false},
		column{"FALLBACKS", 9, false}, column{"STALE", 5, false}, column{"BUDGET", 6, false}, column{"SHED", 5, false})
	for _, r := range v.rows(s) {
		t := r.Totals
		g.add(r.style(), r.ID, short(t.Operations), short(t.Failed), short(t.Hedges), short(t.HedgesWon),
			short(t.Fallbacks), short(t.Stale), short(t.RetryBudget), short(t.Shed))
	}
	return g.lines(width)
}

func (r row) style() func(terminal.Colours, string) string {
	switch {
	case r.state == "open":
		return terminal.Colours.Red
	case r.unhealthy():
		return terminal.Colours.Yellow
	}
	return nil
}

func rate(x float64) string {
	switch {
	case x == 0:
		return "-"
	case x < 10:
		return fmt.Sprintf("%.1f", x)
	default:
		return short(uint64(min(x, 1e18) + 0.5))
	}
}

func latency(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d <= 0:
		return "-"
	case d < time.Millisecond:
		return d.Round(time.Microsecond).String()
	case d < 10*time.Millisecond:
		return d.Round(100 * time.Microsecond).String()
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < 100*time.Second:
		return d.Round(10 * time.Millisecond).String()
	default:
		return ago(d)
	}
}

// cut shortens a text to so many signs.
func cut(text string, width int) string {
	if signs := []rune(text); len(signs) > width {
		return string(signs[:max(0, width-1)]) + "…"
	}
	return text
}

// Print writes everything that a view shows, for those who read no screen.
func (v View) Print(w io.Writer, s *console.State) {
	for _, l := range head(s) {
		fmt.Fprintln(w, printable.Text(l.text))
	}
	for i, table := range []func(*console.State, int) []line{v.now, v.totals, v.limitTable} {
		lines := table(s, 1000)
		if i > 0 && len(lines) == 1 {
			continue
		}
		if i > 0 {
			fmt.Fprintln(w)
		}
		for _, l := range lines {
			fmt.Fprintln(w, strings.TrimRight(l.text, " "))
		}
	}
}
