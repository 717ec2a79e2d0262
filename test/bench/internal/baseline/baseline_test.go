package baseline_test

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/cladgo/clad/test/bench/internal/baseline"
	"github.com/cladgo/clad/test/bench/internal/measure"
	"github.com/cladgo/clad/test/bench/internal/results"
)

// The recordings are results of `benchtable -check -json` of one build: calm, and
// busy while other processes kept more than all processors busy.
func record(t *testing.T, name string) *results.Results {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := results.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Cases) < 40 {
		t.Fatalf("%s holds %d cases", name, len(r.Cases))
	}
	return r
}

func load(t *testing.T) *baseline.Baseline {
	t.Helper()
	b, err := baseline.Load(filepath.Join("testdata", "baseline.json"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestTheSameCodeIsNoSlower(t *testing.T) {
	for _, name := range []string{"calm", "busy"} {
		r := record(t, name)
		for _, v := range load(t).Compare(r) {
			if v.Problem != "" {
				t.Errorf("%s: %s %s", name, v.ID, v.Problem)
			}
		}
		for _, g := range load(t).Lost(r) {
			t.Errorf("%s: lost %s: %v", name, g.What, g.Got)
		}
	}
}

// slow makes a case slower, as if every round had been.
func slow(c results.Case, factor float64) results.Case {
	c.Ratio.Median *= factor
	c.Ratio.Q1 *= factor
	c.Ratio.Q3 *= factor
	return c
}

func TestThirtyPercentSlowerIsFound(t *testing.T) {
	for _, name := range []string{"calm", "busy"} {
		for _, c := range record(t, name).Cases {
			r := record(t, name)
			r.Merge([]results.Case{slow(c, 1.3)})
			for _, v := range load(t).Compare(r) {
				if found := v.Problem != ""; found != (v.ID == c.ID) {
					t.Errorf("%s: %s was slowed down: %s: %q (noisy: %v), %.3f ± %.3f, limit %.3f", name, c.ID, v.ID, v.Problem, v.Noisy,
						v.Now.Ratio.Median, v.Now.Ratio.IQR()/2, v.Limit)
				}
			}
		}
	}
}

// A median that is above the limit by less than its error is measured again.
func TestNoiseIsNoSlowdown(t *testing.T) {
	r := record(t, "calm")
	c := slow(r.Cases[0], 1.3)
	c.Ratio.Q1, c.Ratio.Q3, c.Ratio.N = c.Ratio.Median*0.5, c.Ratio.Median*1.5, 9
	r.Merge([]results.Case{c})
	for _, v := range load(t).Compare(r) {
		if v.ID == c.ID && (!v.Noisy || v.Problem != "" || v.Settled()) {
			t.Errorf("%+v", v)
		}
	}
}

func TestOneMoreAllocationIsFound(t *testing.T) {
	for _, more := range []struct{ allocs, bytes float64 }{{1, 0}, {0, 16}} {
		r := record(t, "calm")
		c, _ := r.Case("breaker/clad:proxy")
		c.Allocs += more.allocs
		c.Bytes += more.bytes
		r.Merge([]results.Case{c})
		for _, v := range load(t).Compare(r) {
			if found := v.Problem != ""; found != (v.ID == c.ID) {
				t.Errorf("%+v: %s: %q", more, v.ID, v.Problem)
			}
		}
	}
}

func TestALostGoalIsFound(t *testing.T) {
	b, r := load(t), record(t, "calm")
	c, _ := r.Case("breaker/clad:proxy")
	r.Merge([]results.Case{slow(c, 1.3)})
	if lost := b.Lost(r); len(lost) != 1 || lost[0].What != "circuit breaker" {
		t.Errorf("lost %+v", lost)
	}
	b.Missed = append(b.Missed, "circuit breaker")
	if lost := b.Lost(r); len(lost) != 0 {
		t.Errorf("lost what had been missed before: %+v", lost)
	}
}

func TestCasesOfOneSideAreProblems(t *testing.T) {
	b, r := load(t), record(t, "calm")
	added := r.Cases[1]
	added.ID = "breaker/clad:new"
	r.Cases = append(r.Cases[1:], added)
	var problems []string
	for _, v := range b.Compare(r) {
		if v.Problem != "" {
			problems = append(problems, v.ID)
		}
	}
	if want := []string{"breaker/clad:new", "none/clad:proxy"}; len(problems) != 2 || problems[0] != want[0] || problems[1] != want[1] {
		t.Errorf("problems with %q, want %q", problems, want)
	}
}

// On another machine the clock may cost more beside everything else.
func TestAnotherMachineIsComparedWidely(t *testing.T) {
	r := record(t, "calm")
	r.Machine.CPU = "another"
	for i, c := range r.Cases {
		r.Cases[i] = slow(c, 1.6)
	}
	for _, v := range load(t).Compare(r) {
		if v.Problem != "" {
			t.Errorf("%s %s", v.ID, v.Problem)
		}
	}
	for i, c := range r.Cases {
		r.Cases[i] = slow(c, 2)
	}
	for _, v := range load(t).Compare(r) {
		if v.Problem == "" {
			t.Errorf("%s takes thrice as long and that was not found", v.ID)
		}
	}
}

func TestSavedBaselineIsReadBack(t *testing.T) {
	file := filepath.Join(t.TempDir(), "baseline.json")
	want := baseline.Of(record(t, "calm"))
	if err := want.Save(file); err != nil {
		t.Fatal(err)
	}
	got, err := baseline.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Cases) != len(want.Cases) || len(got.Missed) != len(want.Missed) || !got.Machine.Like(want.Machine) {
		t.Errorf("read %+v, saved %+v", got, want)
	}
	for id, e := range want.Cases {
		if math.Abs(got.Cases[id].Ratio-e.Ratio) > 1e-9 {
			t.Errorf("%s: read %v, saved %v", id, got.Cases[id], e)
		}
	}
}

// A core that was shared all the time slows code down more than the clock, all of
// it alike; what is slower beyond that is still found.
func TestASharedCoreIsAllowedFor(t *testing.T) {
	r := record(t, "calm")
	for i := range r.Cases {
		r.Cases[i].Pace = 0.0125
	}
	b := baseline.Of(r)
	for i, c := range r.Cases {
		r.Cases[i] = slow(c, 1.4)
		r.Cases[i].Pace = 0.0175
	}
	for _, v := range b.Compare(r) {
		if v.Problem != "" {
			t.Errorf("%s %s", v.ID, v.Problem)
		}
	}
	for _, c := range r.Cases {
		r.Merge([]results.Case{slow(c, 1.3)})
		for _, v := range b.Compare(r) {
			if found := v.Problem != ""; found != (v.ID == c.ID) {
				t.Errorf("%s was slowed down: %s: %q", c.ID, v.ID, v.Problem)
			}
		}
		r.Merge([]results.Case{c})
	}
}

// Where others' code became slower by as much, it is not clad that did.
func TestTheControlsTellOfADisturbedMachine(t *testing.T) {
	r := record(t, "calm")
	for i, id := range []string{"all/by-hand", "breaker/failsafe-go", "retry/failsafe-go", "timeout/failsafe-go", "all/failsafe-go"} {
		r.Cases = append(r.Cases, results.Case{ID: id, Ratio: measure.SpreadOf([]float64{10 + float64(i)})})
	}
	b := baseline.Of(r)
	if got := b.Drift(r.Cases); got != 1 {
		t.Errorf("nothing changed, and that is a drift of %v", got)
	}
	for i, c := range r.Cases {
		r.Cases[i] = slow(c, 1.4)
	}
	drift := b.Drift(r.Cases)
	if math.Abs(drift-1.4) > 1e-9 {
		t.Errorf("everything takes 1.4 times as long, and that is a drift of %v", drift)
	}
	for _, known := range []float64{0, drift} {
		problems := 0
		for i := range r.Cases {
			r.Cases[i].Drift = known
		}
		for _, v := range b.Compare(r) {
			if baseline.Control(v.ID) {
				t.Errorf("the control %s is compared", v.ID)
			}
			if v.Problem != "" {
				problems++
			}
		}
		if (problems > 0) != (known == 0) {
			t.Errorf("with a drift of %v there are %d problems", known, problems)
		}
	}
}
