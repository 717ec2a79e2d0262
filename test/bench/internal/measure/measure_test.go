package measure_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cladgo/clad/test/bench/internal/measure"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSpread(t *testing.T) {
	for _, test := range []struct {
		samples        []float64
		median, q1, q3 float64
	}{
		{[]float64{3}, 3, 3, 3},
		{[]float64{5, 1, 2, 4, 3}, 3, 2, 4},
		{[]float64{1, 2, 3, 4}, 2.5, 1.75, 3.25},
		{[]float64{1, 1, 1, 1000}, 1, 1, 250.75},
	} {
		s := measure.SpreadOf(test.samples)
		if s.Median != test.median || s.Q1 != test.q1 || s.Q3 != test.q3 || s.N != len(test.samples) {
			t.Errorf("%v: %+v", test.samples, s)
		}
	}
	if s := measure.SpreadOf(nil); !math.IsNaN(s.Median) {
		t.Errorf("the median of nothing is %v", s.Median)
	}
}

// The standard error is that of the medians of many samples of one distribution.
func TestStandardErrorIsHowMedianScatters(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var medians, said []float64
	for range 2000 {
		samples := make([]float64, 40)
		for i := range samples {
			samples[i] = 10 + random.NormFloat64()
		}
		s := measure.SpreadOf(samples)
		medians, said = append(medians, s.Median), append(said, s.StandardError())
	}
	scatter := measure.SpreadOf(medians).IQR() / 1.349
	if typical := measure.SpreadOf(said).Median; math.Abs(typical-scatter) > 0.1*scatter {
		t.Errorf("the medians scatter by %.4f, the standard error says %.4f", scatter, typical)
	}
}

// spin is a subject of which a call costs a number of readings of the clock.
type spin struct {
	readings int
	ran      uint64
	allocs   bool
	err      error
}

func (s *spin) ID() string { return "spin" }

func (s *spin) Run(n int) error {
	s.ran += uint64(n)
	for range n {
		if s.allocs {
			kept = new([8]uint64)
		}
		_ = measure.Clock{}.Run(s.readings)
	}
	return s.err
}

var kept *[8]uint64

func TestMeasure(t *testing.T) {
	const tries = 10 // a machine that is busy with something else may take a whole one
	for try := range tries {
		wrong := measureOnce(t)
		if wrong == "" {
			return
		}
		if try == tries-1 {
			t.Error(wrong)
		}
	}
}

// measureOnce measures what is known, and returns which ratio came out wrong.
func measureOnce(t *testing.T) (wrong string) {
	t.Helper()
	subjects := []*spin{{readings: 1}, {readings: 8, allocs: true}}
	rounds := 0
	plan := measure.Plan{Rounds: 9, Slice: time.Millisecond, Progress: func(done, of int) {
		if rounds++; done != rounds || of != 9 {
			t.Errorf("progress %d of %d in round %d", done, of, rounds)
		}
	}}
	series, err := plan.Measure(t.Context(), []measure.Subject{subjects[0], subjects[1]})
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range series {
		want := float64(subjects[i].readings)
		got := s.Ratio()
		if got.N < 3 || got.N > 9 || len(s.Ratios) != 9 {
			t.Errorf("%d readings of the clock were measured as %+v", subjects[i].readings, got)
		}
		if got.Median < 0.8*want || got.Median > 1.6*want {
			wrong = fmt.Sprintf("%d readings of the clock were measured as %+v", subjects[i].readings, got)
		}
		if s.Calls != subjects[i].ran {
			t.Errorf("%d calls were made, %d told", subjects[i].ran, s.Calls)
		}
		if allocates := s.Allocs > 0.9; allocates != subjects[i].allocs || allocates && (s.Allocs > 1.1 || s.Bytes < 64 || s.Bytes > 80) {
			t.Errorf("allocates: %v, counted %v of %v bytes", subjects[i].allocs, s.Allocs, s.Bytes)
		}
	}
	return wrong
}

func TestMeasureEndsWithTheFirstError(t *testing.T) {
	broken := errors.New("broken")
	_, err := measure.Plan{Rounds: 1, Slice: time.Millisecond}.Measure(t.Context(), []measure.Subject{&spin{err: broken}})
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "spin") {
		t.Errorf("ended with %v", err)
	}
}

// A core that is shared with others makes code slower than the clock: what was
// measured meanwhile does not count, unless it is all there is.
func TestOnlyUndisturbedRoundsCount(t *testing.T) {
	for _, tt := range []struct {
		name  string
		paces []float64
		best  float64
		want  []int
	}{
		{"calm", []float64{1, 1.02, 1.05, 0.99}, 1, []int{0, 1, 2, 3}},
		{"half of the time", []float64{1.7, 1, 1.5, 1.05, 1.01, 1.8, 1.6, 1.02}, 1, []int{1, 3, 4, 7}},
		{"nearly always", []float64{1.7, 1.5, 1.8, 1.6, 1, 1.9, 1.75, 1.85}, 1, []int{1, 4}},
		{"always", []float64{1.7, 1.5, 1.8, 1.6}, 1, []int{1}},
		{"a single round", []float64{3}, 1, []int{0}},
	} {
		got := measure.Undisturbed(tt.paces, tt.best)
		slices.Sort(got)
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: rounds %v count, want %v", tt.name, got, tt.want)
		}
	}
}
