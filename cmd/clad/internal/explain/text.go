package explain

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cladgo/clad/cmd/clad/internal/terminal"
	"github.com/cladgo/clad/internal/printable"
)

// Print writes a report for people.
func (r *Report) Print(w io.Writer, c terminal.Colours) {
	p := &printer{colours: c}
	p.title("profile "+r.Profile, Origin{})
	for _, s := range r.Settings {
		p.plain("  "+s.Name+" "+s.Value, s.Origin)
	}
	for _, s := range r.Services {
		p.block++
		p.service(s)
	}
	p.block++
	for _, policy := range r.Policies {
		p.policy(policy)
	}
	p.write(w)
}

// printer gathers lines, to put what stands right of them into one column in
// each block.
type printer struct {
	colours terminal.Colours
	block   int
	lines   []line
}

type line struct {
	block int
	text  string
	width int
	right string
}

const (
	widest = 100 // what is wider moves its right part, not that of all lines
	gap    = 3
)

// plain adds a line without colours, and where its value comes from.
func (p *printer) plain(text string, origin Origin) {
	p.styled(text, func(text string) string { return text }, origin)
}

func (p *printer) title(text string, origin Origin) { p.styled(text, p.colours.Bold, origin) }

func (p *printer) heading(kind, name string, origin Origin) {
	p.plain("", Origin{})
	p.title(kind+" "+name, origin)
}

// styled adds a line of text, which may have been anybody's.
func (p *printer) styled(text string, style func(string) string, origin Origin) {
	text = printable.Text(text)
	p.lines = append(p.lines, line{p.block, style(text), utf8.RuneCountInString(text), printable.Text(origin.String())})
}

func (p *printer) write(w io.Writer) {
	columns := make([]int, p.block+1)
	for _, l := range p.lines {
		if l.right != "" && l.width <= widest {
			columns[l.block] = max(columns[l.block], l.width)
		}
	}
	for _, l := range p.lines {
		if l.right == "" {
			fmt.Fprintln(w, l.text)
			continue
		}
		fmt.Fprintf(w, "%s%s%s\n", l.text, strings.Repeat(" ", max(columns[l.block]-l.width, 0)+gap), p.colours.Dim(l.right))
	}
}

func (p *printer) service(s Service) {
	origin := s.Origin
	if origin == (Origin{}) {
		origin = s.Tagged
	}
	p.heading("service", s.Name, origin)
	if s.Critical != (Origin{}) {
		p.plain("  critical: not ready while a circuit breaker of it is open", s.Critical)
	}
	rows := make([][3]string, len(s.Methods))
	var widths [2]int
	for i, m := range s.Methods {
		rows[i] = [3]string{m.Name, m.Policy, m.outcome()}
		if m.Name == "" {
			rows[i][0] = "(other methods)"
			if len(s.Methods) == 1 {
				rows[i][0] = "(all methods)"
			}
		}
		if m.Policy == "" {
			rows[i][1] = "(the tag's)"
		}
		for j := range widths {
			widths[j] = max(widths[j], utf8.RuneCountInString(rows[i][j]))
		}
	}
	for i, row := range rows {
		text := fmt.Sprintf("  %-*s  %-*s  %s", widths[0], row[0], widths[1], row[1], row[2])
		p.plain(strings.TrimRight(text, " "), s.Methods[i].Origin)
	}
	for _, a := range s.Answers {
		p.plain("  "+a.String(), a.Origin)
	}
	for _, f := range s.Fallbacks {
		p.plain("  "+f.String(), f.Origin)
	}
}

// outcome says in words whether a method is retried, and how long it may take.
func (m Method) outcome() string {
	var parts []string
	switch {
	case m.Policy == "":
		parts = append(parts, "with Go packages given, the code is asked")
	case m.Worst == nil:
		parts = append(parts, "the profile has no such policy")
	case m.Policy == "none":
		parts = append(parts, "not protected")
	case m.Retried:
		retried := "retried, " + times(m.Attempts) + " at most"
		if m.Budget > 0 {
			retried += " within a budget of " + percent(m.Budget)
		}
		parts = append(parts, retried, "worst case "+m.Worst.String())
	default:
		parts = append(parts, "not retried", "worst case "+m.Worst.String())
	}
	if m.Note != "" {
		parts = append(parts, m.Note)
	}
	return strings.Join(parts, "; ")
}

func percent(share float64) string { return strconv.FormatFloat(share*100, 'g', 4, 64) + "%" }

func times(attempts int) string {
	switch attempts {
	case 1:
		return "1 attempt"
	case math.MaxInt:
		return "countless attempts"
	default:
		return fmt.Sprintf("%d attempts", attempts)
	}
}

func (p *printer) policy(policy Policy) {
	p.heading("policy", policy.Name, policy.Origin)
	for _, s := range policy.Heading {
		p.plain("  "+s.Name+" "+s.Value, s.Origin)
	}
	if len(policy.Users) > 0 {
		p.plain("  for "+strings.Join(policy.Users, ", "), Origin{})
	}
	if len(policy.Layers) == 0 {
		p.plain("  none: calls go straight through", Origin{})
		return
	}
	for i, s := range policy.Layers {
		p.section(s, i)
	}
	p.plain(branch(len(policy.Layers))+"the call", Origin{})
	attempts := times(policy.Attempts) + " at most"
	if policy.Budget > 0 {
		attempts += ", retries no more than " + percent(policy.Budget) + " of the operations"
	}
	p.plain(fmt.Sprintf("  %s; worst case %v (%s)", attempts, policy.Worst, policy.Formula), Origin{})
	for _, w := range policy.Warnings {
		text := "  warning: " + w.Problem
		if w.Layer >= 0 {
			text = fmt.Sprintf("  warning: %s: %s", policy.Layers[w.Layer].Key, w.Problem)
		}
		p.styled(text, p.colours.Yellow, Origin{})
	}
}

// branch leads to what stands at a depth of the tree.
func branch(depth int) string {
	if depth == 0 {
		return "  "
	}
	return "  " + strings.Repeat("   ", depth-1) + "└─ "
}

func (p *printer) section(s Section, depth int) {
	title := s.Key
	if s.Name != "" {
		title += " " + s.Name
	}
	if s.Name == "" && s.Value != "" {
		title += " " + s.Value
	}
	if len(s.SharedWith) > 0 {
		title += ", shared with " + strings.Join(s.SharedWith, ", ")
	}
	p.plain(branch(depth)+title, s.Origin)
	trunk := "  " + strings.Repeat("   ", depth) + "│    "
	for _, setting := range s.effective() {
		p.plain(trunk+setting.Name+" "+setting.Value, setting.Origin)
	}
	for _, text := range s.Fleet {
		p.plain(trunk+text, Origin{})
	}
}

// effective leaves out what says nothing: how to wait between attempts where
// there is only one.
func (s Section) effective() []Setting {
	if len(s.Settings) > 0 && s.Settings[0] == (Setting{"max_attempts", "1", s.Settings[0].Origin}) {
		return s.Settings[:1]
	}
	return s.Settings
}
