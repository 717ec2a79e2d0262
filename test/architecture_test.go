package test

import (
	"fmt"
	"os"
	"os/exec"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// layer is a folder, with all below it that is not a layer of its own, and what
// its packages may import of this project besides each other.
type layer struct {
	dir string
	may []string
	// tests lists what its external tests (package foo_test) may import as well. All
	// other tests are held to the same arrows as the code.
	tests []string
	// pure layers declare what is wanted and reach for nothing: outside tests they
	// import the standard library only, and nothing of it that touches the world.
	pure bool
}

// internal is the layer that others are built of: who imports it answers for
// what it imports in turn, so that it is no way around.
const internal = "internal"

// layers is the architecture. A package in none of them is a mistake too.
var layers = []layer{
	{dir: "policy", pure: true},
	{dir: "container", may: []string{"policy", internal}},
	{dir: "config", may: []string{"policy", internal}},
	// For tests of applications: it reads profiles and makes modules of Fx.
	{dir: "container/cladtest", may: []string{"policy", "container", "config", "module", internal}},
	{dir: "module", may: []string{"policy", "container", "config", internal}},
	{dir: internal, may: []string{"policy", "container", "config"}},

	// Programs: they may use everything, and nothing uses them.
	{dir: "cmd", may: []string{"policy", "container", "config", "module", internal}},
	{dir: "test", may: []string{"policy", "container", "container/cladtest", "config", "module", "cmd", "examples", internal}},
	{dir: "examples", may: []string{"policy", "container", "config", "module", "examples/app/payments"}, tests: []string{"container/cladtest"}},
	// The domain's policies are tried out with the orchestrator that obeys them.
	{dir: "examples/app/payments", may: []string{"policy"}, tests: []string{"container"}, pure: true},
}

// infrastructure lists the packages of the standard library, each with those
// below it, through which a program reaches outside itself.
var infrastructure = []string{
	"C", "crypto/tls", "database", "embed", "expvar", "io/fs", "io/ioutil", "log",
	"net", "os", "path/filepath", "plugin", "runtime/cgo", "syscall", "testing",
}

func TestImportsRunOneWay(t *testing.T) {
	p := readProject(t, os.DirFS(".."))
	for _, f := range checkImports(p, layers, standardLibrary(t)) {
		t.Error(f)
	}
	// A reader that reads nothing finds nothing.
	if !slices.Contains(p.packages["container"], "policy") {
		t.Error("container imports policy, and this was not seen")
	}
}

// Mechanisms are state and arithmetic: they know of no policies, services or logs.
func TestMechanismsStandAlone(t *testing.T) {
	p := readProject(t, os.DirFS(".."))
	for _, dir := range []string{"internal/circuit", "internal/bucket", "internal/counters", "internal/lease", "internal/quorum", "internal/bulkhead"} {
		if !slices.Contains(p.packages["container"], dir) {
			t.Errorf("container does not import %s", dir)
		}
		for _, imported := range p.packages[dir] {
			if imported != "internal/clock" && imported != "internal/shard" {
				t.Errorf("%s -> %s", dir, imported)
			}
		}
	}
}

// What reads constructors knows nothing of what they are read for.
func TestReadingConstructorsStandsAlone(t *testing.T) {
	p := readProject(t, os.DirFS(".."))
	for _, dir := range []string{"internal/constructor", "internal/needs"} {
		if !slices.Contains(p.packages["container"], dir) {
			t.Errorf("container does not import %s", dir)
		}
		for _, imported := range p.packages[dir] {
			t.Errorf("%s -> %s", dir, imported)
		}
	}
}

// The rules find every forbidden arrow of a tree made of them, each followed by
// what must be found, and no other.
func TestImportRulesFindForbiddenArrows(t *testing.T) {
	tree := os.DirFS("testdata/architecture")
	var got, want []string
	for _, f := range checkImports(readProject(t, tree), layers, standardLibrary(t)) {
		got = append(got, f.String())
	}
	walkSources(t, tree, func(name string) {
		for n, line := range strings.Split(string(readFile(t, tree, name)), "\n") {
			if _, text, ok := strings.Cut(line, "// want "); ok {
				text, err := strconv.Unquote(text)
				if err != nil {
					t.Fatalf("%s:%d: %v", name, n+1, err)
				}
				want = append(want, fmt.Sprintf("%s:%d: %s", name, n+1, text))
			}
		}
	})
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("found:\n\t%s\nwant:\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
	if len(want) < 10 {
		t.Errorf("the fixture holds only %d forbidden imports", len(want))
	}
}

func checkImports(p *project, layers []layer, std map[string]bool) []finding {
	c := importCheck{project: p, layers: layers, std: std}
	for _, f := range p.files {
		from, ok := c.layerOf(f.dir())
		if !ok {
			c.report(f, 1, "package %s is in no layer; add it to the table of layers, or move it", f.dir())
			continue
		}
		if f.isTest() && strings.HasSuffix(f.pkg, "_test") {
			from.may = slices.Concat(from.may, from.tests)
		}
		for _, i := range f.imports {
			if dir, ok := p.folder(i.path); ok {
				c.checkArrow(f, i, from, dir)
			} else if from.pure && !f.isTest() {
				c.checkPure(f, i, from)
			}
		}
	}
	slices.SortFunc(c.findings, compareFindings)
	return c.findings
}

type importCheck struct {
	*project
	layers   []layer
	std      map[string]bool
	findings []finding
}

func (c *importCheck) report(f goFile, line int, format string, args ...any) {
	c.findings = append(c.findings, finding{f.name, line, fmt.Sprintf(format, args...)})
}

func (c *importCheck) checkArrow(f goFile, i imported, from layer, dir string) {
	to, ok := c.layerOf(dir)
	switch {
	case !ok: // reported where its files are
	case to.dir == from.dir:
	case !slices.Contains(from.may, to.dir):
		c.report(f, i.line, "%s -> %s", from.dir, to.dir)
	case to.dir == internal:
		c.checkBehind(f, i, from, dir, nil)
	}
}

// checkBehind follows an import of an internal package to what it leads to.
func (c *importCheck) checkBehind(f goFile, i imported, from layer, dir string, trail []string) {
	if slices.Contains(trail, dir) {
		return
	}
	trail = append(slices.Clip(trail), dir)
	for _, next := range slices.Compact(slices.Sorted(slices.Values(c.packages[dir]))) {
		switch to, ok := c.layerOf(next); {
		case !ok, to.dir == from.dir:
		case to.dir == internal:
			c.checkBehind(f, i, from, next, trail)
		case !slices.Contains(from.may, to.dir):
			c.report(f, i.line, "%s -> %s, through %s", from.dir, to.dir, strings.Join(trail, ", "))
		}
	}
}

func (c *importCheck) checkPure(f goFile, i imported, from layer) {
	if !c.std[i.path] && i.path != "C" {
		c.report(f, i.line, "%s -> %s, which is not of the standard library", from.dir, i.path)
		return
	}
	for _, banned := range infrastructure {
		if within(i.path, banned) {
			c.report(f, i.line, "%s -> %s, which is infrastructure", from.dir, i.path)
		}
	}
}

// layerOf returns the innermost layer that holds the folder.
func (c *importCheck) layerOf(dir string) (innermost layer, ok bool) {
	for _, l := range c.layers {
		if within(dir, l.dir) && len(l.dir) > len(innermost.dir) {
			innermost = l
		}
	}
	return innermost, innermost.dir != ""
}

func within(dir, parent string) bool {
	return dir == parent || strings.HasPrefix(dir, parent+"/")
}

func standardLibrary(t *testing.T) map[string]bool {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "std").Output()
	if err != nil {
		t.Fatal(err)
	}
	std := map[string]bool{}
	for name := range strings.FieldsSeq(string(out)) {
		std[path.Clean(name)] = true
	}
	return std
}
