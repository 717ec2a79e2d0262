package gen

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"

	"github.com/cladgo/clad/internal/suggest"
)

// A typeName is one element of a -type flag: an expression for a type, in which
// qualifiers are import paths or the names of imported packages.
type typeName struct {
	text   string
	paths  []string // the qualifiers in it
	expr   string   // the same in Go, with placeholder(i) for paths[i]
	before bool     // asked for by an earlier run
}

var qualified = regexp.MustCompile(`[\pL\pN_~./\-]+\.[\pL_][\pL\pN_]*`)

func placeholder(i int) string { return fmt.Sprintf("cladPackage%d", i) }

// parseAllTypeNames reads the values of -type flags.
func parseAllTypeNames(flags []string) ([]typeName, error) {
	var names []typeName
	for _, flag := range flags {
		more, err := parseTypeNames(flag)
		if err != nil {
			return nil, err
		}
		names = append(names, more...)
	}
	return names, nil
}

// parseTypeNames splits "A,io/fs.FS,Repo[K,V]" at the commas outside brackets.
func parseTypeNames(flag string) ([]typeName, error) {
	var names []typeName
	depth, start := 0, 0
	for i, r := range flag + "," {
		switch r {
		case '[', '(', '{':
			depth++
		case ']', ')', '}':
			depth--
		case ',':
			if depth > 0 {
				continue
			}
			name, err := parseTypeName(strings.TrimSpace(flag[start:i]))
			if err != nil {
				return nil, err
			}
			names, start = append(names, name), i+1
		}
	}
	if depth != 0 {
		return nil, fmt.Errorf("-type %s: the brackets don't match", flag)
	}
	return names, nil
}

func parseTypeName(text string) (typeName, error) {
	n := typeName{text: text}
	n.expr = qualified.ReplaceAllStringFunc(text, func(match string) string {
		dot := strings.LastIndexByte(match, '.')
		path := strings.TrimSuffix(match[:dot], ".")
		i := slices.Index(n.paths, path)
		if i < 0 {
			i = len(n.paths)
			n.paths = append(n.paths, path)
		}
		return placeholder(i) + match[dot:]
	})
	if _, err := parser.ParseExpr(n.expr); err != nil || slices.Contains(n.paths, "") {
		return n, fmt.Errorf("-type %q is not a type: write Name, import/path.Name or 'Name[Argument]'", text)
	}
	return n, nil
}

// lookup finds the interface that n means in package p.
func (b *build) lookup(p *packages.Package, n typeName) (types.Type, error) {
	fail := func(format string, args ...any) (types.Type, error) {
		return nil, fmt.Errorf("-type %s: %s", n.text, fmt.Sprintf(format, args...))
	}
	// A scope of our own, in which the placeholders are imported packages.
	scratch := types.NewPackage(p.PkgPath, p.Name)
	for _, name := range p.Types.Scope().Names() {
		scratch.Scope().Insert(p.Types.Scope().Lookup(name))
	}
	for i, path := range n.paths {
		imported := b.packageNamed(p, path)
		if imported == nil {
			return fail("no package %s: name it by its import path, as in net/http.Handler", path)
		}
		if imported.Path() == p.PkgPath {
			return fail("%s is the package itself: leave its path away", path)
		}
		if q := b.byPath[imported.Path()]; q != nil && b.imports(q, p) {
			return fail("%s imports %s, which therefore can't import it: generate in another package", path, p.PkgPath)
		}
		scratch.Scope().Insert(types.NewPkgName(token.NoPos, scratch, placeholder(i), imported))
	}
	expr, err := parser.ParseExpr(n.expr)
	if err != nil {
		return fail("%v", err)
	}
	info := types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
	if err := types.CheckExpr(token.NewFileSet(), scratch, token.NoPos, expr, &info); err != nil {
		if strings.Contains(err.Error(), "outside a type constraint") {
			return nil, &Refusal{Problem{Message: fmt.Sprintf("no proxy for %s: %s", n.text, isConstraint)}}
		}
		return fail("%s", b.unknownType(p, n, err))
	}
	tv := info.Types[expr]
	if !tv.IsType() {
		return fail("not a type")
	}
	if named, ok := types.Unalias(tv.Type).(*types.Named); ok && named.TypeParams().Len() > named.TypeArgs().Len() {
		return fail("it is generic: name an instance, as in -type '%s[%s]'", n.text, strings.Join(parameterNames(named), ","))
	}
	if !types.IsInterface(tv.Type) {
		return fail("it is not an interface, so it has no proxy")
	}
	return tv.Type, nil
}

func parameterNames(named *types.Named) []string {
	var names []string
	for param := range named.TypeParams().TypeParams() {
		names = append(names, param.Obj().Name())
	}
	return names
}

// packageNamed finds a package by import path, or by the name that p imports it
// under.
func (b *build) packageNamed(p *packages.Package, path string) *types.Package {
	if q := b.byPath[path]; q != nil && len(q.GoFiles) > 0 {
		return q.Types
	}
	if path == "unsafe" {
		return types.Unsafe
	}
	for _, obj := range p.TypesInfo.Implicits {
		if name, ok := obj.(*types.PkgName); ok && name.Name() == path {
			return name.Imported()
		}
	}
	for _, obj := range p.TypesInfo.Defs {
		if name, ok := obj.(*types.PkgName); ok && name.Name() == path {
			return name.Imported()
		}
	}
	return nil
}

// unknownType makes the type checker's complaint say what there is instead.
func (b *build) unknownType(p *packages.Package, n typeName, err error) string {
	expr, parseErr := parser.ParseExpr(n.expr)
	if parseErr != nil {
		return err.Error()
	}
	message := strings.TrimPrefix(err.Error(), "-: ") // no position
	for i, path := range n.paths {
		message = strings.ReplaceAll(message, placeholder(i), path)
	}
	ast.Inspect(expr, func(node ast.Node) bool {
		switch e := node.(type) {
		case *ast.SelectorExpr:
			if i := slices.IndexFunc(n.paths, func(path string) bool {
				return placeholder(slices.Index(n.paths, path)) == types.ExprString(e.X)
			}); i >= 0 {
				if pkg := b.packageNamed(p, n.paths[i]); pkg != nil && pkg.Scope().Lookup(e.Sel.Name) == nil {
					message = fmt.Sprintf("package %s has no %s%s", n.paths[i], e.Sel.Name, suggest.DidYouMean(e.Sel.Name, interfacesOf(pkg)))
				}
			}
			return false
		case *ast.Ident:
			if p.Types.Scope().Lookup(e.Name) == nil && types.Universe.Lookup(e.Name) == nil {
				message = fmt.Sprintf("package %s has no %s%s", p.PkgPath, e.Name, suggest.DidYouMean(e.Name, interfacesOf(p.Types)))
			}
		}
		return true
	})
	return message
}

func interfacesOf(p *types.Package) []string {
	var names []string
	for _, name := range p.Scope().Names() {
		if obj, ok := p.Scope().Lookup(name).(*types.TypeName); ok && types.IsInterface(obj.Type()) {
			names = append(names, name)
		}
	}
	return names
}
