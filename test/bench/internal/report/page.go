// Package report writes what a run measured as a page and a plot.
package report

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/cladgo/clad/test/bench"
	"github.com/cladgo/clad/test/bench/internal/results"
)

// PlotFile is the name of the plot that the page shows.
const PlotFile = "benchmarks.svg"

// Page writes the page.
func Page(w io.Writer, r *results.Results) error {
	p := &page{r: r}
	p.intro()
	p.loopback()
	p.adapters()
	p.successPath()
	p.otherForms()
	p.peers()
	p.contention()
	p.costs()
	p.goals()
	p.parts()
	p.reading()
	_, err := io.WriteString(w, p.b.String())
	return err
}

type page struct {
	r *results.Results
	b strings.Builder
}

func (p *page) say(format string, args ...any) { fmt.Fprintf(&p.b, format, args...) }

// table writes a table; its first columns are text, the others are figures.
func (p *page) table(text int, head []string, rows [][]string) {
	p.say("| %s |\n|%s%s\n", strings.Join(head, " | "), strings.Repeat("---|", text), strings.Repeat("---:|", len(head)-text))
	for _, row := range rows {
		p.say("| %s |\n", strings.Join(row, " | "))
	}
	p.say("\n")
}

func (p *page) intro() {
	p.say(`# What clad costs

<!-- Written by test/bench/cmd/benchtable; changes made by hand are lost. -->

The unit is one call of `+"`time.Now()`"+`, measured right before and after: here it
took %.1f ns. A figure such as 0.5 ± 0.1 means that a whole call through the wrapper, to a
target that answers at once, takes half as long as reading the clock, and that the
middle half of the rounds lay within 0.1 of that. Of the time of a call over a
network, one unit is about one ten-thousandth.

![A call in units of time.Now, by policy and library](%s)

Measured on: %v.

`, p.r.Clock.Median, PlotFile, p.r.Machine)
	p.say("To repeat it, and to compare a change with what was before it:\n\n```sh\nmake bench\nmake bench-check\ngo run ./test/bench/cmd/benchtable -h\n```\n\n")
}

// ratio prints a ratio with its spread.
func ratio(c results.Case) string {
	return fmt.Sprintf("%s ± %s", figure(c.Ratio.Median), figure(c.Ratio.IQR()/2))
}

// figure prints two significant digits, more where there are more before the point.
func figure(x float64) string {
	switch {
	case x >= 10:
		return fmt.Sprintf("%.0f", x)
	case x >= 1.1:
		return fmt.Sprintf("%.1f", x)
	default:
		return fmt.Sprintf("%.2f", x)
	}
}

func allocs(c results.Case) string {
	n := math.Round(c.Allocs)
	if n == 0 {
		return "0"
	}
	return fmt.Sprintf("%.0f, %.0f B", n, c.Bytes)
}

func nanos(ns float64) string {
	if ns < 10 {
		return fmt.Sprintf("%.1f", ns)
	}
	return fmt.Sprintf("%.0f", ns)
}

// cells are a case's figures, or dashes where it was not measured.
func (p *page) cells(id string, columns ...func(results.Case) string) []string {
	c, ok := p.r.Case(id)
	var cells []string
	for _, column := range columns {
		if ok {
			cells = append(cells, column(c))
		} else {
			cells = append(cells, "-")
		}
	}
	return cells
}

func (p *page) successPath() {
	p.say("## A call through a tagged service\n\n" +
		"The proxy that `clad gen` writes for an interface, one goroutine. \"By hand\" is gobreaker,\n" +
		"golang.org/x/time/rate, `context.WithTimeout` and a loop, written out for one method.\n\n")
	ns := func(c results.Case) string { return nanos(c.Time.Median) }
	var rows [][]string
	for _, row := range bench.Rows() {
		id := row.Name + "/clad:proxy"
		if _, ok := p.r.Case(id); !ok {
			continue
		}
		goal := "-"
		if row.Goal.Clocks > 0 {
			goal = fmt.Sprintf("%v, %d", row.Goal.Clocks, row.Goal.Allocs)
		}
		rows = append(rows, slices.Concat(
			[]string{row.Title, goal},
			p.cells(id, ratio, ns, allocs),
			p.cells(row.Name+"/by-hand", ratio, allocs),
			p.cells(row.Name+"/failsafe-go", ratio, allocs),
		))
	}
	p.table(1, []string{"policy", "goal: units, allocations", "clad", "ns", "allocations", "by hand", "allocations", "failsafe-go", "allocations"}, rows)
	if c, ok := p.r.Case("none/no-wrapper"); ok {
		p.say("Every figure includes the call of the target through its interface, which alone takes %s.\n\n", ratio(c))
	}
}

func (p *page) otherForms() {
	p.say("## Without a proxy\n\n" +
		"`policy.Do` runs a closure, which is one of its allocations. `policy.Execute` runs an operation\n" +
		"that declares its policy; \"fresh\" builds that policy anew at every call, and the last column is\n" +
		"what building it takes of that.\n\n")
	var rows [][]string
	for _, row := range bench.Rows() {
		line := []string{row.Title}
		for _, form := range []string{"clad:policy.Do", "clad:policy.Execute", "clad:policy.Execute.fresh"} {
			line = append(line, p.cells(row.Name+"/"+form, ratio, allocs)...)
		}
		line = append(line, p.cells(row.Name+"/"+bench.BuildingName, ratio)...)
		if _, ok := p.r.Case(row.Name + "/clad:policy.Do"); ok {
			rows = append(rows, line)
		}
	}
	p.table(1, []string{"policy", "policy.Do", "allocations", "policy.Execute", "allocations", "fresh", "allocations", "building it"}, rows)
}

func (p *page) peers() {
	p.say("## Other libraries\n\n" +
		"Each was shown to do what the row says before and after it was timed. A library stands\n" +
		"where it does that work at all.\n\n")
	var rows [][]string
	for _, row := range bench.Rows() {
		for _, c := range p.r.Cases {
			if c.Row == row.Name && c.System != "clad" && p.peer(c.System) {
				rows = append(rows, []string{row.Title, c.System, ratio(c), nanos(c.Time.Median), allocs(c)})
			}
		}
	}
	p.table(2, []string{"policy", "library", "units", "ns", "allocations"}, rows)
	p.say("What each does more or less:\n\n")
	said := map[string]bool{}
	for _, s := range bench.Systems() {
		if s.Note == "" || said[s.Name] {
			continue
		}
		said[s.Name] = true
		version := ""
		if v := p.r.Machine.Modules[s.Module]; v != "" {
			version = fmt.Sprintf(" (%s %s)", s.Module, v)
		}
		p.say("- **%s**%s: %s.\n", s.Name, version, s.Note)
	}
	p.say("\n")
}

func (p *page) peer(system string) bool {
	return slices.ContainsFunc(bench.Systems(), func(s bench.System) bool { return s.Name == system && s.Module != "" })
}
