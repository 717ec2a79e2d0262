package usage

import (
	"go/ast"
	"go/types"
	"reflect"
	"strings"

	"golang.org/x/tools/go/packages"
)

// result is one type that a constructor provides, with the policy of its own
// that it carries as a field of a result struct.
type result struct {
	typ    types.Type
	policy string
}

// provided lists what a constructor provides, if that can be told.
func (f *finder) provided(p *packages.Package, ctor ast.Expr) ([]result, bool) {
	ctor = ast.Unparen(ctor)
	if call, ok := ctor.(*ast.CallExpr); ok {
		switch callee(p, call) {
		case annotateFunc:
			return f.annotated(p, call)
		case tagFunc: // tagged twice
			return f.provided(p, call.Args[0])
		}
	}
	if lit, ok := ctor.(*ast.CompositeLit); ok && isNamed(p.TypesInfo.TypeOf(lit), annotatedType) {
		return f.annotatedLiteral(p, lit)
	}
	typ := p.TypesInfo.TypeOf(ctor)
	if typ == nil {
		return nil, false
	}
	sig, ok := typ.Underlying().(*types.Signature)
	if !ok {
		return nil, false
	}
	known := true
	var found []result
	for v := range sig.Results().Variables() {
		for _, r := range flatten(v.Type()) {
			if _, generic := types.Unalias(r.typ).(*types.TypeParam); generic {
				known = false // whoever instantiates the function around it knows
				continue
			}
			found = append(found, r)
		}
	}
	return found, known
}

// annotated looks at fx.Annotate(ctor, fx.As(new(I)), fx.ResultTags(...)): with
// fx.As, the first results are provided as that.
func (f *finder) annotated(p *packages.Package, call *ast.CallExpr) ([]result, bool) {
	found, known := f.provided(p, call.Args[0])
	known = known && !call.Ellipsis.IsValid()
	var as []result
	for _, arg := range call.Args[1:] {
		annotation, ok := ast.Unparen(arg).(*ast.CallExpr)
		if !ok {
			known = false
			continue
		}
		switch callee(p, annotation) {
		case fxAsFunc:
			as = append(as, asTargets(p, annotation, found)...)
		case resultTagsFunc:
			for i, tag := range annotation.Args {
				if text, _ := constantString(p, tag); i < len(found) && flattens(text) {
					found[i].typ = elementOf(found[i].typ)
				}
			}
		}
	}
	if len(as) == 0 {
		return found, known
	}
	return as, known
}

// asTargets are the interfaces of fx.As(new(I), fx.Self()).
func asTargets(p *packages.Package, as *ast.CallExpr, found []result) []result {
	var targets []result
	for i, target := range as.Args {
		if call, ok := ast.Unparen(target).(*ast.CallExpr); ok && callee(p, call) == fxSelfFunc && i < len(found) {
			targets = append(targets, found[i])
		} else if ptr, ok := p.TypesInfo.TypeOf(target).(*types.Pointer); ok {
			targets = append(targets, result{typ: ptr.Elem()})
		}
	}
	return targets
}

func flattens(tag string) bool {
	return strings.HasSuffix(reflect.StructTag(tag).Get("group"), ",flatten")
}

// annotatedLiteral looks at fx.Annotated{Group: "...,flatten", Target: ctor}.
func (f *finder) annotatedLiteral(p *packages.Package, lit *ast.CompositeLit) ([]result, bool) {
	for _, element := range lit.Elts {
		kv, ok := element.(*ast.KeyValueExpr)
		if !ok || types.ExprString(kv.Key) != "Target" {
			continue
		}
		found, known := f.provided(p, kv.Value)
		for i := range found {
			if group := literalGroup(p, lit); strings.HasSuffix(group, ",flatten") {
				found[i].typ = elementOf(found[i].typ)
			}
		}
		return found, known
	}
	return nil, false
}

func literalGroup(p *packages.Package, lit *ast.CompositeLit) string {
	for _, element := range lit.Elts {
		if kv, ok := element.(*ast.KeyValueExpr); ok && types.ExprString(kv.Key) == "Group" {
			group, _ := constantString(p, kv.Value)
			return group
		}
	}
	return ""
}

// flatten takes result structs apart.
func flatten(t types.Type) []result {
	if types.Identical(t, types.Universe.Lookup("error").Type()) {
		return nil
	}
	if !embeds(t, outType) {
		return []result{{typ: t}}
	}
	var found []result
	s := t.Underlying().(*types.Struct)
	for i := range s.NumFields() {
		field, tag := s.Field(i), reflect.StructTag(s.Tag(i))
		if isNamed(field.Type(), outType) || !field.Exported() {
			continue
		}
		typ := field.Type()
		if flattens(string(tag)) {
			typ = elementOf(typ)
		}
		for _, r := range flatten(typ) {
			if own := tag.Get("policy"); own != "" {
				r.policy = own
			}
			found = append(found, r)
		}
	}
	return found
}

// elementOf is what a slice is made of, one level down.
func elementOf(t types.Type) types.Type {
	if s, ok := t.Underlying().(*types.Slice); ok {
		return s.Elem()
	}
	return t
}
