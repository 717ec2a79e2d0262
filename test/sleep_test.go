package test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
)

// Logic is tested in virtual time. A test that sleeps in real time is slow on a
// good day and wrong on a busy one.
func TestNoRealSleeps(t *testing.T) {
	for _, f := range findRealSleeps(t, os.DirFS("..")) {
		t.Error(f)
	}
}

// findRealSleeps reports the uses of time.Sleep in test files that have nothing to
// do with testing/synctest: that neither import it nor call a helper, in the same
// folder, that does. A sleep beside or under a comment with the reason is excused:
//
//	// real time: the server's own clock decides
func findRealSleeps(t *testing.T, root fs.FS) (found []finding) {
	t.Helper()
	fset := token.NewFileSet()
	files := map[string]*ast.File{}
	helpers := map[string]bool{} // by folder and name
	walkSources(t, root, func(name string) {
		if !strings.HasSuffix(name, "_test.go") {
			return
		}
		file, err := parser.ParseFile(fset, name, readFile(t, root, name), parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = file
		for _, d := range file.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && uses(fn, func(s *ast.SelectorExpr) bool { return isName(s.X, "synctest") }) {
				helpers[path.Join(path.Dir(name), fn.Name.Name)] = true
			}
		}
	})
	for name, file := range files {
		isHelper := func(call *ast.CallExpr) bool {
			id, ok := call.Fun.(*ast.Ident)
			return ok && helpers[path.Join(path.Dir(name), id.Name)]
		}
		timePackage := importName(file, "time")
		if timePackage == "" || importName(file, "testing/synctest") != "" || uses(file, isHelper) {
			continue
		}
		excused := excuses(fset, file)
		uses(file, func(s *ast.SelectorExpr) bool {
			if line := fset.Position(s.Pos()).Line; s.Sel.Name == "Sleep" && isName(s.X, timePackage) && !excused[line] {
				found = append(found, finding{name, line, "sleeps in real time; use testing/synctest, or say why not in a comment above it: // real time: <reason>"})
			}
			return false
		})
	}
	slices.SortFunc(found, compareFindings)
	return found
}

// excuses returns the lines that a comment with a reason excuses.
func excuses(fset *token.FileSet, file *ast.File) map[int]bool {
	lines := map[int]bool{}
	for _, group := range file.Comments {
		for _, c := range group.List {
			if reason, ok := strings.CutPrefix(c.Text, "// real time:"); ok && strings.TrimSpace(reason) != "" {
				lines[fset.Position(c.Pos()).Line] = true
				lines[fset.Position(group.End()).Line+1] = true
			}
		}
	}
	return lines
}

// uses reports whether a node of the kind, somewhere within, is what is looked for.
func uses[N ast.Node](within ast.Node, wanted func(N) bool) (found bool) {
	ast.Inspect(within, func(n ast.Node) bool {
		if n, ok := n.(N); ok && wanted(n) {
			found = true
		}
		return true
	})
	return found
}

func isName(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name
}

// importName returns the name that the file gives to a package; "" if it imports
// it not.
func importName(file *ast.File, importPath string) string {
	for _, spec := range file.Imports {
		if spec.Path.Value == `"`+importPath+`"` {
			if spec.Name != nil {
				return spec.Name.Name
			}
			return path.Base(importPath)
		}
	}
	return ""
}
