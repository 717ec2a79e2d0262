package gen

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"

	"golang.org/x/tools/go/packages"
)

const (
	tagFunc             = containerPath + ".Tag"
	asFunc              = containerPath + ".As"
	keepFunc            = containerPath + ".Keep"
	unwrapFunc          = containerPath + ".Unwrap"
	registerProxyFunc   = containerPath + ".RegisterProxy"
	registerWithFunc    = containerPath + ".RegisterProxyWith"
	registerWrapperFunc = containerPath + ".RegisterWrapper"
	annotateFunc        = "go.uber.org/fx.Annotate"
	fxAsFunc            = "go.uber.org/fx.As"
	fxSelfFunc          = "go.uber.org/fx.Self"
	fxTagsFunc          = "go.uber.org/fx.ResultTags"
	annotated           = "go.uber.org/fx.Annotated"
)

// A place is the package and file that a proxy is wanted for.
type place struct {
	pkg  *packages.Package
	file string
}

func placeOf(p *packages.Package, n ast.Node) place {
	return place{p, position(p, n).Filename}
}

// A leaf is where following a value ends: an expression that is a function, a
// call that builds a constructor, a literal.
type leaf struct {
	value
	home place
}

// A trace follows one value back through variables, fields, parameters, results
// and elements.
type trace struct {
	x        *index
	seen     map[step]bool
	leaves   []leaf
	unknown  []value // where it was lost
	uncalled bool    // it is a parameter of a function that nobody calls here
}

type step struct {
	expr   ast.Expr
	result int
	depth  int
	home   place
}

func (x *index) trace(v value, home place) *trace {
	t := &trace{x: x, seen: map[step]bool{}}
	t.follow(v, home)
	return t
}

func (t *trace) follow(v value, home place) {
	v.expr = ast.Unparen(v.expr)
	at := step{v.expr, v.result, v.depth, home}
	if t.seen[at] || v.depth > 4 {
		return
	}
	t.seen[at] = true
	info := v.pkg.TypesInfo
	if v.depth == 0 && v.result == 0 {
		if sig, ok := typeOf(info, v.expr).(*types.Signature); ok && !mentionsTypeParam(sig) {
			t.leaf(v, home)
			return
		}
	}
	deeper := func(e ast.Expr, by int) { t.follow(value{pkg: v.pkg, expr: e, depth: v.depth + by}, home) }
	switch e := v.expr.(type) {
	case *ast.Ident, *ast.SelectorExpr:
		t.object(v, home)
	case *ast.CallExpr:
		t.call(v, e, home)
	case *ast.IndexExpr:
		if _, isFunc := used(v.pkg, e.X).(*types.Func); isFunc { // an instantiation
			t.leaf(v, home)
		} else {
			deeper(e.X, 1)
		}
	case *ast.CompositeLit:
		if v.depth == 0 {
			t.leaf(v, home)
			return
		}
		for _, element := range e.Elts {
			if kv, ok := element.(*ast.KeyValueExpr); ok {
				element = kv.Value
			}
			deeper(element, -1)
		}
	case *ast.TypeAssertExpr:
		deeper(e.X, 0)
	case *ast.StarExpr:
		deeper(e.X, 0)
	case *ast.SliceExpr:
		deeper(e.X, 0)
	case *ast.UnaryExpr:
		if e.Op == token.AND {
			deeper(e.X, 0)
		} else {
			t.lost(v)
		}
	case *ast.FuncLit, *ast.IndexListExpr:
		t.leaf(v, home)
	default:
		t.lost(v)
	}
}

func (t *trace) leaf(v value, home place) { t.leaves = append(t.leaves, leaf{v, home}) }
func (t *trace) lost(v value)             { t.unknown = append(t.unknown, v) }

func (t *trace) object(v value, home place) {
	obj := variable(v.pkg, v.expr)
	if obj == nil {
		if _, isFunc := used(v.pkg, v.expr).(*types.Func); isFunc && v.depth == 0 {
			t.leaf(v, home)
		} else if !isNil(v) {
			t.lost(v)
		}
		return
	}
	assigned, elements := t.x.assigned[obj], t.x.elements[obj]
	if v.depth == 0 {
		elements = nil
	}
	if len(assigned)+len(elements) == 0 {
		_, isFunc := typeOf(v.pkg.TypesInfo, v.expr).(*types.Signature)
		switch {
		case isParameter(obj):
			t.uncalled = true
		case isFunc && v.depth == 0:
			t.leaf(v, home)
		default:
			t.lost(v)
		}
		return
	}
	for _, a := range assigned {
		a.depth += v.depth
		t.follow(a, t.x.nearer(home, a.pkg, a.expr))
	}
	for _, a := range elements {
		a.depth += v.depth - 1
		t.follow(a, t.x.nearer(home, a.pkg, a.expr))
	}
}

// nearer moves the home of a proxy to where a value comes from, if home tags on
// behalf of it and can't import its package: a caller's argument, a test's value.
func (x *index) nearer(home place, p *packages.Package, n ast.Node) place {
	from := placeOf(p, n)
	if p.ID == home.pkg.ID {
		if isTestFile(from.file) && !isTestFile(home.file) {
			return from
		}
		return home
	}
	if x.b.imports(home.pkg, p) {
		return home
	}
	return from
}

func isTestFile(name string) bool { return strings.HasSuffix(name, "_test.go") }

func (t *trace) call(v value, call *ast.CallExpr, home place) {
	info := v.pkg.TypesInfo
	if tv := info.Types[call.Fun]; tv.IsType() && len(call.Args) == 1 { // a conversion
		t.follow(value{pkg: v.pkg, expr: call.Args[0], depth: v.depth}, home)
		return
	}
	if b, ok := used(v.pkg, call.Fun).(*types.Builtin); ok {
		t.builtin(v, b, call, home)
		return
	}
	found := false
	for _, c := range t.x.callees(v.pkg, call) {
		switch {
		case c.is(annotateFunc), c.is(fxAsFunc), c.is(fxSelfFunc), c.is(fxTagsFunc), c.is(asFunc), c.is(keepFunc):
			t.leaf(v, home)
			found = true
			continue
		case c.is(tagFunc) && len(call.Args) > 0:
			t.follow(value{pkg: v.pkg, expr: call.Args[0], depth: v.depth}, home)
			found = true
			continue
		}
		var key any = c.lit
		if c.fn != nil {
			key = c.fn
		}
		if results := t.x.returned[key]; v.result < len(results) {
			found = true
			for _, r := range results[v.result] {
				r.depth += v.depth
				t.follow(r, home)
			}
		}
	}
	if found {
		return
	}
	if _, isFunc := typeOf(info, call).(*types.Signature); isFunc && v.depth == 0 {
		t.leaf(v, home) // its type says enough
		return
	}
	t.lost(v)
}

func (t *trace) builtin(v value, b *types.Builtin, call *ast.CallExpr, home place) {
	if b.Name() != "append" || v.depth == 0 {
		if b.Name() != "make" && b.Name() != "new" {
			t.lost(v)
		}
		return
	}
	for i, arg := range call.Args {
		depth := v.depth - 1
		if i == 0 || call.Ellipsis.IsValid() && i == len(call.Args)-1 {
			depth = v.depth
		}
		t.follow(value{pkg: v.pkg, expr: arg, depth: depth}, home)
	}
}

func isParameter(obj types.Object) bool {
	v, ok := obj.(*types.Var)
	return ok && v.Kind() == types.ParamVar
}

func isNil(v value) bool {
	_, ok := used(v.pkg, v.expr).(*types.Nil)
	return ok
}

// typeOf is the type of e without the names of aliases, or nil.
func typeOf(info *types.Info, e ast.Expr) types.Type {
	t := info.TypeOf(e)
	if t == nil {
		return nil
	}
	if named, ok := types.Unalias(t).(*types.Named); ok {
		if sig, ok := named.Underlying().(*types.Signature); ok {
			return sig
		}
	}
	return types.Unalias(t)
}

// mentionsTypeParam reports whether the parameters or results of sig depend on a
// type parameter of a function or type around it.
func mentionsTypeParam(sig *types.Signature) bool {
	for v := range sig.Results().Variables() {
		if hasTypeParam(v.Type(), nil) {
			return true
		}
	}
	return sig.TypeParams().Len() > 0
}
