package live

import (
	"fmt"
	"strings"
	"time"

	"github.com/cladgo/clad/container/console"
	"github.com/cladgo/clad/internal/printable"
)

// Trouble is one thing that is not as it should be.
type Trouble struct {
	// Critical says that the application is of no use because of it.
	Critical bool   `json:"critical"`
	Text     string `json:"text"` // one line
}

func (t Trouble) String() string {
	if t.Critical {
		return "CRITICAL " + t.Text
	}
	return "WARNING  " + t.Text
}

// Troubles lists what is wrong, the critical first: services that are down, circuit
// breakers that are not closed or that somebody holds, limits that somebody has
// changed, bulkheads before which calls wait, what goes on without its fleet, and a
// profile that could not be reloaded.
func Troubles(s *console.State) []Trouble {
	var critical, others []Trouble
	told := map[string]bool{} // breakers that a service's line has told of
	breakers := map[string]console.CircuitBreaker{}
	for _, b := range s.CircuitBreakers {
		breakers[b.Name] = b
	}
	for _, service := range s.Services {
		if !service.Critical || service.State != "open" {
			continue
		}
		text := []string{service.Name + " is down"}
		for _, name := range service.CircuitBreakers {
			if b, ok := breakers[name]; ok && b.State == "open" {
				text = append(text, breakerText(b, s.At))
				told[name] = true
			}
		}
		critical = append(critical, Trouble{true, printable.Text(strings.Join(text, ": "))})
	}
	if !s.Ready && len(critical) == 0 {
		critical = append(critical, Trouble{true, "the application is not ready"})
	}
	others = append(others, partitionTroubles(s, told)...)
	add := func(text string) { others = append(others, Trouble{Text: printable.Text(text)}) }
	for _, b := range s.CircuitBreakers {
		if !told[b.Name] && (b.State != "closed" || b.Mode != "automatic") {
			add(breakerText(b, s.At))
		}
	}
	for _, l := range s.RateLimiters {
		if l.Control != nil {
			add(fmt.Sprintf("rate limiter %s is set to %v/s%s", l.Name, l.PerSecond, controlText(l.Control, s.At)))
		}
	}
	for _, text := range append(fullBulkheads(s), alone(s)...) {
		add(text)
	}
	switch {
	case s.Profile.Error != "":
		add(fmt.Sprintf("profile %s was not reloaded: %s", s.Profile.Name, s.Profile.Error))
	case s.Reloads.LastError != "":
		add("the profile was not reloaded: " + s.Reloads.LastError)
	}
	return append(critical, others...)
}

// manyPartitions are told of in one line, and not by their breakers.
const manyPartitions = 3

// partitionTroubles are services many of whose partitions are down, whose breakers
// are told of by that.
func partitionTroubles(s *console.State, told map[string]bool) (troubles []Trouble) {
	for _, service := range s.Services {
		p := service.Partitions
		if p == nil || len(p.Open) <= manyPartitions {
			continue
		}
		text := fmt.Sprintf("%d of %d partitions of %s are down: %s", len(p.Open), p.Known, service.Name, some(p.Open, manyPartitions))
		troubles = append(troubles, Trouble{Text: printable.Text(text)})
		for _, key := range p.Open {
			told[service.Name+"/"+key] = true
		}
	}
	return troubles
}

// fullBulkheads are those before which calls wait.
func fullBulkheads(s *console.State) (texts []string) {
	for _, b := range s.Bulkheads {
		if b.InUse >= b.Limit && b.Waiting > 0 {
			texts = append(texts, fmt.Sprintf("bulkhead %s is full: %d calls under way, %d wait, %s rejected", b.Name, b.InUse, b.Waiting, thousands(b.Rejected)))
		}
	}
	return texts
}

// alone is what goes on without the fleet, in a line.
func alone(s *console.State) []string {
	var names []string
	var last time.Time
	for _, one := range sharedIn(s) {
		if one.Alone {
			names = append(names, one.kind+" "+one.name)
			last = later(last, one.Heard)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("going on without the fleet: %s; %s", some(names, 3), heard(last, s.At))}
}

func breakerText(b console.CircuitBreaker, now time.Time) string {
	text := fmt.Sprintf("circuit breaker %s is %s", b.Name, b.State)
	switch b.Mode {
	case "forced_open":
		text = fmt.Sprintf("circuit breaker %s is forced open", b.Name)
	case "disabled":
		text = fmt.Sprintf("circuit breaker %s is disabled", b.Name)
	}
	text += " for " + ago(now.Sub(b.Since))
	if b.Rejected > 0 {
		text += fmt.Sprintf(", %s calls rejected", thousands(b.Rejected))
	}
	if b.State == "open" && b.RetryAfter > 0 {
		text += ", next probe in " + ago(time.Duration(b.RetryAfter*float64(time.Second)))
	}
	if b.Control != nil {
		return text + controlText(b.Control, now)
	}
	if b.LastTrip != nil && b.State != "closed" {
		text += "; tripped by " + b.LastTrip.Operation
		if b.LastTrip.Error != "" {
			text += ": " + b.LastTrip.Error
		}
	}
	return text
}

func controlText(c *console.Control, now time.Time) string {
	text := " by " + c.By
	if !c.Until.IsZero() {
		text += " for another " + ago(c.Until.Sub(now))
	}
	if c.Reason != "" {
		text += ": " + c.Reason
	}
	return text
}

// ago is how long something takes, as short as people say it.
func ago(d time.Duration) string {
	switch d = max(d, 0); {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(time.Second).String()
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	default:
		return fmt.Sprintf("%dd", int(d.Hours()/24))
	}
}

func plural(n uint64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(n) + " " + many
}

// thousands writes 4210 as 4,210.
func thousands(n uint64) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
