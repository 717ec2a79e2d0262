package gen

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/types"
	"reflect"
	"strings"
)

// A constructor is a function given to Tag, and what annotations make of its
// results.
type constructor struct {
	results *types.Tuple
	home    place
	name    string
	as      [][]types.Type // one for each fx.As: by result, nil for fx.Self
	flatten func(result int) bool
}

// constructor looks at one expression that a Tag call may be given.
func (f *finder) constructor(t tagging, l leaf) {
	switch e := l.expr.(type) {
	case *ast.CallExpr:
		if f.calls(l.value, e, annotateFunc) && len(e.Args) > 0 {
			f.annotate(t, l, e)
			return
		}
	case *ast.CompositeLit:
		if isNamed(l.pkg.TypesInfo.TypeOf(e), annotated) {
			f.annotatedLiteral(t, l, e)
			return
		}
	}
	sig, ok := typeOf(l.pkg.TypesInfo, l.expr).(*types.Signature)
	if !ok {
		if f.wanted(l.home) {
			f.fail(t.pos, "%s is a %s, not a constructor", types.ExprString(l.expr), short(l.pkg.TypesInfo.TypeOf(l.expr), l.pkg))
		}
		return
	}
	f.results(t, constructor{results: sig.Results(), home: l.home, name: nameOf(l.expr)})
}

func (f *finder) calls(v value, call *ast.CallExpr, fullName string) bool {
	for _, c := range f.x.callees(v.pkg, call) {
		if c.is(fullName) {
			return true
		}
	}
	return false
}

// annotate looks at fx.Annotate(ctor, annotations...).
func (f *finder) annotate(t tagging, l leaf, call *ast.CallExpr) {
	var as [][]types.Type
	flattened := map[int]bool{}
	for i, arg := range call.Args[1:] {
		v := value{pkg: l.pkg, expr: arg}
		if call.Ellipsis.IsValid() && i == len(call.Args)-2 {
			v.depth = 1
		}
		for _, a := range f.x.trace(v, l.home).leaves {
			annotation, ok := a.expr.(*ast.CallExpr)
			switch {
			case !ok:
			case f.calls(a.value, annotation, fxAsFunc):
				as = append(as, f.fxAs(a, annotation))
			case f.calls(a.value, annotation, fxTagsFunc):
				for i, tag := range annotation.Args {
					if flattens(reflect.StructTag(constantString(a.value, tag))) {
						flattened[i] = true
					}
				}
			}
		}
	}
	for _, c := range f.functions(t, value{pkg: l.pkg, expr: call.Args[0]}, l.home) {
		c.as, c.flatten = as, func(i int) bool { return flattened[i] }
		f.results(t, c)
	}
}

// annotatedLiteral looks at fx.Annotated{Target: ctor, Group: "..."}.
func (f *finder) annotatedLiteral(t tagging, l leaf, lit *ast.CompositeLit) {
	var target ast.Expr
	flatten := false
	for i, e := range lit.Elts {
		name := []string{"Name", "Group", "Target"}[min(i, 2)]
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			name, e = types.ExprString(kv.Key), kv.Value
		}
		switch name {
		case "Group":
			flatten = strings.HasSuffix(constantString(l.value, e), ",flatten")
		case "Target":
			target = e
		}
	}
	if target == nil {
		return // fx refuses it
	}
	for _, c := range f.functions(t, value{pkg: l.pkg, expr: target}, l.home) {
		c.flatten = func(int) bool { return flatten }
		f.results(t, c)
	}
}

// functions follows the constructor inside an annotation.
func (f *finder) functions(t tagging, v value, home place) []constructor {
	var found []constructor
	traced := f.x.trace(v, home)
	for _, l := range traced.leaves {
		if sig, ok := typeOf(l.pkg.TypesInfo, l.expr).(*types.Signature); ok {
			found = append(found, constructor{results: sig.Results(), home: l.home, name: nameOf(l.expr)})
		}
	}
	if len(found) == 0 && !traced.uncalled && f.wanted(home) {
		f.fail(t.pos, "can't tell which constructor %s holds", types.ExprString(v.expr))
	}
	return found
}

func nameOf(e ast.Expr) string {
	if _, ok := e.(*ast.FuncLit); ok {
		return "the function"
	}
	return types.ExprString(e)
}

// fxAs are the interfaces of one fx.As annotation, by result.
func (f *finder) fxAs(l leaf, call *ast.CallExpr) []types.Type {
	var as []types.Type
	for i, arg := range call.Args {
		v := value{pkg: l.pkg, expr: arg}
		if call.Ellipsis.IsValid() && i == len(call.Args)-1 {
			v.depth = 1
		}
		if ptr, ok := typeOf(l.pkg.TypesInfo, arg).(*types.Pointer); ok && v.depth == 0 {
			as = append(as, ptr.Elem())
			continue
		}
		var found types.Type // fx.Self keeps it nil
		for _, traced := range f.x.trace(v, l.home).leaves {
			if ptr, ok := typeOf(traced.pkg.TypesInfo, traced.expr).(*types.Pointer); ok {
				found = ptr.Elem()
			}
		}
		as = append(as, found)
	}
	return as
}

// results finds what can be wrapped among the results of a constructor.
func (f *finder) results(t tagging, c constructor) {
	var outcome outcome
	for i := range c.results.Len() {
		typ := c.results.At(i).Type()
		if i == c.results.Len()-1 && isError(typ) {
			continue
		}
		if c.flatten != nil && c.flatten(i) {
			typ = element(typ)
		}
		if as := implemented(typ, t.as); len(as) > 0 {
			for _, p := range as {
				outcome.found++
				f.provide(t, p)
			}
			continue
		}
		replaced := false
		for _, group := range c.as {
			if i >= len(group) {
				continue
			}
			replaced = true
			if group[i] == nil {
				f.result(&outcome, t, typ, c.home)
			} else {
				f.result(&outcome, t, group[i], c.home)
			}
		}
		if !replaced {
			f.result(&outcome, t, typ, c.home)
		}
	}
	if outcome.found > 0 {
		f.warnOfConcrete(t, c, outcome.concrete)
		return
	}
	if !f.wanted(c.home) {
		return
	}
	switch {
	case outcome.invalid:
		f.fail(t.pos, "the type of %s has errors: %s", c.name, firstTypeError(t))
	case len(outcome.concrete) > 0:
		typ := short(outcome.concrete[0].typ, t.pkg)
		f.fail(t.pos, "%s returns %s, which is no interface, so calls of it can't be wrapped: return the interface, or name it with container.As[...]()", c.name, typ)
	default:
		f.fail(t.pos, "%s returns nothing that can be wrapped", c.name)
	}
}

// warnOfConcrete says which instantiations of generic code around a Tag call have
// nothing to wrap, while others have: those fail once they are provided.
func (f *finder) warnOfConcrete(t tagging, c constructor, concrete []provided) {
	if n := c.results.Len(); n > 2 || n == 2 && !isError(c.results.At(1).Type()) {
		return // another result may be what is wrapped
	}
	for _, p := range concrete {
		if p.pos.IsValid() && f.wanted(p.home) {
			f.warnings = append(f.warnings, fmt.Sprintf(
				"%s:%d: what container.Tag at %s is given here returns %s, which is no interface and can't be wrapped, so that the application does not start with it: name an interface",
				relative(p.pos.Filename), p.pos.Line, t.at(), short(p.typ, p.home.pkg)))
		}
	}
}

// outcome sums up the results of one constructor.
type outcome struct {
	found    int // that can be wrapped
	concrete []provided
	invalid  bool
}

// result looks at one type that a constructor provides.
func (f *finder) result(o *outcome, t tagging, typ types.Type, home place) {
	if isOut(typ) {
		f.fields(o, t, typ, home)
		return
	}
	instances, whole := f.concrete(t, provided{typ: typ, home: home})
	if len(instances) == 0 {
		o.found++ // nobody here instantiates the generic function around it, or it is said what was left out
	}
	if len(instances) == 0 && whole {
		f.notes = append(f.notes, t.at()+": container.Tag in a generic function that nothing in these packages instantiates")
	}
	for _, p := range instances {
		switch {
		case p.typ == types.Typ[types.Invalid]:
			o.invalid = true
		case f.adapted(t, p):
			o.found++
		case wrapsWithoutProxy(p.typ):
			o.found++
			f.provide(t, p)
		case types.IsInterface(p.typ):
			o.found++
			f.provide(t, p)
		case f.x.hasProxy(p.typ):
			o.found++
		default:
			o.concrete = append(o.concrete, p)
		}
	}
}

// fields looks at an fx.Out or dig.Out struct.
func (f *finder) fields(o *outcome, t tagging, typ types.Type, home place) {
	s := typ.Underlying().(*types.Struct)
	for i := range s.NumFields() {
		field, tag := s.Field(i), reflect.StructTag(s.Tag(i))
		if !field.Exported() || isNamed(field.Type(), "go.uber.org/dig.Out") {
			continue
		}
		policy, hasPolicy := tag.Lookup("policy")
		if policy == "none" {
			o.found++ // says itself that it is not to be wrapped
			continue
		}
		typ := field.Type()
		if flattens(tag) {
			typ = element(typ)
		}
		if as := implemented(typ, t.as); len(as) > 0 {
			for _, p := range as {
				o.found++
				f.provide(t, p)
			}
			continue
		}
		before := o.found
		f.result(o, t, typ, home)
		if hasPolicy && o.found == before && f.wanted(home) {
			f.fail(t.pos, "field %s has the policy %q, but %s can't be wrapped: make it an interface", field.Name(), policy, short(typ, t.pkg))
			o.found++ // said
		}
	}
}

// implemented picks from as what typ can be provided as.
func implemented(typ types.Type, as []provided) []provided {
	var found []provided
	for _, p := range as {
		if types.AssignableTo(typ, p.typ) {
			found = append(found, p)
		}
	}
	return found
}

func flattens(tag reflect.StructTag) bool { return strings.HasSuffix(tag.Get("group"), ",flatten") }

func element(t types.Type) types.Type {
	if s, ok := t.Underlying().(*types.Slice); ok {
		return s.Elem()
	}
	return t
}

func constantString(v value, e ast.Expr) string {
	if c := v.pkg.TypesInfo.Types[e].Value; c != nil && c.Kind() == constant.String {
		return constant.StringVal(c)
	}
	return ""
}

func firstTypeError(t tagging) string {
	for _, e := range t.pkg.Errors {
		return fmt.Sprint(e)
	}
	return "go vet says which"
}
