package test

import (
	"cmp"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"testing"
)

// project is the Go code of a repository, nested modules included, as far as
// imports go.
type project struct {
	module   string // import path of the root
	files    []goFile
	packages map[string][]string // folder -> folders imported by its non-test files
}

type goFile struct {
	name    string // relative to the root
	pkg     string // as its package clause says
	imports []imported
}

type imported struct {
	path string
	line int
}

func (f goFile) dir() string  { return path.Dir(f.name) }
func (f goFile) isTest() bool { return strings.HasSuffix(f.name, "_test.go") }

// folder returns the folder of an import within the project.
func (p *project) folder(importPath string) (dir string, ok bool) {
	if importPath == p.module {
		return ".", true
	}
	return strings.CutPrefix(importPath, p.module+"/")
}

// readProject parses the imports of every Go file below root, whatever its build
// tags and whether or not it compiles.
func readProject(t *testing.T, root fs.FS) *project {
	t.Helper()
	p := &project{packages: map[string][]string{}}
	p.module = readModulePath(t, root, "go.mod")
	walkSources(t, root, func(name string) {
		switch {
		case path.Base(name) == "go.mod":
			// A nested module of any other path would put its packages out of sight.
			if want := path.Join(p.module, path.Dir(name)); readModulePath(t, root, name) != want {
				t.Errorf("%s: the module's path must be %s", name, want)
			}
		case path.Ext(name) == ".go":
			p.add(readImports(t, root, name))
		}
	})
	return p
}

func (p *project) add(f goFile) {
	p.files = append(p.files, f)
	if f.isTest() {
		return
	}
	for _, i := range f.imports {
		if dir, ok := p.folder(i.path); ok {
			p.packages[f.dir()] = append(p.packages[f.dir()], dir)
		}
	}
}

func readImports(t *testing.T, root fs.FS, name string) goFile {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, readFile(t, root, name), parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	f := goFile{name: name, pkg: file.Name.Name}
	for _, spec := range file.Imports {
		importPath, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		f.imports = append(f.imports, imported{importPath, fset.Position(spec.Pos()).Line})
	}
	return f
}

func readModulePath(t *testing.T, root fs.FS, name string) string {
	t.Helper()
	for line := range strings.Lines(string(readFile(t, root, name))) {
		if module, ok := strings.CutPrefix(line, "module "); ok {
			return strings.TrimSpace(module)
		}
	}
	t.Fatalf("%s names no module", name)
	return ""
}

// walkSources calls visit with every file that people write: not with what tools
// keep in hidden folders or build into bin, nor with fixtures, which may hold
// anything.
func walkSources(t *testing.T, root fs.FS, visit func(name string)) {
	t.Helper()
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !entry.IsDir() {
			if name != ".git" { // a worktree's is a file
				visit(name)
			}
			return nil
		}
		switch base := entry.Name(); {
		case name == ".", name == ".ci":
			return nil
		case base[0] == '.', base[0] == '_', base == "testdata", base == "bin":
			return fs.SkipDir
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func readFile(t *testing.T, root fs.FS, name string) []byte {
	t.Helper()
	data, err := fs.ReadFile(root, name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// finding is a broken rule, at a line of a file.
type finding struct {
	file string
	line int
	text string
}

func (f finding) String() string { return fmt.Sprintf("%s:%d: %s", f.file, f.line, f.text) }

func compareFindings(a, b finding) int {
	return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.line, b.line), cmp.Compare(a.text, b.text))
}
