package report_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/cladgo/clad/test/bench"
	"github.com/cladgo/clad/test/bench/internal/measure"
	"github.com/cladgo/clad/test/bench/internal/report"
	"github.com/cladgo/clad/test/bench/internal/results"
	"github.com/cladgo/clad/test/bench/internal/where"
)

// recorded are results of one run of benchtable -json.
func recorded(t *testing.T) *results.Results {
	t.Helper()
	f, err := os.Open("testdata/results.json")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := results.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func page(t *testing.T, r *results.Results) string {
	t.Helper()
	var b strings.Builder
	if err := report.Page(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPageTellsOfEverythingMeasured(t *testing.T) {
	r := recorded(t)
	text := page(t, r)
	for _, row := range bench.Rows() {
		if !strings.Contains(text, "\n| "+row.Title+" |") {
			t.Errorf("there is no line of %q", row.Title)
		}
	}
	for _, s := range bench.Systems() {
		if s.Note != "" && !strings.Contains(text, s.Note) {
			t.Errorf("the page does not say what %s does more or less", s.Name)
		}
	}
	for _, want := range []string{r.Machine.String(), "## Many goroutines", "## Starting up", "## Memory at rest", "## Over many calls", "## Goals", "## What a call is made of", "](" + report.PlotFile + ")"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for line := range strings.Lines(text) {
		for _, wrong := range []string{"%!", "NaN", "Inf"} {
			if strings.Contains(line, wrong) {
				t.Errorf("a figure was not printed: %s", line)
			}
		}
	}
}

// Each table has as many cells in every line as in its head.
func TestTablesAreWhole(t *testing.T) {
	cells, tables := 0, 0
	for line := range strings.Lines(page(t, recorded(t))) {
		if !strings.HasPrefix(line, "|") {
			cells = 0
			continue
		}
		n := strings.Count(line, "|")
		if cells == 0 {
			cells, tables = n, tables+1
		}
		if n != cells {
			t.Errorf("%d cells, the head has %d: %s", n-1, cells-1, line)
		}
	}
	if tables < 8 {
		t.Errorf("the page has %d tables", tables)
	}
}

func TestPageShowsFiguresAsMeasured(t *testing.T) {
	r := recorded(t)
	r.Merge([]results.Case{{
		ID: "breaker/clad:proxy", Row: "breaker", System: "clad", Form: "proxy",
		Ratio: measure.Spread{Median: 0.4321, Q1: 0.4, Q3: 0.5, N: 40}, Time: measure.Spread{Median: 20.4},
		Allocs: 1, Bytes: 48,
	}})
	if want := "| circuit breaker | 0.5, 0 | 0.43 ± 0.05 | 20 | 1, 48 B |"; !strings.Contains(page(t, r), want) {
		t.Errorf("the page lacks %q", want)
	}
	if want := "| circuit breaker, allocations | 0.00"; !strings.Contains(page(t, r), want) {
		t.Errorf("the missed goal is not told of: %q", want)
	}
}

// What was not measured is left out, not made up.
func TestPageOfNothing(t *testing.T) {
	text := page(t, &results.Results{Clock: measure.Spread{Median: 1}})
	for _, heading := range []string{"Many goroutines", "Starting up", "Memory at rest", "Over many calls", "What a call is made of"} {
		if strings.Contains(text, heading) {
			t.Errorf("the page has a part %q, and nothing was measured", heading)
		}
	}
}

func TestPlotIsWellFormed(t *testing.T) {
	r := recorded(t)
	var b bytes.Buffer
	if err := report.Plot(&b, r); err != nil {
		t.Fatal(err)
	}
	if want := "prefers-color-scheme: dark"; !strings.Contains(b.String(), want) {
		t.Errorf("the plot has no colours for the dark")
	}
	marks, bars := 0, 0
	for d := xml.NewDecoder(&b); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := token.(xml.StartElement); ok {
			switch e.Name.Local {
			case "path":
				marks++
			case "line":
				if e.Attr[0].Value == "goal" {
					bars++
				}
			}
		}
	}
	want, goals := 3, 1 // the legend's
	for _, row := range bench.Rows() {
		if row.Goal.Clocks > 0 {
			goals++
		}
		for _, system := range []string{"clad:proxy", "by-hand", "failsafe-go"} {
			if _, ok := r.Case(row.Name + "/" + system); ok {
				want++
			}
		}
	}
	if marks != want || bars != goals {
		t.Errorf("the plot has %d marks and %d goals, want %d and %d", marks, bars, want, goals)
	}
}

// What a profile found is told in units, and what ran beside the calls is left out.
func TestPageSaysWhereTheTimeGoes(t *testing.T) {
	r := recorded(t)
	c, ok := r.Case("timeout/clad:proxy")
	if !ok {
		t.Fatal("no timeout was recorded")
	}
	r.Profiles = []results.Profile{{Row: "timeout", Parts: []where.Part{
		{What: "reading the clock", Share: 0.4}, {What: "allocating", Share: 0.4}, {What: where.Rest, Share: 0.2},
	}}}
	text := page(t, r)
	half := fmt.Sprintf("%.2f", c.Ratio.Median/2)
	for _, want := range []string{
		"| units | timeout |",
		"| reading the clock | " + half + " |", "| allocating | " + half + " |",
		"| policy | goal | its parts | measured | which parts |",
		"the proxy under no policy; reading the monotonic clock alone; allocating 32 bytes; one atomic addition; one atomic addition |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(text, where.Rest) {
		t.Error("the page tells of what ran beside the calls")
	}
}
