package report

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/cladgo/clad/test/bench"
	"github.com/cladgo/clad/test/bench/internal/results"
)

// Plot draws the rows on a logarithmic scale, as SVG: a mark for each library, a
// line for its spread, a bar for the goal. It has its own background, and colours
// for light and dark, so that it can be read on any page. Marks differ in shape,
// for those who see no colours.
func Plot(w io.Writer, r *results.Results) error {
	p := newPlot(r)
	p.frame()
	for i, row := range p.rows {
		p.row(i, row)
	}
	p.legend()
	p.b.WriteString("</svg>\n")
	_, err := io.WriteString(w, p.b.String())
	return err
}

// The plot's measures, in pixels.
const (
	plotWidth  = 880
	plotLeft   = 284 // where the scale begins
	plotRight  = plotWidth - 64
	plotTop    = 84
	rowHeight  = 54
	laneHeight = 15
	plotBottom = 40
)

// drawn are the libraries in the plot, in the order of their lanes.
var drawn = []struct{ id, title, class, mark string }{
	{"clad:proxy", "clad", "clad", "M-5,0a5,5 0 1,0 10,0a5,5 0 1,0 -10,0z"},
	{"by-hand", "by hand", "hand", "M-4.5,-4.5h9v9h-9z"},
	{"failsafe-go", "failsafe-go", "failsafe", "M0,-5.5L5.5,4.5H-5.5z"},
}

const plotStyle = `<style>
.back { fill: #ffffff; stroke: #d1d9e0 }
text { fill: #1f2328; font: 13px system-ui, sans-serif }
.title { font-size: 16px; font-weight: 600 }
.minor { fill: #59636e; font-size: 12px; paint-order: stroke; stroke: #ffffff; stroke-width: 3px }
.grid { stroke: #d1d9e0 }
.unit { stroke: #59636e }
.band { fill: #f6f8fa }
.goal { stroke: #1a7f37; stroke-width: 3 }
.clad { fill: #0969da; stroke: #0969da }
.hand { fill: #bc4c00; stroke: #bc4c00 }
.failsafe { fill: #8250df; stroke: #8250df }
@media (prefers-color-scheme: dark) {
.back { fill: #0d1117; stroke: #3d444d }
text { fill: #f0f6fc }
.minor { fill: #9198a1; stroke: #0d1117 }
.grid { stroke: #3d444d }
.unit { stroke: #9198a1 }
.band { fill: #151b23 }
.goal { stroke: #3fb950 }
.clad { fill: #4493f8; stroke: #4493f8 }
.hand { fill: #f0883e; stroke: #f0883e }
.failsafe { fill: #ab7df8; stroke: #ab7df8 }
}
</style>
`

type plot struct {
	b         strings.Builder
	r         *results.Results
	rows      []bench.Row
	low, high float64 // exponents of ten at the ends of the scale
}

func newPlot(r *results.Results) *plot {
	p := &plot{r: r, low: -1, high: 1}
	for _, row := range bench.Rows() {
		if _, ok := r.Case(row.Name + "/" + drawn[0].id); !ok {
			continue
		}
		p.rows = append(p.rows, row)
		for _, d := range drawn {
			if c, ok := r.Case(row.Name + "/" + d.id); ok {
				p.low = min(p.low, halfPower(math.Floor, min(c.Ratio.Q1, cmp.Or(row.Goal.Clocks, 1))/1.2))
				p.high = max(p.high, halfPower(math.Ceil, c.Ratio.Q3*1.2))
			}
		}
	}
	return p
}

// halfPower is an exponent of ten, rounded to halves.
func halfPower(round func(float64) float64, ratio float64) float64 {
	return round(math.Log10(ratio)*2) / 2
}

func (p *plot) write(format string, args ...any) { fmt.Fprintf(&p.b, format, args...) }

// x is where a ratio stands.
func (p *plot) x(ratio float64) float64 {
	at := (math.Log10(ratio) - p.low) / (p.high - p.low)
	return plotLeft + min(max(at, 0), 1)*(plotRight-plotLeft)
}

func (p *plot) height() int { return plotTop + len(p.rows)*rowHeight + plotBottom }

func (p *plot) text(class string, x, y float64, anchor, text string) {
	p.write(`<text class="%s" x="%.1f" y="%.1f" text-anchor="%s">%s</text>`+"\n", class, x, y, anchor, escaped(text))
}

func escaped(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a strings.Builder takes everything
	return b.String()
}

func (p *plot) frame() {
	h := p.height()
	p.write(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-labelledby="title">`+"\n", plotWidth, h, plotWidth, h)
	p.write(`<title id="title">What a call costs under each policy, in calls of time.Now, for clad, code by hand and failsafe-go</title>` + "\n")
	p.b.WriteString(plotStyle)
	p.write(`<rect class="back" x="0.5" y="0.5" width="%d" height="%d" rx="8"/>`+"\n", plotWidth-1, h-1)
	p.text("title", 20, 32, "start", "A call, in calls of time.Now()")
	bottom := plotTop + len(p.rows)*rowHeight
	for i := range p.rows {
		if i%2 == 0 {
			p.write(`<rect class="band" x="8" y="%d" width="%d" height="%d"/>`+"\n", plotTop+i*rowHeight, plotWidth-16, rowHeight)
		}
	}
	for e := math.Ceil(p.low); e <= p.high; e++ {
		x, class := p.x(math.Pow(10, e)), "grid"
		if e == 0 {
			class = "unit"
		}
		p.write(`<line class="%s" x1="%.1f" y1="%d" x2="%.1f" y2="%d"/>`+"\n", class, x, plotTop, x, bottom)
		p.text("minor", x, float64(bottom)+18, "middle", fmt.Sprint(math.Pow(10, e)))
	}
	p.text("minor", plotRight, float64(bottom)+32, "end", "logarithmic; lower is better")
}

func (p *plot) row(i int, row bench.Row) {
	top := float64(plotTop + i*rowHeight)
	p.text("", plotLeft-16, top+rowHeight/2+4, "end", row.Title)
	if row.Goal.Clocks > 0 {
		x := p.x(row.Goal.Clocks)
		p.write(`<line class="goal" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`+"\n", x, top+2, x, top+22)
	}
	for lane, d := range drawn {
		c, ok := p.r.Case(row.Name + "/" + d.id)
		if !ok {
			continue
		}
		x, y := p.x(c.Ratio.Median), top+12+float64(lane*laneHeight)
		p.write(`<g class="%s"><line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/><path transform="translate(%.1f,%.1f)" d="%s"/></g>`+"\n",
			d.class, p.x(c.Ratio.Q1), y, p.x(c.Ratio.Q3), y, x, y, d.mark)
		p.text("minor", max(x, p.x(c.Ratio.Q3))+10, y+4, "start", figure(c.Ratio.Median))
	}
}

func (p *plot) legend() {
	x := 20.0
	for _, d := range drawn {
		p.write(`<g class="%s"><path transform="translate(%.1f,58)" d="%s"/></g>`+"\n", d.class, x+6, d.mark)
		p.text("", x+18, 62, "start", d.title)
		x += 34 + 8*float64(len(d.title))
	}
	p.write(`<line class="goal" x1="%.1f" y1="49" x2="%.1f" y2="67"/>`+"\n", x+6, x+6)
	p.text("", x+18, 62, "start", "goal for clad")
	x += 34 + 8*13
	p.text("minor", x+6, 62, "start", "lines: middle half of the rounds")
}
