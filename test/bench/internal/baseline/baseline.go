// Package baseline remembers what was measured, and tells whether a later run
// has become slower by more than the noise.
package baseline

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"

	"github.com/cladgo/clad/test/bench/internal/measure"
	"github.com/cladgo/clad/test/bench/internal/results"
)

// Baseline is what later runs are compared with.
type Baseline struct {
	Machine results.Machine  `json:"machine"`
	Cases   map[string]Entry `json:"cases"`
	// Missed lists the goals that were not reached when the baseline was
	// taken. Any other goal is held.
	Missed []string `json:"missed,omitempty"`
}

// Entry is one case of a baseline.
type Entry struct {
	Ratio  float64 `json:"ratio"` // in calls of time.Now
	Allocs float64 `json:"allocs"`
	Bytes  float64 `json:"bytes"`
	Pace   float64 `json:"pace,omitempty"` // as in results.Case
}

// Of makes a baseline of results.
func Of(r *results.Results) *Baseline {
	b := &Baseline{Machine: r.Machine, Cases: map[string]Entry{}}
	b.Machine.Modules = nil // the peers are not compared
	for _, c := range r.Cases {
		b.Cases[c.ID] = Entry{round(c.Ratio.Median, 1e4), round(c.Allocs, 1), round(c.Bytes, 1), round(c.Pace, 1e6)}
	}
	for _, g := range results.Goals(r) {
		if !g.Met() {
			b.Missed = append(b.Missed, g.What)
		}
	}
	return b
}

func round(x, to float64) float64 { return math.Round(x*to) / to }

// Load reads a baseline from a file.
func Load(file string) (*Baseline, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var b Baseline
	if err := json.Unmarshal(data, &b); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return &b, nil
}

// Save writes the baseline to a file.
func (b *Baseline) Save(file string) error {
	data, err := json.MarshalIndent(b, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(data, '\n'), 0o644)
}

// Keep drops the cases that do not match.
func (b *Baseline) Keep(match func(id string) bool) {
	maps.DeleteFunc(b.Cases, func(id string, _ Entry) bool { return !match(id) })
}

// A ratio may exceed the baseline's by tolerance and a little more, for what
// differs between two builds and two runs of the same code: where functions and
// values happen to lie in memory. The little counts for calls that take next to
// no time.
const (
	tolerance       = 0.15
	toleranceClocks = 0.008
	// elsewhere is the tolerance on another machine or release of Go, where
	// the clock may cost more or less beside everything else.
	elsewhere = 1.0
	// doubt is how many standard errors a median must be above the limit.
	doubt = 2
)

// slower returns how much slower code that did not change was, beside the clock,
// than when the baseline was taken: plain code, on a core that was shared all the
// time, or the controls. A ratio may be so much larger.
func (e Entry) slower(now results.Case) float64 {
	slower := max(1, now.Drift)
	if e.Pace > 0 && now.Pace > 0 {
		slower = max(slower, now.Pace/e.Pace)
	}
	return slower
}

// controls are others' code, which does much of what clad does: what makes it
// slower than it was is not a change of clad's. What shares a machine takes from
// more than its processors: the cache, the way to the memory.
var controls = []string{
	"timeout/by-hand", "all/by-hand",
	"breaker/failsafe-go", "retry/failsafe-go", "timeout/failsafe-go", "all/failsafe-go",
	"second/backoff", "window-rate/aegis",
}

// Control reports whether a case is a control, and not compared itself.
func Control(id string) bool { return slices.Contains(controls, id) }

// Drift returns how much slower than in the baseline the controls among the cases
// are: the upper quartile of them.
func (b *Baseline) Drift(cases []results.Case) float64 {
	var drifts []float64
	for _, c := range cases {
		if base, ok := b.Cases[c.ID]; ok && Control(c.ID) {
			drifts = append(drifts, c.Ratio.Median/base.Ratio)
		}
	}
	if len(drifts) == 0 {
		return 1
	}
	return measure.SpreadOf(drifts).Q3
}

// Verdict is the comparison of one case.
type Verdict struct {
	ID    string
	Base  Entry
	Now   results.Case
	Limit float64 // of the ratio
	// Problem says what has become worse; empty for nothing.
	Problem string
	// Noisy says that the ratio is above the limit, but no further than the
	// noise explains.
	Noisy bool
}

// Settled reports whether measuring again could change nothing.
func (v Verdict) Settled() bool { return v.Problem == "" && !v.Noisy }

// Compare judges each case of r, and names the cases that only one side has. On
// a machine unlike the baseline's, ratios are compared with a wide tolerance.
func (b *Baseline) Compare(r *results.Results) []Verdict {
	relative := tolerance
	if !b.Machine.Like(r.Machine) {
		relative = elsewhere
	}
	var verdicts []Verdict
	for _, c := range r.Cases {
		if Control(c.ID) {
			continue
		}
		v := Verdict{ID: c.ID, Now: c}
		base, ok := b.Cases[c.ID]
		if !ok {
			v.Problem = "is not in the baseline; take a new one with -update"
			verdicts = append(verdicts, v)
			continue
		}
		v.Base, v.Limit = base, base.Ratio*base.slower(c)*(1+relative)+toleranceClocks
		switch {
		case c.Allocs > base.Allocs+0.5:
			v.Problem = fmt.Sprintf("allocates %.0f times, %.0f before", c.Allocs, base.Allocs)
		case c.Bytes > base.Bytes*1.1+8:
			v.Problem = fmt.Sprintf("allocates %.0f bytes, %.0f before", c.Bytes, base.Bytes)
		case c.Ratio.Median-doubt*c.Ratio.StandardError() > v.Limit:
			v.Problem = fmt.Sprintf("takes %.3f clocks, %.3f before", c.Ratio.Median, base.Ratio)
		case c.Ratio.Median > v.Limit:
			v.Noisy = true
		}
		verdicts = append(verdicts, v)
	}
	for _, id := range slices.Sorted(maps.Keys(b.Cases)) {
		if _, ok := r.Case(id); !ok {
			verdicts = append(verdicts, Verdict{ID: id, Problem: "is in the baseline and was not measured; take a new one with -update"})
		}
	}
	return verdicts
}

// Lost lists the goals that were reached when the baseline was taken and are
// missed now, by more than the noise.
func (b *Baseline) Lost(r *results.Results) []results.Goal {
	var lost []results.Goal
	for _, g := range results.Goals(r) {
		if g.Got-doubt*g.Error > g.Want*(1+tolerance) && !slices.Contains(b.Missed, g.What) {
			lost = append(lost, g)
		}
	}
	return lost
}
