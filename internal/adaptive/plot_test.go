package adaptive_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the plot and the table of the documentation")

// step is what the documentation shows: a server that loses three of four workers
// for a minute, while calls come at a rate that is a quarter above what it takes at
// best.
var step = []phase{
	{time.Minute, 20, work, 500},
	{time.Minute, 5, work, 500},
	{time.Minute, 20, work, 500},
}

const (
	plot = "../../docs/adaptive-limit.svg"
	page = "../../docs/policies.md"
)

var table = regexp.MustCompile(`(?s)(<!-- adaptive limit -->\n).*?(<!-- end -->)`)

// The plot and the table in the documentation are what the simulation says.
func TestTheDocumentationShowsTheSimulation(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("other processors round a product and a sum as one, and a simulation goes another way")
	}
	if raceEnabled {
		t.Skip("a simulation has one goroutine")
	}
	runs := []run{
		{"adaptive", "#1f77b4", simulate(newLimit(usual), 2, step)},
		{"fixed at 40", "#d62728", simulate(fixed(40), 2, step)},
	}
	compare(t, plot, func([]byte) []byte { return draw(runs) })
	compare(t, page, func(text []byte) []byte {
		if !table.Match(text) {
			t.Errorf("%s has no table of the adaptive limit", page)
		}
		return table.ReplaceAll(text, []byte("${1}"+rows(runs)+"${2}"))
	})
}

// compare holds a file against what it should be, or makes it that.
func compare(t *testing.T, file string, want func(was []byte) []byte) {
	t.Helper()
	was, err := os.ReadFile(file)
	if err != nil && !*update {
		t.Fatal(err)
	}
	is := want(was)
	if bytes.Equal(was, is) {
		return
	}
	if !*update {
		t.Errorf("%s is not what the simulation says; run go test ./internal/adaptive -update", file)
		return
	}
	if err := os.WriteFile(file, is, 0o644); err != nil {
		t.Fatal(err)
	}
}

type run struct {
	name, colour string
	seconds      []second
}

func rows(runs []run) string {
	var b strings.Builder
	b.WriteString("| | limit | served a second | refused a second | median | 99 of 100 within |\n| --- | --- | --- | --- | --- | --- |\n")
	for i, title := range []string{"20 workers", "5 workers", "20 again"} {
		for _, r := range runs {
			// The last two thirds of each minute.
			from := time.Duration(i)*time.Minute + 20*time.Second
			part := between(r.seconds, from, time.Duration(i+1)*time.Minute)
			fmt.Fprintf(&b, "| %s, %s | %.0f | %.0f | %.0f | %.0fms | %.0fms |\n", title, r.name, mean(part, limitOf), mean(part, servedOf),
				mean(part, func(s second) float64 { return float64(s.refused) }), mean(part, latencyOf),
				mean(part, func(s second) float64 { return s.slowest.Seconds() * 1000 }))
		}
	}
	return b.String()
}

// The panels of the plot, and their sizes.
const (
	width, height = 640, 130
	left, top     = 60, 30
	gap           = 40
)

func draw(runs []run) []byte {
	var b bytes.Buffer
	panels := []struct {
		title  string
		most   float64
		figure func(second) float64
	}{
		{"calls at the same time, at most", 50, limitOf},
		{"served a second", 500, servedOf},
		{"median of what they take, in ms", 500, latencyOf},
	}
	whole := top + len(panels)*(height+gap)
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", left+width+20, whole)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" fill="white"/>`+"\n")
	for i, r := range runs {
		x := left + 140*i
		fmt.Fprintf(&b, `<path d="M%d 14h20" stroke="%s" stroke-width="2"/><text x="%d" y="18">%s</text>`+"\n", x, r.colour, x+26, r.name)
	}
	for i, p := range panels {
		y := top + i*(height+gap) + 20
		fmt.Fprintf(&b, `<text x="%d" y="%d">%s</text>`+"\n", left, y-6, p.title)
		fmt.Fprintf(&b, `<path d="M%d %dv%dh%d" fill="none" stroke="#888"/>`+"\n", left, y, height, width)
		for _, share := range []float64{0.5, 1} {
			at := float64(y) + height*(1-share)
			fmt.Fprintf(&b, `<path d="M%d %.0fh%d" stroke="#ddd"/><text x="%d" y="%.0f" text-anchor="end">%.0f</text>`+"\n", left, at, width, left-6, at+4, p.most*share)
		}
		for minute, label := range []string{"20 workers", "5 workers", "20 workers"} {
			x := left + minute*width/3
			fmt.Fprintf(&b, `<path d="M%d %dv%d" stroke="#bbb" stroke-dasharray="3"/>`, x, y, height)
			if i == len(panels)-1 {
				fmt.Fprintf(&b, `<text x="%d" y="%d">%d min, %s</text>`, x, y+height+14, minute, label)
			}
			b.WriteByte('\n')
		}
		for _, r := range runs {
			fmt.Fprintf(&b, `<polyline fill="none" stroke="%s" stroke-width="1.5" points="`, r.colour)
			for n, s := range r.seconds {
				fmt.Fprintf(&b, "%.1f,%.1f ", left+width*float64(n)/float64(len(r.seconds)-1), float64(y)+height*(1-min(p.figure(s)/p.most, 1)))
			}
			b.WriteString(`"/>` + "\n")
		}
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}
