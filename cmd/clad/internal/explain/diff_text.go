package explain

import (
	"fmt"
	"io"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/cladgo/clad/cmd/clad/internal/terminal"
	"github.com/cladgo/clad/internal/printable"
)

// Print writes the two profiles side by side.
func (d *Difference) Print(w io.Writer, c terminal.Colours) {
	if len(d.Rows) == 0 {
		fmt.Fprintf(w, "%s and %s are the same\n", printable.Text(d.Left), printable.Text(d.Right))
		return
	}
	var widths [2]int
	cells := [][3]string{{"", d.Left, d.Right}}
	for _, row := range d.Rows {
		cells = append(cells, [3]string{row.Path, row.Left.cell(), row.Right.cell()})
	}
	for n := range cells {
		row := &cells[n]
		for i := range row {
			row[i] = printable.Text(row[i])
		}
		for i := range widths {
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i]))
		}
	}
	for i, row := range cells {
		text := fmt.Sprintf("%-*s   %-*s   %s", widths[0], row[0], widths[1], row[1], row[2])
		if i == 0 {
			text = c.Bold(text)
		}
		fmt.Fprintln(w, strings.TrimRight(text, " "))
	}
	fmt.Fprintf(w, "\nWhat %[1]s would do to the real calls of %[2]s, a dry run tells: \"shadow: %[1]s\" in %[2]s\n", printable.Text(d.Right), printable.Text(d.Left))
}

// cell shows a value and its origin, without the folder of the file: it is the
// same on both sides.
func (v *Value) cell() string {
	if v == nil {
		return "-"
	}
	origin := v.Origin
	if origin.File != "" {
		origin.File = path.Base(origin.File)
	}
	if text := origin.String(); text != "" {
		return fmt.Sprintf("%s (%s)", v.Value, text)
	}
	return v.Value
}
