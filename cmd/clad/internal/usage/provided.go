package usage

import (
	"fmt"
	"go/ast"
	"go/types"
	"reflect"
	"strings"

	"golang.org/x/tools/go/packages"
)

// result is one type that a constructor provides, with the name or group under
// which it does, and the policy of its own that it carries as a field of a result
// struct.
type result struct {
	typ         types.Type
	name, group string
	policy      string
}

// tagged returns a result with what the tag of its field says, or that of
// fx.ResultTags.
func (r result) tagged(tag string) result {
	r.name = reflect.StructTag(tag).Get("name")
	group, options, _ := strings.Cut(reflect.StructTag(tag).Get("group"), ",")
	r.group = group
	if strings.Contains(options, "flatten") {
		r.typ = elementOf(r.typ)
	}
	return r
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
	var as []func() []result // once all tags are known
	for _, arg := range call.Args[1:] {
		annotation, ok := ast.Unparen(arg).(*ast.CallExpr)
		if !ok {
			known = false
			continue
		}
		switch callee(p, annotation) {
		case fxAsFunc:
			as = append(as, func() []result { return asTargets(p, annotation, found) })
		case resultTagsFunc:
			for i, tag := range annotation.Args {
				if text, _ := constantString(p, tag); i < len(found) {
					found[i] = found[i].tagged(text)
				}
			}
		}
	}
	if len(as) == 0 {
		return found, known
	}
	var provided []result
	for _, targets := range as {
		provided = append(provided, targets()...)
	}
	return provided, known
}

// asTargets are the interfaces of fx.As(new(I), fx.Self()).
func asTargets(p *packages.Package, as *ast.CallExpr, found []result) []result {
	var targets []result
	for i, target := range as.Args {
		if call, ok := ast.Unparen(target).(*ast.CallExpr); ok && callee(p, call) == fxSelfFunc && i < len(found) {
			targets = append(targets, found[i])
		} else if ptr, ok := p.TypesInfo.TypeOf(target).(*types.Pointer); ok {
			r := result{typ: ptr.Elem()}
			if i < len(found) {
				r.name, r.group = found[i].name, found[i].group
			}
			targets = append(targets, r)
		}
	}
	return targets
}

// annotatedLiteral looks at fx.Annotated{Name: "...", Target: ctor}, and Group.
func (f *finder) annotatedLiteral(p *packages.Package, lit *ast.CompositeLit) ([]result, bool) {
	for _, element := range lit.Elts {
		kv, ok := element.(*ast.KeyValueExpr)
		if !ok || types.ExprString(kv.Key) != "Target" {
			continue
		}
		found, known := f.provided(p, kv.Value)
		tag := fmt.Sprintf("name:%q group:%q", literalField(p, lit, "Name"), literalField(p, lit, "Group"))
		for i := range found {
			found[i] = found[i].tagged(tag)
		}
		return found, known
	}
	return nil, false
}

func literalField(p *packages.Package, lit *ast.CompositeLit, name string) string {
	for _, element := range lit.Elts {
		if kv, ok := element.(*ast.KeyValueExpr); ok && types.ExprString(kv.Key) == name {
			value, _ := constantString(p, kv.Value)
			return value
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
		if embeds(field.Type(), outType) {
			found = append(found, flatten(field.Type())...)
			continue
		}
		for _, r := range flatten(field.Type()) {
			r = r.tagged(string(tag))
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
