package check

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/cladgo/clad/cmd/clad/internal/terminal"
	"github.com/cladgo/clad/internal/printable"
)

// Print writes the result for people: each finding with an excerpt of its
// source, then a summary.
func (r *Result) Print(w io.Writer, c terminal.Colours) {
	lines := sources{}
	for _, f := range r.Mistakes {
		f.print(w, lines, c, c.Red)
	}
	for _, f := range r.Notes {
		f.print(w, lines, c, c.Yellow)
	}
	summary := printable.Text(r.summary())
	if len(r.Mistakes) == 0 {
		summary = c.Green(summary)
	} else {
		summary = c.Red(summary)
	}
	fmt.Fprintln(w, summary)
}

func (f Finding) print(w io.Writer, lines sources, c terminal.Colours, mark func(string) string) {
	fmt.Fprintf(w, "%s: %s\n", c.Bold(f.Place()), f.message())
	if source, ok := lines.line(f.File, f.Line); ok {
		column := f.Column
		if strings.HasSuffix(f.File, ".go") { // Go counts bytes
			column = utf8.RuneCountInString(source[:min(max(column-1, 0), len(source))]) + 1
		}
		e := excerptOf(source, column)
		number := fmt.Sprint(f.Line)
		fmt.Fprintf(w, "  %s %s\n", c.Dim(number+" |"), e.text)
		fmt.Fprintf(w, "  %s %s\n", c.Dim(strings.Repeat(" ", len(number))+" |"), mark(e.mark))
	}
	fmt.Fprintln(w)
}

// PrintPlain writes one line for each finding.
func (r *Result) PrintPlain(w io.Writer) {
	for _, f := range r.Mistakes {
		fmt.Fprintln(w, f)
	}
	for _, f := range r.Notes {
		fmt.Fprintln(w, f)
	}
}

// PrintJSON writes all as one JSON object.
func (r *Result) PrintJSON(w io.Writer) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(r); err != nil {
		return err
	}
	_, err := w.Write(printable.JSON(text.Bytes()))
	return err
}

// summary says what was checked, and how it went.
func (r *Result) summary() string {
	var dirs []string
	byDir := map[string][]string{}
	for _, p := range r.Profiles {
		if byDir[p.Dir] == nil {
			dirs = append(dirs, p.Dir)
		}
		byDir[p.Dir] = append(byDir[p.Dir], p.Name)
	}
	var checked []string
	for _, dir := range dirs {
		names := byDir[dir]
		checked = append(checked, fmt.Sprintf("%s %s in %s", plural(len(names), "profile", "profiles"), strings.Join(names, ", "), dir))
	}
	if r.Packages > 0 {
		checked = append(checked, fmt.Sprintf("%d %s of policies in %d %s", r.Names, plural(r.Names, "name", "names"), r.Packages, plural(r.Packages, "package", "packages")))
	}
	outcome := "no mistakes"
	if n := len(r.Mistakes); n > 0 {
		outcome = fmt.Sprintf("%d %s", n, plural(n, "mistake", "mistakes"))
	}
	if n := len(r.Notes); n > 0 {
		outcome += fmt.Sprintf(", %d %s", n, plural(n, "note", "notes"))
	}
	return strings.Join(checked, "; ") + ": " + outcome
}
