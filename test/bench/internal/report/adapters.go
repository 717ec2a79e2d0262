package report

import (
	"fmt"
	"math"

	"github.com/cladgo/clad/test/bench/adapters"
	"github.com/cladgo/clad/test/bench/internal/results"
)

// adapters is what protection costs those who call a client, beside the client alone
// and others' protection.
func (p *page) adapters() {
	var rows [][]string
	for _, row := range adapters.Rows() {
		bare, ok := p.r.Case(row.Name + "/bare")
		if !ok {
			continue
		}
		title := row.Title
		for _, c := range p.r.Cases {
			if c.Row != row.Name {
				continue
			}
			name := c.System
			if c.Form != "" && c.System == "clad" {
				name = "clad: " + c.Form
			}
			rows = append(rows, []string{title, name, nanos(c.Time.Median), times(c, bare), more(c, bare)})
			title = ""
		}
	}
	if len(rows) == 0 {
		return
	}
	p.say("## Through an adapter\n\nWhat protection costs beside the client alone. There is no network in it: every client talks to something in\n" +
		"this process, which answers at once. All are called with a context that can be cancelled, as that of a request.\n" +
		"clad's policy has a retry, a circuit breaker and a timeout for each attempt; the others have what they offer of\n" +
		"that. A bare client \"with a timeout\" gets a context of `context.WithTimeout` for each call: that is what a\n" +
		"careful caller pays who has nothing else, and most of what a client pays for a timeout of anybody's, since it\n" +
		"has to be ready for its end.\n\n")
	p.table(2, []string{"operation", "client", "ns", "times bare", "allocations more"}, rows)
}

// times is how many times as long a case takes.
func times(c, bare results.Case) string {
	if c.ID == bare.ID {
		return "1"
	}
	return figure(c.Ratio.Median / bare.Ratio.Median)
}

// more is what a case allocates beyond another.
func more(c, bare results.Case) string {
	if c.ID == bare.ID {
		return "-"
	}
	return fmt.Sprintf("%+.0f, %+.0f B", math.Round(c.Allocs)-math.Round(bare.Allocs), math.Round(c.Bytes)-math.Round(bare.Bytes))
}
