package docs

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Page is a Markdown file. Name is its path from the root of the repository.
type Page struct {
	Name, Text string
}

// Problem is a mistake on a page.
type Problem struct {
	Page string
	Line int
	Text string
}

func (p Problem) String() string { return fmt.Sprintf("%s:%d: %s", p.Page, p.Line, p.Text) }

// block is a fenced block with the directive before it.
type block struct {
	page string
	line int // of the first line of text
	lang string
	text string
	directive
}

// directive is what a comment says about the block after it.
type directive struct {
	at     int // line of the comment
	verb   string
	reason string
	file   string
	frame  excerpt
}

// excerpt is a piece of a page, and the line that it begins at.
type excerpt struct {
	line int
	body string
}

func (b *block) problem(format string, args ...any) Problem {
	return Problem{b.page, b.line, fmt.Sprintf(format, args...)}
}

// link is the target of a link or an image.
type link struct {
	line   int
	target string
}

var (
	fence       = regexp.MustCompile("^( *)(```+)([^`]*)$")
	linkPattern = regexp.MustCompile(`\]\(([^()\s]+)\)`)
)

const directiveStart, commentEnd = "<!-- docs:", "-->"

// parse finds the blocks and links of a page.
func parse(p Page) (blocks []*block, links []link, problems []Problem) {
	report := func(line int, format string, args ...any) {
		problems = append(problems, Problem{p.Name, line, fmt.Sprintf(format, args...)})
	}
	var pending directive // waits for its block
	drop := func() {
		if pending.at != 0 {
			report(pending.at, "directive without a block after it")
		}
		pending = directive{}
	}

	lines := strings.Split(p.Text, "\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		if strings.HasPrefix(line, directiveStart) {
			drop()
			end := i + slices.IndexFunc(lines[i:], func(l string) bool { return strings.Contains(l, commentEnd) })
			if end < i {
				report(i+1, "directive without an end: %s", commentEnd)
				return blocks, links, problems
			}
			d, err := parseDirective(lines[i:end+1], i+1)
			if err != nil {
				report(i+1, "%v", err)
			}
			pending, i = d, end
			continue
		}
		if open := fence.FindStringSubmatch(line); open != nil {
			indent, ticks := open[1], open[2]
			end := i + 1
			for end < len(lines) && strings.Trim(lines[end], " ") != ticks {
				end++
			}
			if end == len(lines) {
				report(i+1, "block without an end")
			}
			body := slices.Clone(lines[i+1 : end])
			for n := range body {
				body[n] = strings.TrimPrefix(body[n], indent)
			}
			lang, _, _ := strings.Cut(strings.TrimSpace(open[3]), " ")
			blocks = append(blocks, &block{p.Name, i + 2, lang, strings.Join(body, "\n"), pending})
			pending, i = directive{}, end
			continue
		}
		if strings.TrimSpace(line) != "" {
			drop()
		}
		for _, m := range linkPattern.FindAllStringSubmatch(line, -1) {
			links = append(links, link{i + 1, m[1]})
		}
	}
	drop()
	return blocks, links, problems
}

// parseDirective reads the lines of a comment that begins at a line of its page.
func parseDirective(lines []string, at int) (directive, error) {
	d := directive{at: at}
	lines = slices.Clone(lines)
	last := len(lines) - 1
	lines[last], _, _ = strings.Cut(lines[last], commentEnd)
	words := strings.Fields(strings.TrimPrefix(lines[0], directiveStart))
	if last > 0 {
		d.frame = excerpt{at + 1, strings.Join(lines[1:], "\n")}
	}
	for n, word := range words {
		switch name, value, _ := strings.Cut(word, "="); {
		case name == "file" && value != "":
			d.file = value
		case slices.Contains([]string{"run", "serve", "output"}, word):
			d.verb = word
		case word == "build" || word == "skip":
			d.verb, d.reason = word, strings.Join(words[n+1:], " ")
			if d.reason == "" {
				return d, fmt.Errorf("%q needs a reason after it", word)
			}
			return d, nil
		default:
			return d, fmt.Errorf("unknown word %q in a directive; there are file=, run, serve, output, build and skip", word)
		}
	}
	return d, nil
}
