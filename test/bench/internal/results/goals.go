package results

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/cladgo/clad/test/bench"
	"github.com/cladgo/clad/test/bench/internal/measure"
)

// Goal is something that the design wants, and what it came to.
type Goal struct {
	What  string
	Unit  string
	Want  float64 // at most
	Got   float64
	Error float64 // standard error of Got, 0 for what is counted
	// Cases are those that it was computed from.
	Cases []string
}

// Met reports whether the goal was reached, as far as the noise lets one tell.
func (g Goal) Met() bool { return g.Got-2*g.Error <= g.Want }

// Goals judges everything that was measured and that there is a goal for.
func Goals(r *Results) []Goal {
	var goals []Goal
	for _, row := range bench.Rows() {
		goals = append(goals, goalsOfRow(r, row)...)
	}
	if second, once, ok := two(r, "second/clad:proxy", "retry/clad:proxy"); ok {
		goals = append(goals, Goal{
			"success at the second attempt, in times of one at the first", "times", 3,
			second.Ratio.Median / once.Ratio.Median,
			relativeError(second.Ratio, once.Ratio) * second.Ratio.Median / once.Ratio.Median,
			[]string{second.ID, once.ID},
		})
	}
	return slices.Concat(goals, formGoals(r), contentionGoals(r), costGoals(r))
}

// formGoals: without a proxy, one allocation more under any policy.
func formGoals(r *Results) []Goal {
	var goals []Goal
	for _, form := range []string{"policy.Do", "policy.Execute"} {
		goal := Goal{What: form + ", allocations beyond the proxy's", Want: 1}
		for _, row := range bench.Rows() {
			if c, proxy, ok := two(r, row.Name+"/clad:"+form, row.Name+"/clad:proxy"); ok {
				goal.Got = max(goal.Got, math.Round(c.Allocs)-math.Round(proxy.Allocs))
				goal.Cases = append(goal.Cases, c.ID)
			}
		}
		if len(goal.Cases) > 0 {
			goals = append(goals, goal)
		}
	}
	return goals
}

func goalsOfRow(r *Results, row bench.Row) []Goal {
	proxy, ok := r.Case(row.Name + "/clad:proxy")
	if !ok {
		return nil
	}
	var goals []Goal
	if row.Goal.Clocks > 0 {
		goals = append(goals, Goal{row.Title, "clocks", row.Goal.Clocks, proxy.Ratio.Median, proxy.Ratio.StandardError(), []string{proxy.ID}})
	}
	goals = append(goals, Goal{row.Title + ", allocations", "", float64(row.Goal.Allocs), math.Round(proxy.Allocs), 0, []string{proxy.ID}})
	fresh, ok1 := r.Case(row.Name + "/clad:policy.Execute.fresh")
	building, ok2 := r.Case(row.Name + "/" + bench.BuildingName)
	if ok1 && ok2 {
		goals = append(goals, Goal{
			row.Title + " by policy.Execute, looking up a policy built anew", "clocks beyond the proxy's", 4,
			fresh.Ratio.Median - building.Ratio.Median - proxy.Ratio.Median,
			math.Hypot(fresh.Ratio.StandardError(), building.Ratio.StandardError()),
			[]string{proxy.ID, fresh.ID, building.ID},
		})
	}
	return goals
}

func two(r *Results, a, b string) (Case, Case, bool) {
	ca, ok1 := r.Case(a)
	cb, ok2 := r.Case(b)
	return ca, cb, ok1 && ok2
}

func relativeError(a, b measure.Spread) float64 {
	return math.Hypot(a.StandardError()/a.Median, b.StandardError()/b.Median)
}

// contentionGoals: many goroutines get no less done than one does, as far as the
// machine lets them; how far that is, calls without any wrapper show. Handing
// the calls out to the goroutines takes up to a twentieth.
func contentionGoals(r *Results) []Goal {
	machine := map[int]float64{}
	for _, c := range r.Contention {
		if c.Name == "none/no-wrapper" {
			for n, s := range c.Scale {
				machine[n] = s.Median
			}
		}
	}
	var goals []Goal
	for _, c := range r.Contention {
		if !strings.HasSuffix(c.Name, "/clad:proxy") {
			continue
		}
		for _, n := range slices.Sorted(maps.Keys(c.Scale)) {
			s, given := c.Scale[n], min(1, cmp.Or(machine[n], 1))
			goals = append(goals, Goal{
				fmt.Sprintf("%s, %d goroutines: time for as many calls as one makes", c.Title, n), "of one's", 1.05,
				given / s.Median, given * s.StandardError() / s.Median / s.Median, nil,
			})
		}
	}
	return goals
}

func costGoals(r *Results) []Goal {
	var goals []Goal
	for _, s := range r.Startup {
		want := 1.5
		if s.Engine == "dig" { // where untagged ones take less than half as long
			want = 1.8
		}
		goals = append(goals, Goal{
			fmt.Sprintf("starting %d tagged services on %s, in times of untagged ones", s.Services, s.Engine), "times", want,
			s.Ratio.Median, s.Ratio.StandardError(), nil,
		})
	}
	for _, m := range r.Memory {
		want := 1024.
		switch {
		case strings.HasSuffix(m.What, "its own"):
			want += 800 // of the breaker and the limiter
		case strings.HasPrefix(m.What, "tagged service"):
			want = 1536
		}
		goals = append(goals, Goal{m.What + ", at rest", "bytes", want, m.Bytes, 0, nil})
	}
	if r.Soak != nil {
		goals = append(goals, Goal{
			fmt.Sprintf("growth of the heap over %d calls", r.Soak.Calls), "bytes", 64 << 10, float64(r.Soak.Growth()), 0, nil,
		})
	}
	return goals
}
