package live

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/cladgo/clad/cmd/clad/internal/terminal"
	"github.com/cladgo/clad/internal/printable"
)

// grid is a table whose first column takes what room there is. At 80 signs the others
// are to leave it twenty.
type grid struct {
	name    string // of the first column
	columns []column
	rows    []gridRow
}

type column struct {
	heading string
	width   int
	left    bool
}

type gridRow struct {
	cells []string // the first is the name
	note  string   // instead of cells
	style func(terminal.Colours, string) string
}

func newGrid(name string, columns ...column) *grid { return &grid{name: name, columns: columns} }

func (g *grid) add(style func(terminal.Colours, string) string, cells ...string) {
	for i := range cells {
		cells[i] = printable.Text(cells[i])
	}
	g.rows = append(g.rows, gridRow{cells: cells, style: style})
}

// note adds a line that belongs to the row above.
func (g *grid) note(text string) {
	g.rows = append(g.rows, gridRow{note: printable.Text(text), style: terminal.Colours.Dim})
}

// lines are those of the table, its heading first.
func (g *grid) lines(width int) []line {
	rest := 0
	headings := []string{g.name}
	for _, c := range g.columns {
		rest += 1 + c.width
		headings = append(headings, c.heading)
	}
	first := utf8.RuneCountInString(g.name)
	for _, r := range g.rows {
		if r.note == "" {
			first = max(first, utf8.RuneCountInString(r.cells[0]))
		}
	}
	first = min(first, max(20, width-rest))
	all := []line{{g.row(first, headings), terminal.Colours.Bold}}
	for _, r := range g.rows {
		text := "  " + r.note
		if r.note == "" {
			text = g.row(first, r.cells)
		}
		all = append(all, line{text, r.style})
	}
	return all
}

func (g *grid) row(first int, cells []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-*s", first, cut(cells[0], first))
	for i, c := range g.columns {
		width := c.width
		if c.left {
			width = -width
		}
		fmt.Fprintf(&b, " %*s", width, cut(cells[i+1], c.width))
	}
	return b.String()
}

// short writes a number in five signs.
func short(n uint64) string {
	switch {
	case n == 0:
		return "-"
	case n < 100_000:
		return fmt.Sprint(n)
	case n < 1_000_000:
		return fmt.Sprintf("%dk", n/1000)
	case n < 10_000_000:
		return fmt.Sprintf("%d.%dM", n/1_000_000, n/100_000%10)
	case n < 1_000_000_000:
		return fmt.Sprintf("%dM", n/1_000_000)
	default:
		return fmt.Sprintf("%.0e", float64(n))
	}
}
