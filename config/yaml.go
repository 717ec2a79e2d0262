package config

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// parse reads the one document of a file. It returns nil where the text is not
// one, and has reported why.
func parse(c *collector, file string, text []byte) *yaml.Node {
	if line, column, bad := firstUnreadable(text); bad {
		c.add(Origin{File: file, Line: line, Column: column}, nil, "not YAML: there is a byte that is not UTF-8 text, or a control character")
		return nil
	}
	if line, many := manyDirectives(text); many {
		c.add(Origin{File: file, Line: line, Column: 1}, nil, "there are more than %d directives, lines that begin with %%; a profile needs none", maxDirectives)
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document, second yaml.Node
	err := decoder.Decode(&document)
	switch {
	case errors.Is(err, io.EOF):
		reportEmpty(c, Origin{File: file, Line: 1, Column: 1})
		return nil
	case err != nil:
		reportSyntax(c, file, text, err)
		return nil
	}
	switch err := decoder.Decode(&second); {
	case err == nil:
		c.add(Origin{File: file, Line: second.Line, Column: second.Column}, nil, "a second document begins here; a profile is one document")
		return nil
	case !errors.Is(err, io.EOF):
		reportSyntax(c, file, text, err)
		return nil
	}
	root := document.Content[0]
	if isNull(root) {
		reportEmpty(c, Origin{File: file, Line: root.Line, Column: root.Column})
		return nil
	}
	return root
}

// reportEmpty: an empty file is what an editor or a copy leaves halfway.
func reportEmpty(c *collector, at Origin) {
	c.add(at, nil, "the file is empty; write {} if that is meant")
}

var (
	yamlLine      = regexp.MustCompile(`^line (\d+): `)
	unknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
)

// reportSyntax gives a syntax error its place, as near as the YAML package says.
func reportSyntax(c *collector, file string, text []byte, err error) {
	problem := strings.TrimPrefix(err.Error(), "yaml: ")
	lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	line := 1
	if found := yamlLine.FindStringSubmatch(problem); found != nil {
		line, _ = strconv.Atoi(found[1])
		problem = problem[len(found[0]):]
		if strings.HasPrefix(problem, "did not find expected") {
			line++ // the parser's lines count from 0, unlike the scanner's
		}
	} else if found := unknownAnchor.FindStringSubmatch(problem); found != nil {
		for i, l := range lines {
			if strings.Contains(l, "*"+found[1]) {
				line = i + 1
				break
			}
		}
	}
	line = max(1, min(line, len(lines)))
	shown := lines[line-1]
	column := utf8.RuneCountInString(shown) - utf8.RuneCountInString(strings.TrimLeftFunc(shown, unicode.IsSpace)) + 1
	if strings.Contains(problem, "cannot start any token") && strings.Contains(shown, "\t") {
		problem += "; indent with spaces, not tabs"
	}
	c.add(Origin{File: file, Line: line, Column: column}, nil, "not YAML: %s", problem)
}

// maxDirectives is far more than any file needs. The YAML package takes the
// square of their number of time.
const maxDirectives = 10

// manyDirectives finds the line of the first directive that is too many.
func manyDirectives(text []byte) (line int, many bool) {
	directives := 0
	for l := range bytes.Lines(text) {
		line++
		if l[0] == '%' {
			directives++
		}
		if directives > maxDirectives {
			return line, true
		}
	}
	return 0, false
}

// firstUnreadable finds the first place that is no text to YAML. The YAML
// package refuses it too, without saying where.
func firstUnreadable(text []byte) (line, column int, bad bool) {
	line, column = 1, 1
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		switch {
		case r == utf8.RuneError && size == 1,
			r < ' ' && r != '\t' && r != '\n' && r != '\r',
			r == 0x7F, r == 0xFFFE, r == 0xFFFF:
			return line, column, true
		}
		column++
		if r == '\n' {
			line, column = line+1, 1
		}
		text = text[size:]
	}
	return line, column, false
}
