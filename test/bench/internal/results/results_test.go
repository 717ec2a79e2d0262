package results_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/cladgo/clad/test/bench/internal/measure"
	"github.com/cladgo/clad/test/bench/internal/results"
)

func spread(median, iqr float64) measure.Spread {
	return measure.Spread{Median: median, Q1: median - iqr/2, Q3: median + iqr/2, N: 40}
}

func sample() *results.Results {
	return &results.Results{
		Machine: results.Machine{OS: "linux", Arch: "amd64", CPU: "a processor", CPUs: 2, Go: "go1.26"},
		Clock:   spread(46, 1),
		Cases: []results.Case{
			{ID: "breaker/clad:proxy", Row: "breaker", System: "clad", Form: "proxy", Ratio: spread(0.4, 0.01)},
			{ID: "retry/clad:proxy", Row: "retry", System: "clad", Form: "proxy", Ratio: spread(0.4, 0.01)},
			{ID: "second/clad:proxy", Row: "second", System: "clad", Form: "proxy", Ratio: spread(2, 0.01)},
			{ID: "breaker/clad:policy.Do", Row: "breaker", System: "clad", Form: "policy.Do", Allocs: 3},
		},
		Contention: []results.Contention{
			{Name: "none/no-wrapper", Title: "no policy", Scale: map[int]measure.Spread{2: spread(0.8, 0.01)}},
			{Name: "breaker/clad:proxy", Title: "circuit breaker", Scale: map[int]measure.Spread{2: spread(0.79, 0.2), 8: spread(0.5, 0.01)}},
			{Name: "breaker/by-hand", Title: "circuit breaker", Scale: map[int]measure.Spread{2: spread(0.1, 0.01)}},
		},
	}
}

func TestGoals(t *testing.T) {
	met := map[string]bool{}
	for _, g := range results.Goals(sample()) {
		met[g.What] = g.Met()
	}
	const contended = " goroutines: time for as many calls as one makes"
	want := map[string]bool{
		"circuit breaker":              true,
		"circuit breaker, allocations": true,
		"retry":                        true,
		"retry, allocations":           true,
		"retry, success at the second attempt, allocations":           true,
		"success at the second attempt, in times of one at the first": false,
		"policy.Do, allocations beyond the proxy's":                   false,
		// Within the noise, what the machine gives to two goroutines; and not.
		"circuit breaker, 2" + contended: true,
		"circuit breaker, 8" + contended: false,
	}
	if !reflect.DeepEqual(met, want) {
		t.Errorf("goals are met: %v\nwant %v", met, want)
	}
}

func TestResultsAreReadBack(t *testing.T) {
	want := sample()
	var b bytes.Buffer
	if err := want.Write(&b); err != nil {
		t.Fatal(err)
	}
	got, err := results.Read(&b)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v, wrote %+v", got, want)
	}
	if _, err := results.Read(strings.NewReader(`{"casses": []}`)); err == nil {
		t.Error("an unknown key was read over")
	}
}

func TestMergeReplacesAndAdds(t *testing.T) {
	r := sample()
	n := len(r.Cases)
	r.Merge([]results.Case{{ID: "retry/clad:proxy", Allocs: 7}, {ID: "new"}})
	if c, _ := r.Case("retry/clad:proxy"); c.Allocs != 7 || len(r.Cases) != n+1 {
		t.Errorf("merged to %+v", r.Cases)
	}
	if _, ok := r.Case("nowhere"); ok {
		t.Error("a case was found that is not there")
	}
}

func TestMachine(t *testing.T) {
	m := results.ThisMachine()
	if m.CPU == "" || m.CPUs < 1 || !strings.Contains(m.String(), m.Go) || !m.Like(results.ThisMachine()) {
		t.Errorf("%+v", m)
	}
	other := m
	other.Go = "go1.0"
	if m.Like(other) {
		t.Error("figures of another release of Go are taken for comparable")
	}
}
