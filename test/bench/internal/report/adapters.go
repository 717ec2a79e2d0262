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
	p.say("The functions that fail have a circuit breaker alone, and what is timed is a failure: what its error means is found\n" +
		"out each time, through what wraps it.\n\n")
}

// loopback is what protection adds to calls of real servers.
func (p *page) loopback() {
	var rows [][]string
	for _, row := range adapters.LoopbackRows() {
		bare, ok := p.r.Case(row.Name + "/bare")
		limited, ok2 := p.r.Case(row.Name + "/bare-with-a-timeout")
		if !ok || !ok2 {
			continue
		}
		for _, c := range p.r.Cases {
			if c.Row == row.Name && c.System == "clad" {
				rows = append(rows, []string{row.Title, micros(bare), micros(limited), micros(c), percent(c, bare), percent(c, limited)})
			}
		}
	}
	if len(rows) == 0 {
		return
	}
	p.say("## What a user pays\n\nA call of a real server on the same machine, which is the shortest that a call over a network can be. clad's\n" +
		"policy has a retry, a circuit breaker and a timeout for each attempt; the bare client is measured without anything,\n" +
		"and with a timeout of `context.WithTimeout` for each call.\n\n")
	p.table(1, []string{"operation", "bare, µs", "bare with a timeout, µs", "clad, µs", "more than bare", "more than with a timeout"}, rows)
}

func micros(c results.Case) string {
	return fmt.Sprintf("%.1f ± %.1f", c.Time.Median/1e3, c.Time.IQR()/2e3)
}

func percent(c, than results.Case) string {
	return fmt.Sprintf("%+.0f %%", (c.Ratio.Median/than.Ratio.Median-1)*100)
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
