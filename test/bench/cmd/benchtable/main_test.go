package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cladgo/clad/test/bench/internal/baseline"
	"github.com/cladgo/clad/test/bench/internal/measure"
	"github.com/cladgo/clad/test/bench/internal/results"
	"go.uber.org/goleak"
)

// A process that measures for another one is this program again.
func TestMain(m *testing.M) {
	if os.Getenv(anew) != "" {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

func TestUsage(t *testing.T) {
	for _, test := range []struct {
		args string
		says string
		err  error
	}{
		{"-h", "benchtable -check", flag.ErrHelp},
		{"-rnd 3", "rnd", errUsage},
		{"breaker", `unexpected argument "breaker"`, errUsage},
		{"-run (", "-run", errUsage},
		{"-check -update", "do not go together", errUsage},
		{"-crowds", "goes with -run", errUsage},
		{"-update -run x", "without -run", errUsage},
		{"-rounds -1", "-rounds", errUsage},
	} {
		var stdout, stderr bytes.Buffer
		if err := run(t.Context(), strings.Fields(test.args), &stdout, &stderr); !errors.Is(err, test.err) {
			t.Errorf("%s: %v, want %v", test.args, err, test.err)
		}
		if !strings.Contains(stderr.String(), test.says) {
			t.Errorf("%s: says %q, want %q in it", test.args, stderr.String(), test.says)
		}
	}
}

func benchtable(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	err := run(t.Context(), append(args, "-quiet"), &stdout, &stderr)
	return stdout.String() + stderr.String(), err
}

func TestListHoldsEveryKind(t *testing.T) {
	out, err := benchtable(t, "-list")
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"all/clad:proxy", "all/by-hand", "breaker/building-the-policy", "part/mutex"} {
		if !strings.Contains(out, id+"\n") {
			t.Errorf("%s is not listed", id)
		}
	}
}

func TestFilterMeasuresWhatMatchesAndWritesNoPage(t *testing.T) {
	docs := t.TempDir()
	out, err := benchtable(t, "-run", "^breaker/clad:proxy$", "-rounds", "1", "-slice", "1ms", "-docs", docs, "-json", "-")
	if err != nil {
		t.Fatal(err)
	}
	r, err := results.Read(strings.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Cases) != 1 || r.Cases[0].Ratio.Median <= 0 {
		t.Errorf("measured %+v", r.Cases)
	}
	if written, _ := os.ReadDir(docs); len(written) > 0 {
		t.Errorf("a few cases were written as the page: %v", written)
	}
}

func TestCrowds(t *testing.T) {
	out, err := benchtable(t, "-run", "^limit/clad:proxy$", "-crowds", "-rounds", "2", "-slice", "1ms", "-json", "-")
	if err != nil {
		t.Fatal(err)
	}
	r, err := results.Read(strings.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Contention) != 1 || len(r.Contention[0].Scale) != 3 || len(r.Cases) != 0 {
		t.Errorf("measured %+v", r)
	}
}

// A baseline that says a call took next to no time makes the call look slower; one
// that says it took very long does not.
func TestCheckComparesWithTheBaseline(t *testing.T) {
	const id = "breaker/clad:proxy"
	for _, test := range []struct {
		ratio float64
		fails bool
	}{{0.001, true}, {1000, false}} {
		file := filepath.Join(t.TempDir(), "baseline.json")
		b := baseline.Baseline{Machine: results.ThisMachine(), Cases: map[string]baseline.Entry{id: {Ratio: test.ratio}}, Missed: []string{"circuit breaker"}}
		data, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := benchtable(t, "-check", "-run", "^"+id+"$", "-rounds", "3", "-slice", "1ms", "-baseline", file)
		if (err != nil) != test.fails {
			t.Errorf("with a baseline of %v it ended with %v\n%s", test.ratio, err, out)
		}
		if test.fails && (err == nil || !strings.Contains(err.Error(), id)) {
			t.Errorf("it does not say what is slower: %v", err)
		}
	}
}

func TestCheckSaysHowToMakeABaseline(t *testing.T) {
	if _, err := benchtable(t, "-check", "-baseline", filepath.Join(t.TempDir(), "none.json")); err == nil || !strings.Contains(err.Error(), "-update") {
		t.Errorf("ended with %v", err)
	}
}

// What looks slower is measured by another process, which is to measure just that.
func TestAnotherProcessMeasuresTheSame(t *testing.T) {
	plan := measure.Plan{Rounds: 2, Slice: time.Millisecond}
	cases, err := measureAnew(t.Context(), plan, []string{"breaker/clad:proxy", "none/clad:policy.Do"})
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) != 2 || cases[0].ID != "none/clad:policy.Do" || cases[1].ID != "breaker/clad:proxy" || cases[1].Ratio.Median <= 0 {
		t.Errorf("measured %+v", cases)
	}
}
