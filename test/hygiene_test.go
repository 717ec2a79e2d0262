package test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// Files say nothing of the machine that they were written on: such a line works
// there only, or tells what is nobody's business.
func TestNoMachineNames(t *testing.T) {
	forbidden := machineNames(t)
	root := os.DirFS("..")
	walkSources(t, root, func(name string) {
		for _, f := range findMachineNames(name, readFile(t, root, name), forbidden) {
			t.Error(f)
		}
	})
}

// Logic is tested in virtual time. A test that sleeps in real time is slow on a
// good day and wrong on a busy one.
func TestNoRealSleeps(t *testing.T) {
	root := os.DirFS("..")
	walkSources(t, root, func(name string) {
		if strings.HasSuffix(name, "_test.go") {
			for _, f := range findRealSleeps(t, root, name) {
				t.Error(f)
			}
		}
	})
}

// machinePath matches an absolute path into a folder of somebody's machine.
// "http://host/home/" and "./work/" are none.
var machinePath = regexp.MustCompile(`(?:^|[^\w./:-])/(?:tmp|root|work|home|Users|var/folders)/\w`)

// machineNames returns what no file may hold: the hosts that this machine gets
// its modules from, and the folders it works in.
func machineNames(t *testing.T) []string {
	t.Helper()
	var names []string
	goEnv := func(name string) string {
		out, err := exec.CommandContext(t.Context(), "go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(out))
	}
	for proxy := range strings.FieldsFuncSeq(goEnv("GOPROXY"), func(r rune) bool { return r == ',' || r == '|' }) {
		u, err := url.Parse(proxy)
		if err != nil || u.Host == "" || u.Port() == "" && isLoopback(u.Hostname()) {
			continue // "direct" and "off", and what is every machine's own name
		}
		names = append(names, u.Host)
	}
	checkout, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{checkout, goEnv("GOMODCACHE"), goEnv("GOCACHE")} {
		// One element alone, such as /app, is also a likely route of a server.
		if strings.Count(filepath.ToSlash(dir), "/") > 1 {
			names = append(names, dir)
		}
	}
	return names
}

func isLoopback(host string) bool {
	return slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, host)
}

func findMachineNames(name string, data []byte, forbidden []string) []finding {
	if bytes.IndexByte(data, 0) >= 0 {
		return nil // an image
	}
	var found []finding
	for n, line := range strings.Split(string(data), "\n") {
		if machinePath.MatchString(line) {
			found = append(found, finding{name, n + 1, "holds a path of somebody's machine: " + strings.TrimSpace(line)})
		}
		for _, word := range forbidden {
			if strings.Contains(line, word) {
				found = append(found, finding{name, n + 1, "names " + word + ", which is this machine's"})
			}
		}
	}
	return found
}

// findRealSleeps reports the calls of time.Sleep in a test file that does not
// import testing/synctest, but for those beside or under a comment with the reason:
//
//	// real time: the server's own clock decides
func findRealSleeps(t *testing.T, root fs.FS, name string) []finding {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, readFile(t, root, name), parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	timePackage := ""
	for _, spec := range file.Imports {
		switch spec.Path.Value {
		case `"testing/synctest"`:
			return nil
		case `"time"`:
			timePackage = "time"
			if spec.Name != nil {
				timePackage = spec.Name.Name
			}
		}
	}
	excused := map[int]bool{}
	for _, group := range file.Comments {
		for _, c := range group.List {
			if reason, ok := strings.CutPrefix(c.Text, "// real time:"); ok && strings.TrimSpace(reason) != "" {
				excused[fset.Position(c.Pos()).Line] = true
				excused[fset.Position(group.End()).Line+1] = true
			}
		}
	}
	var found []finding
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == "Sleep" {
			line := fset.Position(s.Pos()).Line
			if pkg, ok := s.X.(*ast.Ident); ok && pkg.Name == timePackage && !excused[line] {
				found = append(found, finding{name, line, "sleeps in real time; use testing/synctest, or say why not in a comment above it: // real time: <reason>"})
			}
		}
		return true
	})
	return found
}

// Each line of the fixture that ends in "// found" is found, and no other.
func TestHygieneChecksFindWhatTheyLookFor(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/hygiene.txtar")
	if err != nil {
		t.Fatal(err)
	}
	tree, err := txtar.FS(archive)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range archive.Files {
		found := findMachineNames(file.Name, file.Data, []string{"mirror.example.com"})
		if path.Ext(file.Name) == ".go" {
			found = append(found, findRealSleeps(t, tree, file.Name)...)
		}
		lines := map[int]bool{}
		for _, f := range found {
			lines[f.line] = true
		}
		for n, line := range strings.Split(string(file.Data), "\n") {
			if want := strings.HasSuffix(line, "// found"); want != lines[n+1] {
				t.Errorf("%s:%d: found: %v, want %v: %s", file.Name, n+1, lines[n+1], want, line)
			}
		}
	}
}
