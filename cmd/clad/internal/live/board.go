package live

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cladgo/clad/cmd/clad/internal/terminal"
	"github.com/cladgo/clad/container/console"
	"github.com/cladgo/clad/internal/printable"
)

// View is how somebody looks at a state.
type View struct {
	Sort      Sort
	Filter    string // part of a name; "" is all
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
	filter := strings.ToLower(v.Filter)
	all = slices.DeleteFunc(all, func(r row) bool {
		return v.Unhealthy && !r.unhealthy() || !strings.Contains(strings.ToLower(r.ID), filter)
	})
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
	profile := ""
	if s.Profile.Name != "" {
		profile = "profile " + s.Profile.Name + ", "
	}
	t := s.Totals
	lines := []line{
		ready,
		plain("%s%d services, %d circuit breakers, %d rate limiters, observed for %s",
			profile, len(s.Services), len(s.CircuitBreakers), len(s.RateLimiters), ago(s.At.Sub(s.Since))),
		plain("%s operations, %s failed, %s retries, %s rejected, %s timeouts",
			thousands(t.Operations), thousands(t.Failed), thousands(t.Retries), thousands(t.CircuitOpen+t.RateLimited), thousands(t.Timeouts)),
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

// table is the operations, with its heading first.
func table(rows []row, width int) []line {
	const numbers = "%9s %8s %8s %8s %8s %8s %6s"
	name := len("OPERATION")
	for _, r := range rows {
		name = max(name, utf8.RuneCountInString(printable.Text(r.ID)))
	}
	name = min(name, max(20, width-len(fmt.Sprintf(numbers, "", "", "", "", "", "", ""))-12))
	heading := fmt.Sprintf("%-*s %-9s "+numbers, name, "OPERATION", "STATE", "/s", "FAILED/s", "RETRY/s", "REJECT/s", "P50", "P99", "ACTIVE")
	lines := []line{{heading, terminal.Colours.Bold}}
	for _, r := range rows {
		recent := r.Recent
		text := fmt.Sprintf("%-*s %-9s "+numbers, name, cut(printable.Text(r.ID), name), cut(printable.Text(r.state), 9),
			rate(recent.PerSecond), rate(recent.FailedPerSecond), rate(recent.RetriesPerSecond), rate(recent.RejectedPerSecond),
			latency(recent.P50), latency(recent.P99), count(r.Active))
		var style func(terminal.Colours, string) string
		switch {
		case r.state == "open":
			style = terminal.Colours.Red
		case r.unhealthy():
			style = terminal.Colours.Yellow
		}
		lines = append(lines, line{text, style})
	}
	return lines
}

func rate(x float64) string {
	switch {
	case x == 0:
		return "-"
	case x < 10:
		return fmt.Sprintf("%.1f", x)
	case x < 1e6:
		return fmt.Sprintf("%.0f", x)
	default:
		return fmt.Sprintf("%.1e", x)
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
	default:
		return d.Round(10 * time.Millisecond).String()
	}
}

func count(n uint64) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n)
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
	for _, l := range table(v.rows(s), 1000) {
		fmt.Fprintln(w, strings.TrimRight(l.text, " "))
	}
}
