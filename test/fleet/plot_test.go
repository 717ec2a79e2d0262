package fleet_test

import (
	"fmt"
	"math"
	"strings"
)

// plot draws the error of the limit, and the commands, over the size of the fleet.
func plot(all []result) string {
	const width, height, left, top = 380, 240, 60, 40
	colours := map[float64]string{100: "#0969da", 1000: "#1a7f37", 10_000: "#bc4c00"}
	var b strings.Builder
	b.WriteString(`<svg xmlns="http://www.w3.org/2000/svg" width="960" height="340" viewBox="0 0 960 340" font-family="sans-serif" font-size="12">` + "\n")
	b.WriteString(`<rect width="960" height="340" fill="#ffffff"/>` + "\n")
	panel := func(x0 float64, title string, ticks []float64, label string, y func(float64) float64, value func(result) float64) {
		x := func(n int) float64 { return x0 + math.Log10(float64(n))/3*width }
		fmt.Fprintf(&b, `<text x="%.0f" y="%d" font-weight="bold">%s</text>`+"\n", x0, top-16, title)
		for _, n := range []int{1, 10, 100, 1000} {
			fmt.Fprintf(&b, `<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="#d0d7de"/><text x="%.1f" y="%d" text-anchor="middle">%d</text>`+"\n", x(n), top, x(n), top+height, x(n), top+height+18, n)
		}
		fmt.Fprintf(&b, `<text x="%.0f" y="%d" text-anchor="middle">instances</text>`+"\n", x0+width/2, top+height+36)
		for _, v := range ticks {
			at := top + height*(1-y(v))
			fmt.Fprintf(&b, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="#d0d7de"/><text x="%.1f" y="%.1f" text-anchor="end">%s</text>`+"\n", x0, at, x0+width, at, x0-6, at+4, fmt.Sprintf(label, v))
		}
		for rate, colour := range ordered(colours) {
			var points []string
			for _, r := range all {
				if r.rate == rate {
					points = append(points, fmt.Sprintf("%.1f,%.1f", x(r.n), top+height*(1-y(value(r)))))
				}
			}
			fmt.Fprintf(&b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", strings.Join(points, " "), colour)
		}
	}
	panel(left, "What passes less (−) or more than the rate", []float64{-2, -1, 0, 1, 2}, "%.0f%%",
		func(v float64) float64 { return (max(min(v, 2), -2) + 2) / 4 }, func(r result) float64 { return 100 * (r.share - 1) })
	panel(left+width+100, "Commands a second, of all instances", []float64{1, 10, 100, 1000, 10_000}, "%.0f",
		func(v float64) float64 { return math.Log10(max(v, 1)) / 4 }, func(r result) float64 { return r.commands })
	at := 0
	for rate, colour := range ordered(colours) {
		fmt.Fprintf(&b, `<rect x="%d" y="%d" width="12" height="3" fill="%s"/><text x="%d" y="%d">a limit of %.0f/s</text>`+"\n", left+at, 328, colour, left+at+18, 333, rate)
		at += 150
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// ordered goes through the rates from the lowest to the highest.
func ordered(colours map[float64]string) func(func(float64, string) bool) {
	return func(yield func(float64, string) bool) {
		for _, rate := range []float64{100, 1000, 10_000} {
			if !yield(rate, colours[rate]) {
				return
			}
		}
	}
}
