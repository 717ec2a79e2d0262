package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cladgo/clad/test/bench"
	"github.com/cladgo/clad/test/bench/internal/results"
	"github.com/cladgo/clad/test/bench/internal/where"
)

func (p *page) parts() {
	var rows [][]string
	for _, part := range bench.Parts() {
		if c, ok := p.r.Case(part.ID()); ok {
			rows = append(rows, []string{part.Title, ratio(c), nanos(c.Time.Median)})
		}
	}
	if len(rows) == 0 {
		return
	}
	p.say("## What a call is made of\n\n")
	p.profiles()
	p.say("No wrapper that does this work can be faster than its parts, each measured alone in the same rounds:\n\n")
	p.table(1, []string{"part", "units", "ns"}, rows)
	p.floors()
}

// floors compares rows with what they cannot do without.
func (p *page) floors() {
	none, ok := p.r.Case("none/clad:proxy")
	if !ok {
		return
	}
	var rows [][]string
	for _, row := range bench.Rows() {
		c, ok := p.r.Case(row.Name + "/clad:proxy")
		if !ok || len(row.Parts) == 0 {
			continue
		}
		floor, names := none.Ratio.Median, []string{"the proxy under no policy"}
		for _, name := range row.Parts {
			for _, part := range bench.Parts() {
				if measured, ok := p.r.Case(part.ID()); ok && part.Name == name {
					floor += measured.Ratio.Median
					names = append(names, part.Title)
				}
			}
		}
		if len(names) == len(row.Parts)+1 {
			rows = append(rows, []string{row.Title, fmt.Sprint(row.Goal.Clocks), figure(floor), ratio(c), strings.Join(names, "; ")})
		}
	}
	if len(rows) == 0 {
		return
	}
	p.say("So this much is gone before a line of clad's own work is done. A goal that is lower cannot be reached:\n\n")
	p.table(1, []string{"policy", "goal", "its parts", "measured", "which parts"}, rows)
}

// profiles says where the time of rows went, in units.
func (p *page) profiles() {
	if len(p.r.Profiles) == 0 {
		return
	}
	head, all := []string{"units"}, []results.Profile(nil)
	for _, row := range bench.Rows() {
		for _, profile := range p.r.Profiles {
			if profile.Row == row.Name {
				head, all = append(head, row.Title), append(all, profile)
			}
		}
	}
	var whats []string // in the order of the last, which has most of them
	for _, profile := range slices.Backward(all) {
		for _, part := range profile.Parts {
			if part.What != where.Rest && !slices.Contains(whats, part.What) {
				whats = append(whats, part.What)
			}
		}
	}
	var rows [][]string
	for _, what := range append(whats, "all of it") {
		line := []string{what}
		for _, profile := range all {
			line = append(line, p.spent(profile, what))
		}
		rows = append(rows, line)
	}
	p.say("Where the time of a call through the proxy goes, from a profile of each:\n\n")
	p.table(1, head, rows)
}

// spent is what of a row's time went to something; what ran beside the calls is
// left out.
func (p *page) spent(profile results.Profile, what string) string {
	c, ok := p.r.Case(profile.Row + "/clad:proxy")
	if !ok {
		return "-"
	}
	if what == "all of it" {
		return figure(c.Ratio.Median)
	}
	share, calls := 0.0, 1.0
	for _, part := range profile.Parts {
		switch part.What {
		case what:
			share = part.Share
		case where.Rest:
			calls -= part.Share
		}
	}
	if share == 0 {
		return "-"
	}
	return figure(c.Ratio.Median * share / calls)
}
