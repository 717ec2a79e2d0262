package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/cladgo/clad/test/bench"
	"github.com/cladgo/clad/test/bench/internal/measure"
	"github.com/cladgo/clad/test/bench/internal/report"
	"github.com/cladgo/clad/test/bench/internal/results"
	"github.com/cladgo/clad/test/bench/internal/where"
)

// table measures everything, or what matches.
func table(ctx context.Context, o *options, p *progress, w io.Writer) error {
	t := &tabler{ctx: ctx, o: o, p: p, r: &results.Results{Machine: results.ThisMachine()}}
	if !o.filtered() && o.soak > 0 {
		// The heap is watched before peers put there what they keep.
		t.add(fmt.Sprintf("watching the heap over %d calls", o.soak), time.Duration(o.soak)*350*time.Nanosecond, t.soak)
	}
	if !o.crowds {
		all := entrants(o.filter.MatchString)
		t.add(fmt.Sprintf("measuring %d cases", len(all)), measure.Plan{Rounds: o.rounds, Slice: o.slice}.Time(len(all)), func() error { return t.cases(all) })
	}
	if !o.filtered() || o.crowds {
		if err := t.addContention(); err != nil {
			return err
		}
	}
	if !o.filtered() {
		const starts = 9
		t.add(fmt.Sprintf("starting applications, %d times", starts), starts*300*time.Millisecond, func() error { return t.startup(starts) })
		t.add("weighing pipelines", time.Second, t.memory)
		t.add("looking where the time goes", time.Duration(len(profiled))*profileTime, t.profiles)
	}
	if err := t.run(); err != nil {
		return err
	}
	return t.write(w)
}

type tabler struct {
	ctx    context.Context
	o      *options
	p      *progress
	r      *results.Results
	phases []phase
	steps  []func() error
}

func (t *tabler) add(what string, expected time.Duration, step func() error) {
	t.phases = append(t.phases, phase{what, expected})
	t.steps = append(t.steps, step)
}

func (t *tabler) run() error {
	t.p.plan(t.phases...)
	for _, step := range t.steps {
		t.p.next()
		if err := step(); err != nil {
			return err
		}
	}
	t.p.clear()
	return nil
}

func (t *tabler) cases(all []entrant) (err error) {
	plan := measure.Plan{Rounds: t.o.rounds, Slice: t.o.slice, Progress: t.p.done}
	clock := entrant{id: clockID, prepare: func() (measure.Subject, func(uint64) error, error) {
		return measure.Clock{}, func(uint64) error { return nil }, nil
	}}
	cases, err := measureCases(t.ctx, plan, append([]entrant{clock}, all...))
	if err != nil {
		return err
	}
	t.r.Rounds, t.r.Clock, t.r.Cases = plan.Rounds, cases[0].Time, cases[1:]
	return nil
}

const clockID = "time.Now"

// crowds are the numbers of goroutines that contend.
var crowds = []int{1, 2, 8, 64}

func (t *tabler) addContention() error {
	all, err := bench.Contend()
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(c bench.Contenders) bool { return !t.o.filter.MatchString(c.Name) })
	plan := measure.Plan{Rounds: max(t.o.rounds/2, 1), Slice: 2 * t.o.slice}
	t.add(fmt.Sprintf("measuring contention in %d cases", len(all)), plan.Time(len(all)*len(crowds)),
		func() error { return t.contention(all, plan) })
	return nil
}

func (t *tabler) contention(all []bench.Contenders, plan measure.Plan) error {
	var subjects []measure.Subject
	for _, c := range all {
		for _, goroutines := range crowds {
			crowd := c.Join(goroutines)
			defer crowd.Close()
			subjects = append(subjects, crowd)
		}
	}
	plan.Progress = t.p.done
	series, err := plan.Measure(t.ctx, subjects)
	if err != nil {
		return err
	}
	for i, c := range all {
		of := series[i*len(crowds) : (i+1)*len(crowds)]
		var calls uint64
		for _, s := range of {
			calls += s.Calls
		}
		if err := c.Close(calls); err != nil {
			return err
		}
		measured := results.Contention{Name: c.Name, Title: c.Title, Nanos: measure.SpreadOf(of[0].Nanos).Median, Scale: map[int]measure.Spread{}}
		for j, s := range of[1:] {
			var scale []float64
			for round, ratio := range s.Ratios {
				scale = append(scale, of[0].Ratios[round]/ratio)
			}
			measured.Scale[crowds[j+1]] = measure.SpreadOf(scale)
		}
		t.r.Contention = append(t.r.Contention, measured)
	}
	return nil
}

func (t *tabler) startup(times int) error {
	type samples struct{ untagged, byHand, tagged, ratio, byHandRatio []float64 }
	byEngine := map[string]*samples{}
	for i := range times {
		measured, err := bench.MeasureStartup()
		if err != nil {
			return err
		}
		for _, m := range measured {
			s := byEngine[m.Engine]
			if s == nil {
				s = &samples{}
				byEngine[m.Engine] = s
				t.r.Startup = append(t.r.Startup, results.Startup{Engine: m.Engine, Services: m.Services})
			}
			s.untagged = append(s.untagged, m.Untagged.Seconds())
			s.tagged = append(s.tagged, m.Tagged.Seconds())
			s.byHand = append(s.byHand, m.ByHand.Seconds())
			s.ratio = append(s.ratio, m.Tagged.Seconds()/m.Untagged.Seconds())
			s.byHandRatio = append(s.byHandRatio, m.ByHand.Seconds()/m.Untagged.Seconds())
		}
		t.p.done(i+1, times)
	}
	for i := range t.r.Startup {
		s := byEngine[t.r.Startup[i].Engine]
		t.r.Startup[i].Untagged = measure.SpreadOf(s.untagged)
		t.r.Startup[i].Tagged = measure.SpreadOf(s.tagged)
		t.r.Startup[i].ByHand = measure.SpreadOf(s.byHand)
		t.r.Startup[i].Ratio = measure.SpreadOf(s.ratio)
		t.r.Startup[i].ByHandRatio = measure.SpreadOf(s.byHandRatio)
	}
	return nil
}

func (t *tabler) memory() (err error) {
	t.r.Memory, err = bench.MeasureMemory()
	return err
}

// profiled are the rows that are looked into: those with most in them.
var profiled = []string{"breaker", "limit", "timeout", "all"}

const profileTime = 3 * time.Second

func (t *tabler) profiles() error {
	for i, row := range profiled {
		for _, e := range entrants(func(id string) bool { return id == row+"/clad:proxy" }) {
			subject, finish, err := e.prepare()
			if err != nil {
				return err
			}
			parts, calls, err := where.Profile(t.ctx, subject, 10_000, profileTime)
			if err != nil {
				return err
			}
			if err := finish(calls); err != nil {
				return err
			}
			t.r.Profiles = append(t.r.Profiles, results.Profile{Row: row, Parts: parts})
		}
		t.p.done(i+1, len(profiled))
	}
	return nil
}

func (t *tabler) soak() (err error) {
	t.r.Soak, err = bench.Soak(t.ctx, t.o.soak, func(done uint64) { t.p.done(int(done/1000), int(t.o.soak/1000)) })
	return err
}

// write prints what a filter chose, and writes the page of everything.
func (t *tabler) write(w io.Writer) error {
	if err := t.o.writeJSON(t.r, w); err != nil || t.o.json == "-" {
		return err
	}
	t.print(w)
	if t.o.filtered() {
		return nil
	}
	page, plot := filepath.Join(t.o.docs, "benchmarks.md"), filepath.Join(t.o.docs, report.PlotFile)
	if err := writeFile(page, func(w io.Writer) error { return report.Page(w, t.r) }); err != nil {
		return err
	}
	if err := writeFile(plot, func(w io.Writer) error { return report.Plot(w, t.r) }); err != nil {
		return err
	}
	fmt.Fprintf(w, "\nwrote %s and %s\n", page, plot)
	return nil
}

func (t *tabler) print(w io.Writer) {
	if len(t.r.Cases) > 0 {
		fmt.Fprintf(w, "%-44s %9s %8s %9s %7s %7s\n", "in calls of time.Now", "median", "±", "ns", "allocs", "bytes")
	}
	for _, c := range t.r.Cases {
		fmt.Fprintf(w, "%-44s %9.3f %8.3f %9.1f %7.0f %7.0f\n", c.ID, c.Ratio.Median, c.Ratio.IQR()/2, c.Time.Median, c.Allocs, c.Bytes)
	}
	if len(t.r.Contention) > 0 {
		fmt.Fprintf(w, "\n%-44s %9s %14s %14s %14s\n", "calls in times of one goroutine's", "ns of one", "2 goroutines", "8", "64")
	}
	for _, c := range t.r.Contention {
		fmt.Fprintf(w, "%-44s %9.1f", c.Name, c.Nanos)
		for _, n := range crowds[1:] {
			fmt.Fprintf(w, " %7.2f ± %4.2f", c.Scale[n].Median, c.Scale[n].IQR()/2)
		}
		fmt.Fprintln(w)
	}
}

func (o *options) writeJSON(r *results.Results, stdout io.Writer) error {
	switch o.json {
	case "":
		return nil
	case "-":
		return r.Write(stdout)
	default:
		return writeFile(o.json, r.Write)
	}
}

func writeFile(name string, write func(io.Writer) error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	if err := write(f); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}
