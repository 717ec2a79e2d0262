package docs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Report is what Check found, and how much it looked at.
type Report struct {
	Problems []Problem
	// Skipped blocks, with the reason that the page gives.
	Skipped []Problem
	// Counts of what was checked, by kind: "programs run", "sh blocks"...
	Counts map[string]int
}

func (r *Report) add(problems ...Problem) { r.Problems = append(r.Problems, problems...) }

// Check checks the blocks and links of the pages against the repository at root,
// using an empty folder for what it builds. Programs are only run when everything
// compiles. The error tells that the check itself could not be made.
func Check(ctx context.Context, root, dir string, pages []Page) (*Report, error) {
	w, err := newWorkspace(ctx, root, dir)
	if err != nil {
		return nil, err
	}
	shell, err := newShellCheck(w)
	if err != nil {
		return nil, err
	}
	c := &checker{workspace: w, shell: shell, packages: map[string][]*goFile{}, report: &Report{Counts: map[string]int{}}}
	for _, page := range pages {
		c.readPage(ctx, page)
	}
	if err := c.compile(ctx); err != nil {
		return nil, err
	}
	if len(c.report.Problems) == 0 {
		c.run(ctx)
	}
	slices.SortFunc(c.report.Problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Page, b.Page), cmp.Compare(a.Line, b.Line))
	})
	return c.report, nil
}

type checker struct {
	*workspace
	shell    *shellCheck
	report   *Report
	packages map[string][]*goFile // by folder
	steps    []*step
}

// step is a block to run, and what it must print if the page says so.
type step struct {
	*block
	dir    string // of a program; "" for shell
	output *block
}

// languages maps other names of a language to the one that is used here, so that
// a block does not go unchecked for its name.
var languages = map[string]string{
	"golang": "go", "Go": "go", "yml": "yaml", "YAML": "yaml",
	"bash": "sh", "shell": "sh", "console": "sh",
}

// readPage sorts the blocks of a page by what is to be done with them.
func (c *checker) readPage(ctx context.Context, page Page) {
	blocks, links, problems := parse(page)
	c.report.add(problems...)
	for _, l := range links {
		c.checkLink(page, l)
	}
	first := len(c.steps)
	for _, b := range blocks {
		if name, ok := languages[b.lang]; ok {
			c.report.add(b.problem("write ```%s, not ```%s", name, b.lang))
			b.lang = name
		}
		switch {
		case b.verb == "skip":
			c.report.Skipped = append(c.report.Skipped, b.problem("%s", b.reason))
		case b.verb == "output":
			if len(c.steps) == first || c.steps[len(c.steps)-1].output != nil {
				c.report.add(b.problem("output of nothing: no program or run sh block before it"))
				continue
			}
			c.steps[len(c.steps)-1].output = b
		case b.lang == "go":
			c.readGo(b)
		case b.lang == "sh":
			c.report.Counts["sh blocks"]++
			c.report.add(c.shell.check(ctx, b)...)
			switch b.verb {
			case "run":
				c.steps = append(c.steps, &step{block: b})
			case "serve", "build":
				c.report.add(b.problem("%q is for programs", b.verb))
			}
		case b.verb != "":
			c.report.add(b.problem("%q says nothing about a block of %q", b.verb, b.lang))
		case b.lang == "yaml":
			c.readYAML(b)
		case b.file != "":
			c.writeFile(b)
		}
	}
}

func (c *checker) readGo(b *block) {
	f, problems := newGoFile(b)
	c.report.add(problems...)
	if f == nil {
		return
	}
	c.packages[f.dir] = append(c.packages[f.dir], f)
	switch {
	case f.main && b.verb == "build":
		c.report.Skipped = append(c.report.Skipped, b.problem("compiled, not run: %s", b.reason))
	case f.main:
		c.steps = append(c.steps, &step{block: b, dir: f.dir})
	case b.verb != "":
		c.report.add(b.problem("%q is for programs, and this has no func main", b.verb))
	}
}

func (c *checker) readYAML(b *block) {
	c.report.Counts["yaml blocks"]++
	var document any
	decoder := yaml.NewDecoder(strings.NewReader(b.text))
	for {
		if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			c.report.add(b.problem("%v", err))
			return
		}
	}
	if b.file != "" {
		c.writeFile(b)
	}
}

// writeFile puts a block where the programs of its page find it.
func (c *checker) writeFile(b *block) {
	if err := c.write(path.Join(slug(b.page), b.file), []byte(b.text+"\n")); err != nil {
		c.report.add(b.problem("%v", err))
	}
}

func (c *checker) checkLink(page Page, l link) {
	target, _, _ := strings.Cut(l.target, "#")
	if target == "" || strings.Contains(target, ":") {
		return // in the page, or elsewhere in the world
	}
	c.report.Counts["links"]++
	if _, err := os.Stat(filepath.Join(c.root, filepath.FromSlash(path.Join(path.Dir(page.Name), target)))); err != nil {
		c.report.add(Problem{page.Name, l.line, fmt.Sprintf("the link %s leads nowhere", l.target)})
	}
}

// compile writes the packages and vets them.
func (c *checker) compile(ctx context.Context) error {
	if len(c.packages) == 0 {
		return nil
	}
	known, err := c.importPaths(ctx)
	if err != nil {
		return err
	}
	for dir, files := range c.packages {
		for _, f := range files {
			c.report.Counts["go blocks"]++
			if err := c.write(path.Join(dir, f.base), f.source(packageName(files), known)); err != nil {
				return err
			}
		}
	}
	problems, err := c.vet(ctx, slices.Sorted(maps.Keys(c.packages)))
	c.report.add(problems...)
	return err
}

// packageName returns the name that the fragments among a package's files get.
func packageName(files []*goFile) string {
	for _, f := range files {
		if f.clause != "" && !f.test {
			return f.clause
		}
	}
	if slices.ContainsFunc(files, func(f *goFile) bool { return f.main }) {
		return "main"
	}
	return slug(path.Base(files[0].dir))
}

// run runs tests, programs and marked sh blocks, and compares what they print.
func (c *checker) run(ctx context.Context) {
	for _, dir := range slices.Sorted(maps.Keys(c.packages)) {
		files := c.packages[dir]
		if i := slices.IndexFunc(files, func(f *goFile) bool { return f.test }); i >= 0 {
			c.report.Counts["packages tested"]++
			if err := c.test(ctx, dir); err != nil {
				c.report.add(files[i].problem("%v", err))
			}
		}
	}
	for _, s := range c.steps {
		c.runStep(ctx, s)
	}
}

func (c *checker) runStep(ctx context.Context, s *step) {
	var out string
	var err error
	if s.dir == "" {
		c.report.Counts["sh blocks run"]++
		out, err = c.shell.run(ctx, s.block)
	} else {
		c.report.Counts["programs run"]++
		out, err = c.workspace.run(ctx, s.dir, s.verb == "serve")
	}
	if err != nil {
		c.report.add(s.problem("%v", err))
	} else if s.output != nil && !sameOutput(s.output.text, out) {
		c.report.add(s.output.problem("the block at line %d printed:\n%s", s.line, out))
	}
}

var (
	trailingBlanks = regexp.MustCompile(`[ \t]+(\n|$)`)
	anyLines       = regexp.MustCompile(`(^|\n)\\\.\\\.\\\.\n`)
)

// sameOutput reports whether got is what a page shows, where "..." stands for any
// text, and on a line of its own for any lines.
func sameOutput(shown, got string) bool {
	tidy := func(s string) string { return strings.Trim(trailingBlanks.ReplaceAllString(s, "$1"), "\n") + "\n" }
	pattern := regexp.QuoteMeta(tidy(shown))
	pattern = anyLines.ReplaceAllString(pattern, `$1(?:.*\n)*`)
	pattern = strings.ReplaceAll(pattern, `\.\.\.`, `.*`)
	return regexp.MustCompile(`^` + pattern + `$`).MatchString(tidy(got))
}
