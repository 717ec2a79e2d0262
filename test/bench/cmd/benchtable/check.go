package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/cladgo/clad/test/bench/internal/baseline"
	"github.com/cladgo/clad/test/bench/internal/measure"
	"github.com/cladgo/clad/test/bench/internal/results"
)

// checked reports whether the baseline holds a case: clad's own, not its peers'.
func checked(id string) bool {
	return strings.Contains(id, "/clad:")
}

// check compares clad with the baseline. What looks slower is measured again, on
// objects made anew: only what stays slower is.
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
	const repeats = 2
	all := entrants(func(id string) bool { return checked(id) && o.filter.MatchString(id) })
	if o.filtered() {
		base.Keep(o.filter.MatchString)
	}
	var worse map[string]bool // at the last try
	for try := range 1 + repeats {
		again := all
		rounds := o.rounds
		if try > 0 {
			again = nil
			for _, e := range all {
				if worse[e.id] {
					again = append(again, e)
				}
			}
			// A few cases more between them keep each from being measured
			// in a different neighbourhood than before.
			rounds *= 2
		}
		cases, err := measureRound(ctx, o, p, again, rounds, try)
		if err != nil {
			return err
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

func measureRound(ctx context.Context, o *options, p *progress, all []entrant, rounds, try int) ([]results.Case, error) {
	what := fmt.Sprintf("comparing %d cases with the baseline", len(all))
	if try > 0 {
		what = fmt.Sprintf("looking again at %d cases", len(all))
	}
	plan := measure.Plan{Rounds: rounds, Slice: o.slice / 2}
	p.plan(phase{what, plan.Time(len(all))})
	p.next()
	if p != nil {
		plan.Progress = p.done
	}
	cases, err := measureCases(ctx, plan, all)
	p.clear()
	return cases, err
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

// update takes a baseline: the median of several measurements on objects made
// anew, since where they lie in memory matters too.
func update(ctx context.Context, o *options, p *progress, w io.Writer) error {
	const takes = 3
	all := entrants(checked)
	plan := measure.Plan{Rounds: o.rounds, Slice: o.slice / 2}
	phases := make([]phase, takes)
	for i := range phases {
		phases[i] = phase{fmt.Sprintf("taking the baseline of %d cases", len(all)), plan.Time(len(all))}
	}
	p.plan(phases...)
	if p != nil {
		plan.Progress = p.done
	}
	byTake := make([][]results.Case, takes)
	for i := range byTake {
		p.next()
		var err error
		if byTake[i], err = measureCases(ctx, plan, all); err != nil {
			return err
		}
	}
	p.clear()
	r := &results.Results{Machine: results.ThisMachine(), Cases: byTake[0]}
	for i := range r.Cases {
		medians := make([]float64, takes)
		for take := range takes {
			medians[take] = byTake[take][i].Ratio.Median
		}
		r.Cases[i].Ratio = measure.SpreadOf(medians)
	}
	b := baseline.Of(r)
	if err := b.Save(o.baseline); err != nil {
		return err
	}
	fmt.Fprintf(w, "wrote %s: %d cases, %d goals missed\n", o.baseline, len(b.Cases), len(b.Missed))
	return nil
}
