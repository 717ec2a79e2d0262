package docs

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/scanner"
	"go/token"
	"path"
	"slices"
	"strings"
)

// goFile is a go block on its way to a file that compiles.
type goFile struct {
	*block
	dir, base string // where it goes
	clause    string // the package it says it is of; "" for a fragment
	body      string // with line directives; for a fragment, what follows the package clause
	main      bool   // declares func main
	test      bool   // belongs into a _test.go file
}

// newGoFile takes a block apart. The folder tells fragments of one page apart.
func newGoFile(b *block) (*goFile, []Problem) {
	f := &goFile{block: b, dir: path.Join(slug(b.page), fmt.Sprintf("line%d", b.line)), base: "block.go"}
	if b.file != "" {
		f.dir, f.base = path.Join(slug(b.page), path.Dir(b.file)), path.Base(b.file)
	}
	var problems []Problem
	if formatted, err := format.Source([]byte(b.text)); err == nil && strings.TrimRight(string(formatted), "\n") != strings.TrimRight(b.text, "\n") {
		problems = append(problems, b.problem("not formatted as gofmt does; the first difference is at line %d", b.line+firstDifference(string(formatted), b.text)))
	}
	if err := f.compose(); err != nil {
		return nil, append(problems, f.locate(err))
	}
	if f.test && !strings.HasSuffix(f.base, "_test.go") {
		f.base = strings.TrimSuffix(f.base, ".go") + "_test.go"
	}
	return f, problems
}

// compose fills clause, body, main and test.
func (f *goFile) compose() error {
	shown := f.mark(excerpt{f.line, f.text})
	if file, err := parser.ParseFile(token.NewFileSet(), "", shown, parser.PackageClauseOnly); err == nil {
		if f.frame.body != "" {
			return fmt.Errorf("a file with a package clause takes no code from its directive")
		}
		f.clause, f.body = file.Name.Name, shown
		return f.inspect(shown)
	}
	before, after, framed := f.splitFrame()
	switch statements, uses := f.statements(shown); {
	case framed:
		f.body = before + shown + uses + after
	case !statements:
		f.body = before + shown
	default:
		f.body = before + "func _() {\n" + shown + uses + "}\n"
	}
	return f.inspect("package p\n" + f.body)
}

// mark returns the text with a directive that gives its errors the page's lines.
func (f *goFile) mark(t excerpt) string {
	if t.body == "" {
		return ""
	}
	return fmt.Sprintf("//line %s%s:%d\n%s\n", pageRoot, f.page, t.line, t.body)
}

// splitFrame returns the hidden code before and after the line of three dots.
func (f *goFile) splitFrame() (before, after string, framed bool) {
	lines := strings.Split(f.frame.body, "\n")
	dots := slices.IndexFunc(lines, func(l string) bool { return strings.TrimSpace(l) == "..." })
	if dots < 0 {
		return f.mark(f.frame), "", false
	}
	return f.mark(excerpt{f.frame.line, strings.Join(lines[:dots], "\n")}),
		f.mark(excerpt{f.frame.line + dots + 1, strings.Join(lines[dots+1:], "\n")}), true
}

// statements reports whether the fragment is the inside of a function, and if so
// a statement that uses the variables it declares: an excerpt may leave them so.
func (f *goFile) statements(shown string) (ok bool, uses string) {
	if _, err := parser.ParseFile(token.NewFileSet(), "", "package p\n"+shown, 0); err == nil {
		return false, ""
	}
	file, err := parser.ParseFile(token.NewFileSet(), "", "package p\nfunc _() {\n"+shown+"\n}", 0)
	if err != nil {
		return true, "" // inspect will say what is wrong
	}
	var names []string
	declare := func(exprs ...ast.Expr) {
		for _, e := range exprs {
			if id, ok := e.(*ast.Ident); ok && id.Name != "_" {
				names = append(names, id.Name)
			}
		}
	}
	for _, statement := range file.Decls[0].(*ast.FuncDecl).Body.List {
		switch s := statement.(type) {
		case *ast.AssignStmt:
			if s.Tok == token.DEFINE {
				declare(s.Lhs...)
			}
		case *ast.DeclStmt:
			if d := s.Decl.(*ast.GenDecl); d.Tok == token.VAR {
				for _, spec := range d.Specs {
					for _, id := range spec.(*ast.ValueSpec).Names {
						declare(id)
					}
				}
			}
		}
	}
	for _, name := range names {
		uses += "_ = " + name + "\n"
	}
	return true, uses
}

// inspect parses the composed source and notes what it declares.
func (f *goFile) inspect(source string) error {
	file, err := parser.ParseFile(token.NewFileSet(), "", source, 0)
	if err != nil {
		return err
	}
	for _, d := range file.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil {
			f.main = f.main || fn.Name.Name == "main" && (f.clause == "main" || f.clause == "")
			f.test = f.test || slices.ContainsFunc([]string{"Test", "Example", "Benchmark", "Fuzz"}, func(prefix string) bool {
				return strings.HasPrefix(fn.Name.Name, prefix) && !strings.HasPrefix(fn.Name.Name, "Testing")
			})
		}
	}
	return nil
}

// locate turns an error of the parser into a problem of the page.
func (f *goFile) locate(err error) Problem {
	var list scanner.ErrorList
	if errors.As(err, &list) && len(list) > 0 && strings.HasPrefix(list[0].Pos.Filename, pageRoot) {
		return Problem{f.page, list[0].Pos.Line, list[0].Msg}
	}
	return f.problem("%v", err)
}

// source returns the file, as part of a package, with the imports that a fragment
// left out.
func (f *goFile) source(pkg string, known importPaths) []byte {
	if f.clause != "" {
		return []byte(f.body)
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "package %s\n", pkg)
	for _, importPath := range known.missing("package p\n" + f.body) {
		fmt.Fprintf(&out, "import %q\n", importPath)
	}
	out.WriteString(f.body)
	return out.Bytes()
}

// slug makes a page's name a folder's.
func slug(page string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToLower(page))
}

func firstDifference(a, b string) int {
	as, bs := strings.Split(a, "\n"), strings.Split(b, "\n")
	n := 0
	for n < min(len(as), len(bs))-1 && as[n] == bs[n] {
		n++
	}
	return n
}
