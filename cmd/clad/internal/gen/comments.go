package gen

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cladgo/clad/internal/suggest"
)

// A comment is what the source says about a method.
type comment struct {
	doc                       []string // lines, with their slashes
	once, skip, safe, bounded bool
	key                       string // the name of a parameter
	keyAt                     token.Position
}

// says reports whether there is a directive.
func (c *comment) says() bool { return c.once || c.skip || c.safe || c.bounded || c.key != "" }

// add joins what is said in two places.
func (c *comment) add(other comment) {
	c.once, c.skip = c.once || other.once, c.skip || other.skip
	c.safe, c.bounded = c.safe || other.safe, c.bounded || other.bounded
	if c.key == "" {
		c.key, c.keyAt = other.key, other.keyAt
	}
}

// sources reads comments, which types don't carry, from the files that declare
// interfaces: also those of dependencies, where their source is at hand.
type sources struct {
	b     *build
	files map[string]*declarations
}

// declarations are the methods and interface types of one file.
type declarations struct {
	fset    *token.FileSet
	methods map[spot]*ast.Field
	types   map[spot]*ast.TypeSpec
	groups  map[*ast.TypeSpec]*ast.CommentGroup // of a declaration with one type
}

type spot struct {
	line int
	name string
}

func newSources(b *build) *sources { return &sources{b: b, files: map[string]*declarations{}} }

// comments collects what is said about the methods of iface, which is the
// underlying type of typ: by themselves, wherever they are declared, and by
// the lines that embed them.
func (s *sources) comments(typ types.Type, iface *types.Interface) (map[string]comment, []error) {
	found := map[string]comment{}
	var errs []error
	seen := map[*types.Interface]bool{}
	var collect func(*types.Interface)
	collect = func(i *types.Interface) {
		if seen[i] {
			return
		}
		seen[i] = true
		for m := range i.ExplicitMethods() {
			c, err := s.method(m)
			errs = append(errs, err...)
			old := found[m.Id()]
			if len(old.doc) == 0 {
				old.doc = c.doc
			}
			old.add(c)
			found[m.Id()] = old
		}
		for e := range i.EmbeddedTypes() {
			if embedded, ok := e.Underlying().(*types.Interface); ok {
				collect(embedded)
			}
		}
	}
	collect(iface)
	errs = append(errs, s.embedding(typ, iface, found)...)
	return found, errs
}

// method reads the comments of one method.
func (s *sources) method(fn *types.Func) (comment, []error) {
	d, line := s.declared(fn)
	if d == nil {
		return comment{}, nil
	}
	field := d.methods[spot{line, fn.Name()}]
	if field == nil {
		return comment{}, nil
	}
	return readComments(d.fset, field.Doc, field.Comment)
}

// embedding obeys directives beside an embedded interface, and refuses those
// that stand where they would do nothing: above the type.
func (s *sources) embedding(typ types.Type, iface *types.Interface, found map[string]comment) []error {
	named, ok := types.Unalias(typ).(*types.Named)
	if !ok {
		return nil
	}
	d, line := s.declared(named.Obj())
	if d == nil {
		return nil
	}
	spec := d.types[spot{line, named.Obj().Name()}]
	if spec == nil {
		return nil
	}
	var errs []error
	for _, group := range []*ast.CommentGroup{d.groups[spec], spec.Doc, spec.Comment} {
		for _, c := range directives(group) {
			errs = append(errs, &Problem{d.fset.Position(c.Pos()), fmt.Sprintf(
				"%s does nothing above a type: put it above the methods that it is meant for", c.Text)})
		}
	}
	literal, ok := spec.Type.(*ast.InterfaceType)
	if !ok {
		return errs
	}
	for _, field := range literal.Methods.List {
		if len(field.Names) > 0 {
			continue
		}
		c, bad := readComments(d.fset, field.Doc, field.Comment)
		errs = append(errs, bad...)
		if !c.says() {
			continue
		}
		for e := range iface.EmbeddedTypes() {
			embedded, ok := e.Underlying().(*types.Interface)
			if !ok || !sameName(e, field.Type) {
				continue
			}
			keyed := false
			for m := range embedded.Methods() {
				said := c
				if paramOf(m.Signature(), c.key) < 0 || unguardable(m.Signature()) != "" {
					said.key = "" // which counts for those that have it
				}
				keyed = keyed || said.key != ""
				old := found[m.Id()]
				old.add(said)
				found[m.Id()] = old
			}
			if c.key != "" && !keyed {
				errs = append(errs, &Problem{c.keyAt, fmt.Sprintf("//clad:key %s: no method of %s that can be guarded has a parameter of that name", c.key, shortest(e))})
			}
		}
	}
	return errs
}

// sameName reports whether the syntax e names the type t.
func sameName(t types.Type, e ast.Expr) bool {
	switch index := ast.Unparen(e).(type) {
	case *ast.IndexExpr:
		e = index.X
	case *ast.IndexListExpr:
		e = index.X
	}
	name := types.ExprString(e)
	named, ok := t.(interface{ Obj() *types.TypeName })
	return ok && named.Obj().Name() == name[strings.LastIndexByte(name, '.')+1:]
}

// readComments splits comments into the text for the reader and the directives.
func readComments(fset *token.FileSet, doc, beside *ast.CommentGroup) (comment, []error) {
	var c comment
	var errs []error
	var last *ast.Comment
	for _, group := range []*ast.CommentGroup{doc, beside} {
		for _, d := range directives(group) {
			last = d
			name := strings.TrimSpace(strings.TrimPrefix(d.Text, "//clad:"))
			key, isKey := strings.CutPrefix(name+" ", "key ")
			switch {
			case isKey:
				if wrong := c.readKey(strings.Fields(key), fset.Position(d.Pos())); wrong != nil {
					errs = append(errs, wrong)
				}
			case name == "once":
				c.once = true
			case name == "skip":
				c.skip = true
			case name == "safe":
				c.safe = true
			case name == "bounded":
				c.bounded = true
			default:
				errs = append(errs, &Problem{fset.Position(d.Pos()), fmt.Sprintf("unknown directive //clad:%s%s: there are //clad:once, //clad:safe, //clad:bounded, //clad:skip and //clad:key",
					name, suggest.DidYouMean(name, []string{"once", "safe", "bounded", "skip", "key"}))})
			}
		}
	}
	switch {
	case c.once && c.skip:
		errs = append(errs, &Problem{fset.Position(last.Pos()), "//clad:once and //clad:skip exclude each other: a method that is passed through is never attempted again"})
	case c.once && c.safe:
		errs = append(errs, &Problem{fset.Position(last.Pos()), "//clad:once and //clad:safe exclude each other: what is safe to repeat may be attempted again"})
	}
	c.doc = docLines(doc)
	return c, errs
}

// readKey notes the parameter that //clad:key names.
func (c *comment) readKey(names []string, at token.Position) error {
	switch {
	case len(names) != 1:
		return &Problem{at, "//clad:key is followed by the name of one parameter, and nothing else: //clad:key tenantID"}
	case c.key != "":
		return &Problem{at, fmt.Sprintf("//clad:key %s: the key is %s already, and a call is of one partition", names[0], c.key)}
	}
	c.key, c.keyAt = names[0], at
	return nil
}

func directives(group *ast.CommentGroup) []*ast.Comment {
	if group == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(group.List), func(c *ast.Comment) bool { return !strings.HasPrefix(c.Text, "//clad:") })
}

// docLines is the text of a doc comment as line comments, without directives.
func docLines(group *ast.CommentGroup) []string {
	if group == nil {
		return nil
	}
	text := strings.TrimRight(group.Text(), "\n")
	if text == "" {
		return nil
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if line != "" && line[0] != '\t' {
			line = " " + line
		}
		lines[i] = "//" + line
	}
	return lines
}

// declared finds the file that declares obj, and the line there.
func (s *sources) declared(obj types.Object) (*declarations, int) {
	pos := s.b.fset.PositionFor(obj.Pos(), false)
	if !pos.IsValid() || obj.Pkg() == nil {
		return nil, 0
	}
	name := pos.Filename
	if _, err := os.Stat(name); err != nil {
		name = s.moved(obj.Pkg().Path(), filepath.Base(name))
	}
	d, ok := s.files[name]
	if !ok {
		d = parseDeclarations(name)
		s.files[name] = d
	}
	return d, pos.Line
}

// moved finds a file whose recorded name is not where it is, as in builds with
// -trimpath.
func (s *sources) moved(pkgPath, base string) string {
	if p := s.b.listed[pkgPath]; p != nil {
		for _, name := range p.GoFiles {
			if filepath.Base(name) == base {
				return name
			}
		}
	}
	return ""
}

func parseDeclarations(name string) *declarations {
	d := &declarations{fset: token.NewFileSet(), methods: map[spot]*ast.Field{},
		types: map[spot]*ast.TypeSpec{}, groups: map[*ast.TypeSpec]*ast.CommentGroup{}}
	file, _ := parser.ParseFile(d.fset, name, nil, parser.ParseComments|parser.SkipObjectResolution)
	if file == nil {
		return nil
	}
	line := func(n ast.Node) int { return d.fset.PositionFor(n.Pos(), false).Line }
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GenDecl:
			if len(n.Specs) == 1 {
				if spec, ok := n.Specs[0].(*ast.TypeSpec); ok {
					d.groups[spec] = n.Doc
				}
			}
		case *ast.TypeSpec:
			d.types[spot{line(n.Name), n.Name.Name}] = n
		case *ast.InterfaceType:
			for _, field := range n.Methods.List {
				for _, name := range field.Names {
					d.methods[spot{line(name), name.Name}] = field
				}
			}
		}
		return true
	})
	return d
}
