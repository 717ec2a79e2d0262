package live

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/cladgo/clad/cmd/clad/internal/terminal"
	"github.com/cladgo/clad/container/console"
	"github.com/cladgo/clad/internal/printable"
)

// limit is what stands between the calls and a dependency: a breaker, a limiter, a
// bulkhead, or the partitions of a service.
type limit struct {
	name, kind string
	state      string
	rank       int    // how much it needs attention; 0 is not at all
	used       string // of most; "" where that says nothing
	most       string
	waiting    uint64
	rejected   uint64
	more       []string // what else is known of it
}

// limitsOf are all there are, the worst first.
func limitsOf(s *console.State) []limit {
	var all []limit
	for _, b := range s.CircuitBreakers {
		all = append(all, breakerLimit(b, s.At))
	}
	for _, l := range s.RateLimiters {
		all = append(all, rateLimit(l, s.At))
	}
	for _, b := range s.Bulkheads {
		all = append(all, bulkheadLimit(b))
	}
	for _, service := range s.Services {
		if p := service.Partitions; p != nil {
			all = append(all, partitionsLimit(service.Name, *p))
		}
	}
	slices.SortStableFunc(all, func(a, b limit) int {
		return cmp.Or(-cmp.Compare(a.rank, b.rank), cmp.Compare(a.name, b.name))
	})
	return all
}

func breakerLimit(b console.CircuitBreaker, now time.Time) limit {
	l := limit{name: b.Name, kind: "breaker", state: b.State, rejected: b.Rejected, more: shared(b.Shared, now)}
	switch {
	case b.State == "open":
		l.rank = 3
	case b.State == "half-open":
		l.rank = 2
	}
	switch b.Mode {
	case "forced_open":
		l.state, l.rank = "forced", 3
	case "disabled":
		l.state, l.rank = "disabled", 2
	}
	return l
}

func rateLimit(r console.RateLimiter, now time.Time) limit {
	l := limit{name: r.Name, kind: "limiter", state: "room", rejected: r.Rejected, most: rate(r.PerSecond) + "/s"}
	most := float64(r.Burst)
	if r.PerPeriod > 0 {
		most, l.most = float64(r.PerPeriod), fmt.Sprintf("%d/%s", r.PerPeriod, printable.Duration(seconds(r.Period)))
	}
	if r.Tokens < 1 && r.Shared == nil {
		l.state, l.rank = "used up", 1
	}
	if r.Tokens < 0 {
		l.waiting = uint64(math.Ceil(-r.Tokens))
	}
	if most > 0 && r.Shared == nil { // of one that is shared, what an instance holds says little
		l.used = fmt.Sprintf("%.0f%%", 100*min(max(1-r.Tokens/most, 0), 1))
	}
	if r.Mode == "overridden" {
		l.state, l.rank = "changed", 2
	}
	l.more = shared(r.Shared, now)
	return l
}

func bulkheadLimit(b console.Bulkhead) limit {
	l := limit{
		name: b.Name, kind: "bulkhead", state: "room", used: fmt.Sprint(b.InUse), most: fmt.Sprint(b.Limit),
		waiting: uint64(max(b.Waiting, 0)), rejected: b.Rejected,
	}
	if b.InUse >= b.Limit {
		l.state, l.rank = "full", 1
	}
	if b.Reserve > 0 {
		l.more = append(l.more, fmt.Sprintf("%.0f%% for critical calls", 100*b.Reserve))
	}
	if a := b.Adaptive; a != nil {
		l.kind = "adaptive"
		found := fmt.Sprintf("finds its limit from %d to %d", a.Min, a.Max)
		if a.Unloaded > 0 {
			found += ", calls take " + latency(a.Unloaded) + " without a queue"
		}
		if a.Measuring {
			found += ", which it measures now"
		}
		l.more = append(l.more, found)
	}
	return l
}

func partitionsLimit(service string, p console.Partitions) limit {
	l := limit{name: service, kind: "partitions", state: "closed", used: fmt.Sprint(p.Known), most: fmt.Sprint(p.Max)}
	if n := len(p.Open); n > 0 {
		l.state, l.rank = fmt.Sprintf("%d open", n), 3
		l.more = append(l.more, "open: "+some(p.Open, 5))
	}
	if p.Dropped > 0 {
		l.more = append(l.more, thousands(p.Dropped)+" made room for others")
	}
	return l
}

// shared says with whom, and how old that knowledge is.
func shared(s *console.Shared, now time.Time) []string {
	switch {
	case s == nil:
		return nil
	case s.Alone:
		return []string{"goes on alone, " + heard(s.Heard, now)}
	case s.Listening:
		return []string{fmt.Sprintf("shared by %s, hears of what the others find", instances(s.Instances))}
	default:
		return []string{fmt.Sprintf("shared by %s, %s", instances(s.Instances), heard(s.Heard, now))}
	}
}

func heard(at, now time.Time) string {
	if at.IsZero() {
		return "the store never answered"
	}
	return "the store answered " + ago(now.Sub(at)) + " ago"
}

func instances(n int) string { return plural(uint64(max(n, 0)), "instance", "instances") }

// some are the first of many names.
func some(names []string, most int) string {
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// text is a limit in a line.
func (l limit) text() string {
	kind := map[string]string{"breaker": "circuit breaker", "limiter": "rate limiter", "adaptive": "adaptive limit", "partitions": "partitions of"}[l.kind]
	said := []string{l.state}
	switch {
	case l.kind == "limiter" && l.used != "":
		said = append(said, l.used+" used of "+l.most)
	case l.used != "":
		said = append(said, l.used+" of "+l.most)
	case l.most != "":
		said = append(said, l.most)
	}
	if l.waiting > 0 {
		said = append(said, thousands(l.waiting)+" waiting")
	}
	if l.rejected > 0 {
		said = append(said, thousands(l.rejected)+" rejected")
	}
	return printable.Text(cmp.Or(kind, l.kind) + " " + l.name + ": " + strings.Join(append([]string{strings.Join(said, ", ")}, l.more...), "; "))
}

// Facts are what there is to know beside what is wrong, a line each: what happens in
// the place of failures, and every limiter, bulkhead and partition, and what a fleet
// shares.
func Facts(s *console.State) []string {
	facts := []string{}
	if text := instead(s.Totals); text != "" {
		facts = append(facts, text)
	}
	for _, l := range limitsOf(s) {
		if l.kind != "breaker" || len(l.more) > 0 {
			facts = append(facts, l.text())
		}
	}
	return facts
}

// instead is what was done since the start that a caller does not notice, or hardly.
func instead(t console.Totals) string {
	var said []string
	add := func(n uint64, text string) {
		if n > 0 {
			said = append(said, text)
		}
	}
	add(t.Hedges, plural(t.Hedges, "hedge", "hedges")+" ("+thousands(t.HedgesWon)+" won)")
	add(t.Fallbacks, plural(t.Fallbacks, "fallback", "fallbacks"))
	add(t.Stale, plural(t.Stale, "old answer", "old answers"))
	add(t.RetryBudget, plural(t.RetryBudget, "retry", "retries")+" over budget")
	add(t.Shed, thousands(t.Shed)+" shed")
	add(t.Chaos, thousands(t.Chaos)+" by chaos")
	return strings.Join(said, ", ")
}

// storeBreaker stands before the store. A breaker that is closed asks that nothing, and
// so does not know that it is away.
const storeBreaker = "clad.store"

// sharing is a fleet in a line, "" without one.
func sharing(s *console.State) string {
	var names []string
	most, last, listening := 0, time.Time{}, true
	for _, one := range sharedIn(s) {
		if one.Alone {
			continue
		}
		names = append(names, one.name)
		most = max(most, one.Instances)
		last = later(last, one.Heard)
		listening = listening && one.Listening
	}
	if len(names) == 0 {
		return ""
	}
	news := heard(last, s.At)
	switch {
	case slices.ContainsFunc(s.CircuitBreakers, func(b console.CircuitBreaker) bool { return b.Name == storeBreaker && b.State != "closed" }):
		news += ", and is away"
	case listening: // there may have been nothing to hear for long
		news = "each hears of what the others find"
	}
	slices.Sort(names)
	return fmt.Sprintf("%s share %s; %s", instances(most), some(slices.Compact(names), 3), news)
}

// limitTable is the limits that a view shows, with its heading first.
func (v View) limitTable(s *console.State, width int) []line {
	g := newGrid("LIMIT", column{"KIND", 10, true}, column{"STATE", 9, true}, column{"USED", 5, false},
		column{"OF", 9, false}, column{"WAITING", 7, false}, column{"REJECTED", 8, false})
	for _, l := range limitsOf(s) {
		if v.Unhealthy && l.rank == 0 || !v.has(l.name) {
			continue
		}
		style := [...]func(terminal.Colours, string) string{nil, terminal.Colours.Yellow, terminal.Colours.Yellow, terminal.Colours.Red}[l.rank]
		g.add(style, l.name, l.kind, l.state, cmp.Or(l.used, "-"), cmp.Or(l.most, "-"), short(l.waiting), short(l.rejected))
		for _, text := range l.more {
			g.note(text)
		}
	}
	return g.lines(width)
}

// sharedOne is a breaker or a limiter that a fleet shares.
type sharedOne struct {
	kind, name string
	*console.Shared
}

func sharedIn(s *console.State) (all []sharedOne) {
	for _, b := range s.CircuitBreakers {
		if b.Shared != nil {
			all = append(all, sharedOne{"circuit breaker", b.Name, b.Shared})
		}
	}
	for _, l := range s.RateLimiters {
		if l.Shared != nil {
			all = append(all, sharedOne{"rate limiter", l.Name, l.Shared})
		}
	}
	return all
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
