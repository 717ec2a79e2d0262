package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/cladgo/clad/test/bench/adapters"
	"github.com/cladgo/clad/test/bench/internal/baseline"
	"github.com/cladgo/clad/test/bench/internal/measure"
	"github.com/cladgo/clad/test/bench/internal/results"
)

// checked reports whether the baseline holds a case: clad's own, and the controls. What
// a real server takes is no matter of clad's.
func checked(id string) bool {
	return strings.Contains(id, "/clad:") && !adapters.OverLoopback(id) || baseline.Control(id)
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
	plan := measure.Plan{Rounds: o.rounds, Slice: o.slice / 2, Progress: p.done}
	for try := range 1 + repeats {
		var cases []results.Case
		if try == 0 {
			p.plan(phase{fmt.Sprintf("comparing %d cases with the baseline", len(all)), plan.Time(len(all))})
			p.next()
			cases, err = measureCases(ctx, plan, all)
		} else {
			again := slices.DeleteFunc(slices.Clone(all), func(e entrant) bool { return !worse[e.id] && !baseline.Control(e.id) })
			plan.Rounds = 2 * o.rounds
			p.plan(phase{fmt.Sprintf("looking again at %d cases", len(worse)), plan.Time(len(again))})
			p.next()
			cases, err = measureAnew(ctx, plan, idsOf(again))
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
	plan := measure.Plan{Rounds: o.rounds, Slice: o.slice / 2}
	ids := idsOf(entrants(checked))
	phases := make([]phase, takes)
	for i := range phases {
		phases[i] = phase{fmt.Sprintf("taking the baseline of %d cases", len(ids)), plan.Time(len(ids))}
	}
	p.plan(phases...)
	r := &results.Results{Machine: results.ThisMachine()}
	byID := map[string][]results.Case{}
	for range takes {
		p.next()
		cases, err := measureAnew(ctx, plan, ids)
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
