package main

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/cladgo/clad/test/bench"
	"github.com/cladgo/clad/test/bench/adapters"
	"github.com/cladgo/clad/test/bench/internal/measure"
	"github.com/cladgo/clad/test/bench/internal/results"
)

// entrant is a case, the building of a row's policy, or a part of a call.
type entrant struct {
	id     string
	row    string
	system bench.System
	// prepare makes a subject, and what checks it once it has been measured.
	prepare func() (measure.Subject, func(calls uint64) error, error)
}

// entrants lists all that match.
func entrants(match func(id string) bool) []entrant {
	var all []entrant
	for _, c := range bench.Cases() {
		all = append(all, entrant{c.ID(), c.Row.Name, c.System,
			func() (measure.Subject, func(uint64) error, error) {
				b, err := c.Prepare()
				if err != nil {
					return nil, nil, err
				}
				return b, b.Close, nil
			}})
	}
	for _, row := range bench.Rows() {
		b := bench.Building{Row: row}
		if row.Goal.Clocks == 0 || row.Settings().Policy().String() == "none" {
			continue
		}
		all = append(all, entrant{b.ID(), row.Name, bench.System{Name: bench.BuildingName},
			func() (measure.Subject, func(uint64) error, error) {
				return b, func(uint64) error { return nil }, nil
			}})
	}
	for _, part := range bench.Parts() {
		all = append(all, entrant{part.ID(), "part", bench.System{Name: part.Name},
			func() (measure.Subject, func(uint64) error, error) {
				return part, func(uint64) error { return nil }, nil
			}})
	}
	all = append(all, ofAdapters()...)
	return slices.DeleteFunc(all, func(e entrant) bool { return !match(e.id) })
}

// ofAdapters are the calls through adapters, and what they are compared with.
func ofAdapters() []entrant {
	var all []entrant
	for _, c := range adapters.All() {
		system := bench.System{Name: c.System, Form: c.Form}
		id := c.Row + "/" + system.ID()
		all = append(all, entrant{id, c.Row, system, func() (measure.Subject, func(uint64) error, error) {
			b, err := c.Prepare(id)
			if err != nil {
				return nil, nil, err
			}
			return b, func(uint64) error { return b.Close() }, nil
		}})
	}
	return all
}

// measureCases measures entrants, each made anew.
func measureCases(ctx context.Context, plan measure.Plan, all []entrant) ([]results.Case, error) {
	var subjects []measure.Subject
	var finish []func(uint64) error
	for _, e := range all {
		subject, done, err := e.prepare()
		if err != nil {
			return nil, err
		}
		subjects, finish = append(subjects, subject), append(finish, done)
	}
	series, err := plan.Measure(ctx, subjects)
	if err != nil {
		return nil, err
	}
	var cases []results.Case
	for i, e := range all {
		if err := finish[i](series[i].Calls); err != nil {
			return nil, err
		}
		cases = append(cases, results.NewCase(e.row, e.system, &series[i]))
	}
	return cases, nil
}

func list(o *options, w io.Writer) error {
	for _, e := range entrants(o.filter.MatchString) {
		fmt.Fprintln(w, e.id)
	}
	return nil
}
