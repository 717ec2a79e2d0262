package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/cladgo/clad/test/bench/internal/baseline"
	"github.com/cladgo/clad/test/bench/internal/measure"
	"github.com/cladgo/clad/test/bench/internal/results"
)

// checked reports whether the baseline holds a case: clad's own, and the controls.
func checked(id string) bool {
	return strings.Contains(id, "/clad:") || baseline.Control(id)
}

// check compares clad with the baseline. What looks slower is measured again, in
// processes of its own: only what stays slower is.
func check(ctx context.Context, o *options, p *progress, w io.Writer) error {
	base, err := baseline.Load(o.baseline)
	if err != nil {
		return fmt.Errorf("%w; -update writes a baseline", err)
	}
	r := &results.Results{Machine: results.ThisMachine()}
	if !base.Machine.Like(r.Machine) {
		fmt.Fprintf(w, "The baseline was taken elsewhere, so only allocations and slow-downs to double are found.\n"+
			"  there: %v\n  here:  %v\nTo find less, take one here before your change: benchtable -update -baseline mine.json\n\n", base.Machine, r.Machine)
	}
	const repeats = 3
	wanted := func(id string) bool { return checked(id) && (o.filter.MatchString(id) || baseline.Control(id)) }
	all := entrants(wanted)
	base.Keep(wanted)
	var worse map[string]bool // at the last try
	for try := range 1 + repeats {
		p.plan(phase{lookingAt(len(all), len(worse), try), measure.Plan{Rounds: o.rounds, Slice: o.slice / 2}.Time(len(all))})
		p.next()
		var cases []results.Case
		if try == 0 {
			cases, err = measureCases(ctx, measure.Plan{Rounds: o.rounds, Slice: o.slice / 2, Progress: p.done}, all)
		} else {
			again := slices.DeleteFunc(slices.Clone(all), func(e entrant) bool { return !worse[e.id] && !baseline.Control(e.id) })
			cases, err = measureAnew(ctx, o, idsOf(again), 2*o.rounds)
		}
		p.clear()
		if err != nil {
			return err
		}
		drift := base.Drift(cases)
		for i := range cases {
			cases[i].Drift = drift
		}
		r.Merge(cases)
		worse = map[string]bool{}
		for _, v := range base.Compare(r) {
			if !v.Settled() {
				worse[v.ID] = true
			}
		}
		for _, g := range base.Lost(r) {
			for _, id := range g.Cases {
				worse[id] = true
			}
		}
		if len(worse) == 0 {
			break
		}
	}
	if err := o.writeJSON(r, w); err != nil {
		return err
	}
	return judge(base, r, w)
}

func idsOf(all []entrant) []string {
	ids := make([]string, len(all))
	for i, e := range all {
		ids[i] = e.id
	}
	return ids
}

func lookingAt(all, worse, try int) string {
	if try == 0 {
		return fmt.Sprintf("comparing %d cases with the baseline", all)
	}
	return fmt.Sprintf("looking again at %d cases", worse)
}

// judge prints the comparison, and fails when something has become worse.
func judge(base *baseline.Baseline, r *results.Results, w io.Writer) error {
	var problems []error
	fmt.Fprintf(w, "%-44s %9s %9s %8s %7s\n", "in calls of time.Now", "baseline", "now", "±", "limit")
	for _, v := range base.Compare(r) {
		remark := ""
		switch {
		case v.Problem != "":
			remark = "  " + v.Problem
			problems = append(problems, fmt.Errorf("%s %s", v.ID, v.Problem))
		case v.Noisy:
			remark = "  above its limit, but too noisy to tell"
		}
		fmt.Fprintf(w, "%-44s %9.3f %9.3f %8.3f %7.3f%s\n",
			v.ID, v.Base.Ratio, v.Now.Ratio.Median, v.Now.Ratio.IQR()/2, v.Limit, remark)
	}
	for _, g := range base.Lost(r) {
		problems = append(problems, fmt.Errorf("goal lost: %s: %.3g %s, want %.3g", g.What, g.Got, g.Unit, g.Want))
	}
	if len(problems) > 0 {
		return fmt.Errorf("slower than the baseline (benchtable -update accepts it):\n%w", errors.Join(problems...))
	}
	fmt.Fprintln(w, "\nno slower than the baseline")
	return nil
}

// update takes a baseline: the median of what several processes measure.
func update(ctx context.Context, o *options, p *progress, w io.Writer) error {
	const takes = 5
	all := entrants(checked)
	ids := idsOf(all)
	phases := make([]phase, takes)
	for i := range phases {
		phases[i] = phase{fmt.Sprintf("taking the baseline of %d cases", len(all)), measure.Plan{Rounds: o.rounds, Slice: o.slice / 2}.Time(len(all))}
	}
	p.plan(phases...)
	r := &results.Results{Machine: results.ThisMachine()}
	byID := map[string][]results.Case{}
	for range takes {
		p.next()
		cases, err := measureAnew(ctx, o, slices.Clone(ids), o.rounds)
		if err != nil {
			return err
		}
		for _, c := range cases {
			byID[c.ID] = append(byID[c.ID], c)
		}
	}
	p.clear()
	for _, id := range ids {
		c := byID[id][0]
		var ratios, paces []float64
		for _, take := range byID[id] {
			ratios, paces = append(ratios, take.Ratio.Median), append(paces, take.Pace)
		}
		c.Ratio, c.Pace = measure.SpreadOf(ratios), measure.SpreadOf(paces).Median
		r.Cases = append(r.Cases, c)
	}
	b := baseline.Of(r)
	if err := b.Save(o.baseline); err != nil {
		return err
	}
	fmt.Fprintf(w, "wrote %s: %d cases, %d goals missed\n", o.baseline, len(b.Cases), len(b.Missed))
	return nil
}
